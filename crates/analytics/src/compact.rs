//! Folding the overlay into a new base.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use kernel::CustomerId;

use crate::base::{Base, Profile, Profiles};
use crate::bits::Bits;
use crate::delta::{Delta, Row};
use crate::facts::Facts;
use crate::feed::CapacityError;
use crate::list::SortKey;
use crate::rfm::{Rfm, base_cells};

/// Work that folds changed customers into a new base. It holds what it needs, so it runs while the
/// engine is read and changed.
#[derive(Debug)]
pub struct Compaction {
    base: Arc<Base>,
    dead: Bits,
    rows: Vec<(CustomerId, Arc<Row>)>,
    version: u64,
    scores: Option<Arc<Rfm>>,
    warm: Vec<SortKey>,
}

/// The result of a [`Compaction`], for [`crate::Engine::install`].
#[derive(Debug)]
pub struct Compacted {
    pub(crate) from: Arc<Base>,
    pub(crate) base: Base,
    /// The engine's version when the work was taken.
    pub(crate) version: u64,
    /// Cells of the new base under these scores.
    pub(crate) scores: Option<(Arc<Rfm>, Arc<Vec<u16>>)>,
}

/// What an installed compaction replaced, to be dropped when no lock is held.
#[derive(Debug)]
pub struct Retired {
    pub(crate) _base: Arc<Base>,
    pub(crate) _delta: Delta,
}

impl Compaction {
    pub(crate) fn new(
        base: &Arc<Base>,
        dead: &Bits,
        delta: &Delta,
        version: u64,
        scores: Option<&Arc<Rfm>>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            dead: dead.clone(),
            rows: delta.rows().map(|(id, row, _)| (id, Arc::clone(row))).collect(),
            version,
            scores: scores.cloned(),
            warm: base.warm_keys(),
        }
    }

    /// Does the work: a pass over all columns, and the orders of lists that were in use.
    ///
    /// # Errors
    /// More than the engine can hold in its base; the engine stays as it is.
    pub fn run(self) -> Result<Compacted, CapacityError> {
        let base = self.merge()?;
        base.prepare(&self.warm);
        let scores = self.scores.map(|scores| {
            let cells = Arc::new(base_cells(&base, None, scores.rules()));
            (scores, cells)
        });
        Ok(Compacted { from: self.base, base, version: self.version, scores })
    }

    fn merge(&self) -> Result<Base, CapacityError> {
        let old = &self.base;
        let customers = old.len() + self.rows.len();
        let changed = self.rows.iter().map(|(_, row)| row.bought.facts.len()).sum::<usize>();
        let mut new = Merged {
            profiles: Profiles::like(old, customers),
            facts: Facts::with_capacity(customers, old.facts.len() + changed, &old.facts),
            refunds: Facts::with_capacity(customers, old.refunds.len(), &old.refunds),
            kept: Vec::new(),
        };
        let mut dead = self.dead.iter_from(0).peekable();
        let mut at = 0;
        for (id, row) in &self.rows {
            let until = old.ids.partition_point(|own| own < id);
            new.keep(old, at..until, &mut dead)?;
            push_row(&mut new.profiles, [&mut new.facts, &mut new.refunds], *id, row)?;
            at = until;
        }
        new.keep(old, at..old.len(), &mut dead)?;
        new.move_sets(old);
        Ok(Base::new(new.profiles, new.facts, new.refunds))
    }
}

/// A new base that is being made.
struct Merged {
    profiles: Profiles,
    facts: Facts,
    refunds: Facts,
    /// Stretches of the old base, and where they begin in the new one.
    kept: Vec<(Range<usize>, usize)>,
}

impl Merged {
    /// Takes over a part of the old base but the dead, who come in turn.
    fn keep(
        &mut self,
        old: &Base,
        part: Range<usize>,
        dead: &mut Peekable<impl Iterator<Item = usize>>,
    ) -> Result<(), CapacityError> {
        let mut at = part.start;
        while at < part.end {
            let until = dead.peek().copied().unwrap_or(part.end).min(part.end);
            if at < until {
                self.kept.push((at..until, self.profiles.ids.len()));
                self.profiles.push_customers(old, at..until)?;
                self.facts.push_customers(&old.facts, at..until)?;
                self.refunds.push_customers(&old.refunds, at..until)?;
            }
            at = until;
            while at < part.end && dead.next_if_eq(&at).is_some() {
                at += 1;
            }
        }
        Ok(())
    }

    /// Takes over who has a tag, who refused something, and who may be contacted.
    fn move_sets(&mut self, old: &Base) {
        let place = |ordinal: usize| -> Option<u32> {
            let at = self.kept.partition_point(|(part, _)| part.end <= ordinal);
            let (part, new) = self.kept.get(at).filter(|(part, _)| part.contains(&ordinal))?;
            Some((new + ordinal - part.start) as u32)
        };
        for (tag, tagged) in &old.tags {
            let own = self.profiles.tags.entry(*tag).or_default();
            tagged.for_each(|ordinal| own.extend(place(ordinal)));
            own.sort();
        }
        self.profiles.tags.retain(|_, own| !own.is_empty());
        let refused =
            old.refused.iter().filter_map(|(ordinal, from)| Some((place(ordinal)?, from)));
        self.profiles.refused.0.extend(refused);
        self.profiles.refused.0.sort_unstable();
        self.profiles.contacts.join(old.contacts.moved(|ordinal| place(ordinal as usize)));
    }
}

pub(crate) fn push_row(
    profiles: &mut Profiles,
    [facts, refunds]: [&mut Facts; 2],
    id: CustomerId,
    row: &Row,
) -> Result<(), CapacityError> {
    profiles.push(&Profile {
        id,
        text: &row.text,
        province: &row.province,
        rating: row.rating,
        owner: row.owner,
        created: row.created,
        refused: row.refused,
        contact: &row.contact,
        loyalty: &row.loyalty,
    })?;
    row.tags.iter().for_each(|tag| profiles.tag_last(*tag));
    facts.push_row(&row.bought)?;
    refunds.push_row(&row.refunds)
}

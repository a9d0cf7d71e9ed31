//! Folding the overlay into a new base.

use std::sync::Arc;

use kernel::{CustomerId, TagId};

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
        for key in &self.warm {
            base.sorted(*key);
        }
        let scores = self.scores.map(|scores| {
            let cells = Arc::new(base_cells(&base, None, scores.rules()));
            (scores, cells)
        });
        Ok(Compacted { from: self.base, base, version: self.version, scores })
    }

    fn merge(&self) -> Result<Base, CapacityError> {
        let old = &self.base;
        let mut profiles = Profiles::default();
        let customers = old.len() + self.rows.len();
        let changed = self.rows.iter().map(|(_, row)| row.facts.len()).sum::<usize>();
        let mut facts = Facts::with_capacity(customers, old.facts.len() + changed, &old.facts);
        let tags = old_tags(old);
        let mut tags = tags.iter().peekable();
        let mut rows = self.rows.iter().peekable();
        for ordinal in 0..old.len() {
            while let Some((id, row)) = rows.next_if(|(id, _)| *id < old.ids[ordinal]) {
                push_row(&mut profiles, &mut facts, *id, row)?;
            }
            if self.dead.has(ordinal) {
                while tags.next_if(|(tagged, _)| *tagged as usize == ordinal).is_some() {}
                continue;
            }
            profiles.push(&Profile {
                id: old.ids[ordinal],
                text: old.text.entry(ordinal),
                province: old.provinces.value(old.province.get(ordinal)),
                rating: old.rating[ordinal],
                owner: *old.owners.value(old.owner.get(ordinal)),
                created: old.created.get(ordinal),
                refused: old.refused.get(ordinal),
            })?;
            while let Some((_, tag)) = tags.next_if(|(tagged, _)| *tagged as usize == ordinal) {
                profiles.tag_last(*tag);
            }
            facts.push_range(&old.facts, old.facts.range(ordinal))?;
        }
        for (id, row) in rows {
            push_row(&mut profiles, &mut facts, *id, row)?;
        }
        Ok(Base::new(profiles, facts))
    }
}

/// Tags by ordinal, to be walked along with the columns.
fn old_tags(old: &Base) -> Vec<(u32, TagId)> {
    let mut tags = Vec::new();
    for (tag, tagged) in &old.tags {
        tagged.for_each(|ordinal| tags.push((ordinal as u32, *tag)));
    }
    tags.sort_unstable();
    tags
}

fn push_row(
    profiles: &mut Profiles,
    facts: &mut Facts,
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
    })?;
    row.tags.iter().for_each(|tag| profiles.tag_last(*tag));
    facts.push_row(row)
}

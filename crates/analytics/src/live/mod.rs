//! Live membership: who belongs to audiences, kept as customers change and days pass, and what of that is still
//! to be told.
//!
//! [`Live`] holds one compressed set of members for each audience. A customer who changed is tested, nobody
//! else; a new day tests whom the time wheel names. What turned is *owed* until somebody has written it down
//! ([`Live::told`]): turning back before that owes nothing, so that entering and leaving alternate and each is
//! told once. No I/O: `flows::live` writes down and starts again from what was written.

mod bench;
mod roll;
#[cfg(test)]
mod tests;
mod wheel;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::{AudienceId, CustomerId, Reach};
use roaring::RoaringBitmap;

pub use bench::{LiveFigures, measure_live};

use crate::audience::{AsOf, AudienceError, Definitions, Node, RowPlan};
use crate::daily::day_number;
use crate::delta::Row;
use crate::engine::{Engine, Snapshot, View};
use roll::Roll;
use wheel::{HORIZON_DAYS, Wheel};

/// Beyond one in so many customers, asking an audience as a whole is quicker than testing them one by one.
const WHOLE_SHARE: u64 = 16;
/// So few are tested one by one in any case.
const FEW: u64 = 4_096;

/// Somebody came to belong to an audience or ceased to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// The audience.
    pub audience: AudienceId,
    /// The customer.
    pub customer: CustomerId,
    /// Entered, or left.
    pub entered: bool,
}

/// Audiences whose members are known at every moment.
#[derive(Debug)]
pub struct Live {
    as_of: AsOf,
    roll: Roll,
    wheel: Wheel,
    watched: BTreeMap<AudienceId, Watched>,
}

#[derive(Debug)]
struct Watched {
    plan: RowPlan,
    members: RoaringBitmap,
    /// In whom `members` differs from what was told.
    owed: RoaringBitmap,
}

impl Watched {
    fn replace(&mut self, members: RoaringBitmap) {
        self.owed ^= &self.members ^ &members;
        self.members = members;
    }

    /// Whether anything turned.
    fn set(&mut self, number: u32, is_in: bool) -> bool {
        if self.members.contains(number) == is_in {
            return false;
        }
        flip(&mut self.members, number);
        flip(&mut self.owed, number);
        true
    }

    fn told(&self) -> RoaringBitmap {
        &self.members ^ &self.owed
    }
}

/// The customers of a set as [`Live::told_set`] gave it, who have the numbers of `roll`, with what was told since, in
/// order; by id.
///
/// # Errors
/// If the bytes are no set.
pub fn members_told(
    roll: &[CustomerId],
    told: &[u8],
    since: impl IntoIterator<Item = (CustomerId, bool)>,
) -> Result<Vec<CustomerId>, std::io::Error> {
    let told = RoaringBitmap::deserialize_from(told)?;
    let mut members: Vec<CustomerId> =
        told.iter().filter_map(|number| roll.get(number as usize).copied()).collect();
    let since: BTreeMap<CustomerId, bool> = since.into_iter().collect();
    members.retain(|id| !since.contains_key(id));
    members.extend(since.into_iter().filter(|(_, entered)| *entered).map(|(id, _)| id));
    members.sort_unstable();
    Ok(members)
}

fn flip(set: &mut RoaringBitmap, number: u32) {
    if !set.insert(number) {
        set.remove(number);
    }
}

impl Live {
    /// No audience yet, as of a day.
    #[must_use]
    pub fn new(as_of: AsOf) -> Self {
        Self::with_roll(as_of, Vec::new())
    }

    /// No audience yet, with the numbers of customers as [`Live::roll_from`] gave them.
    #[must_use]
    pub fn with_roll(as_of: AsOf, roll: Vec<CustomerId>) -> Self {
        Self { as_of, roll: Roll::of(roll), wheel: Wheel::default(), watched: BTreeMap::new() }
    }

    /// The day and zone as of which everything is.
    #[must_use]
    pub const fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// Watches an audience, or watches it by another definition. All customers are asked: who belongs and was not
    /// told to, and the other way round, is owed; nobody was told of an audience that was not watched.
    ///
    /// # Errors
    /// As [`Snapshot::audience`]; then nothing changed.
    pub fn watch(
        &mut self,
        engine: &Snapshot,
        audience: AudienceId,
        tree: Node,
        named: Arc<Definitions>,
    ) -> Result<(), AudienceError> {
        let plan = RowPlan::new(engine.view(), tree, named, self.as_of)?;
        let members = ask(&mut self.roll, engine, &plan, self.as_of)?;
        match self.watched.get_mut(&audience) {
            Some(watched) => {
                watched.plan = plan;
                watched.replace(members);
            }
            None => {
                let owed = members.clone();
                self.watched.insert(audience, Watched { plan, members, owed });
            }
        }
        Ok(())
    }

    /// Watches an audience no longer; what was owed of it is forgotten.
    pub fn forget(&mut self, audience: AudienceId) {
        self.watched.remove(&audience);
    }

    /// Whether an audience is watched by this definition.
    #[must_use]
    pub fn is_watched_by(&self, audience: AudienceId, tree: &Node, named: &Definitions) -> bool {
        let watched = self.watched.get(&audience);
        watched.is_some_and(|w| w.plan.tree() == tree && **w.plan.named() == *named)
    }

    /// The audiences watched.
    pub fn audiences(&self) -> impl Iterator<Item = AudienceId> + '_ {
        self.watched.keys().copied()
    }

    /// Takes everything of an audience as told: its present members are where transitions begin.
    pub fn settle(&mut self, audience: AudienceId) {
        if let Some(watched) = self.watched.get_mut(&audience) {
            watched.owed.clear();
        }
    }

    /// Says who was told to belong to an audience, as [`Live::told_set`] gave it, and what was told since, in
    /// order. What differs from that now is owed.
    ///
    /// # Errors
    /// If the bytes are no set.
    pub fn was_told(
        &mut self,
        audience: AudienceId,
        told: &[u8],
        since: &[Transition],
    ) -> Result<(), std::io::Error> {
        let mut told = RoaringBitmap::deserialize_from(told)?;
        for one in since.iter().filter(|one| one.audience == audience) {
            let number = self.roll.number_or_new(one.customer);
            if one.entered {
                told.insert(number);
            } else {
                told.remove(number);
            }
        }
        if let Some(watched) = self.watched.get_mut(&audience) {
            watched.owed = told ^ &watched.members;
        }
        Ok(())
    }

    /// Who was told to belong to an audience, by numbers of the roll, as bytes of a roaring bitmap in its
    /// portable format.
    #[must_use]
    pub fn told_set(&self, audience: AudienceId) -> Option<Vec<u8>> {
        let told = self.watched.get(&audience)?.told();
        let mut bytes = Vec::with_capacity(told.serialized_size());
        // Writing into memory does not fail.
        told.serialize_into(&mut bytes).ok()?;
        Some(bytes)
    }

    /// How many customers have numbers.
    #[must_use]
    pub fn roll_len(&self) -> usize {
        self.roll.len()
    }

    /// The customers by their numbers, from one on.
    pub fn roll_from(&self, number: usize) -> impl Iterator<Item = CustomerId> + '_ {
        self.roll.from(number)
    }

    /// Tests customers who changed; those whom the engine does not know any more left everything. Gives how many
    /// memberships turned. Takes the time of the engine's lock: a hundred customers and two hundred audiences
    /// some milliseconds.
    pub fn touch(&mut self, engine: &Engine, customers: &[CustomerId]) -> usize {
        let view = engine.view();
        let (today, zone) = (self.today(), self.as_of.zone);
        let mut turned = 0;
        for id in customers {
            let read;
            let row: Option<(&Row, u16)> = match view.delta.get(*id) {
                Some(entry) => entry.row.as_deref().map(|row| (row, entry.cell)),
                None => {
                    read = view.row_of(*id);
                    read.as_ref().map(|(row, cell)| (row, *cell))
                }
            };
            let Some((row, cell)) = row else {
                if let Some(number) = self.roll.number(*id) {
                    let all = self.watched.values_mut();
                    turned += all.map(|w| usize::from(w.set(number, false))).sum::<usize>();
                }
                continue;
            };
            let number = self.roll.number_or_new(*id);
            self.wheel.note(number, row, zone, today);
            for watched in self.watched.values_mut() {
                let is_in = watched.plan.passes(*id, row, cell);
                turned += usize::from(watched.set(number, is_in));
            }
        }
        turned
    }

    /// After scores were set: asks the audiences that look at tiers or cells as a whole, for the scores of anybody
    /// may have changed.
    ///
    /// # Errors
    /// None of a definition that was watched.
    pub fn rescored(&mut self, engine: &Snapshot) -> Result<(), AudienceError> {
        for watched in self.watched.values_mut().filter(|watched| watched.plan.by_scores()) {
            watched.plan.rescore(engine.view(), self.as_of);
            let members = ask(&mut self.roll, engine, &watched.plan, self.as_of)?;
            watched.replace(members);
        }
        Ok(())
    }

    /// Asks all audiences as a whole: after the engine was loaded anew.
    ///
    /// # Errors
    /// None of a definition that was watched.
    pub fn renew(&mut self, engine: &Snapshot, as_of: AsOf) -> Result<(), AudienceError> {
        self.as_of = as_of;
        for watched in self.watched.values_mut() {
            watched.plan.move_to(as_of);
            watched.plan.rescore(engine.view(), as_of);
            let members = ask(&mut self.roll, engine, &watched.plan, as_of)?;
            watched.replace(members);
        }
        self.fill(engine.view());
        Ok(())
    }

    /// Lets it become another day: tests whom the wheel names. A day far off, an earlier one and another zone ask all
    /// audiences as a whole.
    ///
    /// # Errors
    /// None of a definition that was watched.
    pub fn turn_to(&mut self, engine: &Snapshot, as_of: AsOf) -> Result<(), AudienceError> {
        if as_of == self.as_of {
            return Ok(());
        }
        let day = number_of(as_of);
        let far = day < self.today() || day > self.today() + HORIZON_DAYS;
        if far || as_of.zone != self.as_of.zone {
            return self.renew(engine, as_of);
        }
        // Several days may pass at once.
        if !self.wheel.covers(day, &self.lengths()) {
            self.fill(engine.view());
        }
        let due = self.wheel.take(day);
        self.as_of = as_of;
        let mut candidates = BTreeMap::new();
        let mut everybody = RoaringBitmap::new();
        for (id, watched) in &mut self.watched {
            watched.plan.move_to(as_of);
            let mut own = RoaringBitmap::new();
            watched.plan.lengths().iter().filter_map(|n| due.get(n)).for_each(|set| own |= set);
            everybody |= &own;
            candidates.insert(*id, own);
        }
        if everybody.len() > FEW.max(self.roll.len() as u64 / WHOLE_SHARE) {
            for (id, _) in candidates.iter().filter(|(_, own)| !own.is_empty()) {
                if let Some(watched) = self.watched.get_mut(id) {
                    let members = ask(&mut self.roll, engine, &watched.plan, as_of)?;
                    watched.replace(members);
                }
            }
        } else {
            self.test(engine.view(), &everybody, &candidates);
        }
        self.ready(engine);
        Ok(())
    }

    fn test(
        &mut self,
        view: View<'_>,
        everybody: &RoaringBitmap,
        candidates: &BTreeMap<AudienceId, RoaringBitmap>,
    ) {
        for number in everybody {
            let Some(id) = self.roll.id(number) else { continue };
            let row = view.row_of(id);
            for (audience, watched) in &mut self.watched {
                if candidates.get(audience).is_some_and(|own| own.contains(number)) {
                    let passes = |(row, cell): &(Row, u16)| watched.plan.passes(id, row, *cell);
                    let is_in = row.as_ref().is_some_and(passes);
                    watched.set(number, is_in);
                }
            }
        }
    }

    /// Fills the wheel where it knows too little of the days to come. [`Live::turn_to`] does so too; done before, the
    /// turn of the day takes less.
    pub fn ready(&mut self, engine: &Snapshot) {
        let tomorrow = self.today() + 1;
        if !self.wheel.covers(tomorrow, &self.lengths()) {
            self.fill(engine.view());
        }
    }

    fn fill(&mut self, view: View<'_>) {
        let lengths = self.lengths();
        let today = self.today();
        self.roll.share(&view.base.ids);
        self.wheel.fill(view, &mut self.roll, self.as_of.zone, today, lengths);
    }

    fn lengths(&self) -> BTreeSet<u32> {
        self.watched.values().flat_map(|watched| watched.plan.lengths()).copied().collect()
    }

    fn today(&self) -> i64 {
        number_of(self.as_of)
    }

    /// What is owed, at most so many; audience by audience, each by number.
    #[must_use]
    pub fn owed(&self, most: usize) -> Vec<Transition> {
        let of = |(audience, watched): (&AudienceId, &Watched)| {
            let entered = |number| watched.members.contains(number);
            let turned = watched.owed.iter().map(|number| (number, entered(number)));
            turned.map(|turned| (*audience, turned)).take(most).collect::<Vec<_>>()
        };
        let all = self.watched.iter().filter(|(_, watched)| !watched.owed.is_empty()).flat_map(of);
        all.take(most)
            .filter_map(|(audience, (number, entered))| {
                Some(Transition { audience, customer: self.roll.id(number)?, entered })
            })
            .collect()
    }

    /// How many are owed.
    #[must_use]
    pub fn owes(&self) -> u64 {
        self.watched.values().map(|watched| watched.owed.len()).sum()
    }

    /// These were written down, and are owed no longer.
    pub fn told(&mut self, transitions: &[Transition]) {
        for one in transitions {
            if let Some(watched) = self.watched.get_mut(&one.audience)
                && let Some(number) = self.roll.number(one.customer)
            {
                watched.owed.remove(number);
            }
        }
    }

    /// How many belong to an audience; `None` if it is not watched.
    #[must_use]
    pub fn size(&self, audience: AudienceId) -> Option<u64> {
        self.watched.get(&audience).map(|watched| watched.members.len())
    }

    /// Whether a customer belongs to an audience that is watched.
    #[must_use]
    pub fn has(&self, audience: AudienceId, customer: CustomerId) -> bool {
        let number = self.roll.number(customer);
        let watched = self.watched.get(&audience);
        watched.zip(number).is_some_and(|(watched, number)| watched.members.contains(number))
    }

    /// Who belongs to an audience that is watched, by number.
    pub fn members(&self, audience: AudienceId) -> impl Iterator<Item = CustomerId> + '_ {
        let members = self.watched.get(&audience).into_iter().flat_map(|w| &w.members);
        members.filter_map(|number| self.roll.id(number))
    }

    /// Bytes held, the ids shared with the engine included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let sets = self.watched.values();
        let sets = sets.map(|w| w.members.serialized_size() + w.owed.serialized_size());
        sets.sum::<usize>() + self.roll.memory_bytes() + self.wheel.memory_bytes()
    }
}

fn number_of(as_of: AsOf) -> i64 {
    day_number(as_of.end_ms() - 1, as_of.zone)
}

fn ask(
    roll: &mut Roll,
    engine: &Snapshot,
    plan: &RowPlan,
    as_of: AsOf,
) -> Result<RoaringBitmap, AudienceError> {
    roll.share(&engine.view().base.ids);
    let members = engine.audience(plan.tree(), plan.named(), as_of, &Reach::ALL)?;
    Ok(roll.members(&members))
}

//! The time wheel: whom to test on which day.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Zone;
use roaring::RoaringBitmap;

use super::roll::Roll;
use crate::audience::moments_of;
use crate::daily::day_number;
use crate::delta::Row;
use crate::engine::View;

/// Days for which the wheel is filled ahead.
pub(super) const HORIZON_DAYS: i64 = 32;

/// Nothing but the passing of days changes what a condition with a window of `n` days says, and only `n` days
/// after an order, a beginning or a refusal of the customer (0 days for what lies in the future). So a slot
/// is a day and a length, whatever audience asks: an audience looks into the slots of its lengths. The slots
/// of the next [`HORIZON_DAYS`] are filled by one pass over all moments, and again when they are used up; customers
/// who change in between are put into theirs. Who has no reason to be there any more is tested in vain.
#[derive(Debug, Default)]
pub(super) struct Wheel {
    slots: BTreeMap<(i64, u32), RoaringBitmap>,
    lengths: BTreeSet<u32>,
    /// The last day that has slots, in days since 1970-01-01.
    until: i64,
}

impl Wheel {
    /// Whether what comes on the days up to `day` is known for all of `lengths`.
    pub(super) fn covers(&self, day: i64, lengths: &BTreeSet<u32>) -> bool {
        day <= self.until && lengths.is_subset(&self.lengths)
    }

    /// Fills it anew for the days after `today`.
    pub(super) fn fill(
        &mut self,
        view: View<'_>,
        roll: &mut Roll,
        zone: Zone,
        today: i64,
        lengths: BTreeSet<u32>,
    ) {
        self.slots.clear();
        self.until = today + HORIZON_DAYS;
        self.lengths = lengths;
        let all: Vec<u32> = self.lengths.iter().copied().collect();
        let Some(longest) = all.last().map(|length| i64::from(*length)) else { return };
        // For each age in days, those yet to come first: the slots that it will fall into.
        let ages = -HORIZON_DAYS..longest;
        let slot = |nth: usize, ahead: i64| nth * HORIZON_DAYS as usize + ahead as usize - 1;
        let falls = |age: i64| -> Vec<usize> {
            let ahead = |(nth, length): (usize, &u32)| (nth, i64::from(*length) - age);
            let is_near = |(_, ahead): &(usize, i64)| (1..=HORIZON_DAYS).contains(ahead);
            all.iter().enumerate().map(ahead).filter(is_near).map(|(n, a)| slot(n, a)).collect()
        };
        let falls: Vec<Vec<usize>> = ages.clone().map(falls).collect();
        let mut filled = vec![RoaringBitmap::new(); all.len() * HORIZON_DAYS as usize];
        {
            let mut number_of = roll.numbers_of(&view.base.ids);
            for ordinal in 0..view.base.len() {
                if view.dead.has(ordinal) {
                    continue;
                }
                let number = number_of(ordinal);
                moments_of(view, ordinal, |at| {
                    let age = today - day_number(at, zone);
                    if ages.contains(&age) {
                        for slot in &falls[(age - ages.start) as usize] {
                            filled[*slot].insert(number);
                        }
                    }
                });
            }
        }
        for (nth, length) in all.iter().enumerate() {
            for ahead in 1..=HORIZON_DAYS {
                let set = std::mem::take(&mut filled[slot(nth, ahead)]);
                if !set.is_empty() {
                    self.slots.insert((today + ahead, *length), set);
                }
            }
        }
        for (id, row, _) in view.delta.rows() {
            let number = roll.number_or_new(id);
            self.note(number, row, zone, today);
        }
    }

    /// Puts a customer who changed into the slots to come.
    pub(super) fn note(&mut self, number: u32, row: &Row, zone: Zone, today: i64) {
        for at in row.moments() {
            let day = day_number(at, zone);
            for length in &self.lengths {
                let due = day.saturating_add(i64::from(*length));
                if due > today && due <= self.until {
                    self.slots.entry((due, *length)).or_default().insert(number);
                }
            }
        }
    }

    /// Takes out whom to test once it is `day`, by length.
    pub(super) fn take(&mut self, day: i64) -> BTreeMap<u32, RoaringBitmap> {
        let rest = self.slots.split_off(&(day + 1, 0));
        let mut due: BTreeMap<u32, RoaringBitmap> = BTreeMap::new();
        for ((_, length), set) in std::mem::replace(&mut self.slots, rest) {
            *due.entry(length).or_default() |= set;
        }
        due
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.values().map(|set| set.serialized_size() + 64).sum()
    }
}

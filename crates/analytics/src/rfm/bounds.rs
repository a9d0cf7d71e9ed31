//! Bounds between bins of equally many customers, found without sorting all of them.

use std::ops::Range;

use super::compute::each_of_block;
use super::quantile::{Bound, bounds, ranks};
use super::whole::Whole;
use super::{Values, Window};
use crate::blocks;
use crate::engine::View;
use crate::facts::NO_ORDER;

/// R, F and M of a customer.
pub(super) fn three(values: Values) -> [i64; 3] {
    [values.recency_days, i64::from(values.orders), values.revenue_minor]
}

pub(super) fn quantile_bounds(
    view: View<'_>,
    window: &Window,
    bins: u8,
    unit: i64,
) -> [Vec<Bound>; 3] {
    match Whole::new(view, window) {
        Some(whole) => of_slots(&whole, bins, unit),
        None => of_slots(&Scaled::new(view, window), bins, unit),
    }
}

/// Customers whose values lie in slots, which rise with the values.
pub(super) trait Slotted {
    /// How many are in each slot of each dimension.
    fn count(&self) -> [Vec<u32>; 3];
    /// The value of a slot that has no other.
    fn only(&self, dimension: usize, slot: usize) -> Option<i64>;
    /// The values in the slots wanted, in any order.
    fn collect(&self, wanted: &[Vec<bool>; 3]) -> [Vec<i64>; 3];
}

/// First how many are in each slot, then the values themselves where a slot that holds a rank has more than one.
fn of_slots(slotted: &impl Slotted, bins: u8, unit: i64) -> [Vec<Bound>; 3] {
    let counts = slotted.count();
    let n = counts[0].iter().map(|count| *count as usize).sum();
    let ranks = ranks(n, bins);
    let wanted: [Wanted; 3] = std::array::from_fn(|dimension| {
        Wanted::new(&counts[dimension], &ranks, |slot| slotted.only(dimension, slot))
    });
    let mut found = [(); 3].map(|()| Vec::new());
    if wanted.iter().any(|wanted| wanted.collected.contains(&true)) {
        found = slotted.collect(&wanted.each_ref().map(|wanted| wanted.collected.clone()));
    }
    std::array::from_fn(|dimension| {
        found[dimension].sort_unstable();
        let unit = if dimension == 2 { unit } else { 1 };
        bounds(n, bins, unit, |rank| wanted[dimension].value(rank, &found[dimension]))
    })
}

/// Where the values of some ranks are.
struct Wanted {
    /// Of each slot: its value, if it has no other.
    only: Vec<Option<i64>>,
    /// Of each slot: customers in the slots before it.
    before: Vec<usize>,
    /// Of each slot: whether its values are collected.
    collected: Vec<bool>,
    /// Of each slot: values collected of the slots before it.
    collected_before: Vec<usize>,
}

impl Wanted {
    fn new(slots: &[u32], ranks: &[usize], only: impl Fn(usize) -> Option<i64>) -> Self {
        let mut wanted = Self {
            only: vec![None; slots.len()],
            before: Vec::with_capacity(slots.len()),
            collected: vec![false; slots.len()],
            collected_before: Vec::with_capacity(slots.len()),
        };
        let mut before = 0;
        for count in slots {
            wanted.before.push(before);
            before += *count as usize;
        }
        for rank in ranks {
            let slot = wanted.slot_of(*rank);
            wanted.only[slot] = only(slot);
            wanted.collected[slot] = wanted.only[slot].is_none();
        }
        let mut collected = 0;
        for (is_collected, count) in wanted.collected.iter().zip(slots) {
            wanted.collected_before.push(collected);
            collected += if *is_collected { *count as usize } else { 0 };
        }
        wanted
    }

    /// The slot that holds a rank.
    fn slot_of(&self, rank: usize) -> usize {
        self.before.partition_point(|before| *before <= rank).saturating_sub(1)
    }

    /// The value of a rank, from those collected, sorted.
    fn value(&self, rank: usize, collected: &[i64]) -> i64 {
        let slot = self.slot_of(rank);
        self.only[slot]
            .unwrap_or_else(|| collected[self.collected_before[slot] + rank - self.before[slot]])
    }
}

/// Values in slots of equal width, for windows that have to look at single orders.
struct Scaled<'a> {
    view: View<'a>,
    window: &'a Window,
    scales: [Scale; 3],
}

impl<'a> Scaled<'a> {
    fn new(view: View<'a>, window: &'a Window) -> Self {
        let base = view.base;
        let moment = |at: i64| if at == NO_ORDER { 0 } else { at };
        // More slots than customers would only cost time.
        let slots = base.len().next_power_of_two().clamp(64, Scale::SLOTS_MAX);
        let days = [base.latest, base.earliest].map(|at| window.recency_days(moment(at)));
        let m = base.revenues();
        let scales = [
            Scale::new(days[0], days[1], slots),
            Scale::new(0, slots as i64 - 1, slots),
            Scale::new(m.0, m.1, slots),
        ];
        Self { view, window, scales }
    }

    fn each(&self, block: Range<usize>, add: &mut impl FnMut([i64; 3])) {
        let View { base, dead, .. } = self.view;
        each_of_block(base, Some(dead), self.window, block, |_, values| add(three(values)));
    }

    fn rows(&self, add: impl FnMut([i64; 3])) {
        let values = self.view.delta.rows().filter_map(|(_, row, _)| row.values(self.window));
        values.map(three).for_each(add);
    }

    fn count_into(&self, slots: &mut [Vec<u32>; 3], values: [i64; 3]) {
        for ((slots, scale), value) in slots.iter_mut().zip(&self.scales).zip(values) {
            slots[scale.slot(value)] += 1;
        }
    }
}

impl Slotted for Scaled<'_> {
    fn count(&self) -> [Vec<u32>; 3] {
        let parts = blocks::sums(
            self.view.base.len(),
            || self.scales.map(|scale| vec![0; scale.slots]),
            |slots, block| self.each(block, &mut |values| self.count_into(slots, values)),
        );
        let mut slots = joined(parts);
        self.rows(|values| self.count_into(&mut slots, values));
        slots
    }

    fn only(&self, dimension: usize, slot: usize) -> Option<i64> {
        self.scales[dimension].only(slot)
    }

    fn collect(&self, wanted: &[Vec<bool>; 3]) -> [Vec<i64>; 3] {
        let pick = |found: &mut [Vec<i64>; 3], values: [i64; 3]| {
            for (dimension, value) in values.into_iter().enumerate() {
                if wanted[dimension][self.scales[dimension].slot(value)] {
                    found[dimension].push(value);
                }
            }
        };
        let parts = blocks::sums(self.view.base.len(), Default::default, |found, block| {
            self.each(block, &mut |values| pick(found, values));
        });
        let mut found = appended(parts);
        self.rows(|values| pick(&mut found, values));
        found
    }
}

/// Counts of several threads as one.
pub(super) fn joined(parts: Vec<[Vec<u32>; 3]>) -> [Vec<u32>; 3] {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        for (slots, others) in all.iter_mut().zip(part) {
            slots.iter_mut().zip(others).for_each(|(slot, other)| *slot += other);
        }
    }
    all
}

/// Values of several threads as one.
pub(super) fn appended(parts: Vec<[Vec<i64>; 3]>) -> [Vec<i64>; 3] {
    let mut all: [Vec<i64>; 3] = Default::default();
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
    }
    all
}

/// Slots of equal width over a range of values; what lies outside is in the first or the last.
#[derive(Clone, Copy)]
struct Scale {
    least: i64,
    shift: u32,
    slots: usize,
}

impl Scale {
    const SLOTS_MAX: usize = 1 << 14;

    fn new(least: i64, greatest: i64, slots: usize) -> Self {
        let width = greatest.saturating_sub(least).max(0) as u64 / slots as u64 + 1;
        Self { least, shift: width.next_power_of_two().trailing_zeros(), slots }
    }

    #[inline]
    fn slot(self, value: i64) -> usize {
        let above = value.saturating_sub(self.least).max(0) >> self.shift;
        (above as usize).min(self.slots - 1)
    }

    /// The value of a slot that holds one value only.
    fn only(self, slot: usize) -> Option<i64> {
        let inside = slot > 0 && slot < self.slots - 1;
        (inside && self.shift == 0).then(|| self.least + slot as i64)
    }
}

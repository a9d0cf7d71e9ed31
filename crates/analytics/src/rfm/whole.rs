//! Scores of a window that all orders lie in: the features of customers answer, mostly by their sketches.

use super::bounds::{Slotted, appended, joined};
use super::compute::Sums;
use super::{Rules, Values, Window};
use crate::base::Base;
use crate::bits::Bits;
use crate::blocks;
use crate::delta::Row;
use crate::engine::View;
use crate::list::{SortKey, Within};
use crate::sketch::{CODES, EMPTY, Ranges, Sketch, widen};

/// The columns of R, F and M.
const KEYS: [SortKey; 3] = [SortKey::LastOrderAt, SortKey::Orders, SortKey::Revenue];

/// Customers seen by the whole window.
pub(super) struct Whole<'a> {
    view: View<'a>,
    window: &'a Window,
    sketches: [&'a Sketch; 3],
    /// R, F and M of the customers of each code, the overlay's included. Those of R fall as codes rise.
    ranges: [Box<Ranges>; 3],
}

impl<'a> Whole<'a> {
    /// `None` if the window leaves out an order of the base.
    pub(super) fn new(view: View<'a>, window: &'a Window) -> Option<Self> {
        let base = view.base;
        if window.shop.is_some() || base.latest >= window.end_ms {
            return None;
        }
        let sketches = KEYS.map(|key| base.sketch(key));
        let mut ranges = sketches.map(|sketch| sketch.ranges.clone());
        for (low, high) in ranges[0].iter_mut().filter(|range| range.0 <= range.1) {
            (*low, *high) = (window.recency_days(*high), window.recency_days(*low));
        }
        let mut whole = Self { view, window, sketches, ranges };
        for (_, row, _) in view.delta.rows() {
            if let Some((codes, values)) = whole.codes_of(row) {
                for ((ranges, code), value) in whole.ranges.iter_mut().zip(codes).zip(values) {
                    widen(&mut ranges[usize::from(code)], value);
                }
            }
        }
        Some(whole)
    }

    /// Codes and values of a customer of the overlay, all of whose orders in the window are counted.
    fn codes_of(&self, row: &Row) -> Option<([u8; 3], [i64; 3])> {
        let own = row.values(self.window)?;
        let last = row.bought.facts.iter().rev().map(|fact| fact.ordered_at.millis());
        let last = last.into_iter().find(|at| *at < self.window.end_ms)?;
        let raw = [last, i64::from(own.orders), own.revenue_minor];
        let codes = std::array::from_fn(|dimension| self.sketches[dimension].code(raw[dimension]));
        Some((codes, super::bounds::three(own)))
    }

    /// Those of a block who have ordered and did not change since.
    fn looked_at(&self, start: usize, len: usize) -> Bits {
        let mut bits = Bits::all(len);
        bits.and_not_part(self.view.dead, start);
        bits.and_not_part(&self.view.base.without_orders, start);
        bits
    }

    fn raw(base: &Base, dimension: usize, ordinal: usize) -> i64 {
        match dimension {
            0 => base.last.get(ordinal),
            1 => i64::from(base.facts.orders(ordinal)),
            _ => base.revenue.get(ordinal),
        }
    }

    fn values(&self, ordinal: usize) -> Values {
        let base = self.view.base;
        Values {
            recency_days: self.window.recency_days(base.last.get(ordinal)),
            orders: base.facts.orders(ordinal),
            revenue_minor: base.revenue.get(ordinal),
        }
    }

    /// Scores those in `within` into `cells`; what each thread added up.
    pub(super) fn score(&self, within: &Within<'_>, rules: &Rules, cells: &mut [u16]) -> Vec<Sums> {
        let base = self.view.base;
        let tables: [Box<[u16; CODES]>; 3] =
            std::array::from_fn(|dimension| self.table(dimension, rules));
        let [r, f, m] = &tables;
        let codes = self.sketches.map(|sketch| &sketch.codes);
        blocks::fill(cells, Sums::new, |sums, start, cells| {
            let mut bits = self.looked_at(start, cells.len());
            within.retain_part(&mut bits, start);
            let [r_codes, f_codes, m_codes] = codes.map(|codes| &codes[start..start + cells.len()]);
            for at in bits.iter_from(0) {
                let of_r = r[usize::from(r_codes[at])];
                let of_f = f[usize::from(f_codes[at])];
                let of_m = m[usize::from(m_codes[at])];
                let code = if of_r == 0 || of_f == 0 || of_m == 0 {
                    rules.score(self.values(start + at)).code()
                } else {
                    of_r | of_f | of_m
                };
                let (orders, revenue) =
                    (base.facts.orders(start + at), base.revenue.get(start + at));
                cells[at] = sums.add_amounts(code, orders, revenue);
            }
        })
    }

    /// Of each code, its part of the code of a cell; 0 if its customers have more than one score.
    fn table(&self, dimension: usize, rules: &Rules) -> Box<[u16; CODES]> {
        let part = |value: i64| {
            let zero = Values { recency_days: 0, orders: 0, revenue_minor: 0 };
            let score = match dimension {
                0 => rules.score(Values { recency_days: value, ..zero }).r,
                1 => rules.score(Values { orders: value as u32, ..zero }).f,
                _ => rules.score(Values { revenue_minor: value, ..zero }).m,
            };
            u16::from(score) << (8 - 4 * dimension)
        };
        Box::new(std::array::from_fn(|code| match self.ranges[dimension][code] {
            (low, high) if low <= high && part(low) == part(high) => part(low),
            _ => 0,
        }))
    }

    /// The code of a slot and the other way round: slots rise with values.
    const fn turned(dimension: usize, code: usize) -> usize {
        if dimension == 0 { CODES - 1 - code } else { code }
    }
}

impl Slotted for Whole<'_> {
    fn count(&self) -> [Vec<u32>; 3] {
        let parts = blocks::sums(
            self.view.base.len(),
            || [(); 3].map(|()| vec![0; CODES]),
            |counts, block| {
                let bits = self.looked_at(block.start, block.len());
                let codes = self.sketches.map(|sketch| &sketch.codes[block.clone()]);
                let [r, f, m] = counts;
                for at in bits.iter_from(0) {
                    r[usize::from(codes[0][at])] += 1;
                    f[usize::from(codes[1][at])] += 1;
                    m[usize::from(codes[2][at])] += 1;
                }
            },
        );
        let mut counts = joined(parts);
        for (_, row, _) in self.view.delta.rows() {
            if let Some((codes, _)) = self.codes_of(row) {
                counts.iter_mut().zip(codes).for_each(|(of, code)| of[usize::from(code)] += 1);
            }
        }
        // Recency falls as the moment of the last order rises.
        counts[0].reverse();
        counts
    }

    fn only(&self, dimension: usize, slot: usize) -> Option<i64> {
        let (low, high) = self.ranges[dimension][Self::turned(dimension, slot)];
        (low == high && (low, high) != EMPTY).then_some(low)
    }

    fn collect(&self, wanted: &[Vec<bool>; 3]) -> [Vec<i64>; 3] {
        let base = self.view.base;
        let marks: [[bool; CODES]; 3] = std::array::from_fn(|dimension| {
            std::array::from_fn(|code| wanted[dimension][Self::turned(dimension, code)])
        });
        let value = |dimension: usize, raw: i64| match dimension {
            0 => self.window.recency_days(raw),
            _ => raw,
        };
        let parts = blocks::sums(base.len(), <[Vec<i64>; 3]>::default, |found, block| {
            let looked_at = self.looked_at(block.start, block.len());
            for dimension in 0..3 {
                if !marks[dimension].contains(&true) {
                    continue;
                }
                let mut bits = looked_at.clone();
                let codes = &self.sketches[dimension].codes[block.clone()];
                bits.retain_by(codes, |code| marks[dimension][usize::from(code)]);
                found[dimension].extend(
                    bits.iter_from(0)
                        .map(|at| value(dimension, Self::raw(base, dimension, block.start + at))),
                );
            }
        });
        let mut found = appended(parts);
        for (_, row, _) in self.view.delta.rows() {
            let Some((codes, values)) = self.codes_of(row) else { continue };
            for dimension in 0..3 {
                if marks[dimension][usize::from(codes[dimension])] {
                    found[dimension].push(values[dimension]);
                }
            }
        }
        found
    }
}

//! A column in one byte a customer, which settles most comparisons without reading the column itself.

use std::ops::Range;

use crate::bits::Bits;
use crate::blocks;

/// Customers whose values choose the bounds.
const SAMPLED: usize = 1 << 14;
/// In the codes: no value.
pub(crate) const NO_VALUE: u8 = 0;
/// The codes.
pub(crate) const CODES: usize = 256;

/// The values of a column in 255 classes of about equally many customers. Codes rise with values, so a range of
/// values is a range of codes, and only the classes at its two ends have to look at the values.
#[derive(Debug, Clone)]
pub(crate) struct Sketch {
    pub(crate) codes: Vec<u8>,
    /// The greatest values of all classes but the last, rising, filled up with the greatest number.
    bounds: Box<[i64; CODES]>,
    /// The least and the greatest value of each code; the first is above the second where there is none.
    pub(crate) ranges: Box<Ranges>,
}

/// The least and the greatest value of each code.
pub(crate) type Ranges = [(i64, i64); CODES];

/// What is kept of the distance between values of one class; where it may be greater, values are compared themselves.
const EXCESS_MAX: u64 = u32::MAX as u64;

/// Of no values.
pub(crate) const EMPTY: (i64, i64) = (i64::MAX, i64::MIN);

/// What codes say of a range of values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    No,
    Yes,
    Ask,
}

impl Sketch {
    /// Of the column whose values are `value`.
    pub(crate) fn new(len: usize, value: impl Fn(usize) -> Option<i64> + Sync) -> Self {
        let step = len.div_ceil(SAMPLED).max(1);
        let mut sample: Vec<i64> = (0..len).step_by(step).filter_map(&value).collect();
        sample.sort_unstable();
        let mut bounds = Box::new([i64::MAX; CODES]);
        let mut distinct = sample.clone();
        distinct.dedup();
        if distinct.len() < CODES - 1 {
            bounds[..distinct.len()].copy_from_slice(&distinct);
        } else {
            let mut chosen: Vec<i64> =
                (1..CODES - 1).map(|class| sample[class * sample.len() / (CODES - 1)]).collect();
            chosen.dedup();
            bounds[..chosen.len()].copy_from_slice(&chosen);
        }
        let parts = blocks::each(len, |block| {
            let mut ranges = [EMPTY; CODES];
            let code = |ordinal: usize| {
                let Some(value) = value(ordinal) else { return NO_VALUE };
                let code = code_of(&bounds, value);
                widen(&mut ranges[usize::from(code)], value);
                code
            };
            let codes: Vec<u8> = block.map(code).collect();
            (codes, ranges)
        });
        let mut codes = Vec::with_capacity(len);
        let mut ranges = Box::new([EMPTY; CODES]);
        for (own, of_block) in parts {
            codes.extend_from_slice(&own);
            for (range, other) in ranges.iter_mut().zip(of_block) {
                *range = (range.0.min(other.0), range.1.max(other.1));
            }
        }
        Self { codes, bounds, ranges }
    }

    /// The code that a value has or would have.
    pub(crate) fn code(&self, value: i64) -> u8 {
        code_of(&self.bounds, value)
    }

    /// What each code says of the values from `least` to `greatest`.
    pub(crate) fn answers(&self, least: i64, greatest: i64) -> [Answer; CODES] {
        let mut answers = self.ranges.map(|(low, high)| {
            if high < least || low > greatest || low > high {
                Answer::No
            } else if least <= low && high <= greatest {
                Answer::Yes
            } else {
                Answer::Ask
            }
        });
        answers[usize::from(NO_VALUE)] = Answer::No;
        answers
    }

    /// Keeps those of `bits`, which begin with `start`, whose value is from `least` to `greatest`; `exact` says it
    /// of an ordinal.
    pub(crate) fn retain_part(
        &self,
        bits: &mut Bits,
        start: usize,
        (least, greatest): (i64, i64),
        exact: impl Fn(usize) -> bool,
    ) {
        let answers = self.answers(least, greatest);
        let of = |wanted: fn(&Answer) -> bool| -> Range<usize> {
            let first = answers.iter().position(wanted).unwrap_or(0);
            let last = answers.iter().rposition(wanted).map_or(first, |last| last + 1);
            first..last
        };
        let may = of(|answer| !matches!(answer, Answer::No));
        let sure = of(|answer| matches!(answer, Answer::Yes));
        if may.is_empty() {
            *bits = Bits::none(bits.len());
            return;
        }
        let codes = &self.codes[start..start + bits.len()];
        let (first, width) = (may.start as u8, (may.len() - 1) as u8);
        bits.retain_by(codes, |code| code.wrapping_sub(first) <= width);
        // At most one class at each end.
        let asked: Vec<u8> = may
            .filter(|code| !sure.contains(code) && matches!(answers[*code], Answer::Ask))
            .map(|code| code as u8)
            .collect();
        if let (Some(low), Some(high)) = (asked.first().copied(), asked.last().copied()) {
            let mut doubtful = bits.clone();
            doubtful.retain_by(codes, |code| code == low || code == high);
            for at in doubtful.iter_from(0).filter(|at| !exact(start + at)) {
                bits.clear(at);
            }
        }
    }

    /// Ordinals with a value, by value and then by ordinal.
    pub(crate) fn sorted(&self, value: impl Fn(usize) -> i64) -> Vec<u32> {
        let mut starts = [0_usize; CODES + 1];
        self.codes.iter().for_each(|code| starts[usize::from(*code) + 1] += 1);
        starts[usize::from(NO_VALUE) + 1] = 0;
        for code in 0..CODES {
            starts[code + 1] += starts[code];
        }
        // Above the ordinal stands by how much a value exceeds the least of its class, so that one comparison of one
        // number orders both, and the column is read once from its beginning to its end.
        let mut keyed = vec![0_u64; starts[CODES]];
        let mut next = starts;
        for (ordinal, code) in (0_u32..).zip(&self.codes).filter(|(_, code)| **code != NO_VALUE) {
            let slot = &mut next[usize::from(*code)];
            let (least, _) = self.ranges[usize::from(*code)];
            keyed[*slot] = excess(value(ordinal as usize), least) << 32 | u64::from(ordinal);
            *slot += 1;
        }
        for (code, (least, greatest)) in self.ranges.iter().enumerate() {
            let class = &mut keyed[starts[code]..starts[code + 1]];
            if least.abs_diff(*greatest) > EXCESS_MAX && least < greatest {
                class.sort_unstable_by_key(|key| (value(*key as u32 as usize), *key as u32));
            } else if least < greatest {
                class.sort_unstable();
            }
        }
        keyed.into_iter().map(|key| key as u32).collect()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.codes.capacity() + CODES * 24
    }
}

/// By how much `value` exceeds `least`, or the greatest number of 32 bits.
fn excess(value: i64, least: i64) -> u64 {
    value.abs_diff(least).min(EXCESS_MAX)
}

pub(crate) fn widen(range: &mut (i64, i64), value: i64) {
    *range = (range.0.min(value), range.1.max(value));
}

/// One more than the bounds below `value`, of which there are fewer than 255.
fn code_of(bounds: &[i64; CODES], value: i64) -> u8 {
    let mut at = 0;
    let mut half = CODES / 2;
    while half > 0 {
        at += usize::from(bounds[at + half - 1] < value) * half;
        half /= 2;
    }
    at as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![
            1 => Just(None),
            4 => (-3_i64..3).prop_map(Some),
            4 => (0_i64..100_000).prop_map(Some),
            1 => any::<i64>().prop_map(Some),
        ]
    }

    proptest! {
        #[test]
        fn keeps_what_the_column_keeps(
            column in prop::collection::vec(value(), 0..900), a in value(), b in value(),
        ) {
            let sketch = Sketch::new(column.len(), |at| column[at]);
            let (a, b) = (a.unwrap_or(i64::MIN), b.unwrap_or(i64::MAX));
            let passes = |at: usize| column[at].is_some_and(|value| (a..=b).contains(&value));
            let expected = Bits::by(column.len(), passes);
            let mut bits = Bits::all(column.len());
            sketch.retain_part(&mut bits, 0, (a, b), passes);
            prop_assert_eq!(&bits, &expected);
            if column.len() > 64 {
                let mut part = Bits::all(column.len() - 64);
                sketch.retain_part(&mut part, 64, (a, b), passes);
                prop_assert_eq!(part, Bits::by(column.len() - 64, |at| passes(at + 64)));
            }
            let mut sorted: Vec<u32> = (0..column.len() as u32).collect();
            sorted.retain(|at| column[*at as usize].is_some());
            sorted.sort_by_key(|at| column[*at as usize]);
            prop_assert_eq!(sketch.sorted(|at| column[at].unwrap()), sorted);
            let mut of_codes: Vec<(u8, i64)> =
                column.iter().flatten().map(|value| (sketch.code(*value), *value)).collect();
            of_codes.sort_by_key(|(_, value)| *value);
            prop_assert!(of_codes.is_sorted_by_key(|(code, _)| *code));
            prop_assert!(of_codes.iter().all(|(code, _)| *code != NO_VALUE));
        }
    }
}

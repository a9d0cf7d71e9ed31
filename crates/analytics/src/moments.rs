//! A column of moments, nearly all of which are whole seconds of our time.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::facts::NO_ORDER;

/// Stands for [`NO_ORDER`].
const NONE: u32 = u32::MAX;
/// Stands for a moment that does not fit.
const ODD: u32 = 0;
/// One in so many moments may not fit before all are kept in eight bytes.
const ODD_SHARE: usize = 8;
/// So many may always be.
const ODD_FEW: usize = 64;

/// Milliseconds since 1970, or [`NO_ORDER`]: in four bytes those that are whole seconds from 1970 to 2106, and
/// all in eight bytes where many are not. There are fewer than 2³² of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moments {
    /// Seconds, and the moments that do not fit by place.
    Seconds(Vec<u32>, BTreeMap<u32, i64>),
    /// Milliseconds.
    Millis(Vec<i64>),
}

impl Default for Moments {
    fn default() -> Self {
        Self::Seconds(Vec::new(), BTreeMap::new())
    }
}

fn seconds(millis: i64) -> u32 {
    if millis == NO_ORDER {
        return NONE;
    }
    let whole = u32::try_from(millis / 1000).ok().filter(|s| i64::from(*s) * 1000 == millis);
    whole.filter(|s| *s != NONE).unwrap_or(ODD)
}

impl Moments {
    pub(crate) fn with_capacity(moments: usize) -> Self {
        Self::Seconds(Vec::with_capacity(moments), BTreeMap::new())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Seconds(seconds, _) => seconds.len(),
            Self::Millis(millis) => millis.len(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> i64 {
        match self {
            Self::Seconds(seconds, odd) => match seconds[index] {
                NONE => NO_ORDER,
                ODD => odd.get(&(index as u32)).copied().unwrap_or(0),
                whole => i64::from(whole) * 1000,
            },
            Self::Millis(millis) => millis[index],
        }
    }

    pub(crate) fn push(&mut self, millis: i64) {
        match self {
            Self::Seconds(all, odd) => {
                let short = seconds(millis);
                if short == ODD {
                    odd.insert(all.len() as u32, millis);
                }
                all.push(short);
                if short == ODD && odd.len() > ODD_FEW.max(all.len() / ODD_SHARE) {
                    self.widen();
                }
            }
            Self::Millis(all) => all.push(millis),
        }
    }

    /// Sets a moment that was pushed.
    pub(crate) fn set(&mut self, index: usize, millis: i64) {
        match self {
            Self::Seconds(all, odd) => {
                let short = seconds(millis);
                all[index] = short;
                if short == ODD {
                    odd.insert(index as u32, millis);
                } else {
                    odd.remove(&(index as u32));
                }
            }
            Self::Millis(all) => all[index] = millis,
        }
    }

    /// Adds a part of another column.
    pub(crate) fn push_range(&mut self, from: &Self, range: Range<usize>) {
        match (&mut *self, from) {
            (Self::Seconds(all, odd), Self::Seconds(others, others_odd)) => {
                let at = all.len();
                let moved = others_odd.range(range.start as u32..range.end as u32);
                let place = |index: &u32| (at + *index as usize - range.start) as u32;
                odd.extend(moved.map(|(index, millis)| (place(index), *millis)));
                all.extend_from_slice(&others[range]);
            }
            (Self::Millis(all), Self::Millis(others)) => all.extend_from_slice(&others[range]),
            _ => range.for_each(|index| self.push(from.get(index))),
        }
    }

    fn widen(&mut self) {
        *self = Self::Millis((0..self.len()).map(|index| self.get(index)).collect());
    }

    /// The same moments, those of `order` in turn.
    pub(crate) fn gather(&self, order: &[u32]) -> Self {
        order.iter().map(|index| self.get(*index as usize)).collect()
    }

    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Seconds(seconds, _) => seconds.shrink_to_fit(),
            Self::Millis(millis) => millis.shrink_to_fit(),
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Seconds(seconds, odd) => seconds.capacity() * 4 + odd.len() * 24,
            Self::Millis(millis) => millis.capacity() * 8,
        }
    }
}

impl FromIterator<i64> for Moments {
    fn from_iter<T: IntoIterator<Item = i64>>(moments: T) -> Self {
        let moments = moments.into_iter();
        let mut all = Self::with_capacity(moments.size_hint().0);
        moments.for_each(|millis| all.push(millis));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment() -> impl Strategy<Value = i64> {
        prop_oneof![
            8 => (0_i64..5_000_000).prop_map(|s| s * 1000),
            1 => any::<i64>(),
            1 => Just(NO_ORDER),
            1 => Just(i64::from(u32::MAX) * 1000),
        ]
    }

    proptest! {
        #[test]
        fn keeps_every_moment(all in prop::collection::vec(moment(), 0..300), odd in 0_usize..300) {
            let all: Vec<i64> =
                all.into_iter().enumerate().map(|(at, ms)| if at < odd { ms | 1 } else { ms }).collect();
            let mut column: Moments = all.iter().copied().collect();
            let mut copy = Moments::default();
            copy.push_range(&column, 0..all.len());
            prop_assert_eq!(column.len(), all.len());
            for (at, ms) in all.iter().enumerate() {
                prop_assert_eq!(column.get(at), *ms);
                prop_assert_eq!(copy.get(at), *ms);
                column.set(at, ms.wrapping_add(500));
                prop_assert_eq!(column.get(at), ms.wrapping_add(500));
            }
        }
    }
}

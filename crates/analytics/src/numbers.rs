//! A column of numbers from a dictionary, as wide as the greatest of them.

use std::ops::Range;

use crate::bits::Bits;

/// Numbers below 2³², in one, two or four bytes each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Numbers {
    Bytes(Vec<u8>),
    Pairs(Vec<u16>),
    Words(Vec<u32>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Numbers {
    #[inline]
    pub(crate) fn get(&self, index: usize) -> u32 {
        match self {
            Self::Bytes(all) => u32::from(all[index]),
            Self::Pairs(all) => u32::from(all[index]),
            Self::Words(all) => all[index],
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(all) => all.len(),
            Self::Pairs(all) => all.len(),
            Self::Words(all) => all.len(),
        }
    }

    pub(crate) fn push(&mut self, number: u32) {
        self.make_room(number);
        match self {
            Self::Bytes(all) => all.push(number as u8),
            Self::Pairs(all) => all.push(number as u16),
            Self::Words(all) => all.push(number),
        }
    }

    /// Sets a number that was pushed.
    pub(crate) fn set(&mut self, index: usize, number: u32) {
        self.make_room(number);
        match self {
            Self::Bytes(all) => all[index] = number as u8,
            Self::Pairs(all) => all[index] = number as u16,
            Self::Words(all) => all[index] = number,
        }
    }

    fn make_room(&mut self, number: u32) {
        *self = match self {
            Self::Bytes(all) if number > u32::from(u16::MAX) => {
                Self::Words(all.iter().copied().map(u32::from).collect())
            }
            Self::Bytes(all) if number > u32::from(u8::MAX) => {
                Self::Pairs(all.iter().copied().map(u16::from).collect())
            }
            Self::Pairs(all) if number > u32::from(u16::MAX) => {
                Self::Words(all.iter().copied().map(u32::from).collect())
            }
            _ => return,
        };
    }

    /// Adds a part of another column.
    pub(crate) fn push_range(&mut self, from: &Self, range: Range<usize>) {
        match (&mut *self, from) {
            (Self::Bytes(all), Self::Bytes(others)) => all.extend_from_slice(&others[range]),
            (Self::Pairs(all), Self::Pairs(others)) => all.extend_from_slice(&others[range]),
            (Self::Words(all), Self::Words(others)) => all.extend_from_slice(&others[range]),
            _ => range.for_each(|index| self.push(from.get(index))),
        }
    }

    /// The same numbers, those of `order` in turn.
    pub(crate) fn gather(&self, order: &[u32]) -> Self {
        let mut gathered = Self::default();
        order.iter().for_each(|index| gathered.push(self.get(*index as usize)));
        gathered
    }

    /// Keeps those of `bits`, which begin with `start`, whose number passes.
    pub(crate) fn retain_part(&self, bits: &mut Bits, start: usize, passes: impl Fn(u32) -> bool) {
        let part = start..start + bits.len();
        match self {
            Self::Bytes(all) => bits.retain_by(&all[part], |own| passes(u32::from(own))),
            Self::Pairs(all) => bits.retain_by(&all[part], |own| passes(u32::from(own))),
            Self::Words(all) => bits.retain_by(&all[part], passes),
        }
    }

    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Bytes(all) => all.shrink_to_fit(),
            Self::Pairs(all) => all.shrink_to_fit(),
            Self::Words(all) => all.shrink_to_fit(),
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Bytes(all) => all.capacity(),
            Self::Pairs(all) => all.capacity() * 2,
            Self::Words(all) => all.capacity() * 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_every_number(all in prop::collection::vec(
            prop_oneof![6 => 0_u32..300, 1 => 65_530_u32..65_540, 1 => any::<u32>()], 0..80)) {
            let mut column = Numbers::default();
            all.iter().for_each(|number| column.push(*number));
            let mut copy = Numbers::default();
            copy.push(7);
            copy.push_range(&column, 0..all.len());
            let order: Vec<u32> = (0..all.len() as u32).rev().collect();
            let turned = column.gather(&order);
            prop_assert_eq!(column.len(), all.len());
            for (at, number) in all.iter().enumerate() {
                prop_assert_eq!(column.get(at), *number);
                prop_assert_eq!(copy.get(at + 1), *number);
                prop_assert_eq!(turned.get(all.len() - 1 - at), *number);
            }
            let mut bits = Bits::all(all.len());
            column.retain_part(&mut bits, 0, |number| number % 2 == 1);
            prop_assert_eq!(bits, Bits::by(all.len(), |at| all[at] % 2 == 1));
            for (at, number) in all.iter().enumerate() {
                column.set(at, number / 3 + 1);
                prop_assert_eq!(column.get(at), number / 3 + 1);
            }
        }
    }
}

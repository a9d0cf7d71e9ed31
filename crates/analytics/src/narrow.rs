//! A column of numbers most of which are small.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::bits::Bits;

/// The type that most values fit.
pub(crate) trait Small: Copy + PartialEq + Default + TryFrom<i64> + Into<i64> {
    /// Stands for a value that does not fit.
    const LARGE: Self;
}

impl Small for i8 {
    const LARGE: Self = Self::MIN;
}

impl Small for u8 {
    const LARGE: Self = Self::MAX;
}

impl Small for i32 {
    const LARGE: Self = Self::MIN;
}

/// Exact 64-bit numbers, those that fit `T` in as many bytes as it has.
#[derive(Debug, Clone)]
pub(crate) struct Narrow<T> {
    pub(crate) small: Vec<T>,
    pub(crate) large: BTreeMap<u32, i64>,
}

impl<T> Default for Narrow<T> {
    fn default() -> Self {
        Self { small: Vec::new(), large: BTreeMap::new() }
    }
}

impl<T: Small> Narrow<T> {
    /// Adds a value; there are fewer than 2³² of them.
    pub(crate) fn push(&mut self, value: i64) {
        let small = T::try_from(value).ok().filter(|small| *small != T::LARGE);
        if small.is_none() {
            self.large.insert(self.small.len() as u32, value);
        }
        self.small.push(small.unwrap_or(T::LARGE));
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> i64 {
        match self.small[index] {
            small if small == T::LARGE => self.large.get(&(index as u32)).copied().unwrap_or(0),
            small => small.into(),
        }
    }

    /// Sets a value that was pushed.
    pub(crate) fn set(&mut self, index: usize, value: i64) {
        let small = T::try_from(value).ok().filter(|small| *small != T::LARGE);
        match small {
            Some(_) => drop(self.large.remove(&(index as u32))),
            None => drop(self.large.insert(index as u32, value)),
        }
        self.small[index] = small.unwrap_or(T::LARGE);
    }

    /// Adds a part of another column.
    pub(crate) fn push_range(&mut self, from: &Self, range: Range<usize>) {
        let at = self.small.len();
        let large = from.large.range(range.start as u32..range.end as u32);
        let moved =
            large.map(|(index, value)| ((at + *index as usize - range.start) as u32, *value));
        self.large.extend(moved);
        self.small.extend_from_slice(&from.small[range]);
    }

    /// Adds zeros until there are `len` values.
    pub(crate) fn pad(&mut self, len: usize) {
        if self.small.len() < len {
            self.small.resize(len, T::default());
        }
    }

    /// Whether all values are 0.
    pub(crate) fn is_zero(&self) -> bool {
        self.large.is_empty() && self.small.iter().all(|small| *small == T::default())
    }

    /// Keeps those of `bits`, which begin with `start`, whose value passes.
    pub(crate) fn retain_part(&self, bits: &mut Bits, start: usize, passes: impl Fn(i64) -> bool) {
        if self.large.is_empty() {
            let part = &self.small[start..start + bits.len()];
            bits.retain_by(part, |small| passes(small.into()));
        } else {
            bits.retain_each(|at| passes(self.get(start + at)));
        }
    }

    /// Nothing yet, with room.
    pub(crate) fn with_capacity(values: usize) -> Self {
        Self { small: Vec::with_capacity(values), large: BTreeMap::new() }
    }

    /// The same values, those of `order` in turn.
    pub(crate) fn gather(&self, order: &[u32]) -> Self {
        let mut gathered = Self::with_capacity(order.len());
        order.iter().for_each(|index| gathered.push(self.get(*index as usize)));
        gathered
    }

    pub(crate) fn shrink(&mut self) {
        self.small.shrink_to_fit();
    }

    pub(crate) fn len(&self) -> usize {
        self.small.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.small.capacity() * size_of::<T>() + self.large.len() * 24
    }
}

#[cfg(test)]
mod tests {
    use super::Narrow;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_every_number(values in prop::collection::vec(
            prop_oneof![-200_i64..200, any::<i64>(), Just(-128), Just(i64::from(i32::MIN))], 0..40)) {
            let (mut bytes, mut words) = (Narrow::<i8>::default(), Narrow::<i32>::default());
            for value in &values {
                bytes.push(*value);
                words.push(*value);
            }
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(bytes.get(at), *value);
                prop_assert_eq!(words.get(at), *value);
                bytes.set(at, value.wrapping_mul(7));
                prop_assert_eq!(bytes.get(at), value.wrapping_mul(7));
            }
        }
    }
}

//! A dense set of ordinals.

/// One bit an ordinal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub(crate) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    pub(crate) fn all(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let (Some(last), rest @ 1..) = (words.last_mut(), len % 64) {
            *last = (1 << rest) - 1;
        }
        Self { words, len }
    }

    /// The ordinals below `len` for which `passes`.
    pub(crate) fn by(len: usize, passes: impl Fn(usize) -> bool) -> Self {
        let mut bits = Self::none(len);
        (0..len).filter(|ordinal| passes(*ordinal)).for_each(|ordinal| bits.set(ordinal));
        bits
    }

    /// Keeps the ordinals whose value in `column` passes.
    pub(crate) fn retain_by<T: Copy>(&mut self, column: &[T], passes: impl Fn(T) -> bool) {
        for (word, values) in self.words.iter_mut().zip(column.chunks(64)) {
            keep(
                word,
                |lanes| {
                    for (lane, value) in lanes.iter_mut().zip(values) {
                        *lane = u8::from(passes(*value));
                    }
                },
                |bit| passes(values[bit]),
            );
        }
    }

    /// Keeps the ordinals for which `passes`, asking for each.
    pub(crate) fn retain_each(&mut self, passes: impl Fn(usize) -> bool) {
        for (index, word) in self.words.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                *word &= !(u64::from(!passes(index * 64 + bit)) << bit);
            }
        }
    }

    pub(crate) fn set(&mut self, ordinal: usize) {
        self.words[ordinal / 64] |= 1 << (ordinal % 64);
    }

    pub(crate) fn clear(&mut self, ordinal: usize) {
        self.words[ordinal / 64] &= !(1 << (ordinal % 64));
    }

    pub(crate) fn has(&self, ordinal: usize) -> bool {
        self.words[ordinal / 64] >> (ordinal % 64) & 1 == 1
    }

    /// 64 ordinals a word, the first in the lowest bit.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.and_part(other, 0);
    }

    /// As [`Bits::and`] with the part of `other` that begins at `start`, a multiple of 64.
    pub(crate) fn and_part(&mut self, other: &Self, start: usize) {
        let part = &other.words[start / 64..];
        self.words.iter_mut().zip(part).for_each(|(word, other)| *word &= other);
    }

    /// As [`Bits::and_not`] with the part of `other` that begins at `start`, a multiple of 64.
    pub(crate) fn and_not_part(&mut self, other: &Self, start: usize) {
        let part = &other.words[start / 64..];
        self.words.iter_mut().zip(part).for_each(|(word, other)| *word &= !other);
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Joined parts, each but the last of a multiple of 64.
    pub(crate) fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            whole.words.extend_from_slice(&part.words);
            whole.len += part.len;
        }
        whole
    }

    pub(crate) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn and_not(&mut self, other: &Self) {
        self.and_not_part(other, 0);
    }

    /// Ordinals from `start` upwards.
    pub(crate) fn iter_from(&self, start: usize) -> impl Iterator<Item = usize> + '_ {
        let first = start / 64;
        self.words.iter().enumerate().skip(first).flat_map(move |(index, word)| {
            let mut word = if index == first { word & (u64::MAX << (start % 64)) } else { *word };
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                (word != 0).then(|| {
                    word &= word - 1;
                    index * 64 + bit
                })
            })
        })
    }

    /// Ordinals below `end` downwards.
    pub(crate) fn iter_below(&self, end: usize) -> impl Iterator<Item = usize> + '_ {
        let (full, rest) = (end / 64, end % 64);
        let words = end.div_ceil(64).min(self.words.len());
        self.words[..words].iter().enumerate().rev().flat_map(move |(index, word)| {
            let mut word = if index == full { word & ((1 << rest) - 1) } else { *word };
            std::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = 63 - word.leading_zeros() as usize;
                    word &= !(1 << bit);
                    index * 64 + bit
                })
            })
        })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

/// Keeps the bits of `word` that pass, asking for all 64 at once or, when only some are left, for
/// each.
fn keep(word: &mut u64, all: impl FnOnce(&mut [u8; 64]), each: impl Fn(usize) -> bool) {
    if word.count_ones() > 12 {
        let mut lanes = [0_u8; 64];
        all(&mut lanes);
        *word &= pack(&lanes);
        return;
    }
    let mut left = *word;
    while left != 0 {
        let bit = left.trailing_zeros() as usize;
        left &= left - 1;
        *word &= !(u64::from(!each(bit)) << bit);
    }
}

/// One bit for each of 64 bytes that are 0 or 1.
///
/// Comparing into bytes and packing them afterwards lets the compiler compare many values at once.
fn pack(lanes: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (index, eight) in lanes.as_chunks::<8>().0.iter().enumerate() {
        // The product brings bit 8 i to bit 56 + i, and nothing carries into these.
        let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= bits << (index * 8);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::Bits;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_a_set(len in 1_usize..300, picks in prop::collection::btree_set(0_usize..300, 0..80),
                    from in 0_usize..300) {
            let picks: Vec<usize> = picks.into_iter().filter(|p| *p < len).collect();
            let from = from.min(len);
            let mut bits = Bits::none(len);
            picks.iter().for_each(|p| bits.set(*p));
            prop_assert_eq!(bits.count(), picks.len() as u64);
            prop_assert_eq!(&bits, &Bits::by(len, |o| picks.binary_search(&o).is_ok()));
            let up: Vec<usize> = picks.iter().copied().filter(|p| *p >= from).collect();
            prop_assert_eq!(bits.iter_from(from).collect::<Vec<_>>(), up);
            let down: Vec<usize> = picks.iter().rev().copied().filter(|p| *p < from).collect();
            prop_assert_eq!(bits.iter_below(from).collect::<Vec<_>>(), down);
            let column: Vec<bool> = (0..len).map(|o| picks.binary_search(&o).is_ok()).collect();
            let mut by_column = Bits::all(len);
            by_column.retain_by(&column, |picked| picked);
            prop_assert_eq!(&bits, &by_column);
            let mut again = bits.clone();
            again.retain_by(&column, |picked| picked);
            prop_assert_eq!(&bits, &again);
            let mut rest = Bits::all(len);
            rest.and_not(&bits);
            prop_assert_eq!(rest.count(), (len - picks.len()) as u64);
        }
    }
}

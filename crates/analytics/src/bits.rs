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
        let mut bits = Self::all(len);
        bits.retain(passes);
        bits
    }

    /// Keeps the ordinals for which `passes`, and asks only for words that are not empty yet.
    pub(crate) fn retain(&mut self, passes: impl Fn(usize) -> bool) {
        for (index, word) in self.words.iter_mut().enumerate() {
            if *word == 0 {
                continue;
            }
            let start = index * 64;
            let mut mask = 0_u64;
            // Without a branch on the outcome the compiler can compare many lanes at once.
            for bit in 0..64.min(self.len - start) {
                mask |= u64::from(passes(start + bit)) << bit;
            }
            *word &= mask;
        }
    }

    pub(crate) fn set(&mut self, ordinal: usize) {
        self.words[ordinal / 64] |= 1 << (ordinal % 64);
    }

    pub(crate) fn has(&self, ordinal: usize) -> bool {
        self.words[ordinal / 64] >> (ordinal % 64) & 1 == 1
    }

    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn and_not(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
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
            let mut rest = Bits::all(len);
            rest.and_not(&bits);
            prop_assert_eq!(rest.count(), (len - picks.len()) as u64);
        }
    }
}

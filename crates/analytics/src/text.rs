//! Names and accounts of all customers in one stretch of bytes, searched as one.

use std::ops::Range;

use memchr::memmem::Finder;

use crate::bits::Bits;

/// Ends the name and the accounts of a customer, so that no hit reaches across. Never part of a
/// search.
pub(crate) const END: char = '\u{1}';

/// What a search looks for: folded, without the separator. Empty finds everyone.
pub(crate) fn needle(text: &str) -> String {
    let mut folded = kernel::text::fold(text);
    folded.retain(|c| c != END);
    folded
}

/// The searchable bytes of one customer.
pub(crate) fn entry(name: &str, accounts: &str) -> String {
    let mut entry = needle(name);
    entry.push(END);
    entry.push_str(&needle(accounts));
    entry.push(END);
    entry
}

/// Entries by ordinal.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextArena {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<u32>,
}

impl TextArena {
    /// Adds the next customer's entry; false if it does not fit.
    pub(crate) fn push(&mut self, entry: &[u8]) -> bool {
        let Ok(end) = u32::try_from(self.bytes.len() + entry.len()) else {
            return false;
        };
        self.bytes.extend_from_slice(entry);
        self.ends.push(end);
        true
    }

    /// Adds entries of another arena; false if they do not fit.
    pub(crate) fn push_range(&mut self, from: &Self, range: Range<usize>) -> bool {
        let begin = from.start(range.start);
        let end = from.start(range.end);
        let at = self.bytes.len();
        if u32::try_from(at + end - begin).is_err() {
            return false;
        }
        self.bytes.extend_from_slice(&from.bytes[begin..end]);
        self.ends.extend(from.ends[range].iter().map(|end| (*end as usize - begin + at) as u32));
        true
    }

    fn start(&self, ordinal: usize) -> usize {
        if ordinal == 0 { 0 } else { self.ends[ordinal - 1] as usize }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn entry(&self, ordinal: usize) -> &[u8] {
        &self.bytes[self.start(ordinal)..self.ends[ordinal] as usize]
    }

    /// The same entries in another order.
    pub(crate) fn gather(&self, ordinals: &[u32]) -> Self {
        let mut out = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            ends: Vec::with_capacity(ordinals.len()),
        };
        for ordinal in ordinals {
            // A part of what fitted fits.
            out.push(self.entry(*ordinal as usize));
        }
        out
    }

    /// Who has `needle`.
    pub(crate) fn search(&self, needle: &str) -> Bits {
        let mut hits = Bits::none(self.ends.len());
        let finder = Finder::new(needle.as_bytes());
        let (mut at, mut ordinal) = (0, 0);
        while let Some(hit) = finder.find(&self.bytes[at..]) {
            ordinal = self.ordinal_at(ordinal, at + hit);
            hits.set(ordinal);
            at = self.ends[ordinal] as usize;
            ordinal += 1;
        }
        hits
    }

    /// Keeps those of `bits` who have `needle`; better than a search when they are few.
    pub(crate) fn retain(&self, bits: &mut Bits, needle: &str) {
        let finder = Finder::new(needle.as_bytes());
        let mut kept = Bits::none(self.ends.len());
        for ordinal in bits.iter_from(0) {
            if finder.find(self.entry(ordinal)).is_some() {
                kept.set(ordinal);
            }
        }
        *bits = kept;
    }

    /// The customer whose entry holds byte `at`, known to be `from` or a later one.
    fn ordinal_at(&self, from: usize, at: usize) -> usize {
        // Hits come in order: look near first, in steps that double.
        let mut step = 1;
        let mut low = from;
        while low + step < self.ends.len() && self.ends[low + step - 1] as usize <= at {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(self.ends.len());
        low + self.ends[low..high].partition_point(|end| *end as usize <= at)
    }

    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::Letters;
    use proptest::prelude::*;

    #[test]
    fn a_hit_stays_within_a_name() {
        let mut arena = TextArena::default();
        arena.push(entry("张三", "tb1").as_bytes());
        arena.push(entry("三丰", "").as_bytes());
        let found = |text: &str| arena.search(&needle(text)).iter_from(0).collect::<Vec<_>>();
        assert_eq!(found("三"), [0, 1]);
        assert_eq!(found("三丰"), [1]);
        assert_eq!(found("三tb"), Vec::<usize>::new());
        assert_eq!(found("ＴＢ１"), [0]);
    }

    proptest! {
        #[test]
        fn finds_what_contains_finds(
            names in prop::collection::vec("[ab张弡]{0,6}", 1..40), text in "[ab张]{1,3}",
        ) {
            let mut arena = TextArena::default();
            names.iter().for_each(|name| { arena.push(entry(name, "").as_bytes()); });
            let expected = Bits::by(names.len(), |o| names[o].contains(&text));
            prop_assert_eq!(&arena.search(&text), &expected);
            let mut all = Bits::all(names.len());
            arena.retain(&mut all, &text);
            prop_assert_eq!(&all, &expected);
            let mut by_letter = Bits::all(names.len());
            let settled = Letters::new(&arena).retain(&mut by_letter, &text);
            prop_assert!(expected.iter_from(0).all(|ordinal| by_letter.has(ordinal)));
            prop_assert!(!settled || by_letter == expected);
        }
    }
}

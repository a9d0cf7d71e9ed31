//! Who has a character in name or accounts: searches of one character are answered from here, and
//! longer ones look only at customers with all their characters.

use std::collections::HashMap;
use std::ops::Range;

use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::blocks;
use crate::members::Members;
use crate::text::{END, TextArena};

/// Customers by character.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    sets: HashMap<char, Members>,
}

impl Letters {
    pub(crate) fn new(text: &TextArena) -> Self {
        let mut parts = blocks::parts(text.len(), |part| Part::new(text, part)).into_iter();
        let Some(mut all) = parts.next() else { return Self::default() };
        for part in parts {
            for (own, other) in all.ascii.iter_mut().zip(part.ascii) {
                match (own.as_mut(), other) {
                    (Some(own), Some(other)) => own.or(&other),
                    (None, other) => *own = other,
                    (Some(_), None) => {}
                }
            }
            for (letter, set) in part.others {
                *all.others.entry(letter).or_default() |= set;
            }
        }
        let ascii = (0_u8..)
            .zip(all.ascii)
            .filter_map(|(byte, bits)| Some((char::from(byte), Members::from_bits(bits?))));
        let others =
            all.others.into_iter().map(|(letter, set)| (letter, Members::new(set, text.len())));
        Self { sets: ascii.chain(others).collect() }
    }

    /// Keeps those of `bits` who have every character of `needle`; true if that settles the search.
    pub(crate) fn retain(&self, bits: &mut Bits, needle: &str) -> bool {
        for letter in needle.chars() {
            match self.sets.get(&letter) {
                Some(members) => members.retain(bits),
                None => {
                    *bits = Bits::none(bits.len());
                    return true;
                }
            }
        }
        needle.chars().nth(1).is_none()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let entry = size_of::<(char, Members)>() + 1;
        self.sets.values().map(Members::memory_bytes).sum::<usize>() + self.sets.capacity() * entry
    }
}

/// Some customers by character.
struct Part {
    /// Nearly every entry has some of the few ASCII characters, and bits are quickest to set.
    ascii: Vec<Option<Bits>>,
    others: HashMap<char, RoaringBitmap>,
}

impl Part {
    fn new(text: &TextArena, part: Range<usize>) -> Self {
        let mut found = Self { ascii: vec![None; 128], others: HashMap::new() };
        for ordinal in part {
            // Entries are made of `str`s, so nothing is replaced.
            for character in String::from_utf8_lossy(text.entry(ordinal)).chars() {
                if character == END {
                    continue;
                }
                match found.ascii.get_mut(character as usize) {
                    Some(bits) => bits.get_or_insert_with(|| Bits::none(text.len())).set(ordinal),
                    None => {
                        let others = found.others.entry(character).or_default();
                        // Fails if it is there already.
                        drop(others.try_push(ordinal as u32));
                    }
                }
            }
        }
        found
    }
}

//! Who has a character in name or accounts: searches of one character are answered from here, and
//! longer ones look only at customers with all their characters.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::members::Members;
use crate::text::{END, TextArena};

/// Customers by character.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    sets: HashMap<char, Members>,
}

impl Letters {
    pub(crate) fn new(text: &TextArena) -> Self {
        // Nearly every entry has some of the few ASCII characters, and bits are quickest to set.
        let mut ascii: Vec<Option<Bits>> = vec![None; 128];
        let mut others: HashMap<char, RoaringBitmap> = HashMap::new();
        for ordinal in 0..text.len() {
            // Entries are made of `str`s, so nothing is replaced.
            for character in String::from_utf8_lossy(text.entry(ordinal)).chars() {
                if character == END {
                    continue;
                }
                match ascii.get_mut(character as usize) {
                    Some(bits) => bits.get_or_insert_with(|| Bits::none(text.len())).set(ordinal),
                    None => {
                        others.entry(character).or_default().insert(ordinal as u32);
                    }
                }
            }
        }
        let ascii = (0_u8..)
            .zip(ascii)
            .filter_map(|(byte, bits)| Some((char::from(byte), Members::from_bits(bits?))));
        let others =
            others.into_iter().map(|(letter, set)| (letter, Members::new(set, text.len())));
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

//! Order numbers for files that have none.
//!
//! Where each row is an order, its number is made from the text of the key columns and a running
//! number among the rows of equal key: `k-<20 hexadecimal digits of SHA-256>-<n>`. Equal rows of one
//! file are thus different orders, and the same file read again gives the same numbers; so does a file
//! to which rows were added at the end.
//!
//! Running numbers are exact for the first million different keys. Beyond that, keys share a table of
//! 2^20 counters: numbers are still different for rows of equal key and the same on every reading of
//! the file, they may only skip some. Memory stays below 64 MiB whatever the file.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

const EXACT_KEYS: usize = 1_000_000;
const SHARED_COUNTERS: usize = 1 << 20;

/// Running numbers by key.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    exact: HashMap<u64, u32>,
    shared: Vec<u32>,
}

/// The digest of a row's key cells, with their bounds.
pub(super) fn key<'a>(cells: impl IntoIterator<Item = &'a str>) -> [u8; 10] {
    let mut hash = Sha256::new();
    for cell in cells {
        hash.update((cell.len() as u64).to_le_bytes());
        hash.update(cell.as_bytes());
    }
    let digest = hash.finalize();
    std::array::from_fn(|index| digest[index])
}

impl Numbering {
    /// The number of the next row of `key`.
    pub fn next(&mut self, key: [u8; 10]) -> String {
        let slot = u64::from_le_bytes(std::array::from_fn(|index| key[index]));
        let occurrence = if let Some(count) = self.exact.get_mut(&slot) {
            *count = count.saturating_add(1);
            *count
        } else if self.exact.len() < EXACT_KEYS {
            self.exact.insert(slot, 1);
            1
        } else {
            self.shared.resize(SHARED_COUNTERS, 0);
            let count = &mut self.shared[slot as usize % SHARED_COUNTERS];
            *count = count.saturating_add(1);
            *count
        };
        let mut out = String::with_capacity(26);
        out.push_str("k-");
        for byte in key {
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        out.push('-');
        out.push_str(&occurrence.to_string());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_different_orders_and_numbers_repeat() {
        let mut first = Numbering::default();
        let numbers: Vec<_> =
            [["a", "b"], ["a", "b"], ["ab", ""]].map(|cells| first.next(key(cells))).into();
        assert_ne!(numbers[0], numbers[1]);
        assert_ne!(numbers[0][..22], numbers[2][..22]);
        assert!(numbers[1].ends_with("-2"));
        let mut second = Numbering::default();
        assert_eq!(second.next(key(["a", "b"])), numbers[0]);
    }
}

//! Where a table is cut into pieces.
//!
//! A piece ends behind a row whose key says so: that is the same row in every backup, so that rows
//! that came, went or changed concern the pieces they are in and no other. The key is hashed under a
//! secret: sizes of pieces, which anybody can see who sees the files, tell nothing of the keys.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::rows;

/// How large pieces are, in bytes of their rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct PieceSizes {
    /// No piece ends before, but the last of a table.
    pub min: usize,
    /// So large they are on average.
    pub mean: usize,
    /// Whatever the keys say, a piece ends when it is so large.
    pub max: usize,
}

impl Default for PieceSizes {
    /// A changed row costs a piece, and a piece costs a file: 4 MiB is between the two.
    fn default() -> Self {
        Self { min: 1 << 20, mean: 4 << 20, max: 16 << 20 }
    }
}

/// Gathers the rows of one table and says where a piece ends.
pub(super) struct Cutter {
    sizes: PieceSizes,
    secret: Hmac<Sha256>,
    /// The columns of the primary key.
    key: Vec<bool>,
    rows: Vec<u8>,
}

impl Cutter {
    /// For a table of which the columns marked in `key` are the primary key.
    pub(super) fn new(sizes: PieceSizes, secret: Hmac<Sha256>, key: Vec<bool>) -> Self {
        Self { sizes, secret, key, rows: Vec::with_capacity(sizes.mean) }
    }

    /// Adds `row` and says whether the piece ends behind it.
    pub(super) fn push(&mut self, row: &[u8]) -> bool {
        self.rows.extend_from_slice(row);
        let size = self.rows.len();
        size >= self.sizes.max || (size >= self.sizes.min && self.ends_behind(row))
    }

    /// The rows gathered so far; the next piece begins behind them.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.rows, Vec::with_capacity(self.sizes.mean))
    }

    /// True for one byte in `mean - min`, wherever rows end: large rows are more likely hit.
    fn ends_behind(&self, row: &[u8]) -> bool {
        let mut mac = self.secret.clone();
        for (value, _) in rows::fields(row).zip(&self.key).filter(|(_, is_key)| **is_key) {
            let value = value.unwrap_or_default();
            mac.update(&(value.len() as u64).to_be_bytes());
            mac.update(value);
        }
        let hash = mac.finalize().into_bytes();
        let chance = u64::from_le_bytes(*hash.first_chunk().unwrap_or(&[0; 8]));
        let spread = (self.sizes.mean - self.sizes.min).max(1) as u64;
        chance <= (u64::MAX / spread).saturating_mul(row.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hmac::KeyInit as _;
    use proptest::prelude::*;

    use super::*;

    const SIZES: PieceSizes = PieceSizes { min: 500, mean: 2_000, max: 8_000 };

    fn row(key: u64, value: usize) -> Vec<u8> {
        let mut out = Vec::new();
        rows::begin_row(&mut out, 2);
        rows::put_field(&mut out, Some(&key.to_be_bytes()));
        rows::put_field(&mut out, Some(&vec![7; value]));
        out
    }

    fn pieces(given: &[(u64, usize)]) -> Vec<Vec<u8>> {
        let secret = Hmac::new_from_slice(b"secret").unwrap();
        let mut cutter = Cutter::new(SIZES, secret, vec![true, false]);
        let mut out = Vec::new();
        for (key, value) in given {
            if cutter.push(&row(*key, *value)) {
                out.push(cutter.take());
            }
        }
        let last = cutter.take();
        out.extend((!last.is_empty()).then_some(last));
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_is_lost_and_sizes_are_kept(values in prop::collection::vec(0_usize..200, 0..600)) {
            let given: Vec<(u64, usize)> = (0..).zip(values).collect();
            let found = pieces(&given);
            let all: Vec<u8> = given.iter().flat_map(|(key, value)| row(*key, *value)).collect();
            prop_assert_eq!(found.concat(), all);
            for (at, piece) in found.iter().enumerate() {
                prop_assert!(piece.len() < SIZES.max + 400);
                prop_assert!(piece.len() >= SIZES.min || at + 1 == found.len());
            }
        }

        #[test]
        fn a_row_more_or_less_changes_the_pieces_around_it_only(at in 0_usize..1_999, added in any::<bool>()) {
            let mut given: Vec<(u64, usize)> = (0..2_000).map(|key| (key * 2, 60)).collect();
            let before: BTreeSet<Vec<u8>> = pieces(&given).into_iter().collect();
            if added {
                given.insert(at + 1, (at as u64 * 2 + 1, 60));
            } else {
                given.remove(at);
            }
            let after: BTreeSet<Vec<u8>> = pieces(&given).into_iter().collect();
            // Where ends lie close, `min` may carry the change on for a piece or two.
            prop_assert!(after.difference(&before).count() <= 8);
            prop_assert!(after.len() > 40);
        }
    }

    #[test]
    fn the_mean_is_the_mean() {
        let given: Vec<(u64, usize)> = (0..20_000).map(|key| (key, 60)).collect();
        let found = pieces(&given);
        let mean = found.concat().len() / found.len();
        assert!((SIZES.mean * 8 / 10..SIZES.mean * 12 / 10).contains(&mean), "{mean}");
    }
}

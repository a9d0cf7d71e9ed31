//! Rows in the form in which they are kept and hashed, the same on both databases.
//!
//! It is that of PostgreSQL's binary COPY: the number of fields (2 bytes), then for each field its
//! length (4 bytes, -1 for null) and its value, all in network byte order. So PostgreSQL gives and
//! takes rows as they are, and SQLite's are made to look the same. A UUID is its 16 bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValueKind {
    /// BIGINT, 8 bytes.
    Int,
    /// DOUBLE PRECISION, 8 bytes.
    Float,
    /// BOOLEAN, 1 byte.
    Bool,
    /// TEXT, UTF-8.
    Text,
    /// BYTEA, and UUID, which SQLite does not tell from it.
    Bytes,
}

impl ValueKind {
    /// The kind of a column of this type, as SQLite or PostgreSQL names it.
    pub(crate) fn of_type(name: &str, postgres: bool) -> Option<Self> {
        Some(match (name.to_ascii_lowercase().as_str(), postgres) {
            // On PostgreSQL an INTEGER has four bytes.
            ("bigint", _) | ("integer", false) => Self::Int,
            ("double precision", _) => Self::Float,
            ("boolean", _) => Self::Bool,
            ("text", _) => Self::Text,
            ("bytea" | "uuid", true) | ("blob", false) => Self::Bytes,
            _ => return None,
        })
    }
}

/// Begins a row of `fields` fields.
pub(crate) fn begin_row(out: &mut Vec<u8>, fields: usize) {
    out.extend_from_slice(&u16::try_from(fields).unwrap_or(u16::MAX).to_be_bytes());
}

/// Adds a field.
pub(crate) fn put_field(out: &mut Vec<u8>, value: Option<&[u8]>) {
    // Neither database has values of 2 GiB.
    let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap_or(i32::MAX));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.unwrap_or_default());
}

/// Takes the fields of the row at the beginning of `bytes`, with what is behind it; `None` if the row
/// is not whole.
pub(crate) fn split_row(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = u16::from_be_bytes(*bytes.first_chunk()?);
    let mut end = 2;
    while fields > 0 {
        let length = i32::from_be_bytes(*bytes.get(end..)?.first_chunk()?);
        end += 4 + usize::try_from(length).unwrap_or(0);
        fields -= 1;
    }
    bytes.split_at_checked(end)
}

/// The rows that stand one behind the other in `bytes`; `Err` where they stop being rows.
pub(crate) fn rows(mut bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], NoRow>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let Some((row, rest)) = split_row(bytes) else {
            bytes = &[];
            return Some(Err(NoRow));
        };
        bytes = rest;
        Some(Ok(row))
    })
}

/// The values of a row, in the order of its columns. Give it what [`rows`] gave.
pub(crate) fn fields(row: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = row.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            rest = behind;
            return Some(None);
        };
        let (value, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some(Some(value))
    })
}

/// Bytes that are no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no row")]
pub(crate) struct NoRow;

/// How many rows there are, and what they are: the sum of their SHA-256, as a number modulo 2²⁵⁶.
///
/// A sum does not depend on the order, which the two databases do not share for texts; and sums of
/// parts are added, so that a piece which several backups name is read once to verify them all. That
/// someone could look for other rows with the same sum is no worry here: whoever can write a backup
/// has its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowSum {
    rows: u64,
    /// Lowest first.
    limbs: [u64; 4],
}

impl RowSum {
    /// The sum of the rows in `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, NoRow> {
        let mut sum = Self::default();
        for row in rows(bytes) {
            sum.add_row(row?);
        }
        Ok(sum)
    }

    pub(crate) fn add_row(&mut self, row: &[u8]) {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(Sha256::digest(row).as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        self.add(Self { rows: 1, limbs });
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        let mut carry = false;
        for (limb, added) in self.limbs.iter_mut().zip(other.limbs) {
            let (partial, over) = limb.overflowing_add(added);
            let (full, over_by_carry) = partial.overflowing_add(u64::from(carry));
            *limb = full;
            carry = over || over_by_carry;
        }
    }

    pub(crate) const fn rows(self) -> u64 {
        self.rows
    }

    /// The sum as 64 hexadecimal digits, highest first.
    pub(crate) fn text(self) -> String {
        self.limbs.iter().rev().map(|limb| format!("{limb:016x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Row = Vec<Option<Vec<u8>>>;

    fn encoded(row: &Row) -> Vec<u8> {
        let mut out = Vec::new();
        begin_row(&mut out, row.len());
        row.iter().for_each(|value| put_field(&mut out, value.as_deref()));
        out
    }

    fn some_rows() -> impl Strategy<Value = Vec<Row>> {
        let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
        prop::collection::vec(prop::collection::vec(value, 0..6), 0..12)
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(given in some_rows()) {
            let bytes: Vec<u8> = given.iter().flat_map(encoded).collect();
            let found: Vec<Row> = rows(&bytes)
                .map(|row| fields(row.unwrap()).map(|value| value.map(<[u8]>::to_vec)).collect())
                .collect();
            prop_assert_eq!(&found, &given);
            prop_assert_eq!(RowSum::of(&bytes).unwrap().rows(), given.len() as u64);
        }

        #[test]
        fn a_sum_is_of_all_parts_in_any_order(given in some_rows(), at in any::<prop::sample::Index>()) {
            let bytes: Vec<u8> = given.iter().flat_map(encoded).collect();
            let whole = RowSum::of(&bytes).unwrap();
            let cut = at.index(given.len() + 1);
            let part = |rows: &[Row]| {
                RowSum::of(&rows.iter().rev().flat_map(encoded).collect::<Vec<u8>>()).unwrap()
            };
            let mut parts = part(&given[cut..]);
            parts.add(part(&given[..cut]));
            prop_assert_eq!(parts, whole);
        }

        #[test]
        fn bytes_of_any_kind_are_rows_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            for row in rows(&bytes) {
                let Ok(row) = row else { break };
                prop_assert_eq!(fields(row).count(), usize::from(u16::from_be_bytes([row[0], row[1]])));
            }
        }
    }

    #[test]
    fn sums_carry() {
        let mut sum = RowSum { rows: 1, limbs: [u64::MAX, u64::MAX, 0, 7] };
        sum.add(RowSum { rows: 2, limbs: [1, 0, 0, 0] });
        assert_eq!(sum, RowSum { rows: 3, limbs: [0, 0, 1, 7] });
        let mut full = RowSum { rows: 0, limbs: [u64::MAX; 4] };
        full.add(RowSum { rows: 0, limbs: [1, 0, 0, 0] });
        assert_eq!(full, RowSum::default());
        assert_eq!(sum.text(), format!("{:016x}{:016x}{:032x}", 7, 1, 0));
    }

    #[test]
    fn half_a_row_is_none() {
        let row = encoded(&vec![Some(b"tea".to_vec()), None]);
        assert_eq!(rows(&row[..row.len() - 1]).collect::<Vec<_>>(), [Err(NoRow)]);
        assert_eq!(RowSum::of(&row[..1]), Err(NoRow));
    }
}

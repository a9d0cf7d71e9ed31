//! Columns that cannot teach anything: names of rows, constants, free text.

use std::collections::HashSet;

use super::frame::{Column, ColumnData, Frame, MISSING};
use super::report::{Excluded, ExclusionCode};

/// When a column names its rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScreenOptions {
    /// Share of different values from which a column of texts is an identifier.
    pub id_share: f64,
    /// Fewest values for that to be said.
    pub id_rows: usize,
}

impl Default for ScreenOptions {
    fn default() -> Self {
        Self { id_share: 0.9, id_rows: 50 }
    }
}

/// What is left out, of the columns named by `candidates`, judged by `rows`.
pub(crate) fn screen(
    frame: &Frame,
    candidates: &[usize],
    rows: &[u32],
    options: &ScreenOptions,
) -> Vec<(usize, Excluded)> {
    candidates
        .iter()
        .filter_map(|&place| {
            let column = &frame.columns()[place];
            judge(column, rows, options).map(|(code, reason)| {
                (place, Excluded { column: column.name.clone(), reason, code })
            })
        })
        .collect()
}

fn judge(
    column: &Column,
    rows: &[u32],
    options: &ScreenOptions,
) -> Option<(ExclusionCode, String)> {
    if let ColumnData::Text { distinct, .. } = column.data {
        let reason = format!("free text or an identifier: more than {distinct} different values");
        return Some((ExclusionCode::TooManyCategories, reason));
    }
    let counts = Counts::of(column, rows);
    if counts.present == 0 {
        return Some((ExclusionCode::NoValues, "it has no values".to_owned()));
    }
    if counts.distinct == 1 && counts.present == rows.len() {
        let value = rows.first().and_then(|&row| column.label(row as usize)).unwrap_or_default();
        let reason = format!("the same value everywhere: `{}`", super::error::shown(&value));
        return Some((ExclusionCode::Constant, reason));
    }
    if counts.present < options.id_rows {
        return None;
    }
    let share = counts.distinct as f64 / counts.present as f64;
    let (distinct, present) = (counts.distinct, counts.present);
    let identifier = |what: &str| {
        let reason = format!("{what}: {distinct} different values in {present} rows");
        Some((ExclusionCode::Identifier, reason))
    };
    match &column.data {
        ColumnData::Categorical { .. } if share >= options.id_share => {
            identifier("an identifier of each row")
        }
        ColumnData::Numeric(_) if counts.whole && share >= 0.98 => {
            if counts.largest - counts.smallest < 1.05 * present as f64 {
                identifier("running numbers")
            } else if is_id_name(&column.name) {
                identifier("an identifier of each row, by its name")
            } else {
                None
            }
        }
        _ => None,
    }
}

/// `id`, `user_id`, `customerID`, `订单编号`, `单号`; not `paid`.
fn is_id_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    let camel = name.ends_with("ID") || name.ends_with("Id");
    lower == "id"
        || camel
        || ["_id", " id", "-id", ".id", "编号", "单号", "uuid", "guid"]
            .iter()
            .any(|end| lower.ends_with(end))
}

struct Counts {
    present: usize,
    distinct: usize,
    whole: bool,
    smallest: f64,
    largest: f64,
}

impl Counts {
    fn of(column: &Column, rows: &[u32]) -> Self {
        let (mut smallest, mut largest, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
        let mut present = 0;
        let distinct = match &column.data {
            ColumnData::Categorical { codes, labels } => {
                let mut seen = vec![false; labels.len()];
                for &row in rows {
                    let code = codes[row as usize];
                    if code != MISSING {
                        present += 1;
                        seen[code as usize] = true;
                    }
                }
                seen.into_iter().filter(|&seen| seen).count()
            }
            _ => {
                let mut seen: HashSet<u64> = HashSet::new();
                for &row in rows {
                    let value = column.number(row as usize);
                    if !value.is_nan() {
                        present += 1;
                        whole &= value.fract() == 0.0;
                        smallest = smallest.min(value);
                        largest = largest.max(value);
                        // Both zeros are one value.
                        seen.insert((value + 0.0).to_bits());
                    }
                }
                seen.len()
            }
        };
        Self { present, distinct, whole, smallest, largest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ids_are_known_and_others_are_not() {
        for name in ["id", "ID", "user_id", "customerID", "订单编号", "order id", "UserId"] {
            assert!(is_id_name(name), "{name}");
        }
        for name in ["paid", "valid", "amount", "grid", "无编号说明"] {
            assert!(!is_id_name(name), "{name}");
        }
    }
}

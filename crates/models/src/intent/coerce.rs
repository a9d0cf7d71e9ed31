//! Values as a model was trained on them, from a frame that may be too small to show of what kind they are.

use std::collections::HashMap;

use super::error::{ScoreError, shown};
use super::frame::{Column, ColumnData, Kind};
use super::read::{parse_number, says_yes};

/// A level that was not among those of the training.
pub(crate) const OTHER: u32 = u32::MAX - 1;
/// No value.
pub(crate) const NONE: u32 = u32::MAX;

pub(crate) fn wrong_kind(column: &Column, expected: Kind) -> ScoreError {
    ScoreError::WrongKind {
        column: shown(&column.name),
        expected: expected.words(),
        found: column.kind().words(),
    }
}

/// Values of each row of `column` by a number for each of its categories.
fn by_label<'a>(
    column: &'a Column,
    expected: Kind,
    number: impl Fn(&str) -> Option<f64>,
) -> Result<Box<dyn Fn(usize) -> f64 + 'a>, ScoreError> {
    let ColumnData::Categorical { codes, labels } = &column.data else {
        return Err(wrong_kind(column, expected));
    };
    let of_code: Option<Vec<f64>> = labels.iter().map(|label| number(label)).collect();
    let of_code = of_code.ok_or_else(|| wrong_kind(column, expected))?;
    Ok(Box::new(move |row| of_code.get(codes[row] as usize).copied().unwrap_or(f64::NAN)))
}

/// A small file may show numbers that were taken for yes and no, or no value at all.
pub(crate) fn numbers(
    column: &Column,
    expected: Kind,
) -> Result<Box<dyn Fn(usize) -> f64 + '_>, ScoreError> {
    let found = column.kind();
    match (&column.data, expected) {
        (ColumnData::Boolean { .. }, Kind::Numeric) => Ok(Box::new(|row| column.number(row))),
        (ColumnData::Numeric(_) | ColumnData::Date(_), _)
            if found == expected || column.missing() == column.len() =>
        {
            Ok(Box::new(|row| column.number(row)))
        }
        (ColumnData::Categorical { .. }, _) => by_label(column, expected, |label| {
            (expected == Kind::Numeric).then(|| parse_number(label)).flatten()
        }),
        _ => Err(wrong_kind(column, expected)),
    }
}

/// A small file may show only one of yes and no.
pub(crate) fn yes_no(column: &Column) -> Result<Box<dyn Fn(usize) -> f64 + '_>, ScoreError> {
    match &column.data {
        ColumnData::Boolean { .. } => Ok(Box::new(|row| column.number(row))),
        ColumnData::Numeric(values)
            if values.iter().all(|value| value.is_nan() || *value == 0.0 || *value == 1.0) =>
        {
            Ok(Box::new(|row| column.number(row)))
        }
        _ => by_label(column, Kind::Boolean, |label| {
            says_yes(label).map(|yes| f64::from(u8::from(yes)))
        }),
    }
}

/// The place of each row's category among `levels`, or [`OTHER`] or [`NONE`].
pub(crate) fn codes(
    column: &Column,
    levels: &[&str],
    rows: &[u32],
    expected: Kind,
) -> Result<Vec<u32>, ScoreError> {
    let places: HashMap<&str, u32> =
        levels.iter().enumerate().map(|(place, &level)| (level, place as u32)).collect();
    let place = |label: &str| places.get(label).copied().unwrap_or(OTHER);
    match &column.data {
        ColumnData::Text { .. } => Err(wrong_kind(column, expected)),
        ColumnData::Categorical { codes, labels } => {
            let of_code: Vec<u32> = labels.iter().map(|label| place(label)).collect();
            let code = |&row: &u32| of_code.get(codes[row as usize] as usize).copied();
            Ok(rows.iter().map(|row| code(row).unwrap_or(NONE)).collect())
        }
        _ => Ok(rows
            .iter()
            .map(|&row| column.label(row as usize).map_or(NONE, |label| place(&label)))
            .collect()),
    }
}

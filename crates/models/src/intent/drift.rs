//! Whether customers still look like those a model learned from.

use serde::{Deserialize, Serialize};

use super::coerce::{NONE, codes, numbers, yes_no};
use super::error::ScoreError;

use super::frame::{Column, ColumnData, Frame, Kind, MISSING};

/// Parts of a column of numbers.
const PARTS: usize = 10;
/// Categories told apart, the most frequent ones.
const LEVELS: usize = 20;
/// Shares are taken as at least this, so that an empty part has a logarithm.
const FLOOR: f64 = 1e-4;
/// Index from which customers have begun to look different.
const MODERATE: f64 = 0.1;
/// Index from which they are others.
const LARGE: f64 = 0.25;
/// Mean index by luck alone from which nothing can be said.
const MOST_NOISE: f64 = 0.05;

/// Population stability index Σ (a − e) ln(a / e) of two lists of shares; shares below 0.0001 are taken as
/// that. 0 if they are equal. Source: Siddiqi (2006), "Credit Risk Scorecards", ch. 8.
#[must_use]
pub fn psi(expected: &[f64], actual: &[f64]) -> f64 {
    let part = |(e, a): (&f64, &f64)| {
        let (e, a) = (e.max(FLOOR), a.max(FLOOR));
        (a - e) * (a / e).ln()
    };
    expected.iter().zip(actual).map(part).sum()
}

/// What an index means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftLevel {
    /// Below 0.1.
    Stable,
    /// From 0.1: look.
    Moderate,
    /// From 0.25: train again.
    Large,
    /// So few rows that luck alone gives an index of 0.05 on average.
    TooFewRows,
}

/// How one column, or the score, moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDrift {
    /// The column; `None` for the score.
    pub column: Option<String>,
    /// Population stability index.
    pub psi: f64,
    /// What the index is on average if nothing changed: (parts − 1)(1/n + 1/m). Source: Yurdakul (2018).
    pub noise: f64,
    /// What it means.
    pub level: DriftLevel,
}

/// How everything moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Rows looked at.
    pub rows: usize,
    /// The score.
    pub score: ColumnDrift,
    /// Each column the model uses.
    pub columns: Vec<ColumnDrift>,
}

/// Parts and their shares among the rows of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    column: Option<String>,
    kind: Kind,
    rows: usize,
    parts: Parts,
    shares: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Parts {
    /// Upper bounds of all parts but the last; behind them no value.
    Cuts(Vec<f64>),
    /// Categories; behind them any other, then no value.
    Levels(Vec<String>),
}

impl Reference {
    /// Of the `rows` of a column.
    pub(crate) fn of_column(column: &Column, rows: &[u32]) -> Result<Self, ScoreError> {
        let kind = column.kind();
        let parts = match &column.data {
            ColumnData::Numeric(values) | ColumnData::Date(values) => {
                Parts::Cuts(quantile_cuts(rows.iter().map(|&row| values[row as usize])))
            }
            ColumnData::Boolean { .. } => Parts::Cuts(vec![0.5]),
            ColumnData::Categorical { codes, labels } => {
                let mut counts = vec![0usize; labels.len()];
                for &row in rows {
                    if codes[row as usize] != MISSING {
                        counts[codes[row as usize] as usize] += 1;
                    }
                }
                let mut order: Vec<usize> =
                    (0..labels.len()).filter(|&code| counts[code] > 0).collect();
                order.sort_by(|&a, &b| {
                    counts[b].cmp(&counts[a]).then_with(|| labels[a].cmp(&labels[b]))
                });
                order.truncate(LEVELS);
                Parts::Levels(order.into_iter().map(|code| labels[code].clone()).collect())
            }
            ColumnData::Text { .. } => Parts::Levels(Vec::new()),
        };
        let column_name = Some(column.name.clone());
        let mut reference =
            Self { column: column_name, kind, rows: rows.len(), parts, shares: Vec::new() };
        reference.shares = reference.shares_of(column, rows)?;
        Ok(reference)
    }

    /// Of scores.
    pub(crate) fn of_scores(scores: &[f64]) -> Self {
        let cuts = quantile_cuts(scores.iter().copied());
        let shares = shares_of_numbers(&cuts, scores.iter().copied(), scores.len());
        let (rows, parts) = (scores.len(), Parts::Cuts(cuts));
        Self { column: None, kind: Kind::Numeric, rows, parts, shares }
    }

    fn shares_of(&self, column: &Column, rows: &[u32]) -> Result<Vec<f64>, ScoreError> {
        Ok(match &self.parts {
            Parts::Cuts(cuts) => {
                let number = if self.kind == Kind::Boolean {
                    yes_no(column)?
                } else {
                    numbers(column, self.kind)?
                };
                let values = rows.iter().map(|&row| number(row as usize));
                shares_of_numbers(cuts, values, rows.len())
            }
            Parts::Levels(levels) => {
                let names: Vec<&str> = levels.iter().map(String::as_str).collect();
                let mut shares = vec![0.0; levels.len() + 2];
                for code in codes(column, &names, rows, self.kind)? {
                    let place = match code {
                        NONE => levels.len() + 1,
                        code => (code as usize).min(levels.len()),
                    };
                    shares[place] += 1.0 / rows.len() as f64;
                }
                shares
            }
        })
    }

    /// How a frame moved away from it; nothing if the column is not there, which scoring refuses before.
    pub(crate) fn drift(&self, frame: &Frame) -> Result<Option<ColumnDrift>, ScoreError> {
        let column = self.column.as_deref().and_then(|name| frame.column(name));
        let Some(column) = column else { return Ok(None) };
        let rows: Vec<u32> = (0..frame.rows() as u32).collect();
        Ok(Some(self.compare(&self.shares_of(column, &rows)?, rows.len())))
    }

    /// How scores moved away from it.
    pub(crate) fn drift_of_scores(&self, scores: &[f64]) -> ColumnDrift {
        let cuts: &[f64] = if let Parts::Cuts(cuts) = &self.parts { cuts } else { &[] };
        let shares = shares_of_numbers(cuts, scores.iter().copied(), scores.len());
        self.compare(&shares, scores.len())
    }

    fn compare(&self, shares: &[f64], rows: usize) -> ColumnDrift {
        let used = self.shares.iter().zip(shares).filter(|(e, a)| **e > 0.0 || **a > 0.0).count();
        let noise =
            (used.max(1) - 1) as f64 * (1.0 / rows.max(1) as f64 + 1.0 / self.rows.max(1) as f64);
        let psi = if rows == 0 { 0.0 } else { psi(&self.shares, shares) };
        let level = if rows == 0 || noise >= MOST_NOISE {
            DriftLevel::TooFewRows
        } else if psi >= LARGE {
            DriftLevel::Large
        } else if psi >= MODERATE {
            DriftLevel::Moderate
        } else {
            DriftLevel::Stable
        };
        ColumnDrift { column: self.column.clone(), psi, noise, level }
    }

    /// Whether what was read from a file can be used.
    pub(crate) fn is_sound(&self) -> bool {
        let parts = match &self.parts {
            Parts::Cuts(cuts) => {
                if !cuts.iter().all(|cut| cut.is_finite()) {
                    return false;
                }
                cuts.len()
            }
            Parts::Levels(levels) => levels.len(),
        };
        self.shares.len() == parts + 2 && self.shares.iter().all(|share| share.is_finite())
    }
}

/// Up to nine different bounds at the tenths of the numbers that are there.
fn quantile_cuts(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut known: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let Some(&largest) = known.last() else { return Vec::new() };
    let mut cuts: Vec<f64> = (1..PARTS)
        .map(|part| known[(known.len() * part / PARTS).max(1) - 1])
        .filter(|&cut| cut < largest)
        .collect();
    cuts.dedup();
    cuts
}

/// Shares of the parts, the last being that of no value.
fn shares_of_numbers(cuts: &[f64], values: impl Iterator<Item = f64>, rows: usize) -> Vec<f64> {
    let mut counts = vec![0usize; cuts.len() + 2];
    for value in values {
        let part =
            if value.is_nan() { cuts.len() + 1 } else { cuts.partition_point(|&cut| cut < value) };
        counts[part] += 1;
    }
    counts.into_iter().map(|count| count as f64 / rows.max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// import numpy as np
    /// e, a = np.array([.1, .2, .3, .4]), np.array([.2, .2, .2, .4])
    /// print(((a - e) * np.log(a / e)).sum())   # 0.10986122886681099
    /// ```
    #[test]
    fn the_index_is_the_published_formula() {
        let index = psi(&[0.1, 0.2, 0.3, 0.4], &[0.2, 0.2, 0.2, 0.4]);
        assert!((index - 0.109_861_228_866_811).abs() < 1e-12);
        assert_eq!(psi(&[0.5, 0.5], &[0.5, 0.5]), 0.0);
        assert!(psi(&[1.0, 0.0], &[0.0, 1.0]).is_finite());
    }

    #[test]
    fn the_same_is_stable_a_shift_is_not_and_few_rows_say_nothing() {
        let scores: Vec<f64> = (0..5_000).map(|row| f64::from(row % 997) / 997.0).collect();
        let reference = Reference::of_scores(&scores);
        assert_eq!(reference.drift_of_scores(&scores).level, DriftLevel::Stable);
        assert!(reference.drift_of_scores(&scores).psi < 1e-12);
        let moved: Vec<f64> = scores.iter().map(|score| score * 0.5).collect();
        assert_eq!(reference.drift_of_scores(&moved).level, DriftLevel::Large);
        assert_eq!(reference.drift_of_scores(&scores[..50]).level, DriftLevel::TooFewRows);
        assert_eq!(reference.drift_of_scores(&[]).level, DriftLevel::TooFewRows);
    }
}

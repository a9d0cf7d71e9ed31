//! Why a customer scores as they do.

use serde::Serialize;

use super::error::{ScoreError, shown};
use super::frame::Frame;
use super::registry::Model;

/// What one column adds to a customer's log-odds. Words for it are the caller's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The column.
    pub column: String,
    /// The customer's value as it is written; `None` if missing.
    pub value: Option<String>,
    /// What it adds to the log-odds of the probability given by [`Model::score`], against an average
    /// customer. Above 0 speaks for the outcome.
    pub contribution: f64,
}

/// The reasons of one customer, strongest first, with what all customers begin from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reasons {
    /// Log-odds before anything is known; with all contributions it sums to those of the probability.
    pub base: f64,
    /// The strongest ones.
    pub top: Vec<Reason>,
}

impl Model {
    /// The `top` columns that moved the probability of `row` most, those that add nothing left out.
    ///
    /// Exact for logistic regression; by path for trees ([`super::Learner::contributions`]). Features of
    /// one column are summed, and all is scaled by the calibration.
    ///
    /// # Errors
    /// As [`Model::score`]; no such row.
    pub fn reasons(&self, frame: &Frame, row: usize, top: usize) -> Result<Reasons, ScoreError> {
        if row >= frame.rows() {
            return Err(ScoreError::NoRow { row, rows: frame.rows() });
        }
        let matrix = self.encoder.transform(frame, &[row as u32])?;
        let (base, parts) = self.learner.contributions(matrix.row(0));
        let mut sums = vec![0.0; self.encoder.columns().count()];
        for (feature, part) in self.encoder.features().iter().zip(parts) {
            sums[feature.column] += part * self.platt.slope;
        }
        let mut reasons: Vec<Reason> = self
            .encoder
            .columns()
            .zip(sums)
            .filter(|(_, contribution)| *contribution != 0.0)
            .map(|((name, _), contribution)| Reason {
                column: name.to_owned(),
                value: frame
                    .column(name)
                    .and_then(|column| column.label(row).map(|label| shown(&label))),
                contribution,
            })
            .collect();
        // Stable: equal ones stay in the order of the columns.
        reasons.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        reasons.truncate(top);
        Ok(Reasons { base: self.platt.slope * base + self.platt.offset, top: reasons })
    }
}

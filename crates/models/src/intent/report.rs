//! What training found, ready to be written as JSON. The keys are those that `guanxi insight intent --json` prints.

use serde::Serialize;

use super::calibration::Calibration;
use super::frame::{Column, Kind};
use super::learners::LearnerKind;
use super::lift::LiftRow;
use super::metrics::{GainPoint, Metrics};

/// Why a column was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionCode {
    /// The caller said so.
    Dropped,
    /// It orders the rows.
    Time,
    /// It has no values at all.
    NoValues,
    /// It has the same value everywhere.
    Constant,
    /// It names each row.
    Identifier,
    /// More different texts than are held.
    TooManyCategories,
    /// Leak: another way to write the outcome.
    SameAsTarget,
    /// Leak: alone it foretells the outcome almost without fault.
    PredictsTarget,
    /// Leak: a value of it, or its having one, goes with one outcome only.
    OnlyForOutcome,
}

/// A column that was left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excluded {
    /// Its name.
    pub column: String,
    /// Why, as a sentence.
    pub reason: String,
    /// Why, for programs.
    pub code: ExclusionCode,
}

/// A column that was kept although it is suspicious.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// Its name.
    pub column: String,
    /// What is suspicious.
    pub reason: String,
}

/// A column as it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Rows without a value.
    pub missing: usize,
    /// Values that were infinite or no number; they count as missing.
    pub not_finite: usize,
}

impl ColumnReport {
    pub(crate) fn of(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            kind: column.kind(),
            missing: column.missing(),
            not_finite: column.not_finite,
        }
    }
}

impl Baseline {
    /// Of the share of positives.
    pub(crate) fn of(outcomes: &[bool]) -> Self {
        let share = outcomes.iter().filter(|&&outcome| outcome).count() as f64
            / outcomes.len().max(1) as f64;
        let guess = vec![share; outcomes.len()];
        let metrics = Metrics::of(outcomes, &guess).unwrap_or(Metrics {
            auc: 0.5,
            average_precision: share,
            log_loss: 0.0,
            brier: 0.0,
            top20_capture: 0.2,
        });
        Self { metrics }
    }
}

/// One model on held-back data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    /// Which.
    pub name: LearnerKind,
    /// Means over the folds, of probabilities as the model gives them.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Standard deviation of the area under the curve over the folds.
    pub auc_sd: f64,
    /// Areas under the curve by fold.
    pub fold_auc: Vec<f64>,
    /// Calibration after Platt's correction, each fold corrected by the others.
    pub calibration: Calibration,
    /// Share of the outcomes by share of the rows taken from the top, the mean over the folds: models of different
    /// folds do not share a scale, so their rows are not put into one order.
    pub gain_curve: Vec<GainPoint>,
}

/// What guessing the share of positives for everyone gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Baseline {
    /// Its figures.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Rows with an outcome.
    pub rows: usize,
    /// Those with the outcome.
    pub positives: usize,
    /// The value that counts as the outcome.
    pub positive: String,
    /// Rows the models saw; fewer than `rows` when a sample was taken.
    pub rows_used: usize,
    /// Rows without an outcome, or without a time where time splits.
    pub rows_left_out: usize,
    /// Columns left out.
    pub excluded: Vec<Excluded>,
    /// Columns kept although suspicious.
    pub warnings: Vec<Warning>,
    /// All columns.
    pub columns: Vec<ColumnReport>,
    /// Parts of the cross-validation that were used.
    pub folds: usize,
    /// Whether the parts follow time.
    pub split: Split,
    /// The seed.
    pub seed: u64,
    /// The models, simplest first.
    pub models: Vec<ModelReport>,
    /// The one kept: the simplest within one standard error of the best by area under the curve.
    pub best: LearnerKind,
    /// What a guess gives.
    pub baseline: Baseline,
    /// Calibration of the best.
    pub calibration: Calibration,
    /// Gain curve of the best.
    pub gain_curve: Vec<GainPoint>,
    /// Rate of the outcome by single behaviour.
    pub lift: Vec<LiftRow>,
}

/// How rows were held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// By lot, with the same share of outcomes in each part.
    Stratified,
    /// Learn from the past, test on what came after.
    Time,
}

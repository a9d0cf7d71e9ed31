//! A trained model that can be stored, and what it gives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibration::Platt;
use super::drift::{Drift, Reference};
use super::error::ScoreError;
use super::features::Encoder;
use super::frame::{Frame, Kind};
use super::learners::{Learner, LearnerKind};
use super::metrics::Metrics;

/// Version of the stored form.
pub const FORMAT_VERSION: u32 = 1;
/// Longest text that is read as a model.
const MAX_BYTES: usize = 64 << 20;
/// Rows scored at once.
const CHUNK: usize = 10_000;

/// When the rows of a training happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The column of times.
    pub column: String,
    /// The earliest, as it is written.
    pub from: String,
    /// The latest.
    pub to: String,
}

/// What a model was trained on, and how well it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Rows.
    pub rows: usize,
    /// Those with the outcome.
    pub positives: usize,
    /// When they happened, if a column of times was named.
    pub window: Option<Window>,
    /// Figures on held-back rows.
    pub metrics: Metrics,
    /// The seed.
    pub seed: u64,
}

/// A customer's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The lower half.
    Low,
    /// Between.
    Medium,
    /// The upper fifth.
    High,
}

/// Probabilities from which a customer is of a tier.
///
/// They are the 80th and the 50th percentile of the calibrated probabilities of held-back rows, so about a
/// fifth of the customers of the training are high and three tenths medium. Rows of equal probability are
/// of one tier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tiers {
    /// From here high.
    pub high: f64,
    /// From here medium.
    pub medium: f64,
}

impl Tiers {
    /// By the probabilities of held-back rows.
    pub(crate) fn of(scores: &[f64]) -> Self {
        let mut sorted = scores.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |tenths: usize| sorted.get(sorted.len() * tenths / 10).copied().unwrap_or(1.0);
        Self { high: at(8), medium: at(5) }
    }

    /// The tier of a probability.
    #[must_use]
    pub fn of_probability(&self, probability: f64) -> Tier {
        if probability >= self.high {
            Tier::High
        } else if probability >= self.medium {
            Tier::Medium
        } else {
            Tier::Low
        }
    }
}

/// A model with all it needs to score another frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    version: u32,
    target: String,
    positive: String,
    pub(crate) encoder: Encoder,
    pub(crate) learner: Learner,
    pub(crate) platt: Platt,
    tiers: Tiers,
    trained: Trained,
    reference: Vec<Reference>,
    score_reference: Reference,
}

/// The parts of a new model.
pub(crate) struct Parts {
    pub(crate) target: String,
    pub(crate) positive: String,
    pub(crate) encoder: Encoder,
    pub(crate) learner: Learner,
    pub(crate) platt: Platt,
    pub(crate) trained: Trained,
    /// What drift is measured from: columns, and calibrated probabilities of held-back rows.
    pub(crate) reference: Vec<Reference>,
    pub(crate) score_reference: Reference,
}

impl Model {
    /// `held_back`: calibrated probabilities of held-back rows, from which tiers are judged.
    pub(crate) fn new(parts: Parts, held_back: &[f64]) -> Self {
        Self {
            version: FORMAT_VERSION,
            target: parts.target,
            positive: parts.positive,
            encoder: parts.encoder,
            learner: parts.learner,
            platt: parts.platt,
            tiers: Tiers::of(held_back),
            trained: parts.trained,
            reference: parts.reference,
            score_reference: parts.score_reference,
        }
    }

    /// Which kind of model it is.
    #[must_use]
    pub fn kind(&self) -> LearnerKind {
        self.learner.kind()
    }

    /// The column it foretells, and the value that counts as the outcome.
    #[must_use]
    pub fn target(&self) -> (&str, &str) {
        (&self.target, &self.positive)
    }

    /// What it was trained on.
    #[must_use]
    pub fn trained(&self) -> &Trained {
        &self.trained
    }

    /// Its tiers.
    #[must_use]
    pub fn tiers(&self) -> Tiers {
        self.tiers
    }

    /// Names and kinds of the columns it needs; hand them to [`super::ReadOptions::kinds`] when a file is
    /// read to be scored, so that a small file is understood as the one of the training was.
    #[must_use]
    pub fn kinds(&self) -> BTreeMap<String, Kind> {
        self.encoder.columns().map(|(name, kind)| (name.to_owned(), kind)).collect()
    }

    /// The calibrated probability of the outcome for each row, 0 to 1, never not a number.
    ///
    /// Missing values and categories not seen in training are allowed; columns it does not know are
    /// passed over.
    ///
    /// # Errors
    /// If columns are missing (all are named) or hold another kind of values.
    pub fn score(&self, frame: &Frame) -> Result<Vec<f64>, ScoreError> {
        let rows: Vec<u32> = (0..frame.rows() as u32).collect();
        let mut scores = Vec::with_capacity(rows.len());
        // Also for no rows, so that a frame that lacks a column is refused.
        for chunk in rows.chunks(CHUNK).chain(rows.is_empty().then_some(&[] as &[u32])) {
            let matrix = self.encoder.transform(frame, chunk)?;
            let probabilities = self.learner.probabilities(&matrix);
            scores.extend(probabilities.into_iter().map(|p| self.platt.apply(p)));
        }
        Ok(scores)
    }

    /// How far the customers of `frame` have moved from those of the training; from its latest window where time
    /// parts the rows.
    ///
    /// # Errors
    /// As [`Model::score`].
    pub fn drift(&self, frame: &Frame) -> Result<Drift, ScoreError> {
        let score = self.score_reference.drift_of_scores(&self.score(frame)?);
        let mut columns = Vec::with_capacity(self.reference.len());
        for reference in &self.reference {
            columns.extend(reference.drift(frame)?);
        }
        Ok(Drift { rows: frame.rows(), score, columns })
    }

    /// As JSON; numbers are written so that they are read back to the last bit.
    ///
    /// # Errors
    /// Never for a model that was trained or read.
    pub fn to_json(&self) -> Result<String, ScoreError> {
        serde_json::to_string(self)
            .map_err(|error| ScoreError::NotAModel { reason: error.to_string() })
    }

    /// Reads what [`Model::to_json`] wrote. A text from elsewhere cannot make scoring fail or loop.
    ///
    /// # Errors
    /// If the text is larger than 64 MiB, no model, inconsistent, or of another version.
    pub fn from_json(text: &str) -> Result<Self, ScoreError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let not_a_model = |reason: String| ScoreError::NotAModel { reason };
        if text.len() > MAX_BYTES {
            return Err(not_a_model(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let head: Head =
            serde_json::from_str(text).map_err(|error| not_a_model(error.to_string()))?;
        if head.version != FORMAT_VERSION {
            let (found, expected) = (head.version, FORMAT_VERSION);
            return Err(ScoreError::Version { found, expected });
        }
        let model: Self =
            serde_json::from_str(text).map_err(|error| not_a_model(error.to_string()))?;
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> Result<(), ScoreError> {
        let sound = self.encoder.is_sound()
            && self.learner.is_sound(self.encoder.features().len())
            && self.platt.slope.is_finite()
            && self.platt.slope > 0.0
            && self.platt.offset.is_finite()
            && self.reference.iter().chain([&self.score_reference]).all(Reference::is_sound);
        if sound {
            Ok(())
        } else {
            Err(ScoreError::NotAModel { reason: "its parts do not fit each other".to_owned() })
        }
    }
}

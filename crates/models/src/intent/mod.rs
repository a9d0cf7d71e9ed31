//! Purchase intent: who is about to buy, learned from who bought.
//!
//! [`Frame`] holds typed columns, from a file ([`read_table`]) or from the caller. [`train`] compares three
//! models on held-back data and keeps the best as a [`Model`], which scores other frames, says why, and
//! tells when the customers no longer look like those it learned from.
//! Formulas, thresholds and what is not promised: `docs/models-intent.md`.

mod bins;
mod boosted;
mod calibration;
mod coerce;
mod drift;
mod encoding;
mod error;
mod features;
mod folds;
mod frame;
mod leaks;
mod learners;
mod lift;
mod logistic;
mod metrics;
mod read;
mod reasons;
mod registry;
mod report;
pub(crate) mod rng;
mod screen;
mod solve;
mod stop;
mod target;
mod train;
mod tree;

pub use boosted::{Boosted, BoostedOptions};
pub use calibration::{Bin, Calibration, Platt};
pub use drift::{ColumnDrift, Drift, DriftLevel, psi};
pub use error::{IntentError, ScoreError};
pub use features::{Encoder, EncoderOptions, Feature, FeatureKind, Matrix};
pub use folds::{Fold, expanding_windows, stratified_folds};
pub use frame::{Column, ColumnData, Frame, FrameLimits, Kind, MISSING};
pub use leaks::LeakOptions;
pub use learners::{Learner, LearnerKind, LearnerOptions};
pub use lift::{LiftRow, wilson};
pub use logistic::{Logistic, LogisticOptions};
pub use metrics::{
    GainPoint, Metrics, TOP_SHARE, average_precision, brier, capture, gain_curve, log_loss, roc_auc,
};
pub use read::{Irregularities, ReadOptions, ReadTable, read_table};
pub use reasons::{Reason, Reasons};
pub use registry::{FORMAT_VERSION, Model, Tier, Tiers, Trained, Window};
pub use report::{
    Baseline, ColumnReport, Excluded, ExclusionCode, ModelReport, Report, Split, Warning,
};
pub use screen::ScreenOptions;
pub use stop::Stop;
pub use target::Target;
pub use train::{TrainOptions, Training, train, train_until};
pub use tree::{Node, Tree, TreeOptions};

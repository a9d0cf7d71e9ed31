//! Purchase intent of the organisation's own customers: learned from its past, kept in versions, watched, and
//! told of each customer; and of any file.

mod features;
mod file;
mod learn;
mod registry;
mod scores;
mod silent;
mod views;
mod watch;

use insight::models::ModelStoreError;
use kernel::{CursorError, FieldErrors};
use models::intent::ScoreError;
use platform::{DbError, Problem};

pub use file::{FileAnswer, FileColumn, FileOptions, file_report};
pub use learn::LearnError;
pub use registry::{
    HORIZONS, TRAIN, TrainPayload, WATCH, Wanted, activate, ask, get, give_up, list, train,
};
pub(crate) use scores::Kept;
pub use scores::{
    IntentCustomer, IntentParams, IntentReason, IntentTier, ScoredCustomers, customers,
};
pub use views::{DriftView, ModelDetail, ModelRow};
pub use watch::{Watched, watch};

use crate::engine::EngineError;

/// Why there is no answer about intent.
#[derive(Debug, thiserror::Error)]
pub enum IntentRefused {
    /// Some parameters are wrong.
    #[error("{0}")]
    Fields(FieldErrors),
    /// There is too little to learn from.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// A stored model cannot be used with today's customers.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// No version is active.
    #[error("there is no active model of purchase intent; have one trained first")]
    NoModel,
    /// The position of a list by another version or of another day.
    #[error(
        "the list changed since its first page: another model is shown or a day has passed; begin \
         with the first page again"
    )]
    ListChanged,
    /// So many files wait that another one would wait for long.
    #[error("others have files looked at, and each takes its time; try again in a minute")]
    Crowded,
    /// The position of another list.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// What the store says.
    #[error(transparent)]
    Store(#[from] ModelStoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<IntentRefused> for Problem {
    fn from(error: IntentRefused) -> Self {
        let detail = error.to_string();
        match error {
            IntentRefused::Fields(errors) => Self::validation(errors),
            IntentRefused::Learn(_) => Self::conflict("too_little_history", detail),
            IntentRefused::Score(_) => Self::conflict("model_unusable", detail),
            IntentRefused::NoModel => Self::conflict("no_model", detail),
            IntentRefused::ListChanged => Self::conflict("list_changed", detail),
            IntentRefused::Crowded => Self::too_many_requests(60).detail(detail),
            IntentRefused::Cursor(error) => Self::field("after", error.to_string()),
            IntentRefused::Store(error) => match error {
                ModelStoreError::Unknown(_) => Self::not_found("model"),
                ModelStoreError::Busy => Self::conflict("model_in_training", detail),
                ModelStoreError::NotTrained => Self::conflict("model_not_trained", detail),
                ModelStoreError::Db(error) => error.into(),
            },
            IntentRefused::Engine(error) => error.into(),
            IntentRefused::Db(error) => error.into(),
        }
    }
}

//! Why points were not moved.

use kernel::FieldErrors;
use platform::{DbError, Problem};

/// Why points were not moved. Nothing was written then, if the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum PointsError {
    /// There is no such programme.
    #[error("there is no such programme of points")]
    NoProgramme,
    /// There is no such spend or reservation.
    #[error("there is no such spend")]
    NoSpend,
    /// There is no such adjustment, or somebody has decided on it.
    #[error("there is no such adjustment that waits for an approval")]
    NoAdjustment,
    /// Another programme has the name.
    #[error("another programme is called {0:?}")]
    NameTaken(String),
    /// Somebody changed the programme meanwhile.
    #[error("the programme was changed meanwhile; it has version {0} now")]
    Changed(i64),
    /// There are as many programmes as there may be.
    #[error("there can be at most {0} programmes")]
    TooMany(i64),
    /// Fewer points can be spent than were asked for.
    #[error("{wanted} points are wanted and {available} can be spent")]
    Insufficient {
        /// What can be spent.
        available: i64,
        /// What was asked for.
        wanted: i64,
    },
    /// The key was used for something else.
    #[error("this idempotency key was used for something else")]
    KeyReused,
    /// A reservation whose time is over.
    #[error("the reservation timed out; reserve anew")]
    TimedOut,
    /// A spend that was cancelled, or a reservation that was committed.
    #[error("the spend is {0}, so this cannot be done any more")]
    WrongState(String),
    /// The daily limit of an activity.
    #[error("the limit of {0} a day is reached")]
    DailyLimit(u32),
    /// More than one person may give by hand on a day.
    #[error(
        "one person gives at most {0} points by hand on a day; ask for an adjustment, which a second person approves"
    )]
    HandLimit(i64),
    /// The programme gives nothing for it.
    #[error("the programme gives no points for {0:?}")]
    NoRule(String),
    /// Somebody cannot approve their own adjustment.
    #[error("somebody else must decide on an adjustment that you asked for")]
    OwnAdjustment,
    /// Wrong input.
    #[error("{0:?}")]
    Fields(FieldErrors),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<PointsError> for Problem {
    fn from(error: PointsError) -> Self {
        let detail = error.to_string();
        match error {
            PointsError::NoProgramme => Self::not_found("programme"),
            PointsError::NoSpend => Self::not_found("spend"),
            PointsError::NoAdjustment => Self::not_found("adjustment"),
            PointsError::NameTaken(_) => Self::field("name", detail),
            PointsError::Changed(_) => Self::conflict("changed_meanwhile", detail),
            PointsError::TooMany(_) => Self::conflict("too_many_programmes", detail),
            PointsError::Insufficient { .. } => Self::conflict("insufficient_points", detail),
            PointsError::KeyReused => Self::conflict("key_reused", detail),
            PointsError::TimedOut => Self::conflict("reservation_timed_out", detail),
            PointsError::WrongState(_) => Self::conflict("wrong_state", detail),
            PointsError::DailyLimit(_) => Self::conflict("daily_limit", detail),
            PointsError::HandLimit(_) => Self::conflict("hand_limit", detail),
            PointsError::NoRule(_) => Self::field("activity", detail),
            PointsError::OwnAdjustment => Self::conflict("own_adjustment", detail),
            PointsError::Fields(errors) => errors.into(),
            PointsError::Db(error) => error.into(),
        }
    }
}

impl From<FieldErrors> for PointsError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

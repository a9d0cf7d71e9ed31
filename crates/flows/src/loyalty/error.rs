//! Why something of a member was not told or not done.

use loyalty::levels::LevelsError;
use loyalty::points::PointsError;
use platform::{DbError, ListError, Problem};

/// Why something of a member was not told or not done.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// There is no such customer, or it is not seen by whoever asks.
    #[error("there is no such customer")]
    NoCustomer,
    /// There is no such entry, or it is about somebody else.
    #[error("there is no such entry")]
    NoEntry,
    /// Points.
    #[error(transparent)]
    Points(#[from] PointsError),
    /// Levels.
    #[error(transparent)]
    Levels(#[from] LevelsError),
    /// The list, or the database.
    #[error(transparent)]
    List(#[from] ListError),
}

impl From<DbError> for MemberError {
    fn from(error: DbError) -> Self {
        Self::List(error.into())
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NoCustomer => Self::not_found("customer"),
            MemberError::NoEntry => Self::not_found("entry"),
            MemberError::Points(error) => error.into(),
            MemberError::Levels(error) => error.into(),
            MemberError::List(error) => error.into(),
        }
    }
}

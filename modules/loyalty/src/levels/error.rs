//! Why a level was not changed.

use kernel::FieldErrors;
use platform::{DbError, Problem};

/// Why a scheme or a level was not changed. Nothing was written then, if the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum LevelsError {
    /// There is no such scheme.
    #[error("there is no such scheme of levels")]
    NoScheme,
    /// Another scheme has the name.
    #[error("another scheme is called {0:?}")]
    NameTaken(String),
    /// Somebody changed the scheme meanwhile.
    #[error("the scheme was changed meanwhile; it has version {0} now")]
    Changed(i64),
    /// There are as many schemes as there may be.
    #[error("there can be at most {0} schemes")]
    TooMany(i64),
    /// The scheme has no such level.
    #[error("the scheme has levels 1 to {0}, and 0 for none")]
    NoLevel(usize),
    /// Nothing is pinned, and the scheme does not let people lower a level.
    #[error("the level is not pinned, and the scheme does not lower levels by hand")]
    NotByHand,
    /// A customer has as many changes by hand as there may be.
    #[error("a level can be changed by hand at most {0} times")]
    TooManyDeeds(i64),
    /// Wrong input.
    #[error("{0:?}")]
    Fields(FieldErrors),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<LevelsError> for Problem {
    fn from(error: LevelsError) -> Self {
        let detail = error.to_string();
        match error {
            LevelsError::NoScheme => Self::not_found("scheme"),
            LevelsError::NameTaken(_) => Self::field("name", detail),
            LevelsError::Changed(_) => Self::conflict("changed_meanwhile", detail),
            LevelsError::TooMany(_) => Self::conflict("too_many_schemes", detail),
            LevelsError::NoLevel(_) => Self::field("rank", detail),
            LevelsError::NotByHand => Self::conflict("not_by_hand", detail),
            LevelsError::TooManyDeeds(_) => Self::conflict("too_many_changes", detail),
            LevelsError::Fields(errors) => errors.into(),
            LevelsError::Db(error) => error.into(),
        }
    }
}

impl From<FieldErrors> for LevelsError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

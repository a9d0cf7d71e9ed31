//! What can go wrong with a list.

use kernel::CursorError;

use crate::{DbError, Problem};

/// Why a page of a list could not be given.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// `after` is of another list.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// As the database says.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Cursor(error) => Self::field("after", error.to_string()),
            ListError::Db(error) => error.into(),
        }
    }
}

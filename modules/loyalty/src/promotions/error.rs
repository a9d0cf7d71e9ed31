//! Why a promotion was not kept.

use kernel::FieldErrors;
use platform::{DbError, Problem};

/// Why a promotion was not kept. Nothing was written then, if the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum PromotionError {
    /// There is no such promotion.
    #[error("there is no such promotion")]
    NoPromotion,
    /// Another promotion has the name.
    #[error("another promotion is called {0:?}")]
    NameTaken(String),
    /// Somebody changed it meanwhile.
    #[error("the promotion was changed meanwhile; it has version {0} now")]
    Changed(i64),
    /// There are as many as there may be.
    #[error("there can be at most {0}")]
    TooMany(i64),
    /// Limits or a budget that were not there when it went live.
    #[error("{0} cannot be added to or taken from what was live; make another one")]
    Frozen(&'static str),
    /// A state that cannot follow.
    #[error("it is {0}, so this cannot be done")]
    WrongState(&'static str),
    /// Fewer pieces than are held and sold already.
    #[error("{taken} pieces of {sku:?} are held or sold already")]
    BelowTaken {
        /// Of what.
        sku: String,
        /// How many.
        taken: i64,
    },
    /// Wrong input.
    #[error("{0:?}")]
    Fields(FieldErrors),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<FieldErrors> for PromotionError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

impl From<PromotionError> for Problem {
    fn from(error: PromotionError) -> Self {
        let detail = error.to_string();
        match error {
            PromotionError::NoPromotion => Self::not_found("promotion"),
            PromotionError::NameTaken(_) => Self::field("name", detail),
            PromotionError::Changed(_) => Self::conflict("changed_meanwhile", detail),
            PromotionError::TooMany(_) => Self::conflict("too_many", detail),
            PromotionError::Frozen(_) => Self::conflict("frozen", detail),
            PromotionError::WrongState(_) => Self::conflict("wrong_state", detail),
            PromotionError::BelowTaken { .. } => Self::field("stocked", detail),
            PromotionError::Fields(errors) => errors.into(),
            PromotionError::Db(error) => error.into(),
        }
    }
}

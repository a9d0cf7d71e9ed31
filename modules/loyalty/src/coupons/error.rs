//! Why a coupon was not defined, made, given or taken.

use kernel::{FieldErrors, Timestamp};
use platform::{DbError, Problem};

use crate::counters::{CounterKind, Full, TakeError};

/// Why a coupon was not defined, made, given or taken. Nothing was written then, if the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum CouponError {
    /// There is no such definition.
    #[error("there is no such definition of coupons")]
    NoDefinition,
    /// There is no such batch.
    #[error("there is no such batch of codes")]
    NoBatch,
    /// There is no such gift.
    #[error("there is no such gift to an audience")]
    NoGift,
    /// Another definition has the name.
    #[error("another definition is called {0:?}")]
    NameTaken(String),
    /// Another definition has the public code.
    #[error("another definition has this code")]
    CodeTaken,
    /// Somebody changed the definition meanwhile.
    #[error("the definition was changed meanwhile; it has version {0} now")]
    Changed(i64),
    /// There are as many definitions, or batches of one, as there may be.
    #[error("there can be at most {0}")]
    TooMany(i64),
    /// Limits or a budget that were not there when it went live.
    #[error("{0} cannot be added to or taken from what was live; make another one")]
    Frozen(&'static str),
    /// A state that cannot follow.
    #[error("it is {0}, so this cannot be done")]
    WrongState(&'static str),
    /// It cannot be claimed by whoever wants it.
    #[error("coupons of this definition are not there to be claimed")]
    NotClaimable,
    /// Too early or too late.
    #[error("it can be claimed from {from:?} until {until:?}")]
    NotNow {
        /// The first moment.
        from: Option<Timestamp>,
        /// The first moment after it.
        until: Option<Timestamp>,
    },
    /// Not for this level.
    #[error("it is for the levels {0:?}")]
    Level(Vec<String>),
    /// No coupon and no definition has this code.
    #[error("nothing has this code; look at it again")]
    UnknownCode,
    /// Somebody else has it.
    #[error("somebody else has this coupon already")]
    AlreadyClaimed,
    /// Too many codes were entered in vain.
    #[error("too many codes were wrong; try again in {retry_seconds} s")]
    TooManyTries {
        /// Until then.
        retry_seconds: u32,
    },
    /// A limit is reached.
    #[error(transparent)]
    Full(#[from] Full),
    /// Wrong input.
    #[error("{0:?}")]
    Fields(FieldErrors),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<TakeError> for CouponError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Full(full) => Self::Full(full),
            TakeError::Db(error) => Self::Db(error),
        }
    }
}

impl From<FieldErrors> for CouponError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

/// The stable code of a limit that is reached.
pub(crate) fn code_of(full: &Full) -> &'static str {
    match full.kind {
        CounterKind::Budget => "budget_spent",
        CounterKind::ClaimTotal | CounterKind::UseTotal => "limit_total",
        CounterKind::ClaimDay | CounterKind::UseDay => "limit_day",
        CounterKind::ClaimPerson | CounterKind::UsePerson => "limit_person",
        CounterKind::UseShop => "limit_shop",
        CounterKind::UsePersonDay => "limit_person_day",
    }
}

impl From<CouponError> for Problem {
    fn from(error: CouponError) -> Self {
        let detail = error.to_string();
        match error {
            CouponError::NoDefinition => Self::not_found("coupon definition"),
            CouponError::NoBatch => Self::not_found("coupon batch"),
            CouponError::NoGift => Self::not_found("coupon gift"),
            CouponError::NameTaken(_) => Self::field("name", detail),
            CouponError::CodeTaken => Self::field("code", detail),
            CouponError::Changed(_) => Self::conflict("changed_meanwhile", detail),
            CouponError::TooMany(_) => Self::conflict("too_many", detail),
            CouponError::Frozen(_) => Self::conflict("frozen", detail),
            CouponError::WrongState(_) => Self::conflict("wrong_state", detail),
            CouponError::NotClaimable => Self::conflict("not_claimable", detail),
            CouponError::NotNow { .. } => Self::conflict("not_now", detail),
            CouponError::Level(_) => Self::conflict("level", detail),
            CouponError::UnknownCode => Self::field("code", detail),
            CouponError::AlreadyClaimed => Self::conflict("already_claimed", detail),
            CouponError::TooManyTries { retry_seconds } => Self::too_many_requests(retry_seconds),
            CouponError::Full(full) => Self::conflict(code_of(&full), detail),
            CouponError::Fields(errors) => errors.into(),
            CouponError::Db(error) => error.into(),
        }
    }
}

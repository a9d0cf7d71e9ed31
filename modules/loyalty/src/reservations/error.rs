//! Why a reservation was not made, or not ended as was asked for.

use kernel::{CouponId, FieldErrors, PromotionId, Timestamp};
use platform::{DbError, Problem};

use super::ReservationState;
use crate::counters::{Full, TakeError};
use crate::coupons::CouponError;

/// Why a reservation was not made, or not ended as was asked for. Nothing was written then, if the transaction is
/// rolled back, or its savepoint.
#[derive(Debug, thiserror::Error)]
pub enum ReservationError {
    /// There is no such reservation.
    #[error("there is no such reservation")]
    NoReservation,
    /// There is no such coupon, or it is somebody else's.
    #[error("the customer has no coupon {0}")]
    NoCoupon(CouponId),
    /// Another order holds it.
    #[error("the coupon {coupon} is held by another order until {until}")]
    CouponLocked {
        /// Which.
        coupon: CouponId,
        /// Until when, if the order is not placed.
        until: Timestamp,
    },
    /// It was used.
    #[error("the coupon {0} was used")]
    CouponUsed(CouponId),
    /// Its time is over.
    #[error("the coupon {0} has expired")]
    CouponExpired(CouponId),
    /// Its time comes.
    #[error("the coupon {coupon} can be used from {from} on")]
    CouponTooEarly {
        /// Which.
        coupon: CouponId,
        /// From when on.
        from: Timestamp,
    },
    /// What is asked of coupons.
    #[error(transparent)]
    Coupon(CouponError),
    /// The promotion is not there, not live, or not now.
    #[error("the promotion {0} does not run now")]
    NotRunning(PromotionId),
    /// No pieces are left.
    #[error("fewer than {wanted} pieces of {sku:?} are left")]
    SoldOut {
        /// In which promotion.
        promotion: PromotionId,
        /// Of what.
        sku: String,
        /// How many were wanted.
        wanted: i64,
    },
    /// A limit is reached.
    #[error(transparent)]
    Full(#[from] Full),
    /// The key was used for something else.
    #[error("this key was used for another request")]
    KeyReused,
    /// Its time is over.
    #[error("the reservation timed out; reserve anew with another key")]
    TimedOut,
    /// It is in a state in which this cannot be done.
    #[error("the reservation is {}, so this cannot be done any more", .0.name())]
    WrongState(ReservationState),
    /// More than was taken would come back.
    #[error("more would be given back than was taken: {0}")]
    TooMuch(String),
    /// Wrong input.
    #[error("{0:?}")]
    Fields(FieldErrors),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<CouponError> for ReservationError {
    fn from(error: CouponError) -> Self {
        match error {
            CouponError::Full(full) => Self::Full(full),
            CouponError::Db(error) => Self::Db(error),
            error => Self::Coupon(error),
        }
    }
}

impl From<TakeError> for ReservationError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Full(full) => Self::Full(full),
            TakeError::Db(error) => Self::Db(error),
        }
    }
}

impl From<FieldErrors> for ReservationError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

impl From<ReservationError> for Problem {
    fn from(error: ReservationError) -> Self {
        use ReservationError as E;
        let detail = error.to_string();
        match error {
            E::NoReservation => Self::not_found("reservation"),
            E::NoCoupon(_) => Self::conflict("no_coupon", detail),
            E::CouponLocked { .. } => Self::conflict("coupon_locked", detail),
            E::CouponUsed(_) => Self::conflict("coupon_used", detail),
            E::CouponExpired(_) => Self::conflict("coupon_expired", detail),
            E::CouponTooEarly { .. } => Self::conflict("coupon_too_early", detail),
            E::Coupon(error) => error.into(),
            E::NotRunning(_) => Self::conflict("promotion_not_running", detail),
            E::SoldOut { .. } => Self::conflict("sold_out", detail),
            E::Full(full) => CouponError::Full(full).into(),
            E::KeyReused => Self::conflict("key_reused", detail),
            E::TimedOut => Self::conflict("reservation_timed_out", detail),
            E::WrongState(_) => Self::conflict("wrong_state", detail),
            E::TooMuch(_) => Self::conflict("too_much", detail),
            E::Fields(errors) => errors.into(),
            E::Db(error) => error.into(),
        }
    }
}

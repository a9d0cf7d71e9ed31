//! Why a cart was not priced, or nothing was taken for it.

use kernel::FieldErrors;
use loyalty::coupons::CouponError;
use loyalty::points::PointsError;
use loyalty::reservations::ReservationError;
use platform::{DbError, Problem};
use pricing::{PricingError, RefundError};

use super::Quote;
use crate::engine::EngineError;

/// Why a cart was not priced, or nothing was taken for it. What was written is to be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// There is no such shop.
    #[error("there is no such shop")]
    NoShop,
    /// There is no such customer.
    #[error("there is no such customer")]
    NoCustomer,
    /// There is no such programme of points for the shop and currency.
    #[error("no programme of points is for this shop and currency")]
    NoProgramme,
    /// It costs something else by now.
    #[error(
        "the order costs {} minor units now; show the new price, and reserve with it as expected_total_minor",
        .0.priced.total_minor
    )]
    PriceChanged(Box<Quote>),
    /// The cart or a promotion.
    #[error(transparent)]
    Pricing(#[from] PricingError),
    /// A coupon that was brought cannot be used.
    #[error("{0}")]
    Coupon(Box<Problem>),
    /// What was wanted for it could not be had.
    #[error(transparent)]
    Reservation(#[from] ReservationError),
    /// The points could not be had.
    #[error(transparent)]
    Points(#[from] PointsError),
    /// What is said to come back did not go out.
    #[error(transparent)]
    Refund(#[from] RefundError),
    /// Wrong input.
    #[error("{0}")]
    Fields(FieldErrors),
    /// What is known of customers cannot be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<CouponError> for CheckoutError {
    fn from(error: CouponError) -> Self {
        Self::Reservation(error.into())
    }
}

impl From<CheckoutError> for Problem {
    fn from(error: CheckoutError) -> Self {
        use CheckoutError as E;
        let detail = error.to_string();
        match error {
            E::NoShop => Self::field("shop", detail),
            E::NoCustomer => Self::field("customer", detail),
            E::NoProgramme => Self::field("programme", detail),
            E::PriceChanged(quote) => {
                Self::conflict("price_changed", detail).current(&Some(quote.as_ref()))
            }
            E::Pricing(PricingError::Input(errors)) | E::Fields(errors) => Self::validation(errors),
            E::Pricing(PricingError::TooManyOffers { .. }) => Self::field("cart.lines", detail),
            E::Pricing(_) => Self::conflict("promotions_unsound", detail),
            E::Coupon(problem) => *problem,
            E::Reservation(error) => error.into(),
            E::Points(error) => error.into(),
            E::Refund(_) => Self::field("lines", detail),
            E::Engine(error) => error.into(),
            E::Db(error) => error.into(),
        }
    }
}

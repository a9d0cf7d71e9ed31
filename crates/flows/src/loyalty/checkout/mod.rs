//! The checkout of a shop: a quote prices a cart with what is true now and writes nothing; a reservation takes what the
//! price needs at once or not at all; it is committed, cancelled, or its time runs out; pieces that come back give back
//! their share.
//!
//! Rows are locked in one order: the reservation, points by customer, coupons, counters, stock.

mod asked;
mod book;
mod codes;
mod ending;
mod error;
mod flash;
mod known;
mod offers;
mod quote;
mod refund;
mod reserve;

pub use asked::{Asked, BroughtCoupon, Explain, PlaygroundBody, QuoteBody};
pub use book::{Book, Books};
pub use ending::{cancel, commit, get};
pub use error::CheckoutError;
pub use quote::{CouponRefusal, Quote, QuotedCoupon, quote};
pub use refund::{RefundAnswer, RefundBody, ReturnedLine, refund};
pub use reserve::{ReservationView, ReserveBody, enter_codes, reserve};

use loyalty::desk::Desk;

/// What checkouts of this process share; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Checkout {
    /// Where requests for hot rows wait.
    pub desk: Desk,
    /// What is live, as it was read last.
    pub books: Books,
}

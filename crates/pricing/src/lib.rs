//! What a cart costs, and why: one pure function from a cart, its context and promotions to a priced
//! cart with its explanation. No I/O, no clock: the moment comes in the [`Context`].
//!
//! Every rule of rounding, order and refund is stated in `docs/loyalty.md`, whose examples are tests.

mod amount;
pub mod bench;
mod calendar;
mod cart;
mod catalogue;
mod conditions;
mod conflicts;
mod define;
mod effect;
mod explain;
mod pieces;
mod priced;
mod promotion;
mod refund;
mod search;
mod simulate;
mod world;

pub use calendar::{Calendar, Hours, Period};
pub use cart::{Cart, Context, Customer, Line, PointsToSpend, Used};
pub use catalogue::{Catalogue, Platform, price};
pub use conditions::Conditions;
pub use conflicts::{Conflict, NeverReason, conflicts};
pub use priced::{
    Gift, LineOutcome, Outcome, PointsUsed, Priced, PricedLine, Reason, Share, ShippingPriced,
    Stage, Tried,
};
pub use promotion::{
    GiftItem, Kind, LevelRate, Limits, Measure, PriceChange, Promotion, Scope, Step, StepOff,
};
pub use refund::{
    Recalculation, Refund, RefundError, RefundPolicy, Returned, ShippingRefund, refund,
    refund_share,
};
pub use simulate::{
    Bounds, Compared, DeepOrder, Leak, PastOrder, PromotionTotals, Simulation, Totals, simulate,
};

/// Lines of one cart.
pub const MAX_LINES: usize = 500;
/// Promotions of one catalogue.
pub const MAX_PROMOTIONS: usize = 500;
/// Pairs of a promotion and a line it could apply to, in one quote.
pub const MAX_OFFERS: usize = 50_000;
/// Pieces of one line.
pub const MAX_QUANTITY: u32 = 1_000_000;
/// The largest amount anywhere, in minor units: a trillion yuan. Below it no product of an
/// amount and basis points leaves 64 bits.
pub const MAX_AMOUNT_MINOR: i64 = 100_000_000_000_000;
/// Bytes of one id or name.
pub const MAX_TEXT_BYTES: usize = 200;
/// Entries of one list: products of a scope, audiences of a customer, counts.
pub const MAX_LIST: usize = 10_000;
/// Categories of one line.
pub const MAX_CATEGORIES: usize = 50;
/// Coupons brought to one cart.
pub const MAX_COUPONS: usize = 100;
/// Steps, gifts or level rates of one promotion.
pub const MAX_STEPS: usize = 50;
/// Basis points of the whole: 10,000.
pub const FULL_BPS: u32 = 10_000;

/// Why a cart could not be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The cart or its context has wrong fields: all of them.
    #[error("the cart cannot be priced: {0}")]
    Input(kernel::FieldErrors),
    /// A promotion is not a sound definition: all its wrong fields.
    #[error("promotion {id:?}: {errors}")]
    Definition {
        /// Its id.
        id: String,
        /// What is wrong with it.
        errors: kernel::FieldErrors,
    },
    /// More promotions than a catalogue takes.
    #[error("{found} promotions; a catalogue takes {MAX_PROMOTIONS}: leave out what is over")]
    TooManyPromotions {
        /// How many there were.
        found: usize,
    },
    /// Two promotions have one id.
    #[error("two promotions have the id {id:?}")]
    DuplicatePromotion {
        /// The id.
        id: String,
    },
    /// Too many lines meet too many promotions.
    #[error("{found} pairs of line and promotion; a quote takes {MAX_OFFERS}: split the cart")]
    TooManyOffers {
        /// How many there were.
        found: usize,
    },
}

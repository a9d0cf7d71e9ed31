//! Promotions as they are kept: what they say, in which state they are, how often and for how much they may be used,
//! and the pieces of flash sales. What a promotion takes off a cart is crates/pricing's to say.

mod error;
mod stamp;
pub mod stock;
mod stored;

pub use error::PromotionError;
pub use stamp::{Stamp, stamp};
pub use stored::{
    LIVE_MAX, NewPromotion, PROMOTIONS_MAX, Promotion, PromotionRules, change, create, end_due,
    get, live, page, set_state,
};

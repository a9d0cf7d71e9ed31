//! Use cases of loyalty that cross modules: what is known of a customer comes from `customers`, names of people from
//! `identity`.

pub mod checkout;
pub mod coupons;
mod error;
mod family;
pub mod levels;
pub mod points;
pub mod promotion_calendar;
pub mod simulate;

pub use error::MemberError;
pub use family::{Family, family};

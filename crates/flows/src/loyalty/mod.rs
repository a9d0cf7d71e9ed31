//! Use cases of loyalty that cross modules: what is known of a customer comes from `customers`, names of people from
//! `identity`.

mod error;
mod family;
pub mod levels;
pub mod points;

pub use error::MemberError;
pub use family::{Family, family};
pub mod checkout;
pub mod promotion_calendar;
//! What crosses loyalty and its neighbours, one file each.

pub mod simulate;

//! Coupons, promotions and reservations on both databases.

mod at_the_desk;
mod codes;
mod examples;
mod forgotten;
mod lives;
mod model;
mod races;
pub mod tools;

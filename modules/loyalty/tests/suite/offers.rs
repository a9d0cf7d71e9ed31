//! Coupons, promotions and reservations on both databases.

mod at_the_desk;
mod codes;
mod examples;
mod lives;
mod model;
mod races;
mod tools;

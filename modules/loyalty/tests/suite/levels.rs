//! Levels on both databases.

mod by_hand;
mod examples;
mod history;
mod merging;
mod model;
mod properties;
mod time;
pub mod tools;
mod what_if;

//! Points: a double-entry ledger, and what follows from it.
//!
//! `rules` says what an order earns and how long points live; it is pure. `desk` is the books of a few customers in
//! memory: every change goes through it, so that entries sum to zero and no lot falls below zero. `store` has the
//! SQL. The others are use cases, one a file.

mod account;
pub mod adjust;
pub mod award;
mod by_hand;
mod desk;
pub mod due;
mod error;
pub mod invariants;
pub mod jobs;
pub mod ledger;
pub mod liability;
pub mod lots;
pub mod programme;
pub mod rules;
pub mod settle;
pub mod spend;
pub mod statement;
pub(crate) mod store;

pub use account::{Account, Kind};
pub use desk::Balance;
pub use error::PointsError;
pub use programme::Programme;

pub use crate::Holder;

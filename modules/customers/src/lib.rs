//! Customers, their identities, tags, notes and merges. See README.md.

pub mod engine_feed;
pub mod events;
pub mod invariants;
pub mod model;
pub mod profiles;
pub mod resolve;
pub mod roots;
pub mod search;
mod store;
pub mod take_back;

pub use model::{AccountSpace, IdentityKind, Rating};

use platform::Migration;

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[Migration {
    module: "customers",
    version: 1,
    sql: include_str!("../migrations/0001_customers.sql"),
}];

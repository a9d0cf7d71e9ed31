//! Levels of members: schemes, who stands where, and why.
//!
//! `rules` is what a scheme says and `replay` what follows from it for one family; both are pure. A level is set to
//! what the orders now say, as points are: `settle` writes the difference between the replay and what is stored, so
//! reports may come late, twice and in any order. `store` has the SQL.

pub mod error;
pub mod events;
pub mod hand;
pub mod invariants;
pub mod jobs;
pub mod membership;
pub mod replay;
pub mod rules;
pub mod scheme;
pub mod settle;
mod store;
pub mod what_if;

pub use error::LevelsError;
pub use replay::Cause;
pub use scheme::Scheme;

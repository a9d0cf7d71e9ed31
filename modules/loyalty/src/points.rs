//! Points: a double-entry ledger, and what follows from it.
//!
//! `rules` says what an order earns and how long points live; it is pure. `desk` is the books of a few customers in
//! memory: every change goes through it, so that entries sum to zero and no lot falls below zero. `store` has the
//! SQL. The others are use cases, one a file.

pub mod adjust;
pub mod award;
mod desk;
pub mod due;
mod error;
pub mod invariants;
pub mod jobs;
pub mod liability;
pub mod programme;
pub mod rules;
pub mod settle;
pub mod spend;
pub mod statement;
mod store;

pub use desk::{Account, Kind};
pub use error::PointsError;
pub use programme::Programme;

use kernel::{CustomerId, TypedId as _};
use uuid::Uuid;

/// Who spends: a customer with all that were merged into it. Points stay with whom they were earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    root: Uuid,
    members: Vec<Uuid>,
}

impl Holder {
    /// The family of `root`; `members` may or may not name the root itself.
    #[must_use]
    pub fn new(root: CustomerId, members: &[CustomerId]) -> Self {
        let mut all: Vec<Uuid> = members.iter().map(|id| id.uuid()).collect();
        all.push(root.uuid());
        all.sort_unstable();
        all.dedup();
        Self { root: root.uuid(), members: all }
    }

    /// A customer into whom nobody was merged.
    #[must_use]
    pub fn single(customer: CustomerId) -> Self {
        Self::new(customer, &[])
    }

    pub(crate) fn root(&self) -> Uuid {
        self.root
    }

    pub(crate) fn members(&self) -> &[Uuid] {
        &self.members
    }
}

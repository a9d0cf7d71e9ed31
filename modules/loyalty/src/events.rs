//! What this module tells the others.

use std::collections::BTreeSet;

use kernel::{CustomerId, ProgrammeId, TypedId as _};
use platform::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Points of these customers changed; one event for each batch. It says whose, and readers look up what is true
/// now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsChangedV1 {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Whose points changed; empty when they are too many to name.
    pub customers: Vec<CustomerId>,
    /// Whether so many changed that a reader does better to read everything again.
    #[serde(default)]
    pub many: bool,
}

impl PointsChangedV1 {
    /// Customers named in one event; beyond, `many` is set.
    pub const NAMED_MAX: usize = 5_000;

    pub(crate) fn of(programme: ProgrammeId, customers: &BTreeSet<Uuid>) -> Self {
        let many = customers.len() > Self::NAMED_MAX;
        let named = customers.iter().take(if many { 0 } else { customers.len() });
        Self { programme, customers: named.copied().map(CustomerId::from_uuid).collect(), many }
    }
}

impl Event for PointsChangedV1 {
    const TOPIC: &'static str = "loyalty.points_changed.v1";

    fn key(&self) -> String {
        self.programme.to_string()
    }
}

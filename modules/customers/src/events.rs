//! What this module tells the others.

use kernel::CustomerId;
use platform::Event;
use serde::{Deserialize, Serialize};

/// Customers changed: edited, tagged, noted, merged or unmerged. (Customers made or taken back by an
/// import are told by the events of its orders.)
///
/// State-based: it says who changed, and readers look up what is true now. After a merge both are
/// named; the absorbed one is no root any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomersChangedV1 {
    /// Who changed; empty when they are too many to name.
    pub customers: Vec<CustomerId>,
    /// Whether so many changed that a reader does better to read everything again.
    #[serde(default)]
    pub many: bool,
}

impl CustomersChangedV1 {
    /// Customers named in one event; beyond, `many` is set.
    pub const NAMED_MAX: usize = 5_000;

    /// The event for `customers`.
    #[must_use]
    pub fn of(mut customers: Vec<CustomerId>) -> Self {
        customers.sort_unstable();
        customers.dedup();
        if customers.len() > Self::NAMED_MAX {
            Self { customers: Vec::new(), many: true }
        } else {
            Self { customers, many: false }
        }
    }
}

impl Event for CustomersChangedV1 {
    const TOPIC: &'static str = "customers.changed.v1";

    fn key(&self) -> String {
        self.customers.first().map(ToString::to_string).unwrap_or_default()
    }
}

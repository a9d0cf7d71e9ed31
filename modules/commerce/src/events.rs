//! What this module tells the others.

use kernel::CustomerId;
use platform::Event;
use serde::{Deserialize, Serialize};

/// Orders of these customers were made, changed or taken back; one event per batch of an import.
///
/// State-based: it says whose orders changed, and readers look up what is true now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersChangedV1 {
    /// Whose orders changed; empty when they are too many to name.
    pub customers: Vec<CustomerId>,
    /// Whether so many changed that a reader does better to read everything again.
    #[serde(default)]
    pub many: bool,
}

impl OrdersChangedV1 {
    /// Customers named in one event; beyond, `many` is set.
    pub const NAMED_MAX: usize = 5_000;

    /// The event for a batch that touched `customers`.
    #[must_use]
    pub fn of(customers: Vec<CustomerId>) -> Self {
        if customers.len() > Self::NAMED_MAX {
            Self { customers: Vec::new(), many: true }
        } else {
            Self { customers, many: false }
        }
    }
}

impl Event for OrdersChangedV1 {
    const TOPIC: &'static str = "commerce.orders_changed.v1";

    fn key(&self) -> String {
        self.customers.first().map(ToString::to_string).unwrap_or_default()
    }
}

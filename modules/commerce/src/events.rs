//! What this module tells the others.

use kernel::CustomerId;
use serde::{Deserialize, Serialize};

/// Orders of these customers were made, changed or taken back; one event per batch of an import.
///
/// State-based: it says whose orders changed, and readers look up what is true now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersChangedV1 {
    /// Whose orders changed.
    pub customers: Vec<CustomerId>,
}

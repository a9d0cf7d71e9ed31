//! What this module tells the others.

use kernel::CustomerId;
use serde::{Deserialize, Serialize};

/// Customers changed: made, edited, tagged, merged or unmerged.
///
/// State-based: it says who changed, and readers look up what is true now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomersChangedV1 {
    /// Who changed.
    pub customers: Vec<CustomerId>,
}

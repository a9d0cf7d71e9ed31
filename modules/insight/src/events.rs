//! What this module tells the others.

use kernel::{AudienceId, CustomerId};
use platform::Event;
use serde::{Deserialize, Serialize};

/// Definitions of audiences changed, or which of them are live: whoever keeps them live looks again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudiencesDefinedV1 {
    /// The audience.
    pub audience: AudienceId,
}

impl Event for AudiencesDefinedV1 {
    const TOPIC: &'static str = "insight.audiences_defined.v1";

    fn key(&self) -> String {
        self.audience.to_string()
    }
}

/// From now on it is told who enters a live audience and leaves it; who belongs to it already, perhaps by another
/// definition than before, was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceBegunV1 {
    /// The audience.
    pub audience: AudienceId,
}

impl Event for AudienceBegunV1 {
    const TOPIC: &'static str = "insight.audience_begun.v1";

    fn key(&self) -> String {
        self.audience.to_string()
    }
}

/// Customers came to belong to a live audience, or ceased to: the transitions `from_seq` to `to_seq` of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceChangedV1 {
    /// The audience.
    pub audience: AudienceId,
    /// The first transition of it.
    pub from_seq: i64,
    /// The last one.
    pub to_seq: i64,
    /// Who entered; empty if `many`.
    #[serde(default)]
    pub entered: Vec<CustomerId>,
    /// Who left; empty if `many`.
    #[serde(default)]
    pub left: Vec<CustomerId>,
    /// They are too many to name: read the log.
    #[serde(default)]
    pub many: bool,
}

impl AudienceChangedV1 {
    /// Customers named in one event; beyond, `many` is set.
    pub const NAMED_MAX: usize = 500;
}

impl Event for AudienceChangedV1 {
    const TOPIC: &'static str = "insight.audience_changed.v1";

    fn key(&self) -> String {
        self.audience.to_string()
    }
}

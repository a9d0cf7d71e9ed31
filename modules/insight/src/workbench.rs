//! What the workbench shows.

use serde::Serialize;
use utoipa::ToSchema;

/// Days of the revenue chart.
pub const CHART_DAYS: u64 = 90;
/// A paid order that is not shipped this long after it was placed needs attention.
pub const UNSHIPPED_AFTER_MILLIS: i64 = 24 * 3600 * 1000;

/// A figure of the day, and of the day before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delta {
    /// Of the day.
    pub value: i64,
    /// Of the day before.
    pub before: i64,
}

/// Why something needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// Customers that may be one person.
    MergeSuggestions,
    /// Background jobs that were given up.
    FailedJobs,
    /// Rows of recent imports that were not understood.
    RejectedRows,
    /// Good customers who have not come back, but for those who refused automated decisions.
    SlippingAway,
    /// Paid orders not shipped after a day.
    Unshipped,
}

impl AttentionKind {
    /// The page where it is dealt with.
    #[must_use]
    pub const fn link(self) -> &'static str {
        match self {
            Self::MergeSuggestions => "/customers/suggestions",
            Self::FailedJobs => "/settings/jobs?state=dead",
            Self::RejectedRows => "/imports",
            Self::SlippingAway => {
                "/customers?tier=at_risk&tier=cant_lose&automated=allowed&sort=-revenue"
            }
            Self::Unshipped => "/orders?state=paid",
        }
    }
}

/// Something that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attention {
    /// What.
    pub kind: AttentionKind,
    /// How many.
    pub count: u64,
    /// The page where it is dealt with.
    pub link: &'static str,
}

impl Attention {
    /// `count` of `kind`.
    #[must_use]
    pub const fn new(kind: AttentionKind, count: u64) -> Self {
        Self { kind, count, link: kind.link() }
    }
}

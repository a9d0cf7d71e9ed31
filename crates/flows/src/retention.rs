//! Retention: data of a class goes when the days are over for which it is kept (PIPL arts. 19 and 47).
//!
//! The classes are those of [`DataClass`]; an organisation says for how many days each is kept, or for ever,
//! which holds until somebody says otherwise. [`dry_run`] says what would go now and changes nothing, [`run`]
//! removes it. Both find it with [`due`], so that they agree.

mod dry_run;
mod due;
mod run;

use kernel::{Timestamp, UserId};
use platform::retention::{self as store, Rule, Run};
use platform::{Ctx, DbError, Platform, Tx};
use serde::{Deserialize, Serialize};

pub use dry_run::{Forecast, dry_run};
pub use run::{Removed, run, run_in_batches};

/// The most days that a rule can say: a hundred years.
pub const DAYS_MAX: u32 = 36_500;

/// What a rule can be about.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// Receiver, phone, address, remarks and parcel numbers of orders that ended. Amounts, lines, states and
    /// provinces stay.
    EndedOrders,
    /// Customers with whom nothing happened: no order, note, consent, change, merge or request. They are erased
    /// as if they had asked for it.
    InactiveCustomers,
    /// Notes on customers.
    Notes,
    /// What imports keep to be taken back, and their rejected rows.
    Imports,
    /// Evidence of consents that expired or were replaced. That they were given stays.
    ConsentEvidence,
    /// Texts of finished requests of persons. That they were made and answered stays.
    ClosedRequests,
}

impl DataClass {
    /// All of them, in the order in which they are shown and run.
    pub const ALL: [Self; 6] = [
        Self::EndedOrders,
        Self::InactiveCustomers,
        Self::Notes,
        Self::Imports,
        Self::ConsentEvidence,
        Self::ClosedRequests,
    ];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndedOrders => "ended_orders",
            Self::InactiveCustomers => "inactive_customers",
            Self::Notes => "notes",
            Self::Imports => "imports",
            Self::ConsentEvidence => "consent_evidence",
            Self::ClosedRequests => "closed_requests",
        }
    }

    /// The fewest days for which it must be kept, so that nobody removes what the business runs on: orders
    /// are returned and complained about for weeks, imports taken back, consents and requests shown to who asks.
    #[must_use]
    pub const fn least_days(self) -> u32 {
        match self {
            Self::Imports => 30,
            Self::EndedOrders | Self::Notes => 90,
            Self::InactiveCustomers | Self::ConsentEvidence | Self::ClosedRequests => 365,
        }
    }

    /// The right by which one sees the records of which a dry run gives examples.
    #[must_use]
    pub const fn shown_by(self) -> &'static str {
        match self {
            Self::EndedOrders => "commerce.read",
            Self::InactiveCustomers | Self::Notes => "customers.read",
            Self::Imports => "commerce.import",
            Self::ConsentEvidence => "customers.consent_read",
            Self::ClosedRequests => "customers.requests",
        }
    }
}

impl std::str::FromStr for DataClass {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|class| class.name() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|class| class.name()).collect();
            format!("must be one of: {}", names.join(", "))
        })
    }
}

/// Why a rule was not set.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// It says too few or too many days.
    #[error("must be between {least} and {DAYS_MAX}, or null to keep it for ever")]
    Days {
        /// The fewest.
        least: u32,
    },
    /// More would go than was said.
    #[error(
        "{count} records would go with this rule, and {confirmed} were confirmed; make a dry run and confirm what it says"
    )]
    Unconfirmed {
        /// How many would go now.
        count: u64,
        /// How many the caller knew of.
        confirmed: u64,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Whether data of `class` can be kept for so many days.
///
/// # Errors
/// `Days`.
pub fn check(class: DataClass, keep_days: Option<u32>) -> Result<(), RetentionError> {
    let least = class.least_days();
    match keep_days {
        Some(days) if !(least..=DAYS_MAX).contains(&days) => Err(RetentionError::Days { least }),
        _ => Ok(()),
    }
}

/// The last removal of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RetentionRun)]
pub struct RunView {
    /// When it began.
    pub began_at: Timestamp,
    /// When nothing was left; null while it is under way, or was stopped and goes on later.
    pub finished_at: Option<Timestamp>,
    /// What was until then went.
    pub cutoff: Timestamp,
    /// How many records it removed so far.
    pub removed: u64,
}

impl From<&Run> for RunView {
    fn from(run: &Run) -> Self {
        let Run { began_at, finished_at, cutoff, removed, .. } = *run;
        Self { began_at, finished_at, cutoff, removed }
    }
}

/// For how long data of a class is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RetentionRule)]
pub struct RuleView {
    /// The class.
    pub class: DataClass,
    /// For how many days of 24 hours; null is for ever.
    pub keep_days: Option<u32>,
    /// The fewest days that can be set.
    pub least_days: u32,
    /// The most.
    pub most_days: u32,
    /// When the rule was set; null if never.
    pub changed_at: Option<Timestamp>,
    /// By whom; null if never, and for the command line.
    pub changed_by: Option<UserId>,
    /// The last removal; null if there was none.
    pub last_run: Option<RunView>,
}

/// The rules of all classes, with their last runs.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, cx: &Ctx) -> Result<Vec<RuleView>, DbError> {
    let rules = store::rules(tx, cx.scope).await?;
    let runs = store::runs(tx, cx.scope).await?;
    let view = |class: DataClass| {
        let rule: Option<&Rule> = rules.iter().find(|rule| rule.class == class.name());
        RuleView {
            class,
            keep_days: rule.and_then(|rule| rule.keep_days),
            least_days: class.least_days(),
            most_days: DAYS_MAX,
            changed_at: rule.map(|rule| rule.changed_at),
            changed_by: rule.and_then(|rule| rule.changed_by),
            last_run: runs.iter().find(|run| run.class == class.name()).map(RunView::from),
        }
    };
    Ok(DataClass::ALL.into_iter().map(view).collect())
}

/// Sets for how many days data of `class` is kept. If that is shorter than before, `confirmed` must be at least
/// the number of records that would go now: whoever sets it has seen a dry run, and no slip of the keyboard
/// removes what they did not mean. The next daily run removes them.
///
/// # Errors
/// `Days`, `Unconfirmed`; otherwise as the database says.
pub async fn set(
    platform: &Platform,
    cx: &Ctx,
    class: DataClass,
    keep_days: Option<u32>,
    confirmed: Option<u64>,
    reason: Option<&str>,
) -> Result<(), RetentionError> {
    check(class, keep_days)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let was = store::keep_days(&mut tx, cx.scope, class.name()).await?;
    tx.rollback().await?;
    let mut count = 0;
    if let Some(days) = keep_days.filter(|days| was.is_none_or(|was| *days < was)) {
        let forecasts = dry_run(platform, cx, &[(class, Some(days))]).await?;
        count = forecasts.iter().map(|forecast| forecast.count).sum();
        let confirmed = confirmed.unwrap_or(0);
        if count > confirmed {
            return Err(RetentionError::Unconfirmed { count, confirmed });
        }
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if store::keep_days(&mut tx, cx.scope, class.name()).await? != was {
        // Somebody else set it meanwhile: what was counted was against another rule.
        return Err(RetentionError::Unconfirmed { count, confirmed: 0 });
    }
    store::set(&mut tx, cx, class.name(), keep_days, reason).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_interface_and_nothing_can_be_kept_for_a_day() {
        for class in DataClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
            assert_eq!(class.name().parse(), Ok(class));
            assert!(class.least_days() >= 30);
            for (days, ok) in [
                (None, true),
                (Some(0), false),
                (Some(class.least_days() - 1), false),
                (Some(class.least_days()), true),
                (Some(DAYS_MAX), true),
                (Some(DAYS_MAX + 1), false),
            ] {
                assert_eq!(check(class, days).is_ok(), ok, "{class:?} {days:?}");
            }
        }
    }
}

//! For how long data is kept, by class: the rules, and how far their last run is. What the classes are and how
//! their data is found and removed, [`flows::retention`](../../flows/src/retention.rs) says.

use kernel::{Timestamp, TypedId as _, UserId};
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::{Ctx, DbError, Scope, Tx, args};

/// A day, in milliseconds.
pub const DAY_MILLIS: i64 = 24 * 3_600_000;

/// The last moment of which data is removed at `now`, if it is kept for `keep_days`: each day has 24 hours.
#[must_use]
pub const fn cutoff(now: Timestamp, keep_days: u32) -> Timestamp {
    now.plus_millis(-(keep_days as i64) * DAY_MILLIS)
}

/// A rule as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Of which class.
    pub class: String,
    /// For how many days; `None` is for ever.
    pub keep_days: Option<u32>,
    /// When it was set.
    pub changed_at: Timestamp,
    /// By whom; `None` for the command line.
    pub changed_by: Option<UserId>,
}

/// The last removal of what was older than a rule allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Of which class.
    pub class: String,
    /// As the rule said.
    pub keep_days: u32,
    /// Everything until then.
    pub cutoff: Timestamp,
    /// Where it goes on.
    pub place: String,
    /// How much it removed.
    pub removed: u64,
    /// When it began.
    pub began_at: Timestamp,
    /// When nothing was left; `None` while it is under way, or was stopped.
    pub finished_at: Option<Timestamp>,
}

fn days(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

/// The rules that were ever set.
///
/// # Errors
/// As the database says.
pub async fn rules(tx: &mut Tx, scope: Scope) -> Result<Vec<Rule>, DbError> {
    let rows: Vec<(String, Option<i64>, i64, Option<Uuid>)> = tx
        .fetch_all(
            "SELECT class, keep_days, changed_at, changed_by FROM platform_retention
             WHERE org_id = $1 ORDER BY class",
            args![scope.org_arg()],
        )
        .await?;
    let rule = |(class, keep_days, at, by): (String, Option<i64>, i64, Option<Uuid>)| Rule {
        class,
        keep_days: keep_days.map(days),
        changed_at: Timestamp::from_millis(at),
        changed_by: by.map(UserId::from_uuid),
    };
    Ok(rows.into_iter().map(rule).collect())
}

/// For how many days data of `class` is kept now.
///
/// # Errors
/// As the database says.
pub async fn keep_days(tx: &mut Tx, scope: Scope, class: &str) -> Result<Option<u32>, DbError> {
    let row: Option<(Option<i64>,)> = tx
        .fetch_optional(
            "SELECT keep_days FROM platform_retention WHERE org_id = $1 AND class = $2",
            args![scope.org_arg(), class],
        )
        .await?;
    Ok(row.and_then(|(keep_days,)| keep_days).map(days))
}

/// Sets the rule of `class` and records it with what it was before. Setting what holds changes nothing.
///
/// # Errors
/// As the database says.
pub async fn set(
    tx: &mut Tx,
    cx: &Ctx,
    class: &'static str,
    now: Option<u32>,
    reason: Option<&str>,
) -> Result<(), DbError> {
    let was = keep_days(tx, cx.scope, class).await?;
    if was == now {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO platform_retention (org_id, class, keep_days, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org_id, class) DO UPDATE
             SET keep_days = excluded.keep_days, changed_at = excluded.changed_at,
                 changed_by = excluded.changed_by",
        args![cx.scope.org_arg(), class, now.map(i64::from), cx.now(), cx.scope.user_id()],
    )
    .await?;
    let mut entry = Entry::new("platform.retention.change")
        .on("retention", class)
        .with("class", class)
        .change("keep_days", was, now);
    if let Some(reason) = reason {
        entry = entry.personal("reason", reason);
    }
    audit::record(tx, cx, entry).await.map(drop)
}

#[derive(sqlx::FromRow)]
struct RunRow {
    class: String,
    keep_days: i64,
    cutoff: i64,
    place: String,
    removed: i64,
    began_at: i64,
    finished_at: Option<i64>,
}

/// The last run of each class that had one.
///
/// # Errors
/// As the database says.
pub async fn runs(tx: &mut Tx, scope: Scope) -> Result<Vec<Run>, DbError> {
    let rows: Vec<RunRow> = tx
        .fetch_all(
            "SELECT class, keep_days, cutoff, place, removed, began_at, finished_at
             FROM platform_retention_runs WHERE org_id = $1 ORDER BY class",
            args![scope.org_arg()],
        )
        .await?;
    let run = |row: RunRow| Run {
        class: row.class,
        keep_days: days(row.keep_days),
        cutoff: Timestamp::from_millis(row.cutoff),
        place: row.place,
        removed: row.removed.unsigned_abs(),
        began_at: Timestamp::from_millis(row.began_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(run).collect())
}

/// Notes how far `run` is.
///
/// # Errors
/// As the database says.
pub async fn note(tx: &mut Tx, scope: Scope, run: &Run) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO platform_retention_runs (org_id, class, keep_days, cutoff, place, removed, began_at,
             finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (org_id, class) DO UPDATE
             SET keep_days = excluded.keep_days, cutoff = excluded.cutoff, place = excluded.place,
                 removed = excluded.removed, began_at = excluded.began_at,
                 finished_at = excluded.finished_at",
        args![
            scope.org_arg(),
            run.class.as_str(),
            i64::from(run.keep_days),
            run.cutoff,
            run.place.as_str(),
            run.removed as i64,
            run.began_at,
            run.finished_at
        ],
    )
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn data_goes_with_the_last_millisecond_of_its_days(
            since in 0..4_000_000_000_000_i64, keep_days in 0..36_500_u32, later in 0..100_000_i64,
        ) {
            let over = since + i64::from(keep_days) * DAY_MILLIS;
            let goes = |now: i64| since <= cutoff(Timestamp::from_millis(now), keep_days).millis();
            prop_assert!(goes(over) && goes(over + later), "its time is over");
            prop_assert!(!goes(over - 1) && !goes(over - 1 - later), "it is kept until then");
        }
    }
}

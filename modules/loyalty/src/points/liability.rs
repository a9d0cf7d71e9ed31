//! What a shop owes its customers in points, for the accountant: read from the ledger alone, as of any moment.

use std::collections::BTreeMap;

use kernel::{Timestamp, TypedId as _};
use platform::{DbError, Scope, Tx, args};
use serde::Serialize;

use super::programme::Programme;

/// Points that end in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsExpiring)]
pub struct Expiring {
    /// `2026-12`; null: never.
    pub month: Option<String>,
    /// Points.
    pub points: i64,
}

/// What is owed at a moment, and what moved in the time before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsLiability)]
pub struct Liability {
    /// As of: what was posted before.
    pub at: Timestamp,
    /// Movements since then.
    pub from: Timestamp,
    /// Can be spent.
    pub available: i64,
    /// Held for orders.
    pub reserved: i64,
    /// In their return window.
    pub pending: i64,
    /// Owed by customers; zero or negative.
    pub debt: i64,
    /// `available + reserved + pending`.
    pub outstanding: i64,
    /// What these are worth in minor units of the programme's currency, by its newest version, rounded up.
    pub value_minor: i64,
    /// Outstanding points by the month in which they end.
    pub by_month: Vec<Expiring>,
    /// Given for orders and activities, less what was reversed.
    pub earned: i64,
    /// Spent, less what came back.
    pub spent: i64,
    /// Lapsed.
    pub expired: i64,
    /// Forgiven.
    pub written_off: i64,
    /// Given by hand, less what was taken.
    pub adjusted: i64,
}

/// The report of `programme` as of `at`, with the movements since `from`.
///
/// # Errors
/// As the database says.
pub async fn liability(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    from: Timestamp,
    at: Timestamp,
) -> Result<Liability, DbError> {
    let sums: Vec<(String, i64, i64)> = tx
        .fetch_all(
            "SELECT account, CAST(SUM(points) AS BIGINT),
                    CAST(SUM(CASE WHEN at >= $4 THEN points ELSE 0 END) AS BIGINT)
               FROM loyalty_postings
              WHERE org_id = $1 AND programme_id = $2 AND at < $3 GROUP BY account",
            args![scope.org_arg(), programme.id.uuid(), at, from],
        )
        .await?;
    let total =
        |account: &str| sums.iter().find(|(name, ..)| name == account).map_or(0, |sum| sum.1);
    let moved =
        |account: &str| sums.iter().find(|(name, ..)| name == account).map_or(0, |sum| sum.2);
    let ends: Vec<(Option<i64>, i64)> = tx
        .fetch_all(
            "SELECT l.expires_at, CAST(SUM(p.points) AS BIGINT)
               FROM loyalty_postings p JOIN loyalty_lots l
                 ON l.org_id = p.org_id AND l.programme_id = p.programme_id
                AND l.customer_id = p.customer_id AND l.id = p.lot_id
              WHERE p.org_id = $1 AND p.programme_id = $2 AND p.at < $3 AND p.account <> 'expired'
              GROUP BY l.expires_at HAVING SUM(p.points) <> 0",
            args![scope.org_arg(), programme.id.uuid(), at],
        )
        .await?;
    let mut months: BTreeMap<Option<String>, i64> = BTreeMap::new();
    for (expires_at, points) in ends {
        // Points end with the last moment of a day.
        let last = |at| Timestamp::from_millis(at).plus_millis(-1).day(programme.zone);
        let month = expires_at.map(|at| last(at).format("%Y-%m").to_string());
        *months.entry(month).or_default() += points;
    }
    let (available, reserved, pending) = (total("available"), total("reserved"), total("pending"));
    let outstanding = available + reserved + pending;
    Ok(Liability {
        at,
        from,
        available,
        reserved,
        pending,
        debt: total("debt"),
        outstanding,
        value_minor: programme.rules.value_minor_of(outstanding),
        by_month: months.into_iter().map(|(month, points)| Expiring { month, points }).collect(),
        earned: -moved("issued"),
        spent: moved("redeemed"),
        expired: moved("expired"),
        written_off: -moved("written_off"),
        adjusted: -moved("adjusted"),
    })
}

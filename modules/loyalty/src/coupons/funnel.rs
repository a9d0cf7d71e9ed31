//! How far the coupons of a definition or batch have come.

use std::collections::BTreeMap;

use kernel::{CouponBatchId, CouponDefinitionId, TypedId as _};
use platform::{DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::State;

/// How far coupons have come: counted from their states at this moment, so it is exact and live. Each step contains
/// the next one; what came back and was used again counts for each use from `locked` on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CouponFunnel)]
pub struct Funnel {
    /// Codes that were made, coupons that were claimed or given, and uses of a public code.
    pub issued: i64,
    /// Of these, those that somebody has or had.
    pub claimed: i64,
    /// Held by a reservation, or used.
    pub locked: i64,
    /// Used by an order.
    pub redeemed: i64,
    /// Of these, by orders that were refunded.
    pub refunded: i64,
    /// How many are in each state now.
    pub states: BTreeMap<State, i64>,
}

async fn count(tx: &mut Tx, scope: Scope, column: &str, id: Uuid) -> Result<Funnel, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT state, COUNT(*) FROM loyalty_coupons WHERE org_id = $1 AND {column} = $2 GROUP BY state"
    ));
    let rows: Vec<(String, i64)> = tx.fetch_all(sql, args![scope.org_arg(), id]).await?;
    let mut states = BTreeMap::new();
    for (state, count) in rows {
        states.insert(State::parse(&state)?, count);
    }
    // Few come back, and only after a refund.
    let sql = AssertSqlSafe(format!(
        "SELECT CAST(COALESCE(SUM(returned), 0) AS BIGINT) FROM loyalty_coupons
          WHERE org_id = $1 AND {column} = $2 AND state IN ('claimed', 'locked', 'redeemed', 'kept', 'expired', 'void')"
    ));
    let (returned,): (i64,) = tx.fetch_one(sql, args![scope.org_arg(), id]).await?;
    let of = |state| states.get(&state).copied().unwrap_or(0);
    let refunded = of(State::Kept) + returned;
    let redeemed = of(State::Redeemed) + refunded;
    let issued = states.values().sum::<i64>() - of(State::Void);
    Ok(Funnel {
        issued,
        claimed: issued - of(State::Issued),
        locked: of(State::Locked) + redeemed,
        redeemed,
        refunded,
        states,
    })
}

/// How far the coupons of a definition have come.
///
/// # Errors
/// As the database says.
pub async fn funnel_of_definition(
    tx: &mut Tx,
    scope: Scope,
    id: CouponDefinitionId,
) -> Result<Funnel, DbError> {
    count(tx, scope, "definition_id", id.uuid()).await
}

/// How far the codes of a batch have come.
///
/// # Errors
/// As the database says.
pub async fn funnel_of_batch(
    tx: &mut Tx,
    scope: Scope,
    id: CouponBatchId,
) -> Result<Funnel, DbError> {
    count(tx, scope, "batch_id", id.uuid()).await
}

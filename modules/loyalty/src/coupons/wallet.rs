//! What a customer has.

use std::collections::BTreeMap;

use kernel::{CouponDefinitionId, CouponId, CustomerId, Timestamp, TypedId as _};
use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Definition, State, definition};
use crate::Holder;

/// A coupon that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Coupon {
    /// Its id.
    pub id: CouponId,
    /// What it gives.
    pub definition: CouponDefinitionId,
    /// Whose it is: a member of the family.
    pub customer: CustomerId,
    /// Where it is.
    pub state: State,
    /// From when on it can be used.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_until: Option<Timestamp>,
    /// Until when a reservation holds it.
    pub lock_until: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    definition_id: Uuid,
    customer_id: Uuid,
    state: String,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    lock_until: Option<i64>,
}

const COLUMNS: &str =
    "SELECT id, definition_id, customer_id, state, valid_from, valid_until, lock_until
       FROM loyalty_coupons WHERE org_id = $1";

impl Row {
    fn read(self) -> Result<Coupon, DbError> {
        Ok(Coupon {
            id: CouponId::from_uuid(self.id),
            definition: CouponDefinitionId::from_uuid(self.definition_id),
            customer: CustomerId::from_uuid(self.customer_id),
            state: State::parse(&self.state)?,
            valid_from: self.valid_from.map(Timestamp::from_millis),
            valid_until: self.valid_until.map(Timestamp::from_millis),
            lock_until: self.lock_until.map(Timestamp::from_millis),
        })
    }
}

/// A coupon that somebody has.
///
/// # Errors
/// As the database says.
pub async fn coupon(tx: &mut Tx, scope: Scope, id: CouponId) -> Result<Option<Coupon>, DbError> {
    let sql = AssertSqlSafe(format!("{COLUMNS} AND id = $2 AND customer_id IS NOT NULL"));
    let row: Option<Row> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    row.map(Row::read).transpose()
}

/// A page of the coupons of a family, the newest first, with their definitions: up to `limit` behind `after`. With
/// `usable_at` only those that can be used at that moment, as a quote wants them.
///
/// # Errors
/// As the database says.
pub async fn wallet(
    tx: &mut Tx,
    scope: Scope,
    holder: &Holder,
    usable_at: Option<Timestamp>,
    (after, limit): (Option<CouponId>, u32),
) -> Result<(Vec<Coupon>, BTreeMap<CouponDefinitionId, Definition>), DbError> {
    let order = "id DESC";
    rows(tx, scope, holder, usable_at, after, (order, limit)).await
}

/// The coupons of a family that can be used at `now` and whose definitions are live or stopped: those that end first.
/// Gives at most `limit`.
///
/// # Errors
/// As the database says.
pub async fn soonest(
    tx: &mut Tx,
    scope: Scope,
    holder: &Holder,
    now: Timestamp,
    limit: u32,
) -> Result<(Vec<Coupon>, BTreeMap<CouponDefinitionId, Definition>), DbError> {
    let order = "CASE WHEN valid_until IS NULL THEN 1 ELSE 0 END, valid_until, id";
    rows(tx, scope, holder, Some(now), None, (order, limit)).await
}

async fn rows(
    tx: &mut Tx,
    scope: Scope,
    holder: &Holder,
    usable_at: Option<Timestamp>,
    after: Option<CouponId>,
    (order, limit): (&str, u32),
) -> Result<(Vec<Coupon>, BTreeMap<CouponDefinitionId, Definition>), DbError> {
    let mut arguments = args![scope.org_arg(), limit.min(200)];
    let mut sql = COLUMNS.to_owned();
    let members = holder.members().iter().map(|id| Arg::from(*id)).collect();
    let (list, values) = in_list(arguments.len() + 1, members);
    arguments.extend(values);
    sql.push_str(&format!(" AND customer_id IN ({list})"));
    if let Some(now) = usable_at {
        let place = arguments.len() + 1;
        arguments.push(now.into());
        sql.push_str(&format!(
            " AND origin <> 'public' AND (state = 'claimed' OR state = 'locked' AND lock_until <= ${place})
              AND valid_from <= ${place} AND (valid_until IS NULL OR valid_until > ${place})"
        ));
    }
    if let Some(after) = after {
        arguments.push(after.uuid().into());
        sql.push_str(&format!(" AND id < ${}", arguments.len()));
    }
    sql.push_str(&format!(" ORDER BY {order} LIMIT $2"));
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let mut ids: Vec<Uuid> = rows.iter().map(|row| row.definition_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let definitions = definition::of_ids(tx, scope, &ids).await?;
    let coupons = rows.into_iter().map(Row::read).collect::<Result<_, DbError>>()?;
    Ok((coupons, definitions.into_iter().map(|found| (found.id, found)).collect()))
}

//! The lots of which the points of a customer are made.

use kernel::{CustomerId, LotId, OrderId, Timestamp, TypedId as _};
use platform::{DbError, Scope, Tx, args};
use serde::Serialize;
use uuid::Uuid;

use super::programme::Programme;
use super::{Holder, store};

/// Points of one origin with one expiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsLot)]
pub struct Lot {
    /// Its id.
    pub id: LotId,
    /// Whose it is: the customer itself, not the one into which it was merged.
    pub customer: CustomerId,
    /// The order by which its points were earned, if it was one.
    pub order: Option<OrderId>,
    /// So many it had at first.
    pub points: i64,
    /// Not to be used yet.
    pub pending: i64,
    /// Can be spent.
    pub available: i64,
    /// Held for orders.
    pub reserved: i64,
    /// From when on its points can be used.
    pub available_from: Timestamp,
    /// The first moment in which they cannot be used any more; null: never.
    pub expires_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    customer_id: Uuid,
    source_id: Option<Uuid>,
    points: i64,
    pending: i64,
    available: i64,
    reserved: i64,
    available_from: i64,
    expires_at: Option<i64>,
}

/// The first `limit` lots of `holder` in which something is left, in the order in which they are spent.
///
/// # Errors
/// As the database says.
pub async fn open_lots(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    holder: &Holder,
    limit: usize,
) -> Result<Vec<Lot>, DbError> {
    let select = "SELECT id, customer_id, source_id, points, pending, available, reserved, available_from, expires_at
        FROM loyalty_lots WHERE org_id = $1 AND programme_id = $2 AND pending + available + reserved > 0
            AND customer_id";
    let first = args![scope.org_arg(), programme.id.uuid()];
    let mut rows: Vec<Row> = store::by_ids(tx, select, &first, holder.members(), "").await?;
    rows.sort_unstable_by_key(|row| {
        (row.expires_at.unwrap_or(i64::MAX), row.available_from, row.id)
    });
    rows.truncate(limit);
    let lots = rows.into_iter().map(|row| Lot {
        id: LotId::from_uuid(row.id),
        customer: CustomerId::from_uuid(row.customer_id),
        order: row.source_id.map(OrderId::from_uuid),
        points: row.points,
        pending: row.pending,
        available: row.available,
        reserved: row.reserved,
        available_from: Timestamp::from_millis(row.available_from),
        expires_at: row.expires_at.map(Timestamp::from_millis),
    });
    Ok(lots.collect())
}

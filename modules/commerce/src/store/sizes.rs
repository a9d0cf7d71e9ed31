//! How many orders customers have, for whoever cuts long work into parts.

use kernel::{CustomerId, TypedId};
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use super::by_ids;

/// How many orders some customers have; who has none is left out. In no particular order.
///
/// # Errors
/// As the database says.
pub async fn orders_counted(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
) -> Result<Vec<(Uuid, u64)>, DbError> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let select =
        "SELECT customer_id, COUNT(*) FROM commerce_orders WHERE org_id = $1 AND customer_id";
    let rows: Vec<(Uuid, i64)> = by_ids(tx, scope, select, &ids, "GROUP BY customer_id").await?;
    Ok(rows.into_iter().map(|(id, count)| (id, count.unsigned_abs())).collect())
}

/// The next `limit` customers with orders whose ids come after `after`, by id, and how many orders each has.
///
/// # Errors
/// As the database says.
pub async fn orders_counted_after(
    tx: &mut Tx,
    scope: Scope,
    after: Uuid,
    limit: u32,
) -> Result<Vec<(Uuid, u64)>, DbError> {
    let rows: Vec<(Uuid, i64)> = tx
        .fetch_all(
            "SELECT customer_id, COUNT(*) FROM commerce_orders WHERE org_id = $1 AND customer_id > $2
              GROUP BY customer_id ORDER BY customer_id LIMIT $3",
            args![scope.org_arg(), after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id, count)| (id, count.unsigned_abs())).collect())
}

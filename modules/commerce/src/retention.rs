//! What of orders and imports is older than it may be kept, and its removal. [`flows::retention`] runs it.
//!
//! Of an ended order goes what [`crate::erase`] takes: receiver, address, remarks, cells of columns that nobody
//! named, numbers of parcels. Its book is closed by that, so no later file brings any of it back.

use std::collections::HashMap;

use kernel::{ImportId, OrderId, Timestamp, TypedId as _};
use platform::crypto::OrgKeys;
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::batch::undo;
use crate::erase;
use crate::state::OrderState;

/// Ids in one statement.
const LOOKUP_MAX: usize = 512;

/// The moment from which the days are counted for which the personal data of an order is kept: the last one
/// that is known of it. `None` while it runs.
///
/// A closed order has no time of its closing; the last of its other times stands for that.
#[must_use]
pub fn ended_at(
    state: OrderState,
    ordered_at: Timestamp,
    later: [Option<Timestamp>; 3],
) -> Option<Timestamp> {
    let last = later.into_iter().flatten().fold(ordered_at, Timestamp::max);
    (state >= OrderState::Completed).then_some(last)
}

/// As [`ended_at`], of rows that ended until `$2`.
const ENDED: &str = "state >= 4 AND ordered_at <= $2 AND COALESCE(paid_at, ordered_at) <= $2
    AND COALESCE(shipped_at, ordered_at) <= $2 AND COALESCE(completed_at, ordered_at) <= $2";
/// Rows that hold something personal.
const HOLDS: &str = "(private IS NOT NULL OR tracking_no IS NOT NULL)";

/// An order that ended long ago and holds personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedOrder {
    /// The order.
    pub id: OrderId,
    /// When it was placed, by which they are in order.
    pub ordered_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct EndedRow {
    id: Uuid,
    state: i64,
    ordered_at: i64,
    paid_at: Option<i64>,
    shipped_at: Option<i64>,
    completed_at: Option<i64>,
}

/// Orders that ended until `cutoff` and hold personal data, behind `after`, at most `limit`.
///
/// # Errors
/// As the database says.
pub async fn ended_orders(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    after: (i64, Uuid),
    limit: i64,
) -> Result<Vec<EndedOrder>, DbError> {
    let sql = format!(
        "SELECT id, state, ordered_at, paid_at, shipped_at, completed_at FROM commerce_orders
         WHERE org_id = $1 AND {ENDED} AND {HOLDS}
           AND (ordered_at > $3 OR (ordered_at = $3 AND id > $4)) AND ordered_at >= $3
         ORDER BY ordered_at, id LIMIT $5"
    );
    let rows: Vec<EndedRow> = tx
        .fetch_all(AssertSqlSafe(sql), args![scope.org_arg(), cutoff, after.0, after.1, limit])
        .await?;
    let ended = |row: EndedRow| {
        let state = i16::try_from(row.state).ok().and_then(OrderState::from_code)?;
        let at = Timestamp::from_millis;
        let later = [row.paid_at, row.shipped_at, row.completed_at].map(|time| time.map(at));
        let ended_at = ended_at(state, at(row.ordered_at), later)?;
        Some(EndedOrder {
            id: OrderId::from_uuid(row.id),
            ordered_at: at(row.ordered_at),
            ended_at,
        })
    };
    Ok(rows.into_iter().filter_map(ended).collect())
}

/// How many orders that were placed until `cutoff` are not at their end, and so keep what they hold.
///
/// # Errors
/// As the database says.
pub async fn running_orders(tx: &mut Tx, scope: Scope, cutoff: Timestamp) -> Result<u64, DbError> {
    let sql =
        "SELECT COUNT(*) FROM commerce_orders WHERE org_id = $1 AND state < 4 AND ordered_at <= $2";
    let (count,): (i64,) = tx.fetch_one(sql, args![scope.org_arg(), cutoff]).await?;
    Ok(count.unsigned_abs())
}

/// Takes what is personal out of those of `orders` that ended until `cutoff`; gives of how many.
///
/// # Errors
/// As the database says.
pub async fn forget_orders(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    orders: &[OrderId],
) -> Result<u64, DbError> {
    let mut forgotten = 0;
    for chunk in orders.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|id| Arg::from(id.uuid())).collect());
        let mut arguments = args![scope.org_arg(), cutoff];
        arguments.extend(values);
        // An import may have changed them since they were found.
        let lock = if tx.is_postgres() { "FOR UPDATE" } else { "" };
        let sql = format!(
            "SELECT id FROM commerce_orders WHERE org_id = $1 AND {ENDED} AND {HOLDS} AND id IN ({list}) {lock}"
        );
        let rows: Vec<(Uuid,)> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        let ids: Vec<Uuid> = rows.into_iter().map(|(id,)| id).collect();
        forgotten += erase::forget_orders(tx, scope, &ids).await?;
    }
    Ok(forgotten)
}

/// Takes what is personal of orders whose books are closed out of the next undo image behind `after`. Gives the
/// place of that image and whether it was changed; `None` where there is none.
///
/// # Errors
/// `Refused` if the image cannot be opened; otherwise as the database says.
pub async fn forget_in_next_image(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    after: (i64, i64),
) -> Result<Option<((i64, i64), bool)>, DbError> {
    let Some(place) = undo::next_image(tx, cx.scope, after).await? else { return Ok(None) };
    let orders = undo::orders_in(tx, cx.scope, keys, place).await?;
    let closed = erase::erased_among(tx, cx.scope, &orders).await?;
    let changed =
        !closed.is_empty() && undo::forget_in(tx, cx, keys, place, &closed, &|_| None).await?;
    Ok(Some((place, changed)))
}

/// An import that ended long ago, and keeps what it needs to be taken back, or rejected rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedImport {
    /// The import.
    pub id: ImportId,
    /// Its number, by which they are in order.
    pub number: i64,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// Imports that ended until `cutoff` and keep something, behind the number `after`, at most `limit`. One that
/// failed or waits can go on, and is none of them.
///
/// # Errors
/// As the database says.
pub async fn ended_imports(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    after: i64,
    limit: i64,
) -> Result<Vec<EndedImport>, DbError> {
    let rows: Vec<(Uuid, i64, i64)> = tx
        .fetch_all(
            "SELECT i.id, i.number, i.finished_at FROM commerce_imports AS i
             WHERE i.org_id = $1 AND i.state IN ('finished', 'cancelled', 'undone')
               AND i.finished_at <= $2 AND i.number > $3
               AND (EXISTS (SELECT 1 FROM commerce_import_batches AS b
                            WHERE b.org_id = i.org_id AND b.import_number = i.number)
                 OR EXISTS (SELECT 1 FROM commerce_import_rejects AS r
                            WHERE r.org_id = i.org_id AND r.import_number = i.number))
             ORDER BY i.number LIMIT $4",
            args![scope.org_arg(), cutoff, after, limit],
        )
        .await?;
    let import = |(id, number, at)| EndedImport {
        id: ImportId::from_uuid(id),
        number,
        finished_at: Timestamp::from_millis(at),
    };
    Ok(rows.into_iter().map(import).collect())
}

/// How many imports stopped until `cutoff` and can go on, so that they keep what they have.
///
/// # Errors
/// As the database says.
pub async fn stopped_imports(tx: &mut Tx, scope: Scope, cutoff: Timestamp) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM commerce_imports
         WHERE org_id = $1 AND state IN ('failed', 'paused') AND created_at <= $2";
    let (count,): (i64,) = tx.fetch_one(sql, args![scope.org_arg(), cutoff]).await?;
    Ok(count.unsigned_abs())
}

/// Removes undo images and rejected rows of an import that ended until `cutoff`, at most `most` of each. From
/// the first on it cannot be taken back. Gives whether it could until now, and whether nothing is left.
///
/// # Errors
/// As the database says.
pub async fn forget_import(
    tx: &mut Tx,
    cx: &Ctx,
    cutoff: Timestamp,
    number: i64,
    most: i64,
) -> Result<(bool, bool), DbError> {
    let scope = cx.scope;
    // Somebody may be taking it back, or has; then it is not `finished` any more.
    let sql = "UPDATE commerce_imports SET forgotten_at = COALESCE(forgotten_at, $4)
         WHERE org_id = $1 AND number = $2 AND finished_at <= $3
           AND state IN ('finished', 'cancelled', 'undone') RETURNING forgotten_at";
    let was = "SELECT 1 FROM commerce_imports WHERE org_id = $1 AND number = $2 AND forgotten_at IS NOT NULL";
    let was: Option<(i32,)> = tx.fetch_optional(was, args![scope.org_arg(), number]).await?;
    let marked: Option<(i64,)> =
        tx.fetch_optional(sql, args![scope.org_arg(), number, cutoff, cx.now()]).await?;
    if marked.is_none() {
        return Ok((false, true));
    }
    let mut is_empty = true;
    for (table, column) in
        [("commerce_import_batches", "batch_no"), ("commerce_import_rejects", "seq")]
    {
        let sql = format!(
            "DELETE FROM {table} WHERE org_id = $1 AND import_number = $2 AND {column} IN
               (SELECT {column} FROM {table} WHERE org_id = $1 AND import_number = $2
                ORDER BY {column} LIMIT $3)"
        );
        let gone = tx.execute(AssertSqlSafe(sql), args![scope.org_arg(), number, most]).await?;
        is_empty &= (gone as i64) < most;
    }
    Ok((was.is_none(), is_empty))
}

/// What orders tell of a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderActivity {
    /// The last moment that any of them knows.
    pub last: Option<Timestamp>,
    /// How many are not at their end.
    pub running: u64,
}

/// What the orders of each of `customers` tell; nobody without orders is in it.
///
/// # Errors
/// As the database says.
pub async fn activity(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<HashMap<Uuid, OrderActivity>, DbError> {
    type Row = (Uuid, i64, Option<i64>, Option<i64>, Option<i64>, i64);
    let mut found = HashMap::new();
    for chunk in customers.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "SELECT customer_id, MAX(ordered_at), MAX(paid_at), MAX(shipped_at), MAX(completed_at),
                 COUNT(CASE WHEN state < 4 THEN 1 END) FROM commerce_orders
             WHERE org_id = $1 AND customer_id IN ({list}) GROUP BY customer_id"
        );
        let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        found.extend(rows.into_iter().map(
            |(customer, ordered, paid, shipped, completed, running)| {
                let last = [Some(ordered), paid, shipped, completed].into_iter().flatten().max();
                let last = last.map(Timestamp::from_millis);
                (customer, OrderActivity { last, running: running.unsigned_abs() })
            },
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_order_ends_with_the_last_that_is_known_of_it(
            code in 0..6_i16, ordered in 0..100_i64, later in prop::array::uniform3(prop::option::of(0..100_i64)),
        ) {
            let state = OrderState::from_code(code).unwrap();
            let at = Timestamp::from_millis;
            let ended = ended_at(state, at(ordered), later.map(|time| time.map(at)));
            let runs = matches!(state,
                OrderState::Unpaid | OrderState::Paid | OrderState::PartlyShipped | OrderState::Shipped);
            prop_assert_eq!(ended.is_none(), runs);
            if let Some(ended) = ended {
                prop_assert!(ended >= at(ordered));
                prop_assert!(later.into_iter().flatten().all(|time| at(time) <= ended), "nothing came behind its end");
                prop_assert!(ended == at(ordered) || later.contains(&Some(ended.millis())));
            }
        }
    }
}

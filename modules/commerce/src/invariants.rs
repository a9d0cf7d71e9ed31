//! What must hold of this module's tables whatever happened; for `guanxi verify`.

use platform::crypto::OrgKeys;
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use crate::batch::undo;
use crate::imports;
use crate::store::OrderRow;

/// Counts the exceptions from each invariant.
///
/// # Errors
/// As the database says.
pub async fn check(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut found = Vec::new();
    for (name, sql) in [
        (
            "lines_have_orders",
            "SELECT COUNT(*) FROM commerce_order_lines l WHERE l.org_id = $1 AND NOT EXISTS
             (SELECT 1 FROM commerce_orders o WHERE o.org_id = l.org_id AND o.id = l.order_id)",
        ),
        (
            "line_counts_hold",
            "SELECT COUNT(*) FROM commerce_orders o WHERE o.org_id = $1 AND o.line_count <>
             (SELECT COUNT(*) FROM commerce_order_lines l WHERE l.org_id = o.org_id AND l.order_id = o.id)",
        ),
        (
            "orders_have_shops",
            "SELECT COUNT(*) FROM commerce_orders o WHERE o.org_id = $1 AND NOT EXISTS
             (SELECT 1 FROM commerce_shops s WHERE s.org_id = o.org_id AND s.number = o.shop_number)",
        ),
        (
            "orders_have_imports",
            "SELECT COUNT(*) FROM commerce_orders o WHERE o.org_id = $1 AND NOT EXISTS
             (SELECT 1 FROM commerce_imports i WHERE i.org_id = o.org_id AND i.number = o.last_import
              AND i.state NOT IN ('draft', 'queued', 'undone'))",
        ),
    ] {
        let (count,): (i64,) = tx.fetch_one(sql, args![scope.org_arg()]).await?;
        found.push((name, count));
    }
    let mut broken = 0;
    tx.for_each::<OrderRow>(
        "SELECT * FROM commerce_orders WHERE org_id = $1",
        args![scope.org_arg()],
        |row| {
            let adds_up =
                row.head(keys).is_ok_and(|head| head.revenue_minor() == row.revenue_minor);
            broken += i64::from(!adds_up);
        },
    )
    .await?;
    found.push(("orders_open_and_add_up", broken));
    let counted: Vec<(i64, i64)> = tx
        .fetch_all(
            "SELECT shop_number, COUNT(*) FROM commerce_orders WHERE org_id = $1 GROUP BY shop_number",
            args![scope.org_arg()],
        )
        .await?;
    let mut said = imports::orders_by_shop(tx, scope).await?;
    said.retain(|_, orders| *orders != 0);
    let wrong = counted.iter().filter(|(shop, orders)| said.remove(shop) != Some(*orders)).count();
    found.push(("shops_count_their_orders", (wrong + said.len()) as i64));
    found.push(("imports_are_accounted_for", unaccounted(tx, scope).await?));
    found.push(("undo_images_open", undo::unreadable(tx, scope, keys).await?));
    Ok(found)
}

/// Imports whose batches do not add up to the number of orders they say they made. Those whose time was over
/// keep none.
async fn unaccounted(tx: &mut Tx, scope: Scope) -> Result<i64, DbError> {
    let imports: Vec<(i64, String)> = tx
        .fetch_all(
            "SELECT number, progress FROM commerce_imports
             WHERE org_id = $1 AND NOT dry_run AND state <> 'undone' AND forgotten_at IS NULL",
            args![scope.org_arg()],
        )
        .await?;
    let mut broken = 0;
    for (number, progress) in imports {
        let (orders, batches): (i64, i64) = tx
            .fetch_one(
                "SELECT CAST(COALESCE(SUM(LENGTH(created_orders)), 0) AS BIGINT) / 16, COUNT(*)
                 FROM commerce_import_batches WHERE org_id = $1 AND import_number = $2",
                args![scope.org_arg(), number],
            )
            .await?;
        let holds = serde_json::from_str::<crate::imports::Progress>(&progress)
            .is_ok_and(|said| said.orders_created as i64 == orders && said.batches == batches);
        broken += i64::from(!holds);
    }
    Ok(broken)
}

/// The customers that orders name, each once.
///
/// # Errors
/// As the database says.
pub async fn customers_named(tx: &mut Tx, scope: Scope) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT customer_id FROM commerce_orders WHERE org_id = $1 AND customer_id IS NOT NULL",
            args![scope.org_arg()],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

//! SQL of families: who was merged into whom.

use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};

/// The root of each merged customer among `ids`; the others are their own roots.
pub(crate) async fn roots_of_merged(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "WITH RECURSIVE up (id, place, next) AS (
               SELECT id, id, merged_into FROM customers_customers
                WHERE org_id = $1 AND id IN ({list})
               UNION ALL
               SELECT up.id, c.id, c.merged_into FROM up
                 JOIN customers_customers c ON c.org_id = $1 AND c.id = up.next)
             SELECT id, place FROM up WHERE next IS NULL AND id <> place"
        );
        found.extend(tx.fetch_all::<(Uuid, Uuid)>(AssertSqlSafe(sql), arguments).await?);
    }
    Ok(found)
}

/// Each customer that leads to one of `tops`, with that one; the tops themselves are not among them.
pub(crate) async fn descendants(
    tx: &mut Tx,
    scope: Scope,
    tops: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let mut found = Vec::new();
    for chunk in tops.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "WITH RECURSIVE down (top, id) AS (
               SELECT merged_into, id FROM customers_customers
                WHERE org_id = $1 AND merged_into IN ({list})
               UNION ALL
               SELECT down.top, c.id FROM down
                 JOIN customers_customers c ON c.org_id = $1 AND c.merged_into = down.id)
             SELECT top, id FROM down ORDER BY top, id"
        );
        found.extend(tx.fetch_all::<(Uuid, Uuid)>(AssertSqlSafe(sql), arguments).await?);
    }
    Ok(found)
}

/// Every merged customer with the one it was merged into.
pub(crate) async fn links(tx: &mut Tx, scope: Scope) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let mut found = Vec::new();
    tx.for_each::<(Uuid, Uuid)>(
        "SELECT id, merged_into FROM customers_customers
         WHERE org_id = $1 AND merged_into IS NOT NULL",
        args![scope.org_arg()],
        |link| found.push(link),
    )
    .await?;
    Ok(found)
}

/// Names of customers.
pub(crate) async fn names(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, String)>, DbError> {
    let select = "SELECT id, name FROM customers_customers WHERE org_id = $1 AND id";
    by_ids(tx, scope, select, ids, "").await
}

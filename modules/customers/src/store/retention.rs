//! SQL of what is older than it may be kept.

use std::collections::HashMap;

use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};

/// Customer, note and when it was written.
pub(crate) async fn old_notes(
    tx: &mut Tx,
    scope: Scope,
    cutoff: i64,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, i64)>, DbError> {
    tx.fetch_all(
        "SELECT customer_id, id, created_at FROM customers_notes
         WHERE org_id = $1 AND created_at <= $2
           AND (customer_id > $3 OR (customer_id = $3 AND id > $4))
         ORDER BY customer_id, id LIMIT $5",
        args![scope.org_arg(), cutoff, after.0, after.1, limit],
    )
    .await
}

pub(crate) async fn remove_note(
    tx: &mut Tx,
    scope: Scope,
    cutoff: i64,
    (customer, note): (Uuid, Uuid),
) -> Result<u64, DbError> {
    // That somebody wrote it stays known: the days of a customer are not shortened by those of notes.
    tx.execute(
        "UPDATE customers_customers SET updated_at =
             (SELECT n.created_at FROM customers_notes AS n
              WHERE n.org_id = $1 AND n.customer_id = $2 AND n.id = $3)
         WHERE org_id = $1 AND id = $2 AND updated_at <
             (SELECT n.created_at FROM customers_notes AS n
              WHERE n.org_id = $1 AND n.customer_id = $2 AND n.id = $3)",
        args![scope.org_arg(), customer, note],
    )
    .await?;
    tx.execute(
        "DELETE FROM customers_notes
         WHERE org_id = $1 AND customer_id = $2 AND id = $3 AND created_at <= $4",
        args![scope.org_arg(), customer, note, cutoff],
    )
    .await
}

/// Roots behind `after` who were neither made nor changed since `cutoff`, nor erased yet.
pub(crate) async fn old_roots(
    tx: &mut Tx,
    scope: Scope,
    cutoff: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT c.id FROM customers_customers AS c
             WHERE c.org_id = $1 AND c.merged_into IS NULL AND c.created_at <= $2
               AND c.updated_at <= $2 AND c.id > $3
               AND NOT EXISTS (SELECT 1 FROM customers_erasures AS e
                               WHERE e.org_id = c.org_id AND e.customer_id = c.id)
             ORDER BY c.id LIMIT $4",
            args![scope.org_arg(), cutoff, after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The last moment at which anything is known to have happened with each of `ids`, orders aside.
pub(crate) async fn last_seen(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, i64>, DbError> {
    let mut last: HashMap<Uuid, i64> = HashMap::new();
    for (select, by) in [
        ("SELECT id, MAX(updated_at) FROM customers_customers WHERE org_id = $1 AND id", "id"),
        ("SELECT id, MAX(created_at) FROM customers_customers WHERE org_id = $1 AND id", "id"),
        (
            "SELECT customer_id, MAX(first_seen_at) FROM customers_identities
             WHERE org_id = $1 AND customer_id",
            "customer_id",
        ),
        (
            "SELECT customer_id, MAX(created_at) FROM customers_notes
             WHERE org_id = $1 AND customer_id",
            "customer_id",
        ),
        (
            "SELECT customer_id, MAX(recorded_at) FROM customers_consents
             WHERE org_id = $1 AND customer_id",
            "customer_id",
        ),
        (
            "SELECT customer_id, MAX(created_at) FROM customers_history
             WHERE org_id = $1 AND customer_id",
            "customer_id",
        ),
        (
            "SELECT customer_id, MAX(COALESCE(finished_at, created_at)) FROM customers_person_requests
             WHERE org_id = $1 AND customer_id",
            "customer_id",
        ),
        ("SELECT keep, MAX(created_at) FROM customers_merges WHERE org_id = $1 AND keep", "keep"),
    ] {
        let by = format!("GROUP BY {by}");
        let rows: Vec<(Uuid, i64)> = by_ids(tx, scope, select, ids, &by).await?;
        for (id, at) in rows {
            let known = last.entry(id).or_insert(at);
            *known = at.max(*known);
        }
    }
    Ok(last)
}

/// Those of `ids` who ask something of us that is not answered.
pub(crate) async fn asking(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let select = "SELECT DISTINCT customer_id FROM customers_person_requests
         WHERE org_id = $1 AND state = 'open' AND customer_id";
    let rows: Vec<(Uuid,)> = by_ids(tx, scope, select, ids, "").await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Customers behind `after` of whom some consent of before `cutoff` has evidence.
pub(crate) async fn with_evidence(
    tx: &mut Tx,
    scope: Scope,
    cutoff: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT customer_id FROM customers_consents
             WHERE org_id = $1 AND sealed IS NOT NULL AND at <= $2 AND customer_id > $3
             ORDER BY customer_id LIMIT $4",
            args![scope.org_arg(), cutoff, after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Takes the evidence of entries away; gives of how many.
pub(crate) async fn forget_evidence(
    tx: &mut Tx,
    scope: Scope,
    entries: &[(Uuid, Uuid)],
) -> Result<u64, DbError> {
    let mut forgotten = 0;
    for (customer, entry) in entries {
        forgotten += tx
            .execute(
                "UPDATE customers_consents SET sealed = NULL
                 WHERE org_id = $1 AND customer_id = $2 AND id = $3 AND sealed IS NOT NULL",
                args![scope.org_arg(), *customer, *entry],
            )
            .await?;
    }
    Ok(forgotten)
}

/// Request, customer and when it was finished.
pub(crate) async fn closed_requests(
    tx: &mut Tx,
    scope: Scope,
    cutoff: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, i64)>, DbError> {
    tx.fetch_all(
        "SELECT id, customer_id, finished_at FROM customers_person_requests
         WHERE org_id = $1 AND state <> 'open' AND finished_at <= $2 AND sealed IS NOT NULL AND id > $3
         ORDER BY id LIMIT $4",
        args![scope.org_arg(), cutoff, after, limit],
    )
    .await
}

/// Takes the texts of requests away that were finished until `cutoff`; gives of how many.
pub(crate) async fn forget_requests(
    tx: &mut Tx,
    scope: Scope,
    cutoff: i64,
    ids: &[Uuid],
) -> Result<u64, DbError> {
    let mut forgotten = 0;
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg(), cutoff];
        arguments.extend(values);
        let sql = format!(
            "UPDATE customers_person_requests SET sealed = NULL
             WHERE org_id = $1 AND state <> 'open' AND finished_at <= $2 AND sealed IS NOT NULL
               AND id IN ({list})"
        );
        forgotten += tx.execute(AssertSqlSafe(sql), arguments).await?;
    }
    Ok(forgotten)
}

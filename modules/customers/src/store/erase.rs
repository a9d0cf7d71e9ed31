//! SQL that erases.

use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};

/// Runs `{sql} IN (ids)`; gives how many rows it changed.
async fn each(tx: &mut Tx, scope: Scope, sql: &str, ids: &[Uuid]) -> Result<u64, DbError> {
    let mut changed = 0;
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        changed += tx.execute(AssertSqlSafe(format!("{sql} IN ({list})")), arguments).await?;
    }
    Ok(changed)
}

/// With whom customers were ever merged, themselves included where they were.
pub(crate) async fn partners(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let keep = "SELECT keep, absorb FROM customers_merges WHERE org_id = $1 AND keep";
    let absorb = "SELECT keep, absorb FROM customers_merges WHERE org_id = $1 AND absorb";
    let mut found: Vec<(Uuid, Uuid)> = by_ids(tx, scope, keep, ids, "").await?;
    found.extend(by_ids::<(Uuid, Uuid)>(tx, scope, absorb, ids, "").await?);
    Ok(found)
}

pub(crate) async fn names(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    let sql = "UPDATE customers_customers SET name = '', version = version + 1
         WHERE org_id = $1 AND name <> '' AND id";
    each(tx, scope, sql, ids).await
}

pub(crate) async fn identities(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    each(tx, scope, "DELETE FROM customers_identities WHERE org_id = $1 AND customer_id", ids).await
}

/// Takes away what was noted as not theirs; gives how many values that were.
pub(crate) async fn struck(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    each(tx, scope, "DELETE FROM customers_struck WHERE org_id = $1 AND customer_id", ids).await
}

pub(crate) async fn notes(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    each(tx, scope, "DELETE FROM customers_notes WHERE org_id = $1 AND customer_id", ids).await
}

pub(crate) async fn suggestions(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    let a =
        each(tx, scope, "DELETE FROM customers_suggestions WHERE org_id = $1 AND a", ids).await?;
    let b =
        each(tx, scope, "DELETE FROM customers_suggestions WHERE org_id = $1 AND b", ids).await?;
    Ok(a + b)
}

pub(crate) async fn evidence(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    let sql = "UPDATE customers_consents SET sealed = NULL
         WHERE org_id = $1 AND sealed IS NOT NULL AND customer_id";
    each(tx, scope, sql, ids).await
}

/// Takes away what they wrote to us, and what was answered. That they asked stays.
pub(crate) async fn request_texts(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    let sql = "UPDATE customers_person_requests SET sealed = NULL
         WHERE org_id = $1 AND sealed IS NOT NULL AND customer_id";
    each(tx, scope, sql, ids).await
}

/// Customer, entry and detail of what may have names in it.
pub(crate) async fn histories(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, String)>, DbError> {
    let select = "SELECT customer_id, id, detail FROM customers_history
         WHERE org_id = $1 AND kind IN ('edit', 'merge', 'unmerge') AND customer_id";
    by_ids(tx, scope, select, ids, "").await
}

pub(crate) async fn set_history(
    tx: &mut Tx,
    scope: Scope,
    customer: Uuid,
    id: Uuid,
    detail: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_history SET detail = $4
         WHERE org_id = $1 AND customer_id = $2 AND id = $3",
        args![scope.org_arg(), customer, id, detail],
    )
    .await
    .map(drop)
}

pub(crate) async fn erased_at(
    tx: &mut Tx,
    scope: Scope,
    customer: Uuid,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT erased_at FROM customers_erasures WHERE org_id = $1 AND customer_id = $2",
            args![scope.org_arg(), customer],
        )
        .await?;
    Ok(row.map(|(at,)| at))
}

pub(crate) async fn note_erasure(
    tx: &mut Tx,
    cx: &Ctx,
    customer: Uuid,
    reason: &'static str,
    reference: Option<&str>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_erasures (org_id, customer_id, reason, reference, actor, erased_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, customer_id) DO UPDATE
             SET reason = excluded.reason, reference = excluded.reference, actor = excluded.actor,
                 erased_at = excluded.erased_at",
        args![
            cx.scope.org_arg(),
            customer,
            reason,
            reference.map(str::to_owned),
            cx.scope.user_id(),
            cx.now()
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn erasures(
    tx: &mut Tx,
    scope: Scope,
) -> Result<Vec<(Uuid, String, Option<String>, i64)>, DbError> {
    tx.fetch_all(
        "SELECT customer_id, reason, reference, erased_at FROM customers_erasures WHERE org_id = $1
         ORDER BY erased_at, customer_id",
        args![scope.org_arg()],
    )
    .await
}

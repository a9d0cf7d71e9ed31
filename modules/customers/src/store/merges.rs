//! SQL of merges.

use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::by_ids;

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct MergeRow {
    pub id: Uuid,
    pub keep: Uuid,
    pub absorb: Uuid,
    pub actor: Option<Uuid>,
    pub created_at: i64,
}

pub(crate) async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    id: Uuid,
    keep: Uuid,
    absorb: Uuid,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_merges (org_id, id, keep, absorb, actor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![cx.scope.org_arg(), id, keep, absorb, cx.scope.user_id(), cx.now()],
    )
    .await
    .map(drop)
}

pub(crate) async fn get(tx: &mut Tx, scope: Scope, id: Uuid) -> Result<Option<MergeRow>, DbError> {
    tx.fetch_optional(
        "SELECT id, keep, absorb, actor, created_at FROM customers_merges
         WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), id],
    )
    .await
}

/// Marks a merge as undone; gives whether it was not.
pub(crate) async fn undo(tx: &mut Tx, cx: &Ctx, id: Uuid) -> Result<bool, DbError> {
    let undone = tx
        .execute(
            "UPDATE customers_merges SET undone_at = $3
             WHERE org_id = $1 AND id = $2 AND undone_at IS NULL",
            args![cx.scope.org_arg(), id, cx.now()],
        )
        .await?;
    Ok(undone == 1)
}

/// Merges that hold and absorbed one of `ids`, the first made first.
pub(crate) async fn holding(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<MergeRow>, DbError> {
    let select = "SELECT id, keep, absorb, actor, created_at FROM customers_merges
         WHERE org_id = $1 AND undone_at IS NULL AND absorb";
    by_ids(tx, scope, select, ids, "ORDER BY created_at, id").await
}

/// Pairs that were merged and parted again, one of `ids` being the absorbed one.
pub(crate) async fn undone(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let select = "SELECT DISTINCT keep, absorb FROM customers_merges
         WHERE org_id = $1 AND undone_at IS NOT NULL AND absorb";
    by_ids(tx, scope, select, ids, "").await
}

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
    pub undone_at: Option<i64>,
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
        "SELECT id, keep, absorb, actor, created_at, undone_at FROM customers_merges
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

/// Merges that absorbed one of `customers`, undone ones too, the first made first.
///
/// In two steps, for the reason that `suggestions` gives.
pub(crate) async fn that_absorbed(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<MergeRow>, DbError> {
    let select = "SELECT id FROM customers_merges WHERE org_id = $1 AND absorb";
    let ids: Vec<(Uuid,)> = by_ids(tx, scope, select, customers, "").await?;
    let ids: Vec<Uuid> = ids.into_iter().map(|(id,)| id).collect();
    let select = "SELECT id, keep, absorb, actor, created_at, undone_at FROM customers_merges
         WHERE org_id = $1 AND id";
    let mut rows: Vec<MergeRow> = by_ids(tx, scope, select, &ids, "").await?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

/// Merges that hold and have one of `customers` as a side, the first made first.
pub(crate) async fn that_touch(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<MergeRow>, DbError> {
    let mut ids = Vec::new();
    for select in [
        "SELECT id FROM customers_merges WHERE org_id = $1 AND keep",
        "SELECT id FROM customers_merges WHERE org_id = $1 AND absorb",
    ] {
        ids.extend(by_ids::<(Uuid,)>(tx, scope, select, customers, "").await?);
    }
    let ids: Vec<Uuid> = ids.into_iter().map(|(id,)| id).collect();
    let select = "SELECT id, keep, absorb, actor, created_at, undone_at FROM customers_merges
         WHERE org_id = $1 AND undone_at IS NULL AND id";
    let mut rows: Vec<MergeRow> =
        by_ids(tx, scope, select, &crate::roots::distinct(&ids), "").await?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

//! SQL of notes.

use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct NoteRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub sealed: Vec<u8>,
    pub author: Option<Uuid>,
    pub created_at: i64,
}

pub(crate) async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    customer: Uuid,
    id: Uuid,
    sealed: Vec<u8>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_notes (org_id, customer_id, id, sealed, author, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![cx.scope.org_arg(), customer, id, sealed, cx.scope.user_id(), cx.now()],
    )
    .await
    .map(drop)
}

pub(crate) async fn count(tx: &mut Tx, scope: Scope, customer: Uuid) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM customers_notes WHERE org_id = $1 AND customer_id = $2",
            args![scope.org_arg(), customer],
        )
        .await?;
    Ok(count)
}

/// Deletes a note of one of `family`; gives what was in it, if it was there.
pub(crate) async fn delete(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
    id: Uuid,
) -> Result<Option<Vec<u8>>, DbError> {
    let (list, values) = in_list(3, family.iter().map(|id| Arg::from(*id)).collect());
    let mut arguments = args![scope.org_arg(), id];
    arguments.extend(values);
    let sql = format!(
        "DELETE FROM customers_notes WHERE org_id = $1 AND id = $2 AND customer_id IN ({list})
         RETURNING sealed"
    );
    let row: Option<(Vec<u8>,)> = tx.fetch_optional(AssertSqlSafe(sql), arguments).await?;
    Ok(row.map(|(sealed,)| sealed))
}

pub(crate) async fn of(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
    before: (i64, Uuid),
    limit: i64,
) -> Result<Vec<NoteRow>, DbError> {
    if family.is_empty() {
        return Ok(Vec::new());
    }
    let (list, values) = in_list(5, family.iter().map(|id| Arg::from(*id)).collect());
    let mut arguments = args![scope.org_arg(), before.0, before.1, limit];
    arguments.extend(values);
    let sql = format!(
        "SELECT id, customer_id, sealed, author, created_at FROM customers_notes
         WHERE org_id = $1 AND customer_id IN ({list}) AND (created_at, id) < ($2, $3)
         ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    tx.fetch_all(AssertSqlSafe(sql), arguments).await
}

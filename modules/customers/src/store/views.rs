//! SQL of saved views.

use kernel::UserId;
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ViewRow {
    pub id: Uuid,
    pub owner: Uuid,
    pub page: String,
    pub name: String,
    pub query: String,
    pub shared: bool,
}

/// Views of a page: those of `owner` and the shared ones, by name.
pub(crate) async fn of_page(
    tx: &mut Tx,
    scope: Scope,
    owner: Uuid,
    page: &str,
) -> Result<Vec<ViewRow>, DbError> {
    tx.fetch_all(
        "SELECT id, owner, page, name, query, shared FROM customers_views
         WHERE org_id = $1 AND page = $2 AND (owner = $3 OR shared) ORDER BY name, id LIMIT 500",
        args![scope.org_arg(), page, owner],
    )
    .await
}

/// Saves a view unless the owner has `most`; gives whether it did.
pub(crate) async fn add(tx: &mut Tx, cx: &Ctx, row: &ViewRow, most: i64) -> Result<bool, DbError> {
    let made = tx
        .execute(
            "INSERT INTO customers_views (org_id, id, owner, page, name, query, shared, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, $6, $7, $8
              WHERE (SELECT COUNT(*) FROM customers_views WHERE org_id = $1 AND owner = $3) < $9",
            args![
                cx.scope.org_arg(),
                row.id,
                row.owner,
                row.page.as_str(),
                row.name.as_str(),
                row.query.as_str(),
                row.shared,
                cx.now(),
                most
            ],
        )
        .await?;
    Ok(made == 1)
}

/// Deletes a view of `owner`; gives it, if it was there.
pub(crate) async fn delete(
    tx: &mut Tx,
    scope: Scope,
    owner: Uuid,
    id: Uuid,
) -> Result<Option<ViewRow>, DbError> {
    tx.fetch_optional(
        "DELETE FROM customers_views WHERE org_id = $1 AND id = $2 AND owner = $3
         RETURNING id, owner, page, name, query, shared",
        args![scope.org_arg(), id, owner],
    )
    .await
}

/// Gives shared views of one owner to another; gives how many.
pub(crate) async fn hand_over(
    tx: &mut Tx,
    scope: Scope,
    from: UserId,
    to: UserId,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE customers_views SET owner = $3 WHERE org_id = $1 AND owner = $2 AND shared",
        args![scope.org_arg(), from, to],
    )
    .await
}

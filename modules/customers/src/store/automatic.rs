//! SQL of automatic tags.

use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::LOOKUP_MAX;

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct RuleRow {
    pub id: Uuid,
    pub name: String,
    pub colour: String,
    pub audience_id: Option<Uuid>,
    pub bought: Option<String>,
    pub wanted: i64,
    pub done: i64,
    pub settled_at: Option<i64>,
}

const COLUMNS: &str = "SELECT id, name, colour, audience_id, bought, wanted, done, settled_at
       FROM customers_tags WHERE org_id = $1";

/// The tags that have a rule, by name.
pub(crate) async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<RuleRow>, DbError> {
    let sql = format!("{COLUMNS} AND audience_id IS NOT NULL ORDER BY name, id");
    tx.fetch_all(AssertSqlSafe(sql), args![scope.org_arg()]).await
}

pub(crate) async fn get(tx: &mut Tx, scope: Scope, tag: Uuid) -> Result<Option<RuleRow>, DbError> {
    let sql = format!("{COLUMNS} AND id = $2");
    tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), tag]).await
}

/// A tag whose row this transaction holds: one at a time puts it on by its rule, or changes the rule.
pub(crate) async fn hold(tx: &mut Tx, scope: Scope, tag: Uuid) -> Result<Option<RuleRow>, DbError> {
    // On SQLite there is one writer at a time.
    let tail = if tx.is_postgres() { " FOR UPDATE" } else { "" };
    let sql = format!("{COLUMNS} AND id = $2{tail}");
    tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), tag]).await
}

/// Sets or clears the rule of a tag. What is at work on the old one finds that it is.
pub(crate) async fn set(
    tx: &mut Tx,
    scope: Scope,
    tag: Uuid,
    audience: Option<Uuid>,
    bought: Option<String>,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_tags
            SET audience_id = $3, bought = $4, wanted = wanted + 1, settled_at = NULL
          WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), tag, audience, bought],
    )
    .await
    .map(drop)
}

pub(crate) async fn want(tx: &mut Tx, scope: Scope, tag: Uuid) -> Result<(), DbError> {
    let sql = "UPDATE customers_tags SET wanted = wanted + 1 WHERE org_id = $1 AND id = $2";
    tx.execute(sql, args![scope.org_arg(), tag]).await.map(drop)
}

pub(crate) async fn settled(tx: &mut Tx, cx: &Ctx, tag: Uuid, wanted: i64) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_tags SET done = $3, settled_at = $4 WHERE org_id = $1 AND id = $2",
        args![cx.scope.org_arg(), tag, wanted, cx.now()],
    )
    .await
    .map(drop)
}

/// Who has a tag with greater ids than `after`, in order.
pub(crate) async fn holders_after(
    tx: &mut Tx,
    scope: Scope,
    tag: Uuid,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT customer_id FROM customers_taggings
              WHERE org_id = $1 AND tag_id = $2 AND customer_id > $3
              ORDER BY customer_id LIMIT $4",
            args![scope.org_arg(), tag, after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Those of `customers` who have a tag.
pub(crate) async fn holders_among(
    tx: &mut Tx,
    scope: Scope,
    tag: Uuid,
    customers: &[Uuid],
) -> Result<Vec<Uuid>, DbError> {
    let mut found = Vec::new();
    for chunk in customers.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg(), tag];
        arguments.extend(values);
        let sql = format!(
            "SELECT customer_id FROM customers_taggings
              WHERE org_id = $1 AND tag_id = $2 AND customer_id IN ({list})"
        );
        let rows: Vec<(Uuid,)> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

//! SQL of tags and taggings.

use platform::db::args::in_list;
use platform::{Arg, BulkRows, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};
use crate::reach;

/// Id, name, colour, and the audience that an automatic tag follows.
pub(crate) type TagRow = (Uuid, String, String, Option<Uuid>);

pub(crate) async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<TagRow>, DbError> {
    tx.fetch_all(
        "SELECT id, name, colour, audience_id FROM customers_tags
          WHERE org_id = $1 ORDER BY name, id LIMIT 1000",
        args![scope.org_arg()],
    )
    .await
}

/// Tags by id, which nobody can delete until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<Vec<TagRow>, DbError> {
    let tail = if tx.is_postgres() { "ORDER BY id FOR SHARE" } else { "ORDER BY id" };
    let select =
        "SELECT id, name, colour, audience_id FROM customers_tags WHERE org_id = $1 AND id";
    by_ids(tx, scope, select, ids, tail).await
}

/// Taggings of each tag, those of merged customers included, of customers whom whoever asks sees.
pub(crate) async fn counts(tx: &mut Tx, cx: &Ctx) -> Result<Vec<(Uuid, i64)>, DbError> {
    let mut arguments = args![cx.scope.org_arg()];
    let seen = reach::condition(cx, "customer_id")
        .map(|seen| format!(" AND {}", seen.append_to(&mut arguments)))
        .unwrap_or_default();
    let sql = format!(
        "SELECT tag_id, COUNT(*) FROM customers_taggings WHERE org_id = $1{seen} GROUP BY tag_id"
    );
    tx.fetch_all(AssertSqlSafe(sql), arguments).await
}

/// Makes a tag unless there are `most`; gives whether it did.
pub(crate) async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    id: Uuid,
    name: &str,
    colour: &str,
    most: i64,
) -> Result<bool, DbError> {
    let made = tx
        .execute(
            "INSERT INTO customers_tags (org_id, id, name, colour, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5
              WHERE (SELECT COUNT(*) FROM customers_tags WHERE org_id = $1) < $6",
            args![cx.scope.org_arg(), id, name, colour, cx.now(), most],
        )
        .await?;
    Ok(made == 1)
}

/// Who has a tag, at most `most`.
pub(crate) async fn holders(
    tx: &mut Tx,
    scope: Scope,
    tag: Uuid,
    most: i64,
) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT customer_id FROM customers_taggings WHERE org_id = $1 AND tag_id = $2 LIMIT $3",
            args![scope.org_arg(), tag, most],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes a tag with its taggings; gives it, if it was there, and how many those were.
pub(crate) async fn delete(
    tx: &mut Tx,
    scope: Scope,
    tag: Uuid,
) -> Result<Option<(TagRow, u64)>, DbError> {
    // The tag first: whoever is putting it on just now is waited for.
    let deleted: Option<TagRow> = tx
        .fetch_optional(
            "DELETE FROM customers_tags WHERE org_id = $1 AND id = $2
             RETURNING id, name, colour, audience_id",
            args![scope.org_arg(), tag],
        )
        .await?;
    let taggings = tx
        .execute(
            "DELETE FROM customers_taggings WHERE org_id = $1 AND tag_id = $2",
            args![scope.org_arg(), tag],
        )
        .await?;
    Ok(deleted.map(|tag| (tag, taggings)))
}

/// Puts tags on customers that do not have them: customer and tag.
pub(crate) async fn put(tx: &mut Tx, cx: &Ctx, pairs: &[(Uuid, Uuid)]) -> Result<(), DbError> {
    let mut rows = BulkRows::new(
        "customers_taggings",
        &["org_id", "customer_id", "tag_id", "actor", "created_at"],
    );
    for (customer, tag) in pairs {
        rows.push([
            Arg::from(cx.scope.org_arg()),
            Arg::from(*customer),
            Arg::from(*tag),
            Arg::from(cx.scope.user_id()),
            Arg::from(cx.now()),
        ]);
    }
    tx.bulk_insert(rows).await
}

/// Takes `tag` off customers.
pub(crate) async fn take_off(
    tx: &mut Tx,
    scope: Scope,
    tag: Uuid,
    customers: &[Uuid],
) -> Result<(), DbError> {
    for chunk in customers.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg(), tag];
        arguments.extend(values);
        let sql = format!(
            "DELETE FROM customers_taggings
             WHERE org_id = $1 AND tag_id = $2 AND customer_id IN ({list})"
        );
        tx.execute(AssertSqlSafe(sql), arguments).await?;
    }
    Ok(())
}

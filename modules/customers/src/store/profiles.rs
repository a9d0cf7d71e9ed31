//! SQL of profiles: one statement a table for a whole page.

use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct CustomerRow {
    pub id: Uuid,
    pub name: String,
    pub country: Option<String>,
    pub province: Option<String>,
    pub city: Option<String>,
    pub rating: Option<i64>,
    pub owner: Option<Uuid>,
    pub merged_into: Option<Uuid>,
    pub version: i64,
    pub created_at: i64,
}

pub(crate) async fn customers(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<CustomerRow>, DbError> {
    let select =
        "SELECT id, name, country, province, city, rating, owner, merged_into, version, created_at
         FROM customers_customers WHERE org_id = $1 AND id";
    by_ids(tx, scope, select, ids, "").await
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct IdentityRow {
    pub customer_id: Uuid,
    pub kind: i64,
    pub space: i64,
    pub hash: Vec<u8>,
    pub plain: Option<String>,
    pub sealed: Option<Vec<u8>>,
    pub first_seen_at: i64,
    pub by_hand: bool,
}

/// Identities of customers, the first seen first, at most `most` of each kind and customer.
pub(crate) async fn identities(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
    most: i64,
) -> Result<Vec<IdentityRow>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg(), most];
        arguments.extend(values);
        let sql = format!(
            "SELECT customer_id, kind, space, hash, plain, sealed, first_seen_at, by_hand FROM (
               SELECT customer_id, kind, space, hash, plain, sealed, first_seen_at, by_hand,
                      ROW_NUMBER() OVER (
                        PARTITION BY customer_id, kind ORDER BY first_seen_at, hash) AS place
                 FROM customers_identities WHERE org_id = $1 AND customer_id IN ({list})) AS placed
             WHERE place <= $2 ORDER BY kind, first_seen_at, hash"
        );
        found.extend(tx.fetch_all::<IdentityRow>(AssertSqlSafe(sql), arguments).await?);
    }
    Ok(found)
}

/// Tags of customers by name: customer, tag, its name and colour, and the audience that it follows.
pub(crate) async fn tags(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, String, String, Option<Uuid>)>, DbError> {
    let select =
        "SELECT g.customer_id, t.id, t.name, t.colour, t.audience_id FROM customers_taggings g
         JOIN customers_tags t ON t.org_id = g.org_id AND t.id = g.tag_id
         WHERE g.org_id = $1 AND g.customer_id";
    by_ids(tx, scope, select, ids, "ORDER BY t.name, t.id").await
}

/// Customers with one of these account hashes (`accounts`), or one of these phone or e-mail hashes.
pub(crate) async fn holders(
    tx: &mut Tx,
    scope: Scope,
    accounts: bool,
    hashes: &[[u8; 16]],
    most: i64,
) -> Result<Vec<Uuid>, DbError> {
    let mut found = Vec::new();
    for chunk in hashes.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|hash| Arg::from(*hash)).collect());
        // The condition on kind names the partial index.
        let kind = if accounts { "kind = 1" } else { "kind > 1" };
        let sql = format!(
            "SELECT customer_id FROM customers_identities
             WHERE org_id = $1 AND {kind} AND hash IN ({list}) LIMIT $2"
        );
        let mut arguments = args![scope.org_arg(), most];
        arguments.extend(values);
        let rows: Vec<(Uuid,)> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

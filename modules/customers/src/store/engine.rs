//! SQL that feeds the customer engine.

use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use super::by_ids;

/// A root and one of its plain account names.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct FeedRow {
    pub id: Uuid,
    pub name: String,
    pub province: Option<String>,
    pub rating: Option<i64>,
    pub owner: Option<Uuid>,
    pub created_at: i64,
    pub plain: Option<String>,
}

/// Roots by id, a row for each plain account, or one without an account.
pub(crate) async fn each_root(
    tx: &mut Tx,
    scope: Scope,
    take: impl FnMut(FeedRow) + Send,
) -> Result<(), DbError> {
    tx.for_each::<FeedRow>(
        "SELECT c.id, c.name, c.province, c.rating, c.owner, c.created_at, i.plain
           FROM customers_customers c
           LEFT JOIN customers_identities i ON i.org_id = c.org_id AND i.customer_id = c.id
                AND i.kind = 1 AND i.plain IS NOT NULL
          WHERE c.org_id = $1 AND c.merged_into IS NULL ORDER BY c.id",
        args![scope.org_arg()],
        take,
    )
    .await
}

/// Plain accounts of some customers: customer and account.
pub(crate) async fn accounts(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, String)>, DbError> {
    let select = "SELECT customer_id, plain FROM customers_identities
         WHERE org_id = $1 AND kind = 1 AND plain IS NOT NULL AND customer_id";
    by_ids(tx, scope, select, ids, "").await
}

/// Taggings of some customers: customer and tag.
pub(crate) async fn taggings(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let select =
        "SELECT customer_id, tag_id FROM customers_taggings WHERE org_id = $1 AND customer_id";
    by_ids(tx, scope, select, ids, "").await
}

/// All taggings: customer and tag, by customer.
pub(crate) async fn each_tagging(
    tx: &mut Tx,
    scope: Scope,
    take: impl FnMut((Uuid, Uuid)) + Send,
) -> Result<(), DbError> {
    tx.for_each(
        "SELECT customer_id, tag_id FROM customers_taggings WHERE org_id = $1
         ORDER BY customer_id, tag_id",
        args![scope.org_arg()],
        take,
    )
    .await
}

//! SQL of identities that people change by hand, and of what they struck.

use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::suggestions::{self, OPEN};
use super::{LOOKUP_MAX, by_ids, for_ids, identity_of};

/// An identity that a person puts in its place.
#[derive(Debug)]
pub(crate) struct PutRow {
    pub customer: Uuid,
    pub kind: i64,
    pub space: i64,
    pub hash: [u8; 16],
    pub plain: Option<String>,
    pub sealed: Option<Vec<u8>>,
    pub first_seen_at: i64,
    pub by_hand: bool,
}

pub(crate) async fn put(tx: &mut Tx, scope: Scope, row: PutRow) -> Result<(), DbError> {
    let PutRow { customer, kind, space, hash, plain, sealed, first_seen_at, by_hand } = row;
    let org = scope.org_arg();
    tx.execute(
        "INSERT INTO customers_identities
             (org_id, customer_id, kind, space, hash, plain, sealed, first_seen_at, by_hand)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![org, customer, kind, space, hash, plain, sealed, first_seen_at, by_hand],
    )
    .await
    .map(drop)
}

pub(crate) async fn take(
    tx: &mut Tx,
    scope: Scope,
    customer: Uuid,
    kind: i64,
    hash: &[u8],
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM customers_identities
         WHERE org_id = $1 AND customer_id = $2 AND kind = $3 AND hash = $4",
        args![scope.org_arg(), customer, kind, hash],
    )
    .await
    .map(drop)
}

/// That a value is not of a customer.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StruckRow {
    pub customer_id: Uuid,
    pub by_hand: bool,
    /// Null where this member of the family did not have it.
    pub first_seen_at: Option<i64>,
}

/// Notes that a value is not of `customer`; of one that is noted already what it was the first time stays.
pub(crate) async fn strike(
    tx: &mut Tx,
    cx: &Ctx,
    kind: i64,
    hash: &[u8],
    row: &StruckRow,
) -> Result<(), DbError> {
    let (actor, now) = (cx.scope.user_id(), cx.now());
    let StruckRow { customer_id, by_hand, first_seen_at } = *row;
    tx.execute(
        "INSERT INTO customers_struck
             (org_id, customer_id, kind, hash, by_hand, first_seen_at, actor, struck_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (org_id, customer_id, kind, hash) DO NOTHING",
        args![cx.scope.org_arg(), customer_id, kind, hash, by_hand, first_seen_at, actor, now],
    )
    .await
    .map(drop)
}

/// Takes the notes of one value back from a family; gives them, by customer.
pub(crate) async fn unstrike(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
    kind: i64,
    hash: &[u8],
) -> Result<Vec<StruckRow>, DbError> {
    let mut found: Vec<StruckRow> = Vec::new();
    for chunk in family.chunks(LOOKUP_MAX) {
        let mut arguments = args![scope.org_arg(), kind, hash];
        let (list, values) = in_list(4, chunk.iter().map(|id| Arg::from(*id)).collect());
        arguments.extend(values);
        let sql = format!(
            "DELETE FROM customers_struck
             WHERE org_id = $1 AND kind = $2 AND hash = $3 AND customer_id IN ({list})
             RETURNING customer_id, by_hand, first_seen_at"
        );
        found.extend(tx.fetch_all::<StruckRow>(AssertSqlSafe(sql), arguments).await?);
    }
    found.sort_by_key(|row| row.customer_id);
    Ok(found)
}

/// What was struck from some customers: what it was, and when.
pub(crate) async fn struck_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<(i64, i64)>, DbError> {
    let select = "SELECT kind, struck_at FROM customers_struck WHERE org_id = $1 AND customer_id";
    by_ids(tx, scope, select, customers, "ORDER BY struck_at, kind").await
}

/// Everything that was struck: whose it is not, and what.
pub(crate) async fn each_struck(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(Uuid, u128) + Send,
) -> Result<(), DbError> {
    tx.for_each::<(Uuid, i64, Vec<u8>)>(
        "SELECT customer_id, kind, hash FROM customers_struck WHERE org_id = $1",
        args![scope.org_arg()],
        |row| {
            if let Some((customer, _, hash)) = identity_of(row) {
                take(customer, hash);
            }
        },
    )
    .await
}

/// Forgets the suggestions of a family that rest on a value which is not theirs. That somebody said of two
/// that they are not one stays.
pub(crate) async fn forget_suggestions(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
    hash: &[u8],
) -> Result<(), DbError> {
    let rows = suggestions::of(tx, scope, family).await?.into_iter();
    let ids: Vec<Uuid> =
        rows.filter(|row| row.state == OPEN && row.hash == hash).map(|row| row.id).collect();
    for_ids(tx, scope, "DELETE FROM customers_suggestions WHERE org_id = $1 AND id", &ids).await
}

/// Calls a customer by another name, where that was made of what it is known by.
pub(crate) async fn rename(
    tx: &mut Tx,
    scope: Scope,
    customer: Uuid,
    name: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_customers SET name = $3 WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), customer, name],
    )
    .await
    .map(drop)
}

/// Those of `ids` whose identities are others than what files brought: something was put there by hand, or
/// something that a file had brought was taken away.
pub(crate) async fn corrected(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, DbError> {
    let mut found = Vec::new();
    for select in [
        "SELECT DISTINCT customer_id FROM customers_identities
         WHERE org_id = $1 AND by_hand = TRUE AND customer_id",
        "SELECT DISTINCT customer_id FROM customers_struck
         WHERE org_id = $1 AND first_seen_at IS NOT NULL AND by_hand = FALSE AND customer_id",
    ] {
        found.extend(by_ids::<(Uuid,)>(tx, scope, select, ids, "").await?);
    }
    Ok(found.into_iter().map(|(id,)| id).collect())
}

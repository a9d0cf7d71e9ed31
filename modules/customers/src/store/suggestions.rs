//! SQL of suggestions.
//!
//! Rows are found in two steps, ids by an index that holds all that is asked and rows by ids: SQLite
//! without statistics takes `org_id = …` for selective and would rather read the whole table.

use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{by_ids, for_ids};
use crate::roots;

/// Waits for somebody to decide.
pub(crate) const OPEN: i64 = 0;
/// The two are not one.
pub(crate) const DISMISSED: i64 = 1;
/// The two were merged since it was made.
pub(crate) const MERGED_SINCE: i64 = 2;
/// The two were in one family when it was made.
pub(crate) const MERGED_BEFORE: i64 = 3;

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SuggestionRow {
    pub id: Uuid,
    pub a: Uuid,
    pub b: Uuid,
    pub kind: i64,
    pub hash: Vec<u8>,
    pub score: i64,
    pub state: i64,
    pub created_at: i64,
}

/// Suggestions by id.
pub(crate) async fn rows(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<SuggestionRow>, DbError> {
    let select = "SELECT id, a, b, kind, hash, score, state, created_at FROM customers_suggestions
         WHERE org_id = $1 AND id";
    by_ids(tx, scope, select, ids, "").await
}

/// Suggestions of which one of `customers` is a side, whatever their state; the strongest first.
pub(crate) async fn of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<SuggestionRow>, DbError> {
    let mut ids = Vec::new();
    for select in [
        "SELECT id FROM customers_suggestions WHERE org_id = $1 AND a",
        "SELECT id FROM customers_suggestions WHERE org_id = $1 AND b",
    ] {
        ids.extend(by_ids::<(Uuid,)>(tx, scope, select, customers, "").await?);
    }
    let ids: Vec<Uuid> = ids.into_iter().map(|(id,)| id).collect();
    let mut found = rows(tx, scope, &roots::distinct(&ids)).await?;
    found.sort_by_key(|row| std::cmp::Reverse((row.score, row.id)));
    Ok(found)
}

/// Closes the open suggestions within `family`: they came true.
pub(crate) async fn settle(tx: &mut Tx, scope: Scope, family: &[Uuid]) -> Result<(), DbError> {
    let rows = of(tx, scope, family).await?.into_iter();
    let within =
        rows.filter(|row| row.state == OPEN && family.contains(&row.a) && family.contains(&row.b));
    let ids: Vec<Uuid> = within.map(|row| row.id).collect();
    set_state(tx, scope, &ids, MERGED_SINCE).await
}

/// Marks suggestions just made between two who were in one family already.
pub(crate) async fn mark_within_family(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<(), DbError> {
    set_state(tx, scope, ids, MERGED_BEFORE).await
}

/// Opens the settled suggestions between two families again.
pub(crate) async fn reopen(
    tx: &mut Tx,
    scope: Scope,
    one: &[Uuid],
    other: &[Uuid],
) -> Result<(), DbError> {
    let rows = of(tx, scope, one).await?.into_iter();
    let between = rows.filter(|row| {
        matches!(row.state, MERGED_SINCE | MERGED_BEFORE)
            && ((one.contains(&row.a) && other.contains(&row.b))
                || (other.contains(&row.a) && one.contains(&row.b)))
    });
    let ids: Vec<Uuid> = between.map(|row| row.id).collect();
    set_state(tx, scope, &ids, OPEN).await
}

/// Dismisses all open suggestions of a pair.
pub(crate) async fn dismiss(tx: &mut Tx, scope: Scope, a: Uuid, b: Uuid) -> Result<(), DbError> {
    let rows = of(tx, scope, &[a]).await?.into_iter();
    let of_pair = rows.filter(|row| row.state == OPEN && (row.a, row.b) == (a, b));
    let ids: Vec<Uuid> = of_pair.map(|row| row.id).collect();
    set_state(tx, scope, &ids, DISMISSED).await
}

async fn set_state(tx: &mut Tx, scope: Scope, ids: &[Uuid], state: i64) -> Result<(), DbError> {
    // Nobody may decide against a dismissal that came first.
    let sql = format!(
        "UPDATE customers_suggestions SET state = {state}
         WHERE org_id = $1 AND state <> {DISMISSED} AND id"
    );
    for_ids(tx, scope, &sql, ids).await
}

/// Open suggestions after a place, the highest score first.
pub(crate) async fn open(
    tx: &mut Tx,
    scope: Scope,
    after: (i64, Uuid),
    limit: i64,
) -> Result<Vec<SuggestionRow>, DbError> {
    tx.fetch_all(
        "SELECT id, a, b, kind, hash, score, state, created_at FROM customers_suggestions
         WHERE org_id = $1 AND state = 0 AND (score, id) < ($2, $3)
         ORDER BY score DESC, id DESC LIMIT $4",
        args![scope.org_arg(), after.0, after.1, limit],
    )
    .await
}

pub(crate) async fn count_open(tx: &mut Tx, scope: Scope, most: i64) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM customers_suggestions
               WHERE org_id = $1 AND state = 0 ORDER BY score DESC, id DESC LIMIT $2) AS counted",
            args![scope.org_arg(), most],
        )
        .await?;
    Ok(count)
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct EvidenceRow {
    pub customer_id: Uuid,
    pub kind: i64,
    pub hash: Vec<u8>,
    pub sealed: Option<Vec<u8>>,
}

/// Phones and e-mail addresses of `customers` among `hashes`.
pub(crate) async fn evidence(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
    hashes: &[Vec<u8>],
) -> Result<Vec<EvidenceRow>, DbError> {
    let mut found = Vec::new();
    for hashes in hashes.chunks(128) {
        for customers in customers.chunks(128) {
            let mut arguments = args![scope.org_arg()];
            let (hashes, values) =
                in_list(2, hashes.iter().map(|hash| Arg::from(hash.as_slice())).collect());
            arguments.extend(values);
            let (list, values) =
                in_list(arguments.len() + 1, customers.iter().map(|id| Arg::from(*id)).collect());
            arguments.extend(values);
            let sql = format!(
                "SELECT customer_id, kind, hash, sealed FROM customers_identities
                 WHERE org_id = $1 AND customer_id IN ({list}) AND kind IN (2, 3)
                   AND hash IN ({hashes})"
            );
            found.extend(tx.fetch_all::<EvidenceRow>(AssertSqlSafe(sql), arguments).await?);
        }
    }
    Ok(found)
}

/// How many have a phone or e-mail address, counted no further than `most`.
pub(crate) async fn hands(
    tx: &mut Tx,
    scope: Scope,
    hash: &[u8],
    most: i64,
) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM customers_identities
               WHERE org_id = $1 AND kind > 1 AND hash = $2 LIMIT $3) AS counted",
            args![scope.org_arg(), hash, most],
        )
        .await?;
    Ok(count)
}

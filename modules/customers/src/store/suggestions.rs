//! SQL of suggestions. `state`: 0 open; 1 dismissed; both in one family: 2 merged since it was made,
//! 3 merged before.

use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{by_ids, for_ids};

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SuggestionRow {
    pub id: Uuid,
    pub a: Uuid,
    pub b: Uuid,
    pub kind: i64,
    pub hash: Vec<u8>,
    pub score: i64,
    pub created_at: i64,
}

/// Closes the open suggestions within `family`: they came true.
pub(crate) async fn settle(tx: &mut Tx, scope: Scope, family: &[Uuid]) -> Result<(), DbError> {
    let (list, values) = in_list(2, family.iter().map(|id| Arg::from(*id)).collect());
    let mut arguments = args![scope.org_arg()];
    arguments.extend(values);
    let sql = format!(
        "UPDATE customers_suggestions SET state = 2
         WHERE org_id = $1 AND state = 0 AND a IN ({list}) AND b IN ({list})"
    );
    tx.execute(AssertSqlSafe(sql), arguments).await.map(drop)
}

/// Marks suggestions between two who were in one family already.
pub(crate) async fn mark_within_family(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<(), DbError> {
    let update = "UPDATE customers_suggestions SET state = 3 WHERE org_id = $1 AND id";
    for_ids(tx, scope, update, ids).await
}

/// Opens the settled suggestions between two families again.
pub(crate) async fn reopen(
    tx: &mut Tx,
    scope: Scope,
    one: &[Uuid],
    other: &[Uuid],
) -> Result<(), DbError> {
    let mut arguments = args![scope.org_arg()];
    let (one, values) = in_list(2, one.iter().map(|id| Arg::from(*id)).collect());
    arguments.extend(values);
    let (other, values) =
        in_list(arguments.len() + 1, other.iter().map(|id| Arg::from(*id)).collect());
    arguments.extend(values);
    let sql = format!(
        "UPDATE customers_suggestions SET state = 0 WHERE org_id = $1 AND state IN (2, 3)
           AND ((a IN ({one}) AND b IN ({other})) OR (a IN ({other}) AND b IN ({one})))"
    );
    tx.execute(AssertSqlSafe(sql), arguments).await.map(drop)
}

/// Open suggestions after a place, the highest score first; one a pair, the strongest.
pub(crate) async fn open(
    tx: &mut Tx,
    scope: Scope,
    after: (i64, Uuid),
    limit: i64,
) -> Result<Vec<SuggestionRow>, DbError> {
    tx.fetch_all(
        "SELECT id, a, b, kind, hash, score, created_at FROM customers_suggestions s
         WHERE org_id = $1 AND state = 0 AND (score, id) < ($2, $3) AND NOT EXISTS (
               SELECT 1 FROM customers_suggestions t WHERE t.org_id = s.org_id AND t.a = s.a
                  AND t.b = s.b AND t.state = 0 AND (t.score, t.id) > (s.score, s.id))
         ORDER BY score DESC, id DESC LIMIT $4",
        args![scope.org_arg(), after.0, after.1, limit],
    )
    .await
}

pub(crate) async fn count_open(tx: &mut Tx, scope: Scope, most: i64) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM customers_suggestions
               WHERE org_id = $1 AND state = 0 LIMIT $2) AS counted",
            args![scope.org_arg(), most],
        )
        .await?;
    Ok(count)
}

/// Open suggestions of which one of `ids` is a side.
pub(crate) async fn open_of(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
    most: u32,
) -> Result<Vec<SuggestionRow>, DbError> {
    let mut found: Vec<SuggestionRow> = Vec::new();
    for side in ["a", "b"] {
        let select = format!(
            "SELECT id, a, b, kind, hash, score, created_at FROM customers_suggestions
             WHERE org_id = $1 AND state = 0 AND {side}"
        );
        let tail = format!("ORDER BY score DESC, id DESC LIMIT {most}");
        found.extend(by_ids::<SuggestionRow>(tx, scope, &select, ids, &tail).await?);
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.score, row.id)));
    found.dedup_by_key(|row| row.id);
    Ok(found)
}

/// Open suggestions between the pairs of `firsts` with whoever: kind and hash of each.
pub(crate) async fn open_by_first(
    tx: &mut Tx,
    scope: Scope,
    firsts: &[Uuid],
) -> Result<Vec<SuggestionRow>, DbError> {
    let select = "SELECT id, a, b, kind, hash, score, created_at FROM customers_suggestions
         WHERE org_id = $1 AND state = 0 AND a";
    by_ids(tx, scope, select, firsts, "ORDER BY score DESC, id DESC LIMIT 2000").await
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

/// Who is on the two sides of a suggestion, and its state.
pub(crate) async fn sides(
    tx: &mut Tx,
    scope: Scope,
    id: Uuid,
) -> Result<Option<(Uuid, Uuid, i64)>, DbError> {
    tx.fetch_optional(
        "SELECT a, b, state FROM customers_suggestions WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), id],
    )
    .await
}

/// Dismisses all open suggestions of a pair.
pub(crate) async fn dismiss(tx: &mut Tx, scope: Scope, a: Uuid, b: Uuid) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_suggestions SET state = 1
         WHERE org_id = $1 AND a = $2 AND b = $3 AND state = 0",
        args![scope.org_arg(), a, b],
    )
    .await
    .map(drop)
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

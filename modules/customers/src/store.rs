//! All SQL of this module; by topic in `store/`.

pub(crate) mod automatic;
pub(crate) mod birthdays;
pub(crate) mod changes;
pub(crate) mod consents;
pub(crate) mod engine;
pub(crate) mod erase;
pub(crate) mod exports;
pub(crate) mod family;
pub(crate) mod identities;
pub(crate) mod merges;
pub(crate) mod notes;
pub(crate) mod owners;
pub(crate) mod person_requests;
#[cfg(test)]
mod plans;
pub(crate) mod profiles;
pub(crate) mod retention;
pub(crate) mod suggestions;
pub(crate) mod tags;
pub(crate) mod take_back;
pub(crate) mod views;

use kernel::{SuggestionId, Timestamp, TypedId};
use platform::db::AnyRow;
use platform::db::args::in_list;
use platform::{Arg, BulkRows, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::model::IdentityKind;
use crate::resolve::SuggestionRow;
use crate::roots;

/// Keys looked up by one statement.
const LOOKUP_MAX: usize = 512;

pub(crate) const fn customer_rows() -> BulkRows {
    BulkRows::new(
        "customers_customers",
        &[
            "org_id",
            "id",
            "name",
            "country",
            "province",
            "city",
            "version",
            "created_at",
            "updated_at",
        ],
    )
}

pub(crate) const fn identity_rows() -> BulkRows {
    BulkRows::new(
        "customers_identities",
        &["org_id", "customer_id", "kind", "space", "hash", "plain", "sealed", "first_seen_at"],
    )
}

/// Number of identities, counted no further than `most`.
pub(crate) async fn identity_count(tx: &mut Tx, scope: Scope, most: i64) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM customers_identities WHERE org_id = $1 LIMIT $2) AS counted",
            args![scope.org_arg(), most],
        )
        .await?;
    Ok(count)
}

pub(crate) async fn identity_epoch(tx: &mut Tx, scope: Scope) -> Result<i64, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT value FROM customers_settings WHERE org_id = $1 AND name = 'identity_epoch'",
            args![scope.org_arg()],
        )
        .await?;
    Ok(row.and_then(|(value,)| value.parse().ok()).unwrap_or(0))
}

/// Counts a change of the identities, and gives the new count. Writers of one organisation queue
/// here on PostgreSQL, so that two imports cannot make one account twice.
pub(crate) async fn bump_identity_epoch(tx: &mut Tx, scope: Scope) -> Result<i64, DbError> {
    let (value,): (String,) = tx
        .fetch_one(
            "INSERT INTO customers_settings (org_id, name, value) VALUES ($1, 'identity_epoch', '1')
             ON CONFLICT (org_id, name) DO UPDATE
             SET value = CAST(CAST(customers_settings.value AS BIGINT) + 1 AS TEXT)
             RETURNING value",
            args![scope.org_arg()],
        )
        .await?;
    Ok(value.parse().unwrap_or(0))
}

type IdentityRow = (Uuid, i64, Vec<u8>);

fn identity_of(row: IdentityRow) -> Option<(Uuid, IdentityKind, u128)> {
    let hash: [u8; 16] = row.2.try_into().ok()?;
    Some((row.0, IdentityKind::from_code(row.1)?, u128::from_be_bytes(hash)))
}

pub(crate) async fn each_identity(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(Uuid, IdentityKind, u128) + Send,
) -> Result<(), DbError> {
    tx.for_each::<IdentityRow>(
        "SELECT customer_id, kind, hash FROM customers_identities WHERE org_id = $1
         ORDER BY org_id, customer_id, kind, hash",
        args![scope.org_arg()],
        |row| {
            if let Some((customer, kind, hash)) = identity_of(row) {
                take(customer, kind, hash);
            }
        },
    )
    .await
}

pub(crate) async fn identities_by_hash(
    tx: &mut Tx,
    scope: Scope,
    accounts: bool,
    hashes: &[[u8; 16]],
) -> Result<Vec<(Uuid, IdentityKind, u128)>, DbError> {
    let mut found = Vec::new();
    for chunk in hashes.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|hash| Arg::from(*hash)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = AssertSqlSafe(identities_by_hash_sql(accounts, &list));
        let rows: Vec<IdentityRow> = tx.fetch_all(sql, arguments).await?;
        found.extend(rows.into_iter().filter_map(identity_of));
    }
    Ok(found)
}

/// The condition on kind names the partial index, which holds all that is asked; asking for more would
/// make SQLite read the whole table. See `plans.rs`.
fn identities_by_hash_sql(accounts: bool, list: &str) -> String {
    let kind = if accounts { "kind = 1" } else { "kind > 1" };
    format!(
        "SELECT customer_id, kind, hash FROM customers_identities
         WHERE org_id = $1 AND {kind} AND hash IN ({list})"
    )
}

pub(crate) async fn add_suggestions(
    tx: &mut Tx,
    cx: &Ctx,
    now: Timestamp,
    rows: Vec<SuggestionRow>,
) -> Result<Vec<SuggestionId>, DbError> {
    let mut made = Vec::new();
    for row in rows {
        // A pair that was suggested before stays as it was decided.
        let new = tx
            .execute(
                "INSERT INTO customers_suggestions (org_id, id, a, b, kind, hash, score, state, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8) ON CONFLICT (org_id, a, b, kind) DO NOTHING",
                args![
                    cx.scope.org_arg(),
                    row.id,
                    row.a,
                    row.b,
                    row.kind,
                    row.hash,
                    row.score,
                    now
                ],
            )
            .await?;
        if new > 0 {
            made.push(row);
        }
    }
    let sides: Vec<Uuid> = made.iter().flat_map(|row| [row.a, row.b]).collect();
    let root_of = roots::roots(tx, cx.scope, &sides).await?;
    let within: Vec<Uuid> = made
        .iter()
        .filter(|row| root_of.get(&row.a) == root_of.get(&row.b))
        .map(|row| row.id.uuid())
        .collect();
    suggestions::mark_within_family(tx, cx.scope, &within).await?;
    Ok(made.into_iter().map(|row| row.id).collect())
}

/// Rows of `{select} IN (ids) {tail}`, a bounded number of ids at a time; `$1` is the organisation.
pub(crate) async fn by_ids<T: AnyRow>(
    tx: &mut Tx,
    scope: Scope,
    select: &str,
    ids: &[Uuid],
    tail: &str,
) -> Result<Vec<T>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!("{select} IN ({list}) {tail}");
        found.extend(tx.fetch_all::<T>(AssertSqlSafe(sql), arguments).await?);
    }
    Ok(found)
}

/// Runs `{sql} IN (ids)`, a bounded number of ids at a time; `$1` is the organisation.
pub(crate) async fn for_ids(
    tx: &mut Tx,
    scope: Scope,
    sql: &str,
    ids: &[Uuid],
) -> Result<(), DbError> {
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        tx.execute(AssertSqlSafe(format!("{sql} IN ({list})")), arguments).await?;
    }
    Ok(())
}

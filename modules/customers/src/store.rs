//! All SQL of this module; by topic in `store/`.

pub(crate) mod engine;
pub(crate) mod family;
pub(crate) mod profiles;

use kernel::{CustomerId, SuggestionId, Timestamp, TypedId};
use platform::db::AnyRow;
use platform::db::args::in_list;
use platform::{Arg, BulkRows, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::model::IdentityKind;
use crate::resolve::SuggestionRow;
use crate::take_back::TakeBackRefused;

/// Keys looked up by one statement.
const LOOKUP_MAX: usize = 512;

pub(crate) const fn customer_rows() -> BulkRows {
    BulkRows::new(
        "customers_customers",
        &[
            "org_id", "id", "name", "country", "province", "city", "version", "created_at",
            "updated_at",
        ],
    )
}

pub(crate) const fn identity_rows() -> BulkRows {
    BulkRows::new(
        "customers_identities",
        &[
            "org_id", "customer_id", "kind", "space", "hash", "plain", "sealed", "first_seen_at",
        ],
    )
}

/// Number of identities, counted no further than `most`.
pub(crate) async fn identity_count(
    tx: &mut Tx,
    scope: Scope,
    most: i64,
) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM customers_identities WHERE org_id = $1 LIMIT $2) AS some",
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
        // The condition on kind names the partial index.
        let kind = if accounts { "kind = 1" } else { "kind > 1" };
        let sql = format!(
            "SELECT customer_id, kind, hash FROM customers_identities
             WHERE org_id = $1 AND {kind} AND hash IN ({list}) ORDER BY first_seen_at, customer_id"
        );
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let rows: Vec<IdentityRow> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        found.extend(rows.into_iter().filter_map(identity_of));
    }
    Ok(found)
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
            made.push(row.id);
        }
    }

    Ok(made)
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

async fn for_chunks(
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

/// What people did with some customers.
pub(crate) async fn worked_with(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<TakeBackRefused, DbError> {
    let mut found = TakeBackRefused::default();
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "SELECT
              (SELECT COUNT(DISTINCT customer_id) FROM customers_notes WHERE org_id = $1 AND customer_id IN ({list})),
              (SELECT COUNT(DISTINCT customer_id) FROM customers_taggings WHERE org_id = $1 AND customer_id IN ({list})),
              (SELECT COUNT(*) FROM customers_customers WHERE org_id = $1 AND version > 1 AND merged_into IS NULL AND id IN ({list})),
              (SELECT COUNT(*) FROM customers_customers WHERE org_id = $1 AND merged_into IS NOT NULL
                 AND (id IN ({list}) OR merged_into IN ({list})))"
        );
        let (noted, tagged, edited, merged): (i64, i64, i64, i64) =
            tx.fetch_one(AssertSqlSafe(sql), arguments).await?;
        found.noted += noted;
        found.tagged += tagged;
        found.edited += edited;
        found.merged += merged;
    }
    Ok(found)
}

pub(crate) async fn remove_suggestions(
    tx: &mut Tx,
    scope: Scope,
    ids: &[SuggestionId],
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    for_chunks(tx, scope, "DELETE FROM customers_suggestions WHERE org_id = $1 AND id", &ids).await
}

pub(crate) async fn remove_identities(
    tx: &mut Tx,
    scope: Scope,
    added: &[(CustomerId, i64, Uuid)],
) -> Result<(), DbError> {
    for (customer, kind, hash) in added {
        tx.execute(
            "DELETE FROM customers_identities
             WHERE org_id = $1 AND customer_id = $2 AND kind = $3 AND hash = $4",
            args![scope.org_arg(), *customer, *kind, hash.into_bytes()],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn remove_customers(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<(), DbError> {
    for sql in [
        "DELETE FROM customers_identities WHERE org_id = $1 AND customer_id",
        "DELETE FROM customers_history WHERE org_id = $1 AND customer_id",
        "DELETE FROM customers_customers WHERE org_id = $1 AND id",
    ] {
        for_chunks(tx, scope, sql, ids).await?;
    }
    Ok(())
}

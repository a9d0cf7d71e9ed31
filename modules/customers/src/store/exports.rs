//! SQL of exports.

use kernel::{ExportId, Timestamp, TypedId as _, UserId};
use platform::{Args, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

const COLUMNS: &str =
    "id, state, format, chinese, count, approved, sealed, asker, asked_at, decider,
    decided_at, decision, made_at, expires_at, bytes, downloads, failure";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ExportRow {
    pub id: Uuid,
    pub state: String,
    pub format: String,
    pub chinese: bool,
    pub count: i64,
    pub approved: bool,
    pub sealed: Option<Vec<u8>>,
    pub asker: Option<Uuid>,
    pub asked_at: i64,
    pub decider: Option<Uuid>,
    pub decided_at: Option<i64>,
    pub decision: Option<Vec<u8>>,
    pub made_at: Option<i64>,
    pub expires_at: Option<i64>,
    pub bytes: Option<i64>,
    pub downloads: i64,
    pub failure: Option<String>,
}

pub(crate) async fn add(tx: &mut Tx, cx: &Ctx, row: &ExportRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_exports (org_id, id, state, format, chinese, count, approved, sealed, asker,
             asked_at, downloads)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)",
        args![
            cx.scope.org_arg(),
            row.id,
            row.state.as_str(),
            row.format.as_str(),
            row.chinese,
            row.count,
            row.approved,
            row.sealed.clone(),
            row.asker,
            row.asked_at
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn get(
    tx: &mut Tx,
    scope: Scope,
    id: ExportId,
) -> Result<Option<ExportRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM customers_exports WHERE org_id = $1 AND id = $2");
    tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id.uuid()]).await
}

/// The newest first, after `after`; of one asker, or of all.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: Scope,
    of: Option<UserId>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ExportRow>, DbError> {
    let mut arguments: Args = args![scope.org_arg(), after.unwrap_or(Uuid::max()), limit];
    let own = match of {
        Some(user) => {
            arguments.push(user.into());
            "AND asker = $4"
        }
        None => "",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM customers_exports WHERE org_id = $1 AND id < $2 {own}
         ORDER BY id DESC LIMIT $3"
    );
    tx.fetch_all(AssertSqlSafe(sql), arguments).await
}

/// Lets nobody else past here until the transaction ends.
pub(crate) async fn queue(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_settings (org_id, name, value) VALUES ($1, 'export_turn', '')
         ON CONFLICT (org_id, name) DO UPDATE SET value = excluded.value",
        args![scope.org_arg()],
    )
    .await
    .map(drop)
}

/// Customers that somebody took since `since` without anybody's approval, those under way included.
pub(crate) async fn taken_since(
    tx: &mut Tx,
    scope: Scope,
    asker: UserId,
    since: Timestamp,
) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM customers_exports
             WHERE org_id = $1 AND asker = $2 AND asked_at >= $3 AND NOT approved
               AND state IN ('taken', 'queued', 'ready', 'ended')",
            args![scope.org_arg(), asker, since],
        )
        .await?;
    Ok(count)
}

pub(crate) async fn open_of(tx: &mut Tx, scope: Scope, asker: UserId) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM customers_exports WHERE org_id = $1 AND asker = $2
               AND state IN ('waiting', 'queued', 'ready')",
            args![scope.org_arg(), asker],
        )
        .await?;
    Ok(count)
}

/// Settles an export that waits; says whether it did. Never by its asker, whatever was read before.
pub(crate) async fn decide(
    tx: &mut Tx,
    cx: &Ctx,
    id: ExportId,
    by: UserId,
    state: &'static str,
    decision: Option<Vec<u8>>,
) -> Result<bool, DbError> {
    let done = tx
        .execute(
            "UPDATE customers_exports SET state = $3, approved = $4, decider = $5, decided_at = $6,
                 decision = $7
             WHERE org_id = $1 AND id = $2 AND state = 'waiting' AND asker <> $5",
            args![cx.scope.org_arg(), id.uuid(), state, state == "queued", by, cx.now(), decision],
        )
        .await?;
    Ok(done == 1)
}

pub(crate) async fn made(
    tx: &mut Tx,
    cx: &Ctx,
    id: ExportId,
    count: i64,
    bytes: i64,
    made_at: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    let done = tx
        .execute(
            "UPDATE customers_exports SET state = 'ready', count = $3, bytes = $4, made_at = $5,
                 expires_at = $6
             WHERE org_id = $1 AND id = $2 AND state = 'queued'",
            args![cx.scope.org_arg(), id.uuid(), count, bytes, made_at, expires_at],
        )
        .await?;
    Ok(done == 1)
}

pub(crate) async fn failed(
    tx: &mut Tx,
    scope: Scope,
    id: ExportId,
    why: &'static str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_exports SET state = 'failed', failure = $3
         WHERE org_id = $1 AND id = $2 AND state = 'queued'",
        args![scope.org_arg(), id.uuid(), why],
    )
    .await
    .map(drop)
}

pub(crate) async fn ended(tx: &mut Tx, scope: Scope, id: ExportId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_exports SET state = 'ended', sealed = NULL
         WHERE org_id = $1 AND id = $2 AND state = 'ready'",
        args![scope.org_arg(), id.uuid()],
    )
    .await
    .map(drop)
}

/// Counts that a ready one is fetched; says whether it was ready.
pub(crate) async fn fetched(tx: &mut Tx, scope: Scope, id: ExportId) -> Result<bool, DbError> {
    let done = tx
        .execute(
            "UPDATE customers_exports SET downloads = downloads + 1
             WHERE org_id = $1 AND id = $2 AND state = 'ready'",
            args![scope.org_arg(), id.uuid()],
        )
        .await?;
    Ok(done == 1)
}

/// Ends those that wait since before `waiting`, and takes the texts away of those that were settled and asked
/// for before `texts`.
pub(crate) async fn tidy(
    tx: &mut Tx,
    scope: Scope,
    now: Timestamp,
    waiting: Timestamp,
    queued: Timestamp,
    texts: Timestamp,
) -> Result<(), DbError> {
    // Their jobs should have done both; a dead one tells nobody.
    tx.execute(
        "UPDATE customers_exports SET state = 'ended', sealed = NULL
         WHERE org_id = $1 AND state = 'ready' AND expires_at <= $2",
        args![scope.org_arg(), now],
    )
    .await?;
    tx.execute(
        "UPDATE customers_exports SET state = 'failed', failure = 'broke'
         WHERE org_id = $1 AND state = 'queued' AND COALESCE(decided_at, asked_at) < $2",
        args![scope.org_arg(), queued],
    )
    .await?;
    tx.execute(
        "UPDATE customers_exports SET state = 'ended', sealed = NULL
         WHERE org_id = $1 AND state = 'waiting' AND asked_at < $2",
        args![scope.org_arg(), waiting],
    )
    .await?;
    tx.execute(
        "UPDATE customers_exports SET sealed = NULL, decision = NULL
         WHERE org_id = $1 AND asked_at < $2 AND state NOT IN ('waiting', 'queued', 'ready')
           AND (sealed IS NOT NULL OR decision IS NOT NULL)",
        args![scope.org_arg(), texts],
    )
    .await
    .map(drop)
}

/// Those whose file is there (true), or will be.
pub(crate) async fn held(tx: &mut Tx, scope: Scope) -> Result<Vec<(Uuid, bool)>, DbError> {
    tx.fetch_all(
        "SELECT id, state = 'ready' FROM customers_exports WHERE org_id = $1 AND state IN ('queued', 'ready')",
        args![scope.org_arg()],
    )
    .await
}

/// Who was erased at `since` or later.
pub(crate) async fn erased_since(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
) -> Result<Vec<(Uuid,)>, DbError> {
    tx.fetch_all(
        "SELECT customer_id FROM customers_erasures WHERE org_id = $1 AND erased_at >= $2",
        args![scope.org_arg(), since],
    )
    .await
}

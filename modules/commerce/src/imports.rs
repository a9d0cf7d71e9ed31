//! Imports: their state, their progress and what they rejected.

mod held;
mod obstacle;
mod rejected;
mod trail;

use std::collections::HashMap;

use kernel::{Cursor, ImportId, Limit, Page, Timestamp, TypedId, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::shops::NewShop;

pub use held::{held_files, remove_drafts};
pub use obstacle::{LaterImport, Obstacle, ObstacleCode};
pub(crate) use rejected::{RAW_FIELD, forget_rejects};
pub use rejected::{REJECTS_MAX, RejectedRow, count_rejects, drop_rejects, keep_rejects, rejects};

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Uploaded to look at; nothing runs.
    Draft,
    /// Waits for a worker.
    Queued,
    /// A worker (or a command) is at it.
    Running,
    /// Stopped by a person; goes on where it was.
    Paused,
    /// Done.
    Finished,
    /// Given up by a person; what was imported stays and can be undone.
    Cancelled,
    /// Could not go on; `error` says why. Can be resumed.
    Failed,
    /// Being taken back.
    Undoing,
    /// Taken back.
    Undone,
}

impl ImportState {
    /// States from which an import can be taken back.
    pub const UNDOABLE: [Self; 4] = [Self::Finished, Self::Cancelled, Self::Paused, Self::Failed];

    const ALL: [(Self, &'static str); 9] = [
        (Self::Draft, "draft"),
        (Self::Queued, "queued"),
        (Self::Running, "running"),
        (Self::Paused, "paused"),
        (Self::Finished, "finished"),
        (Self::Cancelled, "cancelled"),
        (Self::Failed, "failed"),
        (Self::Undoing, "undoing"),
        (Self::Undone, "undone"),
    ];

    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("failed", |(_, name)| name)
    }

    fn parse(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Failed, |(state, _)| *state)
    }
}

/// One file of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFile {
    /// Its name, as the person knows it.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its format, once known.
    pub format: Option<String>,
    /// Its encoding, once known.
    pub encoding: Option<String>,
    /// The sheet of a workbook.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Its own columns, for the file of rejects.
    #[serde(default)]
    pub header: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The files, in the order in which they are read.
    pub files: Vec<ImportFile>,
    /// Format by name; `None` detects it.
    pub format: Option<String>,
    /// Text of the mapping for generic files.
    pub mapping: Option<String>,
    /// Whether the files were uploaded and are removed when the import ends.
    pub uploaded: bool,
    /// The shop as a dry run would make it, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_shop: Option<NewShop>,
}

/// How far an import is, and what it did. Counts are those of all sessions of the import together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Progress {
    /// The file being read, as an index.
    pub file: usize,
    /// Data rows of that file that are done.
    pub rows_done: u64,
    /// Data rows of all files that are done.
    pub rows_read: u64,
    pub bytes_read: u64,
    pub bytes_total: u64,
    pub batches: i64,
    pub orders_created: u64,
    pub orders_updated: u64,
    pub orders_unchanged: u64,
    pub lines_created: u64,
    pub customers_created: u64,
    pub customers_matched: u64,
    pub rejected: u64,
    pub skipped: u64,
    /// Working time, without pauses.
    pub seconds: f64,
}

/// An import.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Import {
    pub id: ImportId,
    pub number: i64,
    pub shop_number: Option<i64>,
    pub state: ImportState,
    pub dry_run: bool,
    /// Recognises the same files when a killed import is started again.
    pub fingerprint: String,
    pub request: ImportRequest,
    pub progress: Progress,
    /// Why it stopped, or could not be taken back.
    pub error: Option<Obstacle>,
    /// Who began it; `None` for the command line.
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// When what it needs to be taken back, and its rejected rows, were removed.
    pub forgotten_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct ImportRow {
    id: Uuid,
    number: i64,
    shop_number: Option<i64>,
    state: String,
    dry_run: bool,
    fingerprint: String,
    request: String,
    progress: String,
    error: Option<String>,
    error_code: Option<String>,
    created_by: Option<Uuid>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    forgotten_at: Option<i64>,
}

impl TryFrom<ImportRow> for Import {
    type Error = DbError;
    fn try_from(row: ImportRow) -> Result<Self, DbError> {
        let broken =
            |error| DbError::Refused(format!("import {} is unreadable: {error}", row.number));
        Ok(Self {
            id: ImportId::from_uuid(row.id),
            number: row.number,
            shop_number: row.shop_number,
            state: ImportState::parse(&row.state),
            dry_run: row.dry_run,
            fingerprint: row.fingerprint,
            request: serde_json::from_str(&row.request).map_err(broken)?,
            progress: serde_json::from_str(&row.progress).map_err(broken)?,
            error: row.error.map(|text| Obstacle::stored(text, row.error_code.as_deref())),
            created_by: row.created_by.map(UserId::from_uuid),
            created_at: Timestamp::from_millis(row.created_at),
            started_at: row.started_at.map(Timestamp::from_millis),
            finished_at: row.finished_at.map(Timestamp::from_millis),
            forgotten_at: row.forgotten_at.map(Timestamp::from_millis),
        })
    }
}

const SELECT: &str =
    "SELECT id, number, shop_number, state, dry_run, fingerprint, request, progress,
    error, error_code, created_by, created_at, started_at, finished_at, forgotten_at FROM commerce_imports";

/// Begins an import in `state`.
///
/// # Errors
/// As the database says.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    shop_number: Option<i64>,
    state: ImportState,
    dry_run: bool,
    fingerprint: &str,
    request: ImportRequest,
) -> Result<Import, DbError> {
    let (number,): (i64,) = tx
        .fetch_one(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM commerce_imports WHERE org_id = $1",
            args![cx.scope.org_arg()],
        )
        .await?;
    let id: ImportId = cx.fresh();
    let created_at = cx.now();
    let progress = Progress {
        bytes_total: request.files.iter().map(|file| file.size_bytes).sum(),
        ..Progress::default()
    };
    tx.execute(
        "INSERT INTO commerce_imports (org_id, id, number, shop_number, state, dry_run, fingerprint, request, progress, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            cx.scope.org_arg(),
            id,
            number,
            shop_number,
            state.name(),
            dry_run,
            fingerprint,
            json(&request),
            json(&progress),
            cx.scope.user_id(),
            created_at
        ],
    )
    .await?;
    let import = Import {
        id,
        number,
        shop_number,
        state,
        dry_run,
        fingerprint: fingerprint.to_owned(),
        request,
        progress,
        error: None,
        created_by: cx.scope.user_id(),
        created_at,
        started_at: None,
        finished_at: None,
        forgotten_at: None,
    };
    trail::made(tx, cx, &import).await?;
    Ok(import)
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The import with that id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: ImportId) -> Result<Option<Import>, DbError> {
    let sql = format!("{SELECT} WHERE org_id = $1 AND id = $2");
    let row: Option<ImportRow> =
        tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id]).await?;
    row.map(Import::try_from).transpose()
}

/// The id of the import with that number.
///
/// # Errors
/// As the database says.
pub async fn id_of(tx: &mut Tx, scope: Scope, number: i64) -> Result<Option<ImportId>, DbError> {
    let row: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT id FROM commerce_imports WHERE org_id = $1 AND number = $2",
            args![scope.org_arg(), number],
        )
        .await?;
    Ok(row.map(|(id,)| ImportId::from_uuid(id)))
}

/// The newest import of the same files into the same shop that was begun and not ended.
///
/// # Errors
/// As the database says.
pub async fn unfinished(
    tx: &mut Tx,
    scope: Scope,
    shop_number: i64,
    fingerprint: &str,
) -> Result<Option<Import>, DbError> {
    let sql = format!(
        "{SELECT} WHERE org_id = $1 AND shop_number = $2 AND fingerprint = $3
         AND state IN ('queued', 'running', 'paused', 'failed') AND NOT dry_run
         ORDER BY number DESC LIMIT 1"
    );
    let row: Option<ImportRow> = tx
        .fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), shop_number, fingerprint])
        .await?;
    row.map(Import::try_from).transpose()
}

/// Imports, newest first.
///
/// # Errors
/// As the database says.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    after: Option<i64>,
    limit: Limit,
) -> Result<Page<Import>, DbError> {
    let sql = format!("{SELECT} WHERE org_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3");
    let rows: Vec<ImportRow> = tx
        .fetch_all(
            AssertSqlSafe(sql),
            args![scope.org_arg(), after.unwrap_or(i64::MAX), limit.get() as i64 + 1],
        )
        .await?;
    let mut items =
        rows.into_iter().map(Import::try_from).collect::<Result<Vec<Import>, DbError>>()?;
    let more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = more.then(|| items.last().map(|last| Cursor::encode(&last.number))).flatten();
    Ok(Page { items, next })
}

/// Orders of each shop, counted ones or not, by shop number: what the imports that hold say they made,
/// which costs nothing however many there are. `guanxi verify` counts the orders themselves.
///
/// # Errors
/// As the database says.
pub async fn orders_by_shop(tx: &mut Tx, scope: Scope) -> Result<HashMap<i64, i64>, DbError> {
    let rows: Vec<(i64, String)> = tx
        .fetch_all(
            "SELECT shop_number, progress FROM commerce_imports
             WHERE org_id = $1 AND shop_number IS NOT NULL AND NOT dry_run AND state <> 'undone'",
            args![scope.org_arg()],
        )
        .await?;
    let mut orders = HashMap::new();
    for (shop, progress) in rows {
        let progress: Progress = serde_json::from_str(&progress)
            .map_err(|error| DbError::Refused(format!("an import is unreadable: {error}")))?;
        *orders.entry(shop).or_default() += progress.orders_created as i64;
    }
    Ok(orders)
}

/// Whether another import may have written since `import` began: one that is not a dry run, was not
/// taken back, and began or went on later.
///
/// # Errors
/// As the database says.
pub async fn others_since(tx: &mut Tx, scope: Scope, import: &Import) -> Result<bool, DbError> {
    let found: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT number FROM commerce_imports WHERE org_id = $1 AND number <> $2
               AND state NOT IN ('draft', 'queued', 'undone') AND NOT dry_run
               AND (number > $2 OR finished_at IS NULL OR finished_at >= $3) LIMIT 1",
            args![scope.org_arg(), import.number, import.started_at.unwrap_or(import.created_at)],
        )
        .await?;
    Ok(found.is_some())
}

/// Moves an import from one of `from` to `to`; says whether it was in one of them. An import that is
/// being taken back keeps the moment it ended, in case that is refused.
///
/// # Errors
/// As the database says.
pub async fn transition(
    tx: &mut Tx,
    cx: &Ctx,
    id: ImportId,
    from: &[ImportState],
    to: ImportState,
) -> Result<bool, DbError> {
    let now = cx.now();
    let ended = matches!(
        to,
        ImportState::Finished | ImportState::Cancelled | ImportState::Failed | ImportState::Undone
    );
    let states = from.iter().map(|s| format!("'{}'", s.name())).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "UPDATE commerce_imports SET state = $3,
             finished_at = CASE WHEN $7 THEN finished_at ELSE $4 END,
             started_at = CASE WHEN $5 THEN COALESCE(started_at, $6) ELSE started_at END
         WHERE org_id = $1 AND id = $2 AND state IN ({states}) RETURNING number, progress"
    );
    let changed: Option<(i64, String)> = tx
        .fetch_optional(
            AssertSqlSafe(sql),
            args![
                cx.scope.org_arg(),
                id,
                to.name(),
                ended.then_some(now),
                to == ImportState::Running,
                now,
                to == ImportState::Undoing
            ],
        )
        .await?;
    if let Some((number, progress)) = &changed {
        trail::stepped(tx, cx, id, (from, to), (*number, progress)).await?;
    }
    Ok(changed.is_some())
}

/// Puts an import that was to be taken back, and cannot be, where it stood before, with the reason;
/// says whether it was being taken back.
///
/// # Errors
/// As the database says.
pub async fn put_back(
    tx: &mut Tx,
    cx: &Ctx,
    id: ImportId,
    was: ImportState,
    reason: &Obstacle,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE commerce_imports SET state = $3, error = $4, error_code = $5
             WHERE org_id = $1 AND id = $2 AND state = 'undoing'",
            args![cx.scope.org_arg(), id, was.name(), reason.text.as_str(), reason.stored_code()],
        )
        .await?;
    if changed > 0 {
        trail::undo_refused(tx, cx, id, reason).await?;
    }
    Ok(changed > 0)
}

/// Writes what an import is told to do and how far it is.
///
/// # Errors
/// As the database says.
pub async fn save(tx: &mut Tx, scope: Scope, import: &Import) -> Result<(), DbError> {
    tx.execute(
        "UPDATE commerce_imports SET shop_number = $3, request = $4, progress = $5, error = $6,
             error_code = $7, dry_run = $8, fingerprint = $9
         WHERE org_id = $1 AND id = $2",
        args![
            scope.org_arg(),
            import.id,
            import.shop_number,
            json(&import.request),
            json(&import.progress),
            import.error.as_ref().map(|error| error.text.clone()),
            import.error.as_ref().and_then(Obstacle::stored_code),
            import.dry_run,
            import.fingerprint.as_str()
        ],
    )
    .await?;
    Ok(())
}

/// The state of an import, locked until the transaction ends, so that a pause and a batch exclude
/// each other.
///
/// # Errors
/// `NotFound` if there is none.
pub async fn lock_state(tx: &mut Tx, scope: Scope, id: ImportId) -> Result<ImportState, DbError> {
    let sql = if tx.is_postgres() {
        "SELECT state FROM commerce_imports WHERE org_id = $1 AND id = $2 FOR UPDATE"
    } else {
        "SELECT state FROM commerce_imports WHERE org_id = $1 AND id = $2"
    };
    let (state,): (String,) = tx.fetch_one(sql, args![scope.org_arg(), id]).await?;
    Ok(ImportState::parse(&state))
}

//! Files of customers that people take away: asked for, over a set size approved by somebody else, made, fetched
//! for a while, gone. What is in them, and the files themselves, are `flows::take_exports`.

mod ask;
mod mark;

use kernel::{ExportId, Limit, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use ask::{AskError, NewExport, OPEN_MAX, ask, take};
pub use mark::{mark, read_mark};

use crate::reveal::Reason;
use crate::store::exports::{self as sql, ExportRow};

/// Name under which filter, reason and decision are sealed.
pub(crate) const FIELD: &str = "customers.export";
/// How long an export waits for a decision, in milliseconds.
pub const WAITING_MILLIS: i64 = 7 * 24 * 3_600_000;
/// An export that is not made by then is given up: its job is dead.
const QUEUED_MILLIS: i64 = 24 * 3_600_000;
/// How long filter, reason and decision are kept, in milliseconds.
pub const TEXTS_MILLIS: i64 = 30 * 24 * 3_600_000;

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Given out at once; nothing is kept of the file.
    Taken,
    /// Somebody else must approve it.
    Waiting,
    /// Somebody else did not.
    Refused,
    /// It is being made.
    Queued,
    /// It can be fetched.
    Ready,
    /// It could not be made.
    Failed,
    /// Its time is over; the file is gone.
    Ended,
}

impl ExportState {
    const ALL: [Self; 7] = [
        Self::Taken,
        Self::Waiting,
        Self::Refused,
        Self::Queued,
        Self::Ready,
        Self::Failed,
        Self::Ended,
    ];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Queued => "queued",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }
}

/// Why an export could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFailure {
    /// Its asker may not export any more.
    RightGone,
    /// There were far more customers than when it was asked for.
    Grew,
    /// The audience that it names, or one that this names, was defined anew after it was asked for.
    Redefined,
    /// The file could not be written or the database asked; the log has the cause.
    Broke,
}

impl ExportFailure {
    const ALL: [Self; 4] = [Self::RightGone, Self::Grew, Self::Redefined, Self::Broke];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RightGone => "right_gone",
            Self::Grew => "grew",
            Self::Redefined => "redefined",
            Self::Broke => "broke",
        }
    }
}

/// What was asked for, in words that may name people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    query: String,
    reason: Option<String>,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Export {
    pub id: ExportId,
    pub state: ExportState,
    pub format: String,
    /// Whether columns and tiers have Chinese names.
    pub chinese: bool,
    /// Customers: when it was asked for, and once it is made those in the file.
    pub count: u64,
    /// Whether somebody else approved it.
    pub approved: bool,
    /// The filter, as in an address; empty once the texts are gone.
    pub query: String,
    pub reason: Option<String>,
    pub asker: Option<UserId>,
    pub asked_at: Timestamp,
    pub decider: Option<UserId>,
    pub decided_at: Option<Timestamp>,
    /// What whoever decided said.
    pub word: Option<String>,
    pub made_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub bytes: Option<u64>,
    pub downloads: u64,
    pub failure: Option<ExportFailure>,
}

fn opened(keys: &OrgKeys, row: ExportRow) -> Result<Export, DbError> {
    let unreadable = |error: platform::crypto::CryptoError| {
        DbError::Refused(format!("export {}: {error}", ExportId::from_uuid(row.id)))
    };
    let unknown = || DbError::Refused(format!("export {} has a state of no release", row.id));
    let asked: Asked = match &row.sealed {
        Some(sealed) => serde_json::from_slice(&keys.open(FIELD, sealed).map_err(unreadable)?)
            .map_err(|error| DbError::Refused(format!("export {}: {error}", row.id)))?,
        None => Asked::default(),
    };
    let word = row.decision.as_deref().map(|sealed| keys.open_text(FIELD, sealed)).transpose();
    let failure = row
        .failure
        .as_deref()
        .and_then(|name| ExportFailure::ALL.into_iter().find(|one| one.name() == name));
    Ok(Export {
        id: ExportId::from_uuid(row.id),
        state: ExportState::ALL
            .into_iter()
            .find(|state| state.name() == row.state)
            .ok_or_else(unknown)?,
        format: row.format,
        chinese: row.chinese,
        count: row.count as u64,
        approved: row.approved,
        query: asked.query,
        reason: asked.reason,
        asker: row.asker.map(UserId::from_uuid),
        asked_at: Timestamp::from_millis(row.asked_at),
        decider: row.decider.map(UserId::from_uuid),
        decided_at: row.decided_at.map(Timestamp::from_millis),
        word: word.map_err(unreadable)?,
        made_at: row.made_at.map(Timestamp::from_millis),
        expires_at: row.expires_at.map(Timestamp::from_millis),
        bytes: row.bytes.map(|bytes| bytes as u64),
        downloads: row.downloads as u64,
        failure,
    })
}

/// One export.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, cx: &Ctx, id: ExportId) -> Result<Option<Export>, DbError> {
    sql::get(tx, cx.scope, id).await?.map(|row| opened(&cx.keys(), row)).transpose()
}

/// A page of exports, the newest first: those that `of` asked for, or all; and where the next page begins.
///
/// # Errors
/// As the database says.
pub async fn list(
    tx: &mut Tx,
    cx: &Ctx,
    of: Option<UserId>,
    after: Option<Uuid>,
    limit: Limit,
) -> Result<(Vec<Export>, Option<Uuid>), DbError> {
    let mut rows = sql::list(tx, cx.scope, of, after, limit.get() as i64 + 1).await?;
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let keys = cx.keys();
    let exports: Result<Vec<Export>, DbError> =
        rows.into_iter().map(|row| opened(&keys, row)).collect();
    Ok((exports?, next))
}

/// Why an export was not decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// There is none.
    #[error("there is no export {0}")]
    Unknown(ExportId),
    /// Whoever asked does not decide.
    #[error("somebody else must decide on what you asked for yourself")]
    Own,
    /// It does not wait.
    #[error("it does not wait for a decision: it is {}", .0.name())]
    Settled(ExportState),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Approves or refuses an export that waits. Of two who decide at once one does.
///
/// # Errors
/// Why not.
pub async fn decide(
    tx: &mut Tx,
    cx: &Ctx,
    id: ExportId,
    approve: bool,
    word: Option<&Reason>,
) -> Result<Export, DecideError> {
    let before = get(tx, cx, id).await?.ok_or(DecideError::Unknown(id))?;
    // The program itself asks for nothing that waits, and decides nothing.
    let by = cx.scope.user_id().ok_or(DecideError::Own)?;
    if before.asker == Some(by) {
        return Err(DecideError::Own);
    }
    let state = if approve { ExportState::Queued } else { ExportState::Refused };
    let sealed = word.map(|word| cx.keys().seal(&*cx.ids, FIELD, word.as_str().as_bytes()));
    if !sql::decide(tx, cx, id, by, state.name(), sealed).await? {
        let now = get(tx, cx, id).await?.ok_or(DecideError::Unknown(id))?;
        return Err(DecideError::Settled(now.state));
    }
    let action = if approve { "customers.export.approve" } else { "customers.export.refuse" };
    let entry = Entry::new(action)
        .on("export", id)
        .with("asker", before.asker)
        .with("count", before.count)
        .personal("word", word.map(Reason::as_str));
    audit::record(tx, cx, entry).await?;
    get(tx, cx, id).await?.ok_or(DecideError::Unknown(id))
}

/// Notes that the file of a queued export is whole; says whether it was wanted still.
///
/// # Errors
/// As the database says.
pub async fn made(
    tx: &mut Tx,
    cx: &Ctx,
    id: ExportId,
    count: u64,
    bytes: u64,
    made_at: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    sql::made(tx, cx, id, count as i64, bytes as i64, made_at, expires_at).await
}

/// Notes that a queued export cannot be made.
///
/// # Errors
/// As the database says.
pub async fn failed(
    tx: &mut Tx,
    cx: &Ctx,
    id: ExportId,
    why: ExportFailure,
) -> Result<(), DbError> {
    sql::failed(tx, cx.scope, id, why.name()).await?;
    let entry = Entry::new("customers.export.fail").on("export", id).with("failure", why);
    audit::record(tx, cx, entry).await.map(drop)
}

/// Notes that the time of a file is over.
///
/// # Errors
/// As the database says.
pub async fn ended(tx: &mut Tx, scope: Scope, id: ExportId) -> Result<(), DbError> {
    sql::ended(tx, scope, id).await
}

/// Counts and records that a file is fetched, before the first byte is given out; says whether it is there still.
///
/// # Errors
/// As the database says; then nothing may be given out.
pub async fn fetched(tx: &mut Tx, cx: &Ctx, export: &Export) -> Result<bool, DbError> {
    if !sql::fetched(tx, cx.scope, export.id).await? {
        return Ok(false);
    }
    let entry = Entry::new("customers.export.fetch")
        .on("export", export.id)
        .with("format", &export.format)
        .with("count", export.count);
    audit::record(tx, cx, entry).await?;
    Ok(true)
}

/// Ends what waited for a week, and takes away the texts of what was settled a month ago; gives those whose
/// file is there or will be, and which of both.
///
/// # Errors
/// As the database says.
pub async fn tidy(tx: &mut Tx, cx: &Ctx) -> Result<Vec<(ExportId, ExportState)>, DbError> {
    let before = |millis: i64| cx.now().plus_millis(-millis);
    let (waiting, queued, texts) =
        (before(WAITING_MILLIS), before(QUEUED_MILLIS), before(TEXTS_MILLIS));
    sql::tidy(tx, cx.scope, cx.now(), waiting, queued, texts).await?;
    let held = sql::held(tx, cx.scope).await?.into_iter();
    let state = |ready| if ready { ExportState::Ready } else { ExportState::Queued };
    Ok(held.map(|(id, ready)| (ExportId::from_uuid(id), state(ready))).collect())
}

/// Who was erased at `since` or later.
///
/// # Errors
/// As the database says.
pub async fn erased_since(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sql::erased_since(tx, scope, since).await?.into_iter().map(|(id,)| id).collect())
}

//! Files of customers that people take away: asked for, over a set size approved by somebody else, made, fetched
//! for a while, gone. What is in them, and the files themselves, are `flows::take_exports`.

mod mark;

use kernel::{ExportId, Limit, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Problem, Scope, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use mark::{mark, read_mark};

use crate::reveal::Reason;
use crate::settings;
use crate::store::exports::{self as sql, ExportRow};

/// Name under which filter, reason and decision are sealed.
pub(crate) const FIELD: &str = "customers.export";
/// Exports of one person that wait, are made or lie ready.
pub const OPEN_MAX: i64 = 20;
/// How far back small exports are added up, in milliseconds: a large one in parts is a large one.
const ADDED_MILLIS: i64 = 24 * 3_600_000;
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
    /// The file could not be written or the database asked; the log has the cause.
    Broke,
}

impl ExportFailure {
    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RightGone => "right_gone",
            Self::Grew => "grew",
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
    let failure = row.failure.as_deref().and_then(|name| {
        [ExportFailure::RightGone, ExportFailure::Grew, ExportFailure::Broke]
            .into_iter()
            .find(|one| one.name() == name)
    });
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

/// An export as somebody wants it.
#[derive(Debug, Clone)]
pub struct NewExport<'a> {
    /// `csv`, `xlsx`.
    pub format: &'a str,
    /// Whether columns and tiers have Chinese names.
    pub chinese: bool,
    /// Customers.
    pub count: u64,
    /// The filter, as in an address.
    pub query: &'a str,
    /// Why.
    pub reason: Option<&'a Reason>,
}

/// Why an export was not begun.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It is too large to be given out without somebody else's approval.
    #[error(
        "{count} customers, {before} within a day before: more than {limit} at a time need the approval of \
         somebody else; ask for it"
    )]
    NeedsApproval {
        /// Customers of this one.
        count: u64,
        /// Of those before it.
        before: u64,
        /// How many are given out without asking.
        limit: u32,
    },
    /// It needs an approval, and whoever gives it must know why.
    #[error("say why: more than {0} customers need the approval of somebody else")]
    NoReason(u32),
    /// Too many are open.
    #[error(
        "you have {OPEN_MAX} exports that wait or lie ready; fetch them or wait until they end"
    )]
    TooMany,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let detail = error.to_string();
        match error {
            AskError::NeedsApproval { .. } => Self::conflict("export_needs_approval", detail),
            AskError::NoReason(_) => Self::field("reason", detail),
            AskError::TooMany => Self::conflict("too_many_exports", detail),
            AskError::Db(error) => error.into(),
        }
    }
}

/// Customers that `cx` may still take today without an approval, and the limit; `None` for the program
/// itself, which has the whole database anyway.
async fn taken(tx: &mut Tx, cx: &Ctx) -> Result<Option<(UserId, u64, u32)>, DbError> {
    let Some(user) = cx.scope.user_id() else { return Ok(None) };
    // One after the other, so that two at the same moment are added up, too.
    sql::queue(tx, cx.scope).await?;
    let limit = settings::export_limit(tx, cx.scope).await?;
    let since = cx.now().plus_millis(-ADDED_MILLIS);
    let before = sql::taken_since(tx, cx.scope, user, since).await?;
    Ok(Some((user, before as u64, limit)))
}

async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewExport<'_>,
    state: ExportState,
) -> Result<Export, DbError> {
    let asked =
        Asked { query: new.query.to_owned(), reason: new.reason.map(|r| r.as_str().to_owned()) };
    let asked = serde_json::to_vec(&asked).map_err(|error| DbError::Refused(error.to_string()))?;
    // Of what is given out at once the audit log has the filter.
    let sealed = (state != ExportState::Taken).then(|| cx.keys().seal(&*cx.ids, FIELD, &asked));
    let row = ExportRow {
        id: cx.fresh::<ExportId>().uuid(),
        state: state.name().to_owned(),
        format: new.format.to_owned(),
        chinese: new.chinese,
        count: new.count as i64,
        approved: false,
        sealed,
        asker: cx.scope.user_id().map(TypedId::uuid),
        asked_at: cx.now().millis(),
        decider: None,
        decided_at: None,
        decision: None,
        made_at: None,
        expires_at: None,
        bytes: None,
        downloads: 0,
        failure: None,
    };
    sql::add(tx, cx, &row).await?;
    opened(&cx.keys(), row)
}

/// Notes an export that is given out at once, if it may be. The caller records what is in it.
///
/// # Errors
/// `NeedsApproval` for a person who takes more than the set size, what they took within a day before added.
pub async fn take(tx: &mut Tx, cx: &Ctx, new: &NewExport<'_>) -> Result<Export, AskError> {
    if let Some((_, before, limit)) = taken(tx, cx).await?
        && before + new.count > u64::from(limit)
    {
        return Err(AskError::NeedsApproval { count: new.count, before, limit });
    }
    Ok(add(tx, cx, new, ExportState::Taken).await?)
}

/// Asks for an export: it is made at once, or waits for somebody else's approval.
///
/// # Errors
/// `NoReason`, `TooMany`, or as the database says.
pub async fn ask(tx: &mut Tx, cx: &Ctx, new: &NewExport<'_>) -> Result<Export, AskError> {
    let mut state = ExportState::Queued;
    if let Some((user, before, limit)) = taken(tx, cx).await? {
        if sql::open_of(tx, cx.scope, user).await? >= OPEN_MAX {
            return Err(AskError::TooMany);
        }
        if limit == 0 || before + new.count > u64::from(limit) {
            if new.reason.is_none() {
                return Err(AskError::NoReason(limit));
            }
            state = ExportState::Waiting;
        }
    }
    let export = add(tx, cx, new, state).await?;
    let entry = Entry::new("customers.export.ask")
        .on("export", export.id)
        .with("format", new.format)
        .with("count", new.count)
        .with("waits", state == ExportState::Waiting)
        .personal("reason", new.reason.map(Reason::as_str));
    audit::record(tx, cx, entry).await?;
    Ok(export)
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

/// Counts and records that a file is fetched, before the first byte is given out.
///
/// # Errors
/// As the database says; then nothing may be given out.
pub async fn fetched(tx: &mut Tx, cx: &Ctx, export: &Export) -> Result<(), DbError> {
    sql::fetched(tx, cx.scope, export.id).await?;
    let entry = Entry::new("customers.export.fetch")
        .on("export", export.id)
        .with("format", &export.format)
        .with("count", export.count);
    audit::record(tx, cx, entry).await.map(drop)
}

/// Ends what waited for a week, and takes away the texts of what was settled a month ago; gives those whose
/// file is there or will be.
///
/// # Errors
/// As the database says.
pub async fn tidy(tx: &mut Tx, cx: &Ctx) -> Result<Vec<ExportId>, DbError> {
    let before = |millis: i64| cx.now().plus_millis(-millis);
    let (waiting, queued, texts) =
        (before(WAITING_MILLIS), before(QUEUED_MILLIS), before(TEXTS_MILLIS));
    sql::tidy(tx, cx.scope, cx.now(), waiting, queued, texts).await?;
    Ok(sql::held(tx, cx.scope).await?.into_iter().map(|(id,)| ExportId::from_uuid(id)).collect())
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

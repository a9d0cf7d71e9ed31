//! Asking for an export: given out at once, made in the background, or only after somebody else approved it.

use kernel::{ExportId, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Problem, Tx};

use super::{Asked, Export, ExportState, FIELD, opened};
use crate::reveal::Reason;
use crate::settings;
use crate::store::exports::{self as sql, ExportRow};

/// How far back small exports are added up, in milliseconds: a large one in parts is a large one.
const ADDED_MILLIS: i64 = 24 * 3_600_000;
/// Exports of one person that wait, are made or lie ready.
pub const OPEN_MAX: i64 = 20;
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

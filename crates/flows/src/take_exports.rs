//! Exports that are asked for: made in the background into a sealed file, fetched by their asker for a while.

mod fetch;
mod make;
mod sealed;
mod tidy;

use std::path::{Path, PathBuf};

use customers::exports::{self, DecideError, Export, ExportFailure, ExportState, NewExport};
use customers::mask::mask_text;
use customers::reveal::Reason;
use kernel::{Cursor, ExportId, Limit, Page, Person, Timestamp, UserId};
use platform::access::FieldRules;
use platform::http::parse_query;
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, ListError, Platform, Problem, Scope, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use fetch::{Opened, fetch};
pub use make::{give_up, make};
pub use sealed::Pieces;
pub use tidy::{end, tidy};

use crate::engine::EngineHandle;
use crate::export_customers::{self, ExportError, ExportFormat, Wording, trail};
use crate::list_customers::CustomerParams;
use crate::people::People;

/// Kind of the job that makes an export, and takes its file away when its time is over.
pub const EXPORT: &str = "customers.export";
/// The right that an asker must have when it is asked for, made and fetched.
const RIGHT: &str = "customers.export";
/// Where files lie, inside the data folder.
const FOLDER: &str = "exports";
/// Where lay what was not whole yet; today it has no names.
const UNFINISHED: &str = "tmp";

/// What the job is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ExportPayload {
    /// The export.
    pub export: ExportId,
}

/// An export, as pages show it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ExportView {
    /// Its id, which stands in each row of its file.
    pub id: ExportId,
    /// How far it is.
    pub state: ExportState,
    /// What kind of file.
    #[schema(value_type = ExportFormat)]
    pub format: String,
    /// Customers: when it was asked for, and once it is made those in the file.
    pub count: u64,
    /// The filters that were set, by their names in an address; what was searched for is masked. Null once they
    /// are gone, and for what was given out at once, of which the audit log has them.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Map<String, Value>>,
    /// Why.
    pub reason: Option<String>,
    /// Who asked; null for the command line.
    pub asker: Option<UserId>,
    /// Name and e-mail address of that user.
    pub asker_person: Option<Person>,
    /// When.
    pub asked_at: Timestamp,
    /// Who approved or refused it.
    pub decider: Option<UserId>,
    /// Name and e-mail address of that user.
    pub decider_person: Option<Person>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub word: Option<String>,
    /// When the file was made.
    pub made_at: Option<Timestamp>,
    /// When it goes.
    pub expires_at: Option<Timestamp>,
    /// Bytes of the file.
    pub bytes: Option<u64>,
    /// How often it was fetched.
    pub downloads: u64,
    /// Why it could not be made.
    pub failure: Option<ExportFailure>,
}

fn params_of(query: &str) -> Result<CustomerParams, Problem> {
    let uri = format!("/?{query}").parse::<axum::http::Uri>();
    let uri = uri.map_err(|error| Problem::field("query", error.to_string()))?;
    let params: CustomerParams = parse_query(&uri)?;
    params.check().map_err(Problem::validation)?;
    Ok(params)
}

fn view(export: Export, people: &People) -> ExportView {
    let has_texts = export.reason.is_some() || !export.query.is_empty();
    let is_open =
        matches!(export.state, ExportState::Waiting | ExportState::Queued | ExportState::Ready);
    let filter = params_of(&export.query).ok().filter(|_| has_texts || is_open);
    ExportView {
        id: export.id,
        state: export.state,
        format: export.format,
        count: export.count,
        filter: filter.map(|params| trail::filter(&params)),
        reason: export.reason.as_deref().map(mask_text),
        asker: export.asker,
        asker_person: people.get(export.asker),
        asked_at: export.asked_at,
        decider: export.decider,
        decider_person: people.get(export.decider),
        decided_at: export.decided_at,
        word: export.word.as_deref().map(mask_text),
        made_at: export.made_at,
        expires_at: export.expires_at,
        bytes: export.bytes,
        downloads: export.downloads,
        failure: export.failure,
    }
}

async fn viewed(tx: &mut Tx, cx: &Ctx, export: Export) -> Result<ExportView, DbError> {
    let people = People::look_up(tx, cx, &cx.keys(), [export.asker, export.decider]).await?;
    Ok(view(export, &people))
}

/// An export as somebody asks for it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The filter, as in an address of the list.
    pub query: String,
    /// What kind of file.
    pub format: ExportFormat,
    /// In which words.
    pub wording: Wording,
    /// Why; needed over the set size.
    pub reason: Option<Reason>,
}

/// How many customers `ask` is about.
///
/// # Errors
/// Wrong filters; otherwise as the list says.
pub async fn count(engine: &EngineHandle, cx: &Ctx, ask: &Ask) -> Result<u64, Problem> {
    Ok(export_customers::count(engine, cx, &params_of(&ask.query)?).await?)
}

/// Asks for an export of `count` customers. It is made in the background, at once or when somebody else
/// approved it.
///
/// # Errors
/// No reason where one is needed; too many that are open; otherwise as the database says.
pub async fn ask(tx: &mut Tx, cx: &Ctx, ask: &Ask, count: u64) -> Result<ExportView, Problem> {
    let new = NewExport {
        format: ask.format.name(),
        chinese: ask.wording == Wording::Chinese,
        count,
        query: &ask.query,
        reason: ask.reason.as_ref(),
    };
    let export = exports::ask(tx, cx, &new).await?;
    if export.state == ExportState::Queued {
        let payload = ExportPayload { export: export.id };
        jobs::enqueue(tx, cx, EXPORT, &payload, JobOptions::default()).await?;
    }
    Ok(viewed(tx, cx, export).await?)
}

/// Approves or refuses an export that waits.
///
/// # Errors
/// 404 for one that is not there, 409 for one's own or one that does not wait.
pub async fn decide(
    tx: &mut Tx,
    cx: &Ctx,
    id: ExportId,
    approve: bool,
    word: Option<&Reason>,
) -> Result<ExportView, Problem> {
    let export = match exports::decide(tx, cx, id, approve, word).await {
        Ok(export) => export,
        Err(DecideError::Unknown(_)) => return Err(Problem::not_found("export")),
        Err(error @ DecideError::Own) => {
            return Err(Problem::conflict("export_is_own", error.to_string()));
        }
        Err(error @ DecideError::Settled(_)) => {
            return Err(Problem::conflict("export_is_settled", error.to_string()));
        }
        Err(DecideError::Db(error)) => return Err(error.into()),
    };
    if approve {
        jobs::enqueue(tx, cx, EXPORT, &ExportPayload { export: id }, JobOptions::default()).await?;
    }
    Ok(viewed(tx, cx, export).await?)
}

/// A page of exports, the newest first: of `of`, or of all.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn list(
    platform: &Platform,
    cx: &Ctx,
    of: Option<UserId>,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<ExportView>, ListError> {
    let after = after.map(Cursor::decode::<Uuid>).transpose()?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let (found, next) = exports::list(&mut tx, cx, of, after, limit).await?;
    let ids = found.iter().flat_map(|one| [one.asker, one.decider]);
    let people = People::look_up(&mut tx, cx, &cx.keys(), ids.collect::<Vec<_>>()).await?;
    tx.rollback().await?;
    let items = found.into_iter().map(|export| view(export, &people)).collect();
    Ok(Page { items, next: next.as_ref().map(Cursor::encode) })
}

/// The export whose mark is in `text`: whose file it is, and from when. `None` for a text without a mark, or
/// with one that was made up.
///
/// # Errors
/// As the database says.
pub async fn export_of(
    platform: &Platform,
    cx: &Ctx,
    text: &str,
) -> Result<Option<ExportView>, DbError> {
    let Some(id) = exports::read_mark(&cx.keys(), text) else { return Ok(None) };
    let mut tx = platform.db.read_for(cx.scope).await?;
    let Some(export) = exports::get(&mut tx, cx, id).await? else { return Ok(None) };
    Ok(Some(viewed(&mut tx, cx, export).await?))
}

/// As [`export_of`], of a file: each cell is looked at until one has a mark.
///
/// # Errors
/// When the file cannot be read, or the database says so.
pub async fn export_of_file(
    platform: &Platform,
    cx: &Ctx,
    file: &Path,
) -> Result<Option<ExportView>, ExportError> {
    let (keys, path) = (cx.keys(), file.to_owned());
    let reading = tokio::task::spawn_blocking(move || mark_in(&keys, &path)).await;
    let found = reading
        .map_err(|error| ExportError::File(error.to_string()))?
        .map_err(|error| ExportError::File(format!("{}: {error}", file.display())))?;
    match found {
        Some(text) => Ok(export_of(platform, cx, &text).await?),
        None => Ok(None),
    }
}

/// The first cell with a mark.
fn mark_in(
    keys: &platform::crypto::OrgKeys,
    path: &Path,
) -> Result<Option<String>, tabular::OpenError> {
    let mut table = tabular::Table::open(path, &tabular::Options::default())?;
    while let Some(row) = table.next_row() {
        // A row that cannot be read has no mark that could.
        let Ok(row) = row else { continue };
        for cell in row.iter() {
            if exports::read_mark(keys, cell).is_some() {
                return Ok(Some(cell.to_owned()));
            }
        }
    }
    Ok(None)
}

fn folder_of(platform: &Platform, scope: Scope) -> PathBuf {
    platform.folder.join(FOLDER).join(scope.org().get().to_string())
}

fn file_of(platform: &Platform, scope: Scope, id: ExportId) -> PathBuf {
    folder_of(platform, scope).join(id.to_string())
}

/// What a file shows, to be compared with what its asker may see when it is fetched.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    /// The rules for fields under which it was made.
    fields: FieldRules,
    /// Who is in it.
    customers: Vec<Uuid>,
}

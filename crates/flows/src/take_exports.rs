//! Exports that are asked for: made in the background into a sealed file, fetched by their asker for a while.

mod fetch;
mod sealed;

use std::path::{Path, PathBuf};

use customers::exports::{self, DecideError, Export, ExportFailure, ExportState, NewExport};
use customers::mask::mask_text;
use customers::reveal::Reason;
use customers::settings;
use kernel::{Cursor, ExportId, Limit, Page, Person, Timestamp, TypedId as _, UserId};
use platform::access::FieldRules;
use platform::http::parse_query;
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, ListError, Platform, Problem, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use fetch::{Opened, fetch};
pub use sealed::Pieces;

use crate::engine::EngineHandle;
use crate::export_customers::{self, CustomersFile, ExportError, ExportFormat, Wording, trail};
use crate::list_customers::CustomerParams;
use crate::people::People;

/// Kind of the job that makes an export, and takes its file away when its time is over.
pub const EXPORT: &str = "customers.export";
/// The right that an asker must have when it is asked for, made and fetched.
const RIGHT: &str = "customers.export";
/// Where files lie, inside the data folder.
const FOLDER: &str = "exports";
/// How much larger than when it was approved an export may be when it is made: by a tenth, or so many.
const MORE: u64 = 100;

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

async fn viewed(platform: &Platform, cx: &Ctx, export: Export) -> Result<ExportView, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let people = People::look_up(&mut tx, cx, &cx.keys(), [export.asker, export.decider]).await?;
    tx.rollback().await?;
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

/// Asks for an export. It is made in the background, at once or when somebody else approved it.
///
/// # Errors
/// Wrong filters; no reason where one is needed; too many that are open; otherwise as the list and the
/// database say.
pub async fn ask(engine: &EngineHandle, cx: &Ctx, ask: &Ask) -> Result<ExportView, Problem> {
    let params = params_of(&ask.query)?;
    let count = export_customers::count(engine, cx, &params).await?;
    let new = NewExport {
        format: ask.format.name(),
        chinese: ask.wording == Wording::Chinese,
        count,
        query: &ask.query,
        reason: ask.reason.as_ref(),
    };
    let platform = engine.platform();
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let export = exports::ask(&mut tx, cx, &new).await?;
    if export.state == ExportState::Queued {
        let payload = ExportPayload { export: export.id };
        jobs::enqueue(&mut tx, cx, EXPORT, &payload, JobOptions::default()).await?;
    }
    tx.commit().await?;
    Ok(viewed(platform, cx, export).await?)
}

/// Approves or refuses an export that waits.
///
/// # Errors
/// 404 for one that is not there, 409 for one's own or one that does not wait.
pub async fn decide(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
    approve: bool,
    word: Option<&Reason>,
) -> Result<ExportView, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let export = match exports::decide(&mut tx, cx, id, approve, word).await {
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
        jobs::enqueue(&mut tx, cx, EXPORT, &ExportPayload { export: id }, JobOptions::default())
            .await?;
    }
    tx.commit().await?;
    Ok(viewed(platform, cx, export).await?)
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
    let found = exports::get(&mut tx, cx, id).await?;
    tx.rollback().await?;
    match found {
        Some(export) => Ok(Some(viewed(platform, cx, export).await?)),
        None => Ok(None),
    }
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

/// Makes the file of a queued export, with what its asker may and sees now; gives when it goes, `None` if
/// there is nothing to do any more. Done again it makes it anew.
///
/// # Errors
/// As the database, the engine or the disk says; the export stays queued.
pub async fn make(
    engine: &EngineHandle,
    system: &Ctx,
    id: ExportId,
) -> Result<Option<Timestamp>, ExportError> {
    let platform = engine.platform();
    let mut tx = platform.db.read_for(system.scope).await?;
    let export = exports::get(&mut tx, system, id).await?;
    let Some(export) = export.filter(|export| export.state == ExportState::Queued) else {
        return Ok(None);
    };
    let access = match export.asker {
        Some(asker) => identity::access_of(&mut tx, system.scope, asker).await?,
        None => None,
    };
    let hours = settings::export_hours(&mut tx, system.scope).await?;
    tx.rollback().await?;
    let access = access.map(|(access, _)| access);
    let (Some(access), Some(asker)) =
        (access.filter(|access| access.permissions().allow(RIGHT)), export.asker)
    else {
        return give_up(platform, system, id, ExportFailure::RightGone).await;
    };
    let cx = platform.ctx(Scope::user(system.scope.org(), asker)).with(access);
    let (Ok(params), Some(format)) =
        (params_of(&export.query), ExportFormat::of_name(&export.format))
    else {
        return give_up(platform, system, id, ExportFailure::Broke).await;
    };
    let count = export_customers::count(engine, &cx, &params).await?;
    if count > (export.count + MORE).max(export.count + export.count / 10) {
        return give_up(platform, system, id, ExportFailure::Grew).await;
    }
    // Whoever is erased from now on may still be in the file.
    let begun = platform.now();
    let file = CustomersFile::begin_asked(engine, &cx, &params, format, &export).await?;
    let temporary = platform.folder.join("tmp");
    tokio::fs::create_dir_all(&temporary).await.map_err(file_error)?;
    let clear = temporary.join(format!("{id}.{}", format.name()));
    let made = seal(platform, &cx, id, file, &clear).await;
    // It may not have been made; the reason of the failure matters more.
    let _ = tokio::fs::remove_file(&clear).await;
    let (count, bytes) = made?;
    let expires_at = platform.now().plus_millis(i64::from(hours) * 3_600_000);
    let mut tx = platform.db.begin_for(system.scope).await?;
    exports::made(&mut tx, system, id, count, bytes, begun, expires_at).await?;
    tx.commit().await?;
    Ok(Some(expires_at))
}

fn file_error(error: std::io::Error) -> ExportError {
    ExportError::File(platform::disk::told(&error))
}

/// Writes and seals; gives customers and bytes of the file as it is fetched.
async fn seal(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
    file: CustomersFile,
    clear: &Path,
) -> Result<(u64, u64), ExportError> {
    let who = file.write(clear).await?;
    let count = who.len() as u64;
    let contents = Contents {
        fields: cx.access.fields().clone(),
        customers: who.into_iter().map(|id| id.uuid()).collect(),
    };
    let head =
        serde_json::to_vec(&contents).map_err(|error| ExportError::File(error.to_string()))?;
    let (keys, ids) = (cx.keys(), cx.ids.clone());
    let (clear, target) = (clear.to_owned(), file_of(platform, cx.scope, id));
    let sealing = tokio::task::spawn_blocking(move || {
        sealed::write(&keys, &*ids, id, &head, &clear, &target)
    });
    let bytes =
        sealing.await.map_err(|error| ExportError::File(error.to_string()))?.map_err(file_error)?;
    Ok((count, bytes))
}

/// What a file shows, to be compared with what its asker may see when it is fetched.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    /// The rules for fields under which it was made.
    fields: FieldRules,
    /// Who is in it.
    customers: Vec<Uuid>,
}

/// Notes that a queued export cannot be made, and why.
///
/// # Errors
/// As the database says.
pub async fn give_up<T>(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
    why: ExportFailure,
) -> Result<Option<T>, ExportError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    exports::failed(&mut tx, cx, id, why).await?;
    tx.commit().await?;
    Ok(None)
}

/// Takes the file of a ready export away if its time is over; gives when to come again, `None` if there is
/// nothing to take away any more.
///
/// # Errors
/// As the database says.
pub async fn end(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
) -> Result<Option<Timestamp>, DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let found = exports::get(&mut tx, cx, id).await?;
    let Some(export) = found.filter(|export| export.state == ExportState::Ready) else {
        return Ok(None);
    };
    if let Some(at) = export.expires_at.filter(|at| platform.now() < *at) {
        return Ok(Some(at));
    }
    exports::ended(&mut tx, cx.scope, id).await?;
    tx.commit().await?;
    remove(&file_of(platform, cx.scope, id)).await;
    Ok(None)
}

async fn remove(file: &Path) {
    if let Err(error) = tokio::fs::remove_file(file).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file = %file.display(), %error, "an export stays behind");
    }
}

/// Ends what waited too long, and removes files that belong to nothing: of exports whose job was killed
/// between note and removal.
///
/// # Errors
/// As the database says.
pub async fn tidy(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let held = exports::tidy(&mut tx, cx).await?;
    tx.commit().await?;
    // Without exports there is no folder.
    let Ok(mut files) = tokio::fs::read_dir(folder_of(platform, cx.scope)).await else {
        return Ok(());
    };
    while let Ok(Some(file)) = files.next_entry().await {
        let id = file.file_name().to_str().and_then(|name| name.parse::<ExportId>().ok());
        if id.is_some_and(|id| !held.contains(&id)) {
            remove(&file.path()).await;
        }
    }
    Ok(())
}

//! Imports: upload, look, run, pause, take back.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use commerce::formats::{Format, ReaderContext};
use commerce::import_view::ImportView;
use commerce::imports::{self, Import, ImportFile, ImportRequest, ImportState, Progress};
use commerce::shops::{self, Channel};
use flows::import_orders::{self, ImportError, ImportOrder};
use flows::import_shop::{self, WantedShop};
use flows::preview_import::{self, FilePreview};
use flows::undo_import::{self, UndoError};
use flows::write_rejects;
use kernel::{Currency, Cursor, FieldErrors, ImportId, Limit, Page};
use platform::http::{Cx, Idempotency, Idempotent, JsonBody, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, Platform, Problem};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::import_job::{self, IMPORT, ImportPayload, UNDO};
use crate::state::AppState;

/// Bytes of all files of one upload.
const UPLOAD_MAX_BYTES: u64 = 16 << 30;
/// Files of one upload.
const FILES_MAX: usize = 20;
/// Imports that changed no more orders than this are taken back while the person waits.
const UNDO_AT_ONCE: u64 = 20_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .merge(OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable()))
        .routes(routes!(get))
        .routes(routes!(preview, preview_with))
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(undo))
        .routes(routes!(rejects))
}

fn problem(error: ImportError) -> Problem {
    match error {
        ImportError::Db(error) => error.into(),
        ImportError::Unknown(_) => Problem::not_found("import"),
        ImportError::NotRunnable { .. } | ImportError::Elsewhere => {
            Problem::conflict("import_state", error.to_string())
        }
        ImportError::Mapping(_) | ImportError::Currency { .. } => {
            Problem::field("mapping", error.to_string())
        }
        ImportError::Reader(_) => Problem::internal(&error),
        ImportError::Format(_) | ImportError::FileChanged(_) => {
            Problem::field("file", error.to_string())
        }
    }
}

async fn view(platform: &Platform, cx: &Ctx, import: &Import) -> Result<ImportView, Problem> {
    let mut tx = platform.db.read().await?;
    let shops = shops::all(&mut tx, cx).await?;
    Ok(ImportView::of(import, &shops))
}

async fn find(platform: &Platform, cx: &Ctx, id: ImportId) -> Result<Import, Problem> {
    let mut tx = platform.db.read().await?;
    imports::get(&mut tx, cx.scope, id).await?.ok_or_else(|| Problem::not_found("import"))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// From the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 200.
    limit: Option<u32>,
}

/// Imports, newest first
#[utoipa::path(get, path = "/commerce/imports", tag = "commerce", params(ListParams),
    responses((status = 200, body = Page<ImportView>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<ImportView>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let after =
        errors.keep("after", params.after.as_deref().map(Cursor::decode::<i64>).transpose());
    let (limit, after) = errors.finish(|| Some((limit?, after?)))?;
    let mut tx = platform.db.read().await?;
    let page = imports::list(&mut tx, cx.scope, after, limit).await?;
    let shops = shops::all(&mut tx, &cx).await?;
    let items = page.items.iter().map(|import| ImportView::of(import, &shops)).collect();
    Ok(Json(Page { items, next: page.next }))
}

/// The fields beside the files.
#[derive(Debug, Default)]
struct UploadFields {
    shop: Option<String>,
    format: Option<String>,
    mapping: Option<String>,
    dry_run: bool,
    draft: bool,
    files: Vec<(String, PathBuf)>,
}

/// For the document only: what a multipart upload holds.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
struct UploadBody {
    /// One or more order files.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// Name of the shop; made if it is new. Not needed for a draft.
    shop: Option<String>,
    /// `auto`, or a format by name.
    format: Option<String>,
    /// A mapping (TOML) for generic files.
    mapping: Option<String>,
    /// Only say what an import would do.
    dry_run: Option<bool>,
    /// `false` gives a draft to look at.
    start: Option<bool>,
}

/// Brings files in, and imports them unless `start=false`
#[utoipa::path(post, path = "/commerce/imports", tag = "commerce",
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 202, body = ImportView), Problem))]
async fn upload(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotency(key): Idempotency,
    multipart: Multipart,
) -> Result<Answer, Problem> {
    let folder = platform.folder.join("uploads").join(cx.fresh::<ImportId>().to_string());
    tokio::fs::create_dir_all(&folder).await.map_err(|error| disk(&error))?;
    let done = receive(&platform, &cx, key, multipart, &folder).await;
    // A refused or repeated upload leaves nothing behind.
    if !matches!(&done, Ok(answer) if !answer.replayed) {
        let _ = tokio::fs::remove_dir_all(&folder).await;
    }
    done
}

fn disk(error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return platform::DbError::DiskFull.into();
    }
    Problem::internal(error)
}

async fn receive(
    platform: &Platform,
    cx: &Ctx,
    key: Option<idempotency::RequestKey>,
    mut multipart: Multipart,
    folder: &Path,
) -> Result<Answer, Problem> {
    let broken =
        |error: axum::extract::multipart::MultipartError| Problem::malformed(error.body_text());
    let mut fields = UploadFields::default();
    let mut errors = FieldErrors::default();
    let mut room = UPLOAD_MAX_BYTES;
    let mut digest = sha2::Sha256::default();
    while let Some(mut field) = multipart.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let shown = file_name(field.file_name());
            if fields.files.len() == FILES_MAX {
                return Err(Problem::field("file", format!("at most {FILES_MAX} files at once")));
            }
            let path = folder.join(format!("{}-{shown}", fields.files.len()));
            let mut file = tokio::fs::File::create(&path).await.map_err(|error| disk(&error))?;
            while let Some(bytes) = field.chunk().await.map_err(broken)? {
                room = room
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| Problem::too_large(UPLOAD_MAX_BYTES))?;
                sha2::Digest::update(&mut digest, &bytes);
                file.write_all(&bytes).await.map_err(|error| disk(&error))?;
            }
            file.sync_all().await.map_err(|error| disk(&error))?;
            fields.files.push((shown, path));
            continue;
        }
        let text = field.text().await.map_err(broken)?;
        sha2::Digest::update(&mut digest, format!("{name}={text};"));
        let text = Some(text).filter(|text| !text.is_empty());
        match name.as_str() {
            "shop" => fields.shop = text,
            "format" => fields.format = text.filter(|text| text != "auto"),
            "mapping" => fields.mapping = text,
            "dry_run" => fields.dry_run = text.as_deref() == Some("true"),
            "start" => fields.draft = text.as_deref() == Some("false"),
            other => errors.push(other, "is not a field of an upload"),
        }
    }
    if fields.files.is_empty() {
        errors.push("file", "is missing: send one or more order files");
    }
    if fields.shop.is_none() && !fields.draft {
        errors.push("shop", "is missing: the name of the shop whose orders these are");
    }
    let format = format_field(&mut errors, fields.format.as_deref());
    let format = errors.finish(|| Some(format))?;
    let key = key.map(|key| key.with_body(&sha2::Digest::finalize(digest)));
    let order = ImportOrder {
        files: fields.files,
        format,
        mapping: fields.mapping,
        dry_run: fields.dry_run,
        uploaded: true,
    };
    let import = if fields.draft {
        None
    } else {
        let name = fields.shop.as_deref().unwrap_or_default();
        let wanted = WantedShop { name, channel: None, currency: None };
        let shop =
            import_shop::find_or_make(platform, cx, wanted, &order).await.map_err(problem)?;
        Some((shop, order.clone()))
    };
    let mut tx = platform.db.begin().await?;
    let ticket = match idempotency::begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let import = match import {
        None => {
            let files = sketch(&order).await?;
            let request = ImportRequest {
                files,
                format: order.format.map(|format| format.to_string()),
                mapping: order.mapping,
                uploaded: true,
            };
            imports::create(&mut tx, cx, None, ImportState::Draft, false, "", request).await?
        }
        Some((shop, order)) => {
            let context = import_orders::reader_context(&shop);
            let (request, fingerprint) =
                import_orders::request_of(order, context).await.map_err(problem)?;
            let queued = ImportState::Queued;
            let import = imports::create(
                &mut tx,
                cx,
                Some(shop.number),
                queued,
                fields.dry_run,
                &fingerprint,
                request,
            )
            .await?;
            enqueue(&mut tx, cx, IMPORT, &import).await?;
            import
        }
    };
    let shops = shops::all(&mut tx, cx).await?;
    let view = ImportView::of(&import, &shops);
    let answer = ticket.finish(&mut tx, cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn enqueue(
    tx: &mut platform::Tx,
    cx: &Ctx,
    kind: &'static str,
    import: &Import,
) -> Result<(), Problem> {
    let options = JobOptions { unique_key: Some(import.id.to_string()), ..JobOptions::default() };
    jobs::enqueue(tx, cx, kind, &ImportPayload { import: import.id, was: import.state }, options)
        .await?;
    Ok(())
}

fn format_field(errors: &mut FieldErrors, name: Option<&str>) -> Option<Format> {
    name.and_then(|name| errors.keep("format", name.parse::<Format>()))
}

/// A name that is safe as part of a path, and still the person's own.
fn file_name(given: Option<&str>) -> String {
    let given = given.unwrap_or("orders.csv");
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String = last
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|'))
        .take(80)
        .collect();
    if safe.trim_matches('.').is_empty() { "orders.csv".to_owned() } else { safe }
}

/// The files of a draft: what is known of them before a mapping makes them readable.
async fn sketch(order: &ImportOrder) -> Result<Vec<ImportFile>, Problem> {
    let files = order.files.iter().map(|(name, path)| ImportFile {
        name: name.clone(),
        path: path.display().to_string(),
        size_bytes: std::fs::metadata(path).map_or(0, |meta| meta.len()),
        format: None,
        encoding: None,
        sheet: None,
        header: Vec::new(),
    });
    let mut files: Vec<ImportFile> = files.collect();
    let previews = preview_import::preview(
        files.clone(),
        order.format,
        order.mapping.clone(),
        ReaderContext::default(),
    )
    .await
    .map_err(problem)?;
    for (file, seen) in files.iter_mut().zip(previews) {
        file.format = seen.format;
        file.encoding = seen.encoding;
    }
    Ok(files)
}

/// One import
#[utoipa::path(get, path = "/commerce/imports/{id}", tag = "commerce", params(("id" = ImportId, Path)),
    responses((status = 200, body = ImportView), Problem))]
async fn get(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    let import = find(&platform, &cx, id).await?;
    Ok(Json(view(&platform, &cx, &import).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PreviewParams {
    /// A format by name, instead of what was detected.
    format: Option<String>,
}

/// The first rows of each file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ImportPreview {
    files: Vec<FilePreview>,
}

/// What the first 20 rows of each file will be understood as
#[utoipa::path(get, path = "/commerce/imports/{id}/preview", tag = "commerce",
    params(("id" = ImportId, Path), PreviewParams),
    responses((status = 200, body = ImportPreview), Problem))]
async fn preview(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    QueryParams(params): QueryParams<PreviewParams>,
) -> Result<Json<ImportPreview>, Problem> {
    preview_of(&platform, &cx, id, params.format, None).await
}

/// How to look at the files.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PreviewBody {
    /// A format by name, or `auto`.
    format: Option<String>,
    /// A mapping (TOML) that is being written.
    mapping: Option<String>,
}

/// The same under a mapping that is being written
#[utoipa::path(post, path = "/commerce/imports/{id}/preview", tag = "commerce",
    params(("id" = ImportId, Path)), request_body = PreviewBody,
    responses((status = 200, body = ImportPreview), Problem))]
async fn preview_with(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    JsonBody(body): JsonBody<PreviewBody>,
) -> Result<Json<ImportPreview>, Problem> {
    preview_of(&platform, &cx, id, body.format, body.mapping).await
}

async fn preview_of(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    format: Option<String>,
    mapping: Option<String>,
) -> Result<Json<ImportPreview>, Problem> {
    let import = find(platform, cx, id).await?;
    let mut errors = FieldErrors::default();
    let format = format.or(import.request.format).filter(|name| name != "auto");
    let format = format_field(&mut errors, format.as_deref());
    let format = errors.finish(|| Some(format))?;
    let mapping = mapping.or(import.request.mapping);
    let gone = import.request.files.iter().any(|file| !Path::new(&file.path).exists());
    if gone {
        return Err(Problem::gone("the uploaded files were removed when the import ended"));
    }
    let files =
        preview_import::preview(import.request.files, format, mapping, ReaderContext::default())
            .await
            .map_err(problem)?;
    Ok(Json(ImportPreview { files }))
}

/// How to run a draft.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct StartImport {
    /// Name or id of the shop; a new name makes a shop.
    shop: Option<String>,
    /// Channel of a new shop.
    channel: Option<Channel>,
    /// Currency of a new shop.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// A format by name, or `auto`.
    format: Option<String>,
    /// A mapping (TOML) for generic files.
    mapping: Option<String>,
    /// Only say what an import would do; it can then be started again for real.
    dry_run: bool,
}

/// Runs a draft, or tries it with `dry_run`; a tried one can be run for real
#[utoipa::path(post, path = "/commerce/imports/{id}/start", tag = "commerce",
    params(("id" = ImportId, Path)), request_body = StartImport,
    responses((status = 202, body = ImportView), Problem))]
async fn start(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotent { key, body }: Idempotent<StartImport>,
) -> Result<Answer, Problem> {
    let draft = find(&platform, &cx, id).await?;
    let known_shop = {
        let mut tx = platform.db.read().await?;
        match draft.shop_number {
            Some(number) => shops::by_number(&mut tx, &cx, number).await?,
            None => None,
        }
    };
    // What is not said again stays as it was in the dry run before.
    let mut errors = FieldErrors::default();
    let format = body.format.as_deref().or(draft.request.format.as_deref());
    let format = format_field(&mut errors, format.filter(|name| *name != "auto"));
    let name = body.shop.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.or(known_shop.as_ref().map(|shop| shop.name.as_str()));
    if name.is_none() {
        errors.push("shop", "is missing: the name of the shop whose orders these are");
    }
    let (name, format) = errors.finish(|| Some((name?, format)))?;
    let mut unique: Vec<(String, PathBuf)> = Vec::new();
    for file in &draft.request.files {
        let path = PathBuf::from(&file.path);
        if !unique.iter().any(|(_, known)| *known == path) {
            unique.push((file.name.clone(), path));
        }
    }
    let mapping = body.mapping.clone().filter(|text| !text.trim().is_empty());
    let order = ImportOrder {
        files: unique,
        format,
        mapping: mapping.or_else(|| draft.request.mapping.clone()),
        dry_run: body.dry_run,
        uploaded: true,
    };
    let wanted = WantedShop { name, channel: body.channel, currency: body.currency };
    let shop = import_shop::find_or_make(&platform, &cx, wanted, &order).await.map_err(problem)?;
    let context = import_orders::reader_context(&shop);
    let (request, fingerprint) =
        import_orders::request_of(order, context).await.map_err(problem)?;

    let mut tx = platform.db.begin().await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let from: &[ImportState] = if draft.dry_run {
        &[ImportState::Finished, ImportState::Failed, ImportState::Cancelled]
    } else {
        &[ImportState::Draft]
    };
    let queued = ImportState::Queued;
    if !imports::transition(&mut tx, &cx, id, from, queued).await? {
        return Err(not_a_draft(&draft));
    }
    imports::drop_rejects(&mut tx, cx.scope, draft.number).await?;
    let mut import = draft;
    import.state = queued;
    import.dry_run = body.dry_run;
    import.shop_number = Some(shop.number);
    import.progress = Progress {
        bytes_total: request.files.iter().map(|file| file.size_bytes).sum(),
        ..Progress::default()
    };
    import.request = request;
    import.fingerprint = fingerprint;
    import.error = None;
    imports::save(&mut tx, cx.scope, &import).await?;
    enqueue(&mut tx, &cx, IMPORT, &import).await?;
    let shops = shops::all(&mut tx, &cx).await?;
    let view = ImportView::of(&import, &shops);
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

fn not_a_draft(import: &Import) -> Problem {
    let detail = format!("import {} is {} and not a draft", import.id, import.state.name());
    Problem::conflict("import_state", detail)
}

/// Moves an import to another state, with a job where one is needed.
async fn step(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    key: Option<idempotency::RequestKey>,
    from: &[ImportState],
    to: ImportState,
    job: Option<&'static str>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin().await?;
    let ticket = match idempotency::begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let import =
        imports::get(&mut tx, cx.scope, id).await?.ok_or_else(|| Problem::not_found("import"))?;
    if !imports::transition(&mut tx, cx, id, from, to).await? {
        let detail = format!("import {id} is {}", import.state.name());
        return Err(Problem::conflict("import_state", detail));
    }
    if let Some(kind) = job {
        enqueue(&mut tx, cx, kind, &import).await?;
    }
    let import =
        imports::get(&mut tx, cx.scope, id).await?.ok_or_else(|| Problem::not_found("import"))?;
    let shops = shops::all(&mut tx, cx).await?;
    let view = ImportView::of(&import, &shops);
    let answer = ticket.finish(&mut tx, cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    import_job::publish(platform, cx, &import).await;
    Ok(answer)
}

/// Stops an import after its present batch; it can go on later
#[utoipa::path(post, path = "/commerce/imports/{id}/pause", tag = "commerce",
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView), Problem))]
async fn pause(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let from = [ImportState::Running, ImportState::Queued];
    step(&platform, &cx, id, key, &from, ImportState::Paused, None).await
}

/// Goes on with a paused or failed import
#[utoipa::path(post, path = "/commerce/imports/{id}/resume", tag = "commerce",
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView), Problem))]
async fn resume(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let from = [ImportState::Paused, ImportState::Failed];
    step(&platform, &cx, id, key, &from, ImportState::Queued, Some(IMPORT)).await
}

/// Ends an import; what it brought in stays and can be taken back
#[utoipa::path(post, path = "/commerce/imports/{id}/cancel", tag = "commerce",
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView), Problem))]
async fn cancel(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let from = [
        ImportState::Draft,
        ImportState::Running,
        ImportState::Queued,
        ImportState::Paused,
        ImportState::Failed,
    ];
    let answer = step(&platform, &cx, id, key, &from, ImportState::Cancelled, None).await?;
    let import = find(&platform, &cx, id).await?;
    import_orders::remove_uploads(&import);
    Ok(answer)
}

/// Restores what was before an import
#[utoipa::path(post, path = "/commerce/imports/{id}/undo", tag = "commerce",
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView), Problem))]
async fn undo(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let import = find(&platform, &cx, id).await?;
    if import.progress.orders_created + import.progress.orders_updated > UNDO_AT_ONCE {
        let from = ImportState::UNDOABLE;
        return step(&platform, &cx, id, key, &from, ImportState::Undoing, Some(UNDO)).await;
    }
    let undone = undo_import::undo(&platform, &cx, id).await.map_err(|error| match error {
        UndoError::Db(error) => error.into(),
        UndoError::Unknown(_) => Problem::not_found("import"),
        refused => Problem::conflict("undo_refused", refused.to_string()),
    })?;
    import_job::publish(&platform, &cx, &undone).await;
    let view = view(&platform, &cx, &undone).await?;
    let json = serde_json::to_vec(&view).map_err(|error| Problem::internal(&error))?;
    Ok(Answer { status: StatusCode::ACCEPTED, json, replayed: false })
}

/// The rejected rows as CSV: correct them and import the file
#[utoipa::path(get, path = "/commerce/imports/{id}/rejects", tag = "commerce",
    params(("id" = ImportId, Path)),
    responses((status = 200, content_type = "text/csv", body = String), Problem))]
async fn rejects(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
) -> Result<Response, Problem> {
    let import = find(&platform, &cx, id).await?;
    let mut bytes = Vec::new();
    write_rejects::write_rejects(&platform, &cx, &import, &mut bytes)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let name = format!("attachment; filename=\"rejects-{}.csv\"", import.number);
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        bytes,
    )
        .into_response())
}

//! Imports: upload, look, run, pause, take back.

mod rejects;
mod steps;
mod upload;

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use commerce::formats::{Format, ReaderContext};
use commerce::import_view::ImportView;
use commerce::imports::{self, Import};
use flows::import_orders::ImportError;
use flows::import_shop::ShopError;
use flows::preview_import::{self, FilePreview};
use flows::show_imports;
use kernel::{Cursor, FieldErrors, ImportId, Limit, Page};
use platform::http::{Cx, JsonBody, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun, RequestKey};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use upload::{broken, text};

use crate::import_job::ImportPayload;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .merge(upload::routes())
        .routes(routes!(get))
        .routes(routes!(preview, preview_with))
        .merge(steps::routes())
        .merge(rejects::routes())
}

/// What is wrong with `files` (names and paths), in words that call them by their names.
fn problem(error: ImportError, files: &[(String, PathBuf)]) -> Problem {
    let text = |error: &ImportError| {
        files.iter().fold(error.to_string(), |text, (name, path)| {
            text.replace(&path.display().to_string(), name)
        })
    };
    match error {
        ImportError::Db(error) => error.into(),
        ImportError::Unknown(_) => Problem::not_found("import"),
        ImportError::NotRunnable { .. } | ImportError::Elsewhere => {
            Problem::conflict("import_state", error.to_string())
        }
        ImportError::Mapping(_) | ImportError::Currency { .. } => {
            Problem::field("mapping", text(&error))
        }
        ImportError::Reader(_) => Problem::internal(&error),
        ImportError::Format(_) | ImportError::FileChanged(_) => {
            Problem::field("file", text(&error))
        }
    }
}

fn shop_problem(error: ShopError, files: &[(String, PathBuf)]) -> Problem {
    match error {
        ShopError::Name(wrong) => Problem::field("shop", wrong),
        ShopError::Unknown(_) => Problem::field("shop", error.to_string()),
        ShopError::Import(error) => problem(error, files),
    }
}

/// The first answer to a request that comes again, before anything is done for it.
async fn replayed(
    platform: &Platform,
    cx: &Ctx,
    key: Option<&RequestKey>,
) -> Result<Option<Answer>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let begun = idempotency::begin(&mut tx, cx, Some(key.clone())).await?;
    tx.rollback().await?;
    Ok(match begun {
        Begun::Replay(answer) => Some(answer),
        Begun::Fresh(_) => None,
    })
}

async fn find(platform: &Platform, cx: &Ctx, id: ImportId) -> Result<Import, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    imports::get(&mut tx, cx.scope, id).await?.ok_or_else(|| Problem::not_found("import"))
}

/// The files of an import, each once, by name and path.
fn named(import: &Import) -> Vec<(String, PathBuf)> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for file in &import.request.files {
        let path = PathBuf::from(&file.path);
        if !files.iter().any(|(_, known)| *known == path) {
            files.push((file.name.clone(), path));
        }
    }
    files
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
#[utoipa::path(get, path = "/commerce/imports", tag = "commerce",
    extensions(("x-right" = json!("commerce.import"))), params(ListParams),
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
    let mut tx = platform.db.read_for(cx.scope).await?;
    let page = imports::list(&mut tx, cx.scope, after, limit).await?;
    let keys = platform.keys(cx.scope.org());
    let items = show_imports::views(&mut tx, &cx, &keys, &page.items).await?;
    Ok(Json(Page { items, next: page.next }))
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

/// One import, and what stands against taking it back
#[utoipa::path(get, path = "/commerce/imports/{id}", tag = "commerce",
    extensions(("x-right" = json!("commerce.import"))), params(("id" = ImportId, Path)),
    responses((status = 200, body = ImportView), Problem))]
async fn get(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let import = imports::get(&mut tx, cx.scope, id).await?;
    let import = import.ok_or_else(|| Problem::not_found("import"))?;
    let keys = platform.keys(cx.scope.org());
    Ok(Json(show_imports::view_in_full(&mut tx, &cx, &keys, &import).await?))
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
    extensions(("x-right" = json!("commerce.import"))),
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
    extensions(("x-right" = json!("commerce.import"))),
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
    let named = named(&import);
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
            .map_err(|error| problem(error, &named))?;
    Ok(Json(ImportPreview { files }))
}

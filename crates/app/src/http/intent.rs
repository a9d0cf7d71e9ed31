//! Purchase intent: versions of the model, customers by score, and reports of files.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use flows::clean_uploads::UPLOADS;
use flows::intent::{
    self, FileAnswer, FileOptions, IntentParams, ModelDetail, ModelRow, ScoredCustomers, Wanted,
};
use kernel::{FieldErrors, ImportId, ModelId};
use platform::http::{Cx, Idempotency, Idempotent, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::imports::{broken, text};
use crate::state::AppState;

/// Bytes of an uploaded file.
const FILE_MAX_BYTES: u64 = 64 << 20;
/// Parts of one upload.
const PARTS_MAX: usize = 20;
/// Columns that may be left out by name.
const DROP_MAX: usize = 500;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    let upload = OpenApiRouter::new()
        .routes(routes!(of_file))
        .layer(DefaultBodyLimit::max(FILE_MAX_BYTES as usize + (1 << 20)));
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(get_one))
        .routes(routes!(activate))
        .routes(routes!(customers))
        .merge(upload)
}

/// All versions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct IntentModels {
    /// The newest first.
    items: Vec<ModelRow>,
}

/// A version to be trained.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TrainBody {
    /// Days after a moment in which an order counts, 7 to 180; 30 unless given.
    horizon_days: Option<i64>,
}

/// Versions of the model of purchase intent, the newest first
#[utoipa::path(get, path = "/insight/intent/models", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    responses((status = 200, body = IntentModels), Problem))]
async fn list(State(platform): State<Platform>, Cx(cx): Cx) -> Result<Json<IntentModels>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = intent::list(&mut tx, &cx).await?;
    tx.rollback().await?;
    Ok(Json(IntentModels { items }))
}

/// Has a version trained in the background
///
/// It becomes active unless the one before does better on the newest orders. 409 `too_little_history` says what is
/// missing, `model_in_training` that one is at work.
#[utoipa::path(post, path = "/insight/intent/models", tag = "insight",
    extensions(("x-right" = json!("insight.models"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = TrainBody, responses((status = 202, body = ModelRow), Problem))]
async fn ask(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<TrainBody>,
) -> Result<Answer, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let wanted = Wanted::check(&engine, &cx, body.horizon_days.unwrap_or(30)).await;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let asked = intent::ask(&mut tx, &cx, wanted?).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &asked).await?;
    tx.commit().await?;
    Ok(answer)
}

/// A version with its report
///
/// The report is told to whoever sees all customers, without features of fields that their role hides.
#[utoipa::path(get, path = "/insight/intent/models/{id}", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(("id" = ModelId, Path)),
    responses((status = 200, body = ModelDetail), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ModelId>,
) -> Result<Json<ModelDetail>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = intent::get(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// Shows the scores of a version from now on
#[utoipa::path(post, path = "/insight/intent/models/{id}/activate", tag = "insight",
    extensions(("x-right" = json!("insight.models"))),
    params(("id" = ModelId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = ModelRow), Problem))]
async fn activate(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ModelId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let active = intent::activate(&mut tx, &cx, id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &active).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Customers by the probability of an order, with the reasons
///
/// By the active version, of whomever the caller sees; nobody by name without `customers.read`. Those who refused
/// automated decisions are counted and not scored.
#[utoipa::path(get, path = "/insight/intent/customers", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(IntentParams),
    responses((status = 200, body = ScoredCustomers), Problem))]
async fn customers(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<IntentParams>,
) -> Result<Json<ScoredCustomers>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(intent::customers(&engine, &cx, &params).await?))
}

/// For the document only: what an upload holds.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
struct IntentFileBody {
    /// A CSV or XLSX file, one row for each customer or lead, up to 64 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The column to be foretold; without one only the columns are told.
    target: Option<String>,
    /// The value that counts as the outcome; needed where there are more than two.
    positive: Option<String>,
    /// A column to leave out; the part may come more than once.
    drop: Option<String>,
    /// Parts of the cross-validation, 2 to 20; 5 unless given.
    folds: Option<u32>,
    /// All that is random follows from it; 0 unless given.
    seed: Option<u64>,
}

/// Compares models on any file, of which nothing is kept
#[utoipa::path(post, path = "/insight/intent/csv", tag = "insight",
    extensions(("x-right" = json!("insight.models"))),
    request_body(content = IntentFileBody, content_type = "multipart/form-data"),
    responses((status = 200, body = FileAnswer), Problem))]
async fn of_file(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Json<FileAnswer>, Problem> {
    let multipart =
        multipart.map_err(|_| Problem::unsupported_media_type("multipart/form-data"))?;
    let folder = platform.folder.join(UPLOADS).join(cx.fresh::<ImportId>().to_string());
    tokio::fs::create_dir_all(&folder).await.map_err(|error| Problem::disk(&error))?;
    let done = async {
        let (path, options) = receive(multipart, &folder).await?;
        Ok(Json(intent::file_report(path, options).await?))
    };
    let done = done.await;
    // What cannot be removed now is removed when uploads are cleaned.
    let _ = tokio::fs::remove_dir_all(&folder).await;
    done
}

async fn receive(
    mut multipart: Multipart,
    folder: &Path,
) -> Result<(PathBuf, FileOptions), Problem> {
    let mut options = FileOptions::default();
    let mut errors = FieldErrors::default();
    let (mut path, mut parts) = (None, 0);
    while let Some(mut part) = multipart.next_field().await.map_err(broken)? {
        parts += 1;
        if parts > PARTS_MAX + DROP_MAX {
            return Err(Problem::malformed("there are too many parts"));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            let is_workbook =
                part.file_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".xlsx"));
            let target = folder.join(if is_workbook { "table.xlsx" } else { "table.csv" });
            let mut file =
                tokio::fs::File::create(&target).await.map_err(|error| Problem::disk(&error))?;
            let mut room = FILE_MAX_BYTES;
            while let Some(bytes) = part.chunk().await.map_err(broken)? {
                room = room
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| Problem::too_large(FILE_MAX_BYTES))?;
                file.write_all(&bytes).await.map_err(|error| Problem::disk(&error))?;
            }
            file.flush().await.map_err(|error| Problem::disk(&error))?;
            path = Some(target);
            continue;
        }
        let text = text(&mut part, &name).await?;
        if text.trim().is_empty() {
            continue;
        }
        match name.as_str() {
            "target" => options.target = Some(text),
            "positive" => options.positive = Some(text),
            "drop" => options.drop.push(text),
            "folds" => options.folds = errors.keep("folds", number(&text)),
            "seed" => options.seed = errors.keep("seed", number(&text)),
            other => errors.push(other, "is not a field of this upload"),
        }
    }
    if path.is_none() {
        errors.push("file", "is missing: send one CSV or XLSX file");
    }
    let path = errors.finish(|| path)?;
    Ok((path, options))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, &'static str> {
    text.trim().parse().map_err(|_| "must be a whole number")
}

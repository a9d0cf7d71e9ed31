//! What is done with an import that is there: start, pause, resume, cancel, take back.

use axum::extract::State;
use axum::http::StatusCode;
use commerce::import_view::ImportView;
use commerce::imports::{self, Import, ImportState, Progress};
use commerce::shops::{self, Channel};
use flows::cancel_import::CANCELLABLE;
use flows::import_orders::{self, ImportOrder};
use flows::import_shop::{self, WantedShop};
use flows::show_imports;
use flows::undo_import::{self, UndoError};
use kernel::{Currency, FieldErrors, ImportId};
use platform::http::{Cx, Idempotency, Idempotent, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Ctx, Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{enqueue, find, format_field, named, problem, replayed, shop_problem};
use crate::import_job::{self, IMPORT, UNDO};
use crate::state::AppState;

/// Imports that changed no more orders than this are taken back while the person waits.
const UNDO_AT_ONCE: u64 = 20_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(undo))
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
    extensions(("x-right" = json!("commerce.import"))),
    params(("id" = ImportId, Path)), request_body = StartImport,
    responses((status = 202, body = ImportView), Problem))]
async fn start(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotent { key, body }: Idempotent<StartImport>,
) -> Result<Answer, Problem> {
    if let Some(answer) = replayed(&platform, &cx, key.as_ref()).await? {
        return Ok(answer);
    }
    let draft = find(&platform, &cx, id).await?;
    if !startable(&draft).contains(&draft.state) {
        return Err(not_a_draft(&draft));
    }
    let known_shop = {
        let mut tx = platform.db.read_for(cx.scope).await?;
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
    let tried = draft.request.new_shop.as_ref();
    let name = name.or(known_shop.as_ref().map(|shop| shop.name.as_str()));
    let name = name.or(tried.map(|shop| shop.name.as_str()));
    if name.is_none() {
        errors.push("shop", "is missing: the name of the shop whose orders these are");
    }
    let (name, format) = errors.finish(|| Some((name?, format)))?;
    let mapping = body.mapping.clone().filter(|text| !text.trim().is_empty());
    let order = ImportOrder {
        files: named(&draft),
        format,
        mapping: mapping.or_else(|| draft.request.mapping.clone()),
        dry_run: body.dry_run,
        uploaded: true,
    };
    let tried = tried.filter(|shop| shop.name == name);
    let wanted = WantedShop {
        name,
        channel: body.channel.or(tried.map(|shop| shop.channel)),
        currency: body.currency.or(tried.map(|shop| shop.currency)),
    };
    let shop = import_shop::find_or_make(&platform, &cx, wanted, &order)
        .await
        .map_err(|error| shop_problem(error, &order.files))?;
    let files = order.files.clone();
    let (request, fingerprint) =
        import_orders::request_of(order, &shop).await.map_err(|error| problem(error, &files))?;

    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let queued = ImportState::Queued;
    if !imports::transition(&mut tx, &cx, id, startable(&draft), queued).await? {
        return Err(not_a_draft(&draft));
    }
    imports::drop_rejects(&mut tx, cx.scope, draft.number).await?;
    let mut import = draft;
    import.state = queued;
    import.dry_run = body.dry_run;
    import.shop_number = shop.made_number();
    import.progress = Progress {
        bytes_total: request.files.iter().map(|file| file.size_bytes).sum(),
        ..Progress::default()
    };
    import.request = request;
    import.fingerprint = fingerprint;
    import.error = None;
    imports::save(&mut tx, cx.scope, &import).await?;
    enqueue(&mut tx, &cx, IMPORT, &import).await?;
    let keys = platform.keys(cx.scope.org());
    let view = show_imports::view(&mut tx, &cx, &keys, &import).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The states in which an import can be started.
const fn startable(import: &Import) -> &'static [ImportState] {
    if import.dry_run {
        &[ImportState::Finished, ImportState::Failed, ImportState::Cancelled]
    } else {
        &[ImportState::Draft]
    }
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
    let mut tx = platform.db.begin_for(cx.scope).await?;
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
    let keys = platform.keys(cx.scope.org());
    let view = show_imports::view(&mut tx, cx, &keys, &import).await?;
    let answer = ticket.finish(&mut tx, cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    import_job::publish(platform, cx, &import).await;
    Ok(answer)
}

/// Stops an import after its present batch; it can go on later
#[utoipa::path(post, path = "/commerce/imports/{id}/pause", tag = "commerce",
    extensions(("x-right" = json!("commerce.import"))),
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
    extensions(("x-right" = json!("commerce.import"))),
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
    extensions(("x-right" = json!("commerce.import"))),
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView), Problem))]
async fn cancel(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let (from, to) = (CANCELLABLE, ImportState::Cancelled);
    let answer = step(&platform, &cx, id, key, &from, to, None).await?;
    let import = find(&platform, &cx, id).await?;
    import_orders::remove_uploads(&import);
    Ok(answer)
}

/// Restores what was before an import
#[utoipa::path(post, path = "/commerce/imports/{id}/undo", tag = "commerce",
    extensions(("x-right" = json!("commerce.import"))),
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView), Problem))]
async fn undo(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let import = find(&platform, &cx, id).await?;
    let is_large = import.progress.orders_created + import.progress.orders_updated > UNDO_AT_ONCE;
    if is_large && import.forgotten_at.is_none() {
        let from = ImportState::UNDOABLE;
        return step(&platform, &cx, id, key, &from, ImportState::Undoing, Some(UNDO)).await;
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let keys = platform.keys(cx.scope.org());
    let undone =
        undo_import::undo_in(&mut tx, &cx, &keys, id).await.map_err(|error| match error {
            UndoError::Db(error) => error.into(),
            UndoError::Unknown(_) => Problem::not_found("import"),
            refused => Problem::conflict("undo_refused", refused.to_string()),
        })?;
    let undone = undone.import;
    let view = show_imports::view(&mut tx, &cx, &keys, &undone).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    import_job::publish(&platform, &cx, &undone).await;
    Ok(answer)
}

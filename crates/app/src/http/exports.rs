//! Exports that are asked for: made in the background, over a size approved by somebody else, fetched for a while.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use customers::reveal::Reason;
use flows::export_customers::ExportFormat;
use flows::take_exports::{self, Ask, ExportView};
use futures::StreamExt as _;
use kernel::{ExportId, FieldErrors, Limit, Page, UserId};
use platform::http::{Cx, Idempotent, JsonBody, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::customers::{attachment, wording};
use crate::state::AppState;

/// Longest filter, in bytes of an address.
const QUERY_MAX: usize = 2_000;
/// Longest text in which a mark is looked for, in characters.
const TEXT_MAX: usize = 10_000;
/// Pieces of a file that wait for a slow reader.
const PIECES: usize = 2;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(own, ask))
        .routes(routes!(all))
        .routes(routes!(of))
        .routes(routes!(decide))
        .routes(routes!(fetch))
}

/// An export to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct AskBody {
    /// The filters, as they stand in the address of `GET /customers`: `tier=lost&sort=-revenue`; empty for all.
    query: String,
    /// What kind of file.
    #[serde(default)]
    format: ExportFormat,
    /// Why: 3 to 500 characters. Needed when somebody else must approve it.
    reason: Option<String>,
}

/// Why, if it was said.
fn reason(errors: &mut FieldErrors, field: &str, text: Option<String>) -> Option<Reason> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    errors.keep(field, text.parse::<Reason>())
}

/// Asks for an export. It is made in the background with what its asker sees; beyond the size that is set for
/// a day it waits until somebody else approved it.
#[utoipa::path(post, path = "/customers/exports", tag = "customers",
    extensions(("x-right" = json!("customers.export session"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AskBody, responses((status = 201, body = ExportView), Problem))]
async fn ask(
    State(state): State<AppState>,
    Cx(cx): Cx,
    headers: HeaderMap,
    Idempotent { key, body }: Idempotent<AskBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    if body.query.len() > QUERY_MAX {
        errors.push("query", format!("must be at most {QUERY_MAX} bytes"));
    }
    let reason = reason(&mut errors, "reason", body.reason);
    errors.finish(|| Some(()))?;
    let ask = Ask { query: body.query, format: body.format, wording: wording(&headers), reason };
    let count = take_exports::count(&state.engines.of(cx.scope.org()), &cx, &ask).await?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = take_exports::ask(&mut tx, &cx, &ask, count).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

async fn page(
    platform: &Platform,
    cx: &platform::Ctx,
    of: Option<UserId>,
    params: ListParams,
) -> Result<Json<Page<ExportView>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    Ok(Json(take_exports::list(platform, cx, of, params.after.as_deref(), limit).await?))
}

/// The exports of whoever asks, the newest first
#[utoipa::path(get, path = "/customers/exports", tag = "customers",
    extensions(("x-right" = json!("customers.export"))), params(ListParams),
    responses((status = 200, body = Page<ExportView>), Problem))]
async fn own(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<ExportView>>, Problem> {
    let Some(user) = cx.scope.user_id() else {
        return Ok(Json(Page { items: Vec::new(), next: None }));
    };
    page(&platform, &cx, Some(user), params).await
}

/// All exports, the newest first, also those that were given out at once
#[utoipa::path(get, path = "/customers/exports/all", tag = "customers",
    extensions(("x-right" = json!("customers.export_approve"))), params(ListParams),
    responses((status = 200, body = Page<ExportView>), Problem))]
async fn all(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<ExportView>>, Problem> {
    page(&platform, &cx, None, params).await
}

/// What was found of a file.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct FoundBody {
    /// A row of it, or its mark: at most 10,000 characters.
    text: String,
}

/// Whose export a row of a file comes from, by the mark in its last column
#[utoipa::path(post, path = "/customers/exports/of", tag = "customers",
    extensions(("x-right" = json!("customers.export_approve"))),
    request_body = FoundBody, responses((status = 200, body = ExportView), Problem))]
async fn of(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<FoundBody>,
) -> Result<Json<ExportView>, Problem> {
    if body.text.chars().count() > TEXT_MAX {
        return Err(Problem::field("text", format!("must be at most {TEXT_MAX} characters")));
    }
    let found = take_exports::export_of(&platform, &cx, &body.text).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("export with this mark"))
}

/// What is decided.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    /// Approved, or refused.
    approve: bool,
    /// A word to the asker: 3 to 500 characters.
    word: Option<String>,
}

/// Approves or refuses an export that somebody else asked for.
#[utoipa::path(post, path = "/customers/exports/{id}/decision", tag = "customers",
    extensions(("x-right" = json!("customers.export_approve session"))),
    params(("id" = ExportId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionBody, responses((status = 200, body = ExportView), Problem))]
async fn decide(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ExportId>,
    Idempotent { key, body }: Idempotent<DecisionBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    let word = reason(&mut errors, "word", body.word);
    errors.finish(|| Some(()))?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let decided = take_exports::decide(&mut tx, &cx, id, body.approve, word.as_ref()).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &decided).await?;
    tx.commit().await?;
    Ok(answer)
}

/// The file of an export that is ready, for whoever asked for it, until its time is over.
#[utoipa::path(get, path = "/customers/exports/{id}/file", tag = "customers",
    extensions(("x-right" = json!("customers.export session"))),
    params(("id" = ExportId, Path)),
    responses((status = 200, content(
        (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )), Problem))]
async fn fetch(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ExportId>,
) -> Result<Response, Problem> {
    let opened = take_exports::fetch(&platform, &cx, id).await?;
    let (send, received) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        for piece in opened.pieces {
            if let Err(error) = &piece {
                tracing::error!(%error, export = %id, "the file of an export breaks off");
            }
            if send.blocking_send(piece.map(Bytes::from)).is_err() {
                break;
            }
        }
    });
    let pieces = futures::stream::unfold(received, |mut received| async {
        received.recv().await.map(|piece| (piece, received))
    });
    // Whoever compresses asks once more behind the end.
    Ok(attachment(opened.format, Body::from_stream(pieces.fuse())))
}

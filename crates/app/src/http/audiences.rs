//! Audiences: counting while one edits, keeping, why a customer is in or out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::audiences::{
    self, AudienceBody, AudienceCount, AudienceLive, AudienceRow, AudienceView, AudienceWhy,
    CountBody, ExplainBody, LiveBody,
};
use kernel::AudienceId;
use platform::Problem;
use platform::http::{Cx, ETag, Idempotent, IfMatch, JsonBody, PathId};
use platform::idempotency::{self, Answer, Begun};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get_one, change, delete_one))
        .routes(routes!(count))
        .routes(routes!(explain))
        .routes(routes!(overlap))
        .routes(routes!(get_live, switch_live))
}

/// All audiences.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Audiences {
    /// By name.
    items: Vec<AudienceRow>,
}

/// All audiences, each with how many customers belong to it now
///
/// Whoever sees all customers leaves today's sizes in the history.
#[utoipa::path(get, path = "/insight/audiences", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    responses((status = 200, body = Audiences), Problem))]
async fn list(State(state): State<AppState>, Cx(cx): Cx) -> Result<Json<Audiences>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(Audiences { items: audiences::list(&engine, &cx).await? }))
}

/// Keeps an audience
#[utoipa::path(post, path = "/insight/audiences", tag = "insight",
    extensions(("x-right" = json!("insight.audiences"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AudienceBody, responses((status = 201, body = AudienceView), Problem))]
async fn create(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<AudienceBody>,
) -> Result<Answer, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let prepared = audiences::prepare(&engine, &cx, body).await;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = audiences::create(&mut tx, &engine, &cx, &prepared?).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One audience with the history of its size
#[utoipa::path(get, path = "/insight/audiences/{id}", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(("id" = AudienceId, Path)),
    responses((status = 200, body = AudienceView), Problem))]
async fn get_one(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<AudienceId>,
) -> Result<(ETag, Json<AudienceView>), Problem> {
    let engine = state.engines.of(cx.scope.org());
    let view = audiences::get(&engine, &cx, id).await?;
    Ok((ETag(view.row.revision), Json(view)))
}

/// Replaces what is kept of an audience
#[utoipa::path(put, path = "/insight/audiences/{id}", tag = "insight",
    extensions(("x-right" = json!("insight.audiences"))),
    params(("id" = AudienceId, Path), ("If-Match" = String, Header)),
    request_body = AudienceBody, responses((status = 200, body = AudienceView), Problem))]
async fn change(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<AudienceId>,
    IfMatch(revision): IfMatch,
    JsonBody(body): JsonBody<AudienceBody>,
) -> Result<(ETag, Json<AudienceView>), Problem> {
    let engine = state.engines.of(cx.scope.org());
    let prepared = audiences::prepare(&engine, &cx, body).await?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let view = audiences::change(&mut tx, &engine, &cx, id, revision, &prepared).await?;
    tx.commit().await?;
    Ok((ETag(view.row.revision), Json(view)))
}

/// Deletes an audience and its history
#[utoipa::path(delete, path = "/insight/audiences/{id}", tag = "insight",
    extensions(("x-right" = json!("insight.audiences"))), params(("id" = AudienceId, Path)),
    responses((status = 204), Problem))]
async fn delete_one(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<AudienceId>,
) -> Result<StatusCode, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    audiences::delete(&mut tx, &engine, &cx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counts an audience that need not be kept, and shows some of it
#[utoipa::path(post, path = "/insight/audiences/count", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    request_body = CountBody, responses((status = 200, body = AudienceCount), Problem))]
async fn count(
    State(state): State<AppState>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<CountBody>,
) -> Result<Json<AudienceCount>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(audiences::count(&engine, &cx, body).await?))
}

/// Says why a customer is in an audience or not, and when that changes by itself
#[utoipa::path(post, path = "/insight/audiences/explain", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    request_body = ExplainBody, responses((status = 200, body = AudienceWhy), Problem))]
async fn explain(
    State(state): State<AppState>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<ExplainBody>,
) -> Result<Json<AudienceWhy>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(audiences::explain(&engine, &cx, body).await?))
}

/// Audiences to be compared.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct OverlapBody {
    /// At most 12.
    audiences: Vec<AudienceId>,
}

/// What audiences share.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AudienceOverlap {
    /// For each audience a row: how many of its customers are in each; the diagonal tells the sizes.
    customers: Vec<Vec<u64>>,
}

/// Counts how many customers each two of some audiences share
#[utoipa::path(post, path = "/insight/audiences/overlap", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    request_body = OverlapBody, responses((status = 200, body = AudienceOverlap), Problem))]
async fn overlap(
    State(state): State<AppState>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<OverlapBody>,
) -> Result<Json<AudienceOverlap>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let customers = audiences::overlap(&engine, &cx, &body.audiences).await?;
    Ok(Json(AudienceOverlap { customers }))
}

/// Who entered and left a live audience lately, and how many by day
#[utoipa::path(get, path = "/insight/audiences/{id}/live", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(("id" = AudienceId, Path)),
    responses((status = 200, body = AudienceLive), Problem))]
async fn get_live(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<AudienceId>,
) -> Result<Json<AudienceLive>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(audiences::live(&engine, &cx, id).await?))
}

/// Keeps an audience live from now on, or no longer
///
/// Of a live audience it is known at every moment who belongs to it, and each who enters or leaves is told once.
#[utoipa::path(put, path = "/insight/audiences/{id}/live", tag = "insight",
    extensions(("x-right" = json!("insight.audiences"))), params(("id" = AudienceId, Path)),
    request_body = LiveBody, responses((status = 200, body = AudienceLive), Problem))]
async fn switch_live(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<AudienceId>,
    JsonBody(body): JsonBody<LiveBody>,
) -> Result<Json<AudienceLive>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let live = audiences::switch(&mut tx, &engine, &cx, id, body).await?;
    tx.commit().await?;
    Ok(Json(live))
}

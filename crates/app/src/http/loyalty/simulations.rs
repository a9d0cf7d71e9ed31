//! The simulator: past orders through a draft of promotions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::simulate::{self, SimulationBody, SimulationRow, SimulationView};
use kernel::{FieldErrors, Limit, Page, SimulationId};
use platform::http::{Cx, Idempotency, Idempotent, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, ask)).routes(routes!(get_one)).routes(routes!(cancel))
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

/// Simulations, the newest first
#[utoipa::path(get, path = "/loyalty/simulations", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(ListParams),
    responses((status = 200, body = Page<SimulationRow>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<SimulationRow>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let page = simulate::list(&mut tx, &cx, params.after.as_deref(), limit).await?;
    tx.rollback().await?;
    Ok(Json(page))
}

/// Has past orders replayed through what is live, with a draft and without it
///
/// It runs in the background; 409 `simulations_at_work` while five do. Tiers and levels of customers are those of
/// today; what past orders do not tell (`left_aside` of the result) counts as not so.
#[utoipa::path(post, path = "/loyalty/simulations", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = SimulationBody, responses((status = 202, body = SimulationRow), Problem))]
async fn ask(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<SimulationBody>,
) -> Result<Answer, Problem> {
    let engine = state.engines.of(cx.scope.org());
    engine.fresh().await?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let asked = simulate::ask(&mut tx, &engine, &cx, &body).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &asked).await?;
    tx.commit().await?;
    Ok(answer)
}

/// A simulation with what came out so far
#[utoipa::path(get, path = "/loyalty/simulations/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(("id" = SimulationId, Path)),
    responses((status = 200, body = SimulationView), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<SimulationId>,
) -> Result<Json<SimulationView>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let view = simulate::get(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok(Json(view))
}

/// Ends a simulation; what was replayed until then stays
#[utoipa::path(post, path = "/loyalty/simulations/{id}/cancel", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))),
    params(("id" = SimulationId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = SimulationRow), Problem))]
async fn cancel(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<SimulationId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let row = simulate::cancel(&mut tx, &cx, id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &row).await?;
    tx.commit().await?;
    Ok(answer)
}

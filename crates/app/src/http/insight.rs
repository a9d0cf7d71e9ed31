//! What a merchant asks of the customers as a whole.

use axum::Json;
use axum::extract::State;
use flows::rfm::{self, RfmAnswer, RfmParams};
use flows::value::{self, ValueAnswer, ValueParams};
use flows::workbench::{self, Workbench};
use platform::Problem;
use platform::http::{Cx, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_rfm))
        .routes(routes!(get_workbench))
        .routes(routes!(get_value))
}

/// Customers by recency, frequency and monetary value
#[utoipa::path(get, path = "/insight/rfm", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(RfmParams),
    responses((status = 200, body = RfmAnswer), Problem))]
async fn get_rfm(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<RfmParams>,
) -> Result<Json<RfmAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(rfm::rfm(&engine, &cx, &params).await?))
}

/// What every customer is expected to order and to be worth
///
/// BG/NBD, Pareto/NBD and Gamma-Gamma fitted to the orders of all customers whom the caller sees. 409
/// `too_little_history` says what is missing.
#[utoipa::path(get, path = "/insight/value", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(ValueParams),
    responses((status = 200, body = ValueAnswer), Problem))]
async fn get_value(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ValueParams>,
) -> Result<Json<ValueAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(value::value(&engine, &cx, &params).await?))
}

/// What changed since yesterday, and what needs a person
#[utoipa::path(get, path = "/insight/workbench", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    responses((status = 200, body = Workbench), Problem))]
async fn get_workbench(
    State(state): State<AppState>,
    Cx(cx): Cx,
) -> Result<Json<Workbench>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(workbench::workbench(&engine, &cx).await?))
}

//! What a merchant asks of the customers as a whole.

use axum::Json;
use axum::extract::State;
use flows::rfm::{self, RfmAnswer, RfmParams};
use flows::workbench::{self, Workbench};
use platform::Problem;
use platform::http::{Cx, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_rfm)).routes(routes!(get_workbench))
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

//! Customers as lists and cards show them: profile, orders and scores together.

use axum::Json;
use axum::extract::State;
use flows::list_customers::{self, CustomerPage, CustomerParams};
use platform::Problem;
use platform::http::{Cx, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A page of customers.
#[utoipa::path(get, path = "/customers", tag = "customers", params(CustomerParams),
    responses((status = 200, body = CustomerPage), Problem))]
async fn list(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<CustomerParams>,
) -> Result<Json<CustomerPage>, Problem> {
    params.check().map_err(Problem::validation)?;
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(list_customers::list_customers(&engine, &cx, &params).await?))
}

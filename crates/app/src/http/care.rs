//! The care calendar.

use axum::Json;
use axum::extract::State;
use flows::care::{self, CareCalendar, CareParams};
use platform::Problem;
use platform::http::{Cx, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_care))
}

/// Whom to care for on each day: festivals, birthdays, anniversaries of first orders
#[utoipa::path(get, path = "/customers/care", tag = "customers",
    extensions(("x-right" = json!("customers.read"))), params(CareParams),
    responses((status = 200, body = CareCalendar), Problem))]
async fn get_care(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<CareParams>,
) -> Result<Json<CareCalendar>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let calendar = care::care(&engine, &cx, &params).await?;
    let people = calendar.days.iter().map(|day| day.birthdays.len() + day.anniversaries.len());
    state.token_lists.give(&state.platform, &cx, people.sum()).await?;
    Ok(Json(calendar))
}

//! The search of the frame.

use axum::Json;
use axum::extract::State;
use flows::search::{self, SearchParams, SearchResults};
use platform::Problem;
use platform::http::{Cx, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Longest text looked for, in characters.
const Q_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(find))
}

/// A few customers and orders for one text.
#[utoipa::path(get, path = "/search", tag = "platform",
    extensions(("x-right" = json!("customers.read"))), params(SearchParams),
    responses((status = 200, body = SearchResults), Problem))]
async fn find(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<SearchParams>,
) -> Result<Json<SearchResults>, Problem> {
    let q = params.q.unwrap_or_default();
    if q.chars().count() > Q_MAX {
        return Err(Problem::field("q", format!("must be at most {Q_MAX} characters")));
    }
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(search::search(&engine, &cx, &q).await?))
}

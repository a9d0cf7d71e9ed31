//! The whole interface: routes of the modules and of this crate, and what stands around them.

mod around;
mod audiences;
mod audit;
mod care;
mod commerce;
mod consents;
mod customers;
mod document;
mod erasure;
mod exports;
pub mod guard;
mod identities;
mod imports;
mod insight;
mod intent;
mod language;
pub mod limits;
mod loyalty;
mod people;
mod person_requests;
mod retention;
mod search;
mod settings;
mod tags;
mod web;

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use platform::Problem;
use platform::http::{JSON_LIMIT_BYTES, run_to_end, with_request_id};
use platform::keys::Columns;
use platform::telemetry::{self, access_log};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::modules::{modules, published, sealed};
use crate::state::AppState;

/// Where the interface begins.
pub const API: &str = "/api/v1";
/// How long a request may take until its answer begins. Uploads have no such limit: they end when
/// no data came for a while.
const ANSWER: Duration = Duration::from_secs(60);

/// Routes that cross modules: one file of this folder for each, one line here.
fn crossing() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(imports::routes())
        .merge(insight::routes())
        .merge(audiences::routes())
        .merge(intent::routes())
        .merge(customers::routes())
        .merge(care::routes())
        .merge(identities::routes())
        .merge(commerce::routes())
        .merge(search::routes())
        .merge(settings::routes())
        .merge(audit::routes())
        .merge(people::routes())
        .merge(consents::routes())
        .merge(erasure::routes())
        .merge(exports::routes())
        .merge(person_requests::routes())
        .merge(retention::routes())
        .merge(loyalty::routes())
        .merge(tags::routes())
}

/// Everything below `/api/v1`, without what stands around it. The modules' routes see the platform.
fn api(state: &AppState) -> OpenApiRouter<AppState> {
    modules().iter().fold(crossing(), |api, module| {
        api.merge((module.routes)().with_state::<AppState>(state.platform.clone()))
    })
}

/// The interface as OpenAPI 3.1. Needs no data.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut all = crossing().into_openapi();
    for module in modules() {
        all.merge((module.routes)().into_openapi());
    }
    document::finish(OpenApi::default().nest(API, all))
}

/// What `guanxi serve` answers: interface, health, pages.
///
/// # Errors
/// When the metrics of this process belong to somebody else.
pub fn router(state: &AppState) -> anyhow::Result<Router> {
    let pages = web::routes(&state.platform);
    Ok(around(state, guarded(state, api_router(state)).merge(pages)).merge(health(state)?))
}

/// Health and metrics only: what a worker answers.
///
/// # Errors
/// When the metrics of this process belong to somebody else.
pub fn health(state: &AppState) -> anyhow::Result<Router> {
    let metrics = telemetry::metrics().map_err(anyhow::Error::msg)?;
    Ok(telemetry::routes(state.readiness.clone(), metrics))
}

/// The routes below `/api`, without what stands around them.
pub fn api_router(state: &AppState) -> Router {
    let (api, _) = api(state).split_for_parts();
    let api = api
        .route("/openapi.json", get(openapi_json))
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(Columns(sealed().into())))
        .layer(Extension(published()))
        .with_state(state.clone());
    Router::new()
        .nest(API, api)
        .route("/api", any(no_such_route))
        .route("/api/", any(no_such_route))
        .route("/api/{*rest}", any(no_such_route))
}

/// Puts around `routes` what a request for data passes; the first to see it is the last in this list.
pub fn guarded(state: &AppState, routes: Router) -> Router {
    let platform = state.platform.clone();
    routes
        .layer(DefaultBodyLimit::max(JSON_LIMIT_BYTES))
        .layer(from_fn(guard::guard))
        .layer(from_fn_with_state((platform.clone(), state.edge.clone()), identity::sign_in_layer))
        .layer(from_fn_with_state(platform, run_to_end))
        .layer(from_fn_with_state(ANSWER, around::answer_in_time))
        .layer(from_fn_with_state(
            (state.limits.clone(), state.edge.clone()),
            limits::not_too_often,
        ))
}

/// Puts around `routes` what every request passes, those for pages included.
pub fn around(state: &AppState, routes: Router) -> Router {
    routes
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn_with_state(state.edge.behind_proxy, around::security_headers))
        .layer(from_fn(access_log))
        .layer(from_fn_with_state(state.platform.clone(), with_request_id))
}

async fn openapi_json() -> Response {
    static TEXT: LazyLock<Bytes> =
        LazyLock::new(|| serde_json::to_vec(&openapi()).unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.clone()).into_response()
}

async fn no_such_route() -> Response {
    Problem::not_found("route").into_response()
}

async fn method_not_allowed() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This route does not take this method",
    )
    .into_response()
}

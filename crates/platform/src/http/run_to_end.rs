//! A handler runs to its end even if the client goes away.
//!
//! hyper drops the future of a request whose client disconnects, at whatever await it stands. A
//! use case would stop between two statements, and a cancelled `begin()` can leave a transaction
//! open (sqlx #4385, #4394). So the handler runs in a task of its own.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::future::Either;
use tower_http::timeout::TimeoutBody;
use tracing::Instrument as _;

use crate::{Platform, Problem};

/// How long the next piece of a request's body may take. Nothing may hold a handler for ever.
const BODY_IDLE: Duration = Duration::from_secs(30);
/// Longest request id taken from outside, in bytes.
const REQUEST_ID_MAX: usize = 64;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// Names one request in answers and in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// The id of the request that runs here, if one does.
#[must_use]
pub fn current_request_id() -> Option<String> {
    REQUEST_ID.try_with(|id| id.0.clone()).ok()
}

/// Middleware: takes `X-Request-Id` from a proxy or makes one, and gives it back in the answer.
pub async fn with_request_id(
    State(platform): State<Platform>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = request
        .headers()
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| is_request_id(text))
        .map(str::to_owned);
    let id =
        RequestId(given.unwrap_or_else(|| platform.ids.uuid(platform.now()).simple().to_string()));
    request.extensions_mut().insert(id.clone());
    let header = HeaderValue::from_str(&id.0);
    let span = tracing::info_span!("request", id = %id.0);
    let mut response = REQUEST_ID.scope(id, next.run(request)).instrument(span).await;
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

fn is_request_id(text: &str) -> bool {
    (1..=REQUEST_ID_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Middleware: runs what is inside in a task of its own. A client that goes away cancels nothing; a
/// body that stalls ends after 30 s; a panic becomes a 500.
pub async fn run_to_end(
    State(platform): State<Platform>,
    request: Request,
    next: Next,
) -> Response {
    let request = request.map(|body| Body::new(TimeoutBody::new(BODY_IDLE, body)));
    let work = next.run(request);
    // A new task has no task-locals: carry the id over.
    let work = match REQUEST_ID.try_with(Clone::clone) {
        Ok(id) => Either::Left(REQUEST_ID.scope(id, work)),
        Err(_) => Either::Right(work),
    };
    match platform.requests.spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(error) => Problem::internal(&error).into_response(),
    }
}

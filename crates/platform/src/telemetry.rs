//! Log, metrics, health: what an operator sees. No personal data, no query strings.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Bounds of the latency histograms, in seconds.
const LATENCY_BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins to log to standard error: `RUST_LOG`, or `info`. A second call does nothing.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,hyper=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Fails only when there is a subscriber already.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// The recorder of this process; installed at the first call.
///
/// # Errors
/// When another recorder was installed before.
pub fn metrics() -> Result<PrometheusHandle, String> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets(&LATENCY_BOUNDS)
                .and_then(PrometheusBuilder::install_recorder)
                .map_err(|error| error.to_string())
        })
        .clone()
}

/// Middleware: one log line and the metrics of each request. Inside
/// [`crate::http::with_request_id`], on routes (so that the path is the route's, without ids).
pub async fn access_log(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    tracing::info!(
        method = method.as_str(),
        route,
        status,
        ms = (seconds * 1e3).round(),
        "request"
    );
    let labels =
        [("method", method.as_str().to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("guanxi_http_requests_total", &labels).increment(1);
    metrics::histogram!("guanxi_http_request_seconds", &labels[..2]).record(seconds);
    response
}

/// Which parts of the program are ready; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Readiness {
    /// A part that is not ready yet. Until it says so, the program is not.
    #[must_use]
    pub fn part(&self, name: &'static str) -> ReadyFlag {
        let flag = ReadyFlag { readiness: self.clone(), name };
        flag.set(false);
        flag
    }

    /// Each part, and whether it is ready.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<&'static str, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether all parts are ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.parts().values().all(|ready| *ready)
    }
}

/// One part's say.
#[derive(Debug, Clone)]
pub struct ReadyFlag {
    readiness: Readiness,
    name: &'static str,
}

impl ReadyFlag {
    /// Says whether this part is ready.
    pub fn set(&self, ready: bool) {
        let mut parts = self.readiness.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(self.name, ready);
    }
}

/// `/healthz`, `/readyz` and `/metrics`, outside `/api/v1`.
pub fn routes(readiness: Readiness, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz).with_state(readiness))
        .route(
            "/metrics",
            get(async move || {
                let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
                (kind, metrics.render())
            }),
        )
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "ready": ready, "parts": readiness.parts() });
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_part_says_so() {
        let readiness = Readiness::default();
        let (data, engine) = (readiness.part("data"), readiness.part("engine"));
        data.set(true);
        assert!(!readiness.is_ready());
        engine.set(true);
        assert!(readiness.is_ready());
        data.set(false);
        assert!(!readiness.is_ready());
    }
}

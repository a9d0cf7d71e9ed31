//! What handlers of this crate may use; the modules' handlers see the [`Platform`] in it.

use axum::extract::FromRef;
use identity::Edge;
use platform::Platform;
use platform::telemetry::Readiness;

/// The state of routers that cross modules; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// Database, keys, time, ids, live bus.
    pub platform: Platform,
    /// What the edge of this process knows: setup code, proxy.
    pub edge: Edge,
    /// Which parts are ready; `/readyz`.
    pub readiness: Readiness,
}

impl AppState {
    /// The state around `platform`; nothing is awaited by `/readyz` yet.
    #[must_use]
    pub fn new(platform: Platform, edge: Edge) -> Self {
        Self { platform, edge, readiness: Readiness::default() }
    }
}

impl FromRef<AppState> for Platform {
    fn from_ref(state: &AppState) -> Self {
        state.platform.clone()
    }
}

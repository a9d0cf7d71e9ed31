//! What handlers of this crate may use; the modules' handlers see the [`Platform`] in it.

use axum::extract::FromRef;
use flows::engine::Engines;
use flows::loyalty::checkout::Checkout;
use identity::Edge;
use kernel::OrgId;
use platform::Platform;
use platform::telemetry::Readiness;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::TokenLists;
use crate::http::limits::Limits;

/// The state of routers that cross modules; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// Database, keys, time, ids, live bus.
    pub platform: Platform,
    /// What the edge of this process knows: setup code, proxy.
    pub edge: Edge,
    /// How often one caller may ask; without a limit unless set.
    pub limits: Limits,
    /// Which parts are ready; `/readyz`.
    pub readiness: Readiness,
    /// The customer engines of this process.
    pub engines: Engines,
    /// What lists gave to API tokens today.
    pub token_lists: TokenLists,
    /// What checkouts of this process share.
    pub checkout: Checkout,
}

impl AppState {
    /// The state around `platform`; nothing is awaited by `/readyz` yet.
    #[must_use]
    pub fn new(platform: Platform, edge: Edge) -> Self {
        let engines = Engines::new(platform.clone());
        let limits = Limits::default();
        let (readiness, token_lists) = (Readiness::default(), TokenLists::default());
        let checkout = Checkout::default();
        Self { platform, edge, limits, readiness, engines, token_lists, checkout }
    }

    /// The same with limits.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Loads the customer engine and keeps it true until `stop`; `/readyz` waits for the first.
    #[must_use]
    pub fn follow(&self, stop: CancellationToken) -> JoinHandle<()> {
        let engine = self.engines.of(OrgId::FIRST);
        let flag = self.readiness.part("customers");
        tokio::spawn(async move {
            let mut progress = engine.progress();
            let run = engine.run(stop);
            tokio::pin!(run);
            tokio::select! {
                () = &mut run => return,
                _ = progress.wait_for(|progress| progress.ready) => flag.set(true),
            }
            run.await;
        })
    }
}

impl FromRef<AppState> for Platform {
    fn from_ref(state: &AppState) -> Self {
        state.platform.clone()
    }
}

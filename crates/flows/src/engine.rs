//! The customer engine of each organisation: loaded once, then fed by events, always there to ask.

mod feed;
mod follow;
mod live;
mod saved;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use analytics::{CapacityError, Engine, Snapshot};
use kernel::OrgId;
use platform::{Ctx, DbError, Platform, Position, Scope};
use tokio::sync::watch;

pub use feed::ShopBook;
pub use follow::CaughtUp;
pub(crate) use saved::distrust;

/// How long a request waits for an engine that is being loaded.
const READY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a list waits until it shows what was written just before.
const FRESH_PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits while much is being written, which it need not show to the last row.
const BUSY_PATIENCE: Duration = Duration::from_millis(50);

/// Why the engine cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It is being loaded.
    #[error("the customers are being read; try again in a moment")]
    NotReady,
    /// More than it can hold.
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Its thread ended; a bug.
    #[error("the customer engine: {0}")]
    Broken(String),
}

/// How far an engine is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether it was loaded.
    pub ready: bool,
    /// Events up to here are in it.
    pub position: Position,
    /// Commits of this process up to this count are in it.
    pub commits: u64,
    /// Whether much is arriving just now.
    pub busy: bool,
    /// Rises whenever answers may have changed.
    pub version: u64,
}

/// The engine of one organisation; cheap to clone.
#[derive(Clone)]
pub struct EngineHandle(Arc<Inner>);

struct Inner {
    platform: Platform,
    scope: Scope,
    engine: RwLock<Engine>,
    shops: RwLock<Arc<ShopBook>>,
    progress: watch::Sender<Progress>,
    values: crate::value::Kept,
    analyses: crate::analysis::Analyses,
    counted: crate::audiences::Counted,
    /// One at a time loads or catches up.
    turn: tokio::sync::Mutex<follow::Turn>,
}

impl EngineHandle {
    /// An engine of `org` that is not loaded yet.
    #[must_use]
    pub fn new(platform: Platform, org: OrgId) -> Self {
        Self(Arc::new(Inner {
            platform,
            scope: Scope::system(org),
            engine: RwLock::new(Engine::new()),
            shops: RwLock::default(),
            progress: watch::Sender::default(),
            values: crate::value::Kept::default(),
            analyses: crate::analysis::Analyses::default(),
            counted: crate::audiences::Counted::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// An engine loaded now, from disk if it is there, and not fed any further, for a command that asks once.
    ///
    /// # Errors
    /// As the database says; `Capacity` if there is too much.
    pub async fn load(platform: &Platform, scope: Scope) -> Result<Self, EngineError> {
        let handle = Self::new(platform.clone(), scope.org());
        handle.begin().await?;
        Ok(handle)
    }

    /// The engine of this process, or where it serves none one that is read for this alone.
    ///
    /// # Errors
    /// As [`EngineHandle::load`].
    pub async fn of_process(
        engines: &Engines,
        platform: &Platform,
        cx: &Ctx,
    ) -> Result<Self, EngineError> {
        let engine = engines.of(cx.scope.org());
        if engine.is_ready() {
            return Ok(engine);
        }
        Self::load(platform, cx.scope).await
    }

    /// Asks the engine; under a read lock, so `ask` should take no longer than some milliseconds.
    pub fn ask<T>(&self, ask: impl FnOnce(&Engine) -> T) -> T {
        ask(&self.read())
    }

    /// Asks the engine something that takes longer, on a thread of its own.
    ///
    /// # Errors
    /// `Broken` if `ask` panics.
    pub async fn ask_long<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let handle = self.clone();
        apart(move || ask(&handle.read())).await
    }

    /// Asks the engine as it is now something that may take seconds, on a thread of its own and without
    /// keeping changes and other questions waiting.
    ///
    /// # Errors
    /// `Broken` if `ask` panics.
    pub async fn ask_apart<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Snapshot) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let snapshot = self.read().snapshot();
        apart(move || ask(&snapshot)).await
    }

    /// How far it is, and changes of that.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.0.progress.subscribe()
    }

    /// Whether it was loaded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.progress.borrow().ready
    }

    /// Waits until everything that this process wrote before the call is in the engine, so that a
    /// list right after a write shows it. While much is being written it does not wait for the last
    /// of it, and beyond two seconds it gives what there is.
    ///
    /// # Errors
    /// `NotReady` if the engine is still being loaded after ten seconds.
    pub async fn fresh(&self) -> Result<(), EngineError> {
        let wanted = *self.0.platform.db.commits().borrow();
        let now = *self.0.progress.borrow();
        if now.ready && now.commits >= wanted {
            return Ok(());
        }
        let mut progress = self.progress();
        if !now.ready {
            let loaded = progress.wait_for(|progress| progress.ready);
            let in_time = tokio::time::timeout(READY_PATIENCE, loaded).await;
            if !matches!(in_time, Ok(Ok(_))) {
                return Err(EngineError::NotReady);
            }
        }
        let patience = if progress.borrow().busy { BUSY_PATIENCE } else { FRESH_PATIENCE };
        let applied = progress.wait_for(|progress| progress.commits >= wanted);
        // Late is no error: the answer is a moment old.
        drop(tokio::time::timeout(patience, applied).await);
        Ok(())
    }

    /// Waits until the events up to `position` are in the engine; says whether they are.
    pub async fn wait_until(&self, position: Position, patience: Duration) -> bool {
        let mut progress = self.progress();
        let applied = progress.wait_for(|progress| progress.ready && progress.position >= position);
        matches!(tokio::time::timeout(patience, applied).await, Ok(Ok(_)))
    }

    /// The database, keys and clock it stands on.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.0.platform
    }

    /// The organisation, as the program itself.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// The shops, by number, as of the last change of data.
    #[must_use]
    pub fn shops(&self) -> Arc<ShopBook> {
        self.0.shops.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The expectations computed last.
    pub(crate) fn values(&self) -> &crate::value::Kept {
        &self.0.values
    }

    /// What analyses of all orders computed last.
    pub(crate) fn analyses(&self) -> &crate::analysis::Analyses {
        &self.0.analyses
    }

    /// Audiences counted lately.
    pub(crate) fn counted(&self) -> &crate::audiences::Counted {
        &self.0.counted
    }

    fn ctx(&self) -> Ctx {
        self.0.platform.ctx(self.0.scope)
    }

    fn read(&self) -> RwLockReadGuard<'_, Engine> {
        self.0.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Engine> {
        self.0.engine.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_shops(&self, shops: ShopBook) {
        *self.0.shops.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shops);
    }
}

/// Does `work` on a thread that may take its time.
///
/// # Errors
/// `Broken` if it panics.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Broken(error.to_string()))
}

impl std::fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineHandle")
            .field("scope", &self.0.scope)
            .field("progress", &*self.0.progress.borrow())
            .finish_non_exhaustive()
    }
}

/// The engines of this process.
#[derive(Debug, Clone)]
pub struct Engines {
    platform: Platform,
    known: Arc<Mutex<HashMap<OrgId, EngineHandle>>>,
}

impl Engines {
    /// None yet.
    #[must_use]
    pub fn new(platform: Platform) -> Self {
        Self { platform, known: Arc::default() }
    }

    /// The engine of `org`. Whoever serves it spawns [`EngineHandle::run`] once.
    #[must_use]
    pub fn of(&self, org: OrgId) -> EngineHandle {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(org).or_insert_with(|| EngineHandle::new(self.platform.clone(), org)).clone()
    }

    /// Whether all engines asked for so far were loaded.
    #[must_use]
    pub fn are_ready(&self) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().all(EngineHandle::is_ready)
    }
}

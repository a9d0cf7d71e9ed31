//! Serving: listener, workers, and the end of both.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use flows::loyalty::{coupons, simulate};
use flows::{
    award_birthdays, erase_again, intent, settle_levels, settle_points, settle_tags, take_exports,
};
use platform::jobs::{JobRunner, RunnerOptions};
use platform::keys::{ROTATE, RotateJob};
use platform::outbox::DeliveryOptions;
use platform::webhooks::Relay;
use platform::{Background, JobHandler, Subscriber, audit, backup, housekeeping, outbox};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clean_job;
use crate::export_job;
use crate::gift_job;
use crate::import_job;
use crate::intent_job;
use crate::merge_job;
use crate::modules::{modules, published, sealed};
use crate::note_job;
use crate::retention_job;
use crate::simulate_job;
use crate::state::AppState;
use crate::{Boot, http};

/// How long requests may take to end once the program stops.
const REQUESTS: Duration = Duration::from_secs(5);
/// How long jobs and deliveries may take to reach a good place; at the same time as the requests.
const WORK: Duration = Duration::from_secs(7);

/// What one process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    #[default]
    All,
    /// The interface and the pages.
    Api,
    /// Jobs, events, housekeeping.
    Worker,
    /// The interface, for analysis; behind a proxy that sends `/api/v1/insight` here.
    Insight,
}

impl Role {
    /// Whether it answers more than health.
    #[must_use]
    pub const fn serves(self) -> bool {
        !matches!(self, Self::Worker)
    }

    /// Whether it runs jobs and delivers events.
    #[must_use]
    pub const fn works(self) -> bool {
        matches!(self, Self::All | Self::Worker)
    }
}

/// What runs beside the requests.
pub struct Workers {
    jobs: JobRunner,
    background: Vec<Background>,
}

impl Workers {
    /// Starts the jobs and subscribers of all modules, and housekeeping.
    #[must_use]
    pub fn start(state: &AppState) -> Self {
        let platform = &state.platform;
        let mut handlers: BTreeMap<&'static str, Arc<dyn JobHandler>> = BTreeMap::new();
        let mut subscribers: Vec<Arc<dyn Subscriber>> = Vec::new();
        handlers.insert(clean_job::CLEAN, Arc::new(clean_job::CleanUploads));
        let exports = export_job::MakeExport::new(state.engines.clone());
        handlers.insert(take_exports::EXPORT, Arc::new(exports));
        let gifts = gift_job::GiftCoupons::new(state.engines.clone());
        handlers.insert(coupons::GIFT, Arc::new(gifts));
        handlers.insert(import_job::IMPORT, Arc::new(import_job::RunImport));
        handlers.insert(import_job::UNDO, Arc::new(import_job::UndoImport));
        let trainer = intent_job::TrainIntent::new(state.engines.clone());
        handlers.insert(intent::TRAIN, Arc::new(trainer));
        let watcher = intent_job::WatchIntent::new(state.engines.clone());
        handlers.insert(intent::WATCH, Arc::new(watcher));
        let simulator = simulate_job::Simulate::new(state.engines.clone());
        handlers.insert(simulate::SIMULATE, Arc::new(simulator));
        handlers.insert(merge_job::MERGE, Arc::new(merge_job::MergeByItself));
        handlers.insert(backup::NOTE_ERASURES, Arc::new(note_job::NoteErasures));
        handlers.insert(retention_job::RETENTION, Arc::new(retention_job::ApplyRetention));
        handlers.insert(ROTATE, Arc::new(RotateJob { columns: sealed() }));
        handlers.insert(settle_points::SETTLE, Arc::new(settle_points::SettleAll));
        subscribers.push(Arc::new(settle_points::SettlePoints));
        handlers.insert(award_birthdays::AWARD, Arc::new(award_birthdays::AwardBirthdays));
        handlers.insert(settle_levels::SETTLE, Arc::new(settle_levels::SettleAllLevels));
        subscribers.push(Arc::new(settle_levels::SettleLevels));
        handlers.insert(settle_tags::SETTLE, Arc::new(settle_tags::SettleTags));
        subscribers.push(Arc::new(settle_tags::FollowAudiences));
        subscribers.push(Arc::new(Relay::new(&published())));
        for module in modules() {
            handlers.extend(module.jobs);
            subscribers.extend(module.subscribers);
        }
        Self {
            jobs: JobRunner::start(platform, handlers, RunnerOptions::default()),
            background: vec![
                outbox::start(platform, subscribers, &DeliveryOptions::default()),
                housekeeping::start(platform),
                audit::start(platform),
            ],
        }
    }

    /// Stops them, at a good place if they reach one in time.
    pub async fn stop(self) {
        let background = self.background.into_iter().map(|background| background.stop(WORK));
        tokio::join!(self.jobs.stop(WORK), futures::future::join_all(background));
    }
}

/// A listener that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds `listen` (`127.0.0.1:8420`, `[::]:8420`, `localhost:0`).
    ///
    /// # Errors
    /// When the address is taken, or none of this machine.
    pub async fn bind(listen: &str) -> Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}; try another --listen"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens; the real port if 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8420`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers with `router` and runs the workers of `role` until `stop`; then lets requests and work
    /// come to their end and closes the data. Takes at most about ten seconds for that.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run(
        self,
        boot: &Boot,
        state: &AppState,
        router: Router,
        role: Role,
        stop: CancellationToken,
    ) -> Result<()> {
        if role.works()
            && let Err(error) = clean_job::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "uploads are cleaned when the server starts again");
        }
        if role.works()
            && let Err(error) = retention_job::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "retention rules are applied when the server starts again");
        }
        if role.works()
            && let Err(error) = intent_job::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "models are watched when the server starts again");
        }
        if role.works()
            && let Err(error) = loyalty::points::jobs::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "points are released and expired when the server starts again");
        }
        if role.works()
            && let Err(error) = award_birthdays::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "points for birthdays are given when the server starts again");
        }
        if role.works()
            && let Err(error) = loyalty::jobs::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "reservations, coupons and promotions end when the server starts again");
        }
        if role.works()
            && let Err(error) = loyalty::levels::jobs::begin(&boot.platform, &boot.ctx()).await
        {
            tracing::warn!(%error, "levels move with time when the server starts again");
        }
        if role.works() && state.platform.backups.is_some() {
            if let Err(error) = backup::begin(&state.platform, &boot.ctx()).await {
                tracing::warn!(%error, "backups begin when the server starts again");
            }
            if let Err(error) = erase_again::note_soon(&state.platform, &boot.ctx()).await {
                tracing::warn!(%error, "erasures are noted when the server starts again");
            }
        }
        let workers = role.works().then(|| Workers::start(state));
        let following = role.serves().then(|| state.follow(stop.clone()));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let stopping = stop.clone();
        let serving = axum::serve(self.listener, service)
            .with_graceful_shutdown(async move { stopping.cancelled().await });
        let mut serving = tokio::spawn(serving.into_future());
        let served = tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = &mut serving => ended.context("the listener broke").and_then(|end| Ok(end?)),
        };
        stop.cancel();
        state.platform.live.close();
        let requests = async {
            // With no connection open it has ended already, and must not be asked again.
            let ended = async { serving.is_finished() || (&mut serving).await.is_ok() };
            if tokio::time::timeout(REQUESTS, ended).await.is_err() {
                tracing::warn!("some connections did not end in time and are cut off");
                serving.abort();
            }
            if !state.platform.drain(REQUESTS).await {
                tracing::warn!("some requests did not end in time and are cut off");
            }
        };
        let work = async {
            if let Some(workers) = workers {
                workers.stop().await;
            }
            if let Some(following) = following {
                drop(following.await);
            }
        };
        let all = async { tokio::join!(requests, work) };
        // Connections and handlers share one span of time, whichever of them is slow.
        if tokio::time::timeout(WORK + Duration::from_secs(1), all).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
        boot.close().await;
        served
    }
}

/// The routes that `role` answers.
///
/// # Errors
/// When the metrics of this process belong to somebody else.
pub fn routes_of(role: Role, state: &AppState) -> Result<Router> {
    if role.serves() { http::router(state) } else { http::health(state) }
}

/// A token that is cancelled by Ctrl-C or SIGTERM. A second one ends the process at once.
///
/// # Errors
/// When signals cannot be heard.
pub fn stop_on_signals() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping");
        told.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(stop)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

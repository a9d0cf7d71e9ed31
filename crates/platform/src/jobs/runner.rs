//! Runs jobs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{JobId, Timestamp};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::store::{self, JobState, Lease};
use super::{JobError, JobHandler, JobOutcome};
use crate::background::backoff_millis;
use crate::live::Topic;
use crate::{DbError, Platform};

/// How jobs are run.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// How many at once.
    pub concurrency: usize,
    /// How often to look for what other processes enqueued, and for jobs whose time has come.
    pub poll: Duration,
    /// How long a lease holds without a sign of life, in milliseconds.
    pub lease_millis: i64,
    /// How often a running job gives a sign of life.
    pub heartbeat: Duration,
    /// Wait after the first failure; doubled each time.
    pub backoff_millis: i64,
    /// Longest wait between attempts.
    pub backoff_cap_millis: i64,
}

impl Default for RunnerOptions {
    /// Ten attempts take about half an hour; jobs of a killed process run again after 15 s.
    fn default() -> Self {
        Self {
            concurrency: 2,
            poll: Duration::from_millis(250),
            lease_millis: 15_000,
            heartbeat: Duration::from_secs(5),
            backoff_millis: 2_000,
            backoff_cap_millis: 600_000,
        }
    }
}

/// Kinds of jobs and who runs them.
pub type Handlers = BTreeMap<&'static str, Arc<dyn JobHandler>>;

/// Commits within this time wake the runner once.
const GATHER: Duration = Duration::from_millis(5);
/// Wait after the database failed.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How often the end of a job is noted before it is left to the end of its lease.
const SETTLE_ATTEMPTS: u32 = 5;

/// Runs jobs until it is stopped. Any number of processes may do so at once.
#[must_use = "dropping it cuts the running jobs off"]
pub struct JobRunner {
    inner: Arc<Inner>,
    stop: CancellationToken,
    main: AbortOnDropHandle<JoinSet<()>>,
}

struct Inner {
    platform: Platform,
    handlers: Handlers,
    kinds: Vec<&'static str>,
    options: RunnerOptions,
    stop: CancellationToken,
    running: Mutex<BTreeMap<JobId, Lease>>,
    slots: Arc<Semaphore>,
}

impl JobRunner {
    /// Begins to run the jobs that have a handler; others are left to other processes.
    pub fn start(platform: &Platform, handlers: Handlers, options: RunnerOptions) -> Self {
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner {
            platform: platform.clone(),
            kinds: handlers.keys().copied().collect(),
            handlers,
            slots: Arc::new(Semaphore::new(options.concurrency.max(1))),
            options,
            stop: stop.clone(),
            running: Mutex::default(),
        });
        let main = AbortOnDropHandle::new(tokio::spawn(inner.clone().run_all()));
        Self { inner, stop, main }
    }

    /// Takes no more jobs, asks the running ones to stop, and gives them `grace` to do so. Those that
    /// do not are cut off and wait again, without this attempt counted.
    pub async fn stop(self, grace: Duration) {
        self.stop.cancel();
        let Self { inner, main, .. } = self;
        let all = async {
            if let Ok(mut tasks) = main.await {
                while tasks.join_next().await.is_some() {}
            }
        };
        // Dropping the tasks ends them and the handlers in them.
        let _ = tokio::time::timeout(grace, all).await;
        let cut_off = std::mem::take(&mut *inner.running.lock().await);
        for lease in cut_off.into_values() {
            tracing::warn!(job = %lease.job.id, kind = lease.job.kind, "a job was cut off");
            inner.settle(&lease, Err(JobError::Cancelled)).await;
        }
    }
}

impl Inner {
    async fn run_all(self: Arc<Self>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let mut commits = self.platform.db.commits();
        loop {
            let slot = tokio::select! {
                biased;
                () = self.stop.cancelled() => return tasks,
                slot = self.slots.clone().acquire_owned() => slot,
            };
            // The semaphore is never closed.
            let Ok(slot) = slot else { return tasks };
            while tasks.try_join_next().is_some() {}
            commits.mark_unchanged();
            let pause = match self.take().await {
                Ok(Some(lease)) => {
                    tasks.spawn(self.clone().run_one(lease, slot));
                    continue;
                }
                Ok(None) => self.options.poll,
                Err(error) => {
                    tracing::warn!(%error, "cannot look for jobs");
                    AFTER_ERROR
                }
            };
            drop(slot);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                changed = commits.changed() => {
                    if changed.is_ok() {
                        tokio::time::sleep(GATHER).await;
                    }
                }
            }
        }
    }

    async fn take(&self) -> Result<Option<Lease>, DbError> {
        if self.kinds.is_empty() {
            return Ok(None);
        }
        let db = &self.platform.db;
        let now = self.platform.now();
        let mut tx = db.read_wide().await?;
        let due = store::is_due(&mut tx, &self.kinds, now).await?;
        tx.rollback().await?;
        if !due {
            return Ok(None);
        }
        let token = self.platform.ids.uuid(now);
        let mut tx = db.begin_wide().await?;
        let lease =
            store::claim(&mut tx, &self.kinds, token, now, self.options.lease_millis).await?;
        tx.commit().await?;
        if let Some(lease) = &lease {
            self.running.lock().await.insert(lease.job.id, lease.clone());
        }
        Ok(lease)
    }

    async fn run_one(self: Arc<Self>, lease: Lease, slot: OwnedSemaphorePermit) {
        self.tell(&lease).await;
        let result = self.work(&lease).await;
        self.settle(&lease, result).await;
        let mut running = self.running.lock().await;
        if running.get(&lease.job.id).is_some_and(|known| known.token == lease.token) {
            running.remove(&lease.job.id);
        }
        drop(running);
        drop(slot);
    }

    /// Runs the handler in a task of its own, so that its panic stays its own and the heartbeat goes
    /// on while it computes.
    async fn work(&self, lease: &Lease) -> Result<JobOutcome, JobError> {
        let Some(handler) = self.handlers.get(lease.job.kind.as_str()).cloned() else {
            return Err(JobError::Fatal(format!("nobody runs jobs of kind {}", lease.job.kind)));
        };
        let cancel = self.stop.child_token();
        let mut work = {
            let (platform, job, cancel) =
                (self.platform.clone(), lease.job.clone(), cancel.clone());
            AbortOnDropHandle::new(tokio::spawn(async move {
                handler.run(&platform, &job, cancel).await
            }))
        };
        let mut beat = tokio::time::interval(self.options.heartbeat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        beat.tick().await;
        loop {
            tokio::select! {
                result = &mut work => return result.unwrap_or_else(|error| {
                    Err(JobError::Retry(match error.try_into_panic() {
                        Ok(panic) => {
                            format!("panicked: {}", crate::background::panic_text(&*panic))
                        }
                        Err(error) => error.to_string(),
                    }))
                }),
                _ = beat.tick() => match self.renew(lease).await {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::warn!(job = %lease.job.id, "the lease of a job was lost");
                        cancel.cancel();
                    }
                    Err(error) => tracing::warn!(%error, job = %lease.job.id, "no heartbeat"),
                },
            }
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, DbError> {
        let mut tx = self.platform.db.begin_for(lease.job.scope).await?;
        let until = self.platform.now().plus_millis(self.options.lease_millis);
        let renewed = store::renew(&mut tx, lease, until).await?;
        if renewed {
            tx.commit().await?
        } else {
            tx.rollback().await?
        }
        Ok(renewed)
    }

    async fn settle(&self, lease: &Lease, result: Result<JobOutcome, JobError>) {
        for attempt in 1..=SETTLE_ATTEMPTS {
            match self.note(lease, &result).await {
                Ok(true) => return self.tell(lease).await,
                Ok(false) => {
                    tracing::warn!(job = %lease.job.id, "a job ended after its lease was lost");
                    return;
                }
                Err(error) if attempt < SETTLE_ATTEMPTS => {
                    tracing::warn!(%error, job = %lease.job.id, "cannot note the end of a job");
                    tokio::time::sleep(AFTER_ERROR).await;
                }
                Err(error) => {
                    tracing::error!(%error, job = %lease.job.id, "a job will run again");
                }
            }
        }
    }

    async fn note(
        &self,
        lease: &Lease,
        result: &Result<JobOutcome, JobError>,
    ) -> Result<bool, DbError> {
        let now = self.platform.now();
        let job = &lease.job;
        let mut tx = self.platform.db.begin_for(job.scope).await?;
        let (noted, outcome) = match result {
            Ok(JobOutcome::Done) => {
                (store::finish(&mut tx, lease, JobState::Done, None, now).await?, "done")
            }
            Ok(JobOutcome::Again(at)) => {
                (store::put_back(&mut tx, lease, *at, 0, None, now).await?, "again")
            }
            Err(JobError::Cancelled) => {
                let attempts = job.attempt.saturating_sub(1);
                (store::put_back(&mut tx, lease, now, attempts, None, now).await?, "cancelled")
            }
            Err(JobError::Retry(error)) if job.attempt < job.max_attempts => {
                tracing::warn!(job = %job.id, kind = job.kind, attempt = job.attempt, error,
                    "a job failed and will be tried again");
                let at = self.next_attempt(now, job.attempt);
                let noted =
                    store::put_back(&mut tx, lease, at, job.attempt, Some(error), now).await?;
                (noted, "failed")
            }
            Err(JobError::Retry(error) | JobError::Fatal(error)) => {
                tracing::error!(job = %job.id, kind = job.kind, attempt = job.attempt, error,
                    "a job is dead");
                (store::finish(&mut tx, lease, JobState::Dead, Some(error), now).await?, "dead")
            }
        };
        tx.commit().await?;
        metrics::counter!("guanxi_jobs_total", "kind" => job.kind.clone(), "result" => outcome)
            .increment(1);
        Ok(noted)
    }

    fn next_attempt(&self, now: Timestamp, attempt: u32) -> Timestamp {
        let RunnerOptions { backoff_millis: base, backoff_cap_millis: cap, .. } = self.options;
        now.plus_millis(backoff_millis(attempt, base, cap, &*self.platform.ids))
    }

    /// Tells open pages; a hint that is lost is no harm.
    async fn tell(&self, lease: &Lease) {
        let scope = lease.job.scope;
        let Ok(mut tx) = self.platform.db.read_for(scope).await else { return };
        if let Ok(Some(view)) = store::get(&mut tx, scope, lease.job.id).await {
            self.platform.live.publish(scope.org(), Topic::Job, &view);
        }
    }
}

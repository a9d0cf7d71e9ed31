//! Models of purchase intent, trained in the background and watched once a day.

use async_trait::async_trait;
use flows::engine::{EngineHandle, Engines};
use flows::intent::{self, IntentRefused, TrainPayload, WATCH};
use platform::jobs::{self, JobOptions};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio_util::sync::CancellationToken;

/// Trains a version that was asked for.
#[derive(Debug, Clone)]
pub struct TrainIntent {
    engines: Engines,
}

/// Looks at drift, trains again where it is time, and does so again a day later.
#[derive(Debug, Clone)]
pub struct WatchIntent {
    engines: Engines,
}

/// Has the watch begin. There is one such job at most; it goes on by itself.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    jobs::enqueue(&mut tx, cx, WATCH, &(), JobOptions::standing("daily")).await?;
    tx.commit().await
}

impl TrainIntent {
    /// With the engines of this process.
    #[must_use]
    pub const fn new(engines: Engines) -> Self {
        Self { engines }
    }
}

impl WatchIntent {
    /// With the engines of this process.
    #[must_use]
    pub const fn new(engines: Engines) -> Self {
        Self { engines }
    }
}

#[async_trait]
impl JobHandler for TrainIntent {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let TrainPayload { model } = job.payload()?;
        let cx = platform.ctx(Scope::system(job.scope.org()));
        let work = async {
            let engine = EngineHandle::of_process(&self.engines, platform, &cx).await?;
            match intent::train(&engine, &cx, model).await {
                Err(error) if job.attempt >= job.max_attempts => {
                    tracing::error!(%error, %model, "a model could not be trained");
                    intent::give_up(&engine, &cx, model, "the program failed; see its log").await
                }
                done => done,
            }
        };
        tokio::select! {
            done = work => done.map_err(JobError::retry)?,
            () = cancel.cancelled() => return Err(JobError::Cancelled),
        }
        Ok(JobOutcome::Done)
    }
}

#[async_trait]
impl JobHandler for WatchIntent {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        let work = async {
            let engine = EngineHandle::of_process(&self.engines, platform, &cx).await?;
            let watched = intent::watch(&engine, &cx).await?;
            tracing::debug!(?watched, "customers are held against the model of purchase intent");
            Ok::<_, IntentRefused>(())
        };
        tokio::select! {
            done = work => done.map_err(JobError::retry)?,
            () = cancel.cancelled() => return Err(JobError::Cancelled),
        }
        Ok(JobOutcome::Again(platform.now().plus_millis(DAY_MILLIS)))
    }
}

//! Simulations of promotions, replayed in the background.

use std::sync::Arc;

use async_trait::async_trait;
use flows::engine::{EngineHandle, Engines};
use flows::loyalty::simulate::{self, SimulateError, SimulatePayload};
use platform::{Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// While one is at work, another one waits so long.
const LATER_MILLIS: i64 = 2_000;

/// Replays a simulation that was asked for.
#[derive(Debug, Clone)]
pub struct Simulate {
    engines: Engines,
    /// One at a time in a process, so that others go on beside it.
    turn: Arc<Semaphore>,
}

impl Simulate {
    /// With the engines of this process.
    #[must_use]
    pub fn new(engines: Engines) -> Self {
        Self { engines, turn: Arc::new(Semaphore::new(1)) }
    }
}

#[async_trait]
impl JobHandler for Simulate {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let Ok(_turn) = self.turn.try_acquire() else {
            let soon = platform.ctx(job.scope).now().plus_millis(LATER_MILLIS);
            return Ok(JobOutcome::Again(soon));
        };
        let SimulatePayload { simulation } = job.payload()?;
        let cx = platform.ctx(Scope::system(job.scope.org()));
        let work = async {
            let engine = EngineHandle::of_process(&self.engines, platform, &cx).await?;
            match simulate::run(&engine, &cx, simulation, &cancel).await {
                Err(SimulateError::Stopped) => Err(SimulateError::Stopped),
                Err(error) if job.attempt >= job.max_attempts => {
                    tracing::error!(%error, %simulation, "a simulation broke off");
                    simulate::give_up(&engine, &cx, simulation, "the program failed; see its log")
                        .await
                }
                done => done,
            }
        };
        match work.await {
            Ok(()) => Ok(JobOutcome::Done),
            Err(SimulateError::Stopped) => Err(JobError::Cancelled),
            Err(error) => Err(JobError::retry(error)),
        }
    }
}

//! Simulations of promotions, replayed in the background.

use async_trait::async_trait;
use flows::engine::{EngineHandle, Engines};
use flows::loyalty::simulate::{self, SimulateError, SimulatePayload};
use platform::{Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio_util::sync::CancellationToken;

/// Replays a simulation that was asked for.
#[derive(Debug, Clone)]
pub struct Simulate {
    engines: Engines,
}

impl Simulate {
    /// With the engines of this process.
    #[must_use]
    pub const fn new(engines: Engines) -> Self {
        Self { engines }
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

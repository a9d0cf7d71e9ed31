//! Exports that are made in the background, and whose files are taken away when their time is over.

use async_trait::async_trait;
use customers::exports::ExportFailure;
use flows::engine::{EngineHandle, Engines};
use flows::take_exports::{self, ExportPayload};
use platform::{Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio_util::sync::CancellationToken;

/// Makes the file of an export, and comes again to take it away.
#[derive(Debug, Clone)]
pub struct MakeExport {
    engines: Engines,
}

impl MakeExport {
    /// With the engines of this process.
    #[must_use]
    pub const fn new(engines: Engines) -> Self {
        Self { engines }
    }
}

#[async_trait]
impl JobHandler for MakeExport {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let ExportPayload { export } = job.payload()?;
        let cx = platform.ctx(Scope::system(job.scope.org()));
        if let Some(at) = take_exports::end(platform, &cx, export).await? {
            return Ok(JobOutcome::Again(at));
        }
        let work = async {
            let engine = EngineHandle::of_process(&self.engines, platform, &cx).await?;
            take_exports::make(&engine, &cx, export).await
        };
        let made = tokio::select! {
            made = work => made,
            () = cancel.cancelled() => return Err(JobError::Cancelled),
        };
        match made {
            Ok(Some(at)) => Ok(JobOutcome::Again(at)),
            Ok(None) => Ok(JobOutcome::Done),
            Err(error) if job.attempt < job.max_attempts => Err(JobError::retry(error)),
            Err(error) => {
                tracing::error!(%error, %export, "an export could not be made");
                let why = ExportFailure::Broke;
                let given_up = take_exports::give_up::<()>(platform, &cx, export, why).await;
                given_up.map_err(JobError::retry)?;
                Ok(JobOutcome::Done)
            }
        }
    }
}

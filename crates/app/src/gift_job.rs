//! Coupons that are given to audiences in the background.

use async_trait::async_trait;
use flows::engine::{EngineHandle, Engines};
use flows::loyalty::coupons::{self, GiftPayload};
use platform::{Job, JobError, JobHandler, JobOutcome, Platform};
use tokio_util::sync::CancellationToken;

/// Carries a gift out; one that was cut off goes on.
#[derive(Debug, Clone)]
pub struct GiftCoupons {
    engines: Engines,
}

impl GiftCoupons {
    /// With the engines of this process.
    #[must_use]
    pub const fn new(engines: Engines) -> Self {
        Self { engines }
    }
}

#[async_trait]
impl JobHandler for GiftCoupons {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let GiftPayload { gift } = job.payload()?;
        let cx = platform.ctx(job.scope);
        let work = async {
            let engine = EngineHandle::of_process(&self.engines, platform, &cx).await?;
            match coupons::run(&engine, &cx, gift).await {
                Err(error) if job.attempt >= job.max_attempts => {
                    tracing::error!(%error, %gift, "coupons could not be given");
                    coupons::fail(&engine, &cx, gift, "the program failed; see its log").await
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

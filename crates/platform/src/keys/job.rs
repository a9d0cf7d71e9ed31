//! Resealing in the background of the server.

use async_trait::async_trait;
use kernel::JobId;
use tokio_util::sync::CancellationToken;

use super::{Sealed, reseal, rotate};
use crate::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Tx};

/// Kind of the job that seals everything anew.
pub const ROTATE: &str = "platform.rotate_keys";

/// Has the job run soon.
pub(super) async fn ask(tx: &mut Tx, cx: &Ctx) -> Result<JobId, DbError> {
    rotate::enqueue(tx, cx).await
}

/// Seals the values of all columns of all modules anew.
#[derive(Debug, Clone)]
pub struct RotateJob {
    /// The columns.
    pub columns: Vec<Sealed>,
}

#[async_trait]
impl JobHandler for RotateJob {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        reseal(platform, &cx, &self.columns, &cancel).await?;
        // A pass that found nothing is the end; otherwise it was told to stop.
        if cancel.is_cancelled() { Err(JobError::Cancelled) } else { Ok(JobOutcome::Done) }
    }
}

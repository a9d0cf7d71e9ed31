//! Removal of what is older than it may be kept, when the server starts and once a day.

use async_trait::async_trait;
use flows::retention;
use platform::jobs::{self, JobOptions};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio_util::sync::CancellationToken;

/// Kind of the job.
pub const RETENTION: &str = "platform.retention";

/// Applies the rules of the organisation, and does so again a day later.
#[derive(Debug, Clone, Copy)]
pub struct ApplyRetention;

/// Has the job run now. There is one such job at most; it goes on by itself.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    jobs::enqueue(&mut tx, cx, RETENTION, &(), JobOptions::standing("daily")).await?;
    tx.commit().await
}

#[async_trait]
impl JobHandler for ApplyRetention {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        let removed = retention::run(platform, &cx, &cancel).await?;
        for one in removed.iter().filter(|one| one.removed > 0) {
            tracing::info!(
                class = one.class.name(),
                removed = one.removed,
                "data whose time was over is gone"
            );
        }
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        Ok(JobOutcome::Again(platform.now().plus_millis(DAY_MILLIS)))
    }
}

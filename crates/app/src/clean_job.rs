//! Cleaning of uploads, when the server starts and once a day.

use async_trait::async_trait;
use flows::clean_uploads::{KEPT_MILLIS, clean_uploads};
use flows::take_exports;
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio_util::sync::CancellationToken;

/// Kind of the job that removes what is left of uploads.
pub const CLEAN: &str = "commerce.clean_uploads";

/// Removes what is left of uploads and exports, and does so again a day later.
#[derive(Debug, Clone, Copy)]
pub struct CleanUploads;

/// Has the job run now. There is one such job at most; it goes on by itself.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let options = JobOptions { unique_key: Some("daily".to_owned()), ..JobOptions::default() };
    jobs::enqueue(&mut tx, cx, CLEAN, &(), options).await?;
    tx.commit().await
}

#[async_trait]
impl JobHandler for CleanUploads {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        _: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        take_exports::tidy(platform, &cx).await?;
        let cleaned = clean_uploads(platform, &cx).await?;
        if cleaned.drafts + cleaned.folders > 0 {
            tracing::info!(?cleaned, "uploads that nobody imported were removed");
        }
        Ok(JobOutcome::Again(platform.now().plus_millis(KEPT_MILLIS)))
    }
}

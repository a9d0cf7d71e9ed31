//! Notes of erasures beside the backups: when the server starts, once a day, and until it goes well after one that
//! failed. A job of its own, so that a folder that takes no notes stops nothing else; what went wrong stands in
//! its `last_error`, which `GET /platform/backups` shows.

use async_trait::async_trait;
use flows::erase_again;
use platform::retention::DAY_MILLIS;
use platform::{Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use tokio_util::sync::CancellationToken;

/// Notes what was not noted because the program ended, or the disk refused, between an erasure and its note.
#[derive(Debug, Clone, Copy)]
pub struct NoteErasures;

#[async_trait]
impl JobHandler for NoteErasures {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        _: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        if let Some(folder) = &platform.backups {
            erase_again::note(platform, &cx, folder).await.map_err(JobError::retry)?;
        }
        Ok(JobOutcome::Again(platform.now().plus_millis(DAY_MILLIS)))
    }
}

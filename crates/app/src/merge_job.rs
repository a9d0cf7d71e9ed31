//! Merging of customers by itself, in the background of the server.

use async_trait::async_trait;
use flows::merge_by_itself::merge_by_itself;
use platform::{DbError, Job, JobError, JobHandler, JobOutcome, Platform};
use tokio_util::sync::CancellationToken;

/// Kind of the job that merges by every open suggestion, once that was turned on.
pub const MERGE: &str = "customers.merge_by_itself";

/// Merges what may be merged without asking.
#[derive(Debug, Clone, Copy)]
pub struct MergeByItself;

#[async_trait]
impl JobHandler for MergeByItself {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let merging = merge_by_itself(platform, job.scope.org());
        let done: Result<usize, DbError> = tokio::select! {
            done = merging => done,
            // What was committed stays; the next run begins again and finds the rest.
            () = cancel.cancelled() => return Err(JobError::Cancelled),
        };
        tracing::info!(merged = done?, "customers were merged by their suggestions");
        Ok(JobOutcome::Done)
    }
}

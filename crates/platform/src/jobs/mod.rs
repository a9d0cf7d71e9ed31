//! Background jobs: stored in the same transaction as the work that wants them, run by whoever holds
//! their lease, tried again with back-off, dead after so many attempts.

mod routes;
mod runner;
mod store;

use async_trait::async_trait;
use kernel::{JobId, Timestamp};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{DbError, Platform, Scope};

pub use routes::routes;
pub use runner::{Handlers, JobRunner, RunnerOptions};
pub use store::{
    JobOptions, JobState, JobView, RetryError, checkpoint, enqueue, get, is_open, list, prune,
    retry,
};
pub(crate) use store::{OpenJob, open_of_kind};

/// A job as its handler gets it.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Organisation and actor of whoever enqueued it.
    pub scope: Scope,
    /// Its kind, `commerce.import`.
    pub kind: String,
    /// What it was enqueued with.
    pub payload: serde_json::Value,
    /// 1 on the first run, also counting runs whose process was killed.
    pub attempt: u32,
    /// How many there may be.
    pub max_attempts: u32,
}

impl Job {
    /// The payload as `T`.
    ///
    /// # Errors
    /// `Fatal` if it is something else: trying again would not help.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        T::deserialize(&self.payload)
            .map_err(|error| JobError::Fatal(format!("the payload cannot be read: {error}")))
    }
}

/// How a run ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOutcome {
    /// All done.
    Done,
    /// Run it again at this time; attempts count from the beginning.
    Again(Timestamp),
}

/// How a run failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JobError {
    /// May go well next time; tried again with back-off until the attempts are used up.
    #[error("{0}")]
    Retry(String),
    /// Will never go well: dead at once.
    #[error("{0}")]
    Fatal(String),
    /// Stopped because its `CancellationToken` said so; runs again, and the attempt does not count.
    #[error("stopped before its end")]
    Cancelled,
}

impl JobError {
    /// A failure that may pass.
    pub fn retry(error: impl std::fmt::Display) -> Self {
        Self::Retry(error.to_string())
    }

    /// A failure that will not.
    pub fn fatal(error: impl std::fmt::Display) -> Self {
        Self::Fatal(error.to_string())
    }
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::retry(error)
    }
}

/// Does the jobs of one kind.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// Runs `job`. It may run more than once (a process can be killed after its work and before this
    /// is noted), so what it does must be the same when done twice.
    ///
    /// `cancel` asks it to stop soon at a good place, because the program ends or the lease was lost.
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError>;
}

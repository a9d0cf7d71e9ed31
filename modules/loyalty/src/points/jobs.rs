//! The job that releases, expires and gives back what is due.

use std::sync::Arc;

use async_trait::async_trait;
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Tx};
use tokio_util::sync::CancellationToken;

use super::programme::{self, Programme};
use super::{due, spend};

/// The kind of the job that does what is due.
pub const DUE: &str = "loyalty.due";
/// Until it looks again.
const EVERY_MILLIS: i64 = 60_000;
/// Reservations given back in one transaction.
const OVERDUE_MAX: u32 = 200;

pub(crate) fn all() -> Vec<(&'static str, Arc<dyn JobHandler>)> {
    vec![(DUE, Arc::new(DueJob))]
}

/// Does all that is due in an organisation, in batches that each commit, so that one that was killed goes on. Gives
/// how many lots and reservations there were.
///
/// # Errors
/// `Cancelled` when `cancel` says so, behind a batch.
pub async fn do_due(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
) -> Result<u64, JobError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let programmes = programme::all(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let mut done = 0;
    for programme in &programmes {
        for step in [Step::Overdue, Step::Release, Step::Expire] {
            loop {
                if cancel.is_cancelled() {
                    return Err(JobError::Cancelled);
                }
                let (count, limit) = step.batch(platform, cx, programme).await?;
                done += count;
                if count < u64::from(limit) {
                    break;
                }
            }
        }
    }
    Ok(done)
}

#[derive(Clone, Copy)]
enum Step {
    Overdue,
    Release,
    Expire,
}

impl Step {
    async fn batch(
        self,
        platform: &Platform,
        cx: &Ctx,
        programme: &Programme,
    ) -> Result<(u64, u32), JobError> {
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let (count, limit) = match self {
            Self::Overdue => {
                let done = spend::cancel_overdue(&mut tx, cx, programme, OVERDUE_MAX).await;
                (done.map_err(JobError::retry)?, OVERDUE_MAX)
            }
            Self::Release => {
                (due::release_due(&mut tx, cx, programme, due::BATCH_MAX).await?, due::BATCH_MAX)
            }
            Self::Expire => {
                (due::expire_due(&mut tx, cx, programme, due::BATCH_MAX).await?, due::BATCH_MAX)
            }
        };
        if count > 0 {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok((count, limit))
    }
}

/// Has what is due done now, where there is a programme.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if programme::all(&mut tx, cx.scope).await?.is_empty() {
        return tx.rollback().await;
    }
    look_soon(&mut tx, cx).await?;
    tx.commit().await
}

/// Asks for the job. There is one such at most; it goes on by itself.
pub(crate) async fn look_soon(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    jobs::enqueue(tx, cx, DUE, &(), JobOptions::standing("due")).await.map(drop)
}

struct DueJob;

#[async_trait]
impl JobHandler for DueJob {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        do_due(platform, &cx, &cancel).await?;
        Ok(JobOutcome::Again(cx.now().plus_millis(EVERY_MILLIS)))
    }
}

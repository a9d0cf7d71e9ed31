//! Jobs: codes that are made, and what is due.

use std::sync::Arc;

use async_trait::async_trait;
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Tx, args};
use tokio_util::sync::CancellationToken;

use crate::coupons::{CouponError, batch, expire_due, tries};
use crate::{promotions, reservations};

/// The kind of the job that ends what is due: reservations, coupons, promotions.
pub const OFFERS_DUE: &str = "loyalty.offers_due";
/// Until it looks again.
const EVERY_MILLIS: i64 = 30_000;

pub(crate) fn all() -> Vec<(&'static str, Arc<dyn JobHandler>)> {
    vec![(batch::MAKE, Arc::new(MakeCodes)), (OFFERS_DUE, Arc::new(OffersDue))]
}

/// Makes the codes of a batch, some thousand in a transaction, so that one that was killed goes on.
struct MakeCodes;

#[async_trait]
impl JobHandler for MakeCodes {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let batch::Payload { batch } = job.payload()?;
        let cx = platform.ctx(job.scope);
        loop {
            if cancel.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            let mut tx = platform.db.begin_for(cx.scope).await?;
            let left = match batch::make_more(&mut tx, &cx, batch, batch::STEP).await {
                Ok(left) => left,
                Err(CouponError::NoBatch) => return Ok(JobOutcome::Done),
                Err(error) => return Err(JobError::retry(error)),
            };
            tx.commit().await?;
            if left == 0 {
                return Ok(JobOutcome::Done);
            }
        }
    }
}

/// Ends all that is due in an organisation, in batches that each commit. Gives how many there were.
///
/// # Errors
/// `Cancelled` when `cancel` says so, behind a batch.
pub async fn end_due(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
) -> Result<u64, JobError> {
    let mut done = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let mut ended = u64::from(reservations::time_out_next(&mut tx, cx).await?);
        if ended == 0 {
            ended += expire_due(&mut tx, cx).await?;
            ended += promotions::end_due(&mut tx, cx).await?;
            ended += tries::prune(&mut tx, cx).await?;
            ended += reservations::prune(&mut tx, cx).await?;
        }
        if ended == 0 {
            tx.rollback().await?;
            return Ok(done);
        }
        tx.commit().await?;
        done += ended;
    }
}

/// Has what is due ended now, where there is anything that a reservation can rest on.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let any: Option<(i32,)> = tx
        .fetch_optional(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM loyalty_coupon_definitions WHERE org_id = $1)
                OR EXISTS (SELECT 1 FROM loyalty_promotions WHERE org_id = $1)
                OR EXISTS (SELECT 1 FROM loyalty_schemes WHERE org_id = $1)
                OR EXISTS (SELECT 1 FROM loyalty_programmes WHERE org_id = $1)",
            args![cx.scope.org_arg()],
        )
        .await?;
    if any.is_none() {
        return tx.rollback().await;
    }
    look_soon(&mut tx, cx).await?;
    tx.commit().await
}

/// Asks for the job. There is one such at most; it goes on by itself.
pub(crate) async fn look_soon(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    jobs::enqueue(tx, cx, OFFERS_DUE, &(), JobOptions::standing("due")).await.map(drop)
}

struct OffersDue;

#[async_trait]
impl JobHandler for OffersDue {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        end_due(platform, &cx, &cancel).await?;
        Ok(JobOutcome::Again(cx.now().plus_millis(EVERY_MILLIS)))
    }
}

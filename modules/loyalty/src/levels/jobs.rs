//! The job that looks again at those whose level may change with time, or with a new version of the scheme.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{CustomerId, TypedId as _};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Tx, args};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Scheme, scheme, store};
use crate::points::store::by_ids;

/// The kind of the job.
pub const LEVELS: &str = "loyalty.levels";
/// Until it looks again.
const EVERY_MILLIS: i64 = 60_000;
/// Members of one batch, which is one transaction.
pub const BATCH_MAX: u32 = 1_000;

pub(crate) fn all() -> Vec<(&'static str, Arc<dyn JobHandler>)> {
    vec![(LEVELS, Arc::new(LevelsJob))]
}

/// Looks again at up to `limit` members of `scheme` who are due: the moment has come that was kept for them, or they
/// were last seen by an older version. Gives how many; fewer than `limit` means that nothing is left.
///
/// # Errors
/// As the database says.
pub async fn due(tx: &mut Tx, cx: &Ctx, scheme: &Scheme, limit: u32) -> Result<u64, DbError> {
    let mut found: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT customer_id FROM loyalty_memberships
              WHERE org_id = $1 AND scheme_id = $2 AND next_at IS NOT NULL AND next_at <= $3
              ORDER BY next_at, customer_id LIMIT $4",
            args![cx.scope.org_arg(), scheme.id.uuid(), cx.now(), limit],
        )
        .await?;
    let left = i64::from(limit) - found.len() as i64;
    if left > 0 {
        found.extend(
            tx.fetch_all::<(Uuid,)>(
                "SELECT customer_id FROM loyalty_memberships
                  WHERE org_id = $1 AND scheme_id = $2 AND version < $3 LIMIT $4",
                args![cx.scope.org_arg(), scheme.id.uuid(), scheme.at(cx.now()).0, left],
            )
            .await?,
        );
    }
    let customers: BTreeSet<Uuid> = found.into_iter().map(|(id,)| id).collect();
    if customers.is_empty() {
        return Ok(0);
    }
    store::lock(tx, cx.scope, &customers).await?;
    let schemes = std::slice::from_ref(scheme);
    store::bring_up(tx, cx, schemes, &customers, &BTreeSet::new()).await?;
    Ok(customers.len() as u64)
}

/// Looks again at those of `roots` who are due, in each of `schemes`: what time did is known from then on, whether or not
/// the job came to them.
///
/// # Errors
/// As the database says.
pub async fn bring_up(
    tx: &mut Tx,
    cx: &Ctx,
    schemes: &[Scheme],
    roots: &[CustomerId],
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = roots.iter().map(|id| id.uuid()).collect();
    for scheme in schemes {
        let first = args![cx.scope.org_arg(), scheme.id.uuid(), cx.now(), scheme.at(cx.now()).0];
        let select =
            "SELECT customer_id FROM loyalty_memberships WHERE org_id = $1 AND scheme_id = $2
            AND (next_at <= $3 OR version < $4) AND customer_id";
        let due: Vec<(Uuid,)> = by_ids(tx, select, &first, &ids, "").await?;
        let due: BTreeSet<Uuid> = due.into_iter().map(|(id,)| id).collect();
        if !due.is_empty() {
            store::lock(tx, cx.scope, &due).await?;
            let schemes = std::slice::from_ref(scheme);
            store::bring_up(tx, cx, schemes, &due, &BTreeSet::new()).await?;
        }
    }
    Ok(())
}

/// Looks at all who are due in an organisation, in batches that each commit. Gives how many.
///
/// # Errors
/// `Cancelled` when `cancel` says so, behind a batch.
pub async fn do_due(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
) -> Result<u64, JobError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let schemes = scheme::all(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let mut done = 0;
    for scheme in &schemes {
        loop {
            if cancel.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            let mut tx = platform.db.begin_for(cx.scope).await?;
            let count = due(&mut tx, cx, scheme, BATCH_MAX).await?;
            tx.commit().await?;
            done += count;
            if count == 0 {
                break;
            }
        }
    }
    Ok(done)
}

/// Has who is due looked at now, where there is a scheme.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if scheme::all(&mut tx, cx.scope).await?.is_empty() {
        return tx.rollback().await;
    }
    look_soon(&mut tx, cx).await?;
    tx.commit().await
}

/// Asks for the job. There is one such at most; it goes on by itself.
pub(crate) async fn look_soon(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    jobs::enqueue(tx, cx, LEVELS, &(), JobOptions::standing("levels")).await.map(drop)
}

struct LevelsJob;

#[async_trait]
impl JobHandler for LevelsJob {
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

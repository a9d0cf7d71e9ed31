//! Forgets what nobody needs any more: delivered events, finished jobs, old deliveries to webhooks, old first
//! answers.

use std::time::Duration;

use crate::background::Background;
use crate::jobs::JobState;
use crate::retention::DAY_MILLIS;
use crate::{DbError, Platform, idempotency, jobs, outbox, webhooks};

/// How often.
const EVERY: Duration = Duration::from_secs(600);
/// How often the samples of histograms are put into their buckets, so that memory does not grow when
/// nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(10);
/// Days for which delivered events are kept, so that a reader may fall behind without starting anew.
pub const EVENTS_KEPT_DAYS: i64 = 7;
/// Days for which done jobs are kept.
pub const DONE_JOBS_KEPT_DAYS: i64 = 14;
/// Days for which dead jobs are kept.
pub const DEAD_JOBS_KEPT_DAYS: i64 = 180;

/// Keeps the house until stopped.
pub fn start(platform: &Platform) -> Background {
    let mut background = Background::new();
    let (platform, stop) = (platform.clone(), background.token());
    background.spawn(async move {
        let mut turns = tokio::time::interval(EVERY);
        let mut upkeep = tokio::time::interval(UPKEEP_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = upkeep.tick() => {
                    if let Ok(metrics) = crate::telemetry::metrics() {
                        metrics.run_upkeep();
                    }
                    continue;
                }
                _ = turns.tick() => {}
            }
            if let Err(error) = keep(&platform).await {
                tracing::warn!(%error, "housekeeping will be tried again");
            }
        }
    });
    background
}

/// One round.
///
/// # Errors
/// As the database says; the rest is left for the next round.
pub async fn keep(platform: &Platform) -> Result<(), DbError> {
    let now = platform.now();
    let days_ago = |days: i64| now.plus_millis(-days * DAY_MILLIS);
    outbox::prune(&platform.db, days_ago(EVENTS_KEPT_DAYS)).await?;
    let kept = [
        (JobState::Done, days_ago(DONE_JOBS_KEPT_DAYS)),
        (JobState::Dead, days_ago(DEAD_JOBS_KEPT_DAYS)),
    ];
    for (state, cutoff) in kept {
        loop {
            let mut tx = platform.db.begin_wide().await?;
            let gone = jobs::prune(&mut tx, state, cutoff).await?;
            if gone == 0 {
                break tx.rollback().await?;
            }
            tx.commit().await?;
        }
    }
    loop {
        let mut tx = platform.db.begin_wide().await?;
        if webhooks::prune(&mut tx, days_ago(webhooks::KEPT_DAYS)).await? == 0 {
            break tx.rollback().await?;
        }
        tx.commit().await?;
    }
    loop {
        let mut tx = platform.db.begin_wide().await?;
        if idempotency::prune(&mut tx, now).await? == 0 {
            return tx.rollback().await;
        }
        tx.commit().await?;
    }
}

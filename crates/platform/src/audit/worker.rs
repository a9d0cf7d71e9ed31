//! Gives places and tells the head, in the background.

use std::time::Duration;

use super::authenticity::hex;
use super::chain::chain;
use super::store;
use crate::background::Background;
use crate::{DbError, Platform};

/// Commits within this time are chained together.
const GATHER: Duration = Duration::from_millis(20);
/// How often to look for what other processes wrote.
const POLL: Duration = Duration::from_secs(1);
/// How often the head is told to the server's log, if it moved.
const TELL: Duration = Duration::from_secs(600);

/// Chains entries until stopped, and logs count and head every ten minutes: where logs are kept elsewhere,
/// they are what `guanxi audit verify --noted` can be held against. Any number of processes may do so.
pub fn start(platform: &Platform) -> Background {
    let mut background = Background::new();
    let (platform, stop) = (platform.clone(), background.token());
    background.spawn(async move {
        let mut commits = platform.db.commits();
        let mut tell = tokio::time::interval(TELL);
        let mut told = Vec::new();
        while !stop.is_cancelled() {
            commits.mark_unchanged();
            // SQLite chains as it writes.
            if platform.db.is_postgres()
                && let Err(error) = chain(&platform).await
            {
                tracing::warn!(%error, "the audit log will be chained later");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tell.tick() => {
                    if let Err(error) = tell_heads(&platform, &mut told).await {
                        tracing::debug!(%error, "the head of the audit log could not be read");
                    }
                }
                () = tokio::time::sleep(POLL) => {}
                changed = commits.changed(), if platform.db.is_postgres() => {
                    if changed.is_ok() {
                        tokio::time::sleep(GATHER).await;
                    }
                }
            }
        }
    });
    background
}

async fn tell_heads(platform: &Platform, told: &mut Vec<(i64, i64)>) -> Result<(), DbError> {
    let mut tx = platform.db.read_wide().await?;
    let heads = store::heads(&mut tx).await?;
    tx.rollback().await?;
    for head in heads {
        let place = (head.org_id, head.count);
        if !told.contains(&place) {
            tracing::info!(org = place.0, count = place.1, head = hex(&head.hash), "audit log");
            told.retain(|known| known.0 != place.0);
            told.push(place);
        }
    }
    Ok(())
}

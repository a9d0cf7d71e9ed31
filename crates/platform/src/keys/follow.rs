//! Hearing of keys that other processes made.

use std::time::Duration;

use super::rows;
use crate::Platform;

/// How often the keys are read again. Nothing depends on it but how soon a version that was replaced is
/// not used any more: a process that meets a version it does not know asks at once.
const EVERY: Duration = Duration::from_secs(5);

/// Reads the keys again every few seconds, as long as `platform` or its keys are used.
pub fn follow(platform: &Platform) {
    let (ring, db) = (platform.keyring.watch(), platform.db.clone());
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(ring) = ring.get() else { return };
            if db.is_closed() {
                return;
            }
            match rows(&db).await.map(|rows| ring.take(&db, &rows)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the keys cannot be used"),
                Err(error) => tracing::debug!(%error, "the keys are read again later"),
            }
        }
    });
}

//! Tasks that run beside the server, and how they end.

use std::time::Duration;

use kernel::Ids;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Background tasks. Dropped, they are ended at once; better is [`Background::stop`].
#[derive(Debug)]
#[must_use = "dropping it ends the tasks"]
pub struct Background {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self { stop: CancellationToken::new(), tasks: JoinSet::new() }
    }

    pub(crate) fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Asks the tasks to end and waits for them; those that take longer than `grace` are ended where
    /// they stand, with their transactions rolled back.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("background work did not end in time and is cut off");
            self.tasks.shutdown().await;
        }
    }
}

/// Milliseconds to wait after the `attempt`th failure: `base` doubled each time up to `cap`, plus or
/// minus a fifth, so that what failed together does not come back together.
#[must_use]
pub fn backoff_millis(attempt: u32, base: i64, cap: i64, ids: &dyn Ids) -> i64 {
    let factor = 1_i64.checked_shl(attempt.saturating_sub(1)).filter(|f| *f > 0);
    let exact = factor.and_then(|f| base.checked_mul(f)).unwrap_or(cap).min(cap);
    let mut random = [0u8; 2];
    ids.fill(&mut random);
    let share = i64::from(u16::from_le_bytes(random)) * 2 - i64::from(u16::MAX);
    exact + exact / 5 * share / i64::from(u16::MAX)
}

/// What is kept of an error text, so that a page with many stays small.
pub(crate) fn short(error: &str) -> String {
    const MAX_CHARS: usize = 1_000;
    error.chars().filter(|c| *c != '\0').take(MAX_CHARS).collect()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemIds;

    #[test]
    fn waits_double_up_to_the_cap() {
        let ids = SystemIds::default();
        for (attempt, exact) in [(1, 1_000), (2, 2_000), (4, 8_000), (7, 60_000), (4_000, 60_000)] {
            for _ in 0..50 {
                let wait = backoff_millis(attempt, 1_000, 60_000, &ids);
                assert!((wait - exact).abs() <= exact / 5, "attempt {attempt}: {wait} ms");
            }
        }
    }
}

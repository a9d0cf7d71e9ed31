//! Waiting for a condition instead of for time.

use std::time::Duration;

/// Long enough that only a condition that never comes meets it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until `condition` gives a value.
///
/// # Panics
/// When it does not within 30 s, saying `what` was waited for.
pub async fn eventually<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let asking = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

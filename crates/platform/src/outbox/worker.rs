//! Delivery as background tasks: one that looks for news, and one for each subscriber.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::delivery::{Delivery, DeliveryOptions, Turn};
use super::sequence::sequence;
use super::{Subscriber, store};
use crate::background::Background;
use crate::{DbError, Platform};

/// Commits within this time wake the deliverers once.
const GATHER: Duration = Duration::from_millis(5);
/// Wait after the database failed.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// The newest position and the number of dead letters to deliver again.
type News = (i64, i64);

/// Delivers to `subscribers` until stopped. Any number of processes may do so at once.
pub fn start(
    platform: &Platform,
    subscribers: Vec<Arc<dyn Subscriber>>,
    options: &DeliveryOptions,
) -> Background {
    let mut background = Background::new();
    let (sender, news) = watch::channel((-1, 0));
    background.spawn(watch_for_news(platform.clone(), options.poll, sender, background.token()));
    for subscriber in subscribers {
        let delivery = Delivery::new(platform.clone(), subscriber, options.clone());
        background.spawn(deliver(delivery, options.poll, news.clone(), background.token()));
    }
    background
}

async fn watch_for_news(
    platform: Platform,
    poll: Duration,
    sender: watch::Sender<News>,
    stop: CancellationToken,
) {
    let mut commits = platform.db.commits();
    while !stop.is_cancelled() {
        commits.mark_unchanged();
        let pause = match look(&platform).await {
            Ok(news) => {
                sender.send_if_modified(|known| std::mem::replace(known, news) != news);
                poll
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for events");
                AFTER_ERROR
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            changed = commits.changed() => {
                if changed.is_ok() {
                    tokio::time::sleep(GATHER).await;
                }
            }
        }
    }
}

async fn look(platform: &Platform) -> Result<News, DbError> {
    sequence(&platform.db).await?;
    let mut tx = platform.db.read_wide().await?;
    let head = store::head(&mut tx).await?;
    let (letters,): (i64,) =
        tx.fetch_one("SELECT COUNT(*) FROM platform_dead_letters WHERE redeliver", vec![]).await?;
    tx.rollback().await?;
    Ok((head.get(), letters))
}

async fn deliver(
    delivery: Delivery,
    poll: Duration,
    mut news: watch::Receiver<News>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        news.mark_unchanged();
        let pause = match delivery.turn(&stop).await {
            Ok(Turn::Moved) => continue,
            Ok(Turn::Idle) => None,
            Ok(Turn::Waiting) => Some(poll),
            Err(error) => {
                tracing::warn!(%error, "cannot deliver events");
                Some(AFTER_ERROR)
            }
        };
        let pause = async {
            match pause {
                Some(time) => tokio::time::sleep(time).await,
                // The one who looks for news is gone only when the program ends.
                None if news.changed().await.is_err() => stop.cancelled().await,
                None => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = pause => {}
        }
    }
    if let Err(error) = delivery.release().await {
        tracing::warn!(%error, "cannot give a lease back; it ends by itself");
    }
}

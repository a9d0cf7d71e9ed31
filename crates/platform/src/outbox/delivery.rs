//! Delivery to one subscriber.
//!
//! Whoever delivers holds the subscriber's lease. Each event is handled in a transaction that also
//! checks the lease (and so locks the subscriber's row) and moves the position, so the effects of a
//! handler in the database happen exactly once even if a lease passes to another process too early.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{HandleError, Position, StoredEvent, Subscriber, dead, store};
use crate::background::{backoff_millis, panic_text, short};
use crate::{DbError, Platform, Scope, Tx, args};

/// How delivery behaves.
#[derive(Debug, Clone)]
pub struct DeliveryOptions {
    /// How often to look for what other processes wrote.
    pub poll: std::time::Duration,
    /// How long a lease holds without a sign of life, in milliseconds.
    pub lease_millis: i64,
    /// How often an event is tried before it becomes a dead letter.
    pub max_attempts: u32,
    /// Wait after the first failure; doubled each time.
    pub backoff_millis: i64,
    /// Longest wait between attempts.
    pub backoff_cap_millis: i64,
    /// Events read at once.
    pub batch: u32,
}

impl Default for DeliveryOptions {
    /// Eight attempts over about three minutes.
    fn default() -> Self {
        Self {
            poll: std::time::Duration::from_millis(250),
            lease_millis: 15_000,
            max_attempts: 8,
            backoff_millis: 1_000,
            backoff_cap_millis: 60_000,
            batch: 100,
        }
    }
}

/// What a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Some events were delivered, passed over or given up; there may be more.
    Moved,
    /// There are no events for it.
    Idle,
    /// There are, but another process holds the lease, or the next attempt is not due yet.
    Waiting,
}

/// Delivers to one subscriber.
pub struct Delivery {
    platform: Platform,
    subscriber: Arc<dyn Subscriber>,
    options: DeliveryOptions,
    token: Uuid,
}

type Row = (i64, i64, Option<Uuid>, i64);

impl Delivery {
    /// A deliverer that holds no lease yet.
    #[must_use]
    pub fn new(
        platform: Platform,
        subscriber: Arc<dyn Subscriber>,
        options: DeliveryOptions,
    ) -> Self {
        let token = platform.ids.uuid(platform.now());
        Self { platform, subscriber, options, token }
    }

    /// Delivers the next batch, stopping early at `stop`.
    ///
    /// # Errors
    /// As the database says; nothing is lost, call it again.
    pub async fn turn(&self, stop: &CancellationToken) -> Result<Turn, DbError> {
        let now = self.platform.now();
        let name = self.subscriber.name();
        let mut tx = self.platform.db.read_wide().await?;
        let row: Option<Row> = tx
            .fetch_optional(
                "SELECT position, next_at, lease_token, lease_until FROM platform_subscribers
                 WHERE name = $1",
                args![name],
            )
            .await?;
        let news = store::head(&mut tx).await?.get() > row.map_or(0, |row| row.0);
        let letter = dead::next_to_redeliver(&mut tx, name).await?;
        tx.rollback().await?;
        let Some((_, next_at, holder, lease_until)) = row else {
            self.register().await?;
            return Ok(Turn::Moved);
        };
        if !news && letter.is_none() {
            return Ok(Turn::Idle);
        }
        let due = news && next_at <= now.millis();
        let held = holder.is_some_and(|token| token != self.token) && lease_until > now.millis();
        if held || !(due || letter.is_some()) {
            return Ok(Turn::Waiting);
        }
        let Some(position) = self.lease().await? else { return Ok(Turn::Waiting) };
        if let Some(letter) = letter {
            self.redeliver(&letter).await?;
            return Ok(Turn::Moved);
        }
        self.deliver_after(position, stop).await
    }

    async fn register(&self) -> Result<(), DbError> {
        let mut tx = self.platform.db.begin_wide().await?;
        tx.execute(
            "INSERT INTO platform_subscribers (name, position, attempts, next_at, lease_until)
             VALUES ($1, 0, 0, 0, 0) ON CONFLICT (name) DO NOTHING",
            args![self.subscriber.name()],
        )
        .await?;
        tx.commit().await
    }

    /// Takes or renews the lease; gives the position, or nothing if another process has the lease.
    async fn lease(&self) -> Result<Option<Position>, DbError> {
        let now = self.platform.now();
        let mut tx = self.platform.db.begin_wide().await?;
        let row: Option<(i64,)> = tx
            .fetch_optional(
                "UPDATE platform_subscribers SET lease_token = $2, lease_until = $3
                 WHERE name = $1 AND (lease_token IS NULL OR lease_token = $2 OR lease_until <= $4)
                 RETURNING position",
                args![
                    self.subscriber.name(),
                    self.token,
                    now.plus_millis(self.options.lease_millis),
                    now
                ],
            )
            .await?;
        tx.commit().await?;
        Ok(row.map(|row| Position(row.0)))
    }

    /// Gives the lease back, so that another process need not wait for its end.
    ///
    /// # Errors
    /// As the database says.
    pub async fn release(&self) -> Result<(), DbError> {
        let mut tx = self.platform.db.begin_wide().await?;
        tx.execute(
            "UPDATE platform_subscribers SET lease_token = NULL, lease_until = 0
             WHERE name = $1 AND lease_token = $2",
            args![self.subscriber.name(), self.token],
        )
        .await?;
        tx.commit().await
    }

    async fn deliver_after(
        &self,
        position: Position,
        stop: &CancellationToken,
    ) -> Result<Turn, DbError> {
        let mut tx = self.platform.db.read_wide().await?;
        let events = store::read_after(&mut tx, position, self.options.batch).await?;
        let head = store::head(&mut tx).await?;
        tx.rollback().await?;
        let topics = self.subscriber.topics();
        // Without events up to the head, they were pruned before this subscriber came.
        let mut passed = events.is_empty().then_some(head);
        for event in &events {
            if !topics.contains(&event.topic.as_str()) {
                passed = Some(event.position);
                continue;
            }
            if stop.is_cancelled() {
                break;
            }
            passed = None;
            if !self.deliver(event).await? {
                return Ok(Turn::Waiting);
            }
        }
        if let Some(position) = passed {
            let mut tx = self.platform.db.begin_wide().await?;
            self.move_to(&mut tx, position).await?;
            tx.commit().await?;
        }
        Ok(Turn::Moved)
    }

    /// Gives whether the next event may follow.
    async fn deliver(&self, event: &StoredEvent) -> Result<bool, DbError> {
        let name = self.subscriber.name();
        let mut tx = self.platform.db.begin_wide().await?;
        if !self.holds_lease(&mut tx, event.position).await? {
            return Ok(false);
        }
        let handled = match self.handle(&mut tx, event).await {
            // A handler that swallowed an error of the database lost the transaction: then this fails.
            Ok(()) => self.move_to(&mut tx, event.position).await.map_err(HandleError::from),
            Err(error) => Err(error),
        };
        match handled {
            Ok(()) => {
                tx.commit().await?;
                metrics::counter!("guanxi_events_total", "subscriber" => name, "result" => "done")
                    .increment(1);
                Ok(true)
            }
            Err(error) => {
                drop(tx);
                self.note_failure(event, &error).await
            }
        }
    }

    /// Locks the subscriber's row if the lease is still ours and the event not yet handled.
    async fn holds_lease(&self, tx: &mut Tx, position: Position) -> Result<bool, DbError> {
        let until = self.platform.now().plus_millis(self.options.lease_millis);
        let held = tx
            .execute(
                "UPDATE platform_subscribers SET lease_until = $3
                 WHERE name = $1 AND lease_token = $2 AND position < $4",
                args![self.subscriber.name(), self.token, until, position.get()],
            )
            .await?;
        Ok(held == 1)
    }

    async fn move_to(&self, tx: &mut Tx, position: Position) -> Result<(), DbError> {
        tx.execute(
            "UPDATE platform_subscribers
             SET position = $3, attempts = 0, next_at = 0, last_error = NULL
             WHERE name = $1 AND lease_token = $2 AND position < $3",
            args![self.subscriber.name(), self.token, position.get()],
        )
        .await
        .map(drop)
    }

    async fn handle(&self, tx: &mut Tx, event: &StoredEvent) -> Result<(), HandleError> {
        let cx = self.platform.ctx(Scope::system(event.org));
        tx.enter(cx.scope).await?;
        let work = self.subscriber.handle(&self.platform, tx, &cx, event);
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result?,
            Err(panic) => {
                return Err(HandleError::Retry(format!("panicked: {}", panic_text(&*panic))));
            }
        }
        Ok(tx.leave().await?)
    }

    /// Counts the failure; after the last attempt buries the event and gives `true`.
    async fn note_failure(
        &self,
        event: &StoredEvent,
        error: &HandleError,
    ) -> Result<bool, DbError> {
        let name = self.subscriber.name();
        let now = self.platform.now();
        let text = short(&error.to_string());
        let mut tx = self.platform.db.begin_wide().await?;
        let row: Option<(i64,)> = tx
            .fetch_optional(
                "UPDATE platform_subscribers SET attempts = attempts + 1, last_error = $4
                 WHERE name = $1 AND lease_token = $2 AND position < $3 RETURNING attempts",
                args![name, self.token, event.position.get(), text.as_str()],
            )
            .await?;
        let Some((attempts,)) = row else { return Ok(false) };
        let fatal = matches!(error, HandleError::Fatal(_));
        let buried = fatal || attempts >= i64::from(self.options.max_attempts);
        if buried {
            dead::bury(&mut tx, name, event, attempts, &text, now).await?;
            self.move_to(&mut tx, event.position).await?;
        } else {
            let wait = backoff_millis(
                u32::try_from(attempts).unwrap_or(u32::MAX),
                self.options.backoff_millis,
                self.options.backoff_cap_millis,
                &*self.platform.ids,
            );
            tx.execute(
                "UPDATE platform_subscribers SET next_at = $2 WHERE name = $1",
                args![name, now.plus_millis(wait)],
            )
            .await?;
        }
        tx.commit().await?;
        let result = if buried { "dead" } else { "failed" };
        metrics::counter!("guanxi_events_total", "subscriber" => name, "result" => result)
            .increment(1);
        tracing::warn!(
            subscriber = name,
            topic = event.topic,
            position = event.position.get(),
            attempts,
            buried,
            error = text,
            "an event was not handled"
        );
        Ok(buried)
    }

    async fn redeliver(&self, event: &StoredEvent) -> Result<(), DbError> {
        let name = self.subscriber.name();
        let mut tx = self.platform.db.begin_wide().await?;
        if !dead::take(&mut tx, name, event).await? {
            return Ok(());
        }
        let error = match self.handle(&mut tx, event).await {
            Ok(()) => return tx.commit().await,
            Err(error) => error,
        };
        drop(tx);
        let text = short(&error.to_string());
        tracing::warn!(
            subscriber = name,
            position = event.position.get(),
            error = text,
            "a dead letter was not handled again"
        );
        let mut tx = self.platform.db.begin_wide().await?;
        dead::bury(&mut tx, name, event, 1, &text, self.platform.now()).await?;
        tx.commit().await
    }
}

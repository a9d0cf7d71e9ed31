//! Events: written in the transaction of the work, delivered after it, in order, at least once.
//!
//! **Order.** An event that was written after another's transaction had committed has the higher
//! [`Position`]. Two events of the same record are such a pair, since the second waits for the row
//! lock of the first. See `sequence.rs` for how this holds on PostgreSQL.

mod dead;
mod delivery;
mod sequence;
mod store;
mod worker;

use async_trait::async_trait;
use kernel::{OrgId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Ctx, DbError, Platform, Tx};

pub use dead::{DeadLetter, dead_letters, redeliver};
pub use delivery::{Delivery, DeliveryOptions, Turn};
pub use sequence::sequence;
pub(crate) use store::POSITION_KEY;
pub use store::{can_replay_from, head, prune, push, read_after, waiting_for};
pub use worker::start;

/// Something that happened; a versioned fact such as `OrdersRecordedV1`.
pub trait Event: Serialize + Send + Sync {
    /// `commerce.orders_recorded.v1`.
    const TOPIC: &'static str;
    /// What it is about, for people who look for it: an id as text.
    fn key(&self) -> String;
}

/// A place in the order of events. Later events have higher positions; there may be gaps.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(i64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// Wraps a stored value.
    #[must_use]
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The stored value.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// An event as it is delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place in the order.
    pub position: Position,
    /// Whose it is.
    pub org: OrgId,
    /// [`Event::TOPIC`].
    pub topic: String,
    /// [`Event::key`].
    pub key: String,
    /// JSON text.
    pub payload: String,
    /// When it was written.
    pub created_at: Timestamp,
}

impl StoredEvent {
    /// The event as `E`.
    ///
    /// # Errors
    /// `Fatal` if it is something else: delivering it again would not help.
    pub fn parse<E: Event + DeserializeOwned>(&self) -> Result<E, HandleError> {
        if self.topic != E::TOPIC {
            return Err(HandleError::Fatal(format!("{} is not {}", self.topic, E::TOPIC)));
        }
        serde_json::from_str(&self.payload)
            .map_err(|error| HandleError::Fatal(format!("the event cannot be read: {error}")))
    }
}

/// Why a subscriber could not handle an event. Its transaction is rolled back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HandleError {
    /// May go well next time: delivered again with back-off, a dead letter when attempts are used up.
    #[error("{0}")]
    Retry(String),
    /// Will never go well: a dead letter at once.
    #[error("{0}")]
    Fatal(String),
}

impl From<DbError> for HandleError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// Someone who listens.
#[async_trait]
pub trait Subscriber: Send + Sync + 'static {
    /// `loyalty.points`. Its position is stored under this name: never change it.
    fn name(&self) -> &'static str;
    /// Which events it wants.
    fn topics(&self) -> &[&'static str];
    /// Handles one event. `tx` commits together with the subscriber's position, so work done in it
    /// happens exactly once; everything else may happen twice. Calls to the outside are jobs.
    async fn handle(
        &self,
        platform: &Platform,
        tx: &mut Tx,
        cx: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError>;
}

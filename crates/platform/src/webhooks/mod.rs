//! Webhooks: signed calls that tell other programs what happened here.
//!
//! As the Standard Webhooks specification 1.0.0 has them
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): headers
//! `webhook-id`, `webhook-timestamp` and `webhook-signature` (`signature.rs`), a schedule of tries over
//! three days (`schedule.rs`), 410 switches a webhook off, redirects are failures.
//!
//! [`Relay`] reads the events that modules publish and writes a delivery for each webhook that wants one, in
//! the transaction in which its position moves: none is lost and none is written twice. [`SendWebhooks`] makes
//! the calls, outside of any transaction. A process that dies between a call and its note makes the call again
//! with the same `webhook-id`, so that a receiver can tell.

mod deliveries;
mod endpoints;
mod relay;
mod routes;
mod schedule;
mod sending;
mod signature;

use serde_json::Value;

use crate::outbound::OutboundError;
use crate::{DbError, Event, HandleError, ListError, Problem, StoredEvent};

pub use deliveries::{
    ANSWER_MAX, BACKLOG_MAX, BODY_MAX, Delivery, DeliveryState, KEPT_DAYS, TEST, deliveries, prune,
    redeliver, test,
};
pub(crate) use endpoints::SECRET_FIELD;
pub use endpoints::{
    KEEP_HOURS_MAX, NOTE_MAX, OffReason, URL_MAX, WEBHOOKS_MAX, WantedWebhook, Webhook,
    WebhookWithSecret, change, create, delete, judge, list, rotate,
};
pub use relay::Relay;
pub use routes::routes;
pub use schedule::FAILING_DAYS;
pub use sending::{SEND, SendWebhooks};
pub use signature::signature;

/// An event that other programs may learn of.
pub trait Published: Event + serde::de::DeserializeOwned {
    /// The `type` that receivers see, with its version last: `loyalty.points_changed.v1`. What is said under one
    /// type has one shape for ever.
    const TYPE: &'static str;

    /// The `data` of each message: one, or several where a batch would be longer than [`BODY_MAX`]. Without
    /// personal data: ids, by which a receiver that may know more asks for it.
    fn messages(&self) -> Vec<Value>;
}

/// That a module publishes an event.
#[derive(Clone, Copy)]
pub struct Publication {
    /// [`Event::TOPIC`].
    topic: &'static str,
    /// [`Published::TYPE`].
    name: &'static str,
    messages: fn(&StoredEvent) -> Result<Vec<Value>, HandleError>,
}

impl Publication {
    /// That events of `E` are published.
    #[must_use]
    pub const fn of<E: Published>() -> Self {
        Self {
            topic: E::TOPIC,
            name: E::TYPE,
            messages: |event| event.parse::<E>().map(|event| event.messages()),
        }
    }

    /// [`Published::TYPE`].
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// What all modules publish, for the routes; whoever puts the modules together knows it.
#[derive(Clone, Default)]
pub struct Publications(pub std::sync::Arc<[Publication]>);

/// Why nothing is done with a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is none, or no such delivery of it.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Somebody changed it since; this is what it is now.
    #[error("somebody changed this webhook meanwhile")]
    Stale(Box<Webhook>),
    /// Enough.
    #[error("an organisation may have {WEBHOOKS_MAX} webhooks; delete one first")]
    TooMany,
    /// It is switched off.
    #[error("this webhook is switched off; switch it on first")]
    Off,
    /// Where it leads to is no place to send to.
    #[error(transparent)]
    Url(#[from] OutboundError),
    /// Signed, but for everybody to read.
    #[error("must begin with https:// unless it leads into a network named by --outbound-allow")]
    Plain,
    /// The database, or a cursor of another list.
    #[error(transparent)]
    List(#[from] ListError),
}

impl From<DbError> for WebhookError {
    fn from(error: DbError) -> Self {
        Self::List(error.into())
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let text = error.to_string();
        match error {
            WebhookError::NotFound(what) => Self::not_found(what),
            WebhookError::Stale(current) => Self::precondition_failed(&*current),
            WebhookError::TooMany => Self::conflict("too_many_webhooks", text),
            WebhookError::Off => Self::conflict("webhook_off", text),
            WebhookError::Url(_) | WebhookError::Plain => Self::field("url", text),
            WebhookError::List(error) => error.into(),
        }
    }
}

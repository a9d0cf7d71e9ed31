//! Writes a delivery of each published event for each webhook that wants it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Timestamp, TypedId as _, WebhookId};
use uuid::Uuid;

use super::deliveries::{self, BODY_MAX};
use super::{Publication, Publications};
use crate::{Ctx, DbError, HandleError, Platform, Scope, StoredEvent, Subscriber, Tx, args};

/// Messages that one event may give.
const MESSAGES_MAX: usize = 100;

/// Listens to everything that is published.
pub struct Relay {
    published: Arc<[Publication]>,
    topics: Vec<&'static str>,
}

impl Relay {
    /// Of what `publications` name.
    #[must_use]
    pub fn new(publications: &Publications) -> Self {
        let mut topics: Vec<_> = publications.0.iter().map(|one| one.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        Self { published: publications.0.clone(), topics }
    }
}

/// The webhooks that are on, want `name`, and were there when the event was written.
async fn wanting(
    tx: &mut Tx,
    scope: Scope,
    name: &str,
    event_at: Timestamp,
) -> Result<Vec<WebhookId>, DbError> {
    let rows: Vec<(Uuid, String)> = tx
        .fetch_all(
            "SELECT id, topics FROM platform_webhooks
             WHERE org_id = $1 AND active AND created_at <= $2 ORDER BY id",
            args![scope.org_arg(), event_at],
        )
        .await?;
    let wants = |topics: &str| {
        let topics: Vec<String> = serde_json::from_str(topics).unwrap_or_default();
        topics.iter().any(|topic| topic == name)
    };
    let rows = rows.into_iter().filter(|(_, topics)| wants(topics));
    Ok(rows.map(|(id, _)| WebhookId::from_uuid(id)).collect())
}

#[async_trait]
impl Subscriber for Relay {
    fn name(&self) -> &'static str {
        "platform.webhooks"
    }

    fn topics(&self) -> &[&'static str] {
        &self.topics
    }

    async fn handle(
        &self,
        _: &Platform,
        tx: &mut Tx,
        cx: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError> {
        for published in self.published.iter().filter(|one| one.topic == event.topic) {
            let wanting = wanting(tx, cx.scope, published.name, event.created_at).await?;
            if wanting.is_empty() {
                continue;
            }
            let bodies = bodies(published, event)?;
            for webhook in wanting {
                let (name, at) = (published.name, event.created_at);
                deliveries::add(tx, cx, webhook, name, at, &bodies).await?;
            }
        }
        Ok(())
    }
}

fn bodies(published: &Publication, event: &StoredEvent) -> Result<Vec<String>, HandleError> {
    let messages = (published.messages)(event)?;
    if messages.len() > MESSAGES_MAX {
        let text = format!("{} gives more than {MESSAGES_MAX} messages", published.name);
        return Err(HandleError::Fatal(text));
    }
    let mut bodies = Vec::with_capacity(messages.len());
    for data in &messages {
        let body = deliveries::body(published.name, event.created_at, data)?;
        if body.len() > BODY_MAX {
            let text = format!("a message of {} has more than {BODY_MAX} bytes", published.name);
            return Err(HandleError::Fatal(text));
        }
        bodies.push(body);
    }
    Ok(bodies)
}

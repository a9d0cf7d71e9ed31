//! A receiver on this machine, and the hands of the program that a test moves by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use kernel::{Limit, OrgId, Timestamp, WebhookId};
use platform::outbound::Outbound;
use platform::outbox::{self, Delivery as OutboxDelivery, DeliveryOptions, Turn};
use platform::webhooks::{
    self, Delivery, Publication, Publications, Published, Relay, SEND, SendWebhooks, WantedWebhook,
    Webhook, WebhookWithSecret,
};
use platform::{Ctx, Job, JobError, JobHandler as _, JobOutcome, Platform, Scope};
use serde_json::{Value, json};
use testkit::TestDb;
use tokio_util::sync::CancellationToken;

use crate::support::ThingDone;

/// The only type that is published here.
pub const TYPE: &str = "test.thing.v1";

impl Published for ThingDone {
    const TYPE: &'static str = TYPE;

    /// As many messages as `n` says, and one that is too long for a thing called so.
    fn messages(&self) -> Vec<Value> {
        if self.thing == "too long" {
            return vec![json!({ "text": "x".repeat(webhooks::BODY_MAX) })];
        }
        (0..self.n.max(1)).map(|part| json!({ "thing": self.thing, "part": part })).collect()
    }
}

/// How the receiver answers.
#[derive(Clone)]
pub enum Say {
    Status(u16),
    /// Status, a header, a body.
    All(u16, (&'static str, &'static str), String),
    Nothing,
}

/// What it was called with.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub id: String,
    pub at: i64,
    pub signature: String,
    pub body: String,
}

#[derive(Clone, Default)]
pub struct Receiver {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    say: Arc<Mutex<VecDeque<Say>>>,
}

async fn answer(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(text("content-type"), "application/json");
    let at = text("webhook-timestamp").parse().unwrap();
    receiver.seen.lock().unwrap().push(Seen {
        path: uri.path().to_owned(),
        id: text("webhook-id"),
        at,
        signature: text("webhook-signature"),
        body,
    });
    let say = receiver.say.lock().unwrap().pop_front();
    match say.unwrap_or(Say::Status(204)) {
        Say::Status(status) => axum::http::StatusCode::from_u16(status).unwrap().into_response(),
        Say::All(status, header, body) => {
            (axum::http::StatusCode::from_u16(status).unwrap(), [header], body).into_response()
        }
        Say::Nothing => std::future::pending().await,
    }
}

impl Receiver {
    /// That says 204 unless told otherwise.
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Self { port, ..Self::default() };
        let router = Router::new().fallback(answer).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers the next calls so.
    pub fn say(&self, next: &[Say]) {
        self.say.lock().unwrap().extend(next.iter().cloned());
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A platform that may call this machine.
pub struct World {
    pub platform: Platform,
    pub cx: Ctx,
    pub receiver: Receiver,
    relay: OutboxDelivery,
}

pub fn published() -> Publications {
    Publications(Arc::new([Publication::of::<ThingDone>()]))
}

pub fn wanted(url: &str, active: bool) -> WantedWebhook {
    let topics = vec![TYPE.to_owned()];
    WantedWebhook::new(url, "the shop", topics, active, &published().0).unwrap()
}

impl World {
    pub async fn new(db: &TestDb) -> Self {
        let outbound = Outbound::default().allowing(&["127.0.0.1".parse().unwrap()]);
        Self::with(db.platform().clone().with_outbound(outbound)).await
    }

    pub async fn with(platform: Platform) -> Self {
        let relay = Arc::new(Relay::new(&published()));
        let options = DeliveryOptions::default();
        Self {
            relay: OutboxDelivery::new(platform.clone(), relay, options),
            cx: platform.ctx(Scope::system(OrgId::FIRST)),
            receiver: Receiver::open().await,
            platform,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.receiver.port)
    }

    /// A webhook to `url` that is on.
    pub async fn add(&self, url: &str) -> WebhookWithSecret {
        let mut tx = self.platform.db.begin().await.unwrap();
        let made = webhooks::create(&mut tx, &self.cx, wanted(url, true)).await.unwrap();
        tx.commit().await.unwrap();
        made
    }

    pub async fn webhook(&self, id: WebhookId) -> Webhook {
        let mut tx = self.platform.db.read().await.unwrap();
        let all = webhooks::list(&mut tx, self.cx.scope).await.unwrap();
        all.into_iter().find(|one| one.id == id).unwrap()
    }

    /// The newest first.
    pub async fn deliveries(&self, id: WebhookId) -> Vec<Delivery> {
        let mut tx = self.platform.db.read().await.unwrap();
        let limit = Limit::new(Some(200)).unwrap();
        let scope = self.cx.scope;
        webhooks::deliveries(&mut tx, scope, id, None, None, limit).await.unwrap().items
    }

    /// Writes events about `things`, and what is to be sent of them.
    pub async fn happen(&self, things: &[&str]) {
        for thing in things {
            let mut tx = self.platform.db.begin().await.unwrap();
            let event = ThingDone { thing: (*thing).to_owned(), n: 1 };
            outbox::push(&mut tx, &self.cx, &event).await.unwrap();
            tx.commit().await.unwrap();
        }
        self.relay().await;
    }

    pub async fn relay(&self) {
        outbox::sequence(&self.platform.db).await.unwrap();
        let never = CancellationToken::new();
        while self.relay.turn(&never).await.unwrap() == Turn::Moved {}
    }

    pub fn job(&self, id: WebhookId) -> Job {
        Job {
            id: self.cx.fresh(),
            scope: self.cx.scope,
            kind: SEND.to_owned(),
            payload: json!(id),
            attempt: 1,
            max_attempts: 10,
        }
    }

    /// Runs the job of a webhook once.
    pub async fn send(&self, id: WebhookId) -> JobOutcome {
        self.send_until(id, CancellationToken::new()).await.unwrap()
    }

    pub async fn send_until(
        &self,
        id: WebhookId,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        SendWebhooks.run(&self.platform, &self.job(id), cancel).await
    }

    /// Runs the job and gives when it wants to run again.
    pub async fn send_again_at(&self, id: WebhookId) -> Timestamp {
        match self.send(id).await {
            JobOutcome::Again(at) => at,
            JobOutcome::Done => panic!("it has nothing more to do"),
        }
    }
}

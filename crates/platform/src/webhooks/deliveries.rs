//! Deliveries: what is to be sent to a webhook, or was.

use kernel::{Cursor, DeliveryId, Limit, Page, Timestamp, TypedId as _, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::endpoints::{self, OffReason};
use super::{SEND, WebhookError};
use crate::audit::{self, Entry};
use crate::jobs::{self, JobOptions};
use crate::{Ctx, DbError, HandleError, ListError, Scope, Tx, args};

/// Bytes of a body; the specification recommends less.
pub const BODY_MAX: usize = 20 * 1024;
/// Bytes of an answer that are kept.
pub const ANSWER_MAX: usize = 500;
/// Deliveries that may wait for one webhook; with more it is switched off.
pub const BACKLOG_MAX: u32 = 10_000;
/// Days for which deliveries are kept, with what was answered.
pub const KEPT_DAYS: i64 = 30;
/// The type of a message that somebody asked for to see whether it arrives. It is sent once.
pub const TEST: &str = "platform.test.v1";

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// For its time, or until the webhook is switched on.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// Given up; can be sent again by hand.
    Failed,
}

impl DeliveryState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "waiting" => Self::Waiting,
            "delivered" => Self::Delivered,
            _ => Self::Failed,
        }
    }
}

/// A message to a webhook, and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    /// What the receiver sees as `webhook-id`; the same whenever it is sent.
    pub id: DeliveryId,
    /// Its type.
    pub topic: String,
    /// When what it speaks of happened.
    pub event_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was sent since it was first, or by hand, given to be sent.
    pub tries: i64,
    /// When it is sent next, at the earliest; null if it is not.
    pub next_at: Option<Timestamp>,
    /// When it was sent last.
    pub tried_at: Option<Timestamp>,
    /// The status of the last answer; null without one.
    pub status: Option<i64>,
    /// How the last answer begins.
    pub answer: Option<String>,
    /// What went wrong the last time.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    topic: String,
    event_at: i64,
    state: String,
    tries: i64,
    next_at: i64,
    tried_at: Option<i64>,
    status: Option<i64>,
    answer: Option<String>,
    error: Option<String>,
    created_at: i64,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        let state = DeliveryState::from_name(&row.state);
        let next_at = Timestamp::from_millis(row.next_at);
        Self {
            id: DeliveryId::from_uuid(row.id),
            topic: row.topic,
            event_at: Timestamp::from_millis(row.event_at),
            state,
            tries: row.tries,
            next_at: (state == DeliveryState::Waiting).then_some(next_at),
            tried_at: row.tried_at.map(Timestamp::from_millis),
            status: row.status,
            answer: row.answer,
            error: row.error,
            created_at: Timestamp::from_millis(row.created_at),
        }
    }
}

const COLUMNS: &str =
    "id, topic, event_at, state, tries, next_at, tried_at, status, answer, error, created_at";

/// Deliveries of a webhook, newest first.
///
/// # Errors
/// `NotFound` if there is no such webhook; `List` if `after` is of another list.
pub async fn deliveries(
    tx: &mut Tx,
    scope: Scope,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<Delivery>, WebhookError> {
    endpoints::get(tx, scope, webhook).await?;
    let after = match after {
        Some(cursor) => Cursor::decode::<DeliveryId>(cursor).map_err(ListError::from)?.uuid(),
        None => Uuid::max(),
    };
    let mut arguments = args![scope.org_arg(), webhook.uuid(), after, limit.get() as i64 + 1];
    let condition = match state {
        Some(state) => {
            arguments.push(state.name().into());
            "AND state = $5"
        }
        None => "",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM platform_webhook_deliveries
         WHERE org_id = $1 AND webhook_id = $2 AND id < $3 {condition} ORDER BY id DESC LIMIT $4"
    );
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let mut items: Vec<Delivery> = rows.into_iter().map(Delivery::from).collect();
    let more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items.last().filter(|_| more).map(|last| Cursor::encode(&last.id));
    Ok(Page { items, next })
}

async fn get(
    tx: &mut Tx,
    scope: Scope,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Delivery, WebhookError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM platform_webhook_deliveries
         WHERE org_id = $1 AND webhook_id = $2 AND id = $3"
    );
    let row: Option<Row> = tx
        .fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), webhook.uuid(), id.uuid()])
        .await?;
    row.map(Delivery::from).ok_or(WebhookError::NotFound("delivery"))
}

/// Refuses what nobody would send.
async fn is_on(tx: &mut Tx, scope: Scope, webhook: WebhookId) -> Result<(), WebhookError> {
    let is_on = endpoints::get(tx, scope, webhook).await?.active;
    if is_on { Ok(()) } else { Err(WebhookError::Off) }
}

/// Has a delivery sent again, soon, with the same id and all its tries.
///
/// # Errors
/// `NotFound`, `Off`.
pub async fn redeliver(
    tx: &mut Tx,
    cx: &Ctx,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Delivery, WebhookError> {
    is_on(tx, cx.scope, webhook).await?;
    let known = get(tx, cx.scope, webhook, id).await?;
    tx.execute(
        "UPDATE platform_webhook_deliveries SET state = 'waiting', tries = 0, next_at = $3
         WHERE org_id = $1 AND id = $2",
        args![cx.scope.org_arg(), id.uuid(), cx.now()],
    )
    .await?;
    soon(tx, cx, webhook).await?;
    let entry = Entry::new("platform.webhook.redeliver")
        .on("webhook", webhook)
        .with("delivery", id)
        .with("topic", known.topic);
    audit::record(tx, cx, entry).await?;
    get(tx, cx.scope, webhook, id).await
}

/// Has a message of type [`TEST`] sent.
///
/// # Errors
/// `NotFound`, `Off`.
pub async fn test(tx: &mut Tx, cx: &Ctx, webhook: WebhookId) -> Result<Delivery, WebhookError> {
    is_on(tx, cx.scope, webhook).await?;
    let body = body(TEST, cx.now(), &json!({ "webhook": webhook }))?;
    let id = insert(tx, cx, webhook, TEST, cx.now(), &body).await?;
    soon(tx, cx, webhook).await?;
    let entry = Entry::new("platform.webhook.test").on("webhook", webhook).with("delivery", id);
    audit::record(tx, cx, entry).await?;
    get(tx, cx.scope, webhook, id).await
}

/// Ends the quiet after failures, since a person asked.
async fn soon(tx: &mut Tx, cx: &Ctx, webhook: WebhookId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE platform_webhooks SET quiet_until = 0 WHERE org_id = $1 AND id = $2",
        args![cx.scope.org_arg(), webhook.uuid()],
    )
    .await?;
    wake(tx, cx, webhook).await
}

/// Has what is due for a webhook sent. Calls wait for everything else that is to be done.
pub(super) async fn wake(tx: &mut Tx, cx: &Ctx, webhook: WebhookId) -> Result<(), DbError> {
    let options =
        JobOptions { priority: -1, unique_key: Some(webhook.to_string()), ..JobOptions::default() };
    jobs::enqueue(tx, cx, SEND, &webhook, options).await.map(drop)
}

/// What is sent, word for word: what is signed is what is sent.
pub(super) fn body(name: &str, at: Timestamp, data: &Value) -> Result<String, DbError> {
    crate::db::json_text(&json!({ "type": name, "timestamp": at, "data": data }))
}

/// Writes a delivery of each of `bodies` and has them sent.
pub(super) async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    webhook: WebhookId,
    topic: &str,
    event_at: Timestamp,
    bodies: &[String],
) -> Result<(), HandleError> {
    let (waiting,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM platform_webhook_deliveries
             WHERE org_id = $1 AND webhook_id = $2 AND state = 'waiting' LIMIT $3) AS backlog",
            args![cx.scope.org_arg(), webhook.uuid(), BACKLOG_MAX],
        )
        .await?;
    if waiting >= i64::from(BACKLOG_MAX) {
        return Ok(endpoints::switch_off(tx, cx, webhook, OffReason::Backlog).await?);
    }
    for body in bodies {
        insert(tx, cx, webhook, topic, event_at, body).await?;
    }
    Ok(wake(tx, cx, webhook).await?)
}

async fn insert(
    tx: &mut Tx,
    cx: &Ctx,
    webhook: WebhookId,
    topic: &str,
    event_at: Timestamp,
    body: &str,
) -> Result<DeliveryId, DbError> {
    let id: DeliveryId = cx.fresh();
    tx.execute(
        "INSERT INTO platform_webhook_deliveries (org_id, id, webhook_id, topic, event_at, body, state, tries,
             next_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, $7)",
        args![cx.scope.org_arg(), id.uuid(), webhook.uuid(), topic, event_at, body, cx.now()],
    )
    .await?;
    Ok(id)
}

/// The delivery that is due first.
pub(super) struct Due {
    pub(super) id: DeliveryId,
    pub(super) topic: String,
    pub(super) body: String,
    pub(super) tries: i64,
    pub(super) at: Timestamp,
}

pub(super) async fn first_due(
    tx: &mut Tx,
    scope: Scope,
    webhook: WebhookId,
) -> Result<Option<Due>, DbError> {
    let row: Option<(Uuid, String, String, i64, i64)> = tx
        .fetch_optional(
            "SELECT id, topic, body, tries, next_at FROM platform_webhook_deliveries
             WHERE org_id = $1 AND webhook_id = $2 AND state = 'waiting' ORDER BY next_at, id LIMIT 1",
            args![scope.org_arg(), webhook.uuid()],
        )
        .await?;
    Ok(row.map(|(id, topic, body, tries, at)| Due {
        id: DeliveryId::from_uuid(id),
        topic,
        body,
        tries,
        at: Timestamp::from_millis(at),
    }))
}

/// Forgets deliveries that were written before `cutoff`; gives how many. At most 1,000 at once.
///
/// # Errors
/// As the database says.
pub async fn prune(tx: &mut Tx, cutoff: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM platform_webhook_deliveries WHERE (org_id, id) IN (
             SELECT org_id, id FROM platform_webhook_deliveries WHERE created_at < $1 LIMIT 1000)",
        args![cutoff],
    )
    .await
}

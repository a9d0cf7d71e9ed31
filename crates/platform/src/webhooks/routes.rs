//! `/platform/webhooks` and what lies below it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use kernel::{DeliveryId, FieldErrors, Limit, Page, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::deliveries::{Delivery, DeliveryState};
use super::endpoints::{KEEP_HOURS_MAX, WantedWebhook, Webhook, WebhookWithSecret};
use super::{Publication, Publications, deliveries, endpoints};
use crate::http::{Cx, Idempotency, Idempotent, IfMatch, JsonBody, PathId, PathIds, QueryParams};
use crate::idempotency::{self, Answer, Begun};
use crate::{Platform, Problem};

/// Hours for which an earlier secret signs unless said otherwise.
const KEEP_HOURS: u32 = 24;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(read, create))
        .routes(routes!(change, delete))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(list))
        .routes(routes!(redeliver))
}

/// All webhooks, and what they can want.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Webhooks {
    /// The first made first.
    items: Vec<Webhook>,
    /// The types that are published.
    topics: Vec<String>,
}

/// A webhook as it shall be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookBody {
    /// Where it leads: `https://shop.example.com/hooks/guanxi`.
    url: String,
    /// What it is for; one line.
    #[serde(default)]
    note: String,
    /// The types it wants, of those that are published.
    topics: Vec<String>,
    /// Whether it is on; it is unless said otherwise.
    active: Option<bool>,
}

impl WebhookBody {
    fn wanted(self, published: &[Publication]) -> Result<WantedWebhook, FieldErrors> {
        let active = self.active.unwrap_or(true);
        WantedWebhook::new(&self.url, &self.note, self.topics, active, published)
    }
}

/// The webhooks of the organisation.
#[utoipa::path(get, path = "/platform/webhooks", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks"))),
    responses((status = 200, body = Webhooks), Problem))]
async fn read(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(Publications(published)): Extension<Publications>,
) -> Result<Json<Webhooks>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = endpoints::list(&mut tx, cx.scope).await?;
    let topics = published.iter().map(|one| one.name().to_owned()).collect();
    Ok(Json(Webhooks { items, topics }))
}

/// Makes a webhook. Its secret is in this answer only.
#[utoipa::path(post, path = "/platform/webhooks", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks session proof"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = WebhookBody, responses((status = 201, body = WebhookWithSecret), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(Publications(published)): Extension<Publications>,
    Idempotent { key, body }: Idempotent<WebhookBody>,
) -> Result<Answer, Problem> {
    let wanted = body.wanted(&published)?;
    endpoints::judge(&platform.outbound, wanted.url()).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = endpoints::create(&mut tx, &cx, wanted).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Changes a webhook. One that is switched on is sent what waits for it.
#[utoipa::path(put, path = "/platform/webhooks/{id}", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks session proof"))),
    params(("id" = WebhookId, Path), ("If-Match" = String, Header)),
    request_body = WebhookBody, responses((status = 200, body = Webhook), Problem))]
async fn change(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(Publications(published)): Extension<Publications>,
    PathId(id): PathId<WebhookId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<WebhookBody>,
) -> Result<Json<Webhook>, Problem> {
    let wanted = body.wanted(&published)?;
    endpoints::judge(&platform.outbound, wanted.url()).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let webhook = endpoints::change(&mut tx, &cx, id, version, wanted).await?;
    tx.commit().await?;
    Ok(Json(webhook))
}

/// Deletes a webhook with all its deliveries.
#[utoipa::path(delete, path = "/platform/webhooks/{id}", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks session"))),
    params(("id" = WebhookId, Path)), responses((status = 204), Problem))]
async fn delete(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<WebhookId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    endpoints::delete(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For how long the earlier secret goes on signing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateBody {
    /// Hours, 0 to 168; 24 unless said otherwise. With 0 it ends now.
    keep_hours: Option<u32>,
}

/// Gives a webhook a new secret, which is in this answer only. For a while both sign.
#[utoipa::path(post, path = "/platform/webhooks/{id}/secret", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks session proof"))),
    params(("id" = WebhookId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = RotateBody, responses((status = 201, body = WebhookWithSecret), Problem))]
async fn rotate(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<WebhookId>,
    Idempotent { key, body }: Idempotent<RotateBody>,
) -> Result<Answer, Problem> {
    let keep_hours = body.keep_hours.unwrap_or(KEEP_HOURS);
    if keep_hours > KEEP_HOURS_MAX {
        return Err(Problem::field("keep_hours", format!("must be 0 to {KEEP_HOURS_MAX}")));
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = endpoints::rotate(&mut tx, &cx, id, keep_hours).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Has a test message sent, once.
#[utoipa::path(post, path = "/platform/webhooks/{id}/test", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks"))),
    params(("id" = WebhookId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = Delivery), Problem))]
async fn test(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<WebhookId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let delivery = deliveries::test(&mut tx, &cx, id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &delivery).await?;
    tx.commit().await?;
    Ok(answer)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryParams {
    /// Only those in this state.
    state: Option<DeliveryState>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// Deliveries of a webhook of the last 30 days, newest first.
#[utoipa::path(get, path = "/platform/webhooks/{id}/deliveries", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks"))),
    params(("id" = WebhookId, Path), DeliveryParams),
    responses((status = 200, body = Page<Delivery>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<WebhookId>,
    QueryParams(params): QueryParams<DeliveryParams>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let (state, after) = (params.state, params.after.as_deref());
    Ok(Json(deliveries::deliveries(&mut tx, cx.scope, id, state, after, limit).await?))
}

/// Has a delivery sent again, with the same `webhook-id` and all its tries.
#[utoipa::path(post, path = "/platform/webhooks/{id}/deliveries/{delivery}/redeliver", tag = "platform",
    extensions(("x-right" = json!("platform.webhooks"))),
    params(("id" = WebhookId, Path), ("delivery" = DeliveryId, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = Delivery), Problem))]
async fn redeliver(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathIds(id, delivery): PathIds<WebhookId, DeliveryId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let delivery = deliveries::redeliver(&mut tx, &cx, id, delivery).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &delivery).await?;
    tx.commit().await?;
    Ok(answer)
}

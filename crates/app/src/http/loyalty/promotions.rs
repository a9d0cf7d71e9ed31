//! Promotions: kept, changed, put live and stopped, with the stock of flash sales and what is in whose way.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::promotion_calendar::{self, PromotionCalendar};
use kernel::{CustomerId, FieldErrors, Limit, Page, PromotionId, ShopId, Timestamp, TypedId as _};
use loyalty::OfferState;
use loyalty::counters::{self, Used};
use loyalty::promotions::{self, NewPromotion, Promotion, PromotionError, stock};
use platform::http::{Cx, ETag, Idempotent, IfMatch, JsonBody, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Ctx, DbError, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(calendar))
        .routes(routes!(get_one, change))
        .routes(routes!(set_state))
        .routes(routes!(set_stock))
}

/// Which promotions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// In this state.
    state: Option<OfferState>,
    /// `next` of the page before.
    after: Option<PromotionId>,
    /// Rows of a page: 1 to 200, 50 unless said.
    limit: Option<u32>,
}

/// Promotions, the newest first
#[utoipa::path(get, path = "/loyalty/promotions", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(ListParams),
    responses((status = 200, body = Page<Promotion>), Problem))]
async fn list(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(asked): QueryParams<ListParams>,
) -> Result<Json<Page<Promotion>>, Problem> {
    let limit = Limit::new(asked.limit).map_err(|error| Problem::field("limit", error))?;
    let size = u32::try_from(limit.get()).unwrap_or(u32::from(Limit::MAX));
    let mut tx = state.platform.db.read_for(cx.scope).await?;
    let page = (asked.after, size + 1);
    let mut items = promotions::page(&mut tx, cx.scope, asked.state, page).await?;
    tx.rollback().await?;
    let more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(Page { items, next }))
}

/// A promotion with what was used of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PromotionView {
    /// As it is kept.
    promotion: Promotion,
    /// Pieces of a flash sale, by SKU.
    stock: Vec<stock::Stock>,
    /// How often it was used by everybody, where that is limited.
    used_total: i64,
    /// What was given of its budget, in minor units.
    spent_minor: i64,
}

async fn view(tx: &mut Tx, cx: &Ctx, id: PromotionId) -> Result<PromotionView, Problem> {
    let found = promotions::get(tx, cx.scope, id).await?;
    let promotion = found.ok_or(PromotionError::NoPromotion)?;
    let stock = stock::of(tx, cx.scope, &[id]).await?.remove(&id).unwrap_or_default();
    let used = used(tx, cx, id).await?;
    let Used { total, spent_minor, .. } = used;
    Ok(PromotionView { promotion, stock, used_total: total, spent_minor })
}

/// Uses by everybody; those of a shop, a day and a person are not asked for.
async fn used(tx: &mut Tx, cx: &Ctx, id: PromotionId) -> Result<Used, DbError> {
    // No shop and no customer has the id of a promotion.
    let own = id.uuid();
    let holder = loyalty::Holder::single(CustomerId::from_uuid(own));
    let at = (ShopId::from_uuid(own), 0, &holder);
    let mut found = counters::used(tx, cx.scope, &[own], at).await?;
    Ok(found.remove(&own).unwrap_or_default())
}

/// Makes a promotion, as a draft
#[utoipa::path(post, path = "/loyalty/promotions", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewPromotion, responses((status = 201, body = PromotionView), Problem))]
async fn create(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<NewPromotion>,
) -> Result<Answer, Problem> {
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let id = promotions::create(&mut tx, &cx, &body).await?;
    let made = view(&mut tx, &cx, id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One promotion with what was used of it
#[utoipa::path(get, path = "/loyalty/promotions/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(("id" = PromotionId, Path)),
    responses((status = 200, body = PromotionView), Problem))]
async fn get_one(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<PromotionId>,
) -> Result<(ETag, Json<PromotionView>), Problem> {
    let mut tx = state.platform.db.read_for(cx.scope).await?;
    let view = view(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok((ETag(view.promotion.version), Json(view)))
}

/// Gives a promotion a new version, which holds at once
#[utoipa::path(put, path = "/loyalty/promotions/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))),
    params(("id" = PromotionId, Path), ("If-Match" = String, Header)),
    request_body = NewPromotion, responses((status = 200, body = PromotionView), Problem))]
async fn change(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<PromotionId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<NewPromotion>,
) -> Result<(ETag, Json<PromotionView>), Problem> {
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    match promotions::change(&mut tx, &cx, id, version, &body).await {
        Ok(()) => {}
        Err(PromotionError::Changed(_)) => {
            return Err(Problem::precondition_failed(&view(&mut tx, &cx, id).await?));
        }
        Err(error) => return Err(error.into()),
    }
    let view = view(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok((ETag(view.promotion.version), Json(view)))
}

/// The state that a promotion shall have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PromotionStateBody {
    /// A draft goes live, what is live stops and goes on, and all but an end can end.
    state: OfferState,
}

/// Puts a promotion live, stops it, lets it go on, or ends it for good
#[utoipa::path(put, path = "/loyalty/promotions/{id}/state", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(("id" = PromotionId, Path)),
    request_body = PromotionStateBody, responses((status = 200, body = PromotionView), Problem))]
async fn set_state(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<PromotionId>,
    JsonBody(body): JsonBody<PromotionStateBody>,
) -> Result<Json<PromotionView>, Problem> {
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    promotions::set_state(&mut tx, &cx, id, body.state).await?;
    let view = view(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok(Json(view))
}

/// How many pieces of a SKU a flash sale has.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct FlashStockBody {
    /// Of what: a SKU, or a product.
    sku: String,
    /// Pieces in all, those held and sold among them.
    stocked: i64,
}

/// Sets how many pieces of a SKU a flash sale has in all
#[utoipa::path(put, path = "/loyalty/promotions/{id}/stock", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(("id" = PromotionId, Path)),
    request_body = FlashStockBody, responses((status = 200, body = PromotionView), Problem))]
async fn set_stock(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<PromotionId>,
    JsonBody(body): JsonBody<FlashStockBody>,
) -> Result<Json<PromotionView>, Problem> {
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    stock::set(&mut tx, &cx, id, &body.sku, body.stocked).await?;
    let view = view(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok(Json(view))
}

/// Of which period.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CalendarParams {
    /// The first moment.
    from: Timestamp,
    /// The first moment after it.
    until: Timestamp,
}

/// Promotions of a period that are live, being written or stopped, and what is in whose way
#[utoipa::path(get, path = "/loyalty/promotions/calendar", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))), params(CalendarParams),
    responses((status = 200, body = PromotionCalendar), Problem))]
async fn calendar(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(asked): QueryParams<CalendarParams>,
) -> Result<Json<PromotionCalendar>, Problem> {
    let mut errors = FieldErrors::default();
    if asked.until <= asked.from {
        errors.push("until", "must be after its beginning");
    }
    errors.finish(|| Some(())).map_err(Problem::validation)?;
    let engine = state.engines.of(cx.scope.org());
    let mut tx = state.platform.db.read_for(cx.scope).await?;
    let period = (asked.from, asked.until);
    let found = promotion_calendar::calendar(&mut tx, &engine, &cx, period).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

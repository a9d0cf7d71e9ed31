//! Coupons that are given to the customers of an audience.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::coupons::{self, GiftBody};
use kernel::{CouponDefinitionId, CouponGiftId};
use loyalty::coupons::gift::{self, Gift};
use loyalty::coupons::{CouponError, definition};
use platform::http::{Cx, Idempotent, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get_one))
}

/// Gifts of a definition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CouponGifts {
    /// The newest 100, the newest first.
    items: Vec<Gift>,
}

/// The gifts of a definition to audiences, each with how many got one and how many did not
#[utoipa::path(get, path = "/loyalty/coupons/{id}/gifts", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponDefinitionId, Path)),
    responses((status = 200, body = CouponGifts), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
) -> Result<Json<CouponGifts>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    definition::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoDefinition)?;
    let items = gift::of_definition(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    Ok(Json(CouponGifts { items }))
}

/// Gives a coupon to each customer of an audience, by a job
#[utoipa::path(post, path = "/loyalty/coupons/{id}/gifts", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))),
    params(("id" = CouponDefinitionId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = GiftBody, responses((status = 202, body = Gift), Problem))]
async fn create(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
    Idempotent { key, body }: Idempotent<GiftBody>,
) -> Result<Answer, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let new = coupons::prepare(&engine, &cx, id, body).await;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = coupons::begin(&mut tx, &cx, &new?).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One gift
#[utoipa::path(get, path = "/loyalty/coupon-gifts/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponGiftId, Path)),
    responses((status = 200, body = Gift), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponGiftId>,
) -> Result<Json<Gift>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = gift::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoGift)?;
    tx.rollback().await?;
    Ok(Json(found))
}

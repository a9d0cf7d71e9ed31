//! What shops ask at their till: prices, reservations, refunds.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::checkout::{
    self, PlaygroundBody, Quote, QuoteBody, RefundAnswer, RefundBody, ReservationView, ReserveBody,
};
use futures::future::BoxFuture;
use kernel::ReservationId;
use platform::http::{Cx, Idempotency, Idempotent, JsonBody, PathId};
use platform::idempotency::{self, Answer, Begun, RequestKey};
use platform::{Ctx, Problem, Tx};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(quote))
        .routes(routes!(playground))
        .routes(routes!(reserve))
        .routes(routes!(get_one))
        .routes(routes!(commit))
        .routes(routes!(cancel))
        .routes(routes!(refund))
}

/// Prices a cart with what is true now
///
/// Nothing is taken and nothing is held: the price may be another one when the order is reserved.
#[utoipa::path(post, path = "/loyalty/quotes", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))),
    request_body = QuoteBody, responses((status = 200, body = Quote), Problem))]
async fn quote(
    State(state): State<AppState>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<QuoteBody>,
) -> Result<Json<Quote>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(checkout::quote(&state.checkout, &engine, &cx, &body.into()).await?))
}

/// Prices a cart at any moment, for anybody, with promotions that are not live, and tells everything that was tried
#[utoipa::path(post, path = "/loyalty/playground", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.promotions"))),
    request_body = PlaygroundBody, responses((status = 200, body = Quote), Problem))]
async fn playground(
    State(state): State<AppState>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<PlaygroundBody>,
) -> Result<Json<Quote>, Problem> {
    // The answer tells a customer's level, tier, points and coupons.
    if body.customer.is_some() && !cx.access.permissions().allow("loyalty.read") {
        return Err(Problem::right_missing("loyalty.read"));
    }
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(checkout::quote(&state.checkout, &engine, &cx, &body.into()).await?))
}

/// Does `work` at the desk, once for each key.
async fn at_the_desk<T: Serialize + Send + Sync + 'static>(
    state: &AppState,
    cx: Ctx,
    key: Option<RequestKey>,
    status: StatusCode,
    work: impl for<'a> FnOnce(&'a mut Tx, Ctx) -> BoxFuture<'a, Result<T, Problem>> + Send + 'static,
) -> Result<Answer, Problem> {
    let (db, scope) = (state.platform.db.clone(), cx.scope);
    let desk = &state.checkout.desk;
    desk.run(&db, scope, move |tx| {
        Box::pin(async move {
            let ticket = match idempotency::begin(tx, &cx, key).await? {
                Begun::Replay(answer) => return Ok(answer),
                Begun::Fresh(ticket) => ticket,
            };
            let done = work(tx, cx.clone()).await?;
            ticket.finish(tx, &cx, status, &done).await
        })
    })
    .await
}

/// Takes what an order needs: coupons, points, uses, budgets, pieces of flash sales, at once or not at all
///
/// The cart is priced again. If the total is not the expected one, nothing is taken and the answer is 409
/// `price_changed` with the new price as `current`. The same request with the same `order_key` gives the same
/// reservation, as it is by then. It holds until it is committed, cancelled, or its time is over.
#[utoipa::path(post, path = "/loyalty/reservations", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ReserveBody, responses((status = 201, body = ReservationView), Problem))]
async fn reserve(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<ReserveBody>,
) -> Result<Answer, Problem> {
    let engine = state.engines.of(cx.scope.org());
    checkout::enter_codes(&engine, &cx, &body).await?;
    let (own, till, entered) = (engine, state.checkout.clone(), body);
    at_the_desk(&state, cx, key, StatusCode::CREATED, move |tx, cx| {
        Box::pin(async move { Ok(checkout::reserve(tx, &till, &own, &cx, &entered).await?) })
    })
    .await
}

/// A reservation as it is now
#[utoipa::path(get, path = "/loyalty/reservations/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))), params(("id" = ReservationId, Path)),
    responses((status = 200, body = ReservationView), Problem))]
async fn get_one(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<ReservationId>,
) -> Result<Json<ReservationView>, Problem> {
    let mut tx = state.platform.db.read_for(cx.scope).await?;
    let found = checkout::get(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// Tells that the order was placed: what was held is used
///
/// A second time it gives the same answer.
#[utoipa::path(post, path = "/loyalty/reservations/{id}/commit", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))),
    params(("id" = ReservationId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = ReservationView), Problem))]
async fn commit(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<ReservationId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    at_the_desk(&state, cx, key, StatusCode::OK, move |tx, cx| {
        Box::pin(async move { Ok(checkout::commit(tx, &cx, id).await?) })
    })
    .await
}

/// Tells that the order was given up: what was held is free
///
/// A second time, or when its time was over, it does nothing more.
#[utoipa::path(post, path = "/loyalty/reservations/{id}/cancel", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))),
    params(("id" = ReservationId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = ReservationView), Problem))]
async fn cancel(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<ReservationId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    at_the_desk(&state, cx, key, StatusCode::OK, move |tx, cx| {
        Box::pin(async move { Ok(checkout::cancel(tx, &cx, id).await?) })
    })
    .await
}

/// Gives back what pieces of an order were worth
///
/// Money is the shop's to pay. Points come back at once, amounts to their budgets, and with the last piece coupons and
/// uses as their rules say. The same `refund_key` again gives the same answer.
#[utoipa::path(post, path = "/loyalty/refunds", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = RefundBody, responses((status = 200, body = RefundAnswer), Problem))]
async fn refund(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<RefundBody>,
) -> Result<Answer, Problem> {
    at_the_desk(&state, cx, key, StatusCode::OK, move |tx, cx| {
        Box::pin(async move { Ok(checkout::refund(tx, &cx, &body).await?) })
    })
    .await
}

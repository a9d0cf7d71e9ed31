//! Orders with the customers they belong to.

use axum::Json;
use axum::extract::State;
use flows::list_orders::{self, OrderCard, OrderParams, OrderView};
use flows::reveal::{self as receivers, RevealedReceiver};
use kernel::{OrderId, Page};
use platform::http::{Cx, JsonBody, PathId, QueryParams};
use platform::{Platform, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::customers::RevealBody;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(card)).routes(routes!(reveal))
}

/// A page of orders.
#[utoipa::path(get, path = "/commerce/orders", tag = "commerce",
    extensions(("x-right" = json!("commerce.read"))), params(OrderParams),
    responses((status = 200, body = Page<OrderView>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<OrderParams>,
) -> Result<Json<Page<OrderView>>, Problem> {
    params.check(cx.access.fields()).map_err(Problem::validation)?;
    Ok(Json(list_orders::list_orders(&platform, &cx, &params).await?))
}

/// An order with its lines.
#[utoipa::path(get, path = "/commerce/orders/{id}", tag = "commerce",
    extensions(("x-right" = json!("commerce.read"))),
    params(("id" = OrderId, Path)), responses((status = 200, body = OrderCard), Problem))]
async fn card(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<OrderId>,
) -> Result<Json<OrderCard>, Problem> {
    let card = list_orders::order_card(&platform, &cx, id).await?;
    card.map(Json).ok_or_else(|| Problem::not_found("order"))
}

/// Shows where an order goes in the clear. That it was asked for is recorded with the reason.
#[utoipa::path(post, path = "/commerce/orders/{id}/reveal", tag = "commerce",
    extensions(("x-right" = json!("customers.reveal"))),
    params(("id" = OrderId, Path)),
    request_body = RevealBody, responses((status = 200, body = RevealedReceiver), Problem))]
async fn reveal(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<OrderId>,
    JsonBody(body): JsonBody<RevealBody>,
) -> Result<Json<RevealedReceiver>, Problem> {
    let reason = body.reason()?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let revealed = receivers::reveal_receiver(&mut tx, &cx, id, &reason).await?;
    tx.commit().await?;
    Ok(Json(revealed))
}

//! Coupons of a customer: seen by who looks after them, claimed by button or code.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::coupons::{self, ClaimBody, Wallet, WalletCoupon, WalletParams};
use kernel::{CouponDefinitionId, CustomerId};
use platform::http::{Cx, Idempotent, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun, RequestKey};
use platform::{Ctx, Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(wallet, claim)).routes(routes!(claim_in_shop))
}

/// The coupons of a customer and of all who were merged with it, the newest first
#[utoipa::path(get, path = "/loyalty/customers/{id}/coupons", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))),
    params(("id" = CustomerId, Path), WalletParams),
    responses((status = 200, body = Wallet), Problem))]
async fn wallet(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    QueryParams(params): QueryParams<WalletParams>,
) -> Result<Json<Wallet>, Problem> {
    let found = coupons::wallet(&platform, &cx, customer, &params).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("customer"))
}

/// Claims a coupon for a customer, by somebody who manages coupons
///
/// Limits, window and levels hold as if the customer did it. After 10 wrong codes of a customer within 10 minutes: 429.
#[utoipa::path(post, path = "/loyalty/customers/{id}/coupons", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))),
    params(("id" = CustomerId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ClaimBody, responses((status = 201, body = WalletCoupon), Problem))]
async fn claim(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    Idempotent { key, body }: Idempotent<ClaimBody>,
) -> Result<Answer, Problem> {
    claim_for(&state, &cx, customer, key, body).await
}

/// What a customer of a shop claims.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ShopClaimBody {
    /// Who claims.
    customer: CustomerId,
    /// Of which definition; either this or `code`.
    coupon: Option<CouponDefinitionId>,
    /// By which this claim is known, 1 to 190 bytes: the same customer with the same key gets the same coupon again,
    /// at any time. Needed with `coupon`, and not there with `code`.
    key: Option<String>,
    /// The code of one coupon, as it was entered.
    code: Option<String>,
}

/// Claims a coupon for a customer, by the shop in which they pressed a button or entered a code
///
/// After 10 wrong codes of a customer within 10 minutes: 429.
#[utoipa::path(post, path = "/loyalty/coupon-claims", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.checkout"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ShopClaimBody, responses((status = 201, body = WalletCoupon), Problem))]
async fn claim_in_shop(
    State(state): State<AppState>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<ShopClaimBody>,
) -> Result<Answer, Problem> {
    let ShopClaimBody { customer, coupon, key: claim, code } = body;
    claim_for(&state, &cx, customer, key, ClaimBody { coupon, key: claim, code }).await
}

async fn claim_for(
    state: &AppState,
    cx: &Ctx,
    customer: CustomerId,
    key: Option<RequestKey>,
    body: ClaimBody,
) -> Result<Answer, Problem> {
    let db = &state.platform.db;
    let wanted = coupons::check(body)?;
    let zone = state.engines.of(cx.scope.org()).shops().frame().zone;
    coupons::enter_code(db, cx, customer, &wanted).await?;
    let mut tx = db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => {
            tx.commit().await?;
            return Ok(answer);
        }
        Begun::Fresh(ticket) => ticket,
    };
    match coupons::claim(&mut tx, cx, customer, &wanted, zone).await {
        Ok(claimed) => {
            let answer = ticket.finish(&mut tx, cx, StatusCode::CREATED, &claimed).await?;
            tx.commit().await?;
            Ok(answer)
        }
        Err(refused) => {
            tx.rollback().await?;
            Err(refused.into())
        }
    }
}

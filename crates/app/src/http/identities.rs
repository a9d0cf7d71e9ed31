//! What a customer is known by, changed by hand.

use axum::Json;
use axum::extract::State;
use customers::IdentityKind;
use customers::identities::{self, Asked};
use customers::reveal::Reason;
use flows::customer_card::CustomerCard;
use kernel::{CustomerId, FieldErrors, IdentityId, ShopId};
use platform::Problem;
use platform::http::{Cx, ETag, IfMatch, JsonBody, PathId, PathIds};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::customers::card_of;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(correct)).routes(routes!(remove))
}

type Card = (ETag, Json<CustomerCard>);

/// An account, phone number or e-mail address to be added.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewIdentityBody {
    /// What it is.
    kind: IdentityKind,
    /// As imports read them: a mobile number, an e-mail address, or an account of 1 to 100 characters; neither
    /// masked nor virtual.
    value: String,
    /// Of an account: a shop on whose platform it is.
    shop: Option<ShopId>,
    /// That the phone number or e-mail address is of somebody else, too.
    #[serde(default)]
    shared: bool,
    /// 3 to 500 characters; kept in the audit log.
    reason: String,
}

/// Another value in the place of a wrong one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CorrectionBody {
    /// As imports read them; of the same kind, and an account on the same platform.
    value: String,
    /// That the phone number or e-mail address is of somebody else, too.
    #[serde(default)]
    shared: bool,
    /// 3 to 500 characters; kept in the audit log.
    reason: String,
}

/// Why something is taken away.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RemovalBody {
    /// 3 to 500 characters; kept in the audit log.
    reason: String,
}

fn asked(customer: CustomerId, version: i64, reason: &str, shared: bool) -> Result<Asked, Problem> {
    let mut errors = FieldErrors::default();
    let reason = errors.keep("reason", reason.parse::<Reason>());
    let reason = errors.finish(|| reason)?;
    Ok(Asked { customer, version, reason, shared })
}

/// Adds an account, a phone number or an e-mail address to a customer; gives the card. What somebody else has
/// is refused with 409 `identity_taken`, which names them in `current` to whoever may see them.
#[utoipa::path(post, path = "/customers/{id}/identities", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path), ("If-Match" = String, Header)),
    request_body = NewIdentityBody, responses((status = 200, body = CustomerCard), Problem))]
async fn add(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<NewIdentityBody>,
) -> Result<Card, Problem> {
    let NewIdentityBody { kind, value, shop, shared, reason } = body;
    let asked = asked(id, version, &reason, shared)?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let space = flows::identity_space::space_of(&mut tx, &cx, kind, shop).await?;
    identities::add(&mut tx, &cx, &asked, kind, space, &value).await?;
    tx.commit().await?;
    card_of(&state, &cx, id).await
}

/// Corrects an account, a phone number or an e-mail address; gives the card. The wrong value does not come
/// back with a later file.
#[utoipa::path(put, path = "/customers/{id}/identities/{identity}", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path), ("identity" = IdentityId, Path), ("If-Match" = String, Header)),
    request_body = CorrectionBody, responses((status = 200, body = CustomerCard), Problem))]
async fn correct(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathIds(id, identity): PathIds<CustomerId, IdentityId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<CorrectionBody>,
) -> Result<Card, Problem> {
    let asked = asked(id, version, &body.reason, body.shared)?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    identities::correct(&mut tx, &cx, &asked, identity, &body.value).await?;
    tx.commit().await?;
    card_of(&state, &cx, id).await
}

/// Takes an account, a phone number or an e-mail address away from a customer; gives the card. It does not come
/// back with a later file.
#[utoipa::path(post, path = "/customers/{id}/identities/{identity}/removal", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path), ("identity" = IdentityId, Path), ("If-Match" = String, Header)),
    request_body = RemovalBody, responses((status = 200, body = CustomerCard), Problem))]
async fn remove(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathIds(id, identity): PathIds<CustomerId, IdentityId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<RemovalBody>,
) -> Result<Card, Problem> {
    let asked = asked(id, version, &body.reason, false)?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    identities::remove(&mut tx, &cx, &asked, identity).await?;
    tx.commit().await?;
    card_of(&state, &cx, id).await
}

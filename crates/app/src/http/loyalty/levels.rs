//! Levels of members: schemes, where customers stand, and changes by hand.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::levels::{
    self, CustomerLevel, LevelChangeView, LevelCount, LevelDefaults, PinBody, ReleaseBody,
};
use flows::settle_levels;
use kernel::{Currency, CustomerId, LevelSchemeId, Page, ShopId};
use loyalty::levels::rules::Rules;
use loyalty::levels::scheme::{self, NewScheme};
use loyalty::levels::what_if::WhatIf;
use loyalty::levels::{LevelsError, Scheme};
use platform::http::{Cx, ETag, Idempotent, IfMatch, JsonBody, PathId, PathIds, QueryParams};
use platform::idempotency::Answer;
use platform::{Ctx, Platform, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answered::answered;
use super::points::{limit_of, zone_of};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(defaults))
        .routes(routes!(get_one, change))
        .routes(routes!(what_if))
        .routes(routes!(counts))
        .routes(routes!(of_customer))
        .routes(routes!(history))
        .routes(routes!(pin))
        .routes(routes!(release))
}

/// All schemes of levels.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LevelSchemes {
    /// By name.
    #[schema(value_type = Vec<loyalty::levels::Scheme>)]
    items: Vec<Scheme>,
}

/// All schemes of levels
#[utoipa::path(get, path = "/loyalty/schemes", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))),
    responses((status = 200, body = LevelSchemes), Problem))]
async fn list(State(platform): State<Platform>, Cx(cx): Cx) -> Result<Json<LevelSchemes>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = scheme::newest(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    Ok(Json(LevelSchemes { items }))
}

/// A scheme of levels to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LevelSchemeBody {
    /// Its name, of which there is one in an organisation.
    name: String,
    /// Of the amounts it looks at; orders in another currency do not count.
    currency: Currency,
    /// The shops whose orders count; none named: all.
    #[serde(default)]
    shops: Vec<ShopId>,
    /// In which days are told: seconds east of UTC.
    zone: i32,
    /// What it says.
    #[schema(value_type = loyalty::levels::rules::Rules)]
    rules: Rules,
}

async fn kept(tx: &mut Tx, cx: &Ctx, id: LevelSchemeId) -> Result<Scheme, LevelsError> {
    scheme::get(tx, cx.scope, id).await?.ok_or(LevelsError::NoScheme)
}

/// Makes a scheme of levels
///
/// The customers who are there have their levels as soon as a job has measured them.
#[utoipa::path(post, path = "/loyalty/schemes", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = LevelSchemeBody,
    responses((status = 201, body = loyalty::levels::Scheme), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<LevelSchemeBody>,
) -> Result<Answer, Problem> {
    let new = NewScheme {
        name: body.name,
        currency: body.currency,
        shops: body.shops,
        zone: zone_of(body.zone)?,
        rules: body.rules,
    };
    answered(&platform, &cx, key, StatusCode::CREATED, async |tx: &mut Tx| {
        let id = settle_levels::make_scheme(tx, &cx, &new).await?;
        kept(tx, &cx, id).await
    })
    .await
}

/// What a scheme may begin with: four levels by amount or by orders
#[utoipa::path(get, path = "/loyalty/schemes/defaults", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))),
    responses((status = 200, body = LevelDefaults), Problem))]
async fn defaults(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<LevelDefaults>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = levels::defaults(&mut tx, &cx).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// One scheme of levels with its versions
#[utoipa::path(get, path = "/loyalty/schemes/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))), params(("id" = LevelSchemeId, Path)),
    responses((status = 200, body = loyalty::levels::Scheme), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<LevelSchemeId>,
) -> Result<(ETag, Json<Scheme>), Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = kept(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok((ETag(found.version), Json(found)))
}

/// What a scheme says from now on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LevelSchemeChange {
    /// Its name.
    name: String,
    /// What it says.
    #[schema(value_type = loyalty::levels::rules::Rules)]
    rules: Rules,
}

/// Gives a scheme of levels a new version; a job then looks at all its members
#[utoipa::path(put, path = "/loyalty/schemes/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))),
    params(("id" = LevelSchemeId, Path), ("If-Match" = String, Header)),
    request_body = LevelSchemeChange,
    responses((status = 200, body = loyalty::levels::Scheme), Problem))]
async fn change(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<LevelSchemeId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<LevelSchemeChange>,
) -> Result<(ETag, Json<Scheme>), Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    match settle_levels::change_scheme(&mut tx, &cx, id, version, &body.name, &body.rules).await {
        Ok(()) => {}
        Err(LevelsError::Changed(_)) => {
            return Err(Problem::precondition_failed(&kept(&mut tx, &cx, id).await?));
        }
        Err(error) => return Err(error.into()),
    }
    let found = kept(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok((ETag(found.version), Json(found)))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhatIfParams {
    /// The rank whose bound would be another: 1 is the lowest.
    rank: usize,
    /// The bound it would have, in minor units or orders.
    bound: i64,
}

/// How many customers would move if the bound of a level were another
#[utoipa::path(get, path = "/loyalty/schemes/{id}/what-if", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))),
    params(("id" = LevelSchemeId, Path), WhatIfParams),
    responses((status = 200, body = loyalty::levels::what_if::WhatIf), Problem))]
async fn what_if(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<LevelSchemeId>,
    QueryParams(params): QueryParams<WhatIfParams>,
) -> Result<Json<WhatIf>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = levels::what_if(&mut tx, &cx, id, params.rank, params.bound).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// How many customers have each level.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LevelCounts {
    /// From rank 0, which is no level, on.
    items: Vec<LevelCount>,
}

/// How many customers have each level of a scheme
#[utoipa::path(get, path = "/loyalty/schemes/{id}/counts", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))), params(("id" = LevelSchemeId, Path)),
    responses((status = 200, body = LevelCounts), Problem))]
async fn counts(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<LevelSchemeId>,
) -> Result<Json<LevelCounts>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = levels::counts(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok(Json(LevelCounts { items }))
}

/// Where a customer stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LevelsOfCustomer {
    /// One for each scheme, by their names.
    items: Vec<CustomerLevel>,
}

/// Where a customer stands in every scheme, and what is missing to the next level
#[utoipa::path(get, path = "/loyalty/customers/{id}/levels", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))), params(("id" = CustomerId, Path)),
    responses((status = 200, body = LevelsOfCustomer), Problem))]
async fn of_customer(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
) -> Result<Json<LevelsOfCustomer>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = levels::of_customer(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok(Json(LevelsOfCustomer { items }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistoryParams {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// How a customer came to the level that they have, the newest change first
#[utoipa::path(get, path = "/loyalty/customers/{id}/levels/{scheme}/history", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))),
    params(("id" = CustomerId, Path), ("scheme" = LevelSchemeId, Path), HistoryParams),
    responses((status = 200, body = Page<LevelChangeView>), Problem))]
async fn history(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathIds(id, scheme): PathIds<CustomerId, LevelSchemeId>,
    QueryParams(params): QueryParams<HistoryParams>,
) -> Result<Json<Page<LevelChangeView>>, Problem> {
    let limit = limit_of(params.limit)?;
    let after = params.after.as_deref();
    let mut tx = platform.db.read_for(cx.scope).await?;
    let page = levels::history(&mut tx, &cx, id, scheme, after, limit).await?;
    tx.rollback().await?;
    Ok(Json(page))
}

/// Pins the level of a customer by hand, for a reason: it stays whatever is measured
#[utoipa::path(post, path = "/loyalty/customers/{id}/levels/{scheme}/pin", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))),
    params(("id" = CustomerId, Path), ("scheme" = LevelSchemeId, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body = PinBody, responses((status = 200, body = CustomerLevel), Problem))]
async fn pin(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathIds(id, scheme): PathIds<CustomerId, LevelSchemeId>,
    Idempotent { key, body }: Idempotent<PinBody>,
) -> Result<Answer, Problem> {
    answered(&platform, &cx, key, StatusCode::OK, async |tx: &mut Tx| {
        levels::set_by_hand(tx, &cx, id, scheme, Some(body.rank), &body.reason).await
    })
    .await
}

/// Sets the level of a customer to what is earned, for a reason
#[utoipa::path(post, path = "/loyalty/customers/{id}/levels/{scheme}/release", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.levels"))),
    params(("id" = CustomerId, Path), ("scheme" = LevelSchemeId, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body = ReleaseBody, responses((status = 200, body = CustomerLevel), Problem))]
async fn release(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathIds(id, scheme): PathIds<CustomerId, LevelSchemeId>,
    Idempotent { key, body }: Idempotent<ReleaseBody>,
) -> Result<Answer, Problem> {
    answered(&platform, &cx, key, StatusCode::OK, async |tx: &mut Tx| {
        levels::set_by_hand(tx, &cx, id, scheme, None, &body.reason).await
    })
    .await
}

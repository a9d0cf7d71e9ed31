//! Points: programmes, and what customers have. What the accountant reads is in `ledger.rs`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::loyalty::points::{
    self, AdjustBody, AwardBody, CustomerPoints, LedgerEntryCard, PointsAdjusted, PointsExample,
    PointsExampleBody, PointsStanding,
};
use flows::settle_points;
use kernel::{
    Currency, CustomerId, FieldErrors, Limit, PointsEntryId, ProgrammeId, ShopId, Timestamp, Zone,
};
use loyalty::points::programme::{self, NewProgramme};
use loyalty::points::rules::Rules;
use loyalty::points::statement::Statement;
use loyalty::points::{PointsError, Programme};
use platform::http::{Cx, ETag, Idempotent, IfMatch, JsonBody, PathId, PathIds, QueryParams};
use platform::idempotency::Answer;
use platform::{Ctx, Platform, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answered::answered;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get_one, change))
        .routes(routes!(example))
        .routes(routes!(of_customer))
        .routes(routes!(statement))
        .routes(routes!(entry_of_customer))
        .routes(routes!(adjust))
        .routes(routes!(give_award))
}

/// All programmes of points.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PointsProgrammes {
    /// By name.
    #[schema(value_type = Vec<loyalty::points::Programme>)]
    items: Vec<Programme>,
}

/// All programmes of points
#[utoipa::path(get, path = "/loyalty/programmes", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))),
    responses((status = 200, body = PointsProgrammes), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<PointsProgrammes>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = programme::newest(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    Ok(Json(PointsProgrammes { items }))
}

/// A programme of points to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PointsProgrammeBody {
    /// Its name, of which there is one in an organisation.
    name: String,
    /// Of the amounts it looks at; orders in another currency earn nothing.
    currency: Currency,
    /// The shops whose orders earn; none named: all.
    #[serde(default)]
    shops: Vec<ShopId>,
    /// In which days are told: seconds east of UTC.
    zone: i32,
    /// Orders paid before earn nothing; without it: before now.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// What it says.
    #[schema(value_type = loyalty::points::rules::Rules)]
    rules: Rules,
}

/// The zone of a body, which must be within 18 hours of UTC.
pub(super) fn zone_of(seconds: i32) -> Result<Zone, Problem> {
    Zone::from_offset_seconds(seconds)
        .ok_or_else(|| Problem::field("zone", "must be within 18 hours of UTC, in seconds"))
}

async fn kept(tx: &mut Tx, cx: &Ctx, id: ProgrammeId) -> Result<Programme, PointsError> {
    programme::get(tx, cx.scope, id).await?.ok_or(PointsError::NoProgramme)
}

/// Makes a programme of points
///
/// The orders that are there earn in it as soon as a job has settled them.
#[utoipa::path(post, path = "/loyalty/programmes", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.points"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = PointsProgrammeBody,
    responses((status = 201, body = loyalty::points::Programme), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<PointsProgrammeBody>,
) -> Result<Answer, Problem> {
    let new = NewProgramme {
        name: body.name,
        currency: body.currency,
        shops: body.shops,
        zone: zone_of(body.zone)?,
        since: body.since.unwrap_or_else(|| cx.now()),
        rules: body.rules,
    };
    answered(&platform, &cx, key, StatusCode::CREATED, async |tx: &mut Tx| {
        let id = settle_points::make_programme(tx, &cx, &new).await?;
        kept(tx, &cx, id).await
    })
    .await
}

/// One programme of points with its versions
#[utoipa::path(get, path = "/loyalty/programmes/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))), params(("id" = ProgrammeId, Path)),
    responses((status = 200, body = loyalty::points::Programme), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ProgrammeId>,
) -> Result<(ETag, Json<Programme>), Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = kept(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok((ETag(found.version), Json(found)))
}

/// What a programme says from now on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PointsProgrammeChange {
    /// Its name.
    name: String,
    /// What it says.
    #[schema(value_type = loyalty::points::rules::Rules)]
    rules: Rules,
}

/// Gives a programme of points a new version; orders paid before are judged as before
#[utoipa::path(put, path = "/loyalty/programmes/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.points"))),
    params(("id" = ProgrammeId, Path), ("If-Match" = String, Header)),
    request_body = PointsProgrammeChange,
    responses((status = 200, body = loyalty::points::Programme), Problem))]
async fn change(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ProgrammeId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<PointsProgrammeChange>,
) -> Result<(ETag, Json<Programme>), Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    // Or one person could lift the bound, adjust, and put it back.
    if kept(&mut tx, &cx, id).await?.rules.approve_above < body.rules.approve_above
        && !cx.access.permissions().allow("loyalty.approve")
    {
        return Err(Problem::right_missing("loyalty.approve"));
    }
    match programme::change(&mut tx, &cx, id, version, &body.name, &body.rules).await {
        Ok(()) => {}
        Err(PointsError::Changed(_)) => {
            return Err(Problem::precondition_failed(&kept(&mut tx, &cx, id).await?));
        }
        Err(error) => return Err(error.into()),
    }
    let found = kept(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok((ETag(found.version), Json(found)))
}

/// What an order that is paid now would earn by rules that need not be kept
#[utoipa::path(post, path = "/loyalty/programmes/example", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.points"))),
    request_body = PointsExampleBody, responses((status = 200, body = PointsExample), Problem))]
async fn example(
    Cx(cx): Cx,
    JsonBody(body): JsonBody<PointsExampleBody>,
) -> Result<Json<PointsExample>, Problem> {
    Ok(Json(points::example(&cx, &body)?))
}

/// What a customer has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PointsOfCustomer {
    /// One for each programme, by their names.
    items: Vec<CustomerPoints>,
}

/// What a customer and all who were merged into it have, in every programme
#[utoipa::path(get, path = "/loyalty/customers/{id}/points", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))), params(("id" = CustomerId, Path)),
    responses((status = 200, body = PointsOfCustomer), Problem))]
async fn of_customer(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
) -> Result<Json<PointsOfCustomer>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = points::of_customer(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok(Json(PointsOfCustomer { items }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatementParams {
    /// In which programme.
    programme: ProgrammeId,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// The rows that a page may have.
pub(super) fn limit_of(asked: Option<u32>) -> Result<Limit, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(asked));
    Ok(errors.finish(|| limit)?)
}

/// How a customer came to what they have in a programme, the newest entry first
#[utoipa::path(get, path = "/loyalty/customers/{id}/statement", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))),
    params(("id" = CustomerId, Path), StatementParams),
    responses((status = 200, body = loyalty::points::statement::Statement), Problem))]
async fn statement(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    QueryParams(params): QueryParams<StatementParams>,
) -> Result<Json<Statement>, Problem> {
    let limit = limit_of(params.limit)?;
    let after = params.after.as_deref();
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = points::statement(&mut tx, &cx, id, params.programme, after, limit).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// One entry of the ledger with its lines, as far as it is about a customer
#[utoipa::path(get, path = "/loyalty/customers/{id}/entries/{entry}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.read"))),
    params(("id" = CustomerId, Path), ("entry" = PointsEntryId, Path)),
    responses((status = 200, body = LedgerEntryCard), Problem))]
async fn entry_of_customer(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathIds(id, entry): PathIds<CustomerId, PointsEntryId>,
) -> Result<Json<LedgerEntryCard>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = points::entry_of_customer(&mut tx, &cx, id, entry).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// Gives or takes points by hand, for a reason
///
/// More than the programme lets one person change waits for a second one.
#[utoipa::path(post, path = "/loyalty/customers/{id}/adjustments", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.adjust"))),
    params(("id" = CustomerId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = AdjustBody, responses((status = 201, body = PointsAdjusted), Problem))]
async fn adjust(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    Idempotent { key, body }: Idempotent<AdjustBody>,
) -> Result<Answer, Problem> {
    answered(&platform, &cx, key, StatusCode::CREATED, async |tx: &mut Tx| {
        points::adjust(tx, &cx, id, &body).await
    })
    .await
}

/// Gives what a programme says for a sign-in, a review, a birthday or another activity
///
/// The same `key` again gives nothing.
#[utoipa::path(post, path = "/loyalty/customers/{id}/awards", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.points"))),
    params(("id" = CustomerId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = AwardBody, responses((status = 200, body = PointsStanding), Problem))]
async fn give_award(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    Idempotent { key, body }: Idempotent<AwardBody>,
) -> Result<Answer, Problem> {
    answered(&platform, &cx, key, StatusCode::OK, async |tx: &mut Tx| {
        points::give_award(tx, &cx, id, &body).await
    })
    .await
}

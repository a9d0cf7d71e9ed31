//! Definitions of coupons: what they give, their versions and states, how far their coupons have come.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::list_customers::{After, PageLimit, Parsed};
use kernel::{CouponDefinitionId, Cursor, Page, TypedId as _};
use loyalty::OfferState;
use loyalty::counters::{self, Totals};
use loyalty::coupons::{
    CouponError, Definition, DefinitionVersion, Funnel, NewDefinition, definition,
    funnel_of_definition,
};
use platform::http::{Cx, ETag, Idempotent, IfMatch, JsonBody, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Ctx, Platform, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get_one, change))
        .routes(routes!(set_state))
        .routes(routes!(versions))
        .routes(routes!(funnel))
}

/// A definition with how often its coupons were used and claimed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CouponRow {
    /// The definition.
    #[serde(flatten)]
    definition: Definition,
    /// Uses and claims of everybody.
    totals: Totals,
}

/// State and page of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Only those in this state.
    state: Option<OfferState>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Parsed<After<CouponDefinitionId>>>,
    /// Rows of a page: 1 to 200, 50 unless said.
    #[param(value_type = Option<u32>)]
    limit: Option<Parsed<PageLimit>>,
}

/// Definitions of coupons, the newest first
#[utoipa::path(get, path = "/loyalty/coupons", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(ListParams),
    responses((status = 200, body = Page<CouponRow>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<CouponRow>>, Problem> {
    let limit = params.limit.map_or(50, |limit| limit.0.0.get());
    let after = params.after.map(|after| after.0.0);
    let mut tx = platform.db.read_for(cx.scope).await?;
    // One more than asked for says whether there are others.
    let page = (after, u32::try_from(limit + 1).unwrap_or(u32::MAX));
    let mut found = definition::page(&mut tx, cx.scope, params.state, page).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let ids: Vec<_> = found.iter().map(|one| one.id.uuid()).collect();
    let mut totals = counters::totals(&mut tx, cx.scope, &ids).await?;
    tx.rollback().await?;
    let next = found.last().filter(|_| more).map(|last| Cursor::encode(&last.id));
    let items = found.into_iter().map(|definition| CouponRow {
        totals: totals.remove(&definition.id.uuid()).unwrap_or_default(),
        definition,
    });
    Ok(Json(Page { items: items.collect(), next }))
}

async fn row(tx: &mut Tx, cx: &Ctx, id: CouponDefinitionId) -> Result<CouponRow, Problem> {
    let found = definition::get(tx, cx.scope, id).await?.ok_or(CouponError::NoDefinition)?;
    let mut totals: BTreeMap<_, _> = counters::totals(tx, cx.scope, &[id.uuid()]).await?;
    Ok(CouponRow { definition: found, totals: totals.remove(&id.uuid()).unwrap_or_default() })
}

/// Makes a definition of coupons, as a draft
#[utoipa::path(post, path = "/loyalty/coupons", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewDefinition, responses((status = 201, body = CouponRow), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<NewDefinition>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let id = definition::create(&mut tx, &cx, &body).await?;
    let made = row(&mut tx, &cx, id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One definition of coupons
#[utoipa::path(get, path = "/loyalty/coupons/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponDefinitionId, Path)),
    responses((status = 200, body = CouponRow), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
) -> Result<(ETag, Json<CouponRow>), Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = row(&mut tx, &cx, id).await?;
    tx.rollback().await?;
    Ok((ETag(found.definition.version), Json(found)))
}

/// Gives a definition a new version, which holds at once
#[utoipa::path(put, path = "/loyalty/coupons/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))),
    params(("id" = CouponDefinitionId, Path), ("If-Match" = String, Header)),
    request_body = NewDefinition, responses((status = 200, body = CouponRow), Problem))]
async fn change(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<NewDefinition>,
) -> Result<(ETag, Json<CouponRow>), Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    match definition::change(&mut tx, &cx, id, version, &body).await {
        Ok(()) => {}
        Err(CouponError::Changed(_)) => {
            return Err(Problem::precondition_failed(&row(&mut tx, &cx, id).await?));
        }
        Err(error) => return Err(error.into()),
    }
    let changed = row(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok((ETag(changed.definition.version), Json(changed)))
}

/// Where a definition shall be in its life.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct OfferStateBody {
    /// `live` from draft or stopped, `stopped` from live, `ended` from any.
    state: OfferState,
}

/// Puts a definition into force, halts it, or ends it for good
#[utoipa::path(put, path = "/loyalty/coupons/{id}/state", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponDefinitionId, Path)),
    request_body = OfferStateBody, responses((status = 200, body = CouponRow), Problem))]
async fn set_state(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
    JsonBody(body): JsonBody<OfferStateBody>,
) -> Result<(ETag, Json<CouponRow>), Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    definition::set_state(&mut tx, &cx, id, body.state).await?;
    let changed = row(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok((ETag(changed.definition.version), Json(changed)))
}

/// What a definition said, and since when.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CouponVersions {
    /// The newest first, 100 at most.
    items: Vec<DefinitionVersion>,
}

/// The versions of a definition
#[utoipa::path(get, path = "/loyalty/coupons/{id}/versions", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponDefinitionId, Path)),
    responses((status = 200, body = CouponVersions), Problem))]
async fn versions(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
) -> Result<Json<CouponVersions>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = definition::versions(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    if items.is_empty() {
        return Err(CouponError::NoDefinition.into());
    }
    Ok(Json(CouponVersions { items }))
}

/// How far the coupons of a definition have come, at this moment
#[utoipa::path(get, path = "/loyalty/coupons/{id}/funnel", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponDefinitionId, Path)),
    responses((status = 200, body = Funnel), Problem))]
async fn funnel(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
) -> Result<Json<Funnel>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    definition::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoDefinition)?;
    let funnel = funnel_of_definition(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    Ok(Json(funnel))
}

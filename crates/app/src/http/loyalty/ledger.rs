//! What the accountant reads of points: the ledger, what is owed, and adjustments that wait for a second person.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use flows::loyalty::points::{self, LedgerEntry, LedgerEntryCard, LedgerFilter, WaitingAdjustment};
use kernel::{
    AdjustmentId, CustomerId, FieldErrors, OrderId, Page, PointsEntryId, ProgrammeId, Timestamp,
};
use loyalty::points::Kind;
use loyalty::points::ledger::EntryFilter;
use loyalty::points::liability::Liability;
use platform::http::{Cx, Idempotent, PathId, QueryParams};
use platform::idempotency::Answer;
use platform::{Platform, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answered::answered;
use super::points::limit_of;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(entries))
        .routes(routes!(entry))
        .routes(routes!(liability))
        .routes(routes!(waiting))
        .routes(routes!(decide))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EntryParams {
    /// Of this programme.
    programme: Option<ProgrammeId>,
    /// Of this kind.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
    /// Posted at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Posted before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Of points of this customer and of all who were merged with it; without entries that are about many customers.
    customer: Option<CustomerId>,
    /// Which came of this order.
    order: Option<OrderId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// Entries of the ledger of points, the newest first
#[utoipa::path(get, path = "/loyalty/entries", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.books"))), params(EntryParams),
    responses((status = 200, body = Page<LedgerEntry>), Problem))]
async fn entries(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<EntryParams>,
) -> Result<Json<Page<LedgerEntry>>, Problem> {
    let limit = limit_of(params.limit)?;
    if matches!((params.from, params.to), (Some(from), Some(to)) if from > to) {
        let mut errors = FieldErrors::default();
        errors.push("from", "must not be after the other end");
        errors.finish(|| Some(()))?;
    }
    let filter = LedgerFilter {
        entries: EntryFilter {
            programme: params.programme,
            kind: params.kind,
            from: params.from,
            until: params.to,
            customers: None,
            order: params.order,
        },
        customer: params.customer,
    };
    let mut tx = platform.db.read_for(cx.scope).await?;
    let page = points::entries(&mut tx, &cx, filter, params.after.as_deref(), limit).await?;
    tx.rollback().await?;
    Ok(Json(page))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PostingParams {
    /// `next` of the page of lines before.
    after: Option<String>,
    /// Lines of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// One entry of the ledger of points with its lines
#[utoipa::path(get, path = "/loyalty/entries/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.books"))),
    params(("id" = PointsEntryId, Path), PostingParams),
    responses((status = 200, body = LedgerEntryCard), Problem))]
async fn entry(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<PointsEntryId>,
    QueryParams(params): QueryParams<PostingParams>,
) -> Result<Json<LedgerEntryCard>, Problem> {
    let limit = limit_of(params.limit)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = points::entry(&mut tx, &cx, id, params.after.as_deref(), limit).await?;
    tx.rollback().await?;
    Ok(Json(found))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LiabilityParams {
    /// Movements since the beginning of this day; without it since that of the month of the other end.
    from: Option<NaiveDate>,
    /// As of the end of this day, in the programme's zone; without it as of now.
    at: Option<NaiveDate>,
}

/// What is owed to customers in points, and what moved in the time before
#[utoipa::path(get, path = "/loyalty/programmes/{id}/liability", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.books"))),
    params(("id" = ProgrammeId, Path), LiabilityParams),
    responses((status = 200, body = loyalty::points::liability::Liability), Problem))]
async fn liability(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ProgrammeId>,
    QueryParams(params): QueryParams<LiabilityParams>,
) -> Result<Json<Liability>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let report = points::liability(&mut tx, &cx, id, params.from, params.at).await?;
    tx.rollback().await?;
    Ok(Json(report))
}

/// Adjustments that wait for a second person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct WaitingAdjustments {
    /// The oldest first; there are at most 1,000.
    items: Vec<WaitingAdjustment>,
}

/// Adjustments of points that wait for a second person
#[utoipa::path(get, path = "/loyalty/adjustments", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.approve"))),
    responses((status = 200, body = WaitingAdjustments), Problem))]
async fn waiting(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<WaitingAdjustments>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = points::waiting(&mut tx, &cx).await?;
    tx.rollback().await?;
    Ok(Json(WaitingAdjustments { items }))
}

/// What a second person says.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    /// Whether it is to be posted; otherwise it is refused.
    approve: bool,
}

/// Posts or refuses an adjustment of points that somebody else asked for
#[utoipa::path(post, path = "/loyalty/adjustments/{id}/decision", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.approve"))),
    params(("id" = AdjustmentId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionBody, responses((status = 204), Problem))]
async fn decide(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<AdjustmentId>,
    Idempotent { key, body }: Idempotent<DecisionBody>,
) -> Result<Answer, Problem> {
    answered(&platform, &cx, key, StatusCode::NO_CONTENT, async |tx: &mut Tx| {
        points::decide(tx, &cx, id, body.approve).await
    })
    .await
}

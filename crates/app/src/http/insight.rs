//! What a merchant asks of the customers as a whole.

use axum::Json;
use axum::extract::State;
use flows::baskets::{self, BasketParams, BasketsAnswer};
use flows::clusters::{self, ClusterParams, ClustersAnswer};
use flows::cohorts::{self, CohortParams, CohortsAnswer};
use flows::prices::{self, PriceParams, PricesAnswer};
use flows::reorders::{self, ReorderParams, ReordersAnswer};
use flows::repurchase::{self, RepurchaseAnswer, RepurchaseParams};
use flows::rfm::{self, RfmAnswer, RfmParams};
use flows::value::{self, ValueAnswer, ValueParams};
use flows::workbench::{self, Workbench};
use platform::Problem;
use platform::http::{Cx, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_rfm))
        .routes(routes!(get_workbench))
        .routes(routes!(get_value))
        .routes(routes!(get_rfm_clusters))
        .routes(routes!(get_cohorts))
        .routes(routes!(get_repurchase))
        .routes(routes!(get_reorders))
        .routes(routes!(get_baskets))
        .routes(routes!(get_prices))
}

/// Customers by recency, frequency and monetary value
#[utoipa::path(get, path = "/insight/rfm", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(RfmParams),
    responses((status = 200, body = RfmAnswer), Problem))]
async fn get_rfm(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<RfmParams>,
) -> Result<Json<RfmAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(rfm::rfm(&engine, &cx, &params).await?))
}

/// What every customer is expected to order and to be worth
///
/// BG/NBD, Pareto/NBD and Gamma-Gamma fitted to the orders of all customers whom the caller sees. 409
/// `too_little_history` says what is missing.
#[utoipa::path(get, path = "/insight/value", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(ValueParams),
    responses((status = 200, body = ValueAnswer), Problem))]
async fn get_value(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ValueParams>,
) -> Result<Json<ValueAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(value::value(&engine, &cx, &params).await?))
}

/// Groups of customers who are alike by recency, frequency and monetary value
///
/// k-means over recency in days and the logarithms of orders and revenue, each standardised; the same customers give
/// the same groups. 409 `too_few_customers` if fewer customers than groups differ.
#[utoipa::path(get, path = "/insight/rfm/clusters", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(ClusterParams),
    responses((status = 200, body = ClustersAnswer), Problem))]
async fn get_rfm_clusters(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ClusterParams>,
) -> Result<Json<ClustersAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(clusters::rfm_clusters(&engine, &cx, &params).await?))
}

/// Customers by the week, month or quarter of their first order, and who came back
#[utoipa::path(get, path = "/insight/cohorts", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(CohortParams),
    responses((status = 200, body = CohortsAnswer), Problem))]
async fn get_cohorts(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<CohortParams>,
) -> Result<Json<CohortsAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(cohorts::cohorts(&engine, &cx, &params).await?))
}

/// Days from one order of a customer to the next
///
/// Only intervals that ended are seen; `share_followed` says how many did.
#[utoipa::path(get, path = "/insight/repurchase", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(RepurchaseParams),
    responses((status = 200, body = RepurchaseAnswer), Problem))]
async fn get_repurchase(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<RepurchaseParams>,
) -> Result<Json<RepurchaseAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(repurchase::repurchase(&engine, &cx, &params).await?))
}

/// Products that customers buy again, and after how many days
#[utoipa::path(get, path = "/insight/repurchase/products", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(ReorderParams),
    responses((status = 200, body = ReordersAnswer), Problem))]
async fn get_reorders(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ReorderParams>,
) -> Result<Json<ReordersAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(reorders::reorders(&engine, &cx, &params).await?))
}

/// Pairs of products that are ordered together
#[utoipa::path(get, path = "/insight/baskets", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(BasketParams),
    responses((status = 200, body = BasketsAnswer), Problem))]
async fn get_baskets(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<BasketParams>,
) -> Result<Json<BasketsAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(baskets::baskets(&engine, &cx, &params).await?))
}

/// How many purchases, and whose, are made below a product's usual price
///
/// The usual price is the median of the unit prices of a product's lines; a unit price is what remains of a line's
/// amount after refunds, by its pieces.
#[utoipa::path(get, path = "/insight/prices", tag = "insight",
    extensions(("x-right" = json!("insight.read"))), params(PriceParams),
    responses((status = 200, body = PricesAnswer), Problem))]
async fn get_prices(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<PriceParams>,
) -> Result<Json<PricesAnswer>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(prices::prices(&engine, &cx, &params).await?))
}

/// What changed since yesterday, and what needs a person
#[utoipa::path(get, path = "/insight/workbench", tag = "insight",
    extensions(("x-right" = json!("insight.read"))),
    responses((status = 200, body = Workbench), Problem))]
async fn get_workbench(
    State(state): State<AppState>,
    Cx(cx): Cx,
) -> Result<Json<Workbench>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(workbench::workbench(&engine, &cx).await?))
}

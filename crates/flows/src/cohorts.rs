//! Customers by the period of their first order: who comes back, and what they bring.

use chrono::NaiveDate;
use kernel::{Currency, FieldErrors};
use models::clv::cohorts::{CohortOptions, Cohorts, Period, cohorts as follow};
use models::clv::summary::{Transactions, date_of, day_of};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::analysis::{self, AnalysisError, Remembered, Scene};
use crate::engine::{EngineHandle, apart};

/// Cohorts unless another number is asked for.
const COHORTS: u32 = 24;
/// Most cohorts of one answer.
const COHORTS_MAX: u32 = 60;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CohortParams {
    /// `week`, `month` or `quarter` of the first order; `month` unless given.
    pub period: Option<String>,
    /// The latest cohorts to tell of, 1 to 60; 24 unless given.
    pub cohorts: Option<u32>,
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
}

/// A cohort in one period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CohortCell {
    /// Customers with an order in it.
    pub active: u64,
    /// Their share of the cohort, 0 to 1.
    pub share: f64,
    /// Revenue of the orders; absent for whoever does not see amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue_minor: Option<i64>,
    /// The same for each customer of the cohort, rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue_per_customer_minor: Option<i64>,
}

/// Customers who first ordered in one period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CohortRow {
    /// `2025-W03`, `2025-01` or `2025-Q1`.
    pub label: String,
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub from: NaiveDate,
    /// Customers.
    pub customers: u64,
    /// The period itself, the next, … up to that of today.
    pub cells: Vec<CohortCell>,
}

/// All cohorts together, so many periods after the first order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RetentionPoint {
    /// Periods since that of the first order.
    pub since: u32,
    /// Customers of the cohorts for whom this period is over.
    pub customers: u64,
    /// Those of them with an order in it.
    pub active: u64,
    /// Their share, 0 to 1.
    pub share: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CustomerCohorts)]
pub struct CohortsAnswer {
    /// Today, the last day looked at.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// `week`, `month` or `quarter`.
    pub period: &'static str,
    /// Currency of the amounts; absent without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Whether the period of today goes on: the last cell of every cohort will rise.
    pub is_last_open: bool,
    /// Cohorts, the earliest first, without periods in which nobody came.
    pub cohorts: Vec<CohortRow>,
    /// All these cohorts together, by periods that are over.
    pub curve: Vec<RetentionPoint>,
}

/// Cohorts made lately.
pub(crate) type Kept = Remembered<(Scene, Period, u32), Cohorts>;

/// Follows customers from the period of their first order.
///
/// # Errors
/// `Fields` names what is wrong, a shop that is needed because currencies differ included.
pub async fn cohorts(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CohortParams,
) -> Result<CohortsAnswer, AnalysisError> {
    engine.fresh().await?;
    let shows_amounts = analysis::shows_amounts(cx);
    let mut errors = FieldErrors::default();
    let scene = Scene::today(engine, cx, params.shop.as_deref(), shows_amounts, &mut errors);
    let period = params.period.as_deref().map_or(Ok(Period::Month), str::parse);
    let period = errors.keep("period", period);
    let most =
        analysis::number_in(&mut errors, "cohorts", params.cohorts, COHORTS, 1..=COHORTS_MAX);
    let (scene, period, most) =
        errors.finish(|| Some((scene?, period?, most?))).map_err(AnalysisError::Fields)?;
    let Scene { frame, as_of } = scene;
    let reach = cx.access.reach().clone();
    let make = async {
        let purchases = engine
            .ask_apart(move |engine| engine.purchases(frame.zone, frame.shop, as_of, &reach))
            .await?;
        let work = move || {
            let amount = purchases.amounts();
            let transactions = Transactions {
                customer: &purchases.customer,
                day: &purchases.day,
                amount: &amount,
            };
            follow(transactions, &CohortOptions { period, last_day: day_of(as_of), most })
        };
        Ok::<_, AnalysisError>(apart(work).await??)
    };
    let found = engine.analyses().cohorts.get_or(engine, cx, (scene, period, most), make).await?;
    Ok(CohortsAnswer {
        as_of,
        period: period.name(),
        currency: shows_amounts.then_some(frame.currency),
        is_last_open: found.is_last_open,
        cohorts: rows(&found, shows_amounts),
        curve: found
            .curve()
            .into_iter()
            .map(|point| RetentionPoint {
                since: point.since,
                customers: point.customers,
                active: point.active,
                share: point.share,
            })
            .collect(),
    })
}

fn rows(found: &Cohorts, shows_amounts: bool) -> Vec<CohortRow> {
    let row = |cohort: &models::clv::cohorts::Cohort| {
        let all = cohort.customers.max(1) as f64;
        let cells = cohort.active.iter().zip(cohort.retention()).zip(&cohort.revenue);
        let cells = cells.map(|((active, share), revenue)| CohortCell {
            active: *active,
            share,
            // Sums of whole minor units, far below where floating point leaves some out.
            revenue_minor: shows_amounts.then_some(revenue.round() as i64),
            revenue_per_customer_minor: shows_amounts.then_some((revenue / all).round() as i64),
        });
        Some(CohortRow {
            label: cohort.label.clone(),
            from: date_of(cohort.first_day)?,
            customers: cohort.customers,
            cells: cells.collect(),
        })
    };
    found.cohorts.iter().filter_map(row).collect()
}

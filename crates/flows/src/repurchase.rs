//! Days from one order of a customer to the next.

use chrono::NaiveDate;
use kernel::FieldErrors;
use models::clv::repurchase::{Intervals, Repurchase, repurchase as intervals_of};
use models::clv::summary::Transactions;
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::analysis::{self, AnalysisError, Remembered, Scene};
use crate::engine::{EngineHandle, apart};
use crate::order_lines::lines_of;

/// Days of one bin unless another number is asked for.
const BIN_DAYS: u32 = 7;
/// Most days of one bin.
const BIN_DAYS_MAX: u32 = 30;
/// Bins: with a week each, the last takes what is longer than a year.
const BINS: u32 = 53;

/// Days in which a product is looked for: three years.
const PRODUCT_DAYS: u32 = 1_096;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RepurchaseParams {
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
    /// Days of one bin, 1 to 30; 7 unless given.
    pub bin_days: Option<u32>,
    /// Only from one order with this product to the next with it, of the last three years: its
    /// code, or its title if it has no code.
    pub product: Option<String>,
}

/// How long it took, in days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct DaysBetween {
    /// Intervals.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// One in ten was at most as long.
    pub p10: f64,
    /// First quartile.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// Third quartile.
    pub p75: f64,
    /// Nine in ten were at most as long.
    pub p90: f64,
}

impl From<Intervals> for DaysBetween {
    fn from(of: Intervals) -> Self {
        let [p10, p25, p50, p75, p90] = of.quantiles_days;
        Self { count: of.count, mean: of.mean_days, p10, p25, p50, p75, p90 }
    }
}

/// From one order to the next.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RepurchaseStep {
    /// `1-2`, `2-3`, … `10+`.
    pub step: String,
    /// Customers who made the earlier order; for `10+`, such orders.
    pub reached: u64,
    /// Share of them that were followed by another so far, 0 to 1.
    pub share_followed: f64,
    /// How long that took.
    pub days: DaysBetween,
    /// Intervals by bin.
    pub histogram: Vec<u64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RepurchaseIntervals)]
pub struct RepurchaseAnswer {
    /// Today, the last day looked at.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Days of one bin of a histogram.
    pub bin_days: u32,
    /// All intervals; null if nobody ordered on two days.
    pub all: Option<DaysBetween>,
    /// Intervals of 1 to `bin_days` days, of `bin_days` + 1 to 2 × `bin_days`, …; the last takes all longer ones.
    pub histogram: Vec<u64>,
    /// By the number of the order; only steps that somebody took.
    pub steps: Vec<RepurchaseStep>,
}

/// Intervals made lately.
pub(crate) type Kept = Remembered<(Scene, u32, Option<String>), Option<Repurchase>>;

/// How long customers take from one day with an order to the next.
///
/// # Errors
/// `Fields` names what is wrong, a product that nobody ordered included.
pub async fn repurchase(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &RepurchaseParams,
) -> Result<RepurchaseAnswer, AnalysisError> {
    engine.fresh().await?;
    let mut errors = FieldErrors::default();
    let scene = Scene::today(engine, cx, params.shop.as_deref(), false, &mut errors);
    let bin_days =
        analysis::number_in(&mut errors, "bin_days", params.bin_days, BIN_DAYS, 1..=BIN_DAYS_MAX);
    let (scene, bin_days) =
        errors.finish(|| Some((scene?, bin_days?))).map_err(AnalysisError::Fields)?;
    let product = params.product.as_deref().map(kernel::text::fold);
    let make = async {
        let bought = match &product {
            None => orders(engine, cx, scene).await?,
            Some(name) => orders_with(engine, cx, scene, name).await?,
        };
        let work = move || {
            let (customer, day) = bought;
            // Amounts are not looked at.
            let amount = vec![0.0; day.len()];
            let transactions = Transactions { customer: &customer, day: &day, amount: &amount };
            intervals_of(transactions, bin_days, BINS)
        };
        Ok::<_, AnalysisError>(apart(work).await??)
    };
    let key = (scene, bin_days, product.clone());
    let found = engine.analyses().repurchase.get_or(engine, cx, key, make).await?;
    let as_of = scene.as_of;
    Ok(match &*found {
        None => RepurchaseAnswer {
            as_of,
            bin_days,
            all: None,
            histogram: Vec::new(),
            steps: Vec::new(),
        },
        Some(found) => RepurchaseAnswer {
            as_of,
            bin_days,
            all: Some(found.all.into()),
            histogram: found.histogram.clone(),
            steps: found
                .by_number
                .iter()
                .map(|step| RepurchaseStep {
                    step: step.step.clone(),
                    reached: step.reached,
                    share_followed: step.share_followed,
                    days: step.intervals.into(),
                    histogram: step.histogram.clone(),
                })
                .collect(),
        },
    })
}

/// Customers and days of orders.
type Bought = (Vec<u32>, Vec<i64>);

async fn orders(engine: &EngineHandle, cx: &Ctx, scene: Scene) -> Result<Bought, AnalysisError> {
    let Scene { frame, as_of } = scene;
    let reach = cx.access.reach().clone();
    let ask = move |engine: &analytics::Snapshot| {
        let purchases = engine.purchases(frame.zone, frame.shop, as_of, &reach);
        (purchases.customer, purchases.day)
    };
    Ok(engine.ask_apart(ask).await?)
}

async fn orders_with(
    engine: &EngineHandle,
    cx: &Ctx,
    scene: Scene,
    name: &str,
) -> Result<Bought, AnalysisError> {
    let lines = lines_of(engine, cx, scene, PRODUCT_DAYS).await?;
    let is_named = |product: &analytics::LineProduct| match product.code.as_str() {
        "" => product.title == name,
        code => code == name,
    };
    let Some(wanted) = lines.products.iter().position(is_named) else {
        let mut errors = FieldErrors::default();
        let message = "nobody ordered a product of this code or title in the last three years";
        errors.push("product", message);
        return Err(AnalysisError::Fields(errors));
    };
    let rows = lines.product.iter().zip(lines.customer.iter().zip(&lines.day));
    let own = rows.filter(|(product, _)| **product as usize == wanted);
    Ok(own.map(|(_, (customer, day))| (*customer, i64::from(*day))).unzip())
}

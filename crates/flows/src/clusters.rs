//! Customers in groups of those alike by recency, frequency and monetary value: k-means as a second view of RFM.

use std::collections::BTreeMap;

use analytics::{RfmValues, Scheme, Tier};
use chrono::NaiveDate;
use insight::DEFAULT_BINS;
use kernel::{Currency, FieldErrors};
use models::clusters::{self, Alike, MAX_CLUSTERS, MIN_CLUSTERS};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::analysis::{self, AnalysisError, Remembered, Scene};
use crate::engine::{EngineHandle, apart};

/// Clusters unless another number is asked for.
const CLUSTERS: u32 = 5;
/// Customers of the sample.
const SAMPLE: usize = 1_200;
/// The same clusters for the same customers, always.
const SEED: u64 = 20_260_101;
/// Standard deviations from the mean of all from which a group is called low or high.
const APART: f64 = 0.5;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClusterParams {
    /// Clusters, 2 to 10; 5 unless given.
    pub clusters: Option<u32>,
    /// The day from which to look back; today unless given.
    #[param(value_type = Option<String>, format = Date)]
    pub as_of: Option<NaiveDate>,
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
}

/// Recency, frequency and monetary value in their units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct RfmPoint {
    /// Days since the last order.
    pub recency_days: f64,
    /// Orders.
    pub orders: f64,
    /// Revenue.
    pub revenue_minor: i64,
}

/// A dimension of a group beside that of all customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Half a standard deviation below the mean of all, or more.
    Low,
    /// Near the mean of all.
    Middle,
    /// Half a standard deviation above it, or more.
    High,
}

/// What a group is like; `recency` is high where the last order was long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct Levels {
    pub recency: Level,
    pub frequency: Level,
    pub monetary: Level,
}

/// How many of a group are in a tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TierShare {
    /// Code of the 11-name scheme.
    pub tier: &'static str,
    /// Customers.
    pub customers: u64,
}

/// Customers who are alike.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClusterGroup {
    /// Its number, from 1; the group with the most revenue for each customer is the first.
    pub cluster: u32,
    /// Customers.
    pub customers: u64,
    /// Their counted orders.
    pub orders: u64,
    /// Revenue of these orders.
    pub revenue_minor: i64,
    /// Days since the last order, on the mean.
    pub mean_recency_days: f64,
    /// The centre by which customers are told apart, in units; of orders and revenue it is close to a geometric
    /// mean.
    pub centre: RfmPoint,
    /// What it is like.
    pub levels: Levels,
    /// The tiers of its customers, the largest first.
    pub tiers: Vec<TierShare>,
}

/// How well a number of clusters fits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ClusterFit {
    /// Clusters.
    pub clusters: u32,
    /// Mean squared distance of a customer from the centre, in standard deviations.
    pub inertia: f64,
    /// Mean silhouette, -1 to 1: the higher, the further apart.
    pub silhouette: f64,
}

/// One customer of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ClusterDot {
    /// The group.
    pub cluster: u32,
    /// Days since the last order.
    pub recency_days: i64,
    /// Orders.
    pub orders: u32,
    /// Revenue.
    pub revenue_minor: i64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RfmClusters)]
pub struct ClustersAnswer {
    /// The day from which it looks back.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Customers with a counted order up to that day.
    pub customers: u64,
    /// The groups, by number.
    pub groups: Vec<ClusterGroup>,
    /// How well 2 to 10 clusters fit, on a sample.
    pub choices: Vec<ClusterFit>,
    /// Some customers, evenly chosen.
    pub sample: Vec<ClusterDot>,
}

/// Groups found lately.
pub(crate) type Kept = Remembered<(Scene, u32), ClustersAnswer>;

/// Groups of customers who are alike.
///
/// # Errors
/// `Hidden` without amounts; `Fields` names what is wrong; `Clusters` if there are fewer different customers than
/// clusters.
pub async fn rfm_clusters(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &ClusterParams,
) -> Result<ClustersAnswer, AnalysisError> {
    if !analysis::shows_amounts(cx) {
        return Err(AnalysisError::Hidden);
    }
    engine.fresh().await?;
    let mut errors = FieldErrors::default();
    let scene = Scene::today(engine, cx, params.shop.as_deref(), true, &mut errors)
        .map(|scene| Scene { as_of: params.as_of.unwrap_or(scene.as_of), ..scene });
    let range = MIN_CLUSTERS as u32..=MAX_CLUSTERS as u32;
    let count = analysis::number_in(&mut errors, "clusters", params.clusters, CLUSTERS, range);
    let query =
        scene.and_then(|scene| errors.keep("as_of", scene.frame.rfm(scene.as_of, DEFAULT_BINS)));
    let (scene, count, query) =
        errors.finish(|| Some((scene?, count?, query?))).map_err(AnalysisError::Fields)?;
    let reach = cx.access.reach().clone();
    let make = async {
        let (asked, seen) = (query.clone(), reach.clone());
        let values = engine.ask_apart(move |engine| engine.rfm_values(&asked, &seen)).await?;
        let scores = engine.ask_long(move |engine| engine.rfm_within(&query, &reach)).await?;
        let work = move || {
            let found = clusters::alike(&points_of(&values, scene), count as usize, SEED)?;
            let tier = |id| scores.score_of(id).map(|score| scores.tier(score, Scheme::Eleven));
            Ok::<_, AnalysisError>(told(&values, &found, scene, tier))
        };
        apart(work).await?
    };
    let kept = engine.analyses().clusters.get_or(engine, cx, (scene, count), make).await?;
    Ok(ClustersAnswer::clone(&kept))
}

/// Recency in days, and the logarithms of orders and of revenue in major units: both are so skewed that a few large
/// buyers would else be clusters of their own. What was refunded beyond its worth counts as 0.
fn points_of(values: &RfmValues, scene: Scene) -> Vec<[f64; 3]> {
    let unit = scene.frame.currency.minor_per_major().max(1) as f64;
    let rows = values.recency_days.iter().zip(&values.orders).zip(&values.revenue_minor);
    let point = |((recency, orders), revenue): ((&i64, &u32), &i64)| {
        let revenue = (*revenue).max(0) as f64 / unit;
        [*recency as f64, f64::from(*orders).ln_1p(), revenue.ln_1p()]
    };
    rows.map(point).collect()
}

fn told(
    values: &RfmValues,
    found: &Alike,
    scene: Scene,
    tier: impl Fn(kernel::CustomerId) -> Option<Tier>,
) -> ClustersAnswer {
    #[derive(Clone, Default)]
    struct Sum {
        recency_days: i64,
        orders: u64,
        revenue_minor: i64,
        tiers: BTreeMap<Tier, u64>,
    }
    let Alike { scale, clusters, choices } = found;
    let mut sums = vec![Sum::default(); clusters.centres.len()];
    for (row, label) in clusters.labels.iter().enumerate() {
        let sum = &mut sums[usize::from(*label)];
        sum.recency_days += values.recency_days[row];
        sum.orders += u64::from(values.orders[row]);
        sum.revenue_minor = sum.revenue_minor.saturating_add(values.revenue_minor[row]);
        if let Some(tier) = tier(values.ids[row]) {
            *sum.tiers.entry(tier).or_default() += 1;
        }
    }
    let size = |label: usize| clusters.sizes[label].max(1) as f64;
    let mut by_worth: Vec<usize> = (0..sums.len()).collect();
    let worth = |label: usize| sums[label].revenue_minor as f64 / size(label);
    by_worth.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(a.cmp(b)));
    let mut number = vec![0; sums.len()];
    by_worth.iter().zip(1..).for_each(|(label, place)| number[*label] = place);
    let unit = scene.frame.currency.minor_per_major().max(1) as f64;
    let group = |label: &usize| {
        let (sum, centre) = (&sums[*label], clusters.centres[*label]);
        let [recency_days, orders, revenue] = scale.back(centre);
        let [recency, frequency, monetary] = centre.map(level);
        let mut tiers: Vec<TierShare> = sum
            .tiers
            .iter()
            .map(|(tier, customers)| TierShare { tier: tier.code(), customers: *customers })
            .collect();
        tiers.sort_by_key(|share| std::cmp::Reverse(share.customers));
        ClusterGroup {
            cluster: number[*label],
            customers: clusters.sizes[*label],
            orders: sum.orders,
            revenue_minor: sum.revenue_minor,
            mean_recency_days: sum.recency_days as f64 / size(*label),
            centre: RfmPoint {
                recency_days,
                orders: orders.exp_m1(),
                revenue_minor: (revenue.exp_m1() * unit).round() as i64,
            },
            levels: Levels { recency, frequency, monetary },
            tiers,
        }
    };
    let step = values.ids.len().div_ceil(SAMPLE).max(1);
    let dot = |row: usize| ClusterDot {
        cluster: number[usize::from(clusters.labels[row])],
        recency_days: values.recency_days[row],
        orders: values.orders[row],
        revenue_minor: values.revenue_minor[row],
    };
    ClustersAnswer {
        as_of: scene.as_of,
        currency: scene.frame.currency,
        customers: values.ids.len() as u64,
        groups: by_worth.iter().map(group).collect(),
        choices: choices
            .iter()
            .map(|choice| ClusterFit {
                clusters: choice.clusters as u32,
                inertia: choice.inertia,
                silhouette: choice.silhouette,
            })
            .collect(),
        sample: (0..values.ids.len()).step_by(step).map(dot).collect(),
    }
}

fn level(deviations: f64) -> Level {
    if deviations <= -APART {
        Level::Low
    } else if deviations >= APART {
        Level::High
    } else {
        Level::Middle
    }
}

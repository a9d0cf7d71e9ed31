//! Pairs of products that are ordered together.

use chrono::NaiveDate;
use kernel::FieldErrors;
use models::clv::basket::{BasketOptions, Baskets, PairRank, baskets as pairs_of};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::analysis::{self, AnalysisError, Remembered, Scene};
use crate::engine::{EngineHandle, apart};
use crate::order_lines::{ProductView, days_of, lines_of, views_of};

/// Days looked back unless another number is asked for.
const DAYS: u32 = 365;
/// Orders that a pair must be in unless another number is asked for.
const MIN_ORDERS: u32 = 5;
/// Most orders that can be asked for.
const MIN_ORDERS_MAX: u32 = 1_000_000;
/// Pairs told unless another number is asked for.
const TOP: u32 = 50;
/// Most pairs told.
const TOP_MAX: u32 = 200;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BasketParams {
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
    /// Days to look back, 1 to 3,653; 365 unless given.
    pub days: Option<u32>,
    /// Orders that a pair must be in, 1 to 1,000,000; 5 unless given.
    pub min_orders: Option<u32>,
    /// `orders` (those in most orders), `lift` or `confidence` first; `orders` unless given.
    pub sort: Option<String>,
    /// Pairs told, 1 to 200; 50 unless given.
    pub top: Option<u32>,
}

/// Two products in the same orders.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BasketPair {
    /// One product.
    pub a: ProductView,
    /// The other.
    pub b: ProductView,
    /// Orders with both.
    pub orders: u64,
    /// Share of all orders that have both, 0 to 1.
    pub support: f64,
    /// Share of the orders with `a` that also have `b`.
    pub confidence_a_b: f64,
    /// Share of the orders with `b` that also have `a`.
    pub confidence_b_a: f64,
    /// How many times as often as if the two were ordered independently.
    pub lift: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ProductPairs)]
pub struct BasketsAnswer {
    /// Today, the last day looked at.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Days looked back.
    pub days: u32,
    /// Orders that a pair must be in.
    pub min_orders: u32,
    /// Orders with a product that is known, without those left out.
    pub orders: u64,
    /// Orders left out: those of more than 200 products say nothing of pairs.
    pub orders_left_out: u64,
    /// Pairs in that many orders.
    pub pairs_found: u64,
    /// The first of them.
    pub pairs: Vec<BasketPair>,
}

/// Pairs found lately, with the names of their products.
pub(crate) type Kept =
    Remembered<(Scene, u32, u32, PairRank, u32), (Baskets, Vec<[ProductView; 2]>)>;

/// Which products are ordered together.
///
/// # Errors
/// `Fields` names what is wrong; `Lines` and `Model` if there is too much to look at.
pub async fn baskets(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &BasketParams,
) -> Result<BasketsAnswer, AnalysisError> {
    engine.fresh().await?;
    let mut errors = FieldErrors::default();
    let scene = Scene::today(engine, cx, params.shop.as_deref(), false, &mut errors);
    let days = days_of(&mut errors, params.days, DAYS);
    let min_orders = analysis::number_in(
        &mut errors,
        "min_orders",
        params.min_orders,
        MIN_ORDERS,
        1..=MIN_ORDERS_MAX,
    );
    let top = analysis::number_in(&mut errors, "top", params.top, TOP, 1..=TOP_MAX);
    let rank = errors.keep("sort", rank_of(params.sort.as_deref()));
    let (scene, days, min_orders, rank, top) = errors
        .finish(|| Some((scene?, days?, min_orders?, rank?, top?)))
        .map_err(AnalysisError::Fields)?;
    let options = BasketOptions {
        min_count: min_orders,
        limit: top as usize,
        rank,
        ..BasketOptions::default()
    };
    let make = async {
        let lines = lines_of(engine, cx, scene, days).await?;
        let work = move || {
            let found = pairs_of(&lines.order, &lines.product, &options)?;
            Ok::<_, AnalysisError>((found, lines.products))
        };
        let (found, products) = apart(work).await??;
        let named = found.pairs.iter().flat_map(|pair| [pair.a, pair.b]);
        let named: Vec<_> = named.map(|product| &products[product as usize]).collect();
        let mut views = views_of(engine, cx, &named).await?.into_iter();
        let pairs = std::iter::from_fn(|| Some([views.next()?, views.next()?]));
        Ok::<_, AnalysisError>((found, pairs.collect()))
    };
    let key = (scene, days, min_orders, rank, top);
    let kept = engine.analyses().baskets.get_or(engine, cx, key, make).await?;
    let (found, names) = &*kept;
    let pairs = found.pairs.iter().zip(names).map(|(pair, [a, b])| BasketPair {
        a: a.clone(),
        b: b.clone(),
        orders: pair.count,
        support: pair.support,
        confidence_a_b: pair.confidence_a_b,
        confidence_b_a: pair.confidence_b_a,
        lift: pair.lift,
    });
    Ok(BasketsAnswer {
        as_of: scene.as_of,
        days,
        min_orders,
        orders: found.orders,
        orders_left_out: found.orders_left_out,
        pairs_found: found.pairs_found,
        pairs: pairs.collect(),
    })
}

fn rank_of(text: Option<&str>) -> Result<PairRank, &'static str> {
    match text {
        None | Some("orders") => Ok(PairRank::Count),
        Some("lift") => Ok(PairRank::Lift),
        Some("confidence") => Ok(PairRank::Confidence),
        Some(_) => Err("must be `orders`, `lift` or `confidence`"),
    }
}

//! How many purchases, and whose, are made below a product's usual price.

use chrono::NaiveDate;
use kernel::{Currency, FieldErrors};
use models::clv::price::{BOUNDS, PriceSensitivity, PricedLines, price_sensitivity};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::analysis::{self, AnalysisError, Remembered, Scene};
use crate::engine::{EngineHandle, apart};
use crate::order_lines::{amounts_of, days_of};

/// Days looked back unless another number is asked for.
const DAYS: u32 = 365;
/// Names of the bands, the cheapest first.
const BANDS: [&str; 4] = ["deep", "reduced", "usual", "above"];
/// Names of the habits.
const HABITS: [&str; 3] = ["never", "sometimes", "mostly"];

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PriceParams {
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
    /// Days to look back, 1 to 3,653; 365 unless given.
    pub days: Option<u32>,
}

/// Lines in one band of prices.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PriceBandRow {
    /// `deep`, `reduced`, `usual` or `above`.
    pub name: &'static str,
    /// The least unit price, as a share of the usual price.
    pub from: f64,
    /// Lines of orders.
    pub lines: u64,
    /// Their pieces.
    pub pieces: i64,
    /// Customers with such a line.
    pub customers: u64,
    /// The amount of the lines; absent for whoever does not see amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
}

/// Customers by how often they buy below 0.9 of the usual price.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PriceHabitRow {
    /// `never`, `sometimes` (at most half of their lines) or `mostly`.
    pub name: &'static str,
    /// Customers with at least three lines.
    pub customers: u64,
    /// Their lines.
    pub lines: u64,
    /// The amount of their lines; absent for whoever does not see amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = PriceSensitivity)]
pub struct PricesAnswer {
    /// Today, the last day looked at.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Days looked back.
    pub days: u32,
    /// Currency of the amounts; absent without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Products with at least ten lines, which have a usual price: the median of their unit prices.
    pub products: u64,
    /// Lines of these.
    pub lines: u64,
    /// Lines left out: of other products, or without an amount.
    pub lines_left_out: u64,
    /// By unit price, the lowest first.
    pub bands: Vec<PriceBandRow>,
    /// Customers by habit.
    pub habits: Vec<PriceHabitRow>,
}

/// Prices looked at lately.
pub(crate) type Kept = Remembered<(Scene, u32), PriceSensitivity>;

/// How purchases stand to the usual price of what was bought.
///
/// # Errors
/// `Fields` names what is wrong, a shop that is needed because currencies differ included; `Lines` if there are too
/// many to look at.
pub async fn prices(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &PriceParams,
) -> Result<PricesAnswer, AnalysisError> {
    engine.fresh().await?;
    let shows_amounts = analysis::shows_amounts(cx);
    let mut errors = FieldErrors::default();
    // Prices of one product in two currencies have no median, whoever asks.
    let scene = Scene::today(engine, cx, params.shop.as_deref(), true, &mut errors);
    let days = days_of(&mut errors, params.days, DAYS);
    let (scene, days) = errors.finish(|| Some((scene?, days?))).map_err(AnalysisError::Fields)?;
    let make = async {
        let lines = amounts_of(engine, cx, scene, days).await?;
        let work = move || {
            price_sensitivity(PricedLines {
                customer: &lines.customer,
                product: &lines.product,
                quantity: &lines.quantity,
                amount: &lines.amount_minor,
            })
        };
        Ok::<_, AnalysisError>(apart(work).await??)
    };
    let found = engine.analyses().prices.get_or(engine, cx, (scene, days), make).await?;
    let from = [0.0].into_iter().chain(BOUNDS);
    let bands = found.bands.iter().zip(BANDS).zip(from).map(|((band, name), from)| PriceBandRow {
        name,
        from,
        lines: band.lines,
        pieces: band.pieces,
        customers: band.customers,
        amount_minor: shows_amounts.then_some(band.amount),
    });
    let habits = found.habits.iter().zip(HABITS).map(|(habit, name)| PriceHabitRow {
        name,
        customers: habit.customers,
        lines: habit.lines,
        amount_minor: shows_amounts.then_some(habit.amount),
    });
    Ok(PricesAnswer {
        as_of: scene.as_of,
        days,
        currency: shows_amounts.then_some(scene.frame.currency),
        products: found.products,
        lines: found.lines,
        lines_left_out: found.lines_left_out,
        bands: bands.collect(),
        habits: habits.collect(),
    })
}

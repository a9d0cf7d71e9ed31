//! Products that customers buy again, and after how long.

use chrono::NaiveDate;
use kernel::FieldErrors;
use models::clv::reorder::{ProductLines, Reorder, reorders as again};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::analysis::{AnalysisError, Remembered, Scene};
use crate::engine::{EngineHandle, apart};
use crate::order_lines::{ProductView, days_of, lines_of, views_of};
use crate::repurchase::DaysBetween;

/// Days looked back unless another number is asked for: two years.
const DAYS: u32 = 730;
/// Products told.
const TOP: usize = 50;
/// Customers who must have bought a product again: quartiles of fewer say little.
const MIN_AGAIN: u64 = 5;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReorderParams {
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
    /// Days to look back, 1 to 3,653; 730 unless given.
    pub days: Option<u32>,
}

/// A product that is bought again.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReorderRow {
    /// The product.
    pub product: ProductView,
    /// Customers who bought it.
    pub buyers: u64,
    /// Those who bought it on a second day.
    pub again: u64,
    /// Their share, 0 to 1.
    pub share_again: f64,
    /// Days from one such day to the next.
    pub days: DaysBetween,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ProductReorders)]
pub struct ReordersAnswer {
    /// Today, the last day looked at.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Days looked back.
    pub days: u32,
    /// Customers who must have bought a product again.
    pub min_again: u64,
    /// At most 50 products, those that most customers bought again first.
    pub products: Vec<ReorderRow>,
}

/// Products found lately.
pub(crate) type Kept = Remembered<(Scene, u32), Vec<(Reorder, ProductView)>>;

/// Which products customers buy again.
///
/// # Errors
/// `Fields` names what is wrong; `Lines` if there are too many to look at.
pub async fn reorders(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &ReorderParams,
) -> Result<ReordersAnswer, AnalysisError> {
    engine.fresh().await?;
    let mut errors = FieldErrors::default();
    let scene = Scene::today(engine, cx, params.shop.as_deref(), false, &mut errors);
    let days = days_of(&mut errors, params.days, DAYS);
    let (scene, days) = errors.finish(|| Some((scene?, days?))).map_err(AnalysisError::Fields)?;
    let make = async {
        let lines = lines_of(engine, cx, scene, days).await?;
        let work = move || {
            let columns = ProductLines {
                customer: &lines.customer,
                day: &lines.day,
                product: &lines.product,
            };
            Ok::<_, AnalysisError>((again(columns, MIN_AGAIN, TOP)?, lines.products))
        };
        let (found, products) = apart(work).await??;
        let named: Vec<_> = found.iter().map(|one| &products[one.product as usize]).collect();
        let views = views_of(engine, cx, &named).await?;
        Ok::<_, AnalysisError>(found.into_iter().zip(views).collect())
    };
    let found = engine.analyses().reorders.get_or(engine, cx, (scene, days), make).await?;
    let row = |(one, product): &(Reorder, ProductView)| ReorderRow {
        product: product.clone(),
        buyers: one.buyers,
        again: one.again,
        share_again: one.again as f64 / one.buyers.max(1) as f64,
        days: one.intervals.into(),
    };
    let products = found.iter().map(row).collect();
    Ok(ReordersAnswer { as_of: scene.as_of, days, min_again: MIN_AGAIN, products })
}

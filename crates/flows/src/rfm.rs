//! RFM as pages, programs and the command line get it.

use std::collections::BTreeMap;

use analytics::{Movement, Rfm, Scheme, Score, Tier};
use chrono::NaiveDate;
use insight::{Action, Frame, FrameError};
use kernel::{Currency, FieldErrors};
use platform::{Ctx, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::engine::{EngineError, EngineHandle};
use crate::fields;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RfmParams {
    /// The day from which to look back; today unless given.
    #[param(value_type = Option<String>, format = Date)]
    pub as_of: Option<NaiveDate>,
    /// Scores of each dimension, 2 to 10; 5 unless given.
    pub bins: Option<u8>,
    /// Only orders of this shop.
    pub shop: Option<String>,
    /// `eleven` or `classic`.
    pub scheme: Option<String>,
    /// An earlier day to compare tiers with.
    #[param(value_type = Option<String>, format = Date)]
    pub compare_to: Option<NaiveDate>,
}

/// Lists by recency, frequency and monetary value.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct ByDimension<T: ToSchema> {
    pub r: Vec<T>,
    pub f: Vec<T>,
    pub m: Vec<T>,
}

/// A cell of the cube that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct RfmCell {
    pub r: u8,
    pub f: u8,
    pub m: u8,
    pub customers: u64,
    pub orders: u64,
    pub revenue_minor: i64,
    /// Of the customers, those who refused automated decisions: nothing is recommended about them.
    pub withheld: u64,
}

/// A tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RfmTier {
    /// Its code, stable for scripts.
    pub tier: &'static str,
    /// Its name in English; `name_zh` in Chinese.
    pub name: &'static str,
    /// Its name in Chinese.
    pub name_zh: &'static str,
    /// What it calls for.
    pub action: Action,
    /// Customers in it.
    pub customers: u64,
    /// Those of them who refused automated decisions: the action is not recommended about them.
    pub withheld: u64,
    /// Their counted orders.
    pub orders: u64,
    /// Revenue of these orders.
    pub revenue_minor: i64,
    /// Customers in it on the day compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Those who came in since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entered: Option<u64>,
    /// Those who left since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

/// Customers who went from one tier to another; null stands for "no order yet".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct RfmMove {
    pub from: Option<&'static str>,
    pub to: Option<&'static str>,
    pub customers: u64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Rfm)]
pub struct RfmAnswer {
    /// The day from which it looks back.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Scores of each dimension.
    pub bins: u8,
    /// `eleven` or `classic`.
    pub scheme: &'static str,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Customers scored: those with a counted order up to that day.
    pub customers: u64,
    /// Lower bounds of the bins above the first: days, orders, major units of the currency.
    pub thresholds: ByDimension<f64>,
    /// Customers by score, score 1 first.
    pub score_counts: ByDimension<u64>,
    /// Cells that are not empty.
    pub cells: Vec<RfmCell>,
    /// Every tier of the scheme.
    pub tiers: Vec<RfmTier>,
    /// Who moved where since the day compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Vec<RfmMove>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RfmError {
    /// Some parameters are wrong.
    #[error("{0}")]
    Fields(FieldErrors),
    /// Scores tell of amounts, which whoever asks does not see.
    #[error("you do not see amounts, of which RFM tells")]
    Hidden,
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<RfmError> for Problem {
    fn from(error: RfmError) -> Self {
        match error {
            RfmError::Fields(errors) => Self::validation(errors),
            RfmError::Hidden => Self::forbidden(error.to_string()),
            RfmError::Engine(error) => error.into(),
        }
    }
}

/// Scores all customers as asked, and tells of those whom whoever asks sees.
///
/// # Errors
/// `Fields` names what is wrong, a shop that is needed because currencies differ included.
pub async fn rfm(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &RfmParams,
) -> Result<RfmAnswer, RfmError> {
    if !cx.access.fields().show(fields::AMOUNTS) {
        return Err(RfmError::Hidden);
    }
    let reach = cx.access.reach().clone();
    engine.fresh().await?;
    let shops = engine.shops();
    let mut errors = FieldErrors::default();
    let shop = params.shop.as_deref().and_then(|text| errors.keep("shop", shops.named(text)));
    let scheme = match params.scheme.as_deref() {
        None => Some(Scheme::Eleven),
        Some(text) => {
            errors.keep("scheme", text.parse().map_err(|_| "must be `eleven` or `classic`"))
        }
    };
    let bins = params.bins.unwrap_or(insight::DEFAULT_BINS);
    let frame = match shops.choose(shop) {
        Ok(frame) => Some(frame),
        Err(error @ (FrameError::Currencies { .. } | FrameError::UnknownShop)) => {
            errors.push("shop", error.to_string());
            None
        }
    };
    let now = engine.platform().now();
    let as_of = params.as_of.or(frame.map(|frame| frame.today(now)));
    let query = frame.zip(as_of).and_then(|(frame, day)| errors.keep("bins", frame.rfm(day, bins)));
    let before = match (frame, params.compare_to) {
        (Some(frame), Some(day)) => {
            if as_of.is_some_and(|as_of| day >= as_of) {
                errors.push("compare_to", "must be a day before `as_of`");
            }
            frame.rfm(day, bins).ok()
        }
        _ => None,
    };
    let (query, scheme, frame) =
        errors.finish(|| Some((query?, scheme?, frame?))).map_err(RfmError::Fields)?;
    let (scored, moved, withheld) = engine
        .ask_long(move |engine| {
            let scored = engine.rfm_within(&query, &reach);
            let withheld = engine.withheld(&scored, now);
            let moved = before.map(|before| {
                analytics::movement(&engine.rfm_within(&before, &reach), &scored, scheme)
            });
            (scored, moved, withheld)
        })
        .await?;
    Ok(answer(&scored, &withheld, moved.as_ref(), scheme, frame))
}

fn answer(
    scored: &Rfm,
    withheld: &BTreeMap<Score, u64>,
    moved: Option<&Movement>,
    scheme: Scheme,
    frame: Frame,
) -> RfmAnswer {
    let thresholds = scored.thresholds();
    let counts = scored.score_counts();
    let of_tier = |tier: Tier| {
        let cells = withheld.iter().filter(|(score, _)| scored.tier(**score, scheme) == tier);
        cells.map(|(_, customers)| customers).sum()
    };
    let flow = |tier: Tier| moved.and_then(|moved| moved.tiers.iter().find(|f| f.tier == tier));
    RfmAnswer {
        as_of: scored.query().as_of,
        bins: scored.query().bins.counts()[0],
        scheme: scheme.code(),
        currency: frame.currency,
        customers: scored.customers(),
        thresholds: ByDimension {
            r: thresholds.r.clone(),
            f: thresholds.f.clone(),
            m: thresholds.m.clone(),
        },
        score_counts: ByDimension { r: counts.r, f: counts.f, m: counts.m },
        cells: scored
            .cells()
            .iter()
            .map(|cell| RfmCell {
                r: cell.score.r,
                f: cell.score.f,
                m: cell.score.m,
                customers: cell.customers,
                orders: cell.orders,
                revenue_minor: cell.revenue_minor,
                withheld: withheld.get(&cell.score).copied().unwrap_or(0),
            })
            .collect(),
        tiers: scored
            .tiers(scheme)
            .iter()
            .map(|sum| RfmTier {
                tier: sum.tier.code(),
                name: sum.tier.name_en(),
                name_zh: sum.tier.name_zh(),
                action: Action::of(sum.tier),
                customers: sum.customers,
                withheld: of_tier(sum.tier),
                orders: sum.orders,
                revenue_minor: sum.revenue_minor,
                before: flow(sum.tier).map(|flow| flow.before),
                entered: flow(sum.tier).map(|flow| flow.entered),
                left: flow(sum.tier).map(|flow| flow.left),
            })
            .collect(),
        movement: moved.map(|moved| {
            moved
                .flows
                .iter()
                .map(|flow| RfmMove {
                    from: flow.from.map(Tier::code),
                    to: flow.to.map(Tier::code),
                    customers: flow.customers,
                })
                .collect()
        }),
    }
}

//! Lifetime value of an organisation's customers: the models fitted to its orders, and what they expect.

mod at_risk;
mod best;

use std::collections::BTreeSet;
use std::sync::Arc;

use analytics::Purchases;
use chrono::NaiveDate;
use kernel::{Currency, CustomerId, FieldErrors, ShopId};
use models::clv::counts::Counts;
use models::clv::error::ClvError;
use models::clv::gamma_gamma::GammaGamma;
use models::clv::report::{ClvReport, report};
use models::clv::score::{OrderModel, ScoreOptions, Scores, score_all};
use models::clv::summary::{Summary, Transactions, Unit, Window, date_of, day_of, summarise};
use platform::{Ctx, DbError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use at_risk::AtRiskCustomer;

use crate::analysis::Remembered;
use crate::engine::{EngineError, EngineHandle, apart};
use crate::fields;
use crate::list_customers::{CustomerRow, rows_of};

/// Horizon unless another is asked for.
const HORIZON_DAYS: u32 = 365;
/// The longest horizon.
const HORIZON_DAYS_MAX: u32 = 3_653;
/// The earliest day that the models take.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
/// Customers with the highest expected value that are shown.
const TOP: usize = 20;
/// Lower bounds of the bands of the probability of being active, and their names.
const BANDS: [(f64, &str); 4] =
    [(0.8, "active"), (0.5, "slowing"), (0.2, "at_risk"), (0.0, "probably_lost")];

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ValueParams {
    /// Days ahead, 1 to 3,653; 365 unless given.
    pub horizon_days: Option<u32>,
    /// Only orders of this shop, by name or id.
    pub shop: Option<String>,
    /// Unit of time of the parameters; weeks unless given.
    #[serde(skip)]
    #[param(ignore)]
    pub unit: Option<Unit>,
    /// The last day that the models see; today unless given. Later days are held back and compared.
    #[param(value_type = Option<String>, format = Date)]
    pub calibration_end: Option<NaiveDate>,
}

/// Customers by how likely they still are customers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ValueBand {
    /// `active`, `slowing`, `at_risk` or `probably_lost`.
    pub name: &'static str,
    /// The least probability of being active.
    pub from_probability: f64,
    /// Customers.
    pub customers: u64,
    /// Orders expected within the horizon.
    pub expected_orders: f64,
    /// Value expected within the horizon, in minor units.
    pub expected_value_minor: i64,
}

/// A customer of high expected value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValuedCustomer {
    /// The customer.
    pub customer: CustomerRow,
    /// Probability of being active, 0 to 1.
    pub probability_alive: f64,
    /// Orders expected within the horizon.
    pub expected_orders: f64,
    /// Value expected within the horizon, in minor units; absent without a model of spend.
    pub expected_value_minor: Option<i64>,
    /// Day by which the next order will have come with probability one half.
    #[schema(value_type = Option<String>, format = Date)]
    pub next_order_on: Option<NaiveDate>,
}

/// The answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LifetimeValue)]
pub struct ValueAnswer {
    /// The last day that the models saw.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Days ahead.
    pub horizon_days: u32,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Which model the expectations are of: `bgnbd` or `pnbd`.
    pub model: &'static str,
    /// Orders expected of all customers within the horizon.
    pub expected_orders: f64,
    /// Their value in minor units.
    pub expected_value_minor: i64,
    /// Customers by how likely they still are customers, best first.
    pub bands: Vec<ValueBand>,
    /// Those with the highest expected value; nobody without the right `customers.read`.
    pub top: Vec<ValuedCustomer>,
    /// Those of whom most may be lost, the largest expected loss first; nobody without the right `customers.read`
    /// or without a model of spend, and nobody who refused automated decisions.
    pub at_risk: Vec<AtRiskCustomer>,
    /// Parameters, errors, fit: `docs/models.md` names the fields.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub report: ClvReport,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// Some parameters are wrong.
    #[error("{0}")]
    Fields(FieldErrors),
    /// Value tells of amounts, which whoever asks does not see.
    #[error("you do not see amounts, of which lifetime value tells")]
    Hidden,
    /// The models say what is missing.
    #[error(transparent)]
    Model(#[from] ClvError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ValueError> for Problem {
    fn from(error: ValueError) -> Self {
        match error {
            ValueError::Fields(errors) => Self::validation(errors),
            ValueError::Hidden => Self::forbidden(error.to_string()),
            ValueError::Model(error) => Self::conflict("too_little_history", error.to_string()),
            ValueError::Engine(error) => error.into(),
            ValueError::Db(error) => error.into(),
        }
    }
}

/// Models fitted to one state of the orders, from which any horizon is told quickly.
#[derive(Debug)]
pub(crate) struct Fit {
    report: ClvReport,
    model: OrderModel,
    name: &'static str,
    spend: Option<GammaGamma>,
    summary: Summary,
    counts: Counts,
    unit: Unit,
    ids: Vec<CustomerId>,
}

/// Fits made lately.
pub(crate) type Kept = Remembered<(Option<ShopId>, Unit, NaiveDate, NaiveDate), Fit>;

/// What every customer of whoever asks is worth.
///
/// # Errors
/// `Model` with what is missing where there is too little history.
pub async fn value(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &ValueParams,
) -> Result<ValueAnswer, ValueError> {
    if !cx.access.fields().show(fields::AMOUNTS) {
        return Err(ValueError::Hidden);
    }
    engine.fresh().await?;
    let shops = engine.shops();
    let mut errors = FieldErrors::default();
    let shop = params.shop.as_deref().and_then(|text| errors.keep("shop", shops.named(text)));
    let horizon_days = params.horizon_days.unwrap_or(HORIZON_DAYS);
    if !(1..=HORIZON_DAYS_MAX).contains(&horizon_days) {
        errors.push("horizon_days", format!("must be 1 to {HORIZON_DAYS_MAX}"));
    }
    let frame = errors.keep("shop", shops.choose(shop));
    let frame = errors.finish(|| frame).map_err(ValueError::Fields)?;
    let today = frame.today(cx.now());
    let as_of = params.calibration_end.unwrap_or(today);
    if !(FIRST_DAY..=today).contains(&as_of) {
        let mut errors = FieldErrors::default();
        errors.push("calibration_end", format!("must be {FIRST_DAY} to today, {today}"));
        return Err(ValueError::Fields(errors));
    }
    let unit = params.unit.unwrap_or(Unit::Week);
    let reach = cx.access.reach().clone();
    let zone = frame.zone;
    let make = async {
        let ask = move |engine: &analytics::Snapshot| engine.purchases(zone, shop, today, &reach);
        let purchases = engine.ask_apart(ask).await?;
        Ok::<_, ValueError>(apart(move || fit(purchases, unit, as_of, today)).await??)
    };
    let fit = engine.values().get_or(engine, cx, (shop, unit, as_of, today), make).await?;
    let of = Arc::clone(&fit);
    let scores = apart(move || of.scores(horizon_days)).await??;
    told(engine, cx, &fit, &scores, (frame.currency, as_of, horizon_days)).await
}

fn fit(
    purchases: Purchases,
    unit: Unit,
    as_of: NaiveDate,
    today: NaiveDate,
) -> Result<Fit, ClvError> {
    let amount = purchases.amounts();
    let Purchases { ids, customer, day, .. } = purchases;
    let transactions = Transactions { customer: &customer, day: &day, amount: &amount };
    let window = Window { calibration_end: day_of(as_of), observation_end: day_of(today) };
    let summary: Summary = summarise(transactions, window)?;
    let report = report(&summary, unit)?;
    // Both have four parameters, so the likelier is the better. BG/NBD takes everybody without a repeat purchase for
    // alive, which flatters a shop of one-time buyers.
    let is_likelier = |of: f64, than: Option<f64>| than.is_none_or(|than| of > than);
    let (model, name) = match (&report.bgnbd, &report.pnbd) {
        (bgnbd, Some(fit))
            if is_likelier(fit.log_likelihood, bgnbd.as_ref().map(|own| own.log_likelihood)) =>
        {
            (OrderModel::ParetoNbd(fit.model), "pnbd")
        }
        (Some(fit), _) => (OrderModel::BgNbd(fit.model), "bgnbd"),
        // The report is an error then.
        (None, _) => return Err(ClvError::NotFinite { model: "BG/NBD", what: "its fit" }),
    };
    let spend = report.gamma_gamma.as_ref().map(|fit| fit.model);
    let counts = summary.counts(unit)?;
    Ok(Fit { report, model, name, spend, summary, counts, unit, ids })
}

impl Fit {
    fn scores(&self, horizon_days: u32) -> Result<Scores, ClvError> {
        let options = ScoreOptions {
            unit: self.unit,
            horizon_days: f64::from(horizon_days),
            margin: 1.0,
            // Amounts are in minor units already.
            minor_per_unit: 1.0,
        };
        score_all(&self.summary, &self.counts, &self.model, self.spend.as_ref(), &options)
    }
}

async fn told(
    engine: &EngineHandle,
    cx: &Ctx,
    fit: &Fit,
    scores: &Scores,
    (currency, as_of, horizon_days): (Currency, NaiveDate, u32),
) -> Result<ValueAnswer, ValueError> {
    let worth = |index: usize| scores.expected_value_minor.get(index).copied();
    let mut bands: Vec<ValueBand> = BANDS
        .iter()
        .map(|(from_probability, name)| ValueBand {
            name,
            from_probability: *from_probability,
            customers: 0,
            expected_orders: 0.0,
            expected_value_minor: 0,
        })
        .collect();
    for (index, alive) in scores.probability_alive.iter().enumerate() {
        if let Some(band) = bands.iter_mut().find(|band| *alive >= band.from_probability) {
            band.customers += 1;
            band.expected_orders += scores.expected_orders[index];
            let worth = worth(index).unwrap_or(0);
            band.expected_value_minor = band.expected_value_minor.saturating_add(worth);
        }
    }
    let order = |index: &usize| {
        let by_orders = scores.expected_orders[*index];
        (worth(*index).unwrap_or(0), (by_orders * 1e6) as i64)
    };
    let id = |index: usize| fit.ids[scores.customer[index] as usize];
    // Who may not see customers is told of all together.
    let top = if cx.access.permissions().allow("customers.read") { TOP } else { 0 };
    let is_withheld =
        |index| engine.ask(|engine| at_risk::is_withheld(engine, id(index), cx.now()));
    let best = best::best(scores.customer.len(), top, order, is_withheld);
    let losses = engine.ask(|engine| {
        let is_withheld = |index| at_risk::is_withheld(engine, id(index), cx.now());
        at_risk::losses(scores, top, is_withheld)
    });
    let listed = best.iter().copied().chain(losses.iter().map(|loss| loss.index));
    let ids: BTreeSet<CustomerId> = listed.map(id).collect();
    let ids: Vec<CustomerId> = ids.into_iter().collect();
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let rows = rows_of(engine, &mut tx, cx, &ids).await?;
    tx.rollback().await?;
    let next_order_on = |index: usize| {
        let next = scores.next_order_day.get(index).copied().flatten();
        next.and_then(|day| date_of(i64::from(day)))
    };
    let at_risk = losses.iter().filter_map(|loss| {
        Some(AtRiskCustomer {
            customer: rows.get(&id(loss.index))?.clone(),
            churn_risk: loss.churn_risk,
            value_if_active_minor: loss.value_if_active_minor,
            expected_loss_minor: loss.expected_loss_minor,
            next_order_on: next_order_on(loss.index),
        })
    });
    let top = best.iter().filter_map(|index| {
        Some(ValuedCustomer {
            customer: rows.get(&id(*index))?.clone(),
            probability_alive: scores.probability_alive[*index],
            expected_orders: scores.expected_orders[*index],
            expected_value_minor: worth(*index),
            next_order_on: next_order_on(*index),
        })
    });
    Ok(ValueAnswer {
        as_of,
        horizon_days,
        currency,
        model: fit.name,
        expected_orders: bands.iter().map(|band| band.expected_orders).sum(),
        expected_value_minor: bands
            .iter()
            .fold(0, |sum: i64, band| sum.saturating_add(band.expected_value_minor)),
        top: top.collect(),
        at_risk: at_risk.collect(),
        bands,
        report: fit.report.clone(),
    })
}

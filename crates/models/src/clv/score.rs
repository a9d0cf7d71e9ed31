//! What to expect of every customer within a horizon.

use super::bgnbd::{self, BgNbd};
use super::counts::{Counts, Group};
use super::error::ClvError;
use super::gamma_gamma::GammaGamma;
use super::parallel;
use super::pnbd::{self, ParetoNbd};
use super::summary::{Summary, Unit};

/// Longest horizon in days, ten years: beyond, the models' constant rates are no basis.
pub const MAX_HORIZON_DAYS: f64 = 3_653.0;

/// A model of purchases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OrderModel {
    /// BG/NBD.
    BgNbd(BgNbd),
    /// Pareto/NBD.
    ParetoNbd(ParetoNbd),
}

/// What to score for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreOptions {
    /// Unit of time in which the model was fitted.
    pub unit: Unit,
    /// Days after the end of the calibration, 0 to [`MAX_HORIZON_DAYS`].
    pub horizon_days: f64,
    /// Share of an order's value that is counted, from 0; 1 counts revenue.
    pub margin: f64,
    /// Minor units in one unit of the amounts: 100 for amounts in yuan or dollars, 1 for fen or yen.
    pub minor_per_unit: f64,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self { unit: Unit::Week, horizon_days: 365.0, margin: 1.0, minor_per_unit: 100.0 }
    }
}

/// Scores of customers as columns of one length, in the order of the summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Ordinal of the customer.
    pub customer: Vec<u32>,
    /// Probability of being active at the end of the calibration, 0..=1.
    pub probability_alive: Vec<f64>,
    /// Expected purchases (days with one) within the horizon.
    pub expected_orders: Vec<f64>,
    /// Probability of at least one purchase within the horizon; empty with Pareto/NBD.
    pub probability_of_order: Vec<f64>,
    /// Day (since 1970-01-01) by which the next purchase will have happened with probability one
    /// half. `None` if more likely than not there will be none, or none within
    /// [`MAX_HORIZON_DAYS`]. Empty with Pareto/NBD.
    pub next_order_day: Vec<Option<i32>>,
    /// Expected orders, times expected spend, times margin, in minor units, not discounted. Empty
    /// without a model of spend.
    pub expected_value_minor: Vec<i64>,
}

impl Scores {
    /// Risk that the customer at `index` is lost already: `1 - P(alive)`.
    ///
    /// Under BG/NBD this is 0 for everybody without a repeat purchase; Pareto/NBD, or
    /// `1 - probability_of_order`, tells one-time buyers apart.
    #[must_use]
    pub fn churn_risk(&self, index: usize) -> Option<f64> {
        self.probability_alive.get(index).map(|alive| 1.0 - alive)
    }
}

impl OrderModel {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::BgNbd(_) => bgnbd::NAME,
            Self::ParetoNbd(_) => pnbd::NAME,
        }
    }

    /// Probability of being active, for each group.
    pub(crate) fn alive_by_group(&self, counts: &Counts) -> Vec<f64> {
        match self {
            Self::BgNbd(model) => parallel::map(&counts.groups, |group: &Group| {
                let (recency, age) = counts.times(group);
                model.probability_alive(counts.frequency(group), recency, age)
            }),
            Self::ParetoNbd(model) => model.alive_by_group(counts),
        }
    }

    /// Expected purchases within `horizon` time units, for each group, given its probabilities of
    /// being active.
    pub(crate) fn orders_by_group(&self, counts: &Counts, alive: &[f64], horizon: f64) -> Vec<f64> {
        // What the hypergeometric function is needed for depends on frequency and age only.
        let if_alive = parallel::map(&counts.ages, |pair| {
            let x = counts.frequencies[pair.x as usize];
            match self {
                Self::BgNbd(model) => model.expected_if_alive(x, pair.time, horizon),
                Self::ParetoNbd(model) => model.expected_if_alive(x, pair.time, horizon),
            }
        });
        let groups = counts.groups.iter().zip(alive);
        groups.map(|(group, alive)| alive * if_alive[group.age as usize]).collect()
    }

    /// Expected repeat purchases of a new customer within `time` units of the first.
    #[must_use]
    pub fn expected_new(&self, time: f64) -> f64 {
        match self {
            Self::BgNbd(model) => model.expected_new(time),
            Self::ParetoNbd(model) => model.expected_new(time),
        }
    }
}

/// Scores all customers of `summary`, whose groups in the unit of `options` are `counts`.
///
/// # Errors
/// `BadHorizon`, `BadOption`; `Lengths` if the two do not belong together; `NotFinite` if a score is
/// not a number; `NoMeanSpend` if a customer without spend cannot be valued.
pub fn score_all(
    summary: &Summary,
    counts: &Counts,
    model: &OrderModel,
    spend: Option<&GammaGamma>,
    options: &ScoreOptions,
) -> Result<Scores, ClvError> {
    let days = options.horizon_days;
    if !(0.0..=MAX_HORIZON_DAYS).contains(&days) {
        return Err(ClvError::BadHorizon { days, limit: MAX_HORIZON_DAYS });
    }
    for (name, value) in
        [("the margin", options.margin), ("the number of minor units", options.minor_per_unit)]
    {
        if !(value.is_finite() && value >= 0.0) {
            return Err(ClvError::BadOption { name, value });
        }
    }
    let (found, expected) = (counts.group_of.len(), summary.len());
    if found != expected {
        return Err(ClvError::Lengths { column: "counts", found, expected });
    }
    let unit_days = options.unit.days();
    let horizon = days / unit_days;
    let alive = model.alive_by_group(counts);
    let orders = model.orders_by_group(counts, &alive, horizon);
    if !alive.iter().chain(&orders).all(|score| score.is_finite()) {
        return Err(ClvError::NotFinite { model: model.name(), what: "an expectation" });
    }
    let spread = |scores: &[f64]| -> Vec<f64> {
        counts.group_of.iter().map(|group| scores[*group as usize]).collect()
    };
    let mut scores = Scores {
        customer: summary.customer.clone(),
        probability_alive: spread(&alive),
        expected_orders: spread(&orders),
        probability_of_order: Vec::new(),
        next_order_day: Vec::new(),
        expected_value_minor: Vec::new(),
    };
    if let OrderModel::BgNbd(model) = model {
        let some: Vec<f64> = parallel::map(&counts.groups, |group: &Group| {
            let (recency, age) = counts.times(group);
            model.probability_of_order(counts.frequency(group), recency, age, horizon)
        });
        scores.probability_of_order = spread(&some);
        let next: Vec<Option<i32>> = parallel::map(&counts.groups, |group: &Group| {
            let (recency, age) = counts.times(group);
            let time = model.median_time_to_order(counts.frequency(group), recency, age)?;
            let days = (time * unit_days).ceil();
            // Days are within three centuries, so the sum fits.
            (days <= MAX_HORIZON_DAYS)
                .then_some((summary.window.calibration_end + days as i64) as i32)
        });
        scores.next_order_day = counts.group_of.iter().map(|group| next[*group as usize]).collect();
    }
    if let Some(spend) = spend {
        let factor = options.margin * options.minor_per_unit;
        let customers =
            scores.expected_orders.iter().zip(&summary.frequency).zip(&summary.monetary);
        scores.expected_value_minor = customers
            .map(|((orders, x), monetary)| {
                let value = orders * spend.expected_spend(*x, *monetary)? * factor;
                let fits = value.is_finite() && value.abs() < 9e18;
                let what = "an expected value";
                if fits {
                    Ok(value.round() as i64)
                } else {
                    Err(ClvError::NotFinite { model: super::gamma_gamma::NAME, what })
                }
            })
            .collect::<Result<_, _>>()?;
    }
    Ok(scores)
}

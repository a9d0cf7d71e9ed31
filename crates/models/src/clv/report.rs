//! Everything about the lifetime value of a shop's customers in one answer.

use serde::Serialize;

use super::bgnbd::BgNbd;
use super::counts::Counts;
use super::diagnostics::{
    CORRELATION_DOUBTED, HistogramBin, Holdout, frequency_histogram, holdout, spend_correlation,
};
use super::error::ClvError;
use super::fit::Fit;
use super::gamma_gamma::GammaGamma;
use super::pnbd::ParetoNbd;
use super::score::OrderModel;
use super::summary::{Summary, Unit, iso_day};

/// Days of history below which a warning is given: a rule of this house.
const SHORT_HISTORY_DAYS: u32 = 90;
/// Share by which the expected purchases of the holdout may miss the actual ones without a warning: a
/// rule of this house.
const MISSED: f64 = 0.2;
/// A standard error above this share of its parameter is a warning.
const LOOSE: f64 = 1.0;

/// Parameters of a model, with what the fit says of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fitted<M, E> {
    /// The parameters, each under its name.
    #[serde(flatten)]
    pub model: M,
    /// Log-likelihood of all customers.
    pub log_likelihood: f64,
    /// Standard errors of the parameters under the same names; absent where the data do not tell
    /// the parameters apart.
    pub standard_errors: Option<E>,
    /// Customers it was fitted to.
    pub customers: u64,
    /// Evaluations of the likelihood on all customers.
    pub evaluations: u32,
    /// Slope left at the maximum: change of the mean log-likelihood by a parameter's logarithm.
    pub slope: f64,
}

/// BG/NBD, Pareto/NBD and Gamma-Gamma for one set of customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClvReport {
    /// Customers who bought up to the end of the calibration.
    pub customers: u64,
    /// Customers who bought on a second day up to the end of the calibration.
    pub repeat_customers: u64,
    /// Customers who first bought after the calibration; not in any figure.
    pub later_customers: u64,
    /// Unit of time of `alpha` and `beta`.
    pub unit: Unit,
    /// Last day the models saw.
    pub calibration_end: String,
    /// Last day observed.
    pub observation_end: String,
    /// BG/NBD; absent if it cannot be fitted, with a warning that says why.
    pub bgnbd: Option<Fitted<BgNbd, BgNbd>>,
    /// Pareto/NBD; absent if it cannot be fitted, with a warning that says why.
    pub pnbd: Option<Fitted<ParetoNbd, ParetoNbd>>,
    /// Gamma-Gamma; absent if it cannot be fitted, with a warning that says why.
    pub gamma_gamma: Option<Fitted<GammaGamma, GammaGamma>>,
    /// Mean spend on a purchase over all customers by Gamma-Gamma.
    pub mean_spend: Option<f64>,
    /// Correlation of frequency and mean spend of repeat buyers.
    pub spend_correlation: Option<f64>,
    /// Days held back; 0 if none.
    pub holdout_days: u32,
    /// BG/NBD against the days held back.
    pub holdout_bgnbd: Option<Holdout>,
    /// Pareto/NBD against the days held back.
    pub holdout_pnbd: Option<Holdout>,
    /// Customers by repeat purchases, and as BG/NBD expects them.
    pub frequency_histogram: Vec<HistogramBin>,
    /// What speaks against believing the figures, in plain English.
    pub warnings: Vec<String>,
}

impl<M: Copy> Fitted<M, M> {
    fn new<const N: usize>(fit: &Fit<M, N>, name: impl Fn([f64; N]) -> M) -> Self {
        Self {
            model: fit.model,
            log_likelihood: fit.log_likelihood,
            standard_errors: fit.standard_errors.map(name),
            customers: fit.customers,
            evaluations: fit.evaluations,
            slope: fit.slope,
        }
    }
}

impl From<&Fit<BgNbd, 4>> for Fitted<BgNbd, BgNbd> {
    fn from(fit: &Fit<BgNbd, 4>) -> Self {
        Self::new(fit, |[r, alpha, a, b]| BgNbd { r, alpha, a, b })
    }
}

impl From<&Fit<ParetoNbd, 4>> for Fitted<ParetoNbd, ParetoNbd> {
    fn from(fit: &Fit<ParetoNbd, 4>) -> Self {
        Self::new(fit, |[r, alpha, s, beta]| ParetoNbd { r, alpha, s, beta })
    }
}

impl From<&Fit<GammaGamma, 3>> for Fitted<GammaGamma, GammaGamma> {
    fn from(fit: &Fit<GammaGamma, 3>) -> Self {
        Self::new(fit, |[p, q, v]| GammaGamma { p, q, v })
    }
}

/// Keeps a fit, or the reason there is none as a warning.
fn kept<M, const N: usize>(
    fit: Result<Fit<M, N>, ClvError>,
    values: impl Fn(&M) -> [f64; N],
    name: &str,
    warnings: &mut Vec<String>,
) -> Result<Fit<M, N>, ClvError> {
    match &fit {
        Err(error) => warnings.push(format!("{name} is left out: {error}")),
        Ok(fit) => match &fit.standard_errors {
            None => warnings.push(format!(
                "{name}: no standard errors, as the purchases do not tell its parameters apart"
            )),
            Some(errors) => {
                let values = values(&fit.model);
                if errors.iter().zip(values).any(|(error, value)| *error > LOOSE * value) {
                    warnings.push(format!(
                        "{name}: a parameter is smaller than its standard error; expectations may still hold, the parameter alone says little"
                    ));
                }
            }
        },
    }
    fit
}

/// Fits all three models to `summary` and holds them against the data.
///
/// # Errors
/// Every kind of too little history; `AtTheEdge` or `NotConverged` if neither model of purchases can
/// be fitted. A model that alone fails is left out with a warning.
pub fn report(summary: &Summary, unit: Unit) -> Result<ClvReport, ClvError> {
    let counts = summary.counts(unit)?;
    counts.enough()?;
    let mut warnings = Vec::new();
    let bgnbd = kept(
        BgNbd::fit(&counts),
        |model| [model.r, model.alpha, model.a, model.b],
        super::bgnbd::NAME,
        &mut warnings,
    );
    let pnbd = kept(
        ParetoNbd::fit(&counts),
        |model| [model.r, model.alpha, model.s, model.beta],
        super::pnbd::NAME,
        &mut warnings,
    );
    let (bgnbd, pnbd) = match (bgnbd, pnbd) {
        (Err(error), Err(_)) => return Err(error),
        (bgnbd, pnbd) => (bgnbd.ok(), pnbd.ok()),
    };
    let gamma_gamma = kept(
        GammaGamma::fit(&summary.frequency, &summary.monetary),
        |model| [model.p, model.q, model.v],
        super::gamma_gamma::NAME,
        &mut warnings,
    )
    .ok();
    let mean_spend = gamma_gamma.and_then(|fit| {
        let mean = fit.model.population_mean();
        mean.map_err(|error| warnings.push(error.to_string())).ok()
    });
    let correlation = spend_correlation(&summary.frequency, &summary.monetary);
    warn_of_data(summary, &counts, correlation, &mut warnings);
    let mut held = |model: Option<OrderModel>| -> Result<Option<Holdout>, ClvError> {
        let Some(model) = model.filter(|_| summary.holdout_days() > 0) else { return Ok(None) };
        let held = holdout(summary, &counts, unit, &model)?;
        let (actual, expected) = (held.actual_total as f64, held.expected_total);
        if (expected - actual).abs() > MISSED * actual {
            warnings.push(format!(
                "{}: {expected:.0} purchases were expected after the calibration, {actual} came; a season, a campaign or a change of the shop is in neither model",
                model.name()
            ));
        }
        Ok(Some(held))
    };
    let holdout_bgnbd = held(bgnbd.map(|fit| OrderModel::BgNbd(fit.model)))?;
    let holdout_pnbd = held(pnbd.map(|fit| OrderModel::ParetoNbd(fit.model)))?;
    Ok(ClvReport {
        customers: counts.customers(),
        repeat_customers: counts.repeat_customers(),
        later_customers: summary.later_customers,
        unit,
        calibration_end: iso_day(summary.window.calibration_end),
        observation_end: iso_day(summary.window.observation_end),
        holdout_days: summary.holdout_days(),
        holdout_bgnbd,
        holdout_pnbd,
        frequency_histogram: bgnbd
            .map(|fit| frequency_histogram(&counts, &fit.model))
            .unwrap_or_default(),
        bgnbd: bgnbd.as_ref().map(Fitted::from),
        pnbd: pnbd.as_ref().map(Fitted::from),
        gamma_gamma: gamma_gamma.as_ref().map(Fitted::from),
        mean_spend,
        spend_correlation: correlation,
        warnings,
    })
}

fn warn_of_data(
    summary: &Summary,
    counts: &Counts,
    correlation: Option<f64>,
    warnings: &mut Vec<String>,
) {
    if let Some(correlation) = correlation.filter(|value| value.abs() > CORRELATION_DOUBTED) {
        warnings.push(format!(
            "frequency and spend of repeat buyers correlate by {correlation:.2}; Gamma-Gamma takes them as independent, so values of frequent and of rare buyers are off"
        ));
    }
    let oldest = summary.age_days.iter().max().copied().unwrap_or_default();
    if oldest < SHORT_HISTORY_DAYS {
        warnings.push(format!(
            "the history is {oldest} days long; below {SHORT_HISTORY_DAYS} days loss and pause cannot be told apart"
        ));
    }
    if counts.customers() < 500 {
        warnings.push(format!(
            "only {} customers; the standard errors say how uncertain the parameters are",
            counts.customers()
        ));
    }
    let free = summary.frequency.iter().zip(&summary.monetary);
    let free = free.filter(|(x, mean)| **x > 0 && **mean <= 0.0).count();
    if free > 0 {
        warnings.push(format!(
            "{free} repeat buyers paid nothing for their repeat purchases; they count as customers but not in Gamma-Gamma"
        ));
    }
    if summary.ignored_transactions > 0 {
        warnings.push(format!(
            "{} transactions after {} were not looked at",
            summary.ignored_transactions,
            iso_day(summary.window.observation_end)
        ));
    }
}

//! Gamma-Gamma: how much customers spend on a purchase.
//!
//! Fader, Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42(4), in the form of
//! Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value, here FH13. A customer's
//! purchases are Gamma(`p`, nu) with nu ~ Gamma(`q`, `v`) across customers, independent of how often
//! the customer buys.

use serde::Serialize;

use super::error::{ClvError, MIN_REPEAT_CUSTOMERS};
use super::fit::{self, Fit, check_parameters};
use super::parallel;
use super::special::ln_gamma;

pub(crate) const NAME: &str = "Gamma-Gamma";
const NAMES: [&str; 3] = ["p", "q", "v"];

/// Customers of the sample on which a search begins.
const ROUGH_CUSTOMERS: usize = 10_000;

/// Parameters of the model. `v` is an amount in the unit of the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GammaGamma {
    /// Shape of the spend of one customer.
    pub p: f64,
    /// Shape of how customers differ.
    pub q: f64,
    /// Scale of how customers differ, an amount.
    pub v: f64,
}

/// Mean spends of repeat buyers, as the fit needs them: with table positions of their frequencies.
struct Spends {
    frequencies: Vec<u32>,
    /// Position of the frequency, mean spend divided by `scale`, its logarithm.
    rows: Vec<(u32, f64, f64)>,
    scale: f64,
}

impl GammaGamma {
    /// The model with these parameters.
    ///
    /// # Errors
    /// `BadParameter` unless all are finite and above 0.
    pub fn new(p: f64, q: f64, v: f64) -> Result<Self, ClvError> {
        check_parameters(NAME, &NAMES, &[p, q, v])?;
        Ok(Self { p, q, v })
    }

    fn from_logs(logs: &[f64; 3], scale: f64) -> Self {
        let [p, q, v] = logs.map(f64::exp);
        Self { p, q, v: v * scale }
    }

    /// Maximum likelihood over the customers with `frequency > 0` and `monetary > 0`.
    ///
    /// `frequency`: repeat purchases; `monetary`: mean spend of a repeat purchase.
    ///
    /// # Errors
    /// `Lengths`; `BadAmount` for a mean that is not finite or below 0; `TooFewSpenders`,
    /// `AtTheEdge`, `NotConverged`.
    pub fn fit(frequency: &[u32], monetary: &[f64]) -> Result<Fit<Self, 3>, ClvError> {
        let spends = Spends::new(frequency, monetary)?;
        let customers = spends.rows.len() as u64;
        if customers < MIN_REPEAT_CUSTOMERS {
            let (found, needed) = (customers, MIN_REPEAT_CUSTOMERS);
            return Err(ClvError::TooFewSpenders { found, needed });
        }
        let mean_of = |spends: &Spends, logs: &[f64; 3]| {
            Self::from_logs(logs, 1.0).scaled_log_likelihood(spends) / spends.rows.len() as f64
        };
        let sample = spends.sample();
        let rough = sample.as_ref().unwrap_or(&spends);
        // Means of customers average to p v / (q - 1), which is 1 after scaling.
        let start = |p: f64, q: f64| [p.ln(), q.ln(), ((q - 1.0).max(0.2) / p).ln()];
        let starts = [start(4.0, 4.0), start(1.0, 2.0), start(15.0, 10.0)];
        let found = fit::maximise(
            NAME,
            &NAMES,
            customers,
            |logs| mean_of(rough, logs),
            |logs| mean_of(&spends, logs),
            &starts,
        )?;
        let mut fit = found.into_fit(|logs| Self::from_logs(logs, spends.scale));
        fit.log_likelihood -= customers as f64 * spends.scale.ln();
        if let Some(errors) = &mut fit.standard_errors {
            errors[2] *= spends.scale;
        }
        Ok(fit)
    }

    /// Log-likelihood of the customers with `frequency > 0` and `monetary > 0`; FH13, eq. 1a.
    ///
    /// # Errors
    /// As [`Self::fit`], without the kinds that are about the search.
    pub fn log_likelihood(&self, frequency: &[u32], monetary: &[f64]) -> Result<f64, ClvError> {
        let spends = Spends::new(frequency, monetary)?;
        let scaled = Self { v: self.v / spends.scale, ..*self };
        Ok(scaled.scaled_log_likelihood(&spends) - spends.rows.len() as f64 * spends.scale.ln())
    }

    fn scaled_log_likelihood(&self, spends: &Spends) -> f64 {
        let Self { p, q, v } = *self;
        let constant = q * v.ln() - ln_gamma(q);
        let by_frequency: Vec<(f64, f64)> = spends
            .frequencies
            .iter()
            .map(|x| {
                let x = f64::from(*x);
                let part = ln_gamma(p * x + q) - ln_gamma(p * x) + p * x * x.ln();
                (x, constant + part)
            })
            .collect();
        parallel::chunked_sum(&spends.rows, |(at, mean, ln_mean)| {
            let (x, part) = by_frequency[*at as usize];
            part + (p * x - 1.0) * ln_mean - (p * x + q) * (v + x * mean).ln()
        })
    }

    /// Mean spend on a purchase over all customers, `p v / (q - 1)`; FH13.
    ///
    /// # Errors
    /// `NoMeanSpend` if `q` is at most 1: the mean does not exist.
    pub fn population_mean(&self) -> Result<f64, ClvError> {
        if self.q <= 1.0 {
            return Err(ClvError::NoMeanSpend { q: self.q });
        }
        Ok(self.p * self.v / (self.q - 1.0))
    }

    /// Expected mean spend of a customer with `frequency` repeat purchases of mean `monetary`; FH13,
    /// eq. 5. Without repeat purchases, the mean of the population.
    ///
    /// # Errors
    /// `NoMeanSpend` where `p x + q` is at most 1.
    pub fn expected_spend(&self, frequency: u32, monetary: f64) -> Result<f64, ClvError> {
        let x = f64::from(frequency);
        if frequency == 0 || monetary <= 0.0 {
            return self.population_mean();
        }
        let lower = self.p * x + self.q - 1.0;
        if lower <= 0.0 {
            return Err(ClvError::NoMeanSpend { q: self.q });
        }
        Ok(self.p * (self.v + x * monetary) / lower)
    }
}

impl Spends {
    fn new(frequency: &[u32], monetary: &[f64]) -> Result<Self, ClvError> {
        let (expected, found) = (frequency.len(), monetary.len());
        if found != expected {
            return Err(ClvError::Lengths { column: "monetary", found, expected });
        }
        if let Some(index) = monetary.iter().position(|mean| !(mean.is_finite() && *mean >= 0.0)) {
            return Err(ClvError::BadAmount { index, amount: monetary[index] });
        }
        let mut kept: Vec<(u32, f64)> = frequency
            .iter()
            .zip(monetary)
            .filter(|(x, mean)| **x > 0 && **mean > 0.0)
            .map(|(x, mean)| (*x, *mean))
            .collect();
        // In one order whatever that of the input, so that sums are the same to the last bit.
        kept.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let total = parallel::chunked_sum(&kept, |(_, mean)| *mean);
        let scale = if kept.is_empty() { 1.0 } else { total / kept.len() as f64 };
        if !scale.is_finite() {
            return Err(ClvError::NotFinite { model: NAME, what: "the sum of mean spends" });
        }
        let mut frequencies: Vec<u32> = Vec::new();
        let rows = kept
            .into_iter()
            .map(|(x, mean)| {
                if frequencies.last() != Some(&x) {
                    frequencies.push(x);
                }
                let mean = mean / scale;
                (frequencies.len() as u32 - 1, mean, mean.ln())
            })
            .collect();
        Ok(Self { frequencies, rows, scale })
    }

    /// Every k-th customer in the order of frequency and spend. `None` if all are few enough.
    fn sample(&self) -> Option<Self> {
        let step = self.rows.len() / ROUGH_CUSTOMERS;
        (step > 1).then(|| Self {
            frequencies: self.frequencies.clone(),
            rows: self.rows.iter().skip(step / 2).step_by(step).copied().collect(),
            scale: self.scale,
        })
    }
}

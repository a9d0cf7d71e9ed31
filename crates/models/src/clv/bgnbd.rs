//! BG/NBD: purchases of a Poisson process until a customer is lost after one of them.
//!
//! Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the
//! Pareto/NBD Model, Marketing Science 24(2), here FHL. The rate of purchases is Gamma(`r`,
//! `alpha`), the probability to be lost after a purchase Beta(`a`, `b`).

use serde::Serialize;

use super::counts::{Counts, Group};
use super::error::ClvError;
use super::fit::{self, Fit, check_parameters};
use super::special::{hyp2f1, integrate_unit, ln_beta, ln_gamma, log_add_exp};

pub(crate) const NAME: &str = "BG/NBD";
const NAMES: [&str; 4] = ["r", "alpha", "a", "b"];

/// Parameters of the model. `alpha` is a time in the unit of the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BgNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Inverse scale of the purchase rates, in time units.
    pub alpha: f64,
    /// First parameter of the probability to be lost after a purchase.
    pub a: f64,
    /// Second parameter of the probability to be lost after a purchase.
    pub b: f64,
}

impl BgNbd {
    /// The model with these parameters.
    ///
    /// # Errors
    /// `BadParameter` unless all are finite and above 0.
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, ClvError> {
        check_parameters(NAME, &NAMES, &[r, alpha, a, b])?;
        Ok(Self { r, alpha, a, b })
    }

    fn from_logs(logs: &[f64; 4]) -> Self {
        let [r, alpha, a, b] = logs.map(f64::exp);
        Self { r, alpha, a, b }
    }

    /// Maximum likelihood.
    ///
    /// # Errors
    /// Every kind of too little history; `AtTheEdge` where a parameter runs off, `NotConverged`.
    pub fn fit(counts: &Counts) -> Result<Fit<Self, 4>, ClvError> {
        counts.enough()?;
        let rate = counts.mean_frequency() / counts.mean_age();
        let start = |r: f64, a: f64, b: f64| [r.ln(), (r / rate).ln(), a.ln(), b.ln()];
        let starts = [start(0.5, 0.7, 2.5), start(2.0, 1.0, 8.0), start(0.2, 0.3, 0.7)];
        fit::to_counts(NAME, &NAMES, counts, &starts, Self::from_logs, Self::log_likelihood)
    }

    /// Log-likelihood of all customers (FHL, eq. 6), with a sum of logarithms that does not overflow,
    /// the problem of Fader and Hardie (2013), Overcoming the BG/NBD Model's #NUM! Error Problem.
    #[must_use]
    pub fn log_likelihood(&self, counts: &Counts) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let constant = r * alpha.ln() - ln_gamma(r) + ln_gamma(a + b) - ln_gamma(b);
        let common: Vec<f64> = counts
            .frequencies
            .iter()
            .map(|x| {
                let x = f64::from(*x);
                constant + ln_gamma(r + x) + ln_gamma(b + x) - ln_gamma(a + b + x)
            })
            .collect();
        let power = |pair: &super::counts::Pair| {
            let x = f64::from(counts.frequencies[pair.x as usize]);
            (x, -(r + x) * (alpha + pair.time).ln())
        };
        let alive: Vec<f64> = counts.ages.iter().map(|pair| power(pair).1).collect();
        let lost: Vec<f64> = counts
            .recencies
            .iter()
            .map(|pair| match power(pair) {
                (0.0, _) => f64::NEG_INFINITY,
                (x, power) => power + (a / (b + x - 1.0)).ln(),
            })
            .collect();
        counts.weighted_sum(|group: &Group| {
            let x = counts.ages[group.age as usize].x as usize;
            common[x] + log_add_exp(alive[group.age as usize], lost[group.recency as usize])
        })
    }

    /// Probability that a customer is still active, in 0..=1, and 1 without a repeat purchase: in
    /// this model a customer is only ever lost right after a repeat purchase.
    ///
    /// `frequency`: repeat purchases; `recency`, `age`: in time units, `recency <= age`.
    /// Source: Fader, Hardie and Lee (2008), Computing P(alive) Using the BG/NBD Model.
    #[must_use]
    pub fn probability_alive(&self, frequency: u32, recency: f64, age: f64) -> f64 {
        if frequency == 0 {
            return 1.0;
        }
        let x = f64::from(frequency);
        let odds = (self.a / (self.b + x - 1.0)).ln()
            + (self.r + x) * ((self.alpha + age) / (self.alpha + recency)).ln();
        1.0 / (1.0 + odds.exp())
    }

    /// Expected purchases in the next `horizon` time units of a customer with `frequency` repeat
    /// purchases in `age` time units who is still active; at least 0.
    ///
    /// FHL, eq. 10, without its denominator. The hypergeometric function is taken after Euler's
    /// transformation, in which the numerator is `1 - (1-z)^(a-1) 2F1(a-1, a+b-1-r; a+b+x-1; z)`
    /// and keeps its digits. Where `a` is so near 1 or `a + b + x` so near 1 that the formula
    /// divides zero by zero, the integral over the probability to be lost that it comes from is
    /// computed instead.
    #[must_use]
    pub fn expected_if_alive(&self, frequency: u32, age: f64, horizon: f64) -> f64 {
        if horizon <= 0.0 {
            return 0.0;
        }
        let Self { r, alpha, a, b } = *self;
        let x = f64::from(frequency);
        let lower = a + b + x - 1.0;
        if (a - 1.0).abs() > 1e-3 && lower > 0.05 {
            let z = horizon / (alpha + age + horizon);
            let tail = (a - 1.0) * ((alpha + age) / (alpha + age + horizon)).ln();
            if let Some(series) = hyp2f1(a - 1.0, a + b - 1.0 - r, lower, z) {
                let value = lower / (a - 1.0) * (1.0 - tail.exp() * series);
                if value.is_finite() {
                    return value.max(0.0);
                }
            }
        }
        self.expected_by_integral(x, age, horizon)
    }

    /// As [`Self::expected_if_alive`], from FHL's eq. 10 before it is integrated over `p`: the mean
    /// of `(1 - exp(-lambda p t)) / p` over `lambda ~ Gamma(r+x, alpha+T)`, `p ~ Beta(a, b+x)`.
    pub(crate) fn expected_by_integral(&self, x: f64, age: f64, horizon: f64) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let scaled = horizon / (alpha + age);
        let beta = ln_beta(a, b + x);
        integrate_unit(|p, q| {
            let share = -(-(r + x) * (p * scaled).ln_1p()).exp_m1();
            ((a - 2.0) * p.ln() + (b + x - 1.0) * q.ln() - beta).exp() * share
        })
    }

    /// Expected purchases in the next `horizon` time units; FHL, eq. 10.
    #[must_use]
    pub fn expected_purchases(&self, frequency: u32, recency: f64, age: f64, horizon: f64) -> f64 {
        self.probability_alive(frequency, recency, age)
            * self.expected_if_alive(frequency, age, horizon)
    }

    /// Expected repeat purchases of a new customer within `time` of the first one; FHL, eq. 9.
    #[must_use]
    pub fn expected_new(&self, time: f64) -> f64 {
        self.expected_if_alive(0, 0.0, time)
    }

    /// Probabilities of 0, 1, … `upto - 1` repeat purchases within `time` of the first; FHL, eq. 8.
    #[must_use]
    pub fn repeat_distribution(&self, time: f64, upto: u32) -> Vec<f64> {
        let Self { r, alpha, a, b } = *self;
        let base = ln_beta(a, b);
        let stay = r * (alpha / (alpha + time)).ln();
        let share = (time / (alpha + time)).ln();
        let mut before = 0.0;
        (0..upto)
            .map(|n| {
                let x = f64::from(n);
                // Poisson purchases with Gamma rates: the negative binomial term for x purchases.
                let term = if n == 0 {
                    stay
                } else {
                    ln_gamma(r + x) - ln_gamma(r) - ln_gamma(x + 1.0) + stay + x * share
                };
                let active = (ln_beta(a, b + x) - base + term).exp();
                let gone = if n == 0 {
                    0.0
                } else {
                    (ln_beta(a + 1.0, b + x - 1.0) - base).exp() * (1.0_f64 - before).max(0.0)
                };
                before += term.exp();
                active + gone
            })
            .collect()
    }

    /// Probability of at least one purchase in the next `horizon` time units: that of being active,
    /// times that of a Poisson process with rate Gamma(`r + x`, `alpha + T`) having an event. An
    /// active customer cannot be lost before the next purchase.
    #[must_use]
    pub fn probability_of_order(
        &self,
        frequency: u32,
        recency: f64,
        age: f64,
        horizon: f64,
    ) -> f64 {
        let grown = (horizon.max(0.0) / (self.alpha + age)).ln_1p();
        let some = -(-(self.r + f64::from(frequency)) * grown).exp_m1();
        self.probability_alive(frequency, recency, age) * some
    }

    /// Time units until the next purchase will have happened with probability one half, counting
    /// that the customer may be lost: the solution of `probability_of_order = 0.5` for the horizon.
    /// `None` if the customer has more likely than not bought for the last time.
    #[must_use]
    pub fn median_time_to_order(&self, frequency: u32, recency: f64, age: f64) -> Option<f64> {
        let alive = self.probability_alive(frequency, recency, age);
        if alive <= 0.5 {
            return None;
        }
        let needed = -(-0.5 / alive).ln_1p() / (self.r + f64::from(frequency));
        Some((self.alpha + age) * needed.exp_m1()).filter(|time| time.is_finite())
    }
}

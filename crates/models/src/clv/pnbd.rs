//! Pareto/NBD: purchases of a Poisson process during a lifetime that ends at any moment.
//!
//! Schmittlein, Morrison and Colombo (1987), Counting Your Customers: Who Are They and What Will
//! They Do Next?, Management Science 33(1); formulas as in Fader and Hardie (2005), A Note on
//! Deriving the Pareto/NBD Model and Related Expressions, here FH. The rate of purchases is
//! Gamma(`r`, `alpha`), the rate of being lost Gamma(`s`, `beta`).

use serde::Serialize;

use super::counts::{Counts, Group, Pair};
use super::error::ClvError;
use super::fit::{self, Fit, check_parameters};
use super::parallel;
use super::special::{hyp2f1_one, ln_gamma, log_add_exp};

pub(crate) const NAME: &str = "Pareto/NBD";
const NAMES: [&str; 4] = ["r", "alpha", "s", "beta"];

/// Parameters of the model. `alpha` and `beta` are times in the unit of the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ParetoNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Inverse scale of the purchase rates, in time units.
    pub alpha: f64,
    /// Shape of the rates of being lost.
    pub s: f64,
    /// Inverse scale of the rates of being lost, in time units.
    pub beta: f64,
}

impl ParetoNbd {
    /// The model with these parameters.
    ///
    /// # Errors
    /// `BadParameter` unless all are finite and above 0.
    pub fn new(r: f64, alpha: f64, s: f64, beta: f64) -> Result<Self, ClvError> {
        check_parameters(NAME, &NAMES, &[r, alpha, s, beta])?;
        Ok(Self { r, alpha, s, beta })
    }

    fn from_logs(logs: &[f64; 4]) -> Self {
        let [r, alpha, s, beta] = logs.map(f64::exp);
        Self { r, alpha, s, beta }
    }

    /// Maximum likelihood.
    ///
    /// # Errors
    /// Every kind of too little history; `AtTheEdge` where a parameter runs off, `NotConverged`.
    pub fn fit(counts: &Counts) -> Result<Fit<Self, 4>, ClvError> {
        counts.enough()?;
        let (age, rate) = (counts.mean_age(), counts.mean_frequency() / counts.mean_age());
        let start =
            |r: f64, s: f64, beta: f64| [r.ln(), (r / rate).ln(), s.ln(), (beta * age).ln()];
        let starts = [start(0.5, 0.5, 0.3), start(2.0, 1.5, 2.0), start(0.2, 0.3, 0.1)];
        fit::to_counts(NAME, &NAMES, counts, &starts, Self::from_logs, Self::log_likelihood)
    }

    /// Logarithm of one of the two terms whose difference is FH's `A0`:
    /// `2F1(r+s+x, s+1; r+s+x+1; (alpha-beta)/(alpha+y)) / (alpha+y)^(r+s+x)`, or the same with
    /// `alpha` and `beta` exchanged and `r + x` for `s + 1`, when `beta` is larger.
    ///
    /// Euler's transformation makes it a `2F1(1, b; c; z)`, a quick continued fraction.
    fn ln_term(&self, x: f64, y: f64) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let c = r + s + x + 1.0;
        let (near, far) = ((alpha + y).ln(), (beta + y).ln());
        let value = if alpha >= beta {
            hyp2f1_one(r + x, c, (alpha - beta) / (alpha + y))
                .map(|value| value.ln() - (r + x) * near - s * far)
        } else {
            hyp2f1_one(s + 1.0, c, (beta - alpha) / (beta + y))
                .map(|value| value.ln() + (1.0 - r - x) * near - (s + 1.0) * far)
        };
        value.unwrap_or(f64::NAN)
    }

    /// Logarithm of the factor of `A0` in the weight of having been lost, `s / (r+s+x)`.
    fn ln_share(&self, x: f64) -> f64 {
        (self.s / (self.r + self.s + x)).ln()
    }

    /// Logarithm of the weight of being active at `age`.
    fn ln_active(&self, x: f64, age: f64) -> f64 {
        -(self.r + x) * (self.alpha + age).ln() - self.s * (self.beta + age).ln()
    }

    /// Log-likelihood of all customers; FH, the likelihood function of a random customer.
    #[must_use]
    pub fn log_likelihood(&self, counts: &Counts) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let constant = r * alpha.ln() + s * beta.ln() - ln_gamma(r);
        let common: Vec<f64> =
            counts.frequencies.iter().map(|x| constant + ln_gamma(r + f64::from(*x))).collect();
        let weights = Weights::new(self, counts);
        counts.weighted_sum(|group: &Group| {
            let (active, lost) = weights.of(group, counts);
            common[counts.ages[group.age as usize].x as usize] + log_add_exp(active, lost)
        })
    }

    /// Probability of being active, for each group of equal customers.
    pub(crate) fn alive_by_group(&self, counts: &Counts) -> Vec<f64> {
        let weights = Weights::new(self, counts);
        parallel::map(&counts.groups, |group: &Group| {
            let (active, lost) = weights.of(group, counts);
            1.0 / (1.0 + (lost - active).exp())
        })
    }

    /// Probability that a customer is still active, in 0..=1; FH, `P(alive)`.
    ///
    /// `frequency`: repeat purchases; `recency`, `age`: in time units, `recency <= age`.
    #[must_use]
    pub fn probability_alive(&self, frequency: u32, recency: f64, age: f64) -> f64 {
        let x = f64::from(frequency);
        let lost = self.ln_share(x) + ln_difference(self.ln_term(x, recency), self.ln_term(x, age));
        1.0 / (1.0 + (lost - self.ln_active(x, age)).exp())
    }

    /// Expected purchases in the next `horizon` time units of a customer who is still active; FH,
    /// the conditional expectation without `P(alive)`, and its limit where `s` is 1.
    #[must_use]
    pub fn expected_if_alive(&self, frequency: u32, age: f64, horizon: f64) -> f64 {
        if horizon <= 0.0 {
            return 0.0;
        }
        let Self { r, alpha, s, beta } = *self;
        let rate = (r + f64::from(frequency)) / (alpha + age);
        let grown = (horizon / (beta + age)).ln_1p();
        let lifetimes = if (s - 1.0).abs() < 1e-12 {
            grown
        } else {
            -(-(s - 1.0) * grown).exp_m1() / (s - 1.0)
        };
        rate * (beta + age) * lifetimes
    }

    /// Expected purchases in the next `horizon` time units; FH, the conditional expectation.
    #[must_use]
    pub fn expected_purchases(&self, frequency: u32, recency: f64, age: f64, horizon: f64) -> f64 {
        self.probability_alive(frequency, recency, age)
            * self.expected_if_alive(frequency, age, horizon)
    }

    /// Expected repeat purchases of a new customer within `time` of the first one; FH, the mean.
    #[must_use]
    pub fn expected_new(&self, time: f64) -> f64 {
        self.expected_if_alive(0, 0.0, time)
    }
}

/// What is dear in the likelihood, once for each pair of frequency and time.
struct Weights {
    /// By `(x, t_x)`: the first term of `A0`.
    at_recency: Vec<f64>,
    /// By `(x, T)`: the second term of `A0`, and the weight of being active.
    at_age: Vec<(f64, f64)>,
    /// By `x`: `s / (r+s+x)`. All of them logarithms.
    share: Vec<f64>,
}

impl Weights {
    fn new(model: &ParetoNbd, counts: &Counts) -> Self {
        let x_of = |pair: &Pair| f64::from(counts.frequencies[pair.x as usize]);
        Self {
            at_recency: parallel::map(&counts.recencies, |pair| {
                model.ln_term(x_of(pair), pair.time)
            }),
            at_age: parallel::map(&counts.ages, |pair| {
                let x = x_of(pair);
                (model.ln_term(x, pair.time), model.ln_active(x, pair.time))
            }),
            share: counts.frequencies.iter().map(|x| model.ln_share(f64::from(*x))).collect(),
        }
    }

    /// Logarithms of the weights of being active and of having been lost.
    fn of(&self, group: &Group, counts: &Counts) -> (f64, f64) {
        let (end, active) = self.at_age[group.age as usize];
        let share = self.share[counts.ages[group.age as usize].x as usize];
        (active, share + ln_difference(self.at_recency[group.recency as usize], end))
    }
}

/// `ln(exp(a) - exp(b))` for `a >= b`; rounding that puts `b` above `a` counts as equal.
fn ln_difference(a: f64, b: f64) -> f64 {
    a + (-(b - a).min(0.0).exp_m1()).ln()
}

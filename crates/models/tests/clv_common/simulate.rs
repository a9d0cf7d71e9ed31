//! Customers who behave exactly as a model says, from a seed.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in 0..1, without 0.
    pub fn unit(&mut self) -> f64 {
        1.0 - self.0.random::<f64>()
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    pub fn exponential(&mut self, rate: f64) -> f64 {
        -self.unit().ln() / rate
    }

    /// Gamma of `shape` and scale 1; Marsaglia and Tsang (2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.unit().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        x / (x + y)
    }

    /// Times of repeat purchases up to `end` of a BG/NBD customer.
    pub fn bgnbd(&mut self, [r, alpha, a, b]: [f64; 4], end: f64) -> Vec<f64> {
        let (rate, lost) = (self.gamma(r) / alpha, self.beta(a, b));
        let (mut now, mut times) = (0.0, Vec::new());
        loop {
            now += self.exponential(rate);
            if now > end {
                return times;
            }
            times.push(now);
            if self.unit() < lost {
                return times;
            }
        }
    }

    /// Times of repeat purchases up to `end` of a Pareto/NBD customer.
    pub fn pnbd(&mut self, [r, alpha, s, beta]: [f64; 4], end: f64) -> Vec<f64> {
        let (rate, loss) = (self.gamma(r) / alpha, self.gamma(s) / beta);
        let end = end.min(self.exponential(loss));
        let (mut now, mut times) = (0.0, Vec::new());
        loop {
            now += self.exponential(rate);
            if now > end {
                return times;
            }
            times.push(now);
        }
    }

    /// Mean of `purchases` amounts of a Gamma-Gamma customer.
    pub fn mean_spend(&mut self, [p, q, v]: [f64; 3], purchases: u32) -> f64 {
        let nu = self.gamma(q) / v;
        self.gamma(p * f64::from(purchases)) / nu / f64::from(purchases)
    }
}

/// Frequency, recency and age of `customers` BG/NBD or Pareto/NBD customers, observed 20 to 60.
pub fn columns(
    seed: u64,
    customers: u32,
    times: impl Fn(&mut Dice, f64) -> Vec<f64>,
) -> (Vec<u32>, Vec<f64>, Vec<f64>) {
    let mut dice = Dice::new(seed);
    let (mut x, mut last, mut age) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..customers {
        let end = 20.0 + 40.0 * dice.unit();
        let bought = times(&mut dice, end);
        x.push(bought.len() as u32);
        last.push(bought.last().copied().unwrap_or(0.0));
        age.push(end);
    }
    (x, last, age)
}

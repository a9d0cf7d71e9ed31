//! How far the models can be believed: held back purchases, counts, and the assumption on spend.

use serde::Serialize;

use super::bgnbd::BgNbd;
use super::counts::Counts;
use super::error::ClvError;
use super::score::OrderModel;
use super::summary::{Summary, Unit};

/// Repeat purchases from which customers are taken together, as in the papers.
pub const POOLED_FROM: u32 = 7;
/// Correlation of frequency and spend above which the Gamma-Gamma model's independence is doubted. A
/// rule of this house; the CDNOW sample, which the paper accepts, has 0.11.
pub const CORRELATION_DOUBTED: f64 = 0.3;
/// Most periods in a tracking of cumulative purchases.
const MAX_PERIODS: u32 = 1_200;

/// Customers with the same number of repeat purchases in the calibration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HoldoutBin {
    /// Repeat purchases in the calibration, `0` to `6` and `7+`.
    pub repeat_purchases: String,
    /// Customers.
    pub customers: u64,
    /// Mean purchases after the calibration.
    pub actual_mean: f64,
    /// Mean of the expected purchases after the calibration.
    pub expected_mean: f64,
}

/// Expected against actual purchases after the calibration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holdout {
    /// By repeat purchases in the calibration; only those that occur.
    pub bins: Vec<HoldoutBin>,
    /// Purchases of all customers after the calibration.
    pub actual_total: u64,
    /// Expected purchases of all customers after the calibration.
    pub expected_total: f64,
    /// Mean absolute error of a customer, in purchases.
    pub mean_absolute_error: f64,
}

/// Customers by number of repeat purchases in the calibration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistogramBin {
    /// Repeat purchases, `0` to `6` and `7+`.
    pub repeat_purchases: String,
    /// Customers who have so many.
    pub actual: u64,
    /// Customers of whom the model expects so many.
    pub expected: f64,
}

/// Repeat purchases of all customers together up to a period's end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TrackingPoint {
    /// Time units from the first purchase of all.
    pub period: u32,
    /// Repeat purchases so far.
    pub actual: u64,
    /// Repeat purchases that the model expects.
    pub expected: f64,
}

fn bin_of(frequency: u32) -> usize {
    frequency.min(POOLED_FROM) as usize
}

fn bin_name(bin: usize) -> String {
    if bin == POOLED_FROM as usize { format!("{POOLED_FROM}+") } else { bin.to_string() }
}

/// Compares expected with actual purchases after the calibration.
///
/// `counts` are the groups of `summary` in `unit`.
///
/// # Errors
/// `Lengths` if the two do not belong together; `NotFinite`.
pub fn holdout(
    summary: &Summary,
    counts: &Counts,
    unit: Unit,
    model: &OrderModel,
) -> Result<Holdout, ClvError> {
    let (found, expected) = (counts.group_of.len(), summary.len());
    if found != expected {
        return Err(ClvError::Lengths { column: "counts", found, expected });
    }
    let alive = model.alive_by_group(counts);
    let horizon = f64::from(summary.holdout_days()) / unit.days();
    let orders = model.orders_by_group(counts, &alive, horizon);
    let mut bins = [(0_u64, 0_u64, 0.0_f64); POOLED_FROM as usize + 1];
    let mut error = 0.0;
    let customers = summary.frequency.iter().zip(&summary.holdout_purchases);
    for ((frequency, actual), group) in customers.zip(&counts.group_of) {
        let expected = orders[*group as usize];
        let bin = &mut bins[bin_of(*frequency)];
        bin.0 += 1;
        bin.1 += u64::from(*actual);
        bin.2 += expected;
        error += (f64::from(*actual) - expected).abs();
    }
    if !error.is_finite() {
        return Err(ClvError::NotFinite { model: model.name(), what: "an expectation" });
    }
    Ok(Holdout {
        actual_total: bins.iter().map(|bin| bin.1).sum(),
        expected_total: bins.iter().map(|bin| bin.2).sum(),
        mean_absolute_error: error / summary.len().max(1) as f64,
        bins: bins
            .iter()
            .enumerate()
            .filter(|(_, bin)| bin.0 > 0)
            .map(|(index, (customers, actual, expected))| HoldoutBin {
                repeat_purchases: bin_name(index),
                customers: *customers,
                actual_mean: *actual as f64 / *customers as f64,
                expected_mean: expected / *customers as f64,
            })
            .collect(),
    })
}

/// Customers by number of repeat purchases in the calibration, and what BG/NBD expects of customers
/// observed as long (Fader, Hardie and Lee 2005, figure 2).
#[must_use]
pub fn frequency_histogram(counts: &Counts, model: &BgNbd) -> Vec<HistogramBin> {
    const BINS: usize = POOLED_FROM as usize + 1;
    let mut actual = [0_u64; BINS];
    let mut by_age: Vec<(f64, u64)> = Vec::new();
    for group in &counts.groups {
        actual[bin_of(counts.frequency(group))] += u64::from(group.weight);
        by_age.push((counts.times(group).1, u64::from(group.weight)));
    }
    by_age.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    by_age.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let mut expected = [0.0; BINS];
    for (age, customers) in by_age {
        let mut rest = 1.0;
        for (bin, share) in model.repeat_distribution(age, POOLED_FROM).into_iter().enumerate() {
            expected[bin] += share * customers as f64;
            rest -= share;
        }
        expected[BINS - 1] += rest.max(0.0) * customers as f64;
    }
    (0..BINS)
        .map(|bin| HistogramBin {
            repeat_purchases: bin_name(bin),
            actual: actual[bin],
            expected: expected[bin],
        })
        .collect()
}

/// Cumulative repeat purchases by period over calibration and holdout (Fader, Hardie and Lee 2005,
/// figure 3), of the customers in `summary`.
///
/// `customer`, `day`: the transactions as given to [`super::summary::summarise`]. At most 1,200
/// periods, from the first purchase of all.
#[must_use]
pub fn tracking(
    summary: &Summary,
    unit: Unit,
    model: &OrderModel,
    customer: &[u32],
    day: &[i64],
) -> Vec<TrackingPoint> {
    let end = summary.window.observation_end;
    let first_of =
        |index: usize| summary.window.calibration_end - i64::from(summary.age_days[index]);
    let Some(start) = (0..summary.len()).map(first_of).min() else { return Vec::new() };
    let periods = (((end - start) as f64 / unit.days()).ceil() as u32).min(MAX_PERIODS);
    let mut starts: Vec<i64> = (0..summary.len()).map(first_of).collect();
    starts.sort_unstable();
    let mut by_start: Vec<(i64, u64)> = Vec::new();
    for day in starts {
        match by_start.last_mut() {
            Some(last) if last.0 == day => last.1 += 1,
            _ => by_start.push((day, 1)),
        }
    }
    let mut bought: Vec<(u32, i64)> = customer
        .iter()
        .zip(day)
        .filter(|(_, day)| **day <= end)
        .map(|(customer, day)| (*customer, *day))
        .collect();
    bought.sort_unstable();
    bought.dedup();
    let repeat: Vec<i64> = bought
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .filter(|pair| summary.customer.binary_search(&pair[1].0).is_ok())
        .map(|pair| pair[1].1)
        .collect();
    let mut repeat = repeat;
    repeat.sort_unstable();
    (1..=periods)
        .map(|period| {
            let until = start as f64 + f64::from(period) * unit.days();
            let expected = by_start
                .iter()
                .map(|(first, customers)| {
                    let time = (until.min(end as f64) - *first as f64) / unit.days();
                    model.expected_new(time.max(0.0)) * *customers as f64
                })
                .sum();
            let actual = repeat.partition_point(|day| *day as f64 <= until) as u64;
            TrackingPoint { period, actual, expected }
        })
        .collect()
}

/// Pearson's correlation of frequency and mean spend over the customers that the Gamma-Gamma model
/// is fitted to. `None` for fewer than three of them or if one of the two does not vary.
#[must_use]
pub fn spend_correlation(frequency: &[u32], monetary: &[f64]) -> Option<f64> {
    let rows = || {
        let customers = frequency.iter().zip(monetary);
        customers
            .filter(|(x, mean)| **x > 0 && **mean > 0.0)
            .map(|(x, mean)| (f64::from(*x), *mean))
    };
    let count = rows().count() as f64;
    if count < 3.0 {
        return None;
    }
    let sums = rows().fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let (mean_x, mean_y) = (sums.0 / count, sums.1 / count);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in rows() {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    let correlation = xy / (xx * yy).sqrt();
    correlation.is_finite().then(|| correlation.clamp(-1.0, 1.0))
}

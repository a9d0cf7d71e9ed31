//! Days between one purchase and the next.

use serde::Serialize;

use super::error::ClvError;
use super::summary::Transactions;

/// Purchases that are told apart by number; later ones are pooled.
const NUMBERED: usize = 10;
/// Most bins of the histogram; the last takes all longer intervals.
pub const MAX_BINS: u32 = 366;

/// Intervals between days of purchase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repurchase {
    /// All intervals.
    pub all: Intervals,
    /// From the first purchase to the second, from the second to the third, … to the tenth, and all
    /// later ones together; only steps that somebody took.
    pub by_number: Vec<Step>,
    /// Days of one bin of the histogram.
    pub bin_days: u32,
    /// Intervals of 1 to `bin_days` days, of `bin_days + 1` to `2 bin_days`, …; the last bin takes
    /// all longer ones.
    pub histogram: Vec<u64>,
}

/// Quantiles of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Intervals {
    /// Intervals.
    pub count: u64,
    /// Mean, in days.
    pub mean_days: f64,
    /// Quantiles at 10, 25, 50, 75 and 90 %, in days, of Hyndman and Fan's type 7.
    pub quantiles_days: [f64; 5],
}

/// The step from one purchase to the next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// `1-2`, `2-3`, … `10+`.
    pub step: String,
    /// Customers who made the earlier purchase; for `10+`, such purchases.
    pub reached: u64,
    /// Share of these that were followed by another purchase so far, 0..=1.
    pub share_followed: f64,
    /// How long that took.
    pub intervals: Intervals,
    /// These intervals in the bins of [`Repurchase::histogram`].
    pub histogram: Vec<u64>,
}

pub(super) fn intervals(days: &mut [u32]) -> Option<Intervals> {
    if days.is_empty() {
        return None;
    }
    days.sort_unstable();
    let sum: u64 = days.iter().map(|days| u64::from(*days)).sum();
    let quantile = |share: f64| {
        let at = share * (days.len() - 1) as f64;
        let (low, rest) = (at.floor() as usize, at.fract());
        let (a, b) = (f64::from(days[low]), f64::from(days[(low + 1).min(days.len() - 1)]));
        a + rest * (b - a)
    };
    Some(Intervals {
        count: days.len() as u64,
        mean_days: sum as f64 / days.len() as f64,
        quantiles_days: [0.1, 0.25, 0.5, 0.75, 0.9].map(quantile),
    })
}

/// Intervals between successive days of purchase of each customer.
///
/// Only intervals that ended are seen, so where many customers are young the figures are too short;
/// `share_followed` shows how many are open. Amounts are not looked at. `None` if nobody bought on two
/// days. `bin_days`: days of one bin, from 1; `bins`: 1 to [`MAX_BINS`].
///
/// # Errors
/// `Lengths`, `BadDay`, `BadAmount`, `TooLarge`; `BadOption` for bins out of range.
pub fn repurchase(
    transactions: Transactions<'_>,
    bin_days: u32,
    bins: u32,
) -> Result<Option<Repurchase>, ClvError> {
    transactions.check()?;
    for (name, value, good) in [
        ("the number of days of a bin", bin_days, bin_days > 0),
        ("the number of bins", bins, (1..=MAX_BINS).contains(&bins)),
    ] {
        if !good {
            return Err(ClvError::BadOption { name, value: f64::from(value) });
        }
    }
    let mut bought: Vec<(u32, i64)> =
        transactions.customer.iter().copied().zip(transactions.day.iter().copied()).collect();
    bought.sort_unstable();
    bought.dedup();
    let mut reached = [0_u64; NUMBERED];
    let mut by_number: [Vec<u32>; NUMBERED] = std::array::from_fn(|_| Vec::new());
    let mut all = Vec::new();
    let mut number = 0;
    let mut before: Option<(u32, i64)> = None;
    for (customer, day) in bought {
        if let Some((_, last)) = before.filter(|before| before.0 == customer) {
            // Days are within three centuries, so the difference fits.
            let days = (day - last) as u32;
            all.push(days);
            by_number[number].push(days);
            number = (number + 1).min(NUMBERED - 1);
        } else {
            number = 0;
        }
        reached[number] += 1;
        before = Some((customer, day));
    }
    let binned = |days: &[u32]| {
        let mut histogram = vec![0_u64; bins as usize];
        for days in days {
            histogram[((days - 1) / bin_days).min(bins - 1) as usize] += 1;
        }
        histogram
    };
    let histogram = binned(&all);
    let Some(all) = intervals(&mut all) else { return Ok(None) };
    let by_number = by_number
        .iter_mut()
        .zip(reached)
        .enumerate()
        .filter_map(|(index, (days, reached))| {
            let from = index + 1;
            let pooled = from == NUMBERED;
            let step = if pooled { format!("{from}+") } else { format!("{from}-{}", from + 1) };
            let share_followed = days.len() as f64 / reached.max(1) as f64;
            let histogram = binned(days);
            Some(Step { step, reached, share_followed, intervals: intervals(days)?, histogram })
        })
        .collect();
    Ok(Some(Repurchase { all, by_number, bin_days, histogram }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_apart() {
        // Customer 0 buys on days 0, 10, 10, 40; customer 1 on 5 and 25; customer 2 once.
        let customer = [0, 1, 0, 2, 0, 1, 0];
        let day = [40, 25, 10, 7, 0, 5, 10];
        let amount = [1.0; 7];
        let transactions = Transactions { customer: &customer, day: &day, amount: &amount };
        let found = repurchase(transactions, 7, 4).unwrap().unwrap();
        assert_eq!(found.all.count, 3);
        assert_eq!(found.all.mean_days, 20.0);
        assert_eq!(found.all.quantiles_days, [12.0, 15.0, 20.0, 25.0, 28.0]);
        assert_eq!(found.histogram, [0, 1, 1, 1]);
        let steps: Vec<(&str, u64, f64)> = found
            .by_number
            .iter()
            .map(|step| (step.step.as_str(), step.reached, step.share_followed))
            .collect();
        assert_eq!(steps, [("1-2", 3, 2.0 / 3.0), ("2-3", 2, 0.5)]);
        assert_eq!(found.by_number[0].histogram, [0, 1, 1, 0]);
        assert_eq!(found.by_number[1].histogram, [0, 0, 0, 1]);
    }

    #[test]
    fn the_eleventh_purchase_is_pooled() {
        let day: Vec<i64> = (0..13).map(|i| i * 3).collect();
        let transactions = Transactions { customer: &[0; 13], day: &day, amount: &[0.0; 13] };
        let found = repurchase(transactions, 1, 10).unwrap().unwrap();
        let last = found.by_number.last().unwrap();
        assert_eq!((last.step.as_str(), last.reached, last.intervals.count), ("10+", 4, 3));
    }

    #[test]
    fn nobody_came_back() {
        let once = Transactions { customer: &[0, 1], day: &[1, 2], amount: &[1.0, 1.0] };
        assert_eq!(repurchase(once, 7, 10), Ok(None));
        assert!(matches!(repurchase(once, 0, 10), Err(ClvError::BadOption { .. })));
        assert!(matches!(repurchase(once, 7, 9_999), Err(ClvError::BadOption { .. })));
    }
}

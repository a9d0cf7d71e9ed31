//! From transactions to what the models know of a customer.

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::counts::Counts;
use super::error::ClvError;

/// Largest ordinal of a customer, so that a stray number cannot ask for all memory.
pub const MAX_CUSTOMERS: u32 = 50_000_000;
/// 1900-01-01 and 2200-01-01 as days since 1970-01-01.
pub(crate) const DAYS_BELIEVED: std::ops::RangeInclusive<i64> = -25_567..=84_006;

/// The unit in which the models count time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A day.
    Day,
    /// Seven days, as in the papers.
    Week,
    /// A twelfth of 365.25 days: 30.4375 days.
    Month,
}

impl Unit {
    /// Length in days.
    #[must_use]
    pub const fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
            Self::Month => 30.4375,
        }
    }

    /// The name in arguments and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl std::str::FromStr for Unit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            other => Err(format!("`{other}` is not a unit; use day, week or month")),
        }
    }
}

/// The date of a day number, days since 1970-01-01, in ISO form.
#[must_use]
pub fn iso_day(day: i64) -> String {
    date_of(day).map_or_else(|| format!("day {day}"), |date| date.to_string())
}

/// The date of a day number, days since 1970-01-01.
#[must_use]
pub fn date_of(day: i64) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    let distance = Days::new(day.unsigned_abs());
    if day < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }
}

/// Days since 1970-01-01.
#[must_use]
pub fn day_of(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// Transactions as columns of one length, in any order.
#[derive(Debug, Clone, Copy)]
pub struct Transactions<'a> {
    /// Ordinal of the customer, dense from 0 (customers without transactions cost 8 bytes).
    pub customer: &'a [u32],
    /// Days since 1970-01-01.
    pub day: &'a [i64],
    /// Value, finite and from 0, in any one currency and unit.
    pub amount: &'a [f64],
}

/// Which days the models learn from, and which they are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Last day the models see.
    pub calibration_end: i64,
    /// Last day observed; the days after the calibration are held back.
    pub observation_end: i64,
}

/// What is known of the customers who bought up to the end of the calibration, as columns of one
/// length, sorted by customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Which days were looked at.
    pub window: Window,
    /// Ordinal of the customer.
    pub customer: Vec<u32>,
    /// Days with a purchase up to the end of the calibration, less the first: `x`.
    pub frequency: Vec<u32>,
    /// Days from the first to the last purchase in the calibration: `t_x`.
    pub recency_days: Vec<u32>,
    /// Days from the first purchase to the end of the calibration: `T`.
    pub age_days: Vec<u32>,
    /// Mean spend of the repeat purchase days in the calibration; 0 without one.
    pub monetary: Vec<f64>,
    /// Days with a purchase after the calibration.
    pub holdout_purchases: Vec<u32>,
    /// Spend after the calibration.
    pub holdout_spend: Vec<f64>,
    /// Customers whose first purchase is after the calibration; not in the columns.
    pub later_customers: u64,
    /// Transactions after the observation; not counted anywhere.
    pub ignored_transactions: u64,
}

impl Transactions<'_> {
    /// Refuses what no analysis can use; gives the number of customers.
    pub(super) fn check(&self) -> Result<u32, ClvError> {
        let expected = self.customer.len();
        for (column, found) in [("day", self.day.len()), ("amount", self.amount.len())] {
            if found != expected {
                return Err(ClvError::Lengths { column, found, expected });
            }
        }
        if u32::try_from(expected).is_err() {
            let (found, limit) = (expected as u64, u64::from(u32::MAX));
            return Err(ClvError::TooLarge { what: "number of transactions", found, limit });
        }
        let rows = self.day.iter().zip(self.amount).enumerate();
        for (index, (day, amount)) in rows {
            if !DAYS_BELIEVED.contains(day) {
                return Err(ClvError::BadDay { index, day: *day });
            }
            if !(amount.is_finite() && *amount >= 0.0) {
                return Err(ClvError::BadAmount { index, amount: *amount });
            }
        }
        let customers = self.customer.iter().max().map_or(0, |last| last.saturating_add(1));
        if customers > MAX_CUSTOMERS {
            return Err(ClvError::TooLarge {
                what: "ordinal of a customer",
                found: u64::from(customers) - 1,
                limit: u64::from(MAX_CUSTOMERS) - 1,
            });
        }
        Ok(customers)
    }
}

/// Sums up every customer: purchases of one day count once, and the first day of purchase is not a
/// repeat purchase (Fader, Hardie and Lee 2005). The order of the transactions does not matter, not
/// even for the last bit of a sum.
///
/// # Errors
/// `EndsDisagree`; `Lengths`, `BadDay`, `BadAmount`, `TooLarge`; `NoCustomers` if nobody bought up to
/// the end of the calibration.
pub fn summarise(transactions: Transactions<'_>, window: Window) -> Result<Summary, ClvError> {
    if window.observation_end < window.calibration_end {
        return Err(ClvError::EndsDisagree {
            calibration_end: iso_day(window.calibration_end),
            observation_end: iso_day(window.observation_end),
        });
    }
    for day in [window.calibration_end, window.observation_end] {
        if !DAYS_BELIEVED.contains(&day) {
            return Err(ClvError::BadDay { index: 0, day });
        }
    }
    let customers = transactions.check()? as usize;
    let (order, starts) = by_customer(transactions.customer, customers);
    let mut summary = Summary::empty(window);
    let mut rows: Vec<(i64, f64)> = Vec::new();
    for customer in 0..customers {
        let own = starts[customer] as usize..starts[customer + 1] as usize;
        rows.clear();
        rows.extend(order[own].iter().filter_map(|at| {
            let at = *at as usize;
            let seen = transactions.day[at] <= window.observation_end;
            seen.then(|| (transactions.day[at], transactions.amount[at]))
        }));
        let seen = rows.len() as u64;
        summary.ignored_transactions += u64::from(starts[customer + 1] - starts[customer]) - seen;
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        summary.push(customer as u32, &rows);
    }
    if summary.customer.is_empty() {
        let calibration_end = iso_day(window.calibration_end);
        return Err(ClvError::NoCustomers { calibration_end });
    }
    Ok(summary)
}

/// Positions of transactions sorted by customer, and where each customer's begin.
fn by_customer(customer: &[u32], customers: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; customers + 1];
    for ordinal in customer {
        starts[*ordinal as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; customer.len()];
    for (at, ordinal) in customer.iter().enumerate() {
        let slot = &mut next[*ordinal as usize];
        order[*slot as usize] = at as u32;
        *slot += 1;
    }
    (order, starts)
}

impl Summary {
    fn empty(window: Window) -> Self {
        Self {
            window,
            customer: Vec::new(),
            frequency: Vec::new(),
            recency_days: Vec::new(),
            age_days: Vec::new(),
            monetary: Vec::new(),
            holdout_purchases: Vec::new(),
            holdout_spend: Vec::new(),
            later_customers: 0,
            ignored_transactions: 0,
        }
    }

    /// Adds the customer with `rows`, days and amounts in order of days.
    fn push(&mut self, customer: u32, rows: &[(i64, f64)]) {
        let Some((first, _)) = rows.first().copied() else { return };
        let end = self.window.calibration_end;
        if first > end {
            self.later_customers += 1;
            return;
        }
        let (mut last, mut days, mut spend) = (first, 0_u32, 0.0);
        let (mut held_last, mut held_days, mut held_spend) = (end, 0_u32, 0.0);
        for (day, amount) in rows {
            if *day > end {
                held_days += u32::from(*day != held_last);
                held_last = *day;
                held_spend += amount;
            } else if *day > first {
                days += u32::from(*day != last);
                last = *day;
                spend += amount;
            }
        }
        self.customer.push(customer);
        self.frequency.push(days);
        // Days are within three centuries, so differences fit.
        self.recency_days.push((last - first) as u32);
        self.age_days.push((end - first) as u32);
        self.monetary.push(if days == 0 { 0.0 } else { spend / f64::from(days) });
        self.holdout_purchases.push(held_days);
        self.holdout_spend.push(held_spend);
    }

    /// Customers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.customer.len()
    }

    /// Whether there are no customers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.customer.is_empty()
    }

    /// Days held back.
    #[must_use]
    pub fn holdout_days(&self) -> u32 {
        (self.window.observation_end - self.window.calibration_end) as u32
    }

    /// Groups of equal customers, times in `unit`.
    ///
    /// # Errors
    /// As [`Counts::new`], for columns that were changed after [`summarise`].
    pub fn counts(&self, unit: Unit) -> Result<Counts, ClvError> {
        let times = |days: &[u32]| -> Vec<f64> {
            days.iter().map(|days| f64::from(*days) / unit.days()).collect()
        };
        Counts::new(&self.frequency, &times(&self.recency_days), &times(&self.age_days))
    }
}

//! Customers by the period of their first purchase: who comes back, and what they bring.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::error::ClvError;
use super::summary::{Transactions, date_of, day_of};

/// Most cohorts of one answer.
pub const MAX_COHORTS: u32 = 240;

/// The calendar's periods in which customers are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From Monday to Sunday, as in ISO 8601.
    Week,
    /// A month of the calendar.
    Month,
    /// Three months, the first from January.
    Quarter,
}

impl Period {
    /// The name in arguments and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
        }
    }

    /// Number of the period in which `day` (days since 1970-01-01) lies; the next period has the next number.
    #[must_use]
    pub fn number(self, day: i64) -> i64 {
        let months = || {
            date_of(day).map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month0()))
        };
        match self {
            // 1970-01-01 was a Thursday.
            Self::Week => (day + 3).div_euclid(7),
            Self::Month => months(),
            Self::Quarter => months().div_euclid(3),
        }
    }

    /// First day of the period of a number, in days since 1970-01-01.
    #[must_use]
    pub fn first_day(self, number: i64) -> i64 {
        let month = match self {
            Self::Week => return number * 7 - 3,
            Self::Month => number,
            Self::Quarter => number * 3,
        };
        let (year, month0) = (month.div_euclid(12), month.rem_euclid(12));
        i32::try_from(year)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, month0 as u32 + 1, 1))
            .map_or(0, day_of)
    }

    /// Name of the period of a number: `2025-W03`, `2025-01` or `2025-Q1`.
    #[must_use]
    pub fn label(self, number: i64) -> String {
        let Some(first) = date_of(self.first_day(number)) else { return number.to_string() };
        match self {
            Self::Week => {
                let week = first.iso_week();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => format!("{:04}-{:02}", first.year(), first.month()),
            Self::Quarter => format!("{:04}-Q{}", first.year(), first.quarter()),
        }
    }
}

impl FromStr for Period {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Week, Self::Month, Self::Quarter]
            .into_iter()
            .find(|period| period.name() == text)
            .ok_or_else(|| format!("`{text}` is not a period; use week, month or quarter"))
    }
}

/// Which customers are followed, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CohortOptions {
    /// Length of a period.
    pub period: Period,
    /// The last day looked at, in days since 1970-01-01; later purchases are passed over.
    pub last_day: i64,
    /// The latest cohorts that are told, 1 to [`MAX_COHORTS`], that of `last_day` included.
    pub most: u32,
}

/// Customers who first bought in one period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cohort {
    /// The period, such as `1997-01`.
    pub label: String,
    /// Its first day, in days since 1970-01-01.
    pub first_day: i64,
    /// Customers.
    pub customers: u64,
    /// Customers who bought 0, 1, 2 … periods later; the first is all of them. Ends with the period of the
    /// last day.
    pub active: Vec<u64>,
    /// What they spent in these periods.
    pub revenue: Vec<f64>,
}

impl Cohort {
    /// Share of the customers who bought in each period since the first, 0..=1.
    #[must_use]
    pub fn retention(&self) -> Vec<f64> {
        let all = self.customers.max(1) as f64;
        self.active.iter().map(|active| *active as f64 / all).collect()
    }
}

/// Customers of all cohorts together, so many periods after their first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Periods since the first.
    pub since: u32,
    /// Customers of the cohorts whose period this is over.
    pub customers: u64,
    /// Those of them who bought in it.
    pub active: u64,
    /// `active` of `customers`, 0..=1.
    pub share: f64,
}

/// Cohorts by period, without periods in which nobody came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cohorts {
    /// The cohorts, the earliest first.
    pub cohorts: Vec<Cohort>,
    /// Whether the period of the last day goes on: the last entries of all cohorts will rise.
    pub is_last_open: bool,
}

impl Cohorts {
    /// Retention of all cohorts together by periods since the first, each weighted by its customers. Periods
    /// that are not over are left out.
    #[must_use]
    pub fn curve(&self) -> Vec<CurvePoint> {
        let over = |cohort: &Cohort| cohort.active.len() - usize::from(self.is_last_open);
        let longest = self.cohorts.iter().map(over).max().unwrap_or(0);
        (0..longest)
            .map(|since| {
                let told = || self.cohorts.iter().filter(|cohort| over(cohort) > since);
                let customers = told().map(|cohort| cohort.customers).sum();
                let active = told().map(|cohort| cohort.active[since]).sum::<u64>();
                let share = active as f64 / u64::max(customers, 1) as f64;
                CurvePoint { since: since as u32, customers, active, share }
            })
            .collect()
    }
}

/// Cohorts of the customers who first bought in one of the latest periods.
///
/// # Errors
/// `Lengths`, `BadDay`, `BadAmount`, `TooLarge`; `BadOption` for a number of cohorts out of range.
pub fn cohorts(
    transactions: Transactions<'_>,
    options: &CohortOptions,
) -> Result<Cohorts, ClvError> {
    let customers = transactions.check()? as usize;
    let CohortOptions { period, last_day, most } = *options;
    if !(1..=MAX_COHORTS).contains(&most) {
        return Err(ClvError::BadOption { name: "the number of cohorts", value: f64::from(most) });
    }
    let end = period.number(last_day);
    let start = end + 1 - i64::from(most);
    let is_last_open = period.first_day(end + 1) > last_day + 1;
    let rows = || {
        let columns = transactions.customer.iter().zip(transactions.day).zip(transactions.amount);
        columns
            .map(|((customer, day), amount)| (*customer, *day, *amount))
            .filter(|(_, day, _)| *day <= last_day)
    };
    let mut first_days = vec![i64::MAX; customers];
    for (customer, day, _) in rows() {
        let first = &mut first_days[customer as usize];
        *first = (*first).min(day);
    }
    // A table by day, since calendars are slow: from the first day of the earliest cohort told.
    let from = period.first_day(start);
    let period_at: Vec<u16> =
        (from..=last_day).map(|day| (period.number(day) - start) as u16).collect();
    let index = |day: i64| usize::try_from(day - from).ok().map(|at| period_at[at]);
    // Sorted, so that each customer counts once a period and sums do not depend on the order of rows.
    let mut bought: Vec<(u16, u16, u32, f64)> = rows()
        .filter_map(|(customer, day, amount)| {
            let joined = index(first_days[customer as usize])?;
            Some((joined, index(day)? - joined, customer, amount))
        })
        .collect();
    bought.sort_unstable_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then(a.3.total_cmp(&b.3)));
    let cohorts = bought.chunk_by(|a, b| a.0 == b.0).filter_map(|of_cohort| {
        let joined = of_cohort.first()?.0;
        let number = start + i64::from(joined);
        let periods = (end - number + 1) as usize;
        let (mut active, mut revenue) = (vec![0_u64; periods], vec![0.0_f64; periods]);
        let mut before = None;
        for (_, since, customer, amount) in of_cohort {
            let since_at = usize::from(*since);
            active[since_at] += u64::from(before != Some((*since, *customer)));
            revenue[since_at] += amount;
            before = Some((*since, *customer));
        }
        Some(Cohort {
            label: period.label(number),
            first_day: period.first_day(number),
            customers: active[0],
            active,
            revenue,
        })
    });
    Ok(Cohorts { cohorts: cohorts.collect(), is_last_open })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        day_of(text.parse().unwrap())
    }

    fn by(period: Period, last_day: &str, most: u32) -> CohortOptions {
        CohortOptions { period, last_day: day(last_day), most }
    }

    const CUSTOMER: [u32; 7] = [0, 0, 0, 1, 1, 2, 2];
    const AMOUNT: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

    fn days() -> [i64; 7] {
        [
            "2024-12-31",
            "2025-02-01",
            "2025-02-28",
            "2024-12-01",
            "2024-12-02",
            "2025-02-03",
            "2025-02-03",
        ]
        .map(day)
    }

    #[test]
    fn customers_are_followed_from_their_first_month() {
        let days = days();
        let mut order: Vec<usize> = (0..7).collect();
        for _ in 0..7 {
            order.rotate_left(1);
            let (c, d, a): (Vec<u32>, Vec<i64>, Vec<f64>) = (
                order.iter().map(|i| CUSTOMER[*i]).collect(),
                order.iter().map(|i| days[*i]).collect(),
                order.iter().map(|i| AMOUNT[*i]).collect(),
            );
            let all = Transactions { customer: &c, day: &d, amount: &a };
            let found = cohorts(all, &by(Period::Month, "2025-02-28", 12)).unwrap();
            let (december, february) = (
                Cohort {
                    label: "2024-12".to_owned(),
                    first_day: day("2024-12-01"),
                    customers: 2,
                    active: vec![2, 0, 1],
                    revenue: vec![25.0, 0.0, 6.0],
                },
                Cohort {
                    label: "2025-02".to_owned(),
                    first_day: day("2025-02-01"),
                    customers: 1,
                    active: vec![1],
                    revenue: vec![96.0],
                },
            );
            assert_eq!(found.cohorts, [december, february.clone()]);
            assert!(!found.is_last_open);
            assert_eq!(found.cohorts[0].retention(), [1.0, 0.0, 0.5]);
            // Those who came before the latest two months are nobody's newcomers.
            let late = cohorts(all, &by(Period::Month, "2025-02-28", 2)).unwrap();
            assert_eq!(late.cohorts, [february]);
        }
    }

    #[test]
    fn a_period_that_goes_on_says_nothing_yet() {
        let days = days();
        let all = Transactions { customer: &CUSTOMER, day: &days, amount: &AMOUNT };
        let found = cohorts(all, &by(Period::Month, "2025-02-20", 12)).unwrap();
        // The purchase of the 28th is not there yet.
        assert_eq!(
            (found.is_last_open, found.cohorts[0].active.as_slice()),
            (true, &[2, 0, 1][..])
        );
        assert_eq!(found.cohorts[0].revenue[2], 2.0);
        let point =
            |since, customers, active, share| CurvePoint { since, customers, active, share };
        assert_eq!(found.curve(), [point(0, 2, 2, 1.0), point(1, 2, 0, 0.0)]);
        let over = cohorts(all, &by(Period::Month, "2025-02-28", 12)).unwrap();
        assert_eq!(over.curve(), [point(0, 3, 3, 1.0), point(1, 2, 0, 0.0), point(2, 2, 1, 0.5)]);
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        for (period, text, label, first) in [
            (Period::Week, "2024-12-30", "2025-W01", "2024-12-30"),
            (Period::Week, "2025-01-05", "2025-W01", "2024-12-30"),
            (Period::Week, "1969-12-31", "1970-W01", "1969-12-29"),
            (Period::Month, "1969-12-31", "1969-12", "1969-12-01"),
            (Period::Quarter, "2025-03-31", "2025-Q1", "2025-01-01"),
            (Period::Quarter, "2024-12-31", "2024-Q4", "2024-10-01"),
        ] {
            let number = period.number(day(text));
            assert_eq!(
                (period.label(number).as_str(), period.first_day(number)),
                (label, day(first))
            );
            assert_eq!(period.number(period.first_day(number + 1) - 1), number, "{text}");
            assert_eq!(period.name().parse(), Ok(period));
        }
        assert!("year".parse::<Period>().is_err());
    }

    #[test]
    fn nothing_and_too_much() {
        let none = Transactions { customer: &[], day: &[], amount: &[] };
        let options = by(Period::Quarter, "2025-01-01", 12);
        assert_eq!(cohorts(none, &options).unwrap().cohorts, []);
        assert_eq!(cohorts(none, &options).unwrap().curve(), []);
        for most in [0, MAX_COHORTS + 1] {
            let wrong = cohorts(none, &CohortOptions { most, ..options });
            assert!(matches!(wrong, Err(ClvError::BadOption { .. })));
        }
    }
}

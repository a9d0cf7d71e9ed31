//! Customers by the month of their first purchase: who stays, and what they bring.

use chrono::Datelike;
use serde::Serialize;

use super::error::ClvError;
use super::summary::{Transactions, date_of};

/// Most months from the first to the last, twenty years.
const MAX_MONTHS: u64 = 240;

/// Customers who first bought in one month. Months are of the calendar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cohort {
    /// The month, `1997-01`.
    pub month: String,
    /// Customers.
    pub customers: u64,
    /// Customers who bought 0, 1, 2 … months later; the first is all of them. Ends with the last
    /// month of the data.
    pub active: Vec<u64>,
    /// What they spent in these months.
    pub revenue: Vec<f64>,
}

impl Cohort {
    /// Share of the customers who bought in each month since the first, 0..=1.
    #[must_use]
    pub fn retention(&self) -> Vec<f64> {
        let all = self.customers.max(1) as f64;
        self.active.iter().map(|active| *active as f64 / all).collect()
    }
}

fn month_of(day: i64) -> i64 {
    date_of(day).map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month0()))
}

/// Cohorts of all customers, by month, without months in which nobody came.
///
/// # Errors
/// `Lengths`, `BadDay`, `BadAmount`, `TooLarge`: also for more than 240 months.
pub fn cohorts(transactions: Transactions<'_>) -> Result<Vec<Cohort>, ClvError> {
    let customers = transactions.check()? as usize;
    let days = || transactions.day.iter();
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return Ok(Vec::new()) };
    let (start, end) = (month_of(*first), month_of(*last));
    let months = (end - start + 1) as u64;
    if months > MAX_MONTHS {
        let (found, limit) = (months, MAX_MONTHS);
        return Err(ClvError::TooLarge { what: "number of months", found, limit });
    }
    let month_at: Vec<u16> = (*first..=*last).map(|day| (month_of(day) - start) as u16).collect();
    let month = |day: i64| month_at[(day - first) as usize];
    let mut joined = vec![u16::MAX; customers];
    for (customer, day) in transactions.customer.iter().zip(days()) {
        let slot = &mut joined[*customer as usize];
        *slot = (*slot).min(month(*day));
    }
    // Sorted, so that each customer counts once a month and sums do not depend on the order of rows.
    let mut rows: Vec<(u16, u32, f64)> = transactions
        .customer
        .iter()
        .zip(days())
        .zip(transactions.amount)
        .map(|((customer, day), amount)| (month(*day), *customer, *amount))
        .collect();
    rows.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    let months = months as usize;
    let mut active = vec![vec![0_u64; months]; months];
    let mut revenue = vec![vec![0.0_f64; months]; months];
    let mut before = None;
    for (month, customer, amount) in rows {
        let cohort = joined[customer as usize];
        let since = usize::from(month - cohort);
        active[usize::from(cohort)][since] += u64::from(before != Some((month, customer)));
        revenue[usize::from(cohort)][since] += amount;
        before = Some((month, customer));
    }
    let cohorts = active.into_iter().zip(revenue).enumerate();
    Ok(cohorts
        .filter(|(_, (active, _))| active[0] > 0)
        .map(|(index, (mut active, mut revenue))| {
            active.truncate(months - index);
            revenue.truncate(months - index);
            let month = start + index as i64;
            let month = format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
            Cohort { month, customers: active[0], active, revenue }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clv::summary::day_of;

    fn day(text: &str) -> i64 {
        day_of(text.parse().unwrap())
    }

    #[test]
    fn customers_are_followed_from_their_first_month() {
        let customer = [0, 0, 0, 1, 1, 2, 2];
        let days = [
            "2024-12-31",
            "2025-02-01",
            "2025-02-28",
            "2024-12-01",
            "2024-12-02",
            "2025-02-03",
            "2025-02-03",
        ]
        .map(day);
        let amount = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
        let mut order: Vec<usize> = (0..7).collect();
        for _ in 0..7 {
            order.rotate_left(1);
            let (c, d, a): (Vec<u32>, Vec<i64>, Vec<f64>) = (
                order.iter().map(|i| customer[*i]).collect(),
                order.iter().map(|i| days[*i]).collect(),
                order.iter().map(|i| amount[*i]).collect(),
            );
            let found = cohorts(Transactions { customer: &c, day: &d, amount: &a }).unwrap();
            assert_eq!(
                found,
                [
                    Cohort {
                        month: "2024-12".to_owned(),
                        customers: 2,
                        active: vec![2, 0, 1],
                        revenue: vec![25.0, 0.0, 6.0],
                    },
                    Cohort {
                        month: "2025-02".to_owned(),
                        customers: 1,
                        active: vec![1],
                        revenue: vec![96.0],
                    },
                ]
            );
            assert_eq!(found[0].retention(), [1.0, 0.0, 0.5]);
        }
    }

    #[test]
    fn nothing_and_too_much() {
        let none = Transactions { customer: &[], day: &[], amount: &[] };
        assert_eq!(cohorts(none), Ok(Vec::new()));
        let days = [day("1990-01-01"), day("2025-01-01")];
        let far = Transactions { customer: &[0, 0], day: &days, amount: &[1.0, 1.0] };
        assert!(matches!(cohorts(far), Err(ClvError::TooLarge { found: 421, .. })));
    }
}

//! Data shared by the tests of lifetime value.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

pub mod simulate;

use std::path::PathBuf;

use chrono::NaiveDate;
use models::clv::summary::{Summary, Transactions, Window, day_of, summarise};

/// A file of the shared data, beside the repository.
pub fn data(path: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("../../../shared/data").join(path)
}

pub fn day(text: &str) -> i64 {
    day_of(text.parse::<NaiveDate>().unwrap())
}

/// Frequency, recency and age in weeks of the published summary, rounded to two digits.
pub fn published_summary() -> (Vec<u32>, Vec<f64>, Vec<f64>) {
    let text = std::fs::read_to_string(data("cdnow/cdnow_customers_summary.csv")).unwrap();
    let (mut x, mut last, mut age) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        x.push(cells[1].parse().unwrap());
        last.push(cells[2].parse().unwrap());
        age.push(cells[3].parse().unwrap());
    }
    (x, last, age)
}

/// Customer, day and amount of every purchase of the sample.
pub fn sample_rows() -> (Vec<u32>, Vec<i64>, Vec<f64>) {
    let text = std::fs::read_to_string(data("cdnow/CDNOW_sample.txt")).unwrap();
    let (mut customer, mut days, mut amount) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        customer.push(cells[1].parse::<u32>().unwrap() - 1);
        days.push(day_of(NaiveDate::parse_from_str(cells[2], "%Y%m%d").unwrap()));
        amount.push(cells[4].parse().unwrap());
    }
    (customer, days, amount)
}

/// The sample summed up to 1997-09-30, held against the rest to 1998-06-30.
pub fn sample_summary() -> Summary {
    let (customer, day_column, amount) = sample_rows();
    let transactions = Transactions { customer: &customer, day: &day_column, amount: &amount };
    let window = Window { calibration_end: day("1997-09-30"), observation_end: day("1998-06-30") };
    summarise(transactions, window).unwrap()
}

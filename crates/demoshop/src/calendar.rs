//! When people buy tea: seasons, festivals, days of the week, hours of the day.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Chinese New Year's Day by year; from the almanac of the Hong Kong Observatory.
const NEW_YEAR: [(i32, u32, u32); 21] = [
    (2015, 2, 19),
    (2016, 2, 8),
    (2017, 1, 28),
    (2018, 2, 16),
    (2019, 2, 5),
    (2020, 1, 25),
    (2021, 2, 12),
    (2022, 2, 1),
    (2023, 1, 22),
    (2024, 2, 10),
    (2025, 1, 29),
    (2026, 2, 17),
    (2027, 2, 6),
    (2028, 1, 26),
    (2029, 2, 13),
    (2030, 2, 3),
    (2031, 1, 23),
    (2032, 2, 11),
    (2033, 1, 31),
    (2034, 2, 19),
    (2035, 2, 8),
];

/// Days from `day` to the Chinese New Year nearest to it; negative after it.
fn days_to_new_year(day: NaiveDate) -> Option<i64> {
    NEW_YEAR
        .iter()
        .filter_map(|&(y, m, d)| NaiveDate::from_ymd_opt(y, m, d))
        .map(|feast| (feast - day).num_days())
        .min_by_key(|distance| distance.abs())
}

/// Whether couriers rest and shops are shut for Chinese New Year.
pub(crate) fn is_new_year_rest(day: NaiveDate) -> bool {
    days_to_new_year(day).is_some_and(|days| (-6..=4).contains(&days))
}

/// How strongly the platform's sale draws on `day`, in per cent of an ordinary day.
pub(crate) fn sale_pull(day: NaiveDate) -> u64 {
    match (day.month(), day.day()) {
        (11, 11) => 900,
        (11, 1..=3) => 280,
        (11, 10) => 60,
        (11, 12..=14) => 70,
        (6, 18) => 560,
        (6, 1..=3) => 200,
        (6, 17) => 75,
        (12, 12) => 300,
        (3, 8) => 190,
        (9, 9) | (5, 20) => 150,
        _ => 100,
    }
}

/// Whether the shop sells at a discount on `day`.
pub(crate) fn is_sale(day: NaiveDate) -> bool {
    sale_pull(day) >= 150
}

/// Whether people look for gifts on `day`: before Chinese New Year and before Mid-Autumn.
pub(crate) fn is_gift_season(day: NaiveDate) -> bool {
    day.month() == 9 || days_to_new_year(day).is_some_and(|days| (5..=30).contains(&days))
}

/// How many orders fall on `day`, as a weight; an ordinary weekday has about 1000.
pub(crate) fn demand(day: NaiveDate) -> u64 {
    let month = match day.month() {
        1 => 104,
        2 => 92,
        3 => 108,
        4 => 124, // the first green tea of the year
        5 => 108,
        6 => 92,
        7 => 80,
        8 => 88,
        9 => 112, // Mid-Autumn gifts
        10 => 102,
        11 => 106,
        _ => 104,
    };
    let weekday = match day.weekday() {
        Weekday::Sat => 88,
        Weekday::Sun => 104,
        Weekday::Mon => 106,
        _ => 100,
    };
    let feast = match days_to_new_year(day) {
        Some(-6..=4) => 22,
        Some(5..=8) => 70,
        Some(9..=26) => 165, // gifts are bought before couriers rest
        _ => 100,
    };
    (month * weekday * feast * sale_pull(day) / 100_000).max(1)
}

/// How many orders of bargain hunters fall on `day`.
pub(crate) fn bargain_demand(day: NaiveDate) -> u64 {
    let pull = sale_pull(day);
    if pull >= 150 { demand(day) * pull / 25 } else { demand(day) / 4 + 1 }
}

const HOURS: [u64; 24] =
    [22, 12, 7, 5, 4, 6, 14, 26, 42, 58, 66, 60, 54, 56, 58, 57, 55, 50, 48, 62, 82, 94, 86, 50];
const SALE_HOURS: [u64; 24] = [
    260, 96, 34, 14, 9, 10, 18, 30, 48, 66, 74, 64, 56, 56, 58, 56, 54, 50, 52, 66, 88, 102, 100,
    84,
];

/// Weights of the hours of `day`.
pub(crate) fn hours(day: NaiveDate) -> &'static [u64; 24] {
    if sale_pull(day) >= 280 { &SALE_HOURS } else { &HOURS }
}

/// Running totals of a day's weight, to find the day at which a share of the demand is reached.
pub(crate) struct Demand {
    ends: Vec<u64>,
}

impl Demand {
    /// Totals of `weight` over `days` days from `from`.
    pub(crate) fn new(from: NaiveDate, days: u32, weight: impl Fn(u32, NaiveDate) -> u64) -> Self {
        let mut total = 0;
        let ends = (0..days)
            .map(|index| {
                let day = from.checked_add_days(Days::new(u64::from(index))).unwrap_or(from);
                total += weight(index, day);
                total
            })
            .collect();
        Self { ends }
    }

    /// The demand of the days before `day`.
    pub(crate) fn before(&self, day: u32) -> u64 {
        if day == 0 { 0 } else { self.ends[day as usize - 1] }
    }

    /// The day on which the running total passes `mark`.
    pub(crate) fn day_at(&self, mark: u64) -> u32 {
        let day = self.ends.partition_point(|end| *end <= mark);
        day.min(self.ends.len() - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn sales_rise_and_new_year_falls() {
        assert!(demand(day(2025, 11, 11)) > 5 * demand(day(2025, 11, 18)));
        assert!(demand(day(2025, 6, 18)) > 3 * demand(day(2025, 6, 25)));
        assert!(3 * demand(day(2026, 2, 17)) < demand(day(2026, 3, 3)));
        assert!(demand(day(2026, 1, 29)) > demand(day(2026, 3, 5)));
    }

    #[test]
    fn shares_of_demand_find_their_day() {
        let demand = Demand::new(day(2025, 1, 1), 4, |index, _| u64::from(index) + 1);
        assert_eq!(demand.before(0), 0);
        assert_eq!(demand.before(4), 10);
        assert_eq!(
            (0..10).map(|m| demand.day_at(m)).collect::<Vec<_>>(),
            [0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
        );
    }
}

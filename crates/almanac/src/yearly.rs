//! A day that is kept each year: a birthday.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::lunar::{self, LunarDate};

/// By which calendar a day is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// The common one.
    Solar,
    /// The Chinese one of moons.
    Lunar,
}

/// What of a day cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YearlyDayError {
    /// The month is not from 1 to 12.
    Month,
    /// The month has no such day: the last it ever has.
    Day(u32),
    /// Only lunar months have a leap month beside them.
    LeapMonth,
}

impl std::fmt::Display for YearlyDayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Month => f.write_str("must be a month, 1 to 12"),
            Self::Day(last) => write!(f, "must be a day of that month, 1 to {last}"),
            Self::LeapMonth => f.write_str("only a lunar month can be a leap month"),
        }
    }
}

impl std::error::Error for YearlyDayError {}

/// A day of each year, by one of the calendars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct YearlyDay {
    calendar: Calendar,
    month: u32,
    day: u32,
    is_leap_month: bool,
}

impl YearlyDay {
    /// A day that some year has: 29 February is one, and so is day 30 of every lunar month.
    ///
    /// # Errors
    /// What cannot be; `Month` before the others.
    pub fn new(
        calendar: Calendar,
        month: u32,
        day: u32,
        is_leap_month: bool,
    ) -> Result<Self, YearlyDayError> {
        let last = match (calendar, month) {
            (Calendar::Lunar, 1..=12) => 30,
            (Calendar::Solar, 2) => 29,
            (Calendar::Solar, 4 | 6 | 9 | 11) => 30,
            (Calendar::Solar, 1..=12) => 31,
            _ => return Err(YearlyDayError::Month),
        };
        if !(1..=last).contains(&day) {
            return Err(YearlyDayError::Day(last));
        }
        if is_leap_month && calendar == Calendar::Solar {
            return Err(YearlyDayError::LeapMonth);
        }
        Ok(Self { calendar, month, day, is_leap_month })
    }

    /// By which calendar.
    #[must_use]
    pub const fn calendar(self) -> Calendar {
        self.calendar
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u32 {
        self.month
    }

    /// The day, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u32 {
        self.day
    }

    /// Whether it is in the leap month that follows the month of that number.
    #[must_use]
    pub const fn is_leap_month(self) -> bool {
        self.is_leap_month
    }

    /// A short name, the same for the same day: `solar-02-29`, `lunar-08-15`, `leap-06-01`.
    #[must_use]
    pub fn name(self) -> String {
        let calendar = match (self.calendar, self.is_leap_month) {
            (Calendar::Solar, _) => "solar",
            (Calendar::Lunar, false) => "lunar",
            (Calendar::Lunar, true) => "leap",
        };
        format!("{calendar}-{:02}-{:02}", self.month, self.day)
    }

    /// The day that has this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let (calendar, is_leap_month) = match parts.next()? {
            "solar" => (Calendar::Solar, false),
            "lunar" => (Calendar::Lunar, false),
            "leap" => (Calendar::Lunar, true),
            _ => return None,
        };
        let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Self::new(calendar, month, day, is_leap_month).ok().filter(|_| parts.next().is_none())
    }

    /// Whether the day is one of `year`, of its calendar: 29 February of leap years alone, a leap month and day 30 where
    /// the lunar year has them. `None` where lunar years are not computed.
    #[must_use]
    pub fn is_of_year(self, year: i32) -> Option<bool> {
        match self.calendar {
            Calendar::Solar => Some(NaiveDate::from_ymd_opt(year, self.month, self.day).is_some()),
            Calendar::Lunar => {
                self.in_year(year)?;
                let days = lunar::days_of_month(year, self.month, self.is_leap_month);
                Some(days.is_some_and(|days| self.day <= days))
            }
        }
    }

    /// The first day on or after `from` on which it is kept: 29 February on the 28th in other years, day 30 of a lunar
    /// month of 29 days on its last, and a day of a leap month in the month of its number in years without that one.
    /// `None` where it is not computed.
    #[must_use]
    pub fn next(self, from: NaiveDate) -> Option<NaiveDate> {
        let year = match self.calendar {
            Calendar::Solar => from.year(),
            Calendar::Lunar => LunarDate::of(from)?.year,
        };
        [year, year.checked_add(1)?]
            .into_iter()
            .filter_map(|year| self.in_year(year))
            .find(|day| *day >= from)
    }

    /// On which day it is kept in `year`, of its calendar. `None` where it is not computed.
    #[must_use]
    pub fn in_year(self, year: i32) -> Option<NaiveDate> {
        let Self { calendar, month, day, is_leap_month } = self;
        match calendar {
            Calendar::Solar => NaiveDate::from_ymd_opt(year, month, day)
                .or_else(|| NaiveDate::from_ymd_opt(year, month, 28)),
            Calendar::Lunar => LunarDate { year, month, is_leap_month, day }.solar(),
        }
    }
}

/// All days of the year that are kept on `day`, at most five.
#[must_use]
pub fn kept_on(day: NaiveDate) -> Vec<YearlyDay> {
    let solar =
        |month, day| YearlyDay { calendar: Calendar::Solar, month, day, is_leap_month: false };
    let mut kept = vec![solar(day.month(), day.day())];
    if (day.month(), day.day()) == (2, 28) && !day.leap_year() {
        kept.push(solar(2, 29));
    }
    let Some(LunarDate { year, month, is_leap_month, day }) = LunarDate::of(day) else {
        return kept;
    };
    let is_last = lunar::days_of_month(year, month, is_leap_month) == Some(day);
    let days = if is_last { day..=30 } else { day..=day };
    let stands_in = !is_leap_month && lunar::leap_month(year) != Some(month);
    for day in days {
        let own = YearlyDay { calendar: Calendar::Lunar, month, day, is_leap_month };
        kept.push(own);
        if stands_in {
            kept.push(YearlyDay { is_leap_month: true, ..own });
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::prelude::*;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn yearly() -> impl Strategy<Value = YearlyDay> {
        let lunar = any::<(bool, bool)>();
        (lunar, 1_u32..=12, 1_u32..=31).prop_filter_map("no day", |((lunar, leap), month, day)| {
            let calendar = if lunar { Calendar::Lunar } else { Calendar::Solar };
            YearlyDay::new(calendar, month, day, leap && lunar).ok()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_next_is_the_first_day_that_keeps_it(one in yearly(), days in 0_u64..72_000) {
            let from = crate::FIRST_DAY + Days::new(days);
            let next = one.next(from).unwrap();
            let first = from.iter_days().find(|day| kept_on(*day).contains(&one));
            prop_assert_eq!(Some(next), first, "{}", one.name());
            prop_assert!((next - from).num_days() < 385);
        }

        #[test]
        fn each_day_of_a_calendar_is_kept_once_in_a_year(one in yearly(), year in 1905..2095_i32) {
            let first = match one.calendar {
                Calendar::Solar => day(year, 1, 1),
                Calendar::Lunar => LunarDate { year, month: 1, is_leap_month: false, day: 1 }.solar().unwrap(),
            };
            let end = match one.calendar {
                Calendar::Solar => day(year + 1, 1, 1),
                Calendar::Lunar => LunarDate { year: year + 1, month: 1, is_leap_month: false, day: 1 }.solar().unwrap(),
            };
            let kept = first.iter_days().take_while(|day| *day < end).filter(|day| kept_on(*day).contains(&one));
            prop_assert_eq!(kept.count(), 1);
            prop_assert!(kept_on(first).len() <= 5);
        }
    }

    #[test]
    fn impossible_days_are_refused() {
        use Calendar::{Lunar, Solar};
        for (calendar, month, day, leap, wrong) in [
            (Solar, 2, 30, false, YearlyDayError::Day(29)),
            (Solar, 4, 31, false, YearlyDayError::Day(30)),
            (Solar, 0, 1, false, YearlyDayError::Month),
            (Lunar, 13, 1, false, YearlyDayError::Month),
            (Lunar, 8, 31, false, YearlyDayError::Day(30)),
            (Solar, 6, 1, true, YearlyDayError::LeapMonth),
            (Lunar, 1, 0, false, YearlyDayError::Day(30)),
        ] {
            assert_eq!(YearlyDay::new(calendar, month, day, leap), Err(wrong));
        }
    }

    #[test]
    fn days_that_a_year_lacks_are_kept_beside_it() {
        let leap_day = YearlyDay::new(Calendar::Solar, 2, 29, false).unwrap();
        assert_eq!(leap_day.next(day(2026, 1, 1)), Some(day(2026, 2, 28)));
        assert_eq!(leap_day.next(day(2028, 1, 1)), Some(day(2028, 2, 29)));
        assert_eq!(leap_day.is_of_year(2026), Some(false));
        assert_eq!(leap_day.next(day(2026, 3, 1)), Some(day(2027, 2, 28)));
        // The twelfth month of the lunar year 2025 has 29 days: its last is the day before 2026-02-17.
        let eve = YearlyDay::new(Calendar::Lunar, 12, 30, false).unwrap();
        assert_eq!(eve.next(day(2026, 1, 1)), Some(day(2026, 2, 16)));
        assert_eq!(eve.is_of_year(2025), Some(false));
        // There is a leap sixth month in 2025 and none in 2026.
        let leap = YearlyDay::new(Calendar::Lunar, 6, 1, true).unwrap();
        assert_eq!(leap.next(day(2025, 6, 1)), Some(day(2025, 7, 25)));
        assert_eq!(leap.next(day(2026, 6, 1)), Some(day(2026, 7, 14)));
        assert_eq!((leap.is_of_year(2025), leap.is_of_year(2026)), (Some(true), Some(false)));
        assert_eq!(YearlyDay::from_name("leap-06-01"), Some(leap));
        assert_eq!(YearlyDay::from_name("leap-06-31"), None);
        assert_eq!((leap.name(), eve.name()), ("leap-06-01".to_owned(), "lunar-12-30".to_owned()));
    }
}

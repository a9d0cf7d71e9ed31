//! Days of the Chinese lunar calendar, as `tyme4rs` computes them.

use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;
use tyme4rs::tyme::lunar::{LunarDay, LunarMonth, LunarYear};
use tyme4rs::tyme::solar::{SolarDay, SolarTerm};

/// The first day that is computed: outside of these two centuries nobody needs any, and the calendar of today
/// does not hold for all times.
pub const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1901, 1, 1).expect("a day");
/// The last day that is computed.
pub const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2100, 12, 31).expect("a day");

/// A day of the lunar calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LunarDate {
    /// The lunar year, told by the solar year in which it begins.
    pub year: i32,
    /// The month, 1 to 12.
    pub month: u32,
    /// Whether it is the leap month that follows the month of that number.
    pub is_leap_month: bool,
    /// The day, 1 to 30.
    pub day: u32,
}

impl LunarDate {
    /// The lunar day of `day`; `None` before [`FIRST_DAY`] and after [`LAST_DAY`].
    #[must_use]
    pub fn of(day: NaiveDate) -> Option<Self> {
        let lunar = solar(day)?.get_lunar_day();
        let month = lunar.get_lunar_month();
        Some(Self {
            year: i32::try_from(month.get_lunar_year().get_year()).ok()?,
            month: u32::try_from(month.get_month()).ok()?,
            is_leap_month: month.is_leap(),
            day: u32::try_from(lunar.get_day()).ok()?,
        })
    }

    /// The day of the solar calendar. Day 30 of a month of 29 days is its last, and a leap month that the year does not
    /// have is the month of its number. `None` for what is no day at all, or not computed.
    #[must_use]
    pub fn solar(self) -> Option<NaiveDate> {
        let is_leap_month = self.is_leap_month && leap_month(self.year) == Some(self.month);
        let day = self.day.min(days_of_month(self.year, self.month, is_leap_month)?);
        let month = signed(self.month, is_leap_month)?;
        let found = LunarDay::new(computed(self.year)?, month, day.try_into().ok()?).ok()?;
        date(found.get_solar_day())
    }
}

/// A year as `tyme4rs` counts; its tables end where it does not say so.
fn computed(year: i32) -> Option<isize> {
    let is_computed = (FIRST_DAY.year() - 1..=LAST_DAY.year()).contains(&year);
    isize::try_from(year).ok().filter(|_| is_computed)
}

/// The month that `year` has twice, if it has one.
pub(crate) fn leap_month(year: i32) -> Option<u32> {
    let year = LunarYear::new(computed(year)?).ok()?;
    u32::try_from(year.get_leap_month()).ok().filter(|month| *month > 0)
}

/// Days of a month, 29 or 30; `None` if the year has no such month.
pub(crate) fn days_of_month(year: i32, month: u32, is_leap_month: bool) -> Option<u32> {
    let month = LunarMonth::new(computed(year)?, signed(month, is_leap_month)?).ok()?;
    u32::try_from(month.get_day_count()).ok()
}

/// The day of the solar term of this number in `year`: 7 is Qingming, 24 the winter solstice of that December.
pub(crate) fn term(year: i32, number: isize) -> Option<NaiveDate> {
    date(SolarTerm::from_index(computed(year)?, number).get_solar_day())
}

/// `tyme4rs` tells leap months by a minus.
fn signed(month: u32, is_leap_month: bool) -> Option<isize> {
    let month = isize::try_from(month).ok()?;
    Some(if is_leap_month { -month } else { month })
}

fn solar(day: NaiveDate) -> Option<SolarDay> {
    if !(FIRST_DAY..=LAST_DAY).contains(&day) {
        return None;
    }
    let (year, month) = (isize::try_from(day.year()).ok()?, usize::try_from(day.month()).ok()?);
    SolarDay::new(year, month, usize::try_from(day.day()).ok()?).ok()
}

fn date(day: SolarDay) -> Option<NaiveDate> {
    let year = i32::try_from(day.get_year()).ok()?;
    let month = u32::try_from(day.get_month()).ok()?;
    NaiveDate::from_ymd_opt(year, month, u32::try_from(day.get_day()).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn lunar(year: i32, month: u32, day: u32) -> LunarDate {
        LunarDate { year, month, is_leap_month: false, day }
    }

    /// As the Hong Kong Observatory publishes them.
    #[test]
    fn years_begin_and_middle_autumn_comes_when_it_is_published() {
        for (year, spring, autumn) in [
            (2020, (1, 25), (10, 1)),
            (2021, (2, 12), (9, 21)),
            (2022, (2, 1), (9, 10)),
            (2023, (1, 22), (9, 29)),
            (2024, (2, 10), (9, 17)),
            (2025, (1, 29), (10, 6)),
            (2026, (2, 17), (9, 25)),
            (2027, (2, 6), (9, 15)),
            (2028, (1, 26), (10, 3)),
            (2029, (2, 13), (9, 22)),
            (2030, (2, 3), (9, 12)),
        ] {
            assert_eq!(lunar(year, 1, 1).solar(), Some(day(year, spring.0, spring.1)), "{year}");
            assert_eq!(lunar(year, 8, 15).solar(), Some(day(year, autumn.0, autumn.1)), "{year}");
        }
    }

    #[test]
    fn leap_months_are_those_of_the_almanac() {
        for (year, month) in [
            (2017, Some(6)),
            (2020, Some(4)),
            (2023, Some(2)),
            (2024, None),
            (2025, Some(6)),
            (2026, None),
            (2028, Some(5)),
            (2031, Some(3)),
            (2033, Some(11)),
        ] {
            assert_eq!(leap_month(year), month, "{year}");
        }
        let leap = LunarDate { is_leap_month: true, ..lunar(2025, 6, 1) };
        assert_eq!(leap.solar(), Some(day(2025, 7, 25)));
        assert_eq!(lunar(2025, 6, 1).solar(), Some(day(2025, 6, 25)));
        assert_eq!(LunarDate { year: 2026, ..leap }.solar(), lunar(2026, 6, 1).solar());
    }

    proptest! {
        #[test]
        fn there_and_back(days in 0_u64..73_000) {
            let day = FIRST_DAY + chrono::Days::new(days);
            let found = LunarDate::of(day).unwrap();
            prop_assert_eq!(found.solar(), Some(day));
            prop_assert!((1..=12).contains(&found.month) && (1..=30).contains(&found.day));
            let next = LunarDate::of(day + chrono::Days::new(1)).unwrap();
            if next.day == 1 {
                let days = days_of_month(found.year, found.month, found.is_leap_month);
                prop_assert_eq!(days, Some(found.day));
            } else {
                prop_assert_eq!(next, LunarDate { day: found.day + 1, ..found });
            }
        }
    }

    #[test]
    fn days_that_are_not_computed_are_none() {
        assert_eq!(LunarDate::of(day(1900, 12, 31)), None);
        assert_eq!(LunarDate::of(day(2101, 1, 1)), None);
        assert_eq!(LunarDate::of(NaiveDate::MAX), None);
        assert_eq!(lunar(2026, 13, 1).solar(), None);
        assert_eq!(lunar(i32::MAX, 1, 1).solar(), None);
    }
}

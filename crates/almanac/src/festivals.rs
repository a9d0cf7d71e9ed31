//! Festivals that shops in China care for.

use chrono::{Datelike as _, NaiveDate, Weekday};
use serde::Serialize;

use crate::lunar::{self, LunarDate};

/// A festival, or a day on which everybody buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Festival {
    /// 1 January, 元旦.
    NewYear,
    /// The eighth of the twelfth lunar month, 腊八.
    Laba,
    /// The day before Spring Festival, 除夕.
    NewYearEve,
    /// The first day of the lunar year, 春节.
    SpringFestival,
    /// The fifteenth of the first lunar month, 元宵.
    Lantern,
    /// 14 February, 情人节.
    Valentine,
    /// 8 March, 妇女节.
    Women,
    /// The solar term 清明.
    Qingming,
    /// 1 May, 劳动节.
    Labour,
    /// The second Sunday of May, 母亲节.
    Mothers,
    /// 1 June, 儿童节.
    Children,
    /// The fifth of the fifth lunar month, 端午.
    DragonBoat,
    /// 18 June, 618.
    MidYearSale,
    /// The third Sunday of June, 父亲节.
    Fathers,
    /// The seventh of the seventh lunar month, 七夕.
    Qixi,
    /// 10 September, 教师节.
    Teachers,
    /// The fifteenth of the eighth lunar month, 中秋.
    MidAutumn,
    /// 1 October, 国庆.
    National,
    /// The ninth of the ninth lunar month, 重阳.
    DoubleNinth,
    /// 11 November, 双十一.
    DoubleEleven,
    /// 12 December, 双十二.
    DoubleTwelve,
    /// The solar term 冬至.
    WinterSolstice,
    /// 25 December, 圣诞.
    Christmas,
}

/// The festivals of `day`, those of the solar calendar first.
#[must_use]
pub fn festivals_on(day: NaiveDate) -> Vec<Festival> {
    use Festival::{
        Children, Christmas, DoubleEleven, DoubleNinth, DoubleTwelve, DragonBoat, Fathers, Laba,
        Labour, Lantern, MidAutumn, MidYearSale, Mothers, National, NewYear, NewYearEve, Qingming,
        Qixi, SpringFestival, Teachers, Valentine, WinterSolstice, Women,
    };
    let is_sunday = day.weekday() == Weekday::Sun;
    let solar = match (day.month(), day.day()) {
        (1, 1) => Some(NewYear),
        (2, 14) => Some(Valentine),
        (3, 8) => Some(Women),
        (5, 1) => Some(Labour),
        (5, 8..=14) if is_sunday => Some(Mothers),
        (6, 1) => Some(Children),
        (9, 10) => Some(Teachers),
        (10, 1) => Some(National),
        (11, 11) => Some(DoubleEleven),
        (12, 12) => Some(DoubleTwelve),
        (12, 25) => Some(Christmas),
        _ => None,
    };
    // Both may be on one day.
    let sale = ((day.month(), day.day()) == (6, 18)).then_some(MidYearSale);
    let fathers =
        (day.month() == 6 && (15..=21).contains(&day.day()) && is_sunday).then_some(Fathers);
    let is_term = |number| lunar::term(day.year(), number) == Some(day);
    let term = match day.month() {
        4 if is_term(7) => Some(Qingming),
        12 if is_term(24) => Some(WinterSolstice),
        _ => None,
    };
    let by_moon = LunarDate::of(day).filter(|moon| !moon.is_leap_month).and_then(|moon| {
        match (moon.month, moon.day) {
            (1, 1) => Some(SpringFestival),
            (1, 15) => Some(Lantern),
            (5, 5) => Some(DragonBoat),
            (7, 7) => Some(Qixi),
            (8, 15) => Some(MidAutumn),
            (9, 9) => Some(DoubleNinth),
            (12, 8) => Some(Laba),
            _ => None,
        }
    });
    // The last day of the year, whatever its number and whether or not the twelfth month is a leap one.
    let eve =
        day.succ_opt().and_then(LunarDate::of).filter(|next| (next.month, next.day) == (1, 1));
    let eve = eve.filter(|next| !next.is_leap_month).map(|_| NewYearEve);
    [solar, sale, fathers, term, by_moon, eve].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the State Council and the Hong Kong Observatory publish them.
    #[test]
    fn festivals_are_on_their_days() {
        use Festival::*;
        for (date, festivals) in [
            ("2026-01-01", &[NewYear][..]),
            ("2026-02-16", &[NewYearEve]),
            ("2026-02-17", &[SpringFestival]),
            ("2026-03-03", &[Lantern]),
            ("2024-04-04", &[Qingming]),
            ("2025-04-04", &[Qingming]),
            ("2026-04-05", &[Qingming]),
            ("2027-04-05", &[Qingming]),
            ("2026-05-10", &[Mothers]),
            ("2025-05-31", &[DragonBoat]),
            ("2026-06-19", &[DragonBoat]),
            ("2023-06-18", &[MidYearSale, Fathers]),
            ("2026-06-21", &[Fathers]),
            ("2025-08-29", &[Qixi]),
            ("2026-08-19", &[Qixi]),
            ("2025-10-06", &[MidAutumn]),
            ("2026-09-25", &[MidAutumn]),
            ("2026-10-18", &[DoubleNinth]),
            ("2026-11-11", &[DoubleEleven]),
            ("2026-12-12", &[DoubleTwelve]),
            ("2026-12-22", &[WinterSolstice]),
            ("2026-12-25", &[Christmas]),
            ("2026-01-26", &[Laba]),
            ("2026-11-23", &[]),
            // In the leap sixth month of 2025 nothing comes a second time.
            ("2025-07-29", &[]),
        ] {
            assert_eq!(festivals_on(date.parse().unwrap()), festivals, "{date}");
        }
    }

    #[test]
    fn each_comes_once_in_a_year() {
        let first: NaiveDate = "2024-01-01".parse().unwrap();
        for year in 2024..2034 {
            let days = first.with_year(year).unwrap().iter_days();
            let all: Vec<Festival> =
                days.take_while(|day| day.year() == year).flat_map(festivals_on).collect();
            let distinct: std::collections::HashSet<Festival> = all.iter().copied().collect();
            // The eighth of the twelfth month may miss a solar year, or be in it twice.
            let strays = |all: usize| all.abs_diff(23) <= 1;
            assert!(strays(all.len()) && strays(distinct.len()), "{year}: {all:?}");
        }
    }
}

//! What orders earn, how long points live, what comes back of points that were spent. Pure.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Days, Months, NaiveDate};
use kernel::{FieldErrors, Timestamp, Zone};
use serde::{Deserialize, Serialize};

/// The most minor units of one order; beyond, it counts as that.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// The most points of one change.
pub const POINTS_MAX: i64 = 1_000_000_000_000;
/// The largest factor of a product and multiplier of a level, in thousandths.
pub const FACTOR_MAX: i64 = 100_000;
/// Products with a factor of their own.
pub const PRODUCTS_MAX: usize = 2_000;
/// Activities that give points.
pub const ACTIVITIES_MAX: usize = 50;
/// The most days and months of any rule.
const DAYS_MAX: u32 = 3_650;

/// What a programme says. Each edit makes a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PointsRules)]
pub struct Rules {
    /// So many points …
    pub earn_points: i64,
    /// … for so many minor units paid. 0 points: orders earn nothing.
    pub earn_per_minor: i64,
    /// Products that earn more or less than others.
    #[serde(default)]
    pub products: Vec<ProductFactor>,
    /// The most points that orders of one customer and day earn; none: no limit.
    #[serde(default)]
    pub day_cap: Option<i64>,
    /// What is given for things other than orders.
    #[serde(default)]
    pub activities: Vec<Activity>,
    /// Days after payment until points of an order can be used: the time in which goods are sent back.
    pub pending_days: u32,
    /// How long points live.
    pub expiry: Expiry,
    /// What happens when points must go back that were spent.
    pub negative: Negative,
    /// Days for which points live that come back after their lot expired; 0: they are lost.
    #[serde(default)]
    pub grace_days: u32,
    /// Adjustments of more points than this need a second person.
    pub approve_above: i64,
    /// So many points …
    pub value_points: i64,
    /// … are worth so many minor units, for the liability report.
    pub value_minor: i64,
}

/// A product that earns more or less than others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PointsProductFactor)]
pub struct ProductFactor {
    /// The merchant's code, as lines of orders name it.
    pub product: String,
    /// In thousandths: 2000 doubles, 0 earns nothing.
    pub factor_permille: i64,
}

/// Points for something other than an order: `birthday` (once in a calendar year), `sign_in`, `review`, or a name
/// of the shop's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PointsActivity)]
pub struct Activity {
    /// Its name: lower-case letters, digits and `_`.
    pub name: String,
    /// Points each time.
    pub points: i64,
    /// How often on one day.
    pub times_a_day: u32,
}

/// How long points live. They end with a day, in the programme's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = PointsExpiry)]
pub enum Expiry {
    /// For ever.
    Never,
    /// Until the end of the day so many days after they can be used.
    Days {
        /// Days.
        days: u32,
    },
    /// Until the end of the same day so many months later, or of the last day of that month.
    Months {
        /// Months.
        months: u32,
    },
    /// Until the end of this day of the year, the first that leaves them so many days.
    YearDay {
        /// 1 to 12.
        month: u32,
        /// Day of the month; the last of a month that has none such.
        day: u32,
        /// The fewest days they live.
        least_days: u32,
    },
}

/// What happens when points must go back that were spent already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PointsNegative)]
pub enum Negative {
    /// The customer owes them: the next points pay for it.
    Allow,
    /// They are forgiven.
    WriteOff,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFact {
    /// The merchant's code of the product; empty if unknown.
    pub product: String,
    /// What it cost, in minor units.
    pub amount_minor: i64,
    /// What was given back of it.
    pub refunded_minor: i64,
}

/// What an order comes to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts<'a> {
    /// Paid, in minor units of the programme's currency.
    pub paid_minor: i64,
    /// Given back so far.
    pub refunded_minor: i64,
    /// Its lines.
    pub lines: &'a [LineFact],
    /// The level's multiplier when it was paid, in thousandths; 1000 without levels.
    pub level_permille: i64,
}

impl Rules {
    /// Finds every wrong field.
    ///
    /// # Errors
    /// All of them.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut within = |field: &str, value: i64, from: i64, to: i64| {
            if !(from..=to).contains(&value) {
                errors.push(field, format!("must be between {from} and {to}"));
            }
        };
        within("earn_points", self.earn_points, 0, 1_000);
        within("earn_per_minor", self.earn_per_minor, 1, 1_000_000);
        within("pending_days", self.pending_days.into(), 0, DAYS_MAX.into());
        within("grace_days", self.grace_days.into(), 0, DAYS_MAX.into());
        within("approve_above", self.approve_above, 0, POINTS_MAX);
        within("value_points", self.value_points, 1, 1_000_000);
        within("value_minor", self.value_minor, 0, 1_000_000);
        if let Some(cap) = self.day_cap {
            within("day_cap", cap, 1, POINTS_MAX);
        }
        for (at, product) in self.products.iter().enumerate() {
            let field = format!("products[{at}].factor_permille");
            within(&field, product.factor_permille, 0, FACTOR_MAX);
        }
        for (at, activity) in self.activities.iter().enumerate() {
            within(&format!("activities[{at}].points"), activity.points, 1, 1_000_000);
            let field = format!("activities[{at}].times_a_day");
            within(&field, activity.times_a_day.into(), 1, 1_000);
        }
        match self.expiry {
            Expiry::Never => {}
            Expiry::Days { days } => within("expiry.days", days.into(), 1, DAYS_MAX.into()),
            Expiry::Months { months } => within("expiry.months", months.into(), 1, 120),
            Expiry::YearDay { month, day, least_days } => {
                within("expiry.month", month.into(), 1, 12);
                within("expiry.day", day.into(), 1, 31);
                within("expiry.least_days", least_days.into(), 0, DAYS_MAX.into());
            }
        }
        if self.products.len() > PRODUCTS_MAX {
            errors.push("products", format!("at most {PRODUCTS_MAX}"));
        }
        let codes: BTreeSet<&str> = self.products.iter().map(|p| p.product.as_str()).collect();
        if codes.len() < self.products.len()
            || codes.iter().any(|code| code.is_empty() || code.chars().count() > 200)
        {
            errors.push("products", "each code once, with 1 to 200 characters");
        }
        if self.activities.len() > ACTIVITIES_MAX {
            errors.push("activities", format!("at most {ACTIVITIES_MAX}"));
        }
        let names: BTreeSet<&str> = self.activities.iter().map(|a| a.name.as_str()).collect();
        let is_name = |name: &&str| {
            (1..=40).contains(&name.len())
                && *name != "order"
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if names.len() < self.activities.len() || !names.iter().all(is_name) {
            let rule = "each name once, of 1 to 40 lower-case letters, digits and _, not `order`";
            errors.push("activities", rule);
        }
        errors.finish(|| Some(()))
    }

    /// The points that an order earns, before the limit of its day.
    ///
    /// `floor(net × Σ(wᵢ fᵢ) ÷ Σ wᵢ × level × points ÷ per)`, where `net` is what was paid and not given back, `wᵢ`
    /// what a line cost and was not given back, and `fᵢ` the factor of its product. It is rounded down once, at the
    /// end. Without lines, or when nothing is left of them, all factors are one.
    #[must_use]
    pub fn points_of(&self, order: Amounts<'_>) -> i64 {
        let held = |minor: i64| i128::from(minor.clamp(0, AMOUNT_MAX));
        let net = (held(order.paid_minor) - held(order.refunded_minor)).max(0);
        let (mut weighted, mut weights) = (0_i128, 0_i128);
        for line in order.lines {
            let weight = (held(line.amount_minor) - held(line.refunded_minor)).max(0);
            if weights + weight > i128::from(AMOUNT_MAX) {
                break;
            }
            weights += weight;
            weighted += weight * i128::from(self.factor_of(&line.product));
        }
        if weights == 0 {
            (weighted, weights) = (1_000, 1);
        }
        let level = i128::from(order.level_permille.clamp(0, FACTOR_MAX));
        // At most 1e12 × 1e17 × 1e5 × 1e3 = 1e37, which 128 bits hold.
        let numerator = net * weighted * level * i128::from(self.earn_points.clamp(0, 1_000));
        let denominator = weights * 1_000_000 * i128::from(self.earn_per_minor.max(1));
        i64::try_from(numerator / denominator).unwrap_or(POINTS_MAX).min(POINTS_MAX)
    }

    fn factor_of(&self, product: &str) -> i64 {
        let found = self.products.iter().find(|factor| factor.product == product);
        found.map_or(1_000, |factor| factor.factor_permille.clamp(0, FACTOR_MAX))
    }

    /// When points that can be used from `from` expire: the first moment of the day after their last one.
    #[must_use]
    pub fn expires_at(&self, from: Timestamp, zone: Zone) -> Option<Timestamp> {
        let day = from.day(zone);
        let last = match self.expiry {
            Expiry::Never => return None,
            Expiry::Days { days } => day.checked_add_days(Days::new(days.into())),
            Expiry::Months { months } => day.checked_add_months(Months::new(months)),
            Expiry::YearDay { month, day: day_of_month, least_days } => {
                let least = day.checked_add_days(Days::new(least_days.into()))?;
                let this = year_day(least.year(), month, day_of_month);
                match this {
                    Some(this) if this >= least => Some(this),
                    _ => year_day(least.year() + 1, month, day_of_month),
                }
            }
        };
        Some(end_of(last?, zone))
    }

    /// When points expire that come back at `now` to a lot that has expired; `None` if they are lost.
    #[must_use]
    pub fn grace_until(&self, now: Timestamp, zone: Zone) -> Option<Timestamp> {
        let days = Days::new(self.grace_days.into());
        let last = (self.grace_days > 0).then(|| now.day(zone).checked_add_days(days))??;
        Some(end_of(last, zone))
    }

    /// What `points` are worth in minor units, rounded up: what is owed is not understated.
    #[must_use]
    pub fn value_minor_of(&self, points: i64) -> i64 {
        let worth = i128::from(points) * i128::from(self.value_minor);
        let per = i128::from(self.value_points.max(1));
        let up = worth.div_euclid(per) + i128::from(worth.rem_euclid(per) != 0);
        i64::try_from(up).unwrap_or(i64::MAX)
    }
}

fn year_day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    (1..=day.min(31)).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day))
}

fn end_of(day: NaiveDate, zone: Zone) -> Timestamp {
    Timestamp::start_of(day.succ_opt().unwrap_or(day), zone)
}

/// How many of `spent` points came back in all, when `refunded_minor` of `paid_minor` were given back:
/// `floor(spent × refunded ÷ paid)`, so all of them once all was given back. An order paid with points alone
/// gives them back only when it is `void`.
#[must_use]
pub fn returned_of(spent: i64, paid_minor: i64, refunded_minor: i64, void: bool) -> i64 {
    if void {
        return spent;
    }
    if paid_minor <= 0 {
        return 0;
    }
    let refunded = i128::from(refunded_minor.clamp(0, paid_minor));
    i64::try_from(i128::from(spent) * refunded / i128::from(paid_minor)).unwrap_or(spent)
}

/// Cuts what orders of one customer and day earn to `cap`, the earlier ones first. `raw` are in the order in which
/// they were paid; gives as many.
#[must_use]
pub fn capped(raw: &[i64], cap: Option<i64>) -> Vec<i64> {
    let mut left = cap.unwrap_or(i64::MAX);
    raw.iter()
        .map(|points| {
            let target = (*points).min(left);
            left -= target;
            target
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> Rules {
        Rules {
            earn_points: 1,
            earn_per_minor: 100,
            products: Vec::new(),
            day_cap: None,
            activities: Vec::new(),
            pending_days: 7,
            expiry: Expiry::Never,
            negative: Negative::Allow,
            grace_days: 0,
            approve_above: 1_000,
            value_points: 100,
            value_minor: 100,
        }
    }

    fn expiry_of(expiry: Expiry, from: &str) -> String {
        let rules = Rules { expiry, ..rules() };
        rules.expires_at(from.parse().unwrap(), Zone::CHINA).unwrap().to_string()
    }

    #[test]
    fn points_end_with_a_day_of_the_shop() {
        // 23:30 on the 14th and 00:30 on the 15th in China.
        let (evening, night) = ("2026-01-14T15:30:00Z", "2026-01-14T16:30:00Z");
        let days = Expiry::Days { days: 1 };
        assert_eq!(expiry_of(days, evening), "2026-01-15T16:00:00.000Z");
        assert_eq!(expiry_of(days, night), "2026-01-16T16:00:00.000Z");
        let month = Expiry::Months { months: 1 };
        assert_eq!(expiry_of(month, "2026-01-31T04:00:00Z"), "2026-02-28T16:00:00.000Z");
        let new_year = Expiry::YearDay { month: 12, day: 31, least_days: 30 };
        assert_eq!(expiry_of(new_year, "2026-12-01T04:00:00Z"), "2026-12-31T16:00:00.000Z");
        assert_eq!(expiry_of(new_year, "2026-12-02T04:00:00Z"), "2027-12-31T16:00:00.000Z");
        let leap = Expiry::YearDay { month: 2, day: 29, least_days: 0 };
        assert_eq!(expiry_of(leap, "2026-03-01T04:00:00Z"), "2027-02-28T16:00:00.000Z");
    }

    #[test]
    fn wrong_rules_are_told_all_at_once() {
        let wrong = Rules { earn_per_minor: 0, value_points: 0, day_cap: Some(0), ..rules() };
        let errors = wrong.check().unwrap_err();
        let told = format!("{errors:?}");
        for field in ["earn_per_minor", "value_points", "day_cap"] {
            assert!(told.contains(field), "{told}");
        }
        assert!(rules().check().is_ok());
    }

    proptest! {
        #[test]
        fn more_refunded_never_earns_more(paid in 0_i64..1_000_000, refunds in proptest::array::uniform2(0_i64..1_000_000), level in 0_i64..5_000) {
            let [low, high] = if refunds[0] < refunds[1] { refunds } else { [refunds[1], refunds[0]] };
            let of = |refunded_minor| rules().points_of(Amounts { paid_minor: paid, refunded_minor, lines: &[], level_permille: level });
            prop_assert!(of(high) <= of(low));
            prop_assert_eq!(of(paid.max(high)), 0);
            prop_assert!(returned_of(level, paid, low, false) <= returned_of(level, paid, high, false));
            prop_assert_eq!(returned_of(level, paid.max(1), paid.max(1), false), level);
        }

        #[test]
        fn lines_that_are_all_alike_earn_as_if_there_were_none(paid in 0_i64..1_000_000, amounts in proptest::collection::vec(0_i64..1_000, 0..6)) {
            let lines: Vec<LineFact> = amounts.iter().map(|minor| LineFact { product: "a".into(), amount_minor: *minor, refunded_minor: 0 }).collect();
            let of = |lines: &[LineFact]| rules().points_of(Amounts { paid_minor: paid, refunded_minor: 0, lines, level_permille: 1_000 });
            prop_assert_eq!(of(&lines), of(&[]));
            prop_assert_eq!(of(&[]), paid / 100);
        }

        #[test]
        fn the_limit_of_a_day_is_reached_and_not_exceeded(raw in proptest::collection::vec(0_i64..500, 0..8), cap in 1_i64..1_000) {
            let targets = capped(&raw, Some(cap));
            prop_assert_eq!(targets.iter().sum::<i64>(), cap.min(raw.iter().sum()));
            prop_assert!(targets.iter().zip(&raw).all(|(target, raw)| target <= raw));
            prop_assert_eq!(capped(&raw, None), raw);
        }
    }
}

//! What a scheme of levels says. Pure.

use kernel::FieldErrors;
use serde::{Deserialize, Serialize};

/// Levels of one scheme.
pub const LEVELS_MAX: usize = 20;
/// The lowest discount that Taobao and Tmall let a member have: 7 折, as what is paid in basis points.
pub const PLATFORM_FLOOR_BPS: i64 = 7_000;
/// The highest bound: minor units, or orders.
pub const BOUND_MAX: i64 = 1_000_000_000_000;
/// The largest multiplier of points, in thousandths.
const MULTIPLIER_MAX: i64 = 100_000;
/// The most days of any rule.
const DAYS_MAX: u32 = 3_650;
/// Longest name and longest text of benefits, in characters.
const NAME_MAX: usize = 30;
const BENEFITS_MAX: usize = 500;

/// What a scheme says. Each edit makes a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LevelRules)]
pub struct Rules {
    /// What bounds are compared with.
    pub measure: Measure,
    /// Only orders paid today or on one of the days before, so many days in all; none: orders of all time.
    #[serde(default)]
    pub window_days: Option<u32>,
    /// When a level is lost.
    pub downgrade: Downgrade,
    /// What a refund does to what is measured.
    pub refunds: Refunds,
    /// From the lowest to the highest; their ranks are 1, 2, 3 …
    pub levels: Vec<Level>,
}

/// What bounds are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LevelMeasure)]
pub enum Measure {
    /// What was paid, in minor units.
    Amount,
    /// How many orders were paid.
    Orders,
}

/// What a refund does to what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LevelRefunds)]
pub enum Refunds {
    /// What was given back counts as never paid: an upgrade that rested on it is taken back.
    TakeBack,
    /// What was once paid counts. Closed orders never do.
    Keep,
}

/// When a level is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = LevelDowngrade)]
pub enum Downgrade {
    /// Never.
    Never,
    /// When a person says so.
    Hand,
    /// As soon as what is measured is below its bound.
    AtOnce,
    /// When it was valid for so many days and is not earned any more.
    Validity {
        /// Until the end of the day so many days later.
        validity_days: u32,
        /// Days after that in which it is kept and can be earned again.
        #[serde(default)]
        grace_days: u32,
        /// How far it falls.
        fall: Fall,
    },
}

/// How far a level falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LevelFall)]
pub enum Fall {
    /// To what is earned now.
    ToEarned,
    /// By one level, which is valid as long again.
    OneLevel,
}

/// A level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberLevel)]
pub struct Level {
    /// Its name, once in a scheme.
    pub name: String,
    /// So many minor units or orders reach it.
    pub bound: i64,
    /// What members of it pay, in basis points: 9500 is 95 折, 10000 no discount.
    pub pay_bps: i64,
    /// Multiplier of points, in thousandths.
    pub multiplier_permille: i64,
    /// What members have of it, for people.
    #[serde(default)]
    pub benefits: String,
}

impl Rules {
    /// The four levels that shops on Taobao have, by what was paid in a year: from the first order, and from 1,000.00,
    /// 3,000.00 and 10,000.00 on. A level is valid for a year with 30 days of grace.
    #[must_use]
    pub fn by_amount() -> Self {
        Self::four(Measure::Amount, [1, 100_000, 300_000, 1_000_000])
    }

    /// The same four levels by orders in a year: from 1, 3, 8 and 20 on.
    #[must_use]
    pub fn by_orders() -> Self {
        Self::four(Measure::Orders, [1, 3, 8, 20])
    }

    fn four(measure: Measure, bounds: [i64; 4]) -> Self {
        let level = |name: &str, bound, pay_bps, multiplier_permille| Level {
            name: name.to_owned(),
            bound,
            pay_bps,
            multiplier_permille,
            benefits: String::new(),
        };
        let [first, second, third, fourth] = bounds;
        let downgrade =
            Downgrade::Validity { validity_days: 365, grace_days: 30, fall: Fall::OneLevel };
        Self {
            measure,
            window_days: Some(365),
            downgrade,
            refunds: Refunds::TakeBack,
            levels: vec![
                level("普通会员", first, 10_000, 1_000),
                level("高级会员", second, 9_800, 1_100),
                level("VIP 会员", third, 9_500, 1_250),
                level("至尊 VIP", fourth, 9_000, 1_500),
            ],
        }
    }

    /// Finds every wrong field. `floor_bps` is the least that the platforms of the scheme's shops let members pay
    /// ([`PLATFORM_FLOOR_BPS`] on Taobao and Tmall), 0 if they do not care.
    ///
    /// # Errors
    /// All of them.
    pub fn check(&self, floor_bps: i64) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut within = |field: &str, value: i64, from: i64, to: i64| {
            if !(from..=to).contains(&value) {
                errors.push(field, format!("must be between {from} and {to}"));
            }
        };
        if let Some(days) = self.window_days {
            within("window_days", days.into(), 1, DAYS_MAX.into());
        }
        if let Downgrade::Validity { validity_days, grace_days, .. } = self.downgrade {
            within("downgrade.validity_days", validity_days.into(), 1, DAYS_MAX.into());
            within("downgrade.grace_days", grace_days.into(), 0, DAYS_MAX.into());
        }
        let floor = floor_bps.clamp(1, 10_000);
        let mut least = 1;
        for (at, level) in self.levels.iter().enumerate() {
            within(&format!("levels[{at}].bound"), level.bound, least, BOUND_MAX);
            within(&format!("levels[{at}].pay_bps"), level.pay_bps, floor, 10_000);
            let field = format!("levels[{at}].multiplier_permille");
            within(&field, level.multiplier_permille, 0, MULTIPLIER_MAX);
            least = level.bound.saturating_add(1);
        }
        if self.levels.is_empty() || self.levels.len() > LEVELS_MAX {
            errors.push("levels", format!("must be 1 to {LEVELS_MAX}"));
        }
        for (at, level) in self.levels.iter().enumerate() {
            let name = level.name.trim();
            let repeated = self.levels.iter().take(at).any(|other| other.name.trim() == name);
            let long = name.is_empty() || name.chars().count() > NAME_MAX;
            if long || repeated || name.contains(char::is_control) {
                let rule =
                    format!("must be 1 to {NAME_MAX} characters on one line, once in a scheme");
                errors.push(format!("levels[{at}].name"), rule);
            }
            if level.benefits.chars().count() > BENEFITS_MAX {
                errors.push(
                    format!("levels[{at}].benefits"),
                    format!("at most {BENEFITS_MAX} characters"),
                );
            }
        }
        errors.finish(|| Some(()))
    }

    /// The rank that `measured` reaches; 0 is no level.
    #[must_use]
    pub fn rank_of(&self, measured: i64) -> usize {
        self.levels.partition_point(|level| level.bound <= measured)
    }

    /// The level of a rank; none for rank 0. A rank that an older version had above all of these is the highest.
    #[must_use]
    pub fn level(&self, rank: usize) -> Option<&Level> {
        self.levels.get(rank.min(self.levels.len()).checked_sub(1)?)
    }

    /// What members of a rank earn points by, in thousandths: 1000 without a level.
    #[must_use]
    pub fn multiplier_permille(&self, rank: usize) -> i64 {
        self.level(rank).map_or(1_000, |level| level.multiplier_permille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_levels_are_sound_on_every_platform() {
        for rules in [Rules::by_amount(), Rules::by_orders()] {
            rules.check(PLATFORM_FLOOR_BPS).unwrap();
            let bound = |rank| rules.level(rank).unwrap().bound;
            for rank in 1..=4 {
                assert_eq!(rules.rank_of(bound(rank)), rank);
                assert_eq!(rules.rank_of(bound(rank) - 1), rank - 1);
            }
            assert_eq!(rules.multiplier_permille(0), 1_000);
            assert_eq!(rules.multiplier_permille(9), 1_500);
        }
    }

    #[test]
    fn a_discount_below_the_floor_is_refused_where_there_is_a_floor() {
        let mut rules = Rules::by_amount();
        rules.levels[3].pay_bps = 6_999;
        let told = format!("{:?}", rules.check(PLATFORM_FLOOR_BPS).unwrap_err());
        assert!(told.contains("levels[3].pay_bps") && told.contains("7000"), "{told}");
        rules.check(0).unwrap();
        rules.levels[3].pay_bps = 7_000;
        rules.check(PLATFORM_FLOOR_BPS).unwrap();
    }

    #[test]
    fn wrong_rules_are_told_all_at_once() {
        let mut rules = Rules::by_orders();
        rules.window_days = Some(0);
        rules.levels[1].bound = 1;
        rules.levels[2].name = " 普通会员".into();
        rules.levels[3].multiplier_permille = -1;
        let told = format!("{:?}", rules.check(0).unwrap_err());
        for field in ["window_days", "levels[1].bound", "levels[2].name", "levels[3].multiplier"] {
            assert!(told.contains(field), "{field}: {told}");
        }
        assert!(Rules { levels: Vec::new(), ..Rules::by_orders() }.check(0).is_err());
    }
}

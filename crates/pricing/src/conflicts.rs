//! What an editor of promotions should know before it saves: who is in whose way.

mod named;

use kernel::{Timestamp, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::conditions::Conditions;
use crate::promotion::{Kind, PriceChange, Promotion, StepOff};
use crate::{FULL_BPS, Stage};
use named::Lists;

/// Days of a period that are looked at for one that the calendar allows.
const MAX_DAYS: i64 = 800;

/// One thing to know about one or two promotions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Conflict {
    /// Two of one exclusive group may meet in a cart, where one of them applies.
    Overlap {
        /// The group.
        group: String,
        /// The one with the smaller id.
        first: String,
        /// The other one.
        second: String,
        /// The first moment of both; `None` for always.
        from: Option<Timestamp>,
        /// The first moment after one of them; `None` for never.
        until: Option<Timestamp>,
    },
    /// It can never apply.
    Never {
        /// Which.
        promotion: String,
        /// Why.
        reason: NeverReason,
    },
    /// Wherever it could apply, another one could in its place and gives by itself as much or more. It may still be
    /// wanted where giving less keeps the threshold of a third one.
    Hidden {
        /// Which.
        promotion: String,
        /// The other one.
        by: String,
    },
    /// Two rates may meet on one line and leave less of the list price than the floor.
    Deep {
        /// The one with the smaller id.
        first: String,
        /// The other one.
        second: String,
        /// What is left to pay, in basis points of the list price, before rounding and caps.
        pay_bps: u32,
    },
}

/// Why a promotion can never apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeverReason {
    /// Its calendar allows no day of its period.
    Calendar,
    /// All its products are excluded.
    Products,
    /// It has no rate for any level it is for.
    Level,
    /// It may be used no time.
    Limit,
    /// Its budget is used up, its cap is 0, or it takes nothing off.
    GivesNothing,
}

/// Everything worth knowing about `promotions` together, by what they are and not by carts: exclusive overlaps,
/// those that never apply, those hidden by a better one, and pairs of rates that leave less than `floor_bps` of
/// the list price. Days are those of `zone`. Up to 500 promotions; pairs are compared, so it takes milliseconds.
///
/// Chains of three and more rates and sales below cost depend on carts: price some, or simulate.
#[must_use]
pub fn conflicts(promotions: &[Promotion], zone: Zone, floor_bps: u32) -> Vec<Conflict> {
    let mut sorted: Vec<&Promotion> = promotions.iter().take(crate::MAX_PROMOTIONS).collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let lists = Lists::new(&sorted);
    let mut found = Vec::new();
    for promotion in &sorted {
        if let Some(reason) = never(promotion, zone) {
            found.push(Conflict::Never { promotion: promotion.id.clone(), reason });
        }
    }
    for (a, first) in sorted.iter().enumerate() {
        for (b, second) in sorted.iter().enumerate().skip(a + 1) {
            if hides(first, second) && is_wider(&lists, &sorted, a, b) {
                found.push(Conflict::Hidden { promotion: second.id.clone(), by: first.id.clone() });
            } else if hides(second, first) && is_wider(&lists, &sorted, b, a) {
                found.push(Conflict::Hidden { promotion: first.id.clone(), by: second.id.clone() });
            }
            if !may_meet(&lists, &sorted, a, b) {
                continue;
            }
            let is_exclusive =
                first.exclusive_group.is_some() && first.exclusive_group == second.exclusive_group;
            if let (true, Some(group)) = (is_exclusive, &first.exclusive_group) {
                found.push(Conflict::Overlap {
                    group: group.clone(),
                    first: first.id.clone(),
                    second: second.id.clone(),
                    from: first.period.starts_at.max(second.period.starts_at),
                    until: [first.period.ends_at, second.period.ends_at]
                        .into_iter()
                        .flatten()
                        .min(),
                });
            } else if let Some(pay_bps) = together(first, second).filter(|pay| *pay < floor_bps) {
                let (first, second) = (first.id.clone(), second.id.clone());
                found.push(Conflict::Deep { first, second, pay_bps });
            }
        }
    }
    found
}

fn never(promotion: &Promotion, zone: Zone) -> Option<NeverReason> {
    let conditions = &promotion.conditions;
    let limits = promotion.limits;
    let all_excluded = !conditions.products.is_empty()
        && conditions.categories.is_empty()
        && named::is_all_in(&conditions.products, &conditions.excluded_products);
    let no_level = match &promotion.kind {
        Kind::LevelDiscount { levels } if !conditions.levels.is_empty() => {
            !levels.iter().any(|rate| conditions.levels.contains(&rate.level))
        }
        _ => false,
    };
    if has_no_day(promotion, zone) {
        Some(NeverReason::Calendar)
    } else if all_excluded {
        Some(NeverReason::Products)
    } else if no_level {
        Some(NeverReason::Level)
    } else if [limits.total, limits.per_person, limits.per_person_per_day].contains(&Some(0)) {
        Some(NeverReason::Limit)
    } else if gives_nothing(promotion) {
        Some(NeverReason::GivesNothing)
    } else {
        None
    }
}

fn has_no_day(promotion: &Promotion, zone: Zone) -> bool {
    let (Some(starts_at), Some(ends_at)) = (promotion.period.starts_at, promotion.period.ends_at)
    else {
        return false;
    };
    let (first, last) = (starts_at.day(zone), ends_at.plus_millis(-1).day(zone));
    !promotion.calendar.is_open()
        && (last - first).num_days() < MAX_DAYS
        && !first
            .iter_days()
            .take_while(|day| *day <= last)
            .any(|day| promotion.calendar.allows_day(day))
}

fn gives_nothing(promotion: &Promotion) -> bool {
    match &promotion.kind {
        Kind::Gift { .. } => false,
        Kind::AmountOff { off_minor: 0, .. }
        | Kind::TimedDiscount { price: PriceChange::Less { off_minor: 0 } } => true,
        Kind::AmountOff { cap_minor: Some(0), .. }
        | Kind::PercentOff { cap_minor: Some(0), .. }
        | Kind::Tiered { cap_minor: Some(0), .. }
        | Kind::FreeShipping { cap_minor: Some(0) } => true,
        _ => promotion.budget_left_minor == Some(0),
    }
}

/// Whether some customer could have both on one line at one moment, as far as definitions tell.
fn may_meet(lists: &Lists, promotions: &[&Promotion], first: usize, second: usize) -> bool {
    let (a, b) = (promotions[first], promotions[second]);
    let days =
        |a: &[u8], b: &[u8]| a.is_empty() || b.is_empty() || a.iter().any(|day| b.contains(day));
    let hours = a.calendar.hours.is_empty()
        || b.calendar.hours.is_empty()
        || a.calendar.hours.iter().any(|a| {
            let meets =
                |b: &crate::Hours| a.from_minute < b.until_minute && b.from_minute < a.until_minute;
            b.calendar.hours.iter().any(meets)
        });
    let (one, other) = (&a.conditions, &b.conditions);
    // A product named by one may be in a category named by the other.
    let lists_only_products = |c: &Conditions| !c.products.is_empty() && c.categories.is_empty();
    let products = !(lists_only_products(one) && lists_only_products(other))
        || lists.products.is_shared(first, second);
    a.currency == b.currency
        && a.period.overlaps(&b.period)
        && days(&a.calendar.weekdays, &b.calendar.weekdays)
        && days(&a.calendar.days_of_month, &b.calendar.days_of_month)
        && hours
        && lists.shops.may_meet(first, second)
        && lists.levels.may_meet(first, second)
        && lists.tiers.may_meet(first, second)
        && products
}

/// The least rate that a promotion of rates pays.
fn rate(promotion: &Promotion) -> Option<u32> {
    match &promotion.kind {
        Kind::LevelDiscount { levels } => levels.iter().map(|rate| rate.pay_bps).min(),
        Kind::TimedDiscount { price: PriceChange::Rate { pay_bps } }
        | Kind::PercentOff { pay_bps, .. } => Some(*pay_bps),
        Kind::Tiered { steps, .. } => {
            let rates = steps.iter().filter_map(|step| match step.off {
                StepOff::Rate { pay_bps } => Some(pay_bps),
                StepOff::Amount { .. } => None,
            });
            rates.min()
        }
        _ => None,
    }
}

/// What two rates leave on one line; `None` if they do not combine there.
fn together(a: &Promotion, b: &Promotion) -> Option<u32> {
    let discounted =
        |a: &Promotion, b: &Promotion| a.stage() == Stage::Price && b.conditions.exclude_discounted;
    let combine = if a.stage() == b.stage() {
        a.stage() != Stage::Price
            && a.stacking_group.is_some()
            && a.stacking_group == b.stacking_group
    } else {
        !discounted(a, b) && !discounted(b, a)
    };
    let (one, other) = (rate(a)?, rate(b)?);
    // Drafts are not checked: a rate may be anything.
    let pay = u64::from(one) * u64::from(other) / u64::from(FULL_BPS);
    combine.then(|| u32::try_from(pay).unwrap_or(u32::MAX))
}

/// Whether `better` applies in the place of `hidden` and gives as much or more, where [`is_wider`] says that it applies.
fn hides(better: &Promotion, hidden: &Promotion) -> bool {
    let is_in_place = better.exclusive_group == hidden.exclusive_group
        && better.stacking_group == hidden.stacking_group
        && (better.exclusive_group.is_some() || better.stacking_group.is_none());
    is_in_place
        && better.stage() == hidden.stage()
        && better.scope == hidden.scope
        && !better.coupon
        && !hidden.coupon
        && better.currency == hidden.currency
        && better.priority == hidden.priority
        && better.period.covers(&hidden.period)
        && (better.calendar.is_open() || better.calendar == hidden.calendar)
        && better.limits == crate::Limits::default()
        && better.budget_left_minor.is_none()
        && gives_as_much(&better.kind, &hidden.kind)
}

/// Whether the promotion at `better` holds whenever that at `hidden` does, for the same products.
fn is_wider(lists: &Lists, promotions: &[&Promotion], better: usize, hidden: usize) -> bool {
    let (wide, narrow) = (&promotions[better].conditions, &promotions[hidden].conditions);
    lists.products.is_same(better, hidden)
        && lists.categories.is_same(better, hidden)
        && lists.excluded_products.is_same(better, hidden)
        && lists.excluded_categories.is_same(better, hidden)
        && wide.exclude_discounted == narrow.exclude_discounted
        && lists.shops.is_wider(better, hidden)
        && lists.levels.is_wider(better, hidden)
        && lists.tiers.is_wider(better, hidden)
        && lists.audiences.is_wider(better, hidden)
        && (!wide.first_order || narrow.first_order)
        && (!wide.birthday || narrow.birthday)
        && wide.minimum_amount_minor <= narrow.minimum_amount_minor
        && wide.minimum_pieces <= narrow.minimum_pieces
}

fn gives_as_much(better: &Kind, hidden: &Kind) -> bool {
    let cap = |better: &Option<i64>, hidden: &Option<i64>| {
        better.is_none_or(|better| hidden.is_some_and(|hidden| hidden <= better))
    };
    match (better, hidden) {
        (
            Kind::PercentOff { pay_bps: less, cap_minor: own },
            Kind::PercentOff { pay_bps, cap_minor },
        ) => less <= pay_bps && cap(own, cap_minor),
        (
            Kind::AmountOff {
                threshold_minor: from,
                off_minor: off,
                repeat: repeats,
                cap_minor: own,
            },
            Kind::AmountOff { threshold_minor, off_minor, repeat, cap_minor },
        ) => {
            from <= threshold_minor && off >= off_minor && repeats >= repeat && cap(own, cap_minor)
        }
        (Kind::FreeShipping { cap_minor: own }, Kind::FreeShipping { cap_minor }) => {
            cap(own, cap_minor)
        }
        (Kind::TimedDiscount { price: own }, Kind::TimedDiscount { price }) => match (own, price) {
            (PriceChange::Rate { pay_bps: own }, PriceChange::Rate { pay_bps }) => own <= pay_bps,
            (PriceChange::Less { off_minor: own }, PriceChange::Less { off_minor }) => {
                own >= off_minor
            }
            (
                PriceChange::Fixed { unit_price_minor: own },
                PriceChange::Fixed { unit_price_minor },
            ) => own <= unit_price_minor,
            _ => false,
        },
        (Kind::LevelDiscount { levels: own }, Kind::LevelDiscount { levels }) => {
            levels.iter().all(|rate| {
                let same = own.iter().find(|other| other.level == rate.level);
                same.is_some_and(|other| other.pay_bps <= rate.pay_bps)
            })
        }
        _ => false,
    }
}

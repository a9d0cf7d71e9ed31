//! Sums of orders by day.

use chrono::NaiveDate;
use kernel::{Reach, ShopId, Timestamp, Zone};

use crate::engine::View;
use crate::list::Within;

/// Milliseconds in a day; zones are fixed offsets, so every day has them.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01 as calendars in `zone` count them.
pub(crate) fn day_number(ms: i64, zone: Zone) -> i64 {
    ms.saturating_add(i64::from(zone.offset_seconds()) * 1000).div_euclid(DAY_MS)
}

/// The first millisecond after `day`.
pub(crate) fn end_of(day: NaiveDate, zone: Zone) -> i64 {
    Timestamp::start_of(day, zone).millis().saturating_add(DAY_MS)
}

/// Days asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaysQuery {
    /// The first day.
    pub from: NaiveDate,
    /// The last day; at most [`DaysQuery::MAX_DAYS`] are given, counted from the first.
    pub to: NaiveDate,
    /// The zone of days.
    pub zone: Zone,
    /// Only orders of this shop.
    pub shop: Option<ShopId>,
}

impl DaysQuery {
    /// The most days of one answer: ten years.
    pub const MAX_DAYS: usize = 3_660;
}

/// One day, also if nothing happened on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySum {
    /// The day.
    pub day: NaiveDate,
    /// Counted orders.
    pub orders: u64,
    /// Their revenue in minor units.
    pub revenue_minor: i64,
    /// Customers whose first counted order (of the shop, if one is given) is on this day.
    pub new_customers: u64,
}

/// The sums of what `view` sees.
pub(crate) fn days(view: View<'_>, query: &DaysQuery, reach: &Reach) -> Vec<DaySum> {
    let mut days: Vec<DaySum> = query
        .from
        .iter_days()
        .take_while(|day| *day <= query.to)
        .take(DaysQuery::MAX_DAYS)
        .map(|day| DaySum { day, orders: 0, revenue_minor: 0, new_customers: 0 })
        .collect();
    let Some(last_day) = days.last().map(|sum| sum.day) else {
        return days;
    };
    let start = Timestamp::start_of(query.from, query.zone).millis();
    let end = end_of(last_day, query.zone);
    let mut sum = |at: i64, revenue: i64, is_first: bool| {
        if (start..end).contains(&at) {
            let day = &mut days[((at - start) / DAY_MS) as usize];
            day.orders += 1;
            day.revenue_minor = day.revenue_minor.saturating_add(revenue);
            day.new_customers += u64::from(is_first);
        }
    };
    let within = Within::new(view, reach);
    sum_base(view, &within, query.shop, start..end, &mut sum);
    for (_, row, _) in view.delta.rows().filter(|(_, row, _)| within.holds_row(row)) {
        for (index, fact) in row.facts_of(query.shop).enumerate() {
            sum(fact.ordered_at.millis(), fact.revenue_minor, index == 0);
        }
    }
    days
}

fn sum_base(
    view: View<'_>,
    within: &Within<'_>,
    shop: Option<ShopId>,
    span: std::ops::Range<i64>,
    sum: &mut impl FnMut(i64, i64, bool),
) {
    let (base, facts) = (view.base, &view.base.facts);
    let shop = shop.map(|id| facts.shops.find(&id));
    if shop == Some(None) {
        return;
    }
    let shop = shop.flatten();
    for ordinal in 0..base.len() {
        // Most customers have nothing in a short span, and a customer without orders has
        // `NO_ORDER`, which is before any.
        if base.last.get(ordinal) < span.start
            || base.first.get(ordinal) >= span.end
            || view.dead.has(ordinal)
            || !within.holds(ordinal)
        {
            continue;
        }
        let mut is_first = true;
        for index in facts.range(ordinal) {
            if shop.is_none_or(|shop| facts.shop.get(index) == shop) {
                sum(facts.time.get(index), facts.revenue.get(index), is_first);
                is_first = false;
            }
        }
    }
}

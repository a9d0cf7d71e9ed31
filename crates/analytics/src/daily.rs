//! Sums of orders by day.

use chrono::NaiveDate;
use kernel::{ShopId, Timestamp, Zone};

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

//! What may be asked of the list, and its answer.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDate;
use kernel::{CustomerId, Reach, ShopId, TagId, Timestamp, UserId, Zone};
use serde::{Deserialize, Serialize};

use crate::audience::Members;
use crate::feed::average_minor;
use crate::rfm::{CellPattern, Tier};

/// Bounds of a number, both ends included; an absent end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The least value that passes.
    pub min: Option<i64>,
    /// The greatest value that passes.
    pub max: Option<i64>,
}

impl Span {
    /// Values from `min` to `max`.
    #[must_use]
    pub const fn new(min: Option<i64>, max: Option<i64>) -> Self {
        Self { min, max }
    }

    /// Moments from the start of day `from` to the end of day `to`, as clocks in `zone` show them.
    #[must_use]
    pub fn days(from: Option<NaiveDate>, to: Option<NaiveDate>, zone: Zone) -> Self {
        Self {
            min: from.map(|day| Timestamp::start_of(day, zone).millis()),
            max: to.map(|day| crate::daily::end_of(day, zone).saturating_sub(1)),
        }
    }

    /// Whether everything passes.
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    /// Whether `value` passes.
    #[must_use]
    pub fn contains(self, value: i64) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }
}

/// Which customers: all conditions at once. The default lets everyone pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of the name or of an account, folded here; or a customer of `also`.
    pub q: Option<String>,
    /// Customers who pass `q` whatever their name, such as those found by phone. Without `q` unused.
    pub also: Vec<CustomerId>,
    /// Only these customers.
    pub ids: Option<Vec<CustomerId>>,
    /// Only who belongs to an audience. Ask the state in which they were found
    /// ([`crate::Snapshot::audience_of_list`]): then they agree with all else, and cost no look-up.
    pub members: Option<Arc<Members>>,
    /// Has a counted order in this shop.
    pub shop: Option<ShopId>,
    /// Has this tag.
    pub tag: Option<TagId>,
    /// In one of these tiers of the 11-name scheme; empty for any.
    pub tier: Vec<Tier>,
    /// In one of these classes of the classic scheme; empty for any.
    pub classic: Vec<Tier>,
    /// In one of these cells of the cube.
    pub cell: Option<CellPattern>,
    /// Of this province, exactly as fed.
    pub province: Option<String>,
    /// Has this rating.
    pub rating: Option<u8>,
    /// Is owned by this user, or by nobody.
    pub owner: Option<Option<UserId>>,
    /// Is in the reach of whoever asks: its owner, or its province as its region. An empty province
    /// is no region.
    pub reach: Reach,
    /// Counted orders.
    pub orders: Span,
    /// Revenue in minor units.
    pub revenue: Span,
    /// Revenue, here and in sorts, of orders of this shop only.
    pub amounts_of: Option<ShopId>,
    /// Moment of the last counted order in milliseconds; a bound leaves out who has none.
    pub last_order: Span,
    /// Moment of the first counted order in milliseconds; a bound leaves out who has none.
    pub first_order: Span,
    /// Moment in milliseconds from which on nothing may be decided about them by machine; `i64::MAX` where
    /// that is never.
    pub refused_from: Span,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Moment of the last counted order; customers without one come last.
    LastOrderAt,
    /// Moment of the first counted order; customers without one come last.
    FirstOrderAt,
    /// Counted orders.
    Orders,
    /// Revenue.
    Revenue,
    /// Revenue per order; customers without one come last.
    AverageOrder,
    /// When the customer became known.
    CreatedAt,
}

impl SortKey {
    /// All keys.
    pub const ALL: [Self; 6] = [
        Self::LastOrderAt,
        Self::FirstOrderAt,
        Self::Orders,
        Self::Revenue,
        Self::AverageOrder,
        Self::CreatedAt,
    ];

    /// The name in the interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastOrderAt => "last_order_at",
            Self::FirstOrderAt => "first_order_at",
            Self::Orders => "orders",
            Self::Revenue => "revenue",
            Self::AverageOrder => "average_order",
            Self::CreatedAt => "created_at",
        }
    }

    /// The value of a key that is about amounts, from revenue and orders; `None` for the other keys.
    pub(crate) fn of_amounts(self, (revenue, orders): (i64, u32)) -> Option<Option<i64>> {
        match self {
            Self::Revenue => Some(Some(revenue)),
            Self::AverageOrder => Some(average_minor(revenue, orders)),
            Self::LastOrderAt | Self::FirstOrderAt | Self::Orders | Self::CreatedAt => None,
        }
    }

    /// Whether it is about amounts, which have a currency.
    #[must_use]
    pub const fn is_amount(self) -> bool {
        matches!(self, Self::Revenue | Self::AverageOrder)
    }

    /// Whether a customer without an order has no value under this key.
    pub(crate) const fn needs_order(self) -> bool {
        matches!(self, Self::LastOrderAt | Self::FirstOrderAt | Self::AverageOrder)
    }
}

/// A sort key and its direction. Ties follow the id in the same direction; customers without a
/// value come last in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sort {
    /// What is compared.
    pub key: SortKey,
    /// Greatest first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::LastOrderAt, descending: true }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.key.name())
    }
}

/// Not a documented sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of last_order_at, first_order_at, orders, revenue, average_order, created_at, \
     with `-` in front for descending"
)]
pub struct SortParseError;

impl FromStr for Sort {
    type Err = SortParseError;
    fn from_str(text: &str) -> Result<Self, SortParseError> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let key = SortKey::ALL.into_iter().find(|key| key.name() == name).ok_or(SortParseError)?;
        Ok(Self { key, descending })
    }
}

/// Position after one customer of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListCursor {
    /// The sort the position belongs to.
    pub sort: Sort,
    /// Sort value of the last customer shown; none if it has none.
    pub value: Option<i64>,
    /// The last customer shown.
    pub id: CustomerId,
}

/// One page asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Which customers.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// Where the page before ended. A cursor of another sort is ignored; check it with
    /// [`ListQuery::cursor_fits`] and refuse it.
    pub after: Option<ListCursor>,
    /// How many customers; held within 1 to [`ListQuery::MAX_LIMIT`].
    pub limit: usize,
}

impl ListQuery {
    /// The hard limit of a page; exports read pages of this size.
    pub const MAX_LIMIT: usize = 10_000;

    /// Whether `after` belongs to this sort.
    #[must_use]
    pub fn cursor_fits(&self) -> bool {
        self.after.is_none_or(|cursor| cursor.sort == self.sort)
    }
}

/// One page of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The customers in order.
    pub ids: Vec<CustomerId>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<ListCursor>,
    /// How many customers pass the filter, on all pages.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_read_as_documented() {
        let sort: Sort = "-average_order".parse().unwrap();
        assert_eq!(sort, Sort { key: SortKey::AverageOrder, descending: true });
        assert_eq!(sort.to_string(), "-average_order");
        assert_eq!("name".parse::<Sort>(), Err(SortParseError));
        assert_eq!("--orders".parse::<Sort>(), Err(SortParseError));
    }

    #[test]
    fn a_span_of_days_ends_with_the_last_millisecond() {
        let day = NaiveDate::from_ymd_opt(2017, 7, 8).unwrap();
        let span = Span::days(Some(day), Some(day), Zone::CHINA);
        let start = Timestamp::start_of(day, Zone::CHINA).millis();
        assert!(span.contains(start) && span.contains(start + 86_399_999));
        assert!(!span.contains(start - 1) && !span.contains(start + 86_400_000));
    }
}

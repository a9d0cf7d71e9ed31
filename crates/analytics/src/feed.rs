//! What the engine is told of a customer, and what it tells back.

use kernel::{CustomerId, ShopId, TagId, Timestamp, UserId};

use crate::contact::ContactSpan;
use crate::loyalty::LoyaltyFeed;
use crate::rfm::Standing;

/// Everything about a customer that lists filter by, apart from orders. Replaces what was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerFeed {
    /// The customer.
    pub id: CustomerId,
    /// Name as shown; folded here.
    pub name: String,
    /// Accounts on all channels, joined with blanks; folded here.
    pub accounts: String,
    /// Province as filtered by; empty when unknown.
    pub province: String,
    /// Rating given by hand, below 255.
    pub rating: Option<u8>,
    /// Whose customer it is.
    pub owner: Option<UserId>,
    /// When the customer became known.
    pub created_at: Timestamp,
    /// Tags put on the customer.
    pub tags: Vec<TagId>,
    /// From when on nothing may be decided about them by machine; `None` as long as it may.
    pub refused_from: Option<Timestamp>,
    /// When they may be contacted, or may not, other than without a word; in any order, those of one way and
    /// purpose apart. Empty for most.
    pub contact: Vec<ContactSpan>,
    /// Member levels and points.
    pub loyalty: LoyaltyFeed,
}

/// An order that counts: paid, and not closed. Others are not passed to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderFact {
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// The shop it was ordered in.
    pub shop: ShopId,
    /// Revenue after refunds, in minor units of the organisation's currency.
    pub revenue_minor: i64,
}

/// A line of an order that counts: one product of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineFact {
    /// When the order was made.
    pub ordered_at: Timestamp,
    /// The order; lines of one customer with the same number are of one order.
    pub order: u64,
    /// The shop it was ordered in.
    pub shop: ShopId,
    /// The merchant's code of the product; empty when unknown.
    pub code: String,
    /// Title of the product; empty when unknown.
    pub title: String,
    /// Pieces.
    pub quantity: i64,
    /// Amount in minor units of the organisation's currency.
    pub amount_minor: i64,
}

/// Orders of one customer with their lines, each in any order. An order without lines has none that conditions on
/// products see, and a line without its order is not kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrdersFed<'a> {
    /// The orders.
    pub orders: &'a [OrderFact],
    /// Lines of these orders.
    pub lines: &'a [LineFact],
}

/// What the engine knows of one customer's orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerFacts {
    /// Counted orders.
    pub orders: u32,
    /// Their revenue in minor units.
    pub revenue_minor: i64,
    /// Revenue per order in minor units; `None` without an order.
    pub average_minor: Option<i64>,
    /// The first counted order.
    pub first_order_at: Option<Timestamp>,
    /// The last counted order.
    pub last_order_at: Option<Timestamp>,
    /// When the customer became known.
    pub created_at: Timestamp,
    /// From when on nothing may be decided about them by machine.
    pub refused_from: Option<Timestamp>,
    /// Score and tiers under the scores set; `None` without scores or without a counted order.
    pub standing: Option<Standing>,
}

/// Revenue per order in minor units, rounded half away from zero; `None` without an order.
#[must_use]
pub fn average_minor(revenue_minor: i64, orders: u32) -> Option<i64> {
    if orders == 0 {
        return None;
    }
    let (orders, half) = (i64::from(orders), i64::from(orders / 2));
    let away = if revenue_minor < 0 { -half } else { half };
    Some(revenue_minor.saturating_add(away) / orders)
}

/// More than the engine's 32-bit ordinals and offsets can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more {what} than the engine can hold ({limit})")]
pub struct CapacityError {
    /// What there is too much of.
    pub what: &'static str,
    /// How many fit.
    pub limit: u64,
}

#[cfg(test)]
mod tests {
    use super::average_minor;

    #[test]
    fn averages_round_half_away_from_zero() {
        assert_eq!(average_minor(5, 0), None);
        assert_eq!(average_minor(5, 2), Some(3));
        assert_eq!(average_minor(-5, 2), Some(-3));
        assert_eq!(average_minor(4, 3), Some(1));
        assert_eq!(average_minor(5, 3), Some(2));
    }
}

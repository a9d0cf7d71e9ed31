//! What shop to invent.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

/// The shop to invent. The same plan always gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopPlan {
    /// Another seed is another shop.
    pub seed: u64,
    /// Buyer accounts; every one has at least one order.
    pub customers: u32,
    /// Orders placed from `from` to `to`.
    pub orders: u32,
    /// Orders that the shop took before these: theirs have other numbers.
    pub orders_before: u32,
    /// First day of trade.
    pub from: NaiveDate,
    /// Last day of trade.
    pub to: NaiveDate,
    /// The shop's clock when the report is taken: later orders are not in it, and the state of
    /// the others is as of this moment. An earlier and a later report of one shop tell of the
    /// same orders.
    pub taken_at: NaiveDateTime,
    /// The shop's name.
    pub shop_name: String,
}

/// Why a shop cannot be invented.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nobody would buy.
    #[error("a shop needs at least one customer")]
    NoCustomers,
    /// Some customers would have no order.
    #[error("{orders} orders are too few for {customers} customers: each has at least one")]
    TooFewOrders {
        /// Customers asked for.
        customers: u32,
        /// Orders asked for.
        orders: u32,
    },
    /// More than the numbering of orders and phones has room for.
    #[error("at most {limit} orders can be invented, not {orders}")]
    TooManyOrders {
        /// Orders asked for.
        orders: u32,
        /// The most there may be.
        limit: u32,
    },
    /// The days run backwards or too far.
    #[error("trade from {from} to {to} must last from 1 to {limit_days} days")]
    Days {
        /// First day asked for.
        from: NaiveDate,
        /// Last day asked for.
        to: NaiveDate,
        /// The most days there may be.
        limit_days: i64,
    },
}

impl ShopPlan {
    /// Customers of the demonstration shop.
    pub const CUSTOMERS: u32 = 20_000;
    /// Orders of the demonstration shop.
    pub const ORDERS: u32 = 120_000;
    /// The most orders a plan may ask for, those before it included.
    pub const MAX_ORDERS: u32 = 30_000_000;
    /// The most days a plan may cover.
    pub const MAX_DAYS: i64 = 3_660;
    const SEED: u64 = 20_090_101;

    /// The demonstration shop: three years of trade that end on `to`.
    #[must_use]
    pub fn ending(to: NaiveDate) -> Self {
        let from = to.checked_sub_days(Days::new(3 * 365)).unwrap_or(to);
        let midnight = to.checked_add_days(Days::new(1)).unwrap_or(to).and_time(NaiveTime::MIN);
        Self {
            seed: Self::SEED,
            customers: Self::CUSTOMERS,
            orders: Self::ORDERS,
            orders_before: 0,
            from,
            to,
            taken_at: midnight,
            shop_name: "山间茶舍旗舰店".to_owned(),
        }
    }

    /// A shop of `orders` orders and a third as many customers, for measurements.
    #[must_use]
    pub fn of_orders(orders: u32, to: NaiveDate) -> Self {
        Self { customers: (orders / 3).max(1), orders, ..Self::ending(to) }
    }

    /// Days of trade.
    pub(crate) fn days(&self) -> u32 {
        (self.to - self.from).num_days() as u32 + 1
    }

    pub(crate) fn check(&self) -> Result<(), PlanError> {
        let Self { customers, orders, from, to, .. } = *self;
        if customers == 0 {
            return Err(PlanError::NoCustomers);
        }
        if orders < customers {
            return Err(PlanError::TooFewOrders { customers, orders });
        }
        let numbered = orders.saturating_add(self.orders_before);
        if numbered > Self::MAX_ORDERS {
            return Err(PlanError::TooManyOrders { orders: numbered, limit: Self::MAX_ORDERS });
        }
        if !(0..Self::MAX_DAYS).contains(&(to - from).num_days()) {
            return Err(PlanError::Days { from, to, limit_days: Self::MAX_DAYS });
        }
        Ok(())
    }
}

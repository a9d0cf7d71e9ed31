//! Recency, frequency and monetary value of everybody as plain columns, for models that read them once.

use kernel::{CustomerId, Reach};

use crate::engine::Snapshot;
use crate::list::Within;
use crate::rfm::{RfmQuery, Window};

/// Customers with a counted order up to a day, in columns of one length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RfmValues {
    /// The customers.
    pub ids: Vec<CustomerId>,
    /// Days from the last order to the day.
    pub recency_days: Vec<i64>,
    /// Orders.
    pub orders: Vec<u32>,
    /// Their revenue in minor units.
    pub revenue_minor: Vec<i64>,
}

impl Snapshot {
    /// The values that scores of `query` would be made of, for those in `reach`.
    #[must_use]
    pub fn rfm_values(&self, query: &RfmQuery, reach: &Reach) -> RfmValues {
        let view = self.view();
        let within = Within::new(view, reach);
        let window = Window::new(query.as_of, query.zone, query.shop);
        let (base, facts) = (view.base, &view.base.facts);
        let number = window.shop.map(|id| facts.shops.find(&id));
        let mut found = RfmValues::default();
        for ordinal in 0..base.len() {
            if view.dead.has(ordinal) || !within.holds(ordinal) {
                continue;
            }
            let (mut orders, mut revenue_minor, mut last) = (0, 0_i64, 0);
            for order in facts.range(ordinal) {
                let at = facts.time.get(order);
                let is_of_shop = number.is_none_or(|number| number == Some(facts.shop.get(order)));
                if is_of_shop && at < window.end_ms {
                    orders += 1;
                    revenue_minor = revenue_minor.saturating_add(facts.revenue.get(order));
                    // By time, so the last one seen is the last.
                    last = at;
                }
            }
            if orders > 0 {
                found.push(base.ids[ordinal], window.recency_days(last), orders, revenue_minor);
            }
        }
        for (id, row, _) in view.delta.rows().filter(|(_, row, _)| within.holds_row(row)) {
            if let Some(values) = row.values(&window) {
                found.push(id, values.recency_days, values.orders, values.revenue_minor);
            }
        }
        found
    }
}

impl RfmValues {
    fn push(&mut self, id: CustomerId, recency_days: i64, orders: u32, revenue_minor: i64) {
        self.ids.push(id);
        self.recency_days.push(recency_days);
        self.orders.push(orders);
        self.revenue_minor.push(revenue_minor);
    }
}

//! The counted orders of everybody as plain columns, for models that read them once.

use kernel::{CustomerId, Reach, ShopId, Zone};

use crate::daily::day_number;
use crate::engine::Snapshot;
use crate::list::Within;

/// Orders in columns of one length, customer by customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purchases {
    /// The customers; `customer` counts in them.
    pub ids: Vec<CustomerId>,
    /// Whose order it is.
    pub customer: Vec<u32>,
    /// Days since 1970-01-01, as calendars in the zone count them.
    pub day: Vec<i64>,
    /// Revenue in minor units.
    pub revenue_minor: Vec<i64>,
}

impl Snapshot {
    /// The counted orders of those in `reach`, of `shop` or of all shops, up to `last_day`.
    #[must_use]
    pub fn purchases(
        &self,
        zone: Zone,
        shop: Option<ShopId>,
        last_day: chrono::NaiveDate,
        reach: &Reach,
    ) -> Purchases {
        let view = self.view();
        let within = Within::new(view, reach);
        let end = crate::daily::end_of(last_day, zone);
        let (base, facts) = (view.base, &view.base.facts);
        let number = shop.map(|id| facts.shops.find(&id));
        let mut found = Purchases::default();
        for ordinal in 0..base.len() {
            if view.dead.has(ordinal) || !within.holds(ordinal) {
                continue;
            }
            let of_shop = |index: &usize| match number {
                None => true,
                Some(number) => number == Some(facts.shop.get(*index)),
            };
            let orders = facts.range(ordinal).filter(of_shop);
            let orders = orders.map(|index| (facts.time.get(index), facts.revenue.get(index)));
            found.push(base.ids[ordinal], orders.filter(|(at, _)| *at < end), zone);
        }
        for (id, row, _) in view.delta.rows().filter(|(_, row, _)| within.holds_row(row)) {
            let orders = row
                .facts_of(shop)
                .map(|fact| (fact.ordered_at.millis(), fact.revenue_minor))
                .filter(|(at, _)| *at < end);
            found.push(id, orders, zone);
        }
        found
    }
}

impl Purchases {
    /// Revenue as models take it: an order that was refunded beyond its worth is worth nothing.
    #[must_use]
    pub fn amounts(&self) -> Vec<f64> {
        self.revenue_minor.iter().map(|minor| (*minor).max(0) as f64).collect()
    }

    fn push(&mut self, id: CustomerId, orders: impl Iterator<Item = (i64, i64)>, zone: Zone) {
        let customer = self.ids.len() as u32;
        let before = self.day.len();
        for (at, revenue) in orders {
            self.customer.push(customer);
            self.day.push(day_number(at, zone));
            self.revenue_minor.push(revenue);
        }
        if self.day.len() > before {
            self.ids.push(id);
        }
    }
}

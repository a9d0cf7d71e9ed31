//! Orders in columns, sorted by customer and then by time.

use std::ops::Range;

use kernel::{ShopId, Timestamp};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::blocks;
use crate::delta::RowOrders;
use crate::dictionary::Dictionary;
use crate::feed::{CapacityError, OrderFact};
use crate::lines::{Lines, LooseLines};
use crate::moments::Moments;
use crate::narrow::Narrow;
use crate::numbers::Numbers;
use crate::sets::sets_by_number;

const TOO_MANY_FACTS: CapacityError = CapacityError { what: "orders", limit: u32::MAX as u64 };

/// The orders of all customers of the base: those of ordinal `c` are at `offsets[c]..offsets[c+1]`.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) offsets: Vec<u32>,
    pub(crate) time: Moments,
    pub(crate) revenue: Narrow<i32>,
    pub(crate) shop: Numbers,
    pub(crate) shops: Dictionary<ShopId>,
    /// Lines of the orders, by the same index.
    pub(crate) lines: Lines,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            time: Moments::default(),
            revenue: Narrow::default(),
            shop: Numbers::default(),
            shops: Dictionary::default(),
            lines: Lines::default(),
        }
    }
}

impl Facts {
    /// Nothing yet, with room, and with shops and products numbered as in `like`.
    pub(crate) fn with_capacity(customers: usize, facts: usize, like: &Self) -> Self {
        let mut offsets = Vec::with_capacity(customers + 1);
        offsets.push(0);
        Self {
            offsets,
            time: Moments::with_capacity(facts),
            revenue: Narrow::with_capacity(facts),
            shop: Numbers::default(),
            shops: like.shops.clone(),
            lines: Lines::with_products(like.lines.products.clone()),
        }
    }

    pub(crate) fn range(&self, customer: usize) -> Range<usize> {
        self.offsets[customer] as usize..self.offsets[customer + 1] as usize
    }

    pub(crate) fn orders(&self, customer: usize) -> u32 {
        self.offsets[customer + 1] - self.offsets[customer]
    }

    pub(crate) fn len(&self) -> usize {
        self.time.len()
    }

    pub(crate) fn customers(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Adds the orders of the next customers from another store whose shops and products have the same numbers.
    pub(crate) fn push_customers(
        &mut self,
        from: &Self,
        customers: Range<usize>,
    ) -> Result<(), CapacityError> {
        let ends = &from.offsets[customers.start + 1..=customers.end];
        let begin = from.offsets[customers.start] as usize;
        let orders = begin..from.offsets[customers.end] as usize;
        let at = self.time.len();
        u32::try_from(at + orders.len()).map_err(|_| TOO_MANY_FACTS)?;
        self.offsets.extend(ends.iter().map(|end| (*end as usize - begin + at) as u32));
        self.time.push_range(&from.time, orders.clone());
        self.revenue.push_range(&from.revenue, orders.clone());
        self.shop.push_range(&from.shop, orders.clone());
        self.lines.push_range(&from.lines, orders)
    }

    /// Adds the next customer's orders.
    pub(crate) fn push_row(&mut self, row: &RowOrders) -> Result<(), CapacityError> {
        for (order, fact) in row.facts.iter().enumerate() {
            self.shop.push(self.shops.number(&fact.shop));
            self.time.push(fact.ordered_at.millis());
            self.revenue.push(fact.revenue_minor);
            for line in row.lines_of(order) {
                let product = self.lines.products.number(&*line.product);
                self.lines.push(product, line.quantity, line.amount_minor);
            }
            self.lines.close_order()?;
        }
        self.close_customer()
    }

    fn close_customer(&mut self) -> Result<(), CapacityError> {
        self.offsets.push(u32::try_from(self.time.len()).map_err(|_| TOO_MANY_FACTS)?);
        Ok(())
    }

    /// What the orders of each customer come to.
    pub(crate) fn features(&self) -> Features {
        let parts = blocks::parts(self.customers(), |part| self.features_of(part));
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| self.features_of(0..0));
        parts.for_each(|part| all.join(&part));
        all
    }

    fn features_of(&self, customers: Range<usize>) -> Features {
        // The first part is joined by the others.
        let room = if customers.start == 0 { self.customers() } else { customers.len() };
        let mut features = Features {
            revenue: Narrow::with_capacity(room),
            first: Moments::with_capacity(room),
            last: Moments::with_capacity(room),
            earliest: NO_ORDER,
            latest: NO_ORDER,
        };
        for customer in customers {
            let range = self.range(customer);
            let sum = |sum: i64, order| sum.saturating_add(self.revenue.get(order));
            features.revenue.push(range.clone().fold(0, sum));
            let (first, last) = match range.clone().next_back() {
                Some(last) => (self.time.get(range.start), self.time.get(last)),
                None => (NO_ORDER, NO_ORDER),
            };
            features.first.push(first);
            features.last.push(last);
            features.span(first, last);
        }
        features
    }

    /// Customers with an order in each shop.
    pub(crate) fn customers_by_shop(&self) -> Vec<RoaringBitmap> {
        sets_by_number(self.customers(), self.shops.len(), |customer, put| {
            self.range(customer).for_each(|order| put(self.shop.get(order)));
        })
    }

    /// Customers who bought each product.
    pub(crate) fn customers_by_product(&self) -> Vec<RoaringBitmap> {
        sets_by_number(self.customers(), self.lines.products.len(), |customer, put| {
            let lines = self.lines.of_orders(self.range(customer));
            lines.for_each(|line| put(self.lines.product.get(line)));
        })
    }

    pub(crate) fn without_orders(&self) -> Bits {
        Bits::by(self.customers(), |customer| self.orders(customer) == 0)
    }

    pub(crate) fn shop_of(&self, index: usize) -> ShopId {
        *self.shops.value(self.shop.get(index))
    }

    pub(crate) fn fact(&self, index: usize) -> OrderFact {
        OrderFact {
            ordered_at: Timestamp::from_millis(self.time.get(index)),
            shop: self.shop_of(index),
            revenue_minor: self.revenue.get(index),
        }
    }

    /// Whether the orders of a customer are these.
    pub(crate) fn are(&self, customer: usize, facts: &[OrderFact]) -> bool {
        let range = self.range(customer);
        range.len() == facts.len() && range.zip(facts).all(|(at, fact)| self.fact(at) == *fact)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.offsets.capacity() * 4
            + self.time.memory_bytes()
            + self.revenue.memory_bytes()
            + self.shop.memory_bytes()
            + self.shops.memory_bytes()
            + self.lines.memory_bytes()
    }
}

/// What the orders of each customer come to; `NO_ORDER` where there is none.
#[derive(Debug)]
pub(crate) struct Features {
    pub(crate) revenue: Narrow<i32>,
    pub(crate) first: Moments,
    pub(crate) last: Moments,
    /// The first order of all.
    pub(crate) earliest: i64,
    /// The last order of all.
    pub(crate) latest: i64,
}

impl Features {
    /// Widens the first and the last order of all.
    fn span(&mut self, first: i64, last: i64) {
        self.latest = self.latest.max(last);
        if first != NO_ORDER && (self.earliest == NO_ORDER || first < self.earliest) {
            self.earliest = first;
        }
    }

    /// Adds the customers after these.
    fn join(&mut self, part: &Self) {
        let customers = 0..part.last.len();
        self.revenue.push_range(&part.revenue, customers.clone());
        self.first.push_range(&part.first, customers.clone());
        self.last.push_range(&part.last, customers);
        self.span(part.earliest, part.latest);
    }
}

/// In the columns of first and last order: none.
pub(crate) const NO_ORDER: i64 = i64::MIN;

/// Orders as they arrive, not sorted yet.
#[derive(Debug, Default)]
pub(crate) struct LooseFacts {
    customer: Vec<u32>,
    time: Moments,
    revenue: Narrow<i32>,
    shop: Numbers,
    shops: Dictionary<ShopId>,
}

impl LooseFacts {
    pub(crate) fn push(&mut self, customer: u32, fact: OrderFact) {
        self.customer.push(customer);
        self.time.push(fact.ordered_at.millis());
        self.revenue.push(fact.revenue_minor);
        self.shop.push(self.shops.number(&fact.shop));
    }

    /// Sorts by customer and time.
    pub(crate) fn settle(
        mut self,
        lines: LooseLines,
        customers: usize,
    ) -> Result<Facts, CapacityError> {
        if u32::try_from(self.customer.len()).is_err() {
            return Err(TOO_MANY_FACTS);
        }
        let mut offsets = vec![0_u32; customers + 1];
        for customer in &self.customer {
            offsets[*customer as usize + 1] += 1;
        }
        for index in 0..customers {
            offsets[index + 1] += offsets[index];
        }
        if !self.customer.is_sorted() {
            let order = by_customer(&self.customer, &offsets);
            // One column after the other, so that only one is held twice.
            self.time = self.time.gather(&order);
            self.revenue = self.revenue.gather(&order);
            self.shop = self.shop.gather(&order);
        }
        drop(self.customer);
        self.time.shrink();
        self.revenue.shrink();
        self.shop.shrink();
        let mut facts = Facts {
            offsets,
            time: self.time,
            revenue: self.revenue,
            shop: self.shop,
            shops: self.shops,
            lines: Lines::default(),
        };
        facts.sort_within_customers();
        facts.lines = lines.settle(customers, |customer| {
            facts.range(customer).map(|order| (facts.time.get(order), facts.shop_of(order)))
        })?;
        Ok(facts)
    }
}

/// The places of the orders of each customer in turn, those of one in the order in which they came.
fn by_customer(customer: &[u32], offsets: &[u32]) -> Vec<u32> {
    let mut order = vec![0; customer.len()];
    let mut next = offsets.to_vec();
    for (at, customer) in (0..).zip(customer) {
        let slot = &mut next[*customer as usize];
        order[*slot as usize] = at;
        *slot += 1;
    }
    order
}

impl Facts {
    fn sort_within_customers(&mut self) {
        let mut own: Vec<OrderFact> = Vec::new();
        for customer in 0..self.customers() {
            let range = self.range(customer);
            if range.len() < 2 {
                continue;
            }
            own.clear();
            own.extend(range.clone().map(|index| self.fact(index)));
            if own.is_sorted() {
                continue;
            }
            own.sort_unstable();
            for (index, fact) in range.zip(&own) {
                self.time.set(index, fact.ordered_at.millis());
                self.revenue.set(index, fact.revenue_minor);
                self.shop.set(index, self.shops.number(&fact.shop));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TypedId as _;
    use uuid::Uuid;

    #[test]
    fn loose_facts_settle_by_customer_and_time() {
        let fact = |at, shop, revenue_minor| OrderFact {
            ordered_at: Timestamp::from_millis(at),
            shop: ShopId::from_uuid(Uuid::from_u128(shop)),
            revenue_minor,
        };
        let mut loose = LooseFacts::default();
        loose.push(2, fact(30, 7, 5));
        loose.push(0, fact(20, 8, 4));
        loose.push(2, fact(10, 8, -2));
        let facts = loose.settle(LooseLines::default(), 3).unwrap();
        assert_eq!((facts.orders(0), facts.orders(1), facts.orders(2)), (1, 0, 2));
        assert_eq!(facts.fact(1), fact(10, 8, -2));
        assert_eq!(facts.fact(2), fact(30, 7, 5));
        let features = facts.features();
        let of = |customer| {
            let (first, last) = (features.first.get(customer), features.last.get(customer));
            (features.revenue.get(customer), first, last)
        };
        assert_eq!((of(0), of(1), of(2)), ((4, 20, 20), (0, NO_ORDER, NO_ORDER), (3, 10, 30)));
        assert_eq!((features.earliest, features.latest), (10, 30));
        assert_eq!(facts.without_orders().iter_from(0).collect::<Vec<_>>(), [1]);
        let by_shop = facts.customers_by_shop();
        assert_eq!(by_shop.iter().map(RoaringBitmap::len).collect::<Vec<_>>(), [1, 2]);
    }
}

//! Orders in columns, sorted by customer and then by time.

use std::ops::Range;

use kernel::{ShopId, Timestamp};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::delta::Row;
use crate::dictionary::Dictionary;
use crate::feed::{CapacityError, OrderFact};
use crate::lines::{Lines, LooseLines};
use crate::narrow::Narrow;

const TOO_MANY_FACTS: CapacityError = CapacityError { what: "orders", limit: u32::MAX as u64 };
const TOO_MANY_SHOPS: CapacityError = CapacityError { what: "shops", limit: 1 << 16 };

/// The orders of all customers of the base: those of ordinal `c` are at `offsets[c]..offsets[c+1]`.
#[derive(Debug)]
pub(crate) struct Facts {
    offsets: Vec<u32>,
    pub(crate) time: Vec<i64>,
    pub(crate) revenue: Narrow<i32>,
    pub(crate) shop: Vec<u16>,
    pub(crate) shops: Dictionary<ShopId>,
    /// Lines of the orders, by the same index.
    pub(crate) lines: Lines,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            time: Vec::new(),
            revenue: Narrow::default(),
            shop: Vec::new(),
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
            time: Vec::with_capacity(facts),
            revenue: Narrow::with_capacity(facts),
            shop: Vec::with_capacity(facts),
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

    /// Adds the next customer's orders from another store; sorted as they are.
    pub(crate) fn push_range(
        &mut self,
        from: &Self,
        range: Range<usize>,
    ) -> Result<(), CapacityError> {
        self.time.extend_from_slice(&from.time[range.clone()]);
        range.clone().for_each(|order| self.revenue.push(from.revenue.get(order)));
        // Shops and products were taken over with their numbers.
        self.shop.extend_from_slice(&from.shop[range.clone()]);
        for order in range {
            self.lines.push_range(&from.lines, order)?;
        }
        self.close_customer()
    }

    /// Adds the next customer's orders.
    pub(crate) fn push_row(&mut self, row: &Row) -> Result<(), CapacityError> {
        for (order, fact) in row.facts.iter().enumerate() {
            let shop = self.shops.number(&fact.shop);
            self.shop.push(u16::try_from(shop).map_err(|_| TOO_MANY_SHOPS)?);
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

    /// Revenue, first and last order of each customer; `NO_ORDER` where there is none.
    pub(crate) fn features(&self) -> [Vec<i64>; 3] {
        let customers = self.customers();
        let mut features = [(); 3].map(|()| Vec::with_capacity(customers));
        for customer in 0..customers {
            let range = self.range(customer);
            let sum =
                range.clone().fold(0_i64, |sum, order| sum.saturating_add(self.revenue.get(order)));
            features[0].push(sum);
            features[1].push(self.time[range.clone()].first().copied().unwrap_or(NO_ORDER));
            features[2].push(self.time[range].last().copied().unwrap_or(NO_ORDER));
        }
        features
    }

    /// Customers with an order in each shop.
    pub(crate) fn customers_by_shop(&self) -> Vec<RoaringBitmap> {
        let mut sets = vec![RoaringBitmap::new(); self.shops.len()];
        for customer in 0..self.customers() {
            let mut before = None;
            for shop in &self.shop[self.range(customer)] {
                if before.replace(*shop) != Some(*shop) {
                    sets[usize::from(*shop)].insert(customer as u32);
                }
            }
        }
        sets
    }

    /// Customers who bought each product.
    pub(crate) fn customers_by_product(&self) -> Vec<RoaringBitmap> {
        let mut sets = vec![RoaringBitmap::new(); self.lines.products.len()];
        for customer in 0..self.customers() {
            for order in self.range(customer) {
                for line in self.lines.range(order) {
                    sets[self.lines.product[line] as usize].insert(customer as u32);
                }
            }
        }
        sets
    }

    /// Keeps those of `bits` whose count of orders passes.
    pub(crate) fn retain_by_orders(&self, bits: &mut Bits, passes: impl Fn(u32) -> bool) {
        self.retain_part_by_orders(bits, 0, passes);
    }

    /// The same for `bits` that begin with customer `start`.
    pub(crate) fn retain_part_by_orders(
        &self,
        bits: &mut Bits,
        start: usize,
        passes: impl Fn(u32) -> bool,
    ) {
        let offsets = &self.offsets[start..=start + bits.len()];
        bits.retain_pairs(offsets, |start, end| passes(end - start));
    }

    pub(crate) fn without_orders(&self) -> Bits {
        Bits::by(self.customers(), |customer| self.orders(customer) == 0)
    }

    pub(crate) fn shop_of(&self, index: usize) -> ShopId {
        *self.shops.value(u32::from(self.shop[index]))
    }

    pub(crate) fn fact(&self, index: usize) -> OrderFact {
        OrderFact {
            ordered_at: Timestamp::from_millis(self.time[index]),
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
            + self.time.capacity() * 8
            + self.revenue.memory_bytes()
            + self.shop.capacity() * 2
            + self.shops.memory_bytes()
            + self.lines.memory_bytes()
    }
}

/// In the columns of first and last order: none.
pub(crate) const NO_ORDER: i64 = i64::MIN;

/// Orders as they arrive, not sorted yet.
#[derive(Debug, Default)]
pub(crate) struct LooseFacts {
    customer: Vec<u32>,
    time: Vec<i64>,
    revenue: Vec<i64>,
    shop: Vec<u16>,
    shops: Dictionary<ShopId>,
    overflow: Option<CapacityError>,
}

impl LooseFacts {
    pub(crate) fn push(&mut self, customer: u32, fact: OrderFact) {
        let Ok(shop) = u16::try_from(self.shops.number(&fact.shop)) else {
            self.overflow = Some(TOO_MANY_SHOPS);
            return;
        };
        self.customer.push(customer);
        self.time.push(fact.ordered_at.millis());
        self.revenue.push(fact.revenue_minor);
        self.shop.push(shop);
    }

    /// Sorts by customer and time, one column after the other so that only one is held twice.
    pub(crate) fn settle(
        self,
        lines: LooseLines,
        customers: usize,
    ) -> Result<Facts, CapacityError> {
        if let Some(error) = self.overflow {
            return Err(error);
        }
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
        let sorted = self.customer.is_sorted();
        let time = scatter(self.time, &self.customer, &offsets, sorted);
        let loose = scatter(self.revenue, &self.customer, &offsets, sorted);
        let mut revenue = Narrow::with_capacity(loose.len());
        loose.into_iter().for_each(|minor| revenue.push(minor));
        let shop = scatter(self.shop, &self.customer, &offsets, sorted);
        drop(self.customer);
        let mut facts =
            Facts { offsets, time, revenue, shop, shops: self.shops, lines: Lines::default() };
        facts.sort_within_customers();
        facts.lines = lines.settle(customers, |customer| {
            facts.range(customer).map(|order| (facts.time[order], facts.shop_of(order)))
        })?;
        Ok(facts)
    }
}

fn scatter<T: Copy + Default>(
    mut column: Vec<T>,
    customer: &[u32],
    offsets: &[u32],
    sorted: bool,
) -> Vec<T> {
    if sorted {
        column.shrink_to_fit();
        return column;
    }
    let mut out = vec![T::default(); column.len()];
    let mut next = offsets.to_vec();
    for (value, customer) in column.into_iter().zip(customer) {
        let slot = &mut next[*customer as usize];
        out[*slot as usize] = value;
        *slot += 1;
    }
    out
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
                self.time[index] = fact.ordered_at.millis();
                self.revenue.set(index, fact.revenue_minor);
                self.shop[index] = self.shops.number(&fact.shop) as u16;
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
        assert_eq!(
            facts.features(),
            [vec![4, 0, 3], vec![20, NO_ORDER, 10], vec![20, NO_ORDER, 30]]
        );
        assert_eq!(facts.without_orders().iter_from(0).collect::<Vec<_>>(), [1]);
        let by_shop = facts.customers_by_shop();
        assert_eq!(by_shop.iter().map(RoaringBitmap::len).collect::<Vec<_>>(), [1, 2]);
    }
}

//! What single customers bought, order by order with products, for models that look at a day in the past.

use std::collections::{BTreeSet, HashMap};

use kernel::{CustomerId, Reach, ShopId, Timestamp, Zone};

use crate::base::NEVER;
use crate::daily::{DAY_MS, day_number};
use crate::delta::Row;
use crate::engine::Snapshot;
use crate::feed::OrderFact;
use crate::list::Within;

/// A counted order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// Days since 1970-01-01, as calendars in the zone count them.
    pub day: i64,
    /// The shop.
    pub shop: ShopId,
    /// Revenue in minor units.
    pub revenue_minor: i64,
    /// Numbers of the products on its lines; a product has one number among the buyers of one answer.
    pub products: Vec<u32>,
}

/// Somebody with a counted order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// The customer.
    pub id: CustomerId,
    /// Province; empty when unknown.
    pub province: String,
    /// From when on nothing may be decided about them by machine.
    pub refused_from: Option<Timestamp>,
    /// The orders, by time.
    pub orders: Vec<Bought>,
}

/// The counted orders there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderSpan {
    /// Day of the first, counted as [`Bought::day`].
    pub first: i64,
    /// Day of the last.
    pub last: i64,
    /// How many.
    pub orders: u64,
    /// Customers with one.
    pub buyers: usize,
}

/// Numbers of products: those of the base, and more for products that are in the overlay alone.
struct Products<'a> {
    known: &'a crate::lines::Lines,
    more: HashMap<Box<str>, u32>,
}

impl Products<'_> {
    fn number(&mut self, key: &str) -> u32 {
        self.known.products.find(key).unwrap_or_else(|| {
            let next = (self.known.products.len() + self.more.len()) as u32;
            *self.more.entry(key.into()).or_insert(next)
        })
    }
}

impl Snapshot {
    /// How many customers there are.
    #[must_use]
    pub fn customers(&self) -> usize {
        let view = self.view();
        view.base.len() - view.dead_count + view.delta.live()
    }

    /// From when to when there are counted orders, and how many; `None` without one.
    #[must_use]
    pub fn order_span(&self, zone: Zone) -> Option<OrderSpan> {
        let view = self.view();
        let facts = &view.base.facts;
        let of_base = (0..view.base.len())
            .filter(|ordinal| !view.dead.has(*ordinal))
            .map(|ordinal| facts.range(ordinal))
            .filter(|range| !range.is_empty())
            .map(|range| (facts.fact(range.start), facts.fact(range.end - 1), range.len()));
        let of_delta = view.delta.rows().filter_map(|(_, row, _)| {
            let facts = &row.bought.facts;
            Some((*facts.first()?, *facts.last()?, facts.len()))
        });
        let day = |fact: OrderFact| day_number(fact.ordered_at.millis(), zone);
        of_base.chain(of_delta).fold(None, |span: Option<OrderSpan>, (first, last, orders)| {
            let own =
                OrderSpan { first: day(first), last: day(last), orders: orders as u64, buyers: 1 };
            Some(span.map_or(own, |all| OrderSpan {
                first: all.first.min(own.first),
                last: all.last.max(own.last),
                orders: all.orders + own.orders,
                buyers: all.buyers + 1,
            }))
        })
    }

    /// The shops with a counted order in each stretch of days: the first up to the day `ends[0]`, each other one
    /// after the stretch before it up to the end of its own day. `ends` ascend.
    #[must_use]
    pub fn shops_by_stretch(&self, zone: Zone, ends: &[i64]) -> Vec<BTreeSet<ShopId>> {
        let offset = i64::from(zone.offset_seconds()) * 1000;
        // The first millisecond after each stretch.
        let ends: Vec<i64> = ends.iter().map(|day| (day + 1) * DAY_MS - offset).collect();
        let view = self.view();
        let facts = &view.base.facts;
        let shops = facts.shops.len();
        let mut has = vec![false; ends.len() * shops];
        for ordinal in (0..view.base.len()).filter(|ordinal| !view.dead.has(*ordinal)) {
            for index in facts.range(ordinal) {
                let stretch = ends.partition_point(|end| *end <= facts.time.get(index));
                if stretch < ends.len() {
                    has[stretch * shops + facts.shop.get(index) as usize] = true;
                }
            }
        }
        let numbered = (0..ends.len()).map(|stretch| {
            let known = (0..shops).filter(|shop| has[stretch * shops + shop]);
            known.map(|shop| *facts.shops.value(shop as u32)).collect()
        });
        let mut found: Vec<BTreeSet<ShopId>> = numbered.collect();
        for fact in view.delta.rows().flat_map(|(_, row, _)| row.bought.facts.iter()) {
            let at = fact.ordered_at.millis();
            if let Some(stretch) = found.get_mut(ends.partition_point(|end| *end <= at)) {
                stretch.insert(fact.shop);
            }
        }
        found
    }

    /// Gives `take` everybody in `reach` with a counted order whom `wants` picks; one after the other, so that
    /// little is held at once.
    pub fn each_buyer(
        &self,
        zone: Zone,
        reach: &Reach,
        wants: impl Fn(CustomerId) -> bool,
        mut take: impl FnMut(Buyer),
    ) {
        let view = self.view();
        let within = Within::new(view, reach);
        for ordinal in 0..view.base.len() {
            if !view.dead.has(ordinal) && within.holds(ordinal) && wants(view.base.ids[ordinal]) {
                take_some(self.of_base(ordinal, zone), &mut take);
            }
        }
        let mut products = self.products();
        for (id, row, _) in view.delta.rows().filter(|(_, row, _)| within.holds_row(row)) {
            if wants(id) {
                take_some(of_row(id, row, zone, &mut products), &mut take);
            }
        }
    }

    /// Those of `ids` who are there and have a counted order, in the order of `ids`.
    #[must_use]
    pub fn buyers(&self, zone: Zone, ids: &[CustomerId]) -> Vec<Buyer> {
        let view = self.view();
        let mut products = self.products();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let buyer = match view.delta.get(*id) {
                Some(entry) => {
                    entry.row.as_deref().map(|row| of_row(*id, row, zone, &mut products))
                }
                None => view.base.ordinal(*id).map(|ordinal| self.of_base(ordinal, zone)),
            };
            found.extend(buyer.filter(|buyer| !buyer.orders.is_empty()));
        }
        found
    }

    fn products(&self) -> Products<'_> {
        Products { known: &self.view().base.facts.lines, more: HashMap::new() }
    }

    fn of_base(&self, ordinal: usize, zone: Zone) -> Buyer {
        let base = self.view().base;
        let facts = &base.facts;
        let products_of = |index| {
            let lines = facts.lines.range(index);
            lines.map(|line| facts.lines.product.get(line)).collect()
        };
        let orders = facts.range(ordinal).map(|index| {
            let fact = facts.fact(index);
            Bought {
                day: day_number(fact.ordered_at.millis(), zone),
                shop: fact.shop,
                revenue_minor: fact.revenue_minor,
                products: products_of(index),
            }
        });
        let refused = base.refused.get(ordinal);
        Buyer {
            id: base.ids[ordinal],
            province: base.provinces.value(base.province.get(ordinal)).clone(),
            refused_from: (refused != NEVER).then(|| Timestamp::from_millis(refused)),
            orders: orders.collect(),
        }
    }
}

fn take_some(buyer: Buyer, take: &mut impl FnMut(Buyer)) {
    if !buyer.orders.is_empty() {
        take(buyer);
    }
}

fn of_row(id: CustomerId, row: &Row, zone: Zone, products: &mut Products<'_>) -> Buyer {
    let orders = row.bought.facts.iter().enumerate().map(|(order, fact)| Bought {
        day: day_number(fact.ordered_at.millis(), zone),
        shop: fact.shop,
        revenue_minor: fact.revenue_minor,
        products: row
            .bought
            .lines_of(order)
            .iter()
            .map(|line| products.number(&line.product))
            .collect(),
    });
    Buyer {
        id,
        province: row.province.to_string(),
        refused_from: (row.refused != NEVER).then(|| Timestamp::from_millis(row.refused)),
        orders: orders.collect(),
    }
}

#[cfg(test)]
mod tests {
    use kernel::TypedId as _;
    use uuid::Uuid;

    use super::*;
    use crate::{CustomerFeed, Engine, LineFact};

    const DAY: i64 = 86_400_000;

    fn put(engine: &mut Engine, number: u128, orders: &[(i64, &[&str])]) -> CustomerId {
        let id = CustomerId::from_uuid(Uuid::from_u128(number));
        let shop = ShopId::from_uuid(Uuid::from_u128(9));
        let feed = CustomerFeed {
            id,
            name: String::new(),
            accounts: String::new(),
            province: "浙江省".to_owned(),
            rating: None,
            owner: None,
            created_at: Timestamp::from_millis(0),
            tags: Vec::new(),
            refused_from: (number == 2).then(|| Timestamp::from_millis(5)),
            contact: Vec::new(),
            loyalty: crate::LoyaltyFeed::default(),
        };
        let at = |day: i64| Timestamp::from_millis(day * DAY);
        let facts: Vec<OrderFact> = orders
            .iter()
            .map(|(day, _)| OrderFact { ordered_at: at(*day), shop, revenue_minor: day * 100 })
            .collect();
        let lines: Vec<LineFact> = orders
            .iter()
            .flat_map(|(day, products)| {
                products.iter().map(|title| LineFact {
                    ordered_at: at(*day),
                    order: *day as u64,
                    shop,
                    code: String::new(),
                    title: (*title).to_owned(),
                    quantity: 1,
                    amount_minor: 1,
                })
            })
            .collect();
        engine.upsert(&feed, &facts, &lines);
        id
    }

    /// Products by how many they are: their numbers are those of one answer.
    fn plain(buyers: &[Buyer]) -> Vec<Buyer> {
        let mut buyers = buyers.to_vec();
        let orders = buyers.iter_mut().flat_map(|buyer| &mut buyer.orders);
        orders.for_each(|order| order.products.fill(0));
        buyers
    }

    #[test]
    fn buyers_are_the_same_in_the_overlay_and_in_the_base() {
        let mut engine = Engine::new();
        let one = put(&mut engine, 1, &[(20, &["tea", "cup"]), (10, &["tea"])]);
        let two = put(&mut engine, 2, &[(15, &["cup"])]);
        let none = put(&mut engine, 3, &[]);
        let told = |engine: &Engine| {
            let snapshot = engine.snapshot();
            let mut all = Vec::new();
            snapshot.each_buyer(Zone::UTC, &Reach::ALL, |_| true, |buyer| all.push(buyer));
            let some = snapshot.buyers(Zone::UTC, &[two, none, one]);
            assert_eq!(plain(&some), plain(&[all[1].clone(), all[0].clone()]));
            let span = OrderSpan { first: 10, last: 20, orders: 3, buyers: 2 };
            assert_eq!(snapshot.order_span(Zone::UTC), Some(span));
            let stretches = snapshot.shops_by_stretch(Zone::UTC, &[9, 14, 19]);
            let with_shops: Vec<bool> = stretches.iter().map(|shops| !shops.is_empty()).collect();
            assert_eq!(with_shops, [false, true, true]);
            assert_eq!(snapshot.customers(), 3);
            let mut picked = 0;
            snapshot.each_buyer(Zone::UTC, &Reach::ALL, |id| id == two, |_| picked += 1);
            assert_eq!(picked, 1);
            all
        };
        let fresh = told(&engine);
        assert_eq!(fresh.iter().map(|buyer| buyer.id).collect::<Vec<_>>(), [one, two]);
        let days: Vec<(i64, i64)> =
            fresh[0].orders.iter().map(|order| (order.day, order.revenue_minor)).collect();
        assert_eq!(days, [(10, 1_000), (20, 2_000)]);
        // One number a product, whoever bought it.
        assert_eq!(fresh[0].orders[0].products[0], fresh[0].orders[1].products[0]);
        assert_eq!(fresh[0].orders[1].products[1], fresh[1].orders[0].products[0]);
        assert_eq!(fresh[1].refused_from, Some(Timestamp::from_millis(5)));
        let done = engine.take_compaction().run().unwrap();
        drop(engine.install(done));
        assert_eq!(plain(&told(&engine)), plain(&fresh));
    }
}

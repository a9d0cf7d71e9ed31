//! The engine's executor against a reading of `docs/audiences.md` that is plainly right.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kernel::{CustomerId, Reach, Timestamp, TypedId as _, Zone};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::strategy::{PRODUCTS, audience, tree};
use crate::audience::{AsOf, AudienceError, Definitions, Measure, Node, Orders, Product, When};
use crate::tests::model::{HOUR_MS, customer, feed_strategy, reach_strategy};
use crate::tests::saved::through_disk;
use crate::{
    Bins, CustomerFeed, Engine, LineFact, OrderFact, OrdersFed, RfmQuery, Scheme, Score, Tier,
    average_minor,
};

pub(super) type World = BTreeMap<CustomerId, (CustomerFeed, [Sold; 2])>;

/// Orders and their lines.
type Sold = (Vec<OrderFact>, Vec<LineFact>);

fn fed((orders, lines): &Sold) -> OrdersFed<'_> {
    OrdersFed { orders, lines }
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Orders, and those of which something was refunded.
    Put(Box<CustomerFeed>, [Sold; 2]),
    Remove(u8),
    Compact,
    Score,
}

impl Op {
    pub(crate) fn apply(&self, engine: &mut Engine) {
        match self {
            Self::Put(feed, [bought, refunds]) => engine.put(feed, fed(bought), fed(refunds)),
            Self::Remove(n) => drop(engine.remove(customer(*n))),
            Self::Compact => {
                let done = engine.take_compaction().run().unwrap();
                drop(engine.install(done));
            }
            Self::Score => {
                let scores = engine.rfm(&rfm());
                engine.set_scores(scores);
            }
        }
    }
}

/// A customer whose orders have up to two lines each; of up to two orders something was refunded.
pub(crate) fn put() -> impl Strategy<Value = Op> {
    let line = || (0_usize..PRODUCTS.len(), -1_i64..400, -100_i64..300);
    let lines = || prop::collection::vec(prop::collection::vec(line(), 0..3), 5);
    let refunds = feed_strategy().prop_map(|(_, facts)| facts.into_iter().take(2).collect());
    (feed_strategy(), lines(), refunds, lines()).prop_map(
        |((feed, facts), lines, refunds, refund_lines)| {
            let sold = |facts: Vec<OrderFact>, lines: Vec<Vec<(usize, i64, i64)>>| {
                let of_order = |(order, fact): (usize, &OrderFact)| {
                    let fact = *fact;
                    let line =
                        move |(product, quantity, amount_minor): (usize, i64, i64)| LineFact {
                            ordered_at: fact.ordered_at,
                            order: order as u64,
                            shop: fact.shop,
                            code: PRODUCTS[product].0.to_owned(),
                            title: PRODUCTS[product].1.to_owned(),
                            quantity,
                            amount_minor,
                        };
                    lines[order].clone().into_iter().map(line)
                };
                let lines = facts.iter().enumerate().flat_map(of_order).collect();
                (facts, lines)
            };
            Op::Put(Box::new(feed), [sold(facts, lines), sold(refunds, refund_lines)])
        },
    )
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => put(),
        2 => (0_u8..40).prop_map(Op::Remove),
        1 => Just(Op::Compact),
        1 => Just(Op::Score),
    ]
}

pub(crate) fn as_of(days: i64) -> AsOf {
    let day = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::Duration::days(days);
    AsOf { day, zone: Zone::CHINA }
}

pub(crate) fn rfm() -> RfmQuery {
    RfmQuery {
        as_of: as_of(2).day,
        zone: Zone::CHINA,
        bins: Bins::quantile(5).unwrap(),
        shop: None,
        minor_per_major: 100,
    }
}

/// What is known after `ops`, and an engine that went through them.
pub(super) fn lived(loaded: &[Op], ops: &[Op]) -> (World, Engine) {
    let mut world = World::new();
    for op in loaded {
        if let Op::Put(feed, sold) = op {
            world.insert(feed.id, (*feed.clone(), sold.clone()));
        }
    }
    let mut loader = Engine::builder();
    world.values().for_each(|(feed, ..)| loader.customer(feed));
    let mut loader = loader.facts();
    for (id, (_, [(facts, lines), (refunds, refund_lines)])) in world.iter().rev() {
        lines.iter().rev().for_each(|line| assert!(loader.line(*id, line)));
        facts.iter().rev().for_each(|fact| assert!(loader.fact(*id, *fact)));
        refund_lines.iter().rev().for_each(|line| assert!(loader.refund_line(*id, line)));
        refunds.iter().rev().for_each(|fact| assert!(loader.refund(*id, *fact)));
    }
    let mut engine = loader.build().unwrap();
    for op in ops {
        op.apply(&mut engine);
        match op {
            Op::Put(feed, sold) => {
                world.insert(feed.id, (*feed.clone(), sold.clone()));
            }
            Op::Remove(n) => drop(world.remove(&customer(*n))),
            Op::Compact | Op::Score => {}
        }
    }
    (world, engine)
}

/// One customer, asked slowly.
struct Oracle<'a> {
    feed: &'a CustomerFeed,
    bought: &'a Sold,
    refunds: &'a Sold,
    tiers: Option<(Score, [Tier; 2])>,
    named: &'a Definitions,
    as_of: AsOf,
}

impl Oracle<'_> {
    fn day(&self, at: Timestamp) -> NaiveDate {
        at.day(self.as_of.zone)
    }

    fn is_in(&self, at: Timestamp, when: When) -> bool {
        let (day, today) = (self.day(at), self.as_of.day);
        let age = (today - day).num_days();
        day <= today
            && match when {
                When::Ever => true,
                When::LastDays(days) => age < i64::from(days),
                When::BeforeLastDays(days) => age >= i64::from(days),
                When::Days(from, to) => {
                    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
                }
            }
    }

    fn is_of(line: &LineFact, product: &Product) -> bool {
        let fold = kernel::text::fold;
        let (code, title) = (fold(&line.code), fold(&line.title));
        match product {
            Product::Is(names) => names.iter().any(|n| fold(n) == code || fold(n) == title),
            Product::Contains(part) => code.contains(&fold(part)) || title.contains(&fold(part)),
        }
    }

    fn lines_of<'b>(&self, sold: &'b Sold, of: &Orders) -> Vec<&'b LineFact> {
        sold.1
            .iter()
            .filter(|line| {
                self.is_in(line.ordered_at, of.when)
                    && of.shop.is_none_or(|shop| line.shop == shop)
                    && of.product.as_ref().is_none_or(|product| Self::is_of(line, product))
            })
            .collect()
    }

    /// Moments and revenues of the orders chosen.
    fn orders(&self, sold: &Sold, of: &Orders) -> Vec<(Timestamp, i64)> {
        if of.product.is_some() {
            let mut orders = BTreeMap::new();
            for line in self.lines_of(sold, of) {
                *orders.entry((line.ordered_at, line.order)).or_insert(0) += line.amount_minor;
            }
            return orders.into_iter().map(|((at, _), sum)| (at, sum)).collect();
        }
        let mut orders: Vec<_> = sold
            .0
            .iter()
            .filter(|fact| {
                self.is_in(fact.ordered_at, of.when)
                    && of.shop.is_none_or(|shop| fact.shop == shop)
                    && of.amount.contains(fact.revenue_minor)
            })
            .map(|fact| (fact.ordered_at, fact.revenue_minor))
            .collect();
        orders.sort_unstable();
        orders
    }

    /// Pieces in lines of the orders chosen.
    fn items(&self, of: &Orders) -> i64 {
        self.lines_of(self.bought, of).iter().map(|line| line.quantity).sum()
    }

    fn passes(&self, node: &Node) -> bool {
        match node {
            Node::All { of } => of.iter().all(|node| self.passes(node)),
            Node::Any { of } => of.iter().any(|node| self.passes(node)),
            Node::Not { of } => !self.passes(of),
            Node::Name { contains } => {
                let needle = kernel::text::fold(contains);
                [&self.feed.name, &self.feed.accounts]
                    .into_iter()
                    .any(|text| kernel::text::fold(text).contains(&needle))
            }
            Node::Province { is } => is.contains(&self.feed.province),
            Node::Rating { bounds } => {
                self.feed.rating.is_some_and(|rating| bounds.contains(i64::from(rating)))
            }
            Node::Owner { is } => is.contains(&self.feed.owner),
            Node::Tag { tag } => self.feed.tags.contains(tag),
            Node::Tier { is } => {
                self.tiers.is_some_and(|(_, tiers)| tiers.iter().any(|tier| is.contains(tier)))
            }
            Node::Cell { is } => self.tiers.is_some_and(|(score, _)| is.has(score)),
            Node::Level { scheme, is } => {
                let own = self.feed.loyalty.levels.iter().find(|(own, _)| own == scheme);
                is.contains(&own.map_or(0, |(_, rank)| *rank))
            }
            Node::Points { programme, bounds } => {
                let own = self.feed.loyalty.points.iter().find(|(own, _)| own == programme);
                bounds.contains(own.map_or(0, |(_, points)| *points))
            }
            Node::Created { when } => self.is_in(self.feed.created_at, *when),
            Node::RefusesAutomation => {
                self.feed.refused_from.is_some_and(|from| self.day(from) <= self.as_of.day)
            }
            Node::MayContact { channel, purpose } => {
                let next = self.as_of.day.succ_opt().unwrap();
                let last = Timestamp::start_of(next, self.as_of.zone).millis() - 1;
                let differs = self.feed.contact.iter().any(|span| {
                    (span.channel, span.purpose) == (*channel, *purpose)
                        && span.from.millis() <= last
                        && span.until.is_none_or(|until| last < until.millis())
                });
                if purpose.needs_grant() { differs } else { !differs }
            }
            Node::Orders { measure, of, bounds } => {
                let sold = if measure.is_of_refunds() { self.refunds } else { self.bought };
                let orders = self.orders(sold, of);
                let sum: i64 = orders.iter().map(|(_, amount)| amount).sum();
                let figure = match measure {
                    Measure::Count | Measure::Refunds => Some(orders.len() as i64),
                    Measure::Revenue | Measure::Refunded => Some(sum),
                    Measure::AverageOrder => average_minor(sum, orders.len() as u32),
                    Measure::Items => Some(self.items(of)),
                };
                figure.is_some_and(|figure| bounds.contains(figure))
            }
            Node::FirstOrder { of, when } => {
                self.orders(self.bought, of).first().is_some_and(|(at, _)| self.is_in(*at, *when))
            }
            Node::LastOrder { of, when } => {
                self.orders(self.bought, of).last().is_some_and(|(at, _)| self.is_in(*at, *when))
            }
            Node::Sequence { first, then, within_days, when } => {
                let within = i64::from(*within_days) * 24 * HOUR_MS;
                let of = |product: &Product| {
                    let chosen =
                        Orders { when: *when, product: Some(product.clone()), ..Orders::default() };
                    let lines = self.lines_of(self.bought, &chosen);
                    lines.iter().map(|line| line.ordered_at.millis()).collect::<Vec<_>>()
                };
                let then = of(then);
                of(first).iter().any(|a| then.iter().any(|b| a < b && b - a <= within))
            }
            Node::Audience { audience } => self.passes(&self.named[audience]),
            Node::Bucket { from, to, buckets, seed } => {
                let mut bytes = seed.clone().into_bytes();
                bytes.extend(self.feed.id.uuid().as_bytes());
                let digest = Sha256::digest(&bytes);
                let number = u64::from_be_bytes(digest[..8].try_into().unwrap());
                let bucket = 1 + (number % u64::from(*buckets)) as u32;
                (*from..=*to).contains(&bucket)
            }
        }
    }
}

fn oracle<'a>(
    world: &'a World,
    engine: &Engine,
    id: CustomerId,
    named: &'a Definitions,
    as_of: AsOf,
) -> Oracle<'a> {
    let (feed, [bought, refunds]) = &world[&id];
    let standing = engine.customer(id).unwrap().standing;
    let tiers = standing.map(|s| {
        let scores = engine.scores().unwrap();
        (s.score, [Scheme::Eleven, Scheme::Classic].map(|scheme| scores.tier(s.score, scheme)))
    });
    Oracle { feed, bought, refunds, tiers, named, as_of }
}

/// Definitions that name those before them.
pub(super) fn definitions() -> impl Strategy<Value = Definitions> {
    (tree(), tree()).prop_map(|(a, b)| {
        let of = vec![Node::Audience { audience: audience(0) }, without_names(b)];
        let named = [
            (audience(0), without_names(a)),
            (audience(1), Node::Any { of }),
            (audience(2), Node::everyone()),
        ];
        Definitions::from(named)
    })
}

pub(crate) fn without_names(node: Node) -> Node {
    match node {
        Node::All { of } => Node::All { of: of.into_iter().map(without_names).collect() },
        Node::Any { of } => Node::Any { of: of.into_iter().map(without_names).collect() },
        Node::Not { of } => Node::Not { of: Box::new(without_names(*of)) },
        Node::Audience { .. } => Node::everyone(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_manual_says(
        loaded in prop::collection::vec(put(), 0..60),
        ops in prop::collection::vec(op(), 0..60),
        trees in prop::collection::vec(tree(), 1..12),
        named in definitions(),
        day in -1_i64..5,
        reach in reach_strategy(),
        is_read_from_disk in any::<bool>(),
    ) {
        let (world, mut engine) = lived(&loaded, &ops);
        if is_read_from_disk {
            let scores = engine.scores().cloned();
            engine = through_disk(&engine);
            scores.into_iter().for_each(|scores| engine.set_scores(scores));
        }
        let as_of = as_of(day);
        for tree in &trees {
            let members = engine.snapshot().audience(tree, &named, as_of, &reach).unwrap();
            let wanted: BTreeSet<CustomerId> = world
                .iter()
                .filter(|(_, (feed, ..))| {
                    let region = Some(feed.province.as_str()).filter(|p| !p.is_empty());
                    reach.holds(feed.owner, region)
                })
                .map(|(id, _)| *id)
                .filter(|id| oracle(&world, &engine, *id, &named, as_of).passes(tree))
                .collect();
            prop_assert_eq!(members.ids().collect::<BTreeSet<_>>(), wanted.clone(), "{:?}", tree);
            prop_assert_eq!(members.count(), wanted.len() as u64);
            prop_assert_eq!(members.overlap(&members), members.count());
            prop_assert!(members.sample(3).iter().all(|id| wanted.contains(id) && members.has(*id)));
        }
    }

    #[test]
    fn why_and_when_it_flips(
        loaded in prop::collection::vec(put(), 1..12),
        ops in prop::collection::vec(op(), 0..6),
        tree in tree(),
        named in definitions(),
        day in -1_i64..4,
    ) {
        let (world, engine) = lived(&loaded, &ops);
        for id in world.keys() {
            let question = engine.snapshot().question(&tree, &named, as_of(day), *id).unwrap().unwrap();
            let (explained, looked_until) = question.explain();
            prop_assert_eq!(looked_until, None);
            let passes = |day| oracle(&world, &engine, *id, &named, as_of(day)).passes(&tree);
            prop_assert_eq!(explained.passes, passes(day), "{:?}", tree);
            // Nothing changes beyond the longest window after the last moment.
            let flips = (day + 1..16).find(|later| passes(*later) != passes(day));
            prop_assert_eq!(explained.flips_on, flips.map(|day| as_of(day).day), "{:?}", tree);
            prop_assert_eq!(question.next_flip(), explained.flips_on);
        }
    }
}

#[test]
fn circles_and_unknown_audiences_are_refused() {
    let engine = Engine::new();
    let ask = |root: &Node, named: &Definitions| {
        engine
            .snapshot()
            .audience(root, named, as_of(0), &Reach::ALL)
            .map(|members| members.count())
    };
    let name = |n| Node::Audience { audience: audience(n) };
    let named = Definitions::from([(audience(0), name(1)), (audience(1), name(0))]);
    assert_eq!(ask(&name(0), &named), Err(AudienceError::Circle(audience(0))));
    assert_eq!(ask(&name(2), &named), Err(AudienceError::Unknown(audience(2))));
    // Each doubles the one before: far more than anybody may ask.
    let twice = |n| Node::All { of: vec![name(n), name(n)] };
    let mut named = Definitions::from([(audience(0), Node::everyone())]);
    (0..30).for_each(|n| drop(named.insert(audience(n + 1), twice(n))));
    assert_eq!(ask(&name(30), &named), Err(AudienceError::TooLarge));
    assert_eq!(ask(&name(3), &named), Ok(0));
}

#[test]
fn a_hostile_question_is_followed_for_fewer_days() {
    let fact = |day: i64| OrderFact {
        ordered_at: Timestamp::from_millis(day * 24 * HOUR_MS),
        shop: crate::tests::model::shop(0),
        revenue_minor: 1,
    };
    let facts: Vec<OrderFact> = (0..400).map(|day| fact(-day)).collect();
    let feed = CustomerFeed {
        id: customer(1),
        name: String::new(),
        accounts: String::new(),
        province: String::new(),
        rating: None,
        owner: None,
        created_at: Timestamp::from_millis(0),
        tags: Vec::new(),
        refused_from: None,
        contact: Vec::new(),
        loyalty: crate::LoyaltyFeed::default(),
    };
    let mut engine = Engine::new();
    engine.upsert(&feed, &facts, &[]);
    let orders = |days| Node::Orders {
        measure: Measure::Count,
        of: Orders { when: When::LastDays(days), ..Orders::default() },
        // Never so: each condition stays as it is, and every day is looked at.
        bounds: crate::audience::Bounds::at_least(1_000),
    };
    let ask = |tree: &Node| {
        let question = engine.snapshot().question(tree, &Definitions::new(), as_of(0), customer(1));
        question.unwrap().unwrap().explain()
    };
    let few = Node::Any { of: (1..5).map(orders).collect() };
    assert_eq!(ask(&few).1, None);
    let many = Node::Any { of: (500..900).map(orders).collect() };
    let (explained, looked_until) = ask(&many);
    assert!(!explained.passes);
    assert!(looked_until.is_some_and(|day| day >= as_of(0).day && day < as_of(500).day));
}

//! Who passes, customer by customer and order by order, as `docs/audiences.md` says it.

use analytics::audience::{AsOf, Definitions, Measure, Node, Orders, Product, When};
use analytics::{Scheme, average_minor};
use chrono::Days;
use kernel::text::fold;
use kernel::{CustomerId, Timestamp, TypedId as _};
use sha2::{Digest as _, Sha256};

use crate::world::{Line, Order, Person};

/// What a tree is read against.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) as_of: AsOf,
    pub(crate) named: Definitions,
}

pub(crate) fn members(node: &Node, asked: &Asked, people: &[Person]) -> Vec<CustomerId> {
    people.iter().filter(|person| asked.passes(node, person)).map(|person| person.feed.id).collect()
}

/// The bucket of a customer, from 1.
pub(crate) fn bucket(customer: CustomerId, seed: &str, buckets: u32) -> u64 {
    let hash = Sha256::digest([seed.as_bytes(), customer.uuid().as_bytes()].concat());
    let first = hash[..8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    1 + first % u64::from(buckets)
}

fn sells(product: &Product, line: &Line) -> bool {
    let (code, title) = (fold(&line.code), fold(&line.title));
    match product {
        Product::Is(names) => names.iter().any(|name| code == fold(name) || title == fold(name)),
        Product::Contains(part) => code.contains(&fold(part)) || title.contains(&fold(part)),
    }
}

impl Asked {
    /// Whether the moment lies in the time.
    fn is_in(&self, moment: Timestamp, when: When) -> bool {
        let day = moment.day(self.as_of.zone);
        let before_last = |days: u32| day <= self.as_of.day - Days::new(days.into());
        day <= self.as_of.day
            && match when {
                When::Ever => true,
                When::LastDays(days) => !before_last(days),
                When::BeforeLastDays(days) => before_last(days),
                When::Days(from, to) => {
                    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
                }
            }
    }

    fn chosen<'a>(&self, of: &Orders, orders: &'a [Order]) -> Vec<&'a Order> {
        let is_chosen = |order: &&Order| {
            self.is_in(order.fact.ordered_at, of.when)
                && of.shop.is_none_or(|shop| order.fact.shop == shop)
                && of.amount.contains(order.fact.revenue_minor)
                && of.product.as_ref().is_none_or(|p| order.lines.iter().any(|l| sells(p, l)))
        };
        orders.iter().filter(is_chosen).collect()
    }

    fn measure(&self, measure: Measure, of: &Orders, person: &Person) -> Option<i64> {
        let known = if measure.is_of_refunds() { &person.refunds } else { &person.orders };
        let orders = self.chosen(of, known);
        let revenue: i64 = orders.iter().map(|order| order.fact.revenue_minor).sum();
        let lines = || {
            let lines = orders.iter().flat_map(|order| &order.lines);
            lines.filter(|line| of.product.as_ref().is_none_or(|product| sells(product, line)))
        };
        match measure {
            Measure::Count | Measure::Refunds => Some(orders.len() as i64),
            Measure::Revenue | Measure::Refunded if of.product.is_some() => {
                Some(lines().map(|line| line.amount_minor).sum())
            }
            Measure::Revenue | Measure::Refunded => Some(revenue),
            Measure::AverageOrder => average_minor(revenue, orders.len() as u32),
            Measure::Items => Some(lines().map(|line| line.quantity).sum()),
        }
    }

    fn passes(&self, node: &Node, person: &Person) -> bool {
        let feed = &person.feed;
        let times = |of: &Orders| -> Vec<Timestamp> {
            self.chosen(of, &person.orders).iter().map(|order| order.fact.ordered_at).collect()
        };
        match node {
            Node::All { of } => of.iter().all(|part| self.passes(part, person)),
            Node::Any { of } => of.iter().any(|part| self.passes(part, person)),
            Node::Not { of } => !self.passes(of, person),
            Node::Name { contains } => {
                let part = fold(contains);
                fold(&feed.name).contains(&part) || fold(&feed.accounts).contains(&part)
            }
            Node::Province { is } => is.contains(&feed.province),
            Node::Rating { bounds } => feed.rating.is_some_and(|r| bounds.contains(r.into())),
            Node::Owner { is } => is.contains(&feed.owner),
            Node::Tag { tag } => feed.tags.contains(tag),
            Node::Tier { is } => person.standing.is_some_and(|standing| {
                is.iter().any(|tier| match tier.scheme() {
                    Scheme::Eleven => standing.tier == *tier,
                    Scheme::Classic => standing.classic == *tier,
                })
            }),
            Node::Cell { is } => person.standing.is_some_and(|standing| is.has(standing.score)),
            Node::Level { scheme, is } => {
                let own = feed.loyalty.levels.iter().find(|(of, _)| of == scheme);
                is.contains(&own.map_or(0, |(_, rank)| *rank))
            }
            Node::Points { programme, bounds } => {
                let own = feed.loyalty.points.iter().find(|(of, _)| of == programme);
                bounds.contains(own.map_or(0, |(_, points)| *points))
            }
            Node::Created { when } => self.is_in(feed.created_at, *when),
            Node::RefusesAutomation => {
                feed.refused_from.is_some_and(|from| from.day(self.as_of.zone) <= self.as_of.day)
            }
            Node::MayContact { channel, purpose } => {
                let next = self.as_of.day.succ_opt().unwrap();
                let last = Timestamp::start_of(next, self.as_of.zone).plus_millis(-1);
                let differs = feed.contact.iter().any(|span| {
                    (span.channel, span.purpose) == (*channel, *purpose)
                        && span.from <= last
                        && span.until.is_none_or(|until| last < until)
                });
                differs == purpose.needs_grant()
            }
            Node::Orders { measure, of, bounds } => {
                self.measure(*measure, of, person).is_some_and(|figure| bounds.contains(figure))
            }
            Node::FirstOrder { of, when } => {
                times(of).into_iter().min().is_some_and(|first| self.is_in(first, *when))
            }
            Node::LastOrder { of, when } => {
                times(of).into_iter().max().is_some_and(|last| self.is_in(last, *when))
            }
            Node::Sequence { first, then, within_days, when } => {
                let bought = |product: &Product| -> Vec<i64> {
                    let orders = person.orders.iter();
                    orders
                        .filter(|order| self.is_in(order.fact.ordered_at, *when))
                        .filter(|order| order.lines.iter().any(|line| sells(product, line)))
                        .map(|order| order.fact.ordered_at.millis())
                        .collect()
                };
                let most = i64::from(*within_days) * 24 * 3_600_000;
                let (before, after) = (bought(first), bought(then));
                before.iter().any(|a| after.iter().any(|b| a < b && b - a <= most))
            }
            Node::Audience { audience } => self.passes(&self.named[audience], person),
            Node::Bucket { from, to, buckets, seed } => {
                let own = bucket(feed.id, seed, *buckets);
                (u64::from(*from)..=u64::from(*to)).contains(&own)
            }
        }
    }
}

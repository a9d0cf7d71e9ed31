//! Small worlds of customers.

use std::path::Path;

use analytics::{Bins, CustomerFeed, Engine, LineFact, OrderFact, RfmQuery, Standing};
use audience_sql::{Executor, Limits, Written, write};
use kernel::{
    AudienceId, CustomerId, LevelSchemeId, ProgrammeId, ShopId, TagId, Timestamp, TypedId, UserId,
    Zone,
};
use uuid::Uuid;

pub(crate) fn id<T: TypedId>(n: u8) -> T {
    T::from_uuid(Uuid::from_u128(u128::from(n) << 64 | 1))
}

pub(crate) fn customer(n: u8) -> CustomerId {
    id(n)
}

pub(crate) fn shop(n: u8) -> ShopId {
    id(n)
}

pub(crate) fn tag(n: u8) -> TagId {
    id(n)
}

pub(crate) fn user(n: u8) -> UserId {
    id(n)
}

pub(crate) fn scheme(n: u8) -> LevelSchemeId {
    id(n)
}

pub(crate) fn programme(n: u8) -> ProgrammeId {
    id(n)
}

pub(crate) fn audience(n: u8) -> AudienceId {
    id(n)
}

/// Midnight of 1970-01-01 in China, plus so many hours and milliseconds.
pub(crate) fn at(hours: i64, millis: i64) -> Timestamp {
    Timestamp::from_millis((hours - 8) * 3_600_000 + millis)
}

/// One customer with all that is known.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) feed: CustomerFeed,
    pub(crate) standing: Option<Standing>,
    pub(crate) orders: Vec<Order>,
    /// Orders, counted or not, with what was refunded of them.
    pub(crate) refunds: Vec<Order>,
}

/// An order with its lines.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) fact: OrderFact,
    pub(crate) lines: Vec<Line>,
}

/// A line of an order.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) quantity: i64,
    pub(crate) amount_minor: i64,
}

/// Nobody special, known since the beginning.
pub(crate) fn plain(n: u8) -> Person {
    let feed = CustomerFeed {
        id: customer(n),
        name: format!("客户{n}"),
        accounts: String::new(),
        province: String::new(),
        rating: None,
        owner: None,
        created_at: at(0, 0),
        tags: Vec::new(),
        refused_from: None,
        contact: Vec::new(),
        loyalty: analytics::LoyaltyFeed::default(),
    };
    Person { feed, standing: None, orders: Vec::new(), refunds: Vec::new() }
}

/// Writes the people, sorted by id, and opens them.
pub(crate) fn open(dir: &Path, people: &[Person], limits: Limits) -> Executor {
    write_all(dir, people);
    Executor::open(dir, limits).unwrap()
}

pub(crate) fn write_all(dir: &Path, people: &[Person]) -> Written {
    let customers = people.iter().map(|person| (person.feed.clone(), person.standing));
    let facts = |of: fn(&Person) -> &[Order]| {
        let own = move |person: &Person| {
            let id = person.feed.id;
            of(person).iter().map(|order| (id, order.fact)).collect::<Vec<_>>()
        };
        people.iter().flat_map(own)
    };
    let of_lines = |of: fn(&Person) -> &[Order]| {
        let own = move |person: &Person| {
            let id = person.feed.id;
            lines(of(person)).into_iter().map(|line| (id, line)).collect::<Vec<_>>()
        };
        people.iter().flat_map(own)
    };
    let [bought, refunded]: [fn(&Person) -> &[Order]; 2] = [|one| &one.orders, |one| &one.refunds];
    let (orders, lines) = (facts(bought), of_lines(bought));
    write(dir, customers, orders, lines, facts(refunded), of_lines(refunded)).unwrap()
}

/// The lines of orders, numbered in the order in which orders are told apart.
pub(crate) fn lines(orders: &[Order]) -> Vec<LineFact> {
    let mut sorted: Vec<&Order> = orders.iter().collect();
    sorted.sort_by_key(|order| order.fact);
    let lines = (0..).zip(sorted).flat_map(|(number, order)| {
        order.lines.iter().map(move |line| LineFact {
            ordered_at: order.fact.ordered_at,
            order: number,
            shop: order.fact.shop,
            code: line.code.clone(),
            title: line.title.clone(),
            quantity: line.quantity,
            amount_minor: line.amount_minor,
        })
    });
    lines.collect()
}

/// An engine that knows the people and scored them today, five days after the first.
pub(crate) fn engine(people: &[Person], zone: Zone) -> Engine {
    let mut loader = Engine::builder();
    people.iter().for_each(|person| loader.customer(&person.feed));
    let mut loader = loader.facts();
    for person in people {
        for order in &person.orders {
            assert!(loader.fact(person.feed.id, order.fact));
        }
        for line in lines(&person.orders) {
            assert!(loader.line(person.feed.id, &line));
        }
        for refund in &person.refunds {
            assert!(loader.refund(person.feed.id, refund.fact));
        }
        for line in lines(&person.refunds) {
            assert!(loader.refund_line(person.feed.id, &line));
        }
    }
    let mut engine = loader.build().unwrap();
    let scores = engine.rfm(&RfmQuery {
        as_of: at(5 * 24, 0).day(zone),
        zone,
        bins: Bins::quantile(5).unwrap(),
        shop: None,
        minor_per_major: 100,
    });
    engine.set_scores(scores);
    engine
}

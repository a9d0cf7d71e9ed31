//! Measures audiences and RFM on many made-up customers with products.

use std::time::Instant;

use chrono::Days;
use kernel::{CustomerId, Reach, TagId, Timestamp, TypedId as _, Zone};
use uuid::Uuid;

use super::synthetic::{LAST_DAY, Made, mix};
use super::{rfm_query, timed};
use crate::audience::{AsOf, AudienceError, Definitions, NoNames, Node, parse};
use crate::live::{LiveFigures, measure_live};
use crate::{CapacityError, CustomerFeed, Engine, LineFact, OrderFact};

/// Products sold.
const PRODUCTS: u64 = 5_000;
/// Days over which orders are spread, the last of which are the days before the last day.
const DAYS: u64 = 1_096;
/// How often each question is asked.
const ROUNDS: u64 = 9;

/// As of when audiences are asked.
const TODAY: AsOf = AsOf { day: LAST_DAY, zone: Zone::CHINA };

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InsightFigures {
    /// Customers.
    pub customers: u32,
    /// Orders.
    pub orders: u64,
    /// Lines of orders.
    pub lines: u64,
    /// Seconds from nothing to an engine that answers, the making of the data included.
    pub build_seconds: f64,
    /// Seconds that all features take from the facts: sums, first and last orders, sets of customers by shop and
    /// product, and the order of customers by each.
    pub rebuild_seconds: f64,
    /// Seconds that a compaction takes: a new base from the old one and what changed.
    pub compaction_seconds: f64,
    /// Bytes that the engine says it holds.
    pub engine_mib: f64,
    /// RFM cube of all customers as of a day not asked before, median milliseconds.
    pub rfm_ms: f64,
    /// Audience of ten conditions on features, median milliseconds.
    pub audience10_ms: f64,
    /// The same with two conditions on windows of orders and products.
    pub audience_window_ms: f64,
    /// Values that the rebuild made.
    pub rebuilt_values: usize,
    /// Seconds that a thousand different audiences take, one in four of them with windows.
    pub audiences1000_seconds: f64,
    /// Customers in the last audience of both kinds.
    pub found: (u64, u64),
    /// Changes of one customer applied a second.
    pub events_per_second: f64,
}

/// A customer of a made-up shop with `per_customer` orders on average, most of one to three lines.
struct Shop {
    made: Made,
    seed: u64,
    per_customer: f64,
}

impl Shop {
    fn draw(&self, what: u64, customer: u32, nth: u64) -> u64 {
        mix(self.seed ^ mix(u64::from(customer) << 20 | nth) ^ (what << 56))
    }

    /// Orders of a customer, sorted, and their lines.
    fn bought(&self, n: u32) -> (Vec<OrderFact>, Vec<LineFact>) {
        // Exponential in a few steps: many buy once, few buy often.
        let unit = (self.draw(1, n, 0) >> 11) as f64 / (1_u64 << 53) as f64;
        let count = (-(1.0 - unit).ln() * self.per_customer).round().min(400.0) as u64;
        let last = Timestamp::start_of(LAST_DAY, Zone::CHINA).millis() / 1000;
        let mut moments: Vec<i64> =
            (0..count).map(|nth| last - (self.draw(2, n, nth) % (DAYS * 86_400)) as i64).collect();
        moments.sort_unstable();
        let mut orders = Vec::with_capacity(moments.len());
        let mut lines = Vec::new();
        for (nth, moment) in (0..).zip(moments) {
            let ordered_at = Timestamp::from_millis(moment * 1000);
            let shop = self.made.shop((self.draw(3, n, nth) % 4) as u8);
            let mut revenue_minor = 0;
            for line in 0..=self.draw(4, n, nth) % 3 {
                let drawn = self.draw(5, n, nth << 2 | line);
                // The product of two draws sells some products far more than others.
                let product = ((drawn % PRODUCTS) * (drawn >> 32 & 0xfff)) >> 12;
                let amount_minor = 500 + (product * 37 % 20_000) as i64;
                revenue_minor += amount_minor;
                lines.push(LineFact {
                    ordered_at,
                    order: nth,
                    shop,
                    code: format!("P{product}"),
                    title: String::new(),
                    quantity: 1,
                    amount_minor,
                });
            }
            orders.push(OrderFact { ordered_at, shop, revenue_minor });
        }
        (orders, lines)
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Ten conditions on features; `round` makes them other ones each time.
fn on_features(round: u64) -> String {
    let tag = TagId::from_uuid(Uuid::from_u128(1));
    format!(
        "orders >= 2 and revenue between {} and 900000 and average_order >= 30 \
         and last_order in last {} days and first_order before last 60 days \
         and province in (\"广东省\", \"浙江省\", \"江苏省\", \"上海\", \"北京\") \
         and created before last 30 days and not tag \"{tag}\" and not rating <= 1 \
         and not refuses_automation",
        80 + round,
        400 + round
    )
}

/// Two conditions more, on windows of orders and products.
fn with_windows(text: &str, round: u64) -> String {
    format!(
        "{text} and orders(in last 90 days) >= 2 and orders(product = \"P{}\", in last 30 days) = 0",
        7 + round
    )
}

fn read(text: &str) -> Node {
    parse(text, &NoNames).unwrap_or_else(|_| Node::everyone())
}

fn ask(engine: &Engine, text: &str) -> (u64, f64) {
    let tree = read(text);
    let (members, ms) =
        timed(|| engine.snapshot().audience(&tree, &Definitions::new(), TODAY, &Reach::ALL));
    (members.map_or(0, |members| members.count()), ms)
}

/// A made-up shop in an engine.
pub struct BuiltShop {
    shop: Shop,
    /// The engine.
    pub engine: Engine,
}

impl BuiltShop {
    /// The audiences that were timed, of features alone and with windows, and the day that they are asked of.
    #[must_use]
    pub fn audiences(&self) -> (Vec<Node>, AsOf) {
        let text = on_features(0);
        let texts = [with_windows(&text, 0), text];
        (texts.iter().map(|text| read(text)).collect(), TODAY)
    }

    /// Keeps `audiences` live while customers order once more, `events` of them.
    ///
    /// # Errors
    /// None of these definitions.
    pub fn live(&mut self, audiences: u32, events: u64) -> Result<LiveFigures, AudienceError> {
        let shop = &self.shop;
        let customers = u64::from(shop.made.customers());
        let change = |n: u64| {
            let who = (n * 7_919 % customers) as u32;
            let (mut orders, lines) = shop.bought(who);
            let ordered_at = Timestamp::from_millis(TODAY.end_ms() - 1_000);
            orders.push(OrderFact { ordered_at, shop: shop.made.shop(0), revenue_minor: 9_900 });
            (shop.made.feed(who), orders, lines)
        };
        measure_live(&mut self.engine, TODAY, audiences, events, change)
    }
}

/// Builds an engine of `customers` with about `lines` lines of orders and asks it.
///
/// # Errors
/// More than an engine holds.
pub fn measure_insight(
    customers: u32,
    lines: u64,
    seed: u64,
) -> Result<(InsightFigures, BuiltShop), CapacityError> {
    let began = Instant::now();
    let per_customer = lines as f64 / 2.0 / f64::from(customers.max(1));
    let shop = Shop { made: Made::new(customers), seed: mix(seed), per_customer };
    let mut loader = Engine::builder();
    (0..customers).for_each(|n| loader.customer(&shop.made.feed(n)));
    let mut loader = loader.facts();
    let (mut orders_made, mut lines_made) = (0, 0);
    for n in 0..customers {
        let id: CustomerId = shop.made.id(n);
        let (orders, lines) = shop.bought(n);
        orders_made += orders.len() as u64;
        lines_made += lines.len() as u64;
        for order in orders {
            loader.fact(id, order);
        }
        for line in &lines {
            loader.line(id, line);
        }
    }
    let mut engine = loader.build()?;
    engine.warm();
    let build_seconds = began.elapsed().as_secs_f64();

    let day = |ahead: u64| LAST_DAY.checked_add_days(Days::new(ahead)).unwrap_or(LAST_DAY);
    let rfm = (0..ROUNDS).map(|ahead| timed(|| engine.rfm(&rfm_query(day(ahead)))).1).collect();
    let scores = engine.rfm(&rfm_query(LAST_DAY));
    engine.set_scores(scores);
    let mut found = (0, 0);
    let mut features = Vec::new();
    let mut windows = Vec::new();
    for round in 0..ROUNDS {
        let text = on_features(round);
        let (count, ms) = ask(&engine, &text);
        found.0 = count;
        features.push(ms);
        let text = with_windows(&text, round);
        let (count, ms) = ask(&engine, &text);
        found.1 = count;
        windows.push(ms);
    }
    let (_, thousand_ms) = timed(|| {
        for round in 0..1_000 {
            let text = on_features(100 + round);
            let text = if round % 4 == 0 { with_windows(&text, round) } else { text };
            ask(&engine, &text);
        }
    });
    let (made, rebuild_ms) = timed(|| engine.features_again());
    let (compacted, compaction_ms) = timed(|| engine.take_compaction().run());
    drop(compacted?);
    let changes = 20_000.min(customers);
    let mut changed = engine.clone_base();
    let (_, ms) = timed(|| {
        for n in 0..changes {
            let who = (u64::from(n) * 41 % u64::from(customers)) as u32;
            let feed: CustomerFeed = shop.made.feed(who);
            let (orders, lines) = shop.bought(who);
            changed.upsert(&feed, &orders, &lines);
        }
    });
    drop(changed);
    let figures = InsightFigures {
        customers,
        orders: orders_made,
        lines: lines_made,
        build_seconds,
        rebuild_seconds: rebuild_ms / 1000.0,
        compaction_seconds: compaction_ms / 1000.0,
        engine_mib: engine.memory_bytes() as f64 / f64::from(1 << 20),
        rfm_ms: median(rfm),
        audience10_ms: median(features),
        audience_window_ms: median(windows),
        audiences1000_seconds: thousand_ms / 1000.0,
        rebuilt_values: made,
        found,
        events_per_second: f64::from(changes) / ms * 1000.0,
    };
    Ok((figures, BuiltShop { shop, engine }))
}

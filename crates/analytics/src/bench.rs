//! Measures the engine on made-up customers; `guanxi bench` and `examples/bench_list.rs` print it.

mod insight;
mod synthetic;

use std::sync::Arc;
use std::time::Instant;

use chrono::{Days, NaiveDate};
use kernel::{Reach, Zone};

use crate::{
    Bins, CellPattern, DaysQuery, Engine, Filter, ListCursor, ListQuery, OrderFact, Rfm, RfmQuery,
    Score, Sort, SortKey, Span, Tier,
};
pub use insight::{BuiltShop, InsightFigures, measure_insight};
pub use synthetic::LAST_DAY;
pub use synthetic::Made;
use synthetic::{FIRST_DAY, PROVINCES};

/// Goal for a page at a million customers, milliseconds at the 95th percentile.
const PAGE_GOAL_MS: f64 = 4.0;
/// Goal for a search by name.
const SEARCH_GOAL_MS: f64 = 10.0;
/// Goal for scoring a million customers anew.
const RFM_GOAL_MS: f64 = 300.0;
/// Goal for a million customers with a million orders.
const MEMORY_GOAL_MIB: f64 = 150.0;

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The result.
    pub value: f64,
    /// Unit of `value` and `goal`.
    pub unit: &'static str,
    /// What it should not exceed.
    pub goal: Option<f64>,
}

impl Figure {
    /// Whether the goal is kept; true without one.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.goal.is_none_or(|goal| self.value <= goal)
    }
}

/// Measures load, memory, RFM, pages for every filter, sort and depth, and changes.
///
/// # Errors
/// More customers or orders than an engine holds.
pub fn measure(customers: u32, orders: u32) -> Result<Vec<Figure>, crate::CapacityError> {
    let mut figures = Vec::new();
    let mut note = |name: &str, value: f64, unit: &'static str, goal: Option<f64>| {
        figures.push(Figure { name: name.to_owned(), value, unit, goal });
    };
    let made = Made::new(customers);
    let (engine, ms) = timed(|| load(&made, orders));
    let mut engine = engine?;
    note("load", ms, "ms", None);
    let ((), ms) = timed(|| engine.warm());
    note("build the orders of all sorts", ms, "ms", None);
    let day = |back: u64| LAST_DAY.checked_sub_days(Days::new(back)).unwrap_or(LAST_DAY);
    let (today, ms) = timed(|| engine.rfm(&rfm_query(day(0))));
    note("rfm, today", ms, "ms", Some(RFM_GOAL_MS));
    let (before, ms) = timed(|| engine.rfm(&rfm_query(day(90))));
    note("rfm, 90 days ago", ms, "ms", Some(RFM_GOAL_MS));
    let (_, ms) = timed(|| crate::movement(&before, &today, crate::Scheme::Eleven));
    note("rfm, movement over 90 days", ms, "ms", None);
    let ((), ms) = timed(|| engine.set_scores(Arc::clone(&today)));
    note("set scores", ms, "ms", None);
    let days = DaysQuery { from: day(89), to: day(0), zone: Zone::CHINA, shop: None };
    let (_, ms) = timed(|| engine.days(&days, &Reach::ALL));
    note("sums of 90 days", ms, "ms", None);

    let open = CellPattern { r: Some(5), f: None, m: None };
    let by_cell = Filter { cell: Some(open), ..Filter::default() };
    let query = ListQuery { filter: by_cell, limit: 50, ..ListQuery::default() };
    let (_, ms) = timed(|| engine.view().list_by(&query, &before));
    note("page by cells of 90 days ago, first", ms, "ms", Some(PAGE_GOAL_MS));
    let (_, ms) = timed(|| engine.view().list_by(&query, &before));
    note("page by cells of 90 days ago, again", ms, "ms", Some(PAGE_GOAL_MS));
    let all = pages(&engine, &made, &today, &mut note);
    note("pages, every filter, sort and depth, p50", percentile(&all, 50), "ms", None);
    note(
        "pages, every filter, sort and depth, p95",
        percentile(&all, 95),
        "ms",
        Some(PAGE_GOAL_MS),
    );
    let mib = engine.memory_bytes() as f64 / f64::from(1 << 20);
    note("memory", mib, "MiB", Some(MEMORY_GOAL_MIB));

    changes(&mut engine, &made, customers, &mut note);
    let mut again = pages_cold(&engine, &made, &today);
    again.sort_by(f64::total_cmp);
    note("pages after many changes, p95", percentile(&again, 95), "ms", Some(PAGE_GOAL_MS));
    Ok(figures)
}

fn load(made: &Made, orders: u32) -> Result<Engine, crate::CapacityError> {
    let mut loader = Engine::builder();
    (0..made.customers()).for_each(|n| loader.customer(&made.feed(n)));
    let mut loader = loader.facts();
    for n in 0..orders {
        let (customer, fact) = made.order(n);
        loader.fact(made.id(customer), fact);
    }
    loader.build()
}

fn rfm_query(as_of: NaiveDate) -> RfmQuery {
    RfmQuery {
        as_of,
        zone: Zone::CHINA,
        bins: Bins::quantile(5).unwrap_or_else(|_| unreachable!("five is between two and ten")),
        shop: None,
        minor_per_major: 100,
    }
}

/// Filters by name of the condition, as in the interface.
fn filters(made: &Made) -> Vec<(&'static str, Filter)> {
    let none = Filter::default;
    let span = |min, max| Span { min, max };
    let days = |back: u64, long: u64| {
        let from = LAST_DAY.checked_sub_days(Days::new(back)).unwrap_or(FIRST_DAY);
        Span::days(Some(from), from.checked_add_days(Days::new(long)), Zone::CHINA)
    };
    let search = |q: &str| Filter { q: Some(q.to_owned()), ..Filter::default() };
    vec![
        ("none", none()),
        ("shop", Filter { shop: Some(made.shop(1)), ..none() }),
        ("shop, rare", Filter { shop: Some(made.shop(7)), ..none() }),
        ("tag", Filter { tag: Some(made.tag(0)), ..none() }),
        ("tier", Filter { tier: vec![Tier::AtRisk, Tier::CantLose], ..none() }),
        ("classic", Filter { classic: vec![Tier::ImportantKeep], ..none() }),
        ("cell", Filter { cell: Some(Score { r: 5, f: 5, m: 5 }.into()), ..none() }),
        ("province", Filter { province: Some(PROVINCES[0].to_owned()), ..none() }),
        ("rating", Filter { rating: Some(5), ..none() }),
        ("orders", Filter { orders: span(Some(2), Some(3)), ..none() }),
        ("revenue", Filter { revenue: span(Some(50_000), None), ..none() }),
        ("revenue, few", Filter { revenue: span(Some(300_000), None), ..none() }),
        ("last order", Filter { last_order: days(400, 200), ..none() }),
        ("last order, a day", Filter { last_order: days(100, 0), ..none() }),
        ("first order", Filter { first_order: days(700, 30), ..none() }),
        (
            "seven at once",
            Filter {
                shop: Some(made.shop(0)),
                province: Some(PROVINCES[1].to_owned()),
                tier: vec![Tier::Champions, Tier::Loyal],
                orders: span(Some(1), None),
                revenue: span(Some(1_000), Some(900_000)),
                last_order: days(900, 900),
                first_order: days(1_000, 1_000),
                ..none()
            },
        ),
        ("q, surname", search("王")),
        ("q, name", search("王小明")),
        ("q, one letter", search("b")),
        ("q, two digits", search("13")),
        ("q, account", search("tb_1234")),
        ("q, nobody", search("欧阳锋")),
        ("q, province", Filter { province: Some(PROVINCES[2].to_owned()), ..search("李") }),
    ]
}

/// Times pages for every filter, sort and depth; gives all times except those of searches.
fn pages(
    engine: &Engine,
    made: &Made,
    scores: &Rfm,
    note: &mut impl FnMut(&str, f64, &'static str, Option<f64>),
) -> Vec<f64> {
    let mut all = Vec::new();
    for (name, filter) in filters(made) {
        let goal = if filter.q.is_some() { SEARCH_GOAL_MS } else { PAGE_GOAL_MS };
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for sort in sorts() {
            for after in depths(scores, sort) {
                let query = ListQuery { filter: filter.clone(), sort, after, limit: 50 };
                cold.push(median_page(engine, &query, true));
                warm.push(median_page(engine, &query, false));
            }
        }
        if filter.q.is_none() {
            all.extend_from_slice(&cold);
        }
        for (when, mut times) in [("first", cold), ("again", warm)] {
            times.sort_by(f64::total_cmp);
            note(&format!("page by {name}, {when}, p50"), percentile(&times, 50), "ms", None);
            note(&format!("page by {name}, {when}, p95"), percentile(&times, 95), "ms", Some(goal));
        }
    }
    all.sort_by(f64::total_cmp);
    all
}

fn pages_cold(engine: &Engine, made: &Made, scores: &Rfm) -> Vec<f64> {
    let mut times = Vec::new();
    for (_, filter) in filters(made).into_iter().filter(|(_, filter)| filter.q.is_none()) {
        for sort in sorts() {
            for after in depths(scores, sort) {
                let query = ListQuery { filter: filter.clone(), sort, after, limit: 50 };
                times.push(median_page(engine, &query, true));
            }
        }
    }
    times
}

/// The median of five, because a program that shares its processor is now and then put aside.
fn median_page(engine: &Engine, query: &ListQuery, new_filter: bool) -> f64 {
    let mut times = [(); 5].map(|()| {
        if new_filter {
            engine.forget_filters();
        }
        timed(|| engine.list(query)).1
    });
    times.sort_by(f64::total_cmp);
    times[2]
}

fn sorts() -> impl Iterator<Item = Sort> {
    SortKey::ALL
        .into_iter()
        .flat_map(|key| [false, true].map(|descending| Sort { key, descending }))
}

/// The first page, and pages in the middle and near the end of the unfiltered list.
fn depths(scores: &Rfm, sort: Sort) -> [Option<ListCursor>; 4] {
    let at = |value: i64| {
        let id = scores.scores().next()?.0;
        Some(ListCursor { sort, value: Some(value), id })
    };
    let day = |day: NaiveDate| kernel::Timestamp::start_of(day, Zone::CHINA).millis();
    let (low, high) = match sort.key {
        SortKey::Orders => (1, 3),
        SortKey::Revenue | SortKey::AverageOrder => (2_000, 400_000),
        _ => (day(FIRST_DAY) + 86_400_000, day(LAST_DAY) - 86_400_000),
    };
    [None, at(low), at(low + (high - low) / 2), at(high)]
}

/// Times single changes, and the compaction of many.
fn changes(
    engine: &mut Engine,
    made: &Made,
    customers: u32,
    note: &mut impl FnMut(&str, f64, &'static str, Option<f64>),
) {
    let count = (customers / 50).max(1);
    let mut times = Vec::new();
    for n in 0..count {
        let customer = (n * 37) % customers;
        let facts: Vec<OrderFact> = (0..3).map(|k| made.order(n + k).1).collect();
        let feed = made.feed(customer);
        times.push(timed(|| engine.upsert(&feed, &facts, &[])).1);
    }
    times.sort_by(f64::total_cmp);
    note("one change, p95", percentile(&times, 95), "ms", None);
    let first = ListQuery { limit: 50, ..ListQuery::default() };
    let (_, ms) = timed(|| engine.list(&first));
    note("first page with 2 % changed", ms, "ms", Some(PAGE_GOAL_MS));
    let Some(compaction) = engine.compaction() else {
        return;
    };
    let (done, ms) = timed(|| compaction.run());
    note("compaction, in the background", ms, "ms", None);
    if let Ok(done) = done {
        let (_retired, ms) = timed(|| engine.install(done));
        note("compaction, under the lock", ms, "ms", None);
    }
    for n in 0..(count / 5) {
        engine.upsert(&made.feed((n * 41) % customers), &[made.order(n).1], &[]);
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let out = work();
    (out, start.elapsed().as_secs_f64() * 1000.0)
}

/// Of times sorted upwards.
fn percentile(times: &[f64], percent: usize) -> f64 {
    let rank = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(rank).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn measures_small_engines() {
        let figures = super::measure(2_000, 3_000).unwrap();
        assert!(figures.iter().any(|figure| figure.name == "rfm, today" && figure.ok()));
        assert!(figures.iter().all(|figure| figure.value.is_finite()));
    }
}

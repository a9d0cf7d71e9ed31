//! What models are given as plain columns, against the same customers one by one.

use chrono::{Days, NaiveDate};
use kernel::Zone;
use proptest::prelude::*;

use super::model::{self, Model};
use crate::daily::day_number;
use crate::{CustomerFeed, Engine, LineFact, LinesQuery, OrderFact};

/// Lines of an order by its place among its customer's: none, one or two products. The title of product 1
/// changes, product 2 has no code, and product 3 has neither.
fn lines_of(order: usize, fact: &OrderFact) -> Vec<LineFact> {
    let line = |code: &str, title: String| LineFact {
        ordered_at: fact.ordered_at,
        order: order as u64,
        shop: fact.shop,
        code: code.to_owned(),
        title,
        quantity: 1,
        amount_minor: fact.revenue_minor,
    };
    let one = || line("A 1", format!("Green Tea {order}"));
    let two = || line("", "Cup".to_owned());
    match order % 4 {
        0 => vec![one(), two()],
        1 => vec![two()],
        2 => vec![one(), line("", String::new()), one()],
        _ => vec![],
    }
}

/// The first `compacted` customers in the base, the others in the overlay, and one of the base removed.
fn engine(model: &Model, compacted: usize) -> Engine {
    let mut engine = Engine::new();
    let gone =
        CustomerFeed { id: model::customer(200), ..model.values().next().unwrap().0.clone() };
    let fact = OrderFact {
        ordered_at: kernel::Timestamp::from_millis(0),
        shop: model::shop(0),
        revenue_minor: 1,
    };
    engine.upsert(&gone, &[fact], &lines_of(0, &fact));
    for (index, (feed, facts)) in model.values().enumerate() {
        if index == compacted {
            let done = engine.take_compaction().run().unwrap();
            drop(engine.install(done));
        }
        let lines: Vec<LineFact> =
            facts.iter().enumerate().flat_map(|(order, fact)| lines_of(order, fact)).collect();
        engine.upsert(feed, facts, &lines);
    }
    assert!(engine.remove(gone.id));
    engine
}

/// Customers by id, no two orders of one shop and moment, sorted by time.
fn model() -> impl Strategy<Value = Model> {
    prop::collection::vec(model::feed_strategy(), 1..30).prop_map(|rows| {
        let clean = |(feed, mut facts): (CustomerFeed, Vec<OrderFact>)| {
            facts.sort_unstable();
            facts.dedup_by_key(|fact| (fact.ordered_at, fact.shop));
            (feed.id, (feed, facts))
        };
        rows.into_iter().map(clean).collect()
    })
}

type Basket = (i32, Vec<(String, String)>);

proptest! {
    #[test]
    fn values_are_those_of_the_model(
        model in model(),
        (day, of, compacted) in (0_u64..4, prop::option::of(0_u8..4), 0_usize..30),
        reach in model::reach_strategy(),
    ) {
        let query = model::rfm_query(day, 3, of);
        let found = engine(&model, compacted).snapshot().rfm_values(&query, &reach);
        let mut told: Vec<_> = found.ids.iter().zip(&found.recency_days)
            .zip(found.orders.iter().zip(&found.revenue_minor))
            .map(|((id, recency), (orders, revenue))| (*id, [*recency, i64::from(*orders), *revenue]))
            .collect();
        told.sort_unstable();
        let expected: Vec<_> = model.values()
            .filter(|(feed, _)| model::in_reach(feed, &reach))
            .filter_map(|(feed, facts)| Some((feed.id, model::values(&query, facts)?)))
            .collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn lines_are_those_of_the_model(
        model in model(),
        (from, days, of, compacted) in (0_u64..3, 0_u64..4, prop::option::of(0_u8..4), 0_usize..30),
        (reach, with_amounts) in (model::reach_strategy(), any::<bool>()),
    ) {
        let from = NaiveDate::default() + Days::new(from);
        let (to, shop, zone) = (from + Days::new(days), of.map(model::shop), Zone::CHINA);
        let query = LinesQuery { from, to, zone, shop, amounts: with_amounts };
        let found = engine(&model, compacted).snapshot().order_lines(&query, &reach).unwrap();
        let rows = 0..found.order.len();
        prop_assert_eq!(found.amount_minor.len(), if with_amounts { rows.len() } else { 0 });
        prop_assert!(found.quantity.iter().all(|quantity| *quantity == 1));
        let mut told: Vec<Vec<Basket>> = Vec::new();
        let mut before = None;
        for row in rows {
            let (customer, order) = (found.customer[row], found.order[row]);
            if before.is_none_or(|(of, _)| of != customer) {
                told.push(Vec::new());
            }
            let own = told.last_mut().unwrap();
            if before != Some((customer, order)) {
                own.push((found.day[row], Vec::new()));
            }
            before = Some((customer, order));
            let product = &found.products[found.product[row] as usize];
            let title = if product.code.is_empty() { product.title.clone() } else { String::new() };
            own.last_mut().unwrap().1.push((product.code.clone(), title));
        }
        let span = (from, to);
        let mut expected: Vec<Vec<Basket>> = model.values()
            .filter(|(feed, _)| model::in_reach(feed, &reach))
            .map(|(_, facts)| baskets(facts, shop, span))
            .filter(|own| !own.is_empty())
            .collect();
        told.sort();
        expected.sort();
        if with_amounts {
            // Each line has the revenue of its order.
            let sum: i64 = model.values()
                .filter(|(feed, _)| model::in_reach(feed, &reach))
                .map(|(_, facts)| amounts(facts, shop, span))
                .sum();
            prop_assert_eq!(found.amount_minor.iter().sum::<i64>(), sum);
        }
        prop_assert_eq!(told, expected);
        // Whoever is named as a buyer bought it, and is asked for its title.
        for product in &found.products {
            let (_, facts) = &model[&product.buyer];
            let own = facts.iter().enumerate().flat_map(|(order, fact)| lines_of(order, fact));
            prop_assert!(own.into_iter().any(|line| product.is_of(&line.code, &line.title)));
        }
    }
}

/// The revenue of each order once for every line that names a product.
fn amounts(facts: &[OrderFact], shop: Option<kernel::ShopId>, span: (NaiveDate, NaiveDate)) -> i64 {
    let lines = |index: usize| [2, 1, 2, 0][index % 4];
    let of = |(index, fact): (usize, &OrderFact)| {
        // An order alone, but with as many lines as at its place.
        let is_asked = !baskets(&[*fact], shop, span).is_empty();
        if is_asked { fact.revenue_minor * lines(index) } else { 0 }
    };
    facts.iter().enumerate().map(of).sum()
}

fn baskets(
    facts: &[OrderFact],
    shop: Option<kernel::ShopId>,
    (from, to): (NaiveDate, NaiveDate),
) -> Vec<Basket> {
    let number = |day: NaiveDate| (day - NaiveDate::default()).num_days();
    let asked = |(_, fact): &(usize, &OrderFact)| {
        let day = day_number(fact.ordered_at.millis(), Zone::CHINA);
        shop.is_none_or(|shop| fact.shop == shop) && (number(from)..=number(to)).contains(&day)
    };
    let basket = |(order, fact): (usize, &OrderFact)| {
        let named = |line: &LineFact| !line.code.is_empty() || !line.title.is_empty();
        let name = |line: LineFact| match line.code.as_str() {
            "" => (String::new(), line.title.to_lowercase()),
            code => (code.to_lowercase(), String::new()),
        };
        let lines = lines_of(order, fact).into_iter().filter(named).map(name).collect();
        (day_number(fact.ordered_at.millis(), Zone::CHINA) as i32, lines)
    };
    let orders = facts.iter().enumerate().filter(asked).map(basket);
    orders.filter(|(_, lines): &Basket| !lines.is_empty()).collect()
}

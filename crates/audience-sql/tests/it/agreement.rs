//! The same members by SQL, by the engine, and by a reading of the contract.

use analytics::audience::sql::select;
use analytics::audience::{AsOf, Definitions, NoNames, parse};
use analytics::{OrderFact, OrdersFed};
use audience_sql::{Limits, members_by_sql};
use kernel::{CustomerId, Reach, TypedId as _, Zone};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::oracle::{self, Asked};
use crate::strategy;
use crate::world::{self, Line, Order, Person, at, shop};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        max_shrink_iters: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sql_selects_whom_the_contract_and_the_engine_name(
        mut people in strategy::people(),
        asked in strategy::asked(),
        trees in prop::collection::vec(strategy::tree(3), 8..12),
    ) {
        let engine = world::engine(&people, asked.as_of.zone);
        for person in &mut people {
            person.standing = engine.customer(person.feed.id).and_then(|known| known.standing);
        }
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { threads: 1 + people.len() % 2, ..Limits::default() };
        let executor = world::open(dir.path(), &people, limits);
        for tree in &trees {
            let wanted = oracle::members(tree, &asked, &people);
            let sql = select(tree, &asked.named, asked.as_of).unwrap();
            let found = executor.members(&sql);
            let found = found.map_err(|error| TestCaseError::fail(format!("{error}\n{sql}")))?;
            prop_assert_eq!(found, &wanted[..], "{}", sql);
            let by_engine = engine.snapshot().audience(tree, &asked.named, asked.as_of, &Reach::ALL).unwrap();
            prop_assert_eq!(by_engine.ids().collect::<Vec<_>>(), wanted, "{:?}", tree);
        }
        // Once more by the tables that the engine gives, some of its customers in the overlay.
        let changed = people.len() / 2;
        let mut engine = engine;
        for person in people.iter().take(changed) {
            let facts = |orders: &[Order]| -> Vec<OrderFact> {
                orders.iter().map(|order| order.fact).collect()
            };
            let [bought, refunds] = [&person.orders, &person.refunds];
            engine.remove(person.feed.id);
            engine.put(
                &person.feed,
                OrdersFed { orders: &facts(bought), lines: &world::lines(bought) },
                OrdersFed { orders: &facts(refunds), lines: &world::lines(refunds) },
            );
        }
        let some = &trees[..3];
        let by_tables = members_by_sql(
            &engine.snapshot(), some, &asked.named, asked.as_of, limits,
        ).unwrap();
        for (tree, found) in some.iter().zip(by_tables) {
            prop_assert_eq!(found, oracle::members(tree, &asked, &people), "{:?}", tree);
        }
    }
}

/// Rows of several batches and more than one page of a file: orders by customer and moment stay so.
#[test]
fn what_does_not_fit_into_a_batch_is_the_same() {
    let person = |n: u32| {
        let mut person = world::plain(0);
        person.feed.id = CustomerId::from_uuid(uuid::Uuid::from_u128(u128::from(n) << 64));
        let order = |k: u32| {
            let fact = OrderFact {
                ordered_at: at(i64::from(k * 30), 0),
                shop: shop((n % 3) as u8),
                revenue_minor: i64::from(n % 11) * 100,
            };
            let line = Line {
                code: format!("c{}", (3 * n + k) % 7),
                title: String::new(),
                quantity: i64::from(k),
                amount_minor: i64::from(n % 5),
            };
            Order { fact, lines: vec![line] }
        };
        person.orders = (0..3).map(order).collect();
        person
    };
    let people: Vec<Person> = (0..6_000).map(person).collect();
    let day = at(60, 0).day(Zone::CHINA);
    let asked = Asked { as_of: AsOf { day, zone: Zone::CHINA }, named: Definitions::new() };
    let dir = tempfile::tempdir().unwrap();
    for threads in [1, 2] {
        let executor = world::open(dir.path(), &people, Limits { threads, ..Limits::default() });
        for text in [
            "items(product = \"c1\") >= 1 and not sequence(product = \"c1\", product contains \"c\", \
             within 30 days)",
            "sequence(product = \"c1\", product = \"c2\", within 2 days)",
            "revenue(in last 2 days) >= 10 and bucket 1..50 of 100 or orders(on 1970-01-01) = 0",
        ] {
            let tree = parse(text, &NoNames).unwrap();
            let found = executor.members(&select(&tree, &asked.named, asked.as_of).unwrap());
            let found = found.unwrap();
            assert_eq!(found, oracle::members(&tree, &asked, &people), "{text}");
            assert!((1..people.len()).contains(&found.len()), "{text}");
        }
    }
}

//! Definitions, statements and rows that mean no good: executed, or refused in words.

use std::time::Duration;

use analytics::audience::sql::select;
use analytics::audience::{
    AsOf, Bounds, Definitions, Limits as TreeLimits, Measure, NoNames, Node, Orders, Product, When,
    parse,
};
use analytics::bench::Made;
use analytics::{CustomerFeed, OrderFact};
use audience_sql::{ExecuteError, Executor, Limits, MOMENT_MAX_MS, WriteError, write};
use chrono::NaiveDate;
use kernel::{CustomerId, Timestamp, Zone};

use crate::oracle::{self, Asked};
use crate::world::{self, Line, Order, Person, at, customer, open, plain, shop};

const HOSTILE: [&str; 9] = [
    "' OR 1=1 --",
    "'; DROP TABLE customers; --",
    "\\' OR TRUE /*",
    "*/ x /*",
    "%",
    "_%\\",
    "a\u{0}b",
    "$1 {x} ${y} :z @w \" `",
    "''''\n--\r\n",
];

/// One customer for each hostile text, who has it wherever a text may stand.
fn people() -> Vec<Person> {
    let person = |n: u8, text: &str| {
        let mut person = plain(n);
        person.feed.name = format!("x{text}y");
        person.feed.province = text.to_owned();
        let fact = OrderFact { ordered_at: at(1, 0), shop: shop(1), revenue_minor: 100 };
        let line = Line {
            code: text.to_owned(),
            title: "title".to_owned(),
            quantity: 1,
            amount_minor: 100,
        };
        person.orders = vec![Order { fact, lines: vec![line] }];
        person
    };
    (0..).zip(HOSTILE).map(|(n, text)| person(n, text)).collect()
}

fn asked() -> Asked {
    let day = NaiveDate::from_ymd_opt(1970, 1, 9).unwrap();
    Asked { as_of: AsOf { day, zone: Zone::CHINA }, named: Definitions::new() }
}

fn sql(tree: &Node) -> String {
    let asked = asked();
    select(tree, &asked.named, asked.as_of).unwrap()
}

#[test]
fn texts_are_only_texts() {
    let (dir, people) = (tempfile::tempdir().unwrap(), people());
    let executor = open(dir.path(), &people, Limits::default());
    let bought = |product| {
        let of = Orders { product: Some(product), ..Orders::default() };
        Node::Orders { measure: Measure::Count, of, bounds: Bounds::at_least(1) }
    };
    for (n, text) in (0..).zip(HOSTILE) {
        let has = text.to_owned();
        for tree in [
            Node::Name { contains: has.clone() },
            Node::Province { is: vec![has.clone()] },
            Node::Province { is: vec![has.clone(), "nowhere".to_owned()] },
            bought(Product::Is(vec![has.clone()])),
            bought(Product::Contains(has.clone())),
            Node::Bucket { from: 1, to: 1, buckets: 3, seed: has },
        ] {
            let sql = sql(&tree);
            let found = executor.members(&sql).unwrap();
            assert_eq!(found, oracle::members(&tree, &asked(), &people), "{sql}");
            assert_eq!(executor.count(&sql), Ok(found.len() as u64));
            if matches!(tree, Node::Province { .. }) {
                assert_eq!(found, [customer(n)], "{text}");
            }
        }
    }
}

#[test]
fn what_is_long_is_executed() {
    let (dir, people) = (tempfile::tempdir().unwrap(), people());
    let executor = open(dir.path(), &people, Limits::default());
    let names = (0..TreeLimits::VALUES)
        .map(|n| {
            format!("{n}{}", "'x茶".repeat(200)).chars().take(TreeLimits::VALUE_CHARS).collect()
        })
        .chain([HOSTILE[0].to_owned()]);
    let long: Vec<String> = names.skip(1).collect();
    let mut deep = Node::Province { is: vec![HOSTILE[1].to_owned()] };
    for level in 1..TreeLimits::DEPTH / 2 {
        let other = Node::Rating { bounds: Bounds::exactly(level as i64) };
        deep = Node::Not { of: Box::new(Node::Any { of: vec![other, deep] }) };
    }
    let many = |join: fn(Vec<Node>) -> Node| {
        let conditions = (1..TreeLimits::NODES as i64).map(|n| {
            let of = Orders { when: When::LastDays(n as u32), ..Orders::default() };
            match n % 4 {
                0 => Node::Province { is: vec![format!("p{n}"), HOSTILE[2].to_owned()] },
                1 => Node::Orders { measure: Measure::Count, of, bounds: Bounds::at_most(n) },
                2 => Node::Orders { measure: Measure::Items, of, bounds: Bounds::at_most(n) },
                _ => Node::Tag { tag: world::tag((n % 250) as u8) },
            }
        });
        join(conditions.collect())
    };
    for tree in [
        Node::Province { is: long },
        deep,
        many(|of| Node::All { of }),
        many(|of| Node::Any { of }),
    ] {
        let found = executor.members(&sql(&tree)).unwrap();
        assert_eq!(found, oracle::members(&tree, &asked(), &people));
    }
}

#[test]
fn the_ends_of_numbers_and_of_time_are_executed() {
    let (dir, mut people) = (tempfile::tempdir().unwrap(), people());
    let moments = [-MOMENT_MAX_MS, MOMENT_MAX_MS, 0];
    for (person, moment) in people.iter_mut().zip(moments) {
        let order = &mut person.orders[0];
        order.fact.ordered_at = Timestamp::from_millis(moment);
        order.fact.revenue_minor = if moment < 0 { i64::MIN } else { i64::MAX };
        person.feed.created_at = Timestamp::from_millis(moment);
    }
    let executor = open(dir.path(), &people, Limits::default());
    for bounds in [
        Bounds::exactly(i64::MIN),
        Bounds::exactly(i64::MAX),
        Bounds { min: Some(i64::MIN), max: Some(i64::MAX) },
        Bounds::at_most(i64::MIN + 1),
    ] {
        let revenue = |amount| Node::Orders {
            measure: Measure::Revenue,
            of: Orders { amount, ..Orders::default() },
            bounds,
        };
        for tree in [revenue(Bounds::default()), revenue(bounds)] {
            let sql = sql(&tree);
            let found = executor.members(&sql).map_err(|error| format!("{error}\n{sql}")).unwrap();
            assert_eq!(found, oracle::members(&tree, &asked(), &people), "{sql}");
        }
    }
    let sequence = Node::Sequence {
        first: Product::Contains("title".to_owned()),
        then: Product::Contains("title".to_owned()),
        within_days: TreeLimits::DAYS,
        when: When::Days(
            NaiveDate::from_ymd_opt(1_000, 1, 1),
            NaiveDate::from_ymd_opt(9_999, 12, 31),
        ),
    };
    assert_eq!(executor.members(&sql(&sequence)), Ok(Vec::new()));
}

#[test]
fn only_questions_for_customers_are_answered() {
    let (dir, people) = (tempfile::tempdir().unwrap(), people());
    let executor = open(dir.path(), &people, Limits::default());
    let passwords = format!("SELECT * FROM '{}'", dir.path().join("customers.parquet").display());
    for statement in [
        "",
        "SELEC",
        "SELECT 1",
        "SELECT name_folded FROM customers",
        "SELECT customer, tier FROM customers",
        "SELECT customer FROM customers; SELECT customer FROM customers",
        "DROP TABLE customers",
        "CREATE TABLE t AS SELECT customer FROM customers",
        "CREATE EXTERNAL TABLE t (a TEXT) STORED AS PARQUET LOCATION '/'",
        "INSERT INTO customers SELECT * FROM customers",
        "DELETE FROM customers",
        "COPY customers TO '/tmp/x.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN SELECT customer FROM customers",
        "SELECT table_name FROM information_schema.tables",
        &passwords,
    ] {
        let answer = executor.members(statement);
        assert!(matches!(answer, Err(ExecuteError::Refused(_))), "{statement}: {answer:?}");
    }
    let all = executor.members("SELECT customer FROM customers ORDER BY customer").unwrap();
    assert_eq!(all.len(), HOSTILE.len());
}

#[test]
fn time_and_memory_end() {
    let dir = tempfile::tempdir().unwrap();
    let people: Vec<Person> = (0..200).map(plain).collect();
    let hurry = Limits { time: Duration::ZERO, ..Limits::default() };
    let sql = sql(&Node::everyone());
    assert_eq!(
        open(dir.path(), &people, hurry).members(&sql),
        Err(ExecuteError::TimedOut(Duration::ZERO))
    );
    let narrow = Limits { memory_bytes: 1, ..Limits::default() };
    let grouped = "SELECT customer FROM customers GROUP BY customer, created_at % 7, name_folded";
    let answer = Executor::open(dir.path(), narrow).unwrap().members(grouped);
    assert!(matches!(answer, Err(ExecuteError::Memory(_))), "{answer:?}");
}

/// Texts behind a join were counted once for each batch that looks into them, gigabytes for millions of customers.
#[test]
fn sorting_behind_a_join_takes_the_memory_of_its_rows() {
    const CUSTOMERS: u32 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let made = Made::new(CUSTOMERS);
    let people = (0..CUSTOMERS).map(|n| (made.feed(n), None));
    let ordered_at = at(1, 0);
    let order = OrderFact { ordered_at, shop: made.shop(1), revenue_minor: 100 };
    let orders = (0..CUSTOMERS).map(|n| (made.id(n), order));
    write(dir.path(), people, orders, [], [], []).unwrap();
    let limits = Limits { memory_bytes: 48 << 20, ..Limits::default() };
    let executor = Executor::open(dir.path(), limits).unwrap();
    let bought = parse("orders >= 1", &NoNames).unwrap();
    let as_of = AsOf { day: NaiveDate::from_ymd_opt(2026, 1, 2).unwrap(), zone: Zone::CHINA };
    let sql = select(&bought, &Definitions::new(), as_of).unwrap();
    assert_eq!(executor.members(&sql).unwrap().len(), CUSTOMERS as usize);
}

#[test]
fn rows_out_of_order_or_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = |ids: &[u8]| -> Vec<_> { ids.iter().map(|n| (plain(*n).feed, None)).collect() };
    let order = |n: u8, ms: i64| {
        let ordered_at = Timestamp::from_millis(ms);
        (customer(n), OrderFact { ordered_at, shop: shop(1), revenue_minor: 1 })
    };
    let refused = |ids: &[u8], orders: Vec<(CustomerId, OrderFact)>| {
        write(dir.path(), feeds(ids), orders, [], [], []).unwrap_err()
    };
    for ids in [[2, 1], [1, 1]] {
        let error = refused(&ids, Vec::new());
        assert!(matches!(error, WriteError::Order { what: "customers", .. }), "{error}");
    }
    let error = refused(&[1, 2], vec![order(2, 0), order(1, 0)]);
    assert!(matches!(error, WriteError::Order { what: "orders", .. }), "{error}");
    let error = refused(&[1, 2], vec![order(2, i64::MAX)]);
    assert!(matches!(error, WriteError::Moment { millis: i64::MAX, .. }), "{error}");
    let early = CustomerFeed { created_at: Timestamp::from_millis(i64::MIN), ..plain(1).feed };
    let error = write(dir.path(), [(early, None)], [], [], [], []).unwrap_err();
    assert!(matches!(error, WriteError::Moment { .. }), "{error}");
    // What was refused left nothing to open.
    let opened = Executor::open(dir.path(), Limits::default());
    assert!(matches!(opened, Err(ExecuteError::Open(_))), "{opened:?}");
    assert!(write(&dir.path().join("missing"), [], [], [], [], []).is_err());
    assert!(Executor::open(&dir.path().join("missing"), Limits::default()).is_err());
}

#[test]
fn files_are_the_same_for_the_same_rows_wherever_they_lie() {
    let (dir, people) = (tempfile::tempdir().unwrap(), people());
    let odd = dir.path().join("a b%20[x]*?'#关系");
    std::fs::create_dir(&odd).unwrap();
    let written = world::write_all(dir.path(), &people);
    assert_eq!((written.customers, written.orders, written.lines, written.tags), (9, 9, 9, 0));
    assert_eq!(world::write_all(&odd, &people), written);
    for table in [
        "customers",
        "customer_tags",
        "contacts",
        "levels",
        "points",
        "orders",
        "lines",
        "refunds",
        "refund_lines",
    ] {
        let [a, b] = [dir.path(), &odd].map(|dir| dir.join(format!("{table}.parquet")));
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap(), "{table}");
    }
    let executor = Executor::open(&odd, Limits::default()).unwrap();
    assert_eq!(executor.count(&sql(&Node::everyone())), Ok(9));
    // Tables of one kind under the name of another are found out.
    std::fs::copy(odd.join("orders.parquet"), odd.join("lines.parquet")).unwrap();
    let opened = Executor::open(&odd, Limits::default());
    assert!(matches!(opened, Err(ExecuteError::Open(_))), "{opened:?}");
}

#[test]
fn nobody_is_a_world_too() {
    let dir = tempfile::tempdir().unwrap();
    let executor = open(dir.path(), &[], Limits::default());
    let bought =
        Node::Orders { measure: Measure::Items, of: Orders::default(), bounds: Bounds::at_most(0) };
    assert_eq!(executor.members(&sql(&bought)), Ok(Vec::new()));
    assert_eq!(executor.count(&sql(&bought)), Ok(0));
}

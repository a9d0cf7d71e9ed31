//! The same customers by a Ballista cluster of two executors with an S3-compatible store, by one machine, and by
//! the engine. Needs the feature `loopback`: `make cluster-test`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[allow(dead_code, reason = "shared with tests/it")]
#[path = "../it/oracle.rs"]
mod oracle;
mod program;
#[allow(dead_code, reason = "shared with tests/it")]
#[path = "../it/strategy.rs"]
mod strategy;
#[allow(dead_code, reason = "shared with tests/it")]
#[path = "../it/world.rs"]
mod world;

use analytics::audience::sql::select;
use analytics::audience::{AsOf, Definitions, NoNames, Node, parse};
use audience_sql::cluster::{ClusterLimits, Keys, Loopback, Store, connect};
use audience_sql::{ExecuteError, Executor, Limits, write_snapshot};
use kernel::{Reach, Zone};
use oracle::Asked;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use url::Url;
use world::at;

const MEMORY: u64 = 256 << 20;
/// Random trees asked.
const TREES: usize = 40;

/// Every kind of condition, and joints of them.
const TEXTS: [&str; 15] = [
    "everyone",
    "nobody",
    "name contains \"张\" or not province is unknown",
    "rating <= 2 and not owner is nobody",
    "tier in (champions, lost, hibernating) or cell \"R5F*M*\"",
    "created in last 4 days and not refuses_automation",
    "may_contact(wecom) or not may_contact(in_site, service)",
    "orders(in last 3 days) >= 2 and revenue(from 1970-01-02) >= 1",
    "average_order between 0 and 3 and items(product contains \"c\") >= 1",
    "first_order before last 2 days or last_order(amount >= 1) in last 1 days",
    "sequence(product contains \"龙井\", product contains \"tea\", within 3 days)",
    "bucket 1..5 of 10 seed \"s\" and orders >= 1",
    "not (orders >= 1 or bucket 1..3 of 10)",
    "orders(product = \"LJ-1\", in last 6 days) = 0 and orders >= 1",
    "not not (orders = 1 or orders = 2 or (orders >= 4 and not items >= 9))",
];

fn drawn<S: Strategy>(strategy: S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

#[test]
fn two_executors_find_whom_the_engine_finds() {
    let mut runner = TestRunner::deterministic();
    let mut people = Vec::new();
    while people.len() < 40 {
        people = drawn(strategy::people(), &mut runner);
    }
    let Asked { named, .. } = drawn(strategy::asked(), &mut runner);
    let as_of = AsOf { day: at(5 * 24, 0).day(Zone::CHINA), zone: Zone::CHINA };
    let mut trees: Vec<Node> = TEXTS.map(|text| parse(text, &NoNames).unwrap()).into();
    trees.extend((0..TREES).map(|_| drawn(strategy::tree(3), &mut runner)));

    let engine = world::engine(&people, as_of.zone).snapshot();
    let dir = tempfile::tempdir().unwrap();
    write_snapshot(dir.path(), &engine).unwrap();
    let alone = Executor::open(dir.path(), Limits::default()).unwrap();
    let cluster = Loopback::start(2, 1, MEMORY).unwrap();
    cluster.upload(dir.path()).unwrap();
    let limits = ClusterLimits { partitions: 4, ..ClusterLimits::default() };
    let asked = connect(&cluster.scheduler(), cluster.store(), limits).unwrap();

    let mut sizes = Vec::new();
    for tree in &trees {
        let sql = select(tree, &named, as_of).unwrap();
        let found = asked.members(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        assert_eq!(found, alone.members(&sql).unwrap(), "{sql}");
        let by_engine = engine.audience(tree, &named, as_of, &Reach::ALL).unwrap();
        assert_eq!(found, by_engine.ids().collect::<Vec<_>>(), "{tree:?}");
        sizes.push(found.len());
    }
    let everyone = asked.count(&select(&trees[0], &named, as_of).unwrap()).unwrap();
    assert_eq!(everyone, people.len() as u64);
    // A comparison of nothing with nothing would pass, too.
    let some = sizes.iter().filter(|size| (1..people.len()).contains(*size)).count();
    assert!(some > trees.len() / 3, "{sizes:?}");
    for work in cluster.works() {
        assert!(std::fs::read_dir(work).unwrap().count() > 0, "{} did nothing", work.display());
    }
}

#[test]
fn deep_and_broad_definitions_reach_the_executors() {
    let people: Vec<_> = (0..20).map(world::plain).collect();
    let engine = world::engine(&people, Zone::CHINA).snapshot();
    let as_of = AsOf { day: at(24, 0).day(Zone::CHINA), zone: Zone::CHINA };
    let dir = tempfile::tempdir().unwrap();
    write_snapshot(dir.path(), &engine).unwrap();
    let cluster = Loopback::start(1, 1, MEMORY).unwrap();
    cluster.upload(dir.path()).unwrap();
    let limits = ClusterLimits { time: std::time::Duration::from_secs(60), partitions: 2 };
    let asked = connect(&cluster.scheduler(), cluster.store(), limits).unwrap();
    let mut deep = parse("bucket 1..5 of 10", &NoNames).unwrap();
    for level in 0..14 {
        let more = parse(&format!("bucket {} of 10", level % 10 + 1), &NoNames).unwrap();
        let of = vec![Node::Not { of: Box::new(deep) }, more];
        deep = if level % 2 == 0 { Node::All { of } } else { Node::Any { of } };
    }
    let broad = (1..400).map(|n| format!("orders(in last {n} days) = 0")).collect::<Vec<_>>();
    let broad = parse(&broad.join(" and "), &NoNames).unwrap();
    for tree in [deep, broad] {
        let sql = select(&tree, &Definitions::new(), as_of).unwrap();
        let found = asked.members(&sql).unwrap();
        let by_engine = engine.audience(&tree, &Definitions::new(), as_of, &Reach::ALL).unwrap();
        assert_eq!(found, by_engine.ids().collect::<Vec<_>>());
    }
}

#[test]
fn what_is_wrong_is_told_without_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    world::write_all(dir.path(), &[world::plain(1)]);
    let cluster = Loopback::start(1, 1, MEMORY).unwrap();
    let ask = |store: &Store| connect(&cluster.scheduler(), store, ClusterLimits::default());
    // Nothing was uploaded yet.
    assert!(matches!(ask(cluster.store()), Err(ExecuteError::Open(_))));
    cluster.upload(dir.path()).unwrap();
    let everyone = select(
        &Node::everyone(),
        &Definitions::new(),
        AsOf { day: at(0, 0).day(Zone::UTC), zone: Zone::UTC },
    )
    .unwrap();
    let asked = ask(cluster.store()).unwrap();
    assert_eq!(asked.count(&everyone).unwrap(), 1);
    assert!(matches!(asked.members("DROP TABLE customers"), Err(ExecuteError::Refused(_))));

    let keys = Keys { access_key: "loopback".to_owned(), secret_key: "a-wrong-one".to_owned() };
    let wrong = Store::with_keys("s3://audiences/tables", cluster.endpoint(), &keys).unwrap();
    let refused = ask(&wrong).unwrap_err().to_string();
    for text in [refused, format!("{wrong:?} {keys:?} {:?}", cluster.store())] {
        assert!(!text.contains("wrong-one") && !text.contains("only-on-loopback"), "{text}");
    }
    let endpoint = Url::parse("http://store.example.com").unwrap();
    for (address, endpoint) in
        [("https://audiences/x", cluster.endpoint()), ("s3:///x", cluster.endpoint())]
    {
        assert!(Store::with_keys(address, endpoint, &keys).is_err(), "{address}");
    }
    // Keys never travel without TLS but on the same machine.
    let far = Store::with_keys("s3://audiences/tables", &endpoint, &keys).unwrap();
    assert!(matches!(ask(&far), Err(ExecuteError::Open(_))));

    let gone = cluster.scheduler();
    let store = cluster.store().clone();
    drop(cluster);
    let hurry = ClusterLimits { time: std::time::Duration::from_secs(20), partitions: 1 };
    assert!(connect(&gone, &store, hurry).is_err());
}

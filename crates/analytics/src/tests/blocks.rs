//! What is asked of the base block by block, on several threads, against the same customers one by one.

use kernel::{Reach, Zone};

use crate::audience::{AsOf, Definitions, NoNames, parse};
use crate::bench::{LAST_DAY, Made};
use crate::tests::model::rfm_query;
use crate::{Engine, LineFact, OrderFact, RfmQuery};

const CUSTOMERS: u32 = 1_500;

/// The same customers, all loaded and all in the overlay.
fn both() -> [Engine; 2] {
    let made = Made::new(CUSTOMERS);
    let mut bought: Vec<Vec<(OrderFact, LineFact)>> = vec![Vec::new(); CUSTOMERS as usize];
    for n in 0..CUSTOMERS * 3 {
        let (customer, order) = made.order(n);
        let line = LineFact {
            ordered_at: order.ordered_at,
            order: u64::from(n),
            shop: order.shop,
            code: format!("P{}", n % 7),
            title: String::new(),
            quantity: i64::from(n % 3),
            amount_minor: order.revenue_minor,
        };
        bought[customer as usize].push((order, line));
    }
    let mut loader = Engine::builder();
    (0..CUSTOMERS).for_each(|n| loader.customer(&made.feed(n)));
    let mut loader = loader.facts();
    let mut overlay = Engine::new();
    for (n, bought) in (0..).zip(bought) {
        let (orders, lines): (Vec<_>, Vec<_>) = bought.into_iter().unzip();
        orders.iter().for_each(|order| assert!(loader.fact(made.id(n), *order)));
        lines.iter().for_each(|line| assert!(loader.line(made.id(n), line)));
        overlay.upsert(&made.feed(n), &orders, &lines);
    }
    [loader.build().unwrap(), overlay]
}

fn query(day: u64) -> RfmQuery {
    RfmQuery { as_of: LAST_DAY - chrono::Days::new(day), ..rfm_query(0, 5, None) }
}

#[test]
fn scores_of_many_blocks_are_those_of_rows() {
    let engines = both();
    for day in [0, 200] {
        let [base, overlay] = engines.each_ref().map(|engine| engine.rfm(&query(day)));
        assert!(base.customers() > 1_000);
        assert_eq!(base.thresholds(), overlay.thresholds());
        assert_eq!(base.cells(), overlay.cells());
        let made = Made::new(CUSTOMERS);
        (0..CUSTOMERS).for_each(|n| {
            assert_eq!(base.score_of(made.id(n)), overlay.score_of(made.id(n)));
        });
    }
}

#[test]
fn audiences_of_many_blocks_are_those_of_rows() {
    let mut engines = both();
    for engine in &mut engines {
        let scores = engine.rfm(&query(0));
        engine.set_scores(scores);
    }
    let tag = Made::new(CUSTOMERS).tag(1);
    let shop = Made::new(CUSTOMERS).shop(2);
    for text in [
        "everyone".to_owned(),
        "name contains \"伟\"".to_owned(),
        "province in (\"广东省\", \"浙江省\")".to_owned(),
        "rating between 2 and 3".to_owned(),
        "owner = nobody".to_owned(),
        format!("tag \"{tag}\""),
        "tier in (champions, at_risk)".to_owned(),
        "cell \"R5F*M*\"".to_owned(),
        "created before last 400 days".to_owned(),
        "not refuses_automation".to_owned(),
        "orders >= 4".to_owned(),
        "orders(in last 300 days) between 1 and 2".to_owned(),
        "orders(in last 300 days) = 0".to_owned(),
        format!("revenue(shop \"{shop}\") >= 900"),
        "revenue >= 2000".to_owned(),
        "average_order >= 900".to_owned(),
        "items(product = \"P3\") >= 1".to_owned(),
        "orders(product in (\"P1\", \"P2\", \"P3\", \"P4\"), in last 500 days) = 0".to_owned(),
        "first_order from 2023-06-01 to 2024-01-31".to_owned(),
        "last_order(product = \"P5\") in last 400 days".to_owned(),
        "sequence(product = \"P1\", product = \"P2\", within 200 days)".to_owned(),
        "bucket 1..3 of 10".to_owned(),
        "rating = 3 or orders >= 5 and not province = \"广东省\"".to_owned(),
    ] {
        let tree = parse(&text, &NoNames).unwrap();
        let as_of = AsOf { day: LAST_DAY, zone: Zone::CHINA };
        let [base, overlay] = engines.each_ref().map(|engine| {
            engine.snapshot().audience(&tree, &Definitions::new(), as_of, &Reach::ALL).unwrap()
        });
        assert_eq!(base.count(), overlay.count(), "{text}");
        assert!(base.ids().eq(overlay.ids()), "{text}");
        let all_or_none = ["everyone", "owner = nobody", "not refuses_automation"];
        assert_eq!(
            base.count() == 0 || base.count() == u64::from(CUSTOMERS),
            all_or_none.contains(&text.as_str()),
            "{text} tells nobody apart: {}",
            base.count()
        );
    }
}

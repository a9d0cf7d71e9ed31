//! The numbers published for the data set `rfm_orders`.

use std::collections::BTreeMap;
use std::path::Path;

use kernel::{CustomerId, ShopId, Timestamp, TypedId, Zone};
use uuid::Uuid;

use crate::{Bins, CustomerFeed, Engine, OrderFact, RfmQuery, Scheme};

/// The data set as an engine, through the loader or one customer at a time.
fn engine(by_upsert: bool) -> Engine {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/rfm_orders/rfm_data_orders.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut orders: BTreeMap<&str, Vec<OrderFact>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let mut next = || fields.next().unwrap();
        let (name, day, revenue) = (next(), next().parse().unwrap(), next());
        orders.entry(name).or_default().push(OrderFact {
            ordered_at: Timestamp::start_of(day, Zone::UTC),
            shop: ShopId::from_uuid(Uuid::nil()),
            revenue_minor: revenue.parse::<i64>().unwrap() * 100,
        });
    }
    let feed = |n: usize, name: &str| CustomerFeed {
        id: CustomerId::from_uuid(Uuid::from_u128(n as u128)),
        name: name.to_owned(),
        accounts: String::new(),
        province: String::new(),
        rating: None,
        owner: None,
        created_at: Timestamp::default(),
        tags: Vec::new(),
        refused_from: None,
        contact: Vec::new(),
        loyalty: crate::LoyaltyFeed::default(),
    };
    let rows = orders.iter().enumerate().map(|(n, (name, facts))| (feed(n, name), facts));
    if by_upsert {
        let mut engine = Engine::new();
        rows.for_each(|(feed, facts)| engine.upsert(&feed, facts, &[]));
        return engine;
    }
    let mut loader = Engine::builder();
    rows.clone().for_each(|(feed, _)| loader.customer(&feed));
    let mut loader = loader.facts();
    for (feed, facts) in rows {
        facts.iter().for_each(|fact| assert!(loader.fact(feed.id, *fact)));
    }
    loader.build().unwrap()
}

#[test]
fn rfm_orders_gives_the_published_numbers() {
    for by_upsert in [false, true] {
        let engine = engine(by_upsert);
        let rfm = engine.rfm(&RfmQuery {
            as_of: "2006-12-31".parse().unwrap(),
            zone: Zone::UTC,
            bins: Bins::quantile(5).unwrap(),
            shop: None,
            minor_per_major: 100,
        });
        assert_eq!(rfm.customers(), 995);
        assert_eq!(rfm.thresholds().r, [115.0, 181.0, 297.4, 482.0]);
        assert_eq!(rfm.thresholds().f, [4.0, 5.0, 6.0, 8.0]);
        assert_eq!(rfm.thresholds().m, [255.8, 382.0, 506.4, 666.0]);
        let counts = rfm.score_counts();
        assert_eq!(counts.r, [197, 200, 199, 199, 200]);
        assert_eq!(counts.f, [268, 187, 176, 244, 120]);
        assert_eq!(counts.m, [200, 200, 198, 202, 195]);
        for scheme in [Scheme::Eleven, Scheme::Classic] {
            let tiers = rfm.tiers(scheme);
            assert_eq!(tiers.iter().map(|tier| tier.customers).sum::<u64>(), 995);
            assert_eq!(tiers.iter().map(|tier| tier.orders).sum::<u64>(), 4906);
        }
    }
}

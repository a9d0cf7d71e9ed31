//! Random histories, compared with the model.

use std::sync::Arc;

use proptest::prelude::*;

use super::model::{self, Model, Op};
use super::saved::through_disk;
use crate::{DaysQuery, Engine, Filter, ListQuery, Rfm, Scheme, Sort, SortKey, movement};
use kernel::{Reach, Timestamp, Zone};

/// Plays `ops`; gives the engine and what it should know.
fn play(
    initial: Vec<(crate::CustomerFeed, Vec<crate::OrderFact>)>,
    ops: Vec<Op>,
) -> (Engine, Model) {
    let mut model: Model = initial.into_iter().map(|row| (row.0.id, row)).collect();
    let mut engine = model::fresh(&model);
    let mut taken = None;
    for op in ops {
        let before = engine.version();
        // Remembered from here on, which must not show.
        drop(engine.rfm(&model::rfm_query(2, 4, None)));
        match op {
            Op::Upsert(feed, facts) => {
                engine.upsert(&feed, &facts, &[]);
                assert!(engine.version() > before);
                model.insert(feed.id, (feed, facts));
            }
            Op::Remove(id) => assert_eq!(engine.remove(id), model.remove(&id).is_some()),
            Op::Begin => taken = Some(engine.take_compaction()),
            Op::Finish => {
                if let Some(compaction) = taken.take() {
                    engine.install(compaction.run().unwrap());
                }
            }
            Op::SetScores => {
                let scores = engine.rfm(&model::rfm_query(1, 3, None));
                engine.set_scores(scores);
            }
        }
        assert_eq!(engine.len(), model.len());
    }
    (engine, model)
}

fn history() -> impl Strategy<Value = (Engine, Model)> {
    let initial = prop::collection::vec(model::feed_strategy(), 0..40);
    (initial, prop::collection::vec(model::op_strategy(), 0..40))
        .prop_map(|(initial, ops)| play(initial, ops))
}

#[test]
fn scores_are_remembered_until_orders_change() {
    let mut engine = Engine::new();
    let day = |n: i64| Timestamp::from_millis(n * 86_400_000);
    let order = |n: i64| crate::OrderFact {
        ordered_at: day(n),
        shop: model::shop(1),
        revenue_minor: 100 * n,
    };
    let feed = |n: u8, tags: Vec<kernel::TagId>| crate::CustomerFeed {
        id: model::customer(n),
        name: String::new(),
        accounts: String::new(),
        province: String::new(),
        rating: None,
        owner: None,
        created_at: day(0),
        tags,
        refused_from: None,
        contact: Vec::new(),
        loyalty: crate::LoyaltyFeed::default(),
    };
    let query = model::rfm_query(2, 4, None);
    engine.upsert(&feed(1, vec![]), &[order(1), order(2)], &[]);
    engine.upsert(&feed(2, vec![]), &[], &[]);
    for is_compact in [false, true] {
        if is_compact {
            let done = engine.take_compaction().run().unwrap();
            drop(engine.install(done));
        }
        let first = engine.rfm(&query);
        let is_same = |engine: &Engine| Arc::ptr_eq(&first, &engine.rfm(&query));
        engine.upsert(&feed(1, vec![model::tag(1)]), &[order(2), order(1)], &[]);
        engine.upsert(&feed(2, vec![model::tag(2)]), &[], &[]);
        engine.upsert(&feed(3, vec![]), &[], &[]);
        assert!(engine.remove(model::customer(3)));
        assert!(is_same(&engine));
        engine.upsert(&feed(1, vec![]), &[order(1), order(3)], &[]);
        assert!(!is_same(&engine));
        engine.upsert(&feed(1, vec![]), &[order(1), order(2)], &[]);
        let again = engine.rfm(&query);
        same_result(&first, &again);
        engine.upsert(&feed(4, vec![]), &[order(4)], &[]);
        assert!(engine.remove(model::customer(4)));
        assert!(!Arc::ptr_eq(&again, &engine.rfm(&query)));
    }
}

fn same_result(a: &Rfm, b: &Rfm) {
    assert_eq!(a.thresholds(), b.thresholds());
    assert_eq!(a.cells(), b.cells());
    assert_eq!(a.score_counts(), b.score_counts());
    assert!(a.scores().eq(b.scores()));
    for scheme in [Scheme::Eleven, Scheme::Classic] {
        assert_eq!(a.tiers(scheme), b.tiers(scheme));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lists_equal_the_model(
        (engine, model) in history(),
        asked in prop::collection::vec(
            (model::filter_strategy(), model::sort_strategy(), 1_usize..9), 1..8),
    ) {
        let scores = engine.scores().cloned();
        for (filter, sort, limit) in asked {
            let expected = model::list(&model, &filter, sort, scores.as_deref());
            // Twice: the second answer comes from what was remembered.
            for _ in 0..2 {
                prop_assert_eq!(&model::pages(&engine, &filter, sort, limit), &expected);
            }
        }
    }

    #[test]
    fn lists_by_other_scores_equal_the_model(
        (mut engine, mut model) in history(),
        (day, bins, shop) in (0_u64..4, 2_u8..=10, prop::option::of(0_u8..4)),
        asked in prop::collection::vec((model::filter_strategy(), model::sort_strategy()), 1..6),
        (later, compact) in (prop::collection::vec(model::feed_strategy(), 0..6), any::<bool>()),
    ) {
        let scores = engine.rfm(&model::rfm_query(day, bins, shop));
        for round in 0..2 {
            for (filter, sort) in &asked {
                let expected = model::list(&model, filter, *sort, Some(&scores));
                let query =
                    ListQuery { filter: filter.clone(), sort: *sort, after: None, limit: 100 };
                for _ in 0..2 {
                    prop_assert_eq!(&engine.view().list_by(&query, &scores).ids, &expected);
                }
                for id in expected {
                    let facts = &model[&id].1;
                    let standing = model::score(&scores, facts).map(|s| scores.standing(s));
                    prop_assert_eq!(engine.view().standing_by(id, &scores), standing);
                }
            }
            if round == 0 {
                // What changes later is scored by the same bounds.
                for (feed, facts) in &later {
                    engine.upsert(feed, facts, &[]);
                    model.insert(feed.id, (feed.clone(), facts.clone()));
                }
                if compact {
                    let done = engine.take_compaction().run().unwrap();
                    drop(engine.install(done));
                }
            }
        }
    }

    #[test]
    fn an_engine_with_a_history_equals_a_fresh_one(
        (mut engine, model) in history(), is_read_from_disk in any::<bool>(),
    ) {
        if is_read_from_disk {
            engine = through_disk(&engine);
        }
        let mut fresh = model::fresh(&model);
        let query = model::rfm_query(2, 4, None);
        let (old, new) = (engine.rfm(&query), fresh.rfm(&query));
        same_result(&old, &new);
        engine.set_scores(old);
        fresh.set_scores(new);
        for id in (0..40).map(model::customer) {
            prop_assert_eq!(engine.customer(id), fresh.customer(id));
        }
        for key in SortKey::ALL {
            let query = ListQuery {
                sort: Sort { key, descending: true }, limit: 100, ..ListQuery::default()
            };
            prop_assert_eq!(engine.list(&query), fresh.list(&query));
        }
        let days = days(None);
        prop_assert_eq!(engine.days(&days, &Reach::ALL), fresh.days(&days, &Reach::ALL));
    }

    #[test]
    fn rfm_equals_the_model(
        (engine, model) in history(), day in 0_u64..4, bins in 2_u8..=10,
        shop in prop::option::of(0_u8..4),
    ) {
        let query = model::rfm_query(day, bins, shop);
        let rfm = engine.rfm(&query);
        prop_assert!(Arc::ptr_eq(&rfm, &engine.rfm(&query)), "remembered");
        let mut customers = 0;
        for (feed, facts) in model.values() {
            let expected = model::score(&rfm, facts);
            prop_assert_eq!(rfm.score_of(feed.id), expected);
            customers += u64::from(expected.is_some());
        }
        prop_assert_eq!(rfm.customers(), customers);
        for dimension in 0..3 {
            let mut column: Vec<i64> = model
                .values()
                .filter_map(|(_, facts)| model::values(&query, facts))
                .map(|values| values[dimension])
                .collect();
            column.sort_unstable();
            let thresholds = rfm.thresholds();
            let found = [&thresholds.r, &thresholds.f, &thresholds.m][dimension];
            let unit = if dimension == 2 { 100.0 } else { 1.0 };
            prop_assert_eq!(found.len(), if column.is_empty() { 0 } else { usize::from(bins) - 1 });
            for (k, bound) in (1..).zip(found) {
                let h = (column.len() - 1) as f64 * f64::from(k) / f64::from(bins);
                let low = column[h as usize] as f64;
                let high = column[(h as usize + 1).min(column.len() - 1)] as f64;
                let quantile = (low + (high - low) * h.fract()) / unit + 1.0;
                prop_assert!((quantile - bound).abs() < 1e-9, "{quantile} {bound}");
            }
        }
        let of_cells: u64 = rfm.cells().iter().map(|cell| cell.orders).sum();
        let expected: i64 =
            model.values().filter_map(|(_, facts)| model::values(&query, facts)).map(|v| v[1]).sum();
        prop_assert_eq!(of_cells as i64, expected);
    }

    #[test]
    fn rfm_tells_only_of_customers_in_reach(
        (engine, model) in history(), day in 0_u64..4, shop in prop::option::of(0_u8..4),
        reach in model::reach_strategy(),
    ) {
        let query = model::rfm_query(day, 3, shop);
        let (all, seen) = (engine.rfm(&query), engine.rfm_within(&query, &reach));
        prop_assert_eq!(all.thresholds(), seen.thresholds());
        let mut sums = (0, 0, 0);
        for (feed, facts) in model.values() {
            let score = all.score_of(feed.id).filter(|_| model::in_reach(feed, &reach));
            prop_assert_eq!(seen.score_of(feed.id), score);
            if let (Some(score), Some([_, orders, revenue])) = (score, model::values(&query, facts)) {
                prop_assert_eq!(seen.standing(score), all.standing(score));
                sums = (sums.0 + 1, sums.1 + orders as u64, sums.2 + revenue);
            }
        }
        let of_cells = seen.cells().iter().fold((0, 0, 0), |sums, cell| {
            (sums.0 + cell.customers, sums.1 + cell.orders, sums.2 + cell.revenue_minor)
        });
        prop_assert_eq!(of_cells, sums);
        prop_assert_eq!(seen.customers(), sums.0);
    }

    #[test]
    fn withheld_are_those_who_refused_by_cell(
        (engine, model) in history(), day in 0_u64..4, now in 0_i64..6,
        reach in model::reach_strategy(),
    ) {
        let scores = engine.rfm_within(&model::rfm_query(day, 3, None), &reach);
        let withheld = engine.withheld(&scores, Timestamp::from_millis(now));
        let mut expected = std::collections::BTreeMap::new();
        let mut slipping = 0;
        for (feed, _) in model.values() {
            let Some(score) = scores.score_of(feed.id) else { continue };
            if feed.refused_from.is_some_and(|from| from.millis() <= now) {
                *expected.entry(score).or_insert(0) += 1;
            } else if matches!(scores.standing(score).tier, crate::Tier::AtRisk | crate::Tier::CantLose) {
                slipping += 1;
            }
        }
        prop_assert_eq!(scores.slipping_away(&withheld), slipping);
        prop_assert_eq!(withheld, expected);
    }

    #[test]
    fn movement_adds_up((engine, _) in history(), (a, b) in (0_u64..4, 0_u64..4)) {
        let from = engine.rfm(&model::rfm_query(a, 3, None));
        let to = engine.rfm(&model::rfm_query(b, 3, None));
        for scheme in [Scheme::Eleven, Scheme::Classic] {
            let moved = movement(&from, &to, scheme);
            for (flow, (before, after)) in
                moved.tiers.iter().zip(from.tiers(scheme).iter().zip(to.tiers(scheme)))
            {
                prop_assert_eq!((flow.before, flow.after), (before.customers, after.customers));
                prop_assert_eq!(flow.before + flow.entered, flow.after + flow.left);
            }
            prop_assert!(moved.flows.iter().all(|f| f.customers > 0));
            prop_assert!(!moved.flows.iter().any(|f| f.from.is_none() && f.to.is_none()));
        }
    }

    #[test]
    fn first_orders_equal_the_model(
        (engine, model) in history(), reach in model::reach_strategy(), most in 0_usize..4,
    ) {
        let hour = model::HOUR_MS;
        let spans = [0..hour, -hour..24 * hour, 24 * hour..48 * hour, 5 * hour..5 * hour, i64::MIN..i64::MAX];
        let found = engine.view().first_orders(&spans, &reach, most);
        for (span, found) in spans.iter().zip(found) {
            let mut expected: Vec<(Timestamp, kernel::CustomerId)> = model
                .values()
                .filter(|(feed, _)| model::in_reach(feed, &reach))
                .filter_map(|(feed, facts)| Some((facts.iter().map(|fact| fact.ordered_at).min()?, feed.id)))
                .filter(|(first, _)| span.contains(&first.millis()))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(found.total, expected.len() as u64);
            expected.truncate(most);
            let first: Vec<_> = found.first.into_iter().map(|(id, at)| (at, id)).collect();
            prop_assert_eq!(first, expected);
        }
    }

    #[test]
    fn days_equal_the_model(
        (engine, model) in history(), shop in prop::option::of(0_u8..4),
        reach in model::reach_strategy(),
    ) {
        let query = days(shop);
        for sum in engine.days(&query, &reach) {
            let (mut orders, mut revenue, mut new_customers) = (0, 0, 0);
            for (_, facts) in model.values().filter(|(feed, _)| model::in_reach(feed, &reach)) {
                let own = || facts.iter().filter(|f| query.shop.is_none_or(|s| f.shop == s));
                let today = || own().filter(|f| f.ordered_at.day(query.zone) == sum.day);
                orders += today().count() as u64;
                revenue += today().map(|f| f.revenue_minor).sum::<i64>();
                let first = own().map(|f| f.ordered_at).min();
                new_customers += u64::from(first.is_some_and(|f| f.day(query.zone) == sum.day));
            }
            prop_assert_eq!((sum.orders, sum.revenue_minor), (orders, revenue));
            prop_assert_eq!(sum.new_customers, new_customers);
        }
    }
}

fn days(shop: Option<u8>) -> DaysQuery {
    let from = chrono::NaiveDate::default();
    let to = from + chrono::Days::new(2);
    DaysQuery { from, to, zone: Zone::CHINA, shop: shop.map(model::shop) }
}

fn at(n: u8) -> crate::OrderFact {
    crate::OrderFact {
        ordered_at: Timestamp::from_millis(i64::from(n) * model::HOUR_MS),
        shop: model::shop(0),
        revenue_minor: 100,
    }
}

fn feed(n: u8) -> crate::CustomerFeed {
    crate::CustomerFeed {
        id: model::customer(n),
        name: format!("客户{n}"),
        accounts: String::new(),
        province: String::new(),
        rating: None,
        owner: None,
        created_at: Timestamp::default(),
        tags: Vec::new(),
        refused_from: None,
        contact: Vec::new(),
        loyalty: crate::LoyaltyFeed::default(),
    }
}

#[test]
fn few_hits_with_equal_values_page_as_many_do() {
    // Ten of 250, all known since the same moment: looked at one by one, told apart by id.
    let model: Model = (0..250)
        .map(|n| {
            let rating = (120..130).contains(&n).then_some(1);
            (model::customer(n), (crate::CustomerFeed { rating, ..feed(n) }, Vec::new()))
        })
        .collect();
    let engine = model::fresh(&model);
    let filter = Filter { rating: Some(1), ..Filter::default() };
    for sort in ["created_at", "-created_at", "last_order_at", "-last_order_at"] {
        let sort = sort.parse().unwrap();
        let expected = model::list(&model, &filter, sort, None);
        assert_eq!(expected.len(), 10);
        for limit in [1, 3] {
            assert_eq!(model::pages(&engine, &filter, sort, limit), expected);
        }
    }
}

#[test]
fn pages_go_on_while_customers_change() {
    let model: Model = (0..30).map(|n| (model::customer(n), (feed(n), vec![at(n)]))).collect();
    let mut engine = model::fresh(&model);
    let mut query = ListQuery { limit: 10, ..ListQuery::default() };
    let first = engine.list(&query);
    assert_eq!(first.ids, (20..30).rev().map(model::customer).collect::<Vec<_>>());
    // The last customer shown disappears, one not shown yet moves to the top, another drops.
    assert!(engine.remove(model::customer(20)));
    engine.upsert(&feed(19), &[at(60)], &[]);
    engine.upsert(&feed(29), &[at(15)], &[]);
    query.after = first.next;
    let second = engine.list(&query);
    let expected = [18, 17, 16, 29, 15, 14, 13, 12, 11, 10];
    assert_eq!(second.ids, expected.map(model::customer));
    assert_eq!(second.total, 29);
}

#[test]
fn many_changes_compact_by_themselves() {
    let mut engine = Engine::new();
    for n in 0..20_000_u32 {
        let id = kernel::TypedId::from_uuid(uuid::Uuid::from_u128(u128::from(n.reverse_bits())));
        let feed = crate::CustomerFeed {
            id,
            name: format!("n{n}"),
            accounts: String::new(),
            province: String::new(),
            rating: None,
            owner: None,
            created_at: Timestamp::from_millis(i64::from(n)),
            tags: Vec::new(),
            refused_from: None,
            contact: Vec::new(),
            loyalty: crate::LoyaltyFeed::default(),
        };
        engine.upsert(&feed, &[], &[]);
    }
    assert_eq!(engine.len(), 20_000);
    let compaction = engine.compaction();
    let left = engine.list(&ListQuery {
        filter: Filter { q: Some("N1999".to_owned()), ..Filter::default() },
        sort: "-created_at".parse().unwrap(),
        after: None,
        limit: 3,
    });
    assert_eq!((left.total, left.ids.len()), (11, 3));
    assert!(compaction.is_none(), "the overlay was folded in at 8,192 and at 16,384 changes");
}

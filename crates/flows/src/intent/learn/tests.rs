use analytics::{CustomerFeed, Engine, OrderFact};
use kernel::Timestamp;
use platform::retention::DAY_MILLIS;
use uuid::Uuid;

use super::*;

const RECIPE: Recipe = Recipe { horizon: 30, minor_per_major: Some(100.0) };
const TODAY: i64 = 500;

fn span(first: i64, last: i64) -> Option<OrderSpan> {
    Some(OrderSpan { first, last, orders: 2, buyers: 1 })
}

fn shop(number: u128) -> ShopId {
    ShopId::from_uuid(Uuid::from_u128(number))
}

fn put(engine: &mut Engine, number: u128, at: ShopId, days: impl Iterator<Item = i64>) {
    let id = CustomerId::from_uuid(Uuid::from_u128(number));
    let feed = CustomerFeed {
        id,
        name: String::new(),
        accounts: String::new(),
        province: "浙江省".to_owned(),
        rating: None,
        owner: None,
        created_at: Timestamp::from_millis(0),
        tags: Vec::new(),
        refused_from: None,
        contact: Vec::new(),
        loyalty: analytics::LoyaltyFeed::default(),
    };
    let fact = |day: i64| OrderFact {
        ordered_at: Timestamp::from_millis(day * DAY_MILLIS),
        shop: at,
        revenue_minor: 100 + day,
    };
    let facts: Vec<OrderFact> = days.map(fact).collect();
    engine.upsert(&feed, &facts, &[]);
}

/// A buyer with an order every so many days, from a day on.
fn pace(number: i64, last: i64) -> impl Iterator<Item = i64> {
    (number % 40..=last).step_by(10 + 7 * (number % 13) as usize)
}

#[test]
fn moments_are_a_horizon_apart_and_end_with_what_is_known() {
    let past = Past::of(span(0, 400), 1_000, 30).unwrap();
    assert_eq!(past, Past { as_of: 400, moments: vec![220, 250, 280, 310, 340, 370] });
    // Today is not over.
    assert_eq!(Past::of(span(0, 400), 400, 30).unwrap().as_of, 399);
    // 120 days are just enough for three moments of 30 days.
    let least = Past::of(span(1, 120), 200, 30).unwrap();
    assert_eq!(least.moments, [30, 60, 90]);
    assert_eq!(
        Past::of(span(2, 120), 200, 30),
        Err(LearnError::TooShort { found: 119, horizon: 30, needed: 120 })
    );
    assert_eq!(Past::of(None, 200, 30), Err(LearnError::NoOrders));
}

#[test]
fn a_sample_is_about_as_large_as_wanted_and_the_same_each_time() {
    let spread: Vec<CustomerId> =
        (0..20_000_u128).map(|n| CustomerId::from_uuid(Uuid::from_u128(n))).collect();
    let wants = picks(5_000, spread.len());
    let found = spread.iter().filter(|id| wants(**id)).count();
    assert!((4_000..6_000).contains(&found), "{found}");
    assert!(spread.iter().all(|id| picks(20_000, 20_000)(*id)));
}

#[test]
fn members_who_never_ordered_take_no_buyer_out_of_the_training() {
    let mut engine = Engine::new();
    for buyer in 0..240 {
        put(&mut engine, buyer as u128, shop(1), pace(buyer, TODAY - 1));
    }
    let alone = learn(&engine.snapshot(), Zone::UTC, TODAY, RECIPE, None).unwrap();
    assert_eq!(alone.past.moments.len(), 6);
    // More than there may be rows at a moment.
    for member in 1_000..21_000 {
        put(&mut engine, member, shop(1), 0..0);
    }
    let among = learn(&engine.snapshot(), Zone::UTC, TODAY, RECIPE, None).unwrap();
    assert_eq!(among.fingerprint, alone.fingerprint);
    assert_eq!((among.training.report.rows, among.is_sample), (alone.training.report.rows, false));
}

#[test]
fn a_shop_whose_imports_stopped_teaches_nothing_after_that() {
    let mut engine = Engine::new();
    for buyer in 0..240 {
        put(&mut engine, buyer as u128, shop(1), pace(buyer, TODAY - 1));
    }
    let alone = learn(&engine.snapshot(), Zone::UTC, TODAY, RECIPE, None).unwrap();
    assert_eq!(alone.silent, BTreeMap::new());
    // Moments are the days 319, 349, ..., 469.
    for buyer in 0..240 {
        put(&mut engine, 1_000 + buyer as u128, shop(2), pace(buyer, 400));
    }
    let both = learn(&engine.snapshot(), Zone::UTC, TODAY, RECIPE, None).unwrap();
    assert_eq!(both.silent, BTreeMap::from([(shop(2), vec![409, 439, 469])]));
    let (rows, more) = (alone.training.report.rows, both.training.report.rows);
    // Its 240 buyers at three moments of six.
    assert_eq!((rows, more), (1_440, 1_440 + 720));
    // Nor does it count as a change of the customers.
    let moved = |learned: &Learned| {
        let columns = learned.drift.columns.iter();
        columns.filter(|one| one.level == DriftLevel::Large).count()
    };
    assert_eq!(moved(&both), moved(&alone));
}

//! Levels follow the orders of imports and the merges of customers.

use std::collections::BTreeMap;
use std::sync::Arc;

use commerce::events::OrdersChangedV1;
use customers::merge;
use flows::portions::{Left, Portion};
use flows::settle_levels::{SETTLE, SettleLevels, make_scheme, settle_all, settle_left};
use flows::{settle_points, undo_import};
use kernel::{Currency, CustomerId, TypedId as _, Zone};
use loyalty::levels::rules::{Downgrade, Rules};
use loyalty::levels::scheme::{self, NewScheme, Scheme};
use loyalty::levels::{LevelsError, membership};
use platform::outbox::{self, Delivery, DeliveryOptions, Turn};
use platform::{Job, JobError};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::{MIGRATIONS, Shop, dump};
use crate::{earlier, plan};

fn new(shop: &Shop, lowest_bps: i64) -> NewScheme {
    let mut rules = Rules { window_days: None, downgrade: Downgrade::Never, ..Rules::by_amount() };
    rules.levels[3].pay_bps = lowest_bps;
    NewScheme {
        name: "Club".into(),
        currency: Currency::CNY,
        shops: vec![shop.shop.id],
        zone: Zone::CHINA,
        rules,
    }
}

/// A scheme that is made when all orders have been paid.
async fn make(db: &TestDb, shop: &Shop) -> Scheme {
    db.clock().advance_millis(300 * 24 * 3_600_000);
    let mut tx = shop.platform.db.begin().await.unwrap();
    let id = make_scheme(&mut tx, &shop.cx, &new(shop, 7_000)).await.unwrap();
    let scheme = scheme::get(&mut tx, shop.cx.scope, id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    scheme
}

/// Delivers what happened.
async fn deliver(shop: &Shop) {
    outbox::sequence(&shop.platform.db).await.unwrap();
    let options = DeliveryOptions::default();
    let delivery = Delivery::new(shop.platform.clone(), Arc::new(SettleLevels), options);
    let stop = CancellationToken::new();
    while delivery.turn(&stop).await.unwrap() == Turn::Moved {}
    delivery.release().await.unwrap();
}

/// Jobs that measure, the oldest first, with what each has left.
async fn measuring(shop: &Shop) -> Vec<(Job, Left)> {
    super::points::jobs_of(shop, SETTLE).await
}

/// What counts for each customer, and its rank.
async fn measured(shop: &Shop) -> BTreeMap<Uuid, (i64, i64)> {
    let mut tx = shop.platform.db.read().await.unwrap();
    let sql =
        "SELECT customer_id, amount_minor, rank FROM loyalty_memberships WHERE amount_minor > 0";
    let rows: Vec<(Uuid, i64, i64)> = tx.fetch_all(sql, vec![]).await.unwrap();
    rows.into_iter().map(|(id, amount, rank)| (id, (amount, rank))).collect()
}

/// What should: the revenue of its orders, and the levels whose bounds it reaches.
async fn expected(shop: &Shop, scheme: &Scheme) -> BTreeMap<Uuid, (i64, i64)> {
    let mut sums = BTreeMap::new();
    for order in dump(shop).await.orders {
        if let (Some(customer), Some(revenue)) = (order.customer_id, order.revenue_minor) {
            *sums.entry(customer).or_default() += revenue;
        }
    }
    let rank = |sum| scheme.rules.levels.iter().filter(|level| level.bound <= sum).count() as i64;
    sums.into_iter().filter(|(_, sum)| *sum > 0).map(|(id, sum)| (id, (sum, rank(sum)))).collect()
}

db_test! { MIGRATIONS;
    async fn levels_follow_orders_and_go_with_them(db) {
        let shop = Shop::open(&db).await;
        let scheme = make(&db, &shop).await;
        shop.import(&[&shop.order_report(&earlier(), "old.csv")]).await;
        deliver(&shop).await;
        let before = measured(&shop).await;
        assert_eq!(before, expected(&shop, &scheme).await);
        assert!(before.len() > 100, "{}", before.len());
        let newer = shop.import(&[&shop.order_report(&plan(), "new.csv")]).await;
        deliver(&shop).await;
        assert_eq!(measured(&shop).await, expected(&shop, &scheme).await);
        assert_ne!(measured(&shop).await, before);
        shop.holds().await;
        undo_import::undo(&shop.platform, &shop.cx, newer.id).await.unwrap();
        deliver(&shop).await;
        assert_eq!(measured(&shop).await, before);
        shop.holds().await;
    }

    async fn a_merge_measures_both_together_and_its_undoing_each_alone(db) {
        let shop = Shop::open(&db).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        let scheme = make(&db, &shop).await;
        settle_all(&shop.platform, &shop.cx, &CancellationToken::new()).await.unwrap();
        let before = measured(&shop).await;
        assert_eq!(before, expected(&shop, &scheme).await);
        let ids: Vec<Uuid> = before.keys().copied().take(2).collect();
        let [keep, absorb] = [ids[0], ids[1]].map(CustomerId::from_uuid);
        let mut tx = shop.platform.db.begin().await.unwrap();
        let merged = merge::merge(&mut tx, &shop.cx, keep, absorb).await.unwrap();
        tx.commit().await.unwrap();
        deliver(&shop).await;
        let mut tx = shop.platform.db.read().await.unwrap();
        let told = membership::of(&mut tx, &shop.cx, &scheme, absorb).await.unwrap();
        drop(tx);
        assert_eq!((told.customer, told.amount_minor), (keep, before[&ids[0]].0 + before[&ids[1]].0));
        assert!(!measured(&shop).await.contains_key(&ids[1]));
        shop.holds().await;
        let mut tx = shop.platform.db.begin().await.unwrap();
        merge::unmerge(&mut tx, &shop.cx, merged.id).await.unwrap();
        tx.commit().await.unwrap();
        deliver(&shop).await;
        assert_eq!(measured(&shop).await, before);
        shop.holds().await;
    }

    async fn a_shop_on_taobao_has_a_floor_for_discounts(db) {
        let shop = Shop::open(&db).await;
        let mut tx = shop.platform.db.begin().await.unwrap();
        let low = make_scheme(&mut tx, &shop.cx, &new(&shop, 6_999)).await;
        assert!(matches!(low, Err(LevelsError::Fields(_))));
        // One without named shops has all of them.
        let all = NewScheme { shops: Vec::new(), ..new(&shop, 6_999) };
        assert!(make_scheme(&mut tx, &shop.cx, &all).await.is_err());
        make_scheme(&mut tx, &shop.cx, &new(&shop, 7_000)).await.unwrap();
    }

    /// One import of thousands held one transaction for all of them; its job began anew whenever it was stopped.
    async fn many_are_measured_in_portions_that_go_on_where_they_stopped(db) {
        let shop = Shop::open(&db).await;
        let scheme = make(&db, &shop).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        let [(job, left)] = measuring(&shop).await.try_into().unwrap();
        assert_eq!((left.clone(), job.max_attempts), (Left::default(), u32::MAX));
        let portion = Portion { customers: 3, orders: 4 };
        let cancel = CancellationToken::new();
        let stop = async {
            while measuring(&shop).await[0].1.after.is_none() {}
            cancel.cancel();
        };
        let run = settle_left(&shop.platform, &shop.cx, Some(&job), left, portion, &cancel);
        let (stopped, ()) = tokio::join!(run, stop);
        assert!(matches!(stopped, Err(JobError::Cancelled)), "{stopped:?}");
        let [(job, left)] = measuring(&shop).await.try_into().unwrap();
        let (before, should) = (measured(&shop).await, expected(&shop, &scheme).await);
        assert!(!before.is_empty() && before.len() < should.len());
        assert!(before.keys().all(|id| *id <= left.after.unwrap().uuid()));
        let cancel = CancellationToken::new();
        settle_left(&shop.platform, &shop.cx, Some(&job), left, portion, &cancel).await.unwrap();
        assert_eq!(measured(&shop).await, should);
        shop.holds().await;
        // An event with more names than a portion has is work for a job, not for its own transaction.
        let names: Vec<CustomerId> = (0..501_u128).map(|n| CustomerId::from_uuid(Uuid::from_u128(n))).collect();
        deliver(&shop).await;
        let mut tx = shop.platform.db.begin().await.unwrap();
        outbox::push(&mut tx, &shop.cx, &OrdersChangedV1::of(names.clone())).await.unwrap();
        tx.commit().await.unwrap();
        deliver(&shop).await;
        let jobs = measuring(&shop).await;
        assert_eq!(jobs.last().unwrap().1, Left { customers: Some(names), after: None });
    }

    /// An order that was paid after a level had ended earned by that level, if the job had not come to it before.
    async fn an_order_earns_by_no_level_that_had_ended(db) {
        let shop = Shop::open(&db).await;
        let mut tx = shop.platform.db.begin().await.unwrap();
        let mut wanted = new(&shop, 7_000);
        wanted.rules = Rules { window_days: Some(30), downgrade: Downgrade::AtOnce, ..Rules::by_amount() };
        for level in &mut wanted.rules.levels {
            level.multiplier_permille = 2_000;
        }
        make_scheme(&mut tx, &shop.cx, &wanted).await.unwrap();
        let programme = crate::points::begin(&mut tx, &shop).await;
        tx.commit().await.unwrap();
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        settle_all(&shop.platform, &shop.cx, &CancellationToken::new()).await.unwrap();
        let customer = *measured(&shop).await.keys().next().unwrap();
        // All orders leave the window, and no job looks. Then somebody buys once more.
        db.clock().advance_millis(400 * 24 * 3_600_000);
        let mut tx = shop.platform.db.begin().await.unwrap();
        let paid_at = shop.cx.now();
        tx.execute(
            "UPDATE commerce_orders SET ordered_at = $2, paid_at = $2
              WHERE id = (SELECT id FROM commerce_orders WHERE customer_id = $1 AND paid_at IS NOT NULL
                           ORDER BY id LIMIT 1)",
            platform::args![customer, paid_at],
        )
        .await
        .unwrap();
        db.clock().advance_millis(1_000);
        settle_points::settle(&mut tx, &shop.cx, &[CustomerId::from_uuid(customer)]).await.unwrap();
        let kept: Vec<(i64,)> = tx
            .fetch_all(
                "SELECT level_permille FROM loyalty_orders WHERE programme_id = $1 AND customer_id = $2 AND paid_at = $3",
                platform::args![programme.uuid(), customer, paid_at],
            )
            .await
            .unwrap();
        assert_eq!(kept, [(1_000,)]);
        tx.commit().await.unwrap();
        shop.holds().await;
    }
}

//! Points follow the orders of imports, and go with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use commerce::events::OrdersChangedV1;
use flows::settle_points::{
    Comparison, Left, Portion, SETTLE, SettlePoints, compare, make_programme as begin_programme,
    settle, settle_all, settle_left,
};
use flows::{person_data, undo_import};
use kernel::{Currency, CustomerId, JobId, OrderId, ProgrammeId, Timestamp, TypedId as _, Zone};
use loyalty::points::programme::{self, NewProgramme};
use loyalty::points::{
    Holder, adjust,
    rules::{Expiry, Negative, Rules},
};
use platform::outbox::{self, Delivery, DeliveryOptions, Turn};
use platform::{Job, JobError, Tx};
use testkit::db_test;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::{MIGRATIONS, Shop, dump};
use crate::{earlier, plan};

/// One point a yuan, for ever.
fn rules() -> Rules {
    Rules {
        earn_points: 1,
        earn_per_minor: 100,
        products: Vec::new(),
        day_cap: None,
        activities: Vec::new(),
        pending_days: 0,
        expiry: Expiry::Never,
        negative: Negative::Allow,
        grace_days: 0,
        approve_above: 0,
        value_points: 100,
        value_minor: 1,
    }
}

fn new_programme(shop: &Shop) -> NewProgramme {
    NewProgramme {
        name: "Club".into(),
        currency: Currency::CNY,
        shops: vec![shop.shop.id],
        zone: Zone::CHINA,
        since: Timestamp::from_millis(0),
        rules: rules(),
    }
}

pub async fn begin(tx: &mut Tx, shop: &Shop) -> ProgrammeId {
    programme::create(tx, &shop.cx, &new_programme(shop)).await.unwrap()
}

async fn make_programme(shop: &Shop) {
    let mut tx = shop.platform.db.begin().await.unwrap();
    begin(&mut tx, shop).await;
    tx.commit().await.unwrap();
}

/// Delivers what happened.
async fn deliver(shop: &Shop) {
    outbox::sequence(&shop.platform.db).await.unwrap();
    let options = DeliveryOptions::default();
    let delivery = Delivery::new(shop.platform.clone(), Arc::new(SettlePoints), options);
    let stop = CancellationToken::new();
    while delivery.turn(&stop).await.unwrap() == Turn::Moved {}
    delivery.release().await.unwrap();
}

/// The jobs that settle: how far they came, and how often they are tried.
async fn settling(shop: &Shop) -> Vec<(Job, Left)> {
    jobs_of(shop, SETTLE).await
}

/// The jobs of a kind that work in portions, the oldest first.
pub async fn jobs_of(shop: &Shop, kind: &str) -> Vec<(Job, Left)> {
    let mut tx = shop.platform.db.read().await.unwrap();
    let sql = "SELECT id, payload, max_attempts FROM platform_jobs WHERE kind = $1 ORDER BY id";
    let rows: Vec<(Uuid, String, i64)> = tx.fetch_all(sql, platform::args![kind]).await.unwrap();
    rows.into_iter()
        .map(|(id, payload, most)| {
            let job = Job {
                id: JobId::from_uuid(id),
                scope: shop.cx.scope,
                kind: kind.to_owned(),
                payload: serde_json::from_str(&payload).unwrap(),
                attempt: 1,
                max_attempts: most.try_into().unwrap(),
            };
            let left = job.payload().unwrap();
            (job, left)
        })
        .collect()
}

/// What each customer has; orders of days that the clock has not reached are pending.
async fn points(shop: &Shop) -> BTreeMap<Uuid, i64> {
    let mut tx = shop.platform.db.read().await.unwrap();
    let sql = "SELECT customer_id, pending + available + debt FROM loyalty_balances
                WHERE pending + available + debt <> 0";
    let rows: Vec<(Uuid, i64)> = tx.fetch_all(sql, vec![]).await.unwrap();
    rows.into_iter().collect()
}

/// What each should have: a point for each whole yuan of each order that counts.
async fn expected(shop: &Shop) -> BTreeMap<Uuid, i64> {
    let mut sums = BTreeMap::new();
    for order in dump(shop).await.orders {
        if let (Some(customer), Some(revenue)) = (order.customer_id, order.revenue_minor) {
            *sums.entry(customer).or_default() += revenue / 100;
        }
    }
    sums.retain(|_, points| *points != 0);
    sums
}

/// Somebody with one order that counts, and what it comes to.
async fn somebody(shop: &Shop) -> (CustomerId, i64) {
    let mut orders: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for order in dump(shop).await.orders {
        if let (Some(customer), Some(revenue)) = (order.customer_id, order.revenue_minor) {
            orders.entry(customer).or_default().push(revenue);
        }
    }
    let found = orders.into_iter().find(|(_, of)| of.len() == 1 && of[0] > 100);
    let (customer, of) = found.unwrap();
    (CustomerId::from_uuid(customer), of[0])
}

/// All that was paid for orders of `customer` goes back.
async fn refund(shop: &Shop, customer: CustomerId) {
    let mut tx = shop.platform.db.begin().await.unwrap();
    let sql = "UPDATE commerce_orders SET refund_minor = revenue_minor + COALESCE(refund_minor, 0), revenue_minor = NULL
                WHERE customer_id = $1 AND revenue_minor > 0";
    tx.execute(sql, platform::args![customer.uuid()]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn settle_one(shop: &Shop, customer: CustomerId) {
    let mut tx = shop.platform.db.begin().await.unwrap();
    settle(&mut tx, &shop.cx, &[customer]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Until a transaction of this PostgreSQL database waits for an advisory lock.
async fn somebody_waits(shop: &Shop) {
    let sql = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    loop {
        let mut tx = shop.platform.db.read().await.unwrap();
        let (waiting,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        if waiting > 0 {
            return;
        }
    }
}

db_test! { MIGRATIONS;
    async fn an_older_state_is_not_posted_over_a_newer_one(db) {
        let shop = Shop::open(&db).await;
        make_programme(&shop).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        deliver(&shop).await;
        let (customer, _) = somebody(&shop).await;
        assert!(points(&shop).await[&customer.uuid()] > 0);
        if db.postgres_url().is_none() {
            // One writes at a time, and whoever writes has seen what was written before.
            refund(&shop, customer).await;
            settle_one(&shop, customer).await;
        } else {
            let mut other = shop.platform.db.begin().await.unwrap();
            // As a batch of what is due does, so that the slow one stops where it begins to write.
            let sql = "SELECT pg_advisory_xact_lock(4730, CAST($1 AS INTEGER))";
            other.execute(sql, platform::args![shop.cx.scope.org_arg()]).await.unwrap();
            let newer = async {
                somebody_waits(&shop).await;
                refund(&shop, customer).await;
                settle(&mut other, &shop.cx, &[customer]).await.unwrap();
                other.commit().await.unwrap();
            };
            tokio::join!(settle_one(&shop, customer), newer);
        }
        assert_eq!(points(&shop).await.get(&customer.uuid()), None);
        assert_eq!(points(&shop).await, expected(&shop).await);
        shop.holds().await;
    }

    async fn points_follow_orders_and_go_with_them(db) {
        let shop = Shop::open(&db).await;
        make_programme(&shop).await;
        shop.import(&[&shop.order_report(&earlier(), "old.csv")]).await;
        deliver(&shop).await;
        assert_eq!(points(&shop).await, expected(&shop).await);
        let before = points(&shop).await;
        assert!(before.len() > 100, "{}", before.len());
        let newer = shop.import(&[&shop.order_report(&plan(), "new.csv")]).await;
        deliver(&shop).await;
        assert_eq!(points(&shop).await, expected(&shop).await);
        assert_ne!(points(&shop).await, before);
        shop.holds().await;
        undo_import::undo(&shop.platform, &shop.cx, newer.id).await.unwrap();
        deliver(&shop).await;
        assert_eq!(points(&shop).await, before);
        shop.holds().await;
    }

    async fn a_programme_that_is_made_later_finds_the_orders_once(db) {
        let shop = Shop::open(&db).await;
        let import = shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        make_programme(&shop).await;
        for _ in 0..2 {
            settle_all(&shop.platform, &shop.cx, &CancellationToken::new()).await.unwrap();
            assert_eq!(points(&shop).await, expected(&shop).await);
        }
        undo_import::undo(&shop.platform, &shop.cx, import.id).await.unwrap();
        settle_all(&shop.platform, &shop.cx, &CancellationToken::new()).await.unwrap();
        assert!(points(&shop).await.is_empty());
        shop.holds().await;
    }

    async fn a_long_settling_goes_on_where_it_stopped(db) {
        let shop = Shop::open(&db).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        let mut tx = shop.platform.db.begin().await.unwrap();
        begin_programme(&mut tx, &shop.cx, &new_programme(&shop)).await.unwrap();
        tx.commit().await.unwrap();
        let [(job, left)] = settling(&shop).await.try_into().unwrap();
        assert_eq!((left.clone(), job.max_attempts), (Left::default(), u32::MAX));
        // It is stopped when it has come to somebody.
        let portion = Portion { customers: 3, orders: 4 };
        let cancel = CancellationToken::new();
        let stop = async {
            while settling(&shop).await[0].1.after.is_none() {}
            cancel.cancel();
        };
        let run = settle_left(&shop.platform, &shop.cx, Some(&job), left, portion, &cancel);
        let (stopped, ()) = tokio::join!(run, stop);
        assert!(matches!(stopped, Err(JobError::Cancelled)), "{stopped:?}");
        let [(job, left)] = settling(&shop).await.try_into().unwrap();
        let before = points(&shop).await;
        let should = expected(&shop).await;
        let last = left.after.unwrap();
        assert!(!before.is_empty() && before.len() < should.len());
        assert!(before.keys().all(|id| *id <= last.uuid()));
        // Who asks for all meanwhile gets all, not the rest.
        let mut tx = shop.platform.db.begin().await.unwrap();
        flows::settle_points::settle_all_soon(&mut tx, &shop.cx).await.unwrap();
        tx.commit().await.unwrap();
        let jobs = settling(&shop).await;
        assert_eq!(jobs.len(), 2);
        assert_eq!(jobs[1].1, Left::default());
        // And it does not begin anew: what changes in the part that is done waits for its own event.
        let done = CustomerId::from_uuid(*before.keys().next().unwrap());
        refund(&shop, done).await;
        let cancel = CancellationToken::new();
        settle_left(&shop.platform, &shop.cx, Some(&job), left, portion, &cancel).await.unwrap();
        let mut wanted = expected(&shop).await;
        wanted.insert(done.uuid(), before[&done.uuid()]);
        assert_eq!(points(&shop).await, wanted);
        settle_one(&shop, done).await;
        assert_eq!(points(&shop).await, expected(&shop).await);
        shop.holds().await;
    }

    async fn too_many_names_are_settled_by_a_job(db) {
        let shop = Shop::open(&db).await;
        make_programme(&shop).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        deliver(&shop).await;
        assert!(settling(&shop).await.is_empty());
        let (customer, _) = somebody(&shop).await;
        refund(&shop, customer).await;
        let mut names: Vec<CustomerId> = (0..500_u128)
            .map(|number| CustomerId::from_uuid(Uuid::from_u128(number)))
            .collect();
        names.push(customer);
        let mut tx = shop.platform.db.begin().await.unwrap();
        outbox::push(&mut tx, &shop.cx, &OrdersChangedV1::of(names.clone())).await.unwrap();
        tx.commit().await.unwrap();
        deliver(&shop).await;
        let [(job, left)] = settling(&shop).await.try_into().unwrap();
        assert_eq!(left, Left { customers: Some(names), after: None });
        assert!(points(&shop).await.contains_key(&customer.uuid()));
        let cancel = CancellationToken::new();
        let portion = Portion::default();
        settle_left(&shop.platform, &shop.cx, Some(&job), left, portion, &cancel).await.unwrap();
        assert_eq!(points(&shop).await, expected(&shop).await);
        let [(_, left)] = settling(&shop).await.try_into().unwrap();
        assert_eq!(left, Left { customers: Some(Vec::new()), after: None });
        shop.holds().await;
    }

    async fn points_that_do_not_follow_the_orders_are_named(db) {
        let shop = Shop::open(&db).await;
        make_programme(&shop).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        let compared = async || {
            let mut tx = shop.platform.db.read().await.unwrap();
            compare(&mut tx, &shop.cx).await.unwrap()
        };
        assert!(matches!(compared().await, Comparison::Busy { events: 1.., job: false }));
        deliver(&shop).await;
        let none = Comparison::Done { programmes: 1, wrong: 0, named: Vec::new() };
        assert_eq!(compared().await, none);
        let (customer, _) = somebody(&shop).await;
        refund(&shop, customer).await;
        let order = dump(&shop).await.orders.into_iter().find(|order| order.customer_id == Some(customer.uuid()));
        let named = vec![OrderId::from_uuid(order.unwrap().id)];
        assert_eq!(compared().await, Comparison::Done { programmes: 1, wrong: 1, named });
        settle_one(&shop, customer).await;
        assert_eq!(compared().await, none);
    }

    async fn a_person_is_told_of_their_points(db) {
        let shop = Shop::open(&db).await;
        make_programme(&shop).await;
        shop.import(&[&shop.order_report(&plan(), "orders.csv")]).await;
        deliver(&shop).await;
        let (customer, revenue) = somebody(&shop).await;
        let mut tx = shop.platform.db.begin().await.unwrap();
        let programme = programme::all(&mut tx, shop.cx.scope).await.unwrap().pop().unwrap();
        adjust::ask(&mut tx, &shop.cx, &programme, &Holder::single(customer), 7, "她的生日").await.unwrap();
        tx.commit().await.unwrap();
        let reason = "they ask".parse().unwrap();
        let told = person_data::export(&shop.platform, &shop.cx, customer, &reason).await;
        let told = told.unwrap().unwrap();
        let [club] = told["points"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!(club["programme"], "Club");
        let balance = |of: &str| club["balance"][of].as_i64().unwrap();
        assert_eq!(balance("pending") + balance("available"), revenue / 100);
        let kinds: Vec<&str> =
            club["lines"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds.last(), Some(&"earn"));
        let [change] = told["points_adjustments"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!((&change["points"], &change["reason"]), (&7.into(), &"她的生日".into()));
        assert_eq!(change["state"], "waiting");
    }
}

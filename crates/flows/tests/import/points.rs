//! Points follow the orders of imports, and go with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use flows::settle_points::{SettlePoints, settle_all};
use flows::undo_import;
use kernel::{Currency, Timestamp, Zone};
use loyalty::points::programme::{self, NewProgramme};
use loyalty::points::rules::{Expiry, Negative, Rules};
use platform::outbox::{self, Delivery, DeliveryOptions, Turn};
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

async fn make_programme(shop: &Shop) {
    let mut tx = shop.platform.db.begin().await.unwrap();
    let new = NewProgramme {
        name: "Club".into(),
        currency: Currency::CNY,
        shops: vec![shop.shop.id],
        zone: Zone::CHINA,
        since: Timestamp::from_millis(0),
        rules: rules(),
    };
    programme::create(&mut tx, &shop.cx, &new).await.unwrap();
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

db_test! { MIGRATIONS;
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
}

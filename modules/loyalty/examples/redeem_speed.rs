//! How many redemptions of one hot coupon a second: each is a reservation and its commit, durable when answered.
//!
//! `cargo run --release -p loyalty --example redeem_speed [REDEMPTIONS] [AT_ONCE]`. SQLite in a file with
//! `synchronous=FULL`; PostgreSQL at `GUANXI_TEST_POSTGRES` if that is set, with whatever its fsync is:
//! `GUANXI_PG_FSYNC=on scripts/with-postgres.sh …`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and ends at what goes wrong"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::FutureExt as _;
use kernel::{CustomerId, ShopId, TypedId as _, Zone};
use loyalty::coupons::{NewDefinition, definition};
use loyalty::desk::Desk;
use loyalty::reservations::{self, Brought, CouponUse, ReservationError, Reserve};
use loyalty::{Holder, OfferState};
use platform::Migration;
use serde_json::json;
use testkit::TestDb;
use tokio::task::JoinSet;
use uuid::Uuid;

fn migrations() -> Vec<Migration> {
    platform::MIGRATIONS.iter().chain(loyalty::MIGRATIONS).copied().collect()
}

async fn measure(name: &str, db: &TestDb, redemptions: u64, at_once: u64) {
    let (cx, platform) = (db.ctx(), db.platform().clone());
    let rules = json!({
        "terms": {"currency": "CNY", "kind": {"type": "amount_off", "threshold_minor": 0, "off_minor": 1_000}},
        "uses": {"total": redemptions, "per_person": 1},
        "budget_minor": redemptions * 1_000,
        "validity": {"type": "fixed", "from": null, "until": null},
        "refund": {"type": "return"},
        "code": "HOTCOUPON",
    });
    let new = NewDefinition { name: "hot".into(), rules: serde_json::from_value(rules).unwrap() };
    let mut tx = db.db().begin_for(cx.scope).await.unwrap();
    let id = definition::create(&mut tx, &cx, &new).await.unwrap();
    definition::set_state(&mut tx, &cx, id, OfferState::Live).await.unwrap();
    tx.commit().await.unwrap();
    let (desk, next, refused) =
        (Desk::default(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..at_once {
        let (desk, next, platform, cx, refused) =
            (desk.clone(), next.clone(), platform.clone(), cx.clone(), refused.clone());
        clients.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                // A tenth comes too late.
                if n >= redemptions + redemptions / 10 {
                    return;
                }
                let wanted = Reserve {
                    shop: ShopId::from_uuid(Uuid::from_u128(1)),
                    order_key: n.to_string(),
                    request: json!({ "order": n }),
                    holder: Holder::single(CustomerId::from_uuid(Uuid::from_u128(n.into()))),
                    level: None,
                    zone: Zone::CHINA,
                    hold_seconds: 1_800,
                    coupons: vec![CouponUse {
                        brought: Brought::Code("hotcoupon".into()),
                        minor: 1_000,
                    }],
                    promotions: vec![],
                    priced: json!({"total_minor": 9_000}),
                    besides: vec![],
                };
                let by = cx.clone();
                let held = desk.run::<_, ReservationError>(&platform.db, cx.scope, move |tx| {
                    async move { reservations::reserve(tx, &by, &wanted).await }.boxed()
                });
                let Ok(held) = held.await else {
                    refused.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let by = cx.clone();
                let done = desk.run::<_, ReservationError>(&platform.db, cx.scope, move |tx| {
                    async move { reservations::commit(tx, &by, held.id).await }.boxed()
                });
                done.await.unwrap();
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let mut tx = db.db().read_for(cx.scope).await.unwrap();
    let funnel = loyalty::coupons::funnel_of_definition(&mut tx, cx.scope, id).await.unwrap();
    println!(
        "{name}: {} redeemed and {} refused by {at_once} at once in {seconds:.2} s: {:.0} redemptions a second",
        funnel.redeemed,
        refused.load(Ordering::Relaxed),
        funnel.redeemed as f64 / seconds
    );
    assert_eq!(funnel.redeemed, i64::try_from(redemptions).unwrap());
}

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let (redemptions, at_once) = (numbers.next().unwrap_or(10_000), numbers.next().unwrap_or(200));
    measure("SQLite", &TestDb::sqlite(&migrations()).await, redemptions, at_once).await;
    if std::env::var_os("GUANXI_TEST_POSTGRES").is_some() {
        measure("PostgreSQL", &TestDb::postgres(&migrations()).await, redemptions, at_once).await;
    }
}

//! The worked examples of docs/loyalty.md about coupons, in their order.

use loyalty::RefundRule;
use loyalty::counters::{CounterKind, Limits};
use loyalty::coupons::CouponRules;
use loyalty::reservations::{self, Refund, ReservationError};
use platform::Tx;
use testkit::db_test;

use super::tools::*;

db_test! { MIGRATIONS;
    /// Example C1.
    async fn a_coupon_lives_for_so_many_times_24_hours(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        tx.commit().await.unwrap();
        let coupon = claim(platform, &cx, id, &single(1), "a").await.unwrap();
        let use_it = async || reserve(platform, &cx, &with_coupon(single(1), coupon)).await;
        db.clock().advance_millis(30 * DAY - 1);
        let held = use_it().await.unwrap();
        cancel(platform, &cx, held.id).await.unwrap();
        db.clock().advance_millis(1);
        assert!(use_it().await.is_err());
    }

    /// Example C2.
    async fn a_day_of_a_limit_ends_at_midnight_of_the_shop(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let uses = Limits { per_day: Some(1), ..Limits::default() };
        let mut tx = db.db().begin().await.unwrap();
        live(&mut tx, &cx, CouponRules { uses, code: Some("DAILY".into()), ..rules() }).await;
        tx.commit().await.unwrap();
        let use_it = async || reserve(platform, &cx, &with_code(single(1), "daily")).await;
        let held = use_it().await.unwrap();
        commit(platform, &cx, held.id).await.unwrap();
        // It was 08:00 in China.
        db.clock().advance_millis(16 * HOUR - 1);
        let again = use_it().await;
        assert!(matches!(again, Err(ReservationError::Full(full)) if full.kind == CounterKind::UseDay));
        db.clock().advance_millis(1);
        use_it().await.unwrap();
        verify(&db, &cx).await;
    }

    /// Example C3.
    async fn a_coupon_that_ended_comes_back_for_its_days_of_grace(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let refund = RefundRule::Return { grace_days: 7 };
        let id = live(&mut tx, &cx, CouponRules { refund, ..rules() }).await;
        tx.commit().await.unwrap();
        let coupon = claim(platform, &cx, id, &single(1), "a").await.unwrap();
        let held = reserve(platform, &cx, &with_coupon(single(1), coupon)).await.unwrap();
        commit(platform, &cx, held.id).await.unwrap();
        db.clock().advance_millis(31 * DAY);
        let whole = Refund { is_whole: true, ..Refund::default() };
        let work = async |tx: &mut Tx| reservations::refund(tx, &cx, held.id, "r", &whole).await;
        assert_eq!(in_tx(platform, &cx, work).await.unwrap().returned, [coupon]);
        let use_it = async || reserve(platform, &cx, &with_coupon(single(1), coupon)).await;
        db.clock().advance_millis(7 * DAY - 1);
        let held = use_it().await.unwrap();
        cancel(platform, &cx, held.id).await.unwrap();
        db.clock().advance_millis(1);
        assert!(use_it().await.is_err());
        verify(&db, &cx).await;
    }
}

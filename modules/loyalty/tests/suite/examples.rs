//! The worked examples of docs/loyalty.md, in their order.

use kernel::{OrgId, Timestamp};
use loyalty::points::programme;
use loyalty::points::rules::{LineFact, Negative, ProductFactor, Rules};
use loyalty::points::settle::OrderFacts;
use loyalty::points::{Holder, PointsError};
use testkit::db_test;

use crate::tools::{Club, DAY, MIGRATIONS, customer, order, rules};

db_test! { MIGRATIONS;
    /// Example 1.
    async fn an_order_earns_rounded_down_once(db) {
        let products = vec![ProductFactor { product: "TEA".into(), factor_permille: 2_000 }];
        let club = Club::new(&db, Rules { products, ..rules() }).await;
        let line = |product: &str, amount_minor| LineFact { product: product.into(), amount_minor, refunded_minor: 0 };
        let mut facts = club.paid(customer(1), order(1), 19_990);
        facts.lines = vec![line("TEA", 9_995), line("CUP", 9_995)];
        facts.level_permille = 1_200;
        club.settle(&[facts]).await;
        // 199.90 × 1.5 × 1.2 = 359.82
        assert_eq!(club.balance(customer(1)).await, [359, 0, 0, 0]);
        club.verify().await;
    }

    /// Example 2.
    async fn refunds_come_in_any_order_and_twice(db) {
        let club = Club::new(&db, rules()).await;
        let whole = club.paid(customer(1), order(1), 10_099);
        for (refunded_minor, left) in [(0, 100), (3_333, 67), (3_333, 67), (6_666, 34), (3_333, 67), (10_099, 0), (6_666, 34)] {
            club.settle(&[OrderFacts { refunded_minor, ..whole.clone() }]).await;
            assert_eq!(club.balance(customer(1)).await, [left, 0, 0, 0], "{refunded_minor}");
        }
        club.settle_all(&[customer(1)], &[]).await;
        assert_eq!(club.balance(customer(1)).await, [0; 4]);
        club.verify().await;
    }

    /// Example 3.
    async fn points_wait_then_live_then_end(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        club.days_pass(6);
        assert_eq!(club.due().await, 0);
        assert_eq!(club.balance(customer(1)).await, [100, 0, 0, 0]);
        club.days_pass(1);
        assert_eq!(club.due().await, 1);
        assert_eq!(club.balance(customer(1)).await, [0, 100, 0, 0]);
        // Paid on 1 January at 08:00 in China: from 8 January until the end of 7 February.
        let end: Timestamp = "2026-02-07T16:00:00Z".parse().unwrap();
        db.clock().advance_millis(end.millis() - club.cx.now().millis() - 1);
        assert_eq!(club.due().await, 0);
        db.clock().advance_millis(1);
        assert_eq!(club.statement(&Holder::single(customer(1))).await.spendable, 0);
        assert_eq!(club.due().await, 1);
        assert_eq!(club.balance(customer(1)).await, [0; 4]);
        club.verify().await;
    }

    /// Example 4.
    async fn earliest_expiring_are_spent_first_and_come_back_last(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        club.days_pass(1);
        club.settle(&[club.paid(customer(1), order(2), 10_000)]).await;
        club.days_pass(8);
        let who = Holder::single(customer(1));
        club.spend(&who, order(3), 150, "a").await.unwrap();
        let mut facts = club.paid(customer(1), order(3), 10_000);
        facts.refunded_minor = 3_333;
        club.settle(std::slice::from_ref(&facts)).await;
        // floor(150 × 33.33 ÷ 100) = 49 come back, into the lot of order 2, from which 50 were spent.
        assert_eq!(club.balance(customer(1)).await, [66, 99, 0, 0]);
        facts.refunded_minor = 10_000;
        club.settle(&[facts]).await;
        assert_eq!(club.balance(customer(1)).await, [0, 200, 0, 0]);
        club.verify().await;
    }

    /// Example 5.
    async fn spent_points_that_are_not_earned_any_more_are_owed_or_forgiven(db) {
        let club = Club::new(&db, rules()).await;
        let who = Holder::single(customer(1));
        let facts = club.paid(customer(1), order(1), 10_000);
        club.settle(std::slice::from_ref(&facts)).await;
        club.days_pass(7);
        club.spend(&who, order(2), 70, "a").await.unwrap();
        club.settle(&[OrderFacts { refunded_minor: 10_000, ..facts.clone() }]).await;
        assert_eq!(club.balance(customer(1)).await, [0, 0, 0, -70]);
        club.settle(&[club.paid(customer(1), order(3), 10_000)]).await;
        club.days_pass(7);
        club.due().await;
        assert_eq!(club.balance(customer(1)).await, [0, 30, 0, 0]);
        club.verify().await;

        let forgiving = Club::in_org(&db, OrgId::new(2), Rules { negative: Negative::WriteOff, ..rules() }).await;
        let facts = forgiving.paid(customer(1), order(1), 10_000);
        forgiving.settle(std::slice::from_ref(&facts)).await;
        forgiving.days_pass(7);
        forgiving.spend(&who, order(2), 70, "a").await.unwrap();
        forgiving.settle(&[OrderFacts { refunded_minor: 10_000, ..facts.clone() }]).await;
        assert_eq!(forgiving.balance(customer(1)).await, [0; 4]);
        // The refund was a mistake: what was forgiven is not given twice.
        forgiving.settle(&[facts]).await;
        assert_eq!(forgiving.balance(customer(1)).await, [0, 30, 0, 0]);
        forgiving.verify().await;
    }

    /// Example 6.
    async fn what_comes_back_after_its_end_lapses_or_has_days_of_grace(db) {
        for (org, grace_days, left) in [(3, 0, 0), (4, 10, 100)] {
            let club = Club::in_org(&db, OrgId::new(org), Rules { grace_days, ..rules() }).await;
            club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
            club.days_pass(7);
            let spent = club.spend(&Holder::single(customer(1)), order(2), 100, "a").await.unwrap();
            club.days_pass(40);
            club.cancel(spent).await;
            club.cancel(spent).await;
            assert_eq!(club.balance(customer(1)).await, [0, left, 0, 0]);
            club.days_pass(11);
            club.due().await;
            assert_eq!(club.balance(customer(1)).await, [0; 4]);
            club.verify().await;
        }
    }

    /// Example 7.
    async fn a_day_has_a_limit_and_a_refund_makes_room(db) {
        let club = Club::new(&db, Rules { day_cap: Some(150), ..rules() }).await;
        let first = club.paid(customer(1), order(1), 10_000);
        let mut second = club.paid(customer(1), order(2), 10_000);
        second.paid_at = second.paid_at.map(|at| at.plus_millis(1));
        club.settle(&[second]).await;
        club.settle(std::slice::from_ref(&first)).await;
        assert_eq!(club.balance(customer(1)).await, [150, 0, 0, 0]);
        club.settle(&[OrderFacts { refunded_minor: 8_000, ..first }]).await;
        assert_eq!(club.balance(customer(1)).await, [120, 0, 0, 0]);
        club.verify().await;
    }

    /// Example 8.
    async fn an_order_is_judged_by_the_version_of_its_day(db) {
        let mut club = Club::new(&db, rules()).await;
        let before = club.paid(customer(1), order(1), 10_000);
        db.clock().advance_millis(DAY);
        let mut tx = db.db().begin().await.unwrap();
        let double = Rules { earn_points: 2, ..rules() };
        programme::change(&mut tx, &club.cx, club.programme.id, 1, "Club", &double).await.unwrap();
        let late = programme::change(&mut tx, &club.cx, club.programme.id, 1, "Club", &double).await;
        assert!(matches!(late, Err(PointsError::Changed(2))));
        tx.commit().await.unwrap();
        club.programme = Club::read(&db, &club.cx, club.programme.id).await;
        club.settle(&[before, club.paid(customer(2), order(2), 10_000)]).await;
        assert_eq!(club.balance(customer(1)).await, [100, 0, 0, 0]);
        assert_eq!(club.balance(customer(2)).await, [200, 0, 0, 0]);
        let line = club.statement(&Holder::single(customer(1))).await.lines.items.remove(0);
        assert_eq!((line.version, line.order), (1, Some(order(1))));
        club.verify().await;
    }
}

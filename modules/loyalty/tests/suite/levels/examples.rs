//! The worked examples of docs/loyalty.md, in their order.

use loyalty::levels::membership::Multipliers;
use loyalty::levels::rules::{Downgrade, Fall, Refunds, Rules};
use loyalty::levels::settle::OrderFacts;
use loyalty::levels::what_if::what_if;
use loyalty::levels::{Cause, jobs};
use loyalty::points::Holder;
use loyalty::points::settle::Extent;
use testkit::db_test;

use super::tools::{Club, MIGRATIONS, customer, levels, rules};

db_test! { MIGRATIONS;
    /// Example L1.
    async fn a_level_is_what_was_paid_in_the_window(db) {
        let club = Club::new(&db, rules()).await;
        let who = customer(1);
        club.settle(&[club.paid(who, 1, 9_999)]).await;
        assert_eq!(club.rank(who).await, 0);
        club.days_pass(10);
        club.settle(&[club.paid(who, 2, 10_001)]).await;
        assert_eq!(club.rank(who).await, 2);
        assert_eq!(club.of(who).await.to_next, Some(10_000));
        // The first order was paid on 1 January: it counts on 30 January, and not on the 31st.
        club.go("2026-01-30T15:59:59.999Z");
        assert_eq!(club.rank(who).await, 2);
        db.clock().advance_millis(1);
        assert_eq!(club.rank(who).await, 1);
        club.due().await;
        assert_eq!(club.story(who).await, [(0, 2, Cause::Orders), (2, 1, Cause::Expiry)]);
        club.verify().await;
    }

    /// Example L2.
    async fn a_refund_takes_the_upgrade_back_unless_the_scheme_says_keep(db) {
        for (org, refunds, rank) in [(2, Refunds::TakeBack, 1), (3, Refunds::Keep, 2)] {
            let rules = Rules { refunds, downgrade: Downgrade::Never, ..rules() };
            let club = Club::in_org(&db, kernel::OrgId::new(org), rules).await;
            let who = customer(1);
            club.settle(&[club.paid(who, 1, 12_000)]).await;
            club.days_pass(1);
            let second = club.paid(who, 2, 10_000);
            club.settle(std::slice::from_ref(&second)).await;
            assert_eq!(club.rank(who).await, 2);
            club.days_pass(1);
            let refunded = OrderFacts { refunded_minor: 2_001, ..second.clone() };
            for _ in 0..2 {
                club.settle(std::slice::from_ref(&refunded)).await;
                assert_eq!(club.rank(who).await, rank);
            }
            let mut story = vec![(0, 1, Cause::Orders), (1, 2, Cause::Orders)];
            story.extend((rank == 1).then_some((2, 1, Cause::Refund)));
            assert_eq!(club.story(who).await, story);
            // A closed order never counts.
            club.settle(&[OrderFacts { void: true, ..second }]).await;
            assert_eq!(club.rank(who).await, 1);
            club.verify().await;
        }
    }

    /// Example L3.
    async fn a_level_is_valid_for_its_days_and_its_grace(db) {
        let downgrade = Downgrade::Validity { validity_days: 60, grace_days: 10, fall: Fall::OneLevel };
        let club = Club::new(&db, Rules { downgrade, ..rules() }).await;
        let who = customer(1);
        club.settle(&[club.paid(who, 1, 30_000)]).await;
        let at = |text: &str| -> kernel::Timestamp { text.parse().unwrap() };
        // Reached on 1 January in China: valid until the end of 2 March.
        assert_eq!(club.of(who).await.valid_until, Some(at("2026-03-02T16:00:00Z")));
        club.go("2026-03-12T15:59:59.999Z");
        assert_eq!((club.rank(who).await, club.of(who).await.earned), (3, 0));
        club.go("2026-03-12T16:00:00Z");
        assert_eq!(club.rank(who).await, 2);
        assert_eq!(club.of(who).await.valid_until, Some(at("2026-05-12T16:00:00Z")));
        // In the days of grace it can be earned again.
        club.go("2026-05-20T00:00:00Z");
        club.settle(&[club.paid(who, 2, 20_000)]).await;
        assert_eq!((club.rank(who).await, club.of(who).await.valid_until), (2, Some(at("2026-07-19T16:00:00Z"))));
        club.due().await;
        assert_eq!(club.story(who).await, [(0, 3, Cause::Orders), (3, 2, Cause::Expiry)]);
        assert_eq!(club.history(who).await[0].at, at("2026-03-12T16:00:00Z"));
        club.verify().await;
    }

    /// Example L4.
    async fn a_family_is_measured_together_and_apart_again(db) {
        let club = Club::new(&db, rules()).await;
        let (keeper, merged) = (customer(1), customer(2));
        club.settle(&[club.paid(keeper, 1, 10_000), club.paid(merged, 2, 20_000)]).await;
        let family = Holder::new(keeper, &[merged]);
        for _ in 0..2 {
            club.settle_families(std::slice::from_ref(&family), &[], Extent::Some).await;
        }
        assert_eq!((club.rank(keeper).await, club.rank(merged).await), (3, 3));
        assert_eq!(club.of(merged).await.customer, keeper);
        club.settle_families(&[Holder::single(keeper), Holder::single(merged)], &[], Extent::Some).await;
        assert_eq!((club.rank(keeper).await, club.rank(merged).await), (1, 2));
        assert_eq!(club.story(keeper).await, [(0, 1, Cause::Orders), (1, 3, Cause::Merge), (3, 1, Cause::Merge)]);
        assert_eq!(club.story(merged).await, [(0, 2, Cause::Orders), (2, 0, Cause::Merge), (0, 2, Cause::Merge)]);
        club.verify().await;
    }

    /// Example L5.
    async fn an_edit_is_a_new_version_and_what_if_says_what_it_will_do(db) {
        let mut club = Club::new(&db, rules()).await;
        let facts: Vec<_> = [9_000, 15_000, 19_000, 19_500, 25_000].iter().zip(0..)
            .map(|(paid, at)| club.paid(customer(at), at, *paid)).collect();
        club.settle(&facts).await;
        club.days_pass(1);
        let mut tx = db.db().read().await.unwrap();
        let told = what_if(&mut tx, &club.cx, &club.scheme, 2, 19_000).await.unwrap();
        assert_eq!((told.rise, told.lose), (2, 0));
        let told = what_if(&mut tx, &club.cx, &club.scheme, 1, 15_001).await.unwrap();
        assert_eq!((told.rise, told.lose), (0, 1));
        drop(tx);
        club.edit(&Rules { levels: levels(&[10_000, 19_000, 30_000]), ..rules() }).await;
        assert_eq!(club.due().await, 5);
        assert_eq!(club.due().await, 0);
        assert_eq!(club.story(customer(2)).await, [(0, 1, Cause::Orders), (1, 2, Cause::Scheme)]);
        assert_eq!(club.history(customer(2)).await.iter().map(|change| change.version).collect::<Vec<_>>(), [2, 1]);
        club.verify().await;
    }

    /// Example L6.
    async fn an_order_earns_by_the_level_that_was_known_when_it_was_paid(db) {
        let club = Club::new(&db, rules()).await;
        let who = customer(1);
        let first = club.cx.now();
        club.settle(&[club.paid(who, 1, 20_000)]).await;
        club.days_pass(1);
        let second = club.cx.now();
        // Heard of a day late, it would have made the level higher then.
        club.settle(&[OrderFacts { paid_at: Some(first), ..club.paid(who, 2, 10_000) }]).await;
        club.days_pass(1);
        let mut tx = db.db().read().await.unwrap();
        let known = Multipliers::read(&mut tx, club.cx.scope, &club.scheme, &[who]).await.unwrap();
        let of = |at| known.permille(&club.scheme, who, at);
        assert_eq!([of(first), of(second), of(club.cx.now())], [1_000, 1_100, 1_200]);
        assert_eq!(known.permille(&club.scheme, customer(2), second), 1_000);
    }

    /// Example L7.
    async fn an_order_earns_by_no_level_that_had_ended(db) {
        let club = Club::new(&db, rules()).await;
        let who = customer(1);
        club.settle(&[club.paid(who, 1, 20_000)]).await;
        let then = |text: &str| -> kernel::Timestamp { text.parse().unwrap() };
        club.go("2026-02-05T00:00:00Z");
        // What the settling of points does first; nobody else came since.
        let mut tx = db.db().begin().await.unwrap();
        jobs::bring_up(&mut tx, &club.cx, std::slice::from_ref(&club.scheme), &[who]).await.unwrap();
        let known = Multipliers::read(&mut tx, club.cx.scope, &club.scheme, &[who]).await.unwrap();
        tx.commit().await.unwrap();
        let of = |text| known.permille(&club.scheme, who, then(text));
        assert_eq!([of("2026-01-30T00:00:00Z"), of("2026-02-05T00:00:00Z")], [1_100, 1_000]);
        assert_eq!(club.due().await, 0);
        club.verify().await;
    }
}

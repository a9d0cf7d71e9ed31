//! Time moves levels in bounded batches, and changes the same whether or not the job ran.

use loyalty::levels::rules::Rules;
use loyalty::levels::settle::OrderFacts;
use loyalty::levels::{Cause, jobs};
use loyalty::points::Holder;
use loyalty::points::settle::Extent;
use testkit::db_test;

use super::tools::{Club, DAY, MIGRATIONS, customer, rules};

db_test! { MIGRATIONS;
    async fn who_is_due_is_taken_in_batches(db) {
        let club = Club::new(&db, rules()).await;
        let facts: Vec<_> = (0..7).map(|n| club.paid(customer(n), n, 10_000)).collect();
        club.settle(&facts).await;
        club.days_pass(29);
        assert_eq!(club.due().await, 0);
        club.days_pass(1);
        let mut taken = Vec::new();
        for _ in 0..5 {
            let mut tx = db.db().begin().await.unwrap();
            taken.push(jobs::due(&mut tx, &club.cx, &club.scheme, 3).await.unwrap());
            tx.commit().await.unwrap();
        }
        assert_eq!(taken, [3, 3, 1, 0, 0]);
        assert!(club.stored().await.iter().all(|row| row.1 == 0));
        club.verify().await;
    }

    async fn a_wider_window_finds_orders_that_did_not_count(db) {
        let mut club = Club::new(&db, rules()).await;
        let long_ago = Some(club.cx.now().plus_millis(-40 * DAY));
        club.settle(&[OrderFacts { paid_at: long_ago, ..club.paid(customer(1), 1, 10_000) }]).await;
        assert_eq!(club.rank(customer(1)).await, 0);
        club.days_pass(1);
        club.edit(&Rules { window_days: Some(60), ..rules() }).await;
        club.due().await;
        assert_eq!(club.story(customer(1)).await, [(0, 1, Cause::Scheme)]);
        club.verify().await;
    }

    async fn a_job_that_comes_late_writes_what_it_would_have_written_in_time(db) {
        let club = Club::new(&db, rules()).await;
        for n in 0..2 {
            club.settle(&[club.paid(customer(n), n, 30_000)]).await;
        }
        club.days_pass(5);
        for n in 0..2 {
            club.settle(&[club.paid(customer(n), n + 2, 10_000)]).await;
        }
        for _ in 0..40 {
            club.days_pass(1);
            let mut tx = db.db().begin().await.unwrap();
            // Only one of both is looked at each day.
            let sql = "UPDATE loyalty_memberships SET next_at = NULL WHERE customer_id = $1";
            tx.execute(sql, platform::args![customer(1)]).await.unwrap();
            tx.commit().await.unwrap();
            club.due().await;
        }
        club.settle_families(&[Holder::single(customer(1))], &[], Extent::Some).await;
        let told = |changes: Vec<loyalty::levels::membership::Change>| {
            changes.into_iter().map(|it| (it.from, it.to, it.cause, it.since, it.at)).collect::<Vec<_>>()
        };
        let (daily, late) = (club.history(customer(0)).await, club.history(customer(1)).await);
        assert_eq!(daily.len(), 3);
        assert_eq!(told(daily), told(late));
        club.verify().await;
    }
}

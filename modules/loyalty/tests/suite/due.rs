//! Runs over many lots: bounded, resumable, and without an effect on what anybody can do.

use loyalty::events::PointsChangedV1;
use loyalty::points::Holder;
use loyalty::points::due::{expire_due, release_due};
use platform::Event;
use testkit::db_test;

use crate::tools::{Club, MIGRATIONS, customer, order, rules};

db_test! { MIGRATIONS;
    async fn a_run_goes_on_where_it_was_stopped(db) {
        let club = Club::new(&db, rules()).await;
        let facts: Vec<_> = (1..=25).map(|n| club.paid(customer(n % 7), order(n), 10_000)).collect();
        club.settle(&facts).await;
        // One who owes, and whose points pay that first.
        club.days_pass(7);
        let mut done = Vec::new();
        loop {
            let mut tx = db.db().begin().await.unwrap();
            let count = release_due(&mut tx, &club.cx, &club.programme, 10).await.unwrap();
            // Killed once before its end.
            if done.len() == 1 {
                drop(tx);
                done.push(0);
                continue;
            }
            tx.commit().await.unwrap();
            club.verify().await;
            done.push(count);
            if count < 10 {
                break;
            }
        }
        assert_eq!(done, [10, 0, 10, 5]);
        club.days_pass(31);
        let mut tx = db.db().begin().await.unwrap();
        assert_eq!(expire_due(&mut tx, &club.cx, &club.programme, 20).await.unwrap(), 20);
        tx.commit().await.unwrap();
        club.verify().await;
        assert_eq!(club.due().await, 5);
        assert_eq!(club.due().await, 0);
        for n in 0..7 {
            assert_eq!(club.balance(customer(n)).await, [0; 4]);
        }
        club.verify().await;
        let mut tx = db.db().read().await.unwrap();
        let (events,): (i64,) = tx
            .fetch_one("SELECT COUNT(*) FROM platform_outbox WHERE topic = $1", platform::args![PointsChangedV1::TOPIC])
            .await
            .unwrap();
        // One for each batch: settling, three of the release, two of the expiry.
        assert_eq!(events, 6);
    }

    async fn debts_are_paid_by_a_run(db) {
        let club = Club::new(&db, rules()).await;
        let facts = club.paid(customer(1), order(1), 10_000);
        club.settle(std::slice::from_ref(&facts)).await;
        club.days_pass(7);
        club.spend(&Holder::single(customer(1)), order(2), 100, "a").await.unwrap();
        club.settle(&[loyalty::points::settle::OrderFacts { void: true, ..facts }]).await;
        club.settle(&[club.paid(customer(1), order(3), 15_000)]).await;
        club.days_pass(7);
        assert_eq!(club.statement(&Holder::single(customer(1))).await.spendable, 50);
        assert_eq!(club.due().await, 1);
        assert_eq!(club.balance(customer(1)).await, [0, 50, 0, 0]);
        club.verify().await;
    }
}

//! Many at once: nothing is spent twice.

use std::sync::Arc;

use loyalty::points::settle::{Extent, OrderFacts, settle};
use loyalty::points::{Holder, PointsError, jobs, spend};
use platform::{DbError, Platform};
use testkit::db_test;
use tokio_util::sync::CancellationToken;

use crate::tools::{Club, MIGRATIONS, customer, order, rules};

/// Spends, and again if the database says so.
async fn spend_once(
    platform: &Platform,
    club: &Club<'_>,
    n: u128,
    points: i64,
    key: &str,
) -> Result<(), PointsError> {
    let who = Holder::single(customer(1));
    loop {
        let mut tx = platform.db.begin().await.unwrap();
        match spend::spend(&mut tx, &club.cx, &club.programme, &who, order(n), points, key).await {
            Ok(_) => return Ok(tx.commit().await?),
            Err(PointsError::Db(DbError::Unavailable(_))) => {}
            Err(error) => return Err(error),
        }
    }
}

db_test! { MIGRATIONS;
    async fn a_thousand_spends_of_a_balance_for_a_hundred(db) {
        let club = Arc::new(Club::new(&db, rules()).await);
        club.settle(&(1..=10).map(|n| club.paid(customer(1), order(n), 1_000)).collect::<Vec<_>>()).await;
        club.days_pass(7);
        let spends = (0..1_000_u128).map(|n| {
            let (club, platform) = (club.clone(), db.platform());
            async move { spend_once(platform, &club, 1_000 + n, 1, &format!("{n}")).await }
        });
        let mut done = Vec::new();
        for outcome in futures_all(spends).await {
            match outcome {
                Ok(()) => done.push(()),
                Err(PointsError::Insufficient { available: 0, wanted: 1 }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(done.len(), 100);
        assert_eq!(club.balance(customer(1)).await, [0; 4]);
        club.verify().await;
    }

    async fn the_same_key_at_once_spends_once(db) {
        let club = Arc::new(Club::new(&db, rules()).await);
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        club.days_pass(7);
        let spends = (0..20).map(|_| {
            let (club, platform) = (club.clone(), db.platform());
            async move { spend_once(platform, &club, 2, 10, "same").await }
        });
        assert!(futures_all(spends).await.iter().all(Result::is_ok));
        assert_eq!(club.balance(customer(1)).await, [0, 90, 0, 0]);
        club.verify().await;
    }

    async fn refunds_and_runs_and_spends_meet(db) {
        let club = Arc::new(Club::new(&db, rules()).await);
        let facts: Vec<OrderFacts> = (1..=20).map(|n| club.paid(customer(1 + n % 3), order(n), 1_000)).collect();
        club.settle(&facts).await;
        // Released by whoever comes first, and at the last moment of some.
        club.days_pass(7);
        club.due().await;
        club.days_pass(31);
        let tasks = (0..60_usize).map(|n| {
            let (club, platform, facts) = (club.clone(), db.platform(), &facts);
            async move {
                match n % 3 {
                    0 => {
                        let order = OrderFacts { refunded_minor: 500, ..facts[n / 3].clone() };
                        loop {
                            let mut tx = platform.db.begin().await.unwrap();
                            match settle(&mut tx, &club.cx, &club.programme, &[], std::slice::from_ref(&order), Extent::Some).await {
                                Ok(_) => return tx.commit().await.unwrap(),
                                Err(DbError::Unavailable(_)) => {}
                                Err(error) => panic!("{error}"),
                            }
                        }
                    }
                    1 => drop(jobs::do_due(platform, &club.cx, &CancellationToken::new()).await),
                    _ => {
                        let spent = spend_once(platform, &club, 100 + n as u128, 1, &format!("{n}")).await;
                        assert!(matches!(spent, Err(PointsError::Insufficient { .. })));
                    }
                }
            }
        });
        futures_all(tasks).await;
        club.due().await;
        for n in 1..=3 {
            // Whether a refund or the expiry came first: nobody owes what expired unused.
            assert_eq!(club.balance(customer(n)).await, [0; 4]);
        }
        club.verify().await;
    }
}

/// Runs all, side by side within one task: each waits for the database at its own pace.
async fn futures_all<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures::future::join_all(all).await
}

//! What shares a transaction shares nothing else.

use futures::FutureExt as _;
use kernel::TypedId as _;
use loyalty::coupons::CouponRules;
use loyalty::desk::Desk;
use loyalty::reservations::{self, Reservation, ReservationError, Reserve};
use platform::{Ctx, DbError, Platform, Tx, args};
use testkit::{db_test, eventually};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::tools::*;

/// Reserves through the desk.
pub async fn reserve_at(
    desk: Desk,
    platform: Platform,
    cx: Ctx,
    wanted: Reserve,
) -> Result<Reservation, ReservationError> {
    let scope = cx.scope;
    desk.run(&platform.db, scope, move |tx| {
        async move { reservations::reserve(tx, &cx, &wanted).await }.boxed()
    })
    .await
}

/// Something that writes a counter row of its own and then does as it is told.
async fn write(
    desk: Desk,
    platform: Platform,
    cx: Ctx,
    n: u128,
    how: &'static str,
) -> Result<(), DbError> {
    let scope = cx.scope;
    desk.run(&platform.db, scope, move |tx: &mut Tx| {
        async move {
            let id = uuid::Uuid::from_u128(n);
            let sql = "INSERT INTO loyalty_counters (org_id, owner_id, kind, key, used, bound)
                       VALUES ($1, $2, 'use_total', '', 1, 1)";
            tx.execute(sql, args![cx.scope.org_arg(), id]).await?;
            match how {
                "fails" => Err(DbError::NotFound),
                "breaks a rule" => tx.execute(sql, args![cx.scope.org_arg(), id]).await.map(drop),
                "panics" => panic!("as it was told"),
                "ends the transaction" => tx.execute("ROLLBACK", vec![]).await.map(drop),
                _ => Ok(()),
            }
        }
        .boxed()
    })
    .await
}

async fn rows(db: &testkit::TestDb) -> Vec<u128> {
    let mut tx = db.db().read().await.unwrap();
    let rows: Vec<(uuid::Uuid,)> = tx
        .fetch_all("SELECT owner_id FROM loyalty_counters ORDER BY owner_id", vec![])
        .await
        .unwrap();
    rows.into_iter().map(|(id,)| id.as_u128()).collect()
}

/// Asks for all of `how` while the head of the queue is busy, so that they are one batch; gives the answers.
async fn at_once(db: &testkit::TestDb, how: &[&'static str]) -> Vec<Result<(), DbError>> {
    let desk = Desk::default();
    let (begun, has_begun) = oneshot::channel();
    let (go, may_go) = oneshot::channel();
    let scope = db.ctx().scope;
    let mut first = Box::pin(desk.run::<(), DbError>(db.db(), scope, move |_| {
        async move {
            begun.send(()).unwrap();
            may_go.await.unwrap();
            Ok(())
        }
        .boxed()
    }));
    assert!(first.as_mut().now_or_never().is_none());
    has_begun.await.unwrap();
    let mut asked = Vec::new();
    for (n, how) in how.iter().enumerate() {
        let (platform, cx) = (db.platform().clone(), db.ctx());
        let mut work = Box::pin(write(desk.clone(), platform, cx, n as u128, how));
        assert!(work.as_mut().now_or_never().is_none());
        asked.push(work);
    }
    go.send(()).unwrap();
    first.await.unwrap();
    futures::future::join_all(asked).await
}

db_test! { MIGRATIONS;
    async fn the_failure_of_one_touches_no_other(db) {
        let answers = at_once(&db, &["keeps", "fails", "keeps", "breaks a rule", "keeps"]).await;
        let good: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true, false, true]);
        assert!(matches!(answers[1], Err(DbError::NotFound)));
        assert!(matches!(answers[3], Err(DbError::Duplicate { .. })));
        assert_eq!(rows(&db).await, [0, 2, 4]);
    }

    async fn a_lost_transaction_is_told_to_all(db) {
        for breaks in ["panics", "ends the transaction"] {
            let answers = at_once(&db, &["fails", "keeps", breaks, "keeps"]).await;
            assert!(matches!(answers[0], Err(DbError::NotFound)));
            for answer in &answers[1..] {
                assert!(matches!(answer, Err(DbError::Unavailable(_))), "{breaks}: {answer:?}");
            }
            assert!(rows(&db).await.is_empty(), "{breaks}");
        }
    }

    async fn nothing_is_lost_when_the_client_hangs_up(db) {
        let (cx, platform, desk) = (db.ctx(), db.platform(), Desk::default());
        let mut tx = db.db().begin().await.unwrap();
        live(&mut tx, &cx, CouponRules { code: Some("HELLO".into()), ..rules() }).await;
        tx.commit().await.unwrap();
        let mut asked = JoinSet::new();
        let mut keys = Vec::new();
        for n in 0..40 {
            let wanted = with_code(single(n), "hello");
            keys.push(wanted.order_key.clone());
            let work = reserve_at(desk.clone(), platform.clone(), cx.clone(), wanted);
            let mut work = Box::pin(work);
            // Asked for, and not waited for.
            assert!(work.as_mut().now_or_never().is_none());
            drop(work);
        }
        asked.spawn(reserve_at(desk, platform.clone(), cx.clone(), with_code(single(99), "hello")));
        asked.join_next().await.unwrap().unwrap().unwrap();
        let found = eventually("all are reserved", async || {
            let mut tx = db.db().read().await.unwrap();
            let (count,): (i64,) = tx
                .fetch_one("SELECT COUNT(*) FROM loyalty_reservations WHERE state = 'held'", vec![])
                .await
                .unwrap();
            (count == 41).then_some(count)
        })
        .await;
        assert_eq!(found, 41);
        verify(&db, &cx).await;
    }

    async fn one_key_from_fifty_at_once_is_one_reservation(db) {
        let (cx, platform, desk) = (db.ctx(), db.platform(), Desk::default());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, CouponRules { code: Some("HELLO".into()), ..rules() }).await;
        tx.commit().await.unwrap();
        let wanted = with_code(single(1), "hello");
        let mut asked = JoinSet::new();
        for n in 0..50 {
            let (platform, cx, wanted) = (platform.clone(), cx.clone(), wanted.clone());
            if n % 2 == 0 {
                asked.spawn(reserve_at(desk.clone(), platform, cx, wanted));
            } else {
                asked.spawn(async move { reserve(&platform, &cx, &wanted).await });
            }
        }
        let mut ids = std::collections::BTreeSet::new();
        while let Some(answer) = asked.join_next().await {
            ids.insert(answer.unwrap().unwrap().id.uuid());
        }
        assert_eq!(ids.len(), 1);
        let id_of_all = kernel::ReservationId::from_uuid(ids.pop_first().unwrap());
        let mut asked = JoinSet::new();
        for _ in 0..50 {
            let (platform, cx) = (platform.clone(), cx.clone());
            asked.spawn(async move { commit(&platform, &cx, id_of_all).await });
        }
        while let Some(answer) = asked.join_next().await {
            answer.unwrap().unwrap();
        }
        assert_eq!(funnel(&db, &cx, id).await.redeemed, 1);
        let mut tx = db.db().read().await.unwrap();
        let (told,): (i64,) = tx
            .fetch_one(
                "SELECT COUNT(*) FROM platform_outbox WHERE topic = 'loyalty.reservation_committed.v1'",
                vec![],
            )
            .await
            .unwrap();
        assert_eq!(told, 1);
        drop(tx);
        verify(&db, &cx).await;
    }
}

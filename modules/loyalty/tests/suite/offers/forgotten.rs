//! Reservations that were given up long ago.

use loyalty::counters::Limits;
use loyalty::coupons::CouponRules;
use loyalty::jobs::end_due;
use loyalty::reservations::{self, GIVEN_UP_MILLIS, ReservationError};
use testkit::db_test;
use tokio_util::sync::CancellationToken;

use super::tools::*;

db_test! { MIGRATIONS;
    /// Every cart that was left once was kept for ever, with all its lines.
    async fn what_was_given_up_goes_and_what_was_used_stays(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let uses = Limits { total: Some(2), per_person: Some(1), ..Limits::default() };
        let mut tx = db.db().begin().await.unwrap();
        let of = CouponRules { uses, code: Some("ONCE".into()), budget_minor: Some(5_000), ..rules() };
        live(&mut tx, &cx, of).await;
        tx.commit().await.unwrap();
        let placed = reserve(platform, &cx, &with_code(single(1), "once")).await.unwrap();
        commit(platform, &cx, placed.id).await.unwrap();
        let wanted = with_code(single(2), "once");
        let given_up = reserve(platform, &cx, &wanted).await.unwrap();
        cancel(platform, &cx, given_up.id).await.unwrap();
        let left = reserve(platform, &cx, &with_code(single(3), "once")).await.unwrap();
        db.clock().advance_millis(DAY);
        end_due(platform, &cx, &CancellationToken::new()).await.unwrap();
        let kept = async || {
            let mut tx = db.db().read_for(cx.scope).await.unwrap();
            let sql = "SELECT (SELECT COUNT(*) FROM loyalty_reservations), (SELECT COUNT(DISTINCT reservation_id) FROM loyalty_holds)";
            let (reservations, with_lines): (i64, i64) = tx.fetch_one(sql, vec![]).await.unwrap();
            (reservations, with_lines)
        };
        db.clock().advance_millis(GIVEN_UP_MILLIS - DAY - 1);
        end_due(platform, &cx, &CancellationToken::new()).await.unwrap();
        assert_eq!(kept().await, (3, 3));
        let again = reserve(platform, &cx, &wanted).await.unwrap();
        assert_eq!(again.id, given_up.id, "its key still says how it ended");
        db.clock().advance_millis(DAY + 1);
        end_due(platform, &cx, &CancellationToken::new()).await.unwrap();
        assert_eq!(kept().await, (1, 1));
        verify(&db, &cx).await;
        let gone = cancel(platform, &cx, left.id).await;
        assert!(matches!(gone, Err(ReservationError::NoReservation)), "{gone:?}");
        let mut tx = db.db().read_for(cx.scope).await.unwrap();
        assert!(reservations::get(&mut tx, cx.scope, placed.id).await.unwrap().is_some());
        drop(tx);
        // What was used is used: one of two is left, and not for the same person.
        assert!(reserve(platform, &cx, &with_code(single(1), "once")).await.is_err());
        reserve(platform, &cx, &with_code(single(2), "once")).await.unwrap();
        assert!(reserve(platform, &cx, &with_code(single(3), "once")).await.is_err());
        verify(&db, &cx).await;
    }
}

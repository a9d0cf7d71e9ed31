//! The worked examples of docs/loyalty.md about points that need more than a table: those are run by `documented`.

use loyalty::points::rules::Rules;
use loyalty::points::{Holder, PointsError, liability, programme};
use testkit::db_test;

use crate::tools::{Club, DAY, MIGRATIONS, customer, order, rules};

db_test! { MIGRATIONS;
    /// Example 12.
    async fn what_is_owed_is_rounded_up(db) {
        let club = Club::new(&db, Rules { value_points: 300, value_minor: 100, ..rules() }).await;
        let start = club.cx.now();
        for (id, paid_minor, owed) in [(1, 10_100, (101, 34)), (2, 19_900, (300, 100))] {
            club.settle(&[club.paid(customer(1), order(id), paid_minor)]).await;
            db.clock().advance_millis(1);
            let mut tx = db.db().read().await.unwrap();
            let told = liability::liability(&mut tx, club.cx.scope, &club.programme, start, club.cx.now()).await.unwrap();
            assert_eq!((told.outstanding, told.value_minor), owed);
        }
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

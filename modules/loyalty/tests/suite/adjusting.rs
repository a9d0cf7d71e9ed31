//! By hand, and for other things than orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kernel::{Clock, Timestamp, TypedId, UserId};
use loyalty::points::adjust::{self, State};
use loyalty::points::{Holder, PointsError, award, liability, spend};
use platform::Ctx;
use testkit::db_test;
use uuid::Uuid;

use crate::tools::{Club, DAY, MIGRATIONS, customer, order, rules};

/// A clock that goes on by a millisecond at each look.
struct Ticking(Arc<dyn Clock>, AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.now().plus_millis(self.1.fetch_add(1, Ordering::Relaxed))
    }
}

db_test! { MIGRATIONS;
    async fn many_points_need_two_persons(db) {
        let club = Club::new(&db, rules()).await;
        let [one, two] = [1, 2].map(|n| db.ctx_of(UserId::from_uuid(Uuid::from_u128(n))));
        let who = customer(1);
        let mut tx = db.db().begin().await.unwrap();
        let (_, state) = adjust::ask(&mut tx, &one, &club.programme, &Holder::single(who), 1_000, "sorry").await.unwrap();
        assert_eq!(state, State::Posted);
        let (id, state) = adjust::ask(&mut tx, &one, &club.programme, &Holder::single(who), 1_001, "very sorry, Ms Li").await.unwrap();
        assert_eq!(state, State::Waiting);
        assert!(matches!(adjust::ask(&mut tx, &one, &club.programme, &Holder::single(who), 1, " ").await, Err(PointsError::Fields(_))));
        assert!(matches!(adjust::decide(&mut tx, &one, id, true, &Holder::single(who)).await, Err(PointsError::OwnAdjustment)));
        tx.commit().await.unwrap();
        assert_eq!(club.balance(who).await, [0, 1_000, 0, 0]);
        let mut tx = db.db().begin().await.unwrap();
        let waiting = adjust::waiting(&mut tx, club.cx.scope, &db.keys()).await.unwrap();
        assert_eq!(waiting.iter().map(|it| it.reason.as_deref()).collect::<Vec<_>>(), [Some("very sorry, Ms Li")]);
        adjust::decide(&mut tx, &two, id, true, &Holder::single(who)).await.unwrap();
        assert!(matches!(adjust::decide(&mut tx, &two, id, true, &Holder::single(who)).await, Err(PointsError::NoAdjustment)));
        assert_eq!(adjust::erase(&mut tx, club.cx.scope, &[who]).await.unwrap(), 2);
        tx.commit().await.unwrap();
        assert_eq!(club.balance(who).await, [0, 2_001, 0, 0]);
        let mut tx = db.db().begin().await.unwrap();
        let too_many = adjust::ask(&mut tx, &one, &club.programme, &Holder::single(who), -2_002, "x").await;
        assert!(matches!(too_many, Ok((_, State::Waiting))));
        // A thousand were given today; the next day has a bound of its own.
        let (_, state) = adjust::ask(&mut tx, &one, &club.programme, &Holder::single(who), -1, "x").await.unwrap();
        assert_eq!(state, State::Waiting);
        db.clock().advance_millis(DAY);
        let (_, state) = adjust::ask(&mut tx, &one, &club.programme, &Holder::single(who), -1_000, "x").await.unwrap();
        assert_eq!(state, State::Posted);
        tx.commit().await.unwrap();
        assert_eq!(club.balance(who).await, [0, 1_001, 0, 0]);
        club.verify().await;
    }

    /// Example 13.
    async fn parts_of_a_day_are_held_to_the_bound_of_the_whole(db) {
        let club = Club::new(&db, rules()).await;
        let [one, two] = [1, 2].map(|n| db.ctx_of(UserId::from_uuid(Uuid::from_u128(n))));
        let ask = async |cx: &Ctx, n: u128, points: i64| {
            let mut tx = db.db().begin().await.unwrap();
            let who = Holder::single(customer(n));
            let (_, state) = adjust::ask(&mut tx, cx, &club.programme, &who, points, "x").await.unwrap();
            tx.commit().await.unwrap();
            state
        };
        assert_eq!(ask(&one, 1, 600).await, State::Posted);
        // Whoever's points it are; taking counts as giving does; what waits counts nothing.
        assert_eq!(ask(&one, 2, 401).await, State::Waiting);
        assert_eq!(ask(&one, 1, -300).await, State::Posted);
        assert_eq!(ask(&two, 2, 1_000).await, State::Posted);
        let give = async |cx: &Ctx, key: &str| {
            let mut tx = db.db().begin().await.unwrap();
            let who = Holder::single(customer(3));
            let given = award::award(&mut tx, cx, &club.programme, &who, "birthday", key).await;
            if given.is_ok() { tx.commit().await.unwrap() }
            given
        };
        assert!(matches!(give(&two, "1").await, Err(PointsError::HandLimit(1_000))));
        give(&one, "1").await.unwrap();
        assert_eq!(ask(&one, 2, 1).await, State::Waiting);
        // It is 08:00 in China; the day ends with its last millisecond there.
        db.clock().advance_millis(16 * 3_600_000 - 1);
        assert_eq!(ask(&one, 2, 1).await, State::Waiting);
        db.clock().advance_millis(1);
        assert_eq!(ask(&one, 2, 1).await, State::Posted);
        club.verify().await;
    }

    /// What one adjusts of a merged customer was taken of the root alone.
    async fn taking_by_hand_takes_of_the_family(db) {
        let club = Club::new(&db, rules()).await;
        for n in [1, 2] {
            club.settle(&[club.paid(customer(n), order(n), 10_000)]).await;
        }
        club.days_pass(7);
        club.due().await;
        let family = Holder::new(customer(1), &[customer(2)]);
        let mut tx = db.db().begin().await.unwrap();
        let more = adjust::ask(&mut tx, &club.cx, &club.programme, &family, -201, "x").await;
        assert!(matches!(more, Err(PointsError::Insufficient { available: 200, .. })), "{more:?}");
        drop(tx);
        let mut tx = db.db().begin().await.unwrap();
        adjust::ask(&mut tx, &club.cx, &club.programme, &family, -150, "x").await.unwrap();
        tx.commit().await.unwrap();
        let left: i64 = club.balance(customer(1)).await[1] + club.balance(customer(2)).await[1];
        assert_eq!(left, 50);
        club.verify().await;
    }

    /// Points of a later millisecond than the one that the books were brought to waited for the job.
    async fn what_is_given_by_hand_or_for_an_activity_is_there_at_once(db) {
        let club = Club::new(&db, rules()).await;
        let cx = Ctx { clock: Arc::new(Ticking(club.cx.clock.clone(), AtomicI64::new(0))), ..club.cx.clone() };
        let mut tx = db.db().begin().await.unwrap();
        award::award(&mut tx, &cx, &club.programme, &Holder::single(customer(1)), "sign_in", "1").await.unwrap();
        let (_, state) = adjust::ask(&mut tx, &cx, &club.programme, &Holder::single(customer(2)), 10, "thanks").await.unwrap();
        assert_eq!(state, State::Posted);
        tx.commit().await.unwrap();
        // Nobody opened their books since.
        assert_eq!(club.balance(customer(1)).await, [0, 5, 0, 0]);
        assert_eq!(club.balance(customer(2)).await, [0, 10, 0, 0]);
        db.clock().advance_millis(1_000);
        club.verify().await;
    }

    async fn activities_have_limits_a_day(db) {
        let club = Club::new(&db, rules()).await;
        let family = Holder::new(customer(1), &[customer(2)]);
        let give = async |holder: &Holder, activity: &str, key: &str| {
            let mut tx = db.db().begin().await.unwrap();
            let given = award::award(&mut tx, &club.cx, &club.programme, holder, activity, key).await;
            tx.commit().await.unwrap();
            given
        };
        give(&family, "sign_in", "1").await.unwrap();
        give(&family, "sign_in", "1").await.unwrap();
        // Whoever of the family asks; but it is no key of somebody else.
        give(&Holder::single(customer(1)), "sign_in", "1").await.unwrap();
        let other = give(&Holder::single(customer(3)), "sign_in", "1").await;
        assert!(matches!(other, Err(PointsError::KeyReused)), "{other:?}");
        assert!(matches!(give(&Holder::new(customer(2), &[customer(1)]), "sign_in", "2").await, Err(PointsError::DailyLimit(1))));
        give(&family, "review", "a").await.unwrap();
        give(&family, "review", "b").await.unwrap();
        assert!(matches!(give(&family, "review", "c").await, Err(PointsError::DailyLimit(2))));
        give(&family, "birthday", "2026").await.unwrap();
        db.clock().advance_millis(DAY);
        give(&family, "sign_in", "3").await.unwrap();
        assert!(matches!(give(&family, "birthday", "again").await, Err(PointsError::DailyLimit(1))));
        assert!(matches!(give(&family, "dance", "1").await, Err(PointsError::NoRule(_))));
        assert_eq!(club.balance(customer(1)).await, [0, 150, 0, 0]);
        club.verify().await;
    }

    async fn what_is_held_is_spent_or_comes_back(db) {
        let club = Club::new(&db, rules()).await;
        let who = Holder::single(customer(1));
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        club.days_pass(7);
        let first = club.reserve(&who, order(2), 60, "a", 15).await.unwrap();
        assert_eq!(club.reserve(&who, order(2), 60, "a", 15).await.unwrap(), first);
        assert!(matches!(club.reserve(&who, order(3), 60, "a", 15).await, Err(PointsError::KeyReused)));
        assert!(matches!(club.spend(&who, order(3), 50, "b").await, Err(PointsError::Insufficient { available: 40, wanted: 50 })));
        let second = club.reserve(&who, order(3), 40, "c", 15).await.unwrap();
        assert_eq!(club.balance(customer(1)).await, [0, 0, 100, 0]);
        club.commit(first).await.unwrap();
        club.commit(first).await.unwrap();
        db.clock().advance_millis(15 * 60_000);
        assert!(matches!(club.commit(second).await, Err(PointsError::TimedOut)));
        assert_eq!(club.due().await, 1);
        assert!(matches!(club.commit(second).await, Err(PointsError::WrongState(_))));
        assert_eq!(club.balance(customer(1)).await, [0, 40, 0, 0]);
        let mut tx = db.db().begin().await.unwrap();
        let unknown = spend::cancel(&mut tx, &club.cx, &club.programme, kernel::SpendId::from_uuid(Uuid::nil())).await;
        assert!(matches!(unknown, Err(PointsError::NoSpend)));
        drop(tx);
        club.verify().await;
    }

    async fn the_report_tells_what_is_owed_at_any_moment(db) {
        let club = Club::new(&db, rules()).await;
        let who = Holder::single(customer(1));
        let start = club.cx.now();
        club.settle(&[club.paid(customer(1), order(1), 10_050)]).await;
        club.days_pass(7);
        club.due().await;
        let then = club.cx.now().plus_millis(1);
        club.days_pass(1);
        club.spend(&who, order(2), 30, "a").await.unwrap();
        club.settle(&[club.paid(customer(2), order(3), 5_000)]).await;
        club.days_pass(1);
        let report = async |at| {
            let mut tx = db.db().read().await.unwrap();
            liability::liability(&mut tx, club.cx.scope, &club.programme, start, at).await.unwrap()
        };
        let told = report(then).await;
        assert_eq!((told.available, told.pending, told.earned, told.spent, told.value_minor), (100, 0, 100, 0, 100));
        let told = report(club.cx.now()).await;
        assert_eq!((told.available, told.pending, told.outstanding), (70, 50, 120));
        assert_eq!((told.earned, told.spent, told.expired), (150, 30, 0));
        let months: Vec<_> = told.by_month.iter().map(|it| (it.month.as_deref(), it.points)).collect();
        assert_eq!(months, [(Some("2026-02"), 120)]);
        assert_eq!(told.value_minor, 120);
    }
}

//! Who comes first gets it, and nobody gets what is not there: many at once against limits, on both databases.
//!
//! Through the desk 1,000 ask at once; what the database holds by itself is shown by separate transactions of two
//! processes, which know nothing of each other.

use std::collections::BTreeMap;

use loyalty::counters::{CounterKind, Limits};
use loyalty::coupons::{self, ClaimLimits, CouponError, CouponRules, batch};
use loyalty::desk::Desk;
use loyalty::jobs::end_due;
use loyalty::promotions::stock;
use loyalty::reservations::{self, Refund, Reservation, ReservationError, Reserve};
use platform::Tx;
use testkit::{TestDb, db_test};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::at_the_desk::reserve_at;
use super::tools::*;

/// Rounds of 1,000 against a limit of 100: 200 of them in `make soak`.
fn rounds() -> usize {
    if std::env::var_os("GUANXI_SOAK").is_some() { 200 } else { 10 }
}

type Answer = Result<Reservation, ReservationError>;

/// All at once through one desk.
async fn through_desk(db: &TestDb, wanted: Vec<Reserve>) -> Vec<Answer> {
    let desk = Desk::default();
    let ask = |wanted| reserve_at(desk.clone(), db.platform().clone(), db.ctx(), wanted);
    all(wanted.into_iter().map(ask)).await
}

/// All at once by transactions of their own, of two processes.
async fn directly(db: &TestDb, wanted: Vec<Reserve>) -> Vec<Answer> {
    let processes = [db.platform().clone(), db.another_process().await];
    let ask = |(n, wanted): (usize, Reserve)| {
        let (platform, cx) = (processes[n % 2].clone(), db.ctx());
        async move { reserve(&platform, &cx, &wanted).await }
    };
    all(wanted.into_iter().enumerate().map(ask)).await
}

async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut asked = JoinSet::new();
    work.for_each(|work| drop(asked.spawn(work)));
    asked.join_all().await
}

/// How many got it; the others were refused by the limit of this kind and by nothing else.
fn got(answers: &[Answer], kind: CounterKind) -> usize {
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    for error in refused {
        assert!(matches!(error, ReservationError::Full(full) if full.kind == kind), "{error:?}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

/// A definition with a public code and these limits; its code.
async fn coded(db: &TestDb, uses: Limits) -> (kernel::CouponDefinitionId, String) {
    let code = fresh("HOT").replace(' ', "");
    let cx = db.ctx();
    let mut tx = db.db().begin_for(cx.scope).await.unwrap();
    let of = CouponRules { uses, code: Some(format!("{code:0>6}")), validity: fixed(), ..rules() };
    let id = live(&mut tx, &cx, of).await;
    tx.commit().await.unwrap();
    (id, format!("{code:0>6}"))
}

/// `rounds` times 1,000 orders for a coupon that may be used 100 times.
async fn a_hundred_of_a_thousand(db: &TestDb, rounds: usize) {
    let cx = db.ctx();
    for round in 0..rounds {
        let total = Limits { total: Some(100), ..Limits::default() };
        let (id, code) = coded(db, total).await;
        let wanted = (0..1_000).map(|n| with_code(single(n), &code)).collect();
        let answers = through_desk(db, wanted).await;
        assert_eq!(got(&answers, CounterKind::UseTotal), 100, "round {round}");
        let states = funnel(db, &cx, id).await;
        assert_eq!((states.issued, states.locked, states.redeemed), (100, 100, 0));
    }
    verify(db, &cx).await;
}

db_test! { MIGRATIONS;
    async fn exactly_a_hundred_of_a_thousand_at_the_desk(db) {
        a_hundred_of_a_thousand(&db, rounds()).await;
    }

    async fn exactly_twenty_of_two_hundred_without_a_desk(db) {
        let cx = db.ctx();
        for _ in 0..4 {
            let total = Limits { total: Some(20), ..Limits::default() };
            let (id, code) = coded(&db, total).await;
            let wanted = (0..200).map(|n| with_code(single(n), &code)).collect();
            assert_eq!(got(&directly(&db, wanted).await, CounterKind::UseTotal), 20);
            assert_eq!(funnel(&db, &cx, id).await.locked, 20);
        }
        verify(&db, &cx).await;
    }

    async fn persons_days_and_shops_have_their_own(db) {
        // Twenty customers ask ten times each, in two shops.
        let wanted = |code: &str| -> Vec<Reserve> {
            (0..200)
                .map(|n| Reserve { shop: shop(n % 2), ..with_code(single(n / 2 % 20), code) })
                .collect()
        };
        let none = Limits::default();
        let cases = [
            (Limits { per_person: Some(3), ..none }, CounterKind::UsePerson, 60),
            (Limits { per_person_per_day: Some(2), ..none }, CounterKind::UsePersonDay, 40),
            (Limits { per_day: Some(17), ..none }, CounterKind::UseDay, 17),
            (Limits { per_shop: Some(9), ..none }, CounterKind::UseShop, 18),
        ];
        for (limits, kind, expected) in cases {
            let (_, code) = coded(&db, limits).await;
            assert_eq!(got(&through_desk(&db, wanted(&code)).await, kind), expected);
            let (_, code) = coded(&db, limits).await;
            assert_eq!(got(&directly(&db, wanted(&code)).await, kind), expected);
        }
        verify(&db, &db.ctx()).await;
    }

    async fn a_family_has_one_limit_from_all_sides(db) {
        let limits = Limits { per_person: Some(5), ..Limits::default() };
        let members: Vec<_> = (1..5).map(customer).collect();
        for at_desk in [true, false] {
            let (_, code) = coded(&db, limits).await;
            // Each knows the family; the uses count at whoever asked.
            let wanted = (0..80)
                .map(|n| with_code(loyalty::Holder::new(members[n % 4], &members), &code))
                .collect();
            let answers =
                if at_desk { through_desk(&db, wanted).await } else { directly(&db, wanted).await };
            assert_eq!(got(&answers, CounterKind::UsePerson), 5);
        }
        verify(&db, &db.ctx()).await;
    }

    async fn a_flash_sale_sells_what_it_has(db) {
        let cx = db.ctx();
        for at_desk in [true, false] {
            let mut tx = db.db().begin().await.unwrap();
            let id = live_promotion(&mut tx, &cx, promotion_rules()).await;
            stock::set(&mut tx, &cx, id, "a", 50).await.unwrap();
            stock::set(&mut tx, &cx, id, "b", 1_000).await.unwrap();
            tx.commit().await.unwrap();
            let wanted: Vec<Reserve> = (0..200)
                .map(|n| with_promotion(single(n), id, &[("b", 1), ("a", 1 + (n % 2) as u32)]))
                .collect();
            let answers =
                if at_desk { through_desk(&db, wanted).await } else { directly(&db, wanted).await };
            let mut tx = db.db().read().await.unwrap();
            let of = stock::of(&mut tx, cx.scope, &[id]).await.unwrap();
            let left: BTreeMap<&str, (i64, i64)> =
                of[&id].iter().map(|s| (s.sku.as_str(), (s.remaining, s.held))).collect();
            let good = answers.iter().filter(|answer| answer.is_ok()).count();
            assert!((25..=50).contains(&good), "{good}");
            assert_eq!(left["a"].0, 0);
            assert_eq!(left["b"].1, good as i64);
        }
        verify(&db, &cx).await;
    }

    async fn release_time_out_and_the_next_ones_race(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let other = db.another_process().await;
        for _ in 0..4 {
            let total = Limits { total: Some(10), ..Limits::default() };
            let (id, code) = coded(&db, total).await;
            let wanted = (0..10).map(|n| with_code(single(n), &code)).collect();
            let held: Vec<_> =
                through_desk(&db, wanted).await.into_iter().map(|held| held.unwrap().id).collect();
            // Half of them are over; all of these are given up, ended by a job and wanted by others at once.
            let half = (0..5).map(|n| Reserve { hold_seconds: 3_600, ..with_code(single(n), &code) });
            for id in &held[..5] {
                cancel(platform, &cx, *id).await.unwrap();
            }
            for wanted in half {
                reserve(platform, &cx, &wanted).await.unwrap();
            }
            db.clock().advance_millis(1_800_000);
            let mut asked: JoinSet<bool> = JoinSet::new();
            for n in 0..60_usize {
                let (platform, cx) =
                    (if n % 2 == 0 { platform.clone() } else { other.clone() }, cx.clone());
                let wanted = with_code(single(n as u128), &code);
                let id = held[5 + n % 5];
                asked.spawn(async move {
                    match n % 6 {
                        0 => {
                            let all = CancellationToken::new();
                            // What the database refuses because two waited for each other comes again.
                            drop(end_due(&platform, &cx, &all).await);
                            false
                        }
                        1 => {
                            drop(cancel(&platform, &cx, id).await);
                            false
                        }
                        2 => commit(&platform, &cx, id).await.is_ok(),
                        _ => reserve(&platform, &cx, &wanted).await.is_ok(),
                    }
                });
            }
            let taken = asked.join_all().await.into_iter().filter(|taken| *taken).count();
            // Five were free, or free for whoever took them; none twice. Who came while somebody else ended them
            // may have been refused, so some can be left.
            let mut more = 0;
            let mut last = 1_000;
            while reserve(platform, &cx, &with_code(single(last), &code)).await.is_ok() {
                (more, last) = (more + 1, last + 1);
            }
            assert_eq!(taken + more, 5);
            assert_eq!(funnel(&db, &cx, id).await.locked, 10);
            verify(&db, &cx).await;
            db.clock().advance_millis(DAY);
            end_due(platform, &cx, &CancellationToken::new()).await.unwrap();
        }
    }

    async fn who_is_killed_in_the_middle_has_taken_nothing(db) {
        let cx = db.ctx();
        let total = Limits { total: Some(5), ..Limits::default() };
        let (id, code) = coded(&db, total).await;
        for n in 0..5 {
            let mut tx = db.db().begin_for(cx.scope).await.unwrap();
            let wanted = with_code(single(n), &code);
            let held = loyalty::reservations::reserve(&mut tx, &cx, &wanted).await.unwrap();
            loyalty::reservations::commit(&mut tx, &cx, held.id).await.unwrap();
            drop(tx);
        }
        let wanted = (0..20).map(|n| with_code(single(n), &code)).collect();
        let answers = through_desk(&db, wanted).await;
        assert_eq!(got(&answers, CounterKind::UseTotal), 5);
        assert_eq!(funnel(&db, &cx, id).await.locked, 5);
        verify(&db, &cx).await;
    }

    async fn claims_have_limits_and_a_code_has_one_owner(db) {
        let cx = db.ctx();
        let processes = [db.platform().clone(), db.another_process().await];
        let cases = [
            (ClaimLimits { total: Some(40), ..ClaimLimits::default() }, CounterKind::ClaimTotal, 40),
            (ClaimLimits { per_day: Some(30), ..ClaimLimits::default() }, CounterKind::ClaimDay, 30),
            (ClaimLimits { per_person: Some(2), ..ClaimLimits::default() }, CounterKind::ClaimPerson, 20),
        ];
        for (claims, kind, expected) in cases {
            let mut tx = db.db().begin().await.unwrap();
            let id = live(&mut tx, &cx, CouponRules { claims, ..rules() }).await;
            tx.commit().await.unwrap();
            // Ten customers ask twenty times each.
            let ask = |n: usize| {
                let (platform, cx) = (processes[n % 2].clone(), cx.clone());
                async move { claim(&platform, &cx, id, &single(n as u128 / 2 % 10), &n.to_string()).await }
            };
            let answers = all((0..200).map(ask)).await;
            for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
                assert!(matches!(error, CouponError::Full(full) if full.kind == kind), "{error:?}");
            }
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), expected);
            assert_eq!(funnel(&db, &cx, id).await.claimed, expected as i64);
        }
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        let made = batch::create(&mut tx, &cx, id, 3).await.unwrap();
        assert_eq!(batch::make_more(&mut tx, &cx, made, 3).await.unwrap(), 0);
        let codes: Vec<String> = batch::export(&mut tx, &cx, made).await.unwrap().collect();
        tx.commit().await.unwrap();
        for code in codes {
            // By hand and by orders at once.
            let ask = |n: usize| {
                let (platform, cx, code) = (processes[n % 2].clone(), cx.clone(), code.clone());
                async move {
                    let holder = single(n as u128);
                    if n.is_multiple_of(3) {
                        return reserve(&platform, &cx, &with_code(holder, &code)).await.is_ok();
                    }
                    let work = async |tx: &mut Tx| {
                        coupons::claim_code(tx, &cx, &code, claimant(&holder)).await
                    };
                    in_tx(&platform, &cx, work).await.is_ok()
                }
            };
            let answers = all((0..30).map(ask)).await;
            assert_eq!(answers.into_iter().filter(|is_mine| *is_mine).count(), 1);
        }
        verify(&db, &cx).await;
    }

    async fn gifts_codes_and_refunds_from_two_sides_are_there_once(db) {
        let cx = db.ctx();
        let processes = [db.platform().clone(), db.another_process().await];
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        let made = batch::create(&mut tx, &cx, id, 100).await.unwrap();
        tx.commit().await.unwrap();
        let give = |n: usize| {
            let (platform, cx) = (processes[n % 2].clone(), cx.clone());
            async move {
                let customers: Vec<_> = (0..50).map(customer).collect();
                let work =
                    async |tx: &mut Tx| coupons::assign(tx, &cx, id, "run", &customers).await;
                in_tx(&platform, &cx, work).await.unwrap()
            }
        };
        assert_eq!(all((0..8).map(give)).await.into_iter().sum::<u64>(), 50);
        let make = |n: usize| {
            let (platform, cx) = (processes[n % 2].clone(), cx.clone());
            async move {
                let work = async |tx: &mut Tx| batch::make_more(tx, &cx, made, 30).await;
                in_tx(&platform, &cx, work).await.unwrap();
            }
        };
        for _ in 0..4 {
            all((0..4).map(make)).await;
        }
        assert_eq!(funnel(&db, &cx, id).await.issued, 150);

        let coupon = claim(&processes[0], &cx, id, &single(1), "a").await.unwrap();
        let held = reserve(&processes[0], &cx, &with_coupon(single(1), coupon)).await.unwrap();
        commit(&processes[0], &cx, held.id).await.unwrap();
        let ask = |n: usize| {
            let (platform, cx, id) = (processes[n % 2].clone(), cx.clone(), held.id);
            async move {
                let whole = Refund { is_whole: true, ..Refund::default() };
                let work = async |tx: &mut Tx| {
                    reservations::refund(tx, &cx, id, &(n % 2).to_string(), &whole).await
                };
                in_tx(&platform, &cx, work).await.is_ok()
            }
        };
        // Two keys: one of them refunds the order, as often as it asks; the other finds it refunded.
        assert_eq!(all((0..20).map(ask)).await.into_iter().filter(|is_good| *is_good).count(), 10);
        assert_eq!(funnel(&db, &cx, id).await.refunded, 1);
        verify(&db, &cx).await;
    }
}

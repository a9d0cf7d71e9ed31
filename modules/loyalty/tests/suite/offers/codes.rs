//! Codes: made in batches, exported, entered by hand, guessed.

use std::collections::BTreeSet;

use loyalty::counters::Limits;
use loyalty::coupons::tries::{self, Caller, Purpose};
use loyalty::coupons::{self, CouponError, CouponRules, batch, code, definition};
use loyalty::reservations::ReservationError;
use platform::audit::{self, AuditFilter};
use platform::jobs::{Handlers, JobRunner, RunnerOptions};
use platform::{Tx, args};
use testkit::{db_test, eventually};

use super::tools::*;

db_test! { MIGRATIONS;
    async fn a_batch_goes_on_after_a_kill_and_is_told_once_more(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        let made = batch::create(&mut tx, &cx, id, 2_500).await.unwrap();
        assert!(matches!(batch::create(&mut tx, &cx, id, 1_000_001).await, Err(CouponError::Fields(_))));
        tx.commit().await.unwrap();
        let step = async |keep: bool| {
            let mut tx = db.db().begin_for(cx.scope).await.unwrap();
            let left = batch::make_more(&mut tx, &cx, made, 1_000).await.unwrap();
            if keep { tx.commit().await.unwrap() } else { drop(tx) }
            left
        };
        assert_eq!(step(true).await, 1_500);
        assert_eq!(step(false).await, 500);
        let mut tx = db.db().begin().await.unwrap();
        assert!(matches!(batch::export(&mut tx, &cx, made).await.err(), Some(CouponError::WrongState(_))));
        drop(tx);
        let job = loyalty::module().jobs;
        let handlers: Handlers = job.into_iter().collect();
        let runner = JobRunner::start(platform, handlers, RunnerOptions::default());
        let done = eventually("all codes are made", async || {
            let mut tx = db.db().read().await.unwrap();
            let found = batch::get(&mut tx, cx.scope, made).await.unwrap().unwrap();
            (found.made == found.size).then_some(found)
        })
        .await;
        runner.stop(std::time::Duration::from_secs(10)).await;
        assert_eq!((done.size, done.definition), (2_500, id));

        let mut tx = db.db().begin().await.unwrap();
        let codes: Vec<String> = batch::export(&mut tx, &cx, made).await.unwrap().collect();
        tx.commit().await.unwrap();
        let distinct: BTreeSet<&String> = codes.iter().collect();
        assert_eq!((codes.len(), distinct.len(), codes[0].len()), (2_500, 2_500, 19));
        let mut tx = db.db().read().await.unwrap();
        let filter = AuditFilter { action: Some("loyalty.codes.export".into()), ..AuditFilter::default() };
        let (keys, limit) = (db.keys(), kernel::Limit::new(None).unwrap());
        let told = audit::list(&mut tx, cx.scope, &keys, &filter, None, limit).await.unwrap();
        assert_eq!(told.0.len(), 1);
        // The database holds the digest of each of them, and none of them.
        for code in [&codes[0], &codes[1_777]] {
            let digest = code::digest(&db.keys(), &code::normalise(code).unwrap());
            let (found,): (i64,) = tx
                .fetch_one("SELECT COUNT(*) FROM loyalty_coupons WHERE digest = $1", args![digest])
                .await
                .unwrap();
            assert_eq!(found, 1);
        }
        drop(tx);

        let holder = single(1);
        let enter = async |holder: &loyalty::Holder, text: &str| {
            let work = async |tx: &mut Tx| coupons::claim_code(tx, &cx, text, claimant(holder)).await;
            in_tx(platform, &cx, work).await
        };
        let messy = format!(" {} ", codes[7].to_lowercase().replace('0', "o").replace('1', "l"));
        let coupon = enter(&holder, &messy).await.unwrap();
        assert_eq!(enter(&holder, &codes[7]).await.unwrap(), coupon);
        assert!(matches!(enter(&single(2), &codes[7]).await, Err(CouponError::AlreadyClaimed)));
        assert!(matches!(enter(&holder, "0000-0000-0000-0000").await, Err(CouponError::UnknownCode)));
        // A code that nobody has is claimed by the order that brings it, and stays with its customer.
        let held = reserve(platform, &cx, &with_code(single(2), &codes[8])).await.unwrap();
        cancel(platform, &cx, held.id).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let of_batch = coupons::funnel_of_batch(&mut tx, cx.scope, made).await.unwrap();
        assert_eq!((of_batch.issued, of_batch.claimed, of_batch.locked), (2_500, 2, 0));
        drop(tx);
        let held = reserve(platform, &cx, &with_code(single(2), &codes[8])).await.unwrap();
        commit(platform, &cx, held.id).await.unwrap();
        let stolen = reserve(platform, &cx, &with_code(single(3), &codes[8])).await;
        assert!(matches!(stolen, Err(ReservationError::Coupon(CouponError::AlreadyClaimed))));
        verify(&db, &cx).await;
    }

    async fn a_public_code_is_used_without_a_claim(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let limit = Limits { per_person: Some(1), ..Limits::default() };
        let of = CouponRules { uses: limit, code: Some("Summer-10".into()), ..rules() };
        let id = live(&mut tx, &cx, of.clone()).await;
        let same = coupons::NewDefinition { name: "same".into(), rules: of };
        tx.commit().await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        let taken = definition::create(&mut tx, &cx, &same).await;
        assert!(matches!(taken, Err(CouponError::CodeTaken)), "{taken:?}");
        drop(tx);
        let held = reserve(platform, &cx, &with_code(single(1), "SUMMER 1O")).await.unwrap();
        commit(platform, &cx, held.id).await.unwrap();
        let again = reserve(platform, &cx, &with_code(single(1), "summer10")).await;
        assert!(matches!(again, Err(ReservationError::Full(_))));
        let mut twice = with_code(single(2), "summer10");
        twice.coupons.push(twice.coupons[0].clone());
        assert!(matches!(reserve(platform, &cx, &twice).await, Err(ReservationError::Fields(_))));
        let mut tx = db.db().begin().await.unwrap();
        definition::set_state(&mut tx, &cx, id, offer("stopped")).await.unwrap();
        tx.commit().await.unwrap();
        let stopped = reserve(platform, &cx, &with_code(single(2), "summer10")).await;
        assert!(matches!(stopped, Err(ReservationError::Coupon(CouponError::WrongState("stopped")))));
        verify(&db, &cx).await;
    }

    /// A campaign that was ended because its codes leaked went on for those who had claimed.
    async fn no_code_of_what_has_ended_is_used(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        let made = batch::create(&mut tx, &cx, id, 1).await.unwrap();
        batch::make_more(&mut tx, &cx, made, 1).await.unwrap();
        let code = batch::export(&mut tx, &cx, made).await.unwrap().next().unwrap();
        let coupon = coupons::claim_code(&mut tx, &cx, &code, claimant(&single(1))).await.unwrap();
        definition::set_state(&mut tx, &cx, id, offer("ended")).await.unwrap();
        tx.commit().await.unwrap();
        for wanted in [with_code(single(1), &code), with_coupon(single(1), coupon)] {
            let brought = wanted.coupons[0].brought.clone();
            let ended = reserve(platform, &cx, &wanted).await;
            assert!(matches!(ended, Err(ReservationError::Coupon(CouponError::WrongState("ended")))), "{ended:?}");
            let mut tx = db.db().begin().await.unwrap();
            let looked = coupons::look(&mut tx, &cx, &brought, claimant(&single(1))).await;
            assert!(matches!(looked, Err(ReservationError::Coupon(CouponError::WrongState("ended")))), "{looked:?}");
        }
        verify(&db, &cx).await;
    }

    async fn guessing_is_slow(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        let made = batch::create(&mut tx, &cx, id, 2).await.unwrap();
        batch::make_more(&mut tx, &cx, made, 2).await.unwrap();
        let codes: Vec<String> = batch::export(&mut tx, &cx, made).await.unwrap().collect();
        tx.commit().await.unwrap();
        let enter = |peer: &'static str, code: &str| {
            let (db, cx, code) = (platform.db.clone(), cx.clone(), code.to_owned());
            async move {
                tries::enter(&db, &cx, &Caller::named(peer), &code, claimant(&single(1))).await
            }
        };
        // A right code costs nothing, however often, and however many at once: more than ten at once were refused.
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..30 {
            asked.spawn(enter("203.0.113.7", &codes[0]));
        }
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        // A hundred at once are no way around it.
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..100 {
            asked.spawn(enter("203.0.113.7", &format!("0000-0000-0000-{n:04}")));
        }
        let answers = asked.join_all().await;
        let looked_at =
            answers.iter().filter(|answer| matches!(answer, Err(CouponError::UnknownCode))).count();
        assert_eq!(looked_at as i64, tries::FAILED_MAX);
        let retry = async |code: &str| match enter("203.0.113.7", code).await {
            Err(CouponError::TooManyTries { retry_seconds }) => retry_seconds,
            other => panic!("{other:?}"),
        };
        assert_eq!(retry(&codes[1]).await, 600);
        assert!(matches!(enter("203.0.113.8", "0000").await, Err(CouponError::UnknownCode)));
        db.clock().advance_millis(tries::WINDOW_MILLIS - 1);
        assert_eq!(retry(&codes[1]).await, 1);
        db.clock().advance_millis(1);
        enter("203.0.113.7", &codes[1]).await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        assert_eq!(tries::prune(&mut tx, &cx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }

    /// What was claimed and what was entered at a till counted apart, and guests without a session stopped each other.
    async fn each_caller_waits_for_itself_alone(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        live(&mut tx, &cx, CouponRules { code: Some("SUMMER".into()), ..rules() }).await;
        tx.commit().await.unwrap();
        let look = async |caller: &Caller, purpose, codes: &[&str]| {
            tries::look_at(&platform.db, &cx, caller, purpose, codes).await
        };
        let (li, wang) = (Caller::customer(customer(1)), Caller::customer(customer(2)));
        for n in 0..10 {
            let purpose = if n % 2 == 0 { Purpose::Claim } else { Purpose::Order };
            look(&li, purpose, &["0000"]).await.unwrap();
        }
        for purpose in [Purpose::Claim, Purpose::Order] {
            let waits = look(&li, purpose, &["summer"]).await;
            assert!(matches!(waits, Err(CouponError::TooManyTries { .. })), "{waits:?}");
        }
        // A code for everybody is right at a till, and none that can be claimed.
        for _ in 0..11 {
            look(&wang, Purpose::Order, &["summer", "SUMMER"]).await.unwrap();
        }
        look(&wang, Purpose::Claim, &["summer"; 10]).await.unwrap();
        assert!(look(&wang, Purpose::Order, &["summer"]).await.is_err());
        // Of eleven at once of which each is wrong nothing is told.
        let session = Caller::session(shop(1), "a");
        assert!(look(&session, Purpose::Order, &["0000"; 11]).await.is_err());
        look(&Caller::session(shop(1), "b"), Purpose::Order, &["summer"]).await.unwrap();
        let guests = Caller::guests(shop(1));
        for _ in 0..20 {
            look(&guests, Purpose::Order, &["0000"]).await.unwrap();
        }
        look(&guests, Purpose::Order, &["summer"]).await.unwrap();
        for _ in 0..98 {
            look(&guests, Purpose::Order, &["0000"; 10]).await.unwrap();
        }
        assert!(look(&guests, Purpose::Order, &["summer"]).await.is_err());
        look(&Caller::guests(shop(2)), Purpose::Order, &["summer"]).await.unwrap();
    }
}

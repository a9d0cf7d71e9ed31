//! What coupons and promotions go through, one after the other.

use std::collections::BTreeMap;

use kernel::{ReservationId, TypedId as _};
use loyalty::Holder;
use loyalty::RefundRule;
use loyalty::counters::{self, CounterKind, Limits};
use loyalty::coupons::{self, CouponError, CouponRules, NewDefinition, Window, definition};
use loyalty::jobs::end_due;
use loyalty::promotions::{self, PromotionError, PromotionRules, stock};
use loyalty::reservations::{self, Refund, ReservationError, ReservationState};
use platform::Tx;
use serde_json::json;
use testkit::db_test;
use tokio_util::sync::CancellationToken;

use super::tools::*;

async fn refund(
    db: &testkit::TestDb,
    id: ReservationId,
    key: &str,
    asked: &Refund,
) -> Result<reservations::Refunded, ReservationError> {
    let cx = db.ctx();
    let work = async |tx: &mut Tx| reservations::refund(tx, &cx, id, key, asked).await;
    in_tx(db.platform(), &cx, work).await
}

/// Days since 1970 in China.
fn coupons_day(now: kernel::Timestamp) -> i64 {
    (now.millis() + 8 * HOUR).div_euclid(DAY)
}

db_test! { MIGRATIONS;
    async fn a_coupon_is_claimed_locked_used_and_returned(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, CouponRules { budget_minor: Some(1_500), ..rules() }).await;
        tx.commit().await.unwrap();
        let holder = single(1);
        let coupon = claim(platform, &cx, id, &holder, "a").await.unwrap();
        assert_eq!(claim(platform, &cx, id, &holder, "a").await.unwrap(), coupon);
        let second = claim(platform, &cx, id, &holder, "b").await.unwrap();
        let steps = |f: coupons::Funnel| [f.issued, f.claimed, f.locked, f.redeemed, f.refunded];
        assert_eq!(steps(funnel(&db, &cx, id).await), [2, 2, 0, 0, 0]);

        let wanted = with_coupon(holder.clone(), coupon);
        let held = reserve(platform, &cx, &wanted).await.unwrap();
        assert_eq!((held.state, &held.coupons[..]), (ReservationState::Held, &[coupon][..]));
        assert_eq!(reserve(platform, &cx, &wanted).await.unwrap(), held);
        let other = reserve(platform, &cx, &with_coupon(holder.clone(), coupon)).await;
        assert!(matches!(other, Err(ReservationError::CouponLocked { .. })), "{other:?}");
        let stranger = reserve(platform, &cx, &with_coupon(single(2), second)).await;
        assert!(matches!(stranger, Err(ReservationError::NoCoupon(_))));
        // 1,000 of 1,500 are held.
        let beyond = reserve(platform, &cx, &with_coupon(holder.clone(), second)).await;
        assert!(matches!(beyond, Err(ReservationError::Full(full)) if full.kind == CounterKind::Budget));
        assert_eq!(steps(funnel(&db, &cx, id).await), [2, 2, 1, 0, 0]);

        let done = commit(platform, &cx, held.id).await.unwrap();
        assert_eq!(done.state, ReservationState::Committed);
        assert_eq!(commit(platform, &cx, held.id).await.unwrap(), done);
        assert!(matches!(
            cancel(platform, &cx, held.id).await,
            Err(ReservationError::WrongState(ReservationState::Committed))
        ));
        assert_eq!(steps(funnel(&db, &cx, id).await), [2, 2, 1, 1, 0]);

        // A part comes back any number of times, each once, and never more than was given.
        let part = |minor| Refund { coupons: BTreeMap::from([(coupon, minor)]), ..Refund::default() };
        let answer = refund(&db, held.id, "1", &part(300)).await.unwrap();
        assert_eq!(refund(&db, held.id, "1", &part(300)).await.unwrap(), answer);
        assert!(matches!(refund(&db, held.id, "1", &part(301)).await, Err(ReservationError::KeyReused)));
        assert!(matches!(refund(&db, held.id, "2", &part(701)).await, Err(ReservationError::TooMuch(_))));
        let mut tx = db.db().read().await.unwrap();
        let of = (shop(1), 20_454, &holder);
        let used = counters::used(&mut tx, cx.scope, &[id.uuid()], of).await.unwrap();
        assert_eq!((used[&id.uuid()].total, used[&id.uuid()].spent_minor), (1, 700));
        drop(tx);

        let whole = Refund { is_whole: true, ..Refund::default() };
        let answer = refund(&db, held.id, "3", &whole).await.unwrap();
        assert_eq!((&answer.returned[..], answer.kept.len()), (&[coupon][..], 0));
        assert_eq!(refund(&db, held.id, "3", &whole).await.unwrap(), answer);
        assert!(matches!(refund(&db, held.id, "4", &whole).await, Err(ReservationError::WrongState(_))));
        assert_eq!(steps(funnel(&db, &cx, id).await), [2, 2, 1, 1, 1]);
        verify(&db, &cx).await;
        // The budget is whole again, and the coupon can be used once more.
        let again = reserve(platform, &cx, &with_coupon(holder.clone(), coupon)).await.unwrap();
        cancel(platform, &cx, again.id).await.unwrap();
        assert_eq!(cancel(platform, &cx, again.id).await.unwrap().state, ReservationState::Cancelled);
        verify(&db, &cx).await;
    }

    async fn refunds_return_coupons_as_their_rule_says(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        // Rule, whether its time is over at the refund; whether it comes back, and how it can be used then.
        let cases = [
            (RefundRule::KeepUsed, false, "kept"),
            (RefundRule::ReturnIfValid, false, "claimed"),
            (RefundRule::ReturnIfValid, true, "kept"),
            (RefundRule::Return { grace_days: 0 }, false, "claimed"),
            (RefundRule::Return { grace_days: 0 }, true, "expired"),
            (RefundRule::Return { grace_days: 7 }, true, "claimed"),
        ];
        for (n, (rule, is_late, state)) in cases.into_iter().enumerate() {
            let holder = single(n as u128 + 1);
            let mut tx = db.db().begin().await.unwrap();
            let id = live(&mut tx, &cx, CouponRules { refund: rule, ..rules() }).await;
            tx.commit().await.unwrap();
            let coupon = claim(platform, &cx, id, &holder, "a").await.unwrap();
            let held = reserve(platform, &cx, &with_coupon(holder, coupon)).await.unwrap();
            commit(platform, &cx, held.id).await.unwrap();
            if is_late {
                db.clock().advance_millis(31 * DAY);
            }
            let whole = Refund { is_whole: true, ..Refund::default() };
            refund(&db, held.id, "r", &whole).await.unwrap();
            let states = funnel(&db, &cx, id).await.states;
            let states: Vec<&str> = states.keys().map(|state| state.name()).collect();
            assert_eq!(states, [state], "{rule:?} {is_late}");
        }
        verify(&db, &cx).await;
    }

    async fn claims_ask_for_state_window_level_and_limits(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let now = cx.now();
        let window = Window { from: Some(now), until: Some(now.plus_millis(HOUR)) };
        let claims = coupons::ClaimLimits { total: Some(3), per_day: Some(2), per_person: Some(1) };
        let of = CouponRules { window, levels: vec!["gold".into()], claims, ..rules() };
        let mut tx = db.db().begin().await.unwrap();
        let new = NewDefinition { name: "for gold".into(), rules: of };
        let id = definition::create(&mut tx, &cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let claim = async |n: u128, level: Option<&str>, key: &str| {
            let holder = single(n);
            let levels = level.map(str::to_owned);
            let by = coupons::Claimant { levels: levels.as_slice(), ..claimant(&holder) };
            let work = async |tx: &mut Tx| coupons::claim(tx, &cx, id, by, key).await;
            in_tx(platform, &cx, work).await
        };
        let gold = Some("gold");
        assert!(matches!(claim(1, gold, "k").await, Err(CouponError::WrongState("draft"))));
        let mut tx = db.db().begin().await.unwrap();
        definition::set_state(&mut tx, &cx, id, offer("live")).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(claim(1, None, "k").await, Err(CouponError::Level(_))));
        claim(1, gold, "k").await.unwrap();
        let full = async |n: u128, key: &str| match claim(n, gold, key).await {
            Err(CouponError::Full(full)) => full.kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(full(1, "l").await, CounterKind::ClaimPerson);
        claim(2, gold, "k").await.unwrap();
        assert_eq!(full(3, "k").await, CounterKind::ClaimDay);
        db.clock().advance_millis(HOUR);
        assert!(matches!(claim(3, gold, "k").await, Err(CouponError::NotNow { .. })));
        // What was live keeps the shape of its limits, and may change their height.
        let mut tx = db.db().begin().await.unwrap();
        let mut next = new.clone();
        next.rules.claims.per_day = None;
        let refused = definition::change(&mut tx, &cx, id, 1, &next).await;
        assert!(matches!(refused, Err(CouponError::Frozen(_))), "{refused:?}");
        let mut next = new.clone();
        next.rules.window = Window::default();
        next.rules.claims.per_day = Some(9);
        definition::change(&mut tx, &cx, id, 1, &next).await.unwrap();
        let stale = definition::change(&mut tx, &cx, id, 1, &next).await;
        assert!(matches!(stale, Err(CouponError::Changed(2))));
        tx.commit().await.unwrap();
        claim(3, gold, "k").await.unwrap();
        assert_eq!(full(4, "k").await, CounterKind::ClaimTotal);
        verify(&db, &cx).await;
    }

    async fn gifts_come_once_for_each_run(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live(&mut tx, &cx, rules()).await;
        tx.commit().await.unwrap();
        let give = async |key: &str, from: u128, to: u128| {
            let customers: Vec<_> = (from..to).map(customer).collect();
            let work = async |tx: &mut Tx| coupons::assign(tx, &cx, id, key, &customers).await;
            in_tx(platform, &cx, work).await.unwrap()
        };
        assert_eq!(give("spring", 0, 1_500).await, 1_500);
        assert_eq!(give("spring", 1_000, 2_000).await, 500);
        assert_eq!(give("spring", 0, 2_000).await, 0);
        assert_eq!(give("summer", 0, 10).await, 10);
        assert_eq!(funnel(&db, &cx, id).await.claimed, 2_010);
        let mut tx = db.db().read().await.unwrap();
        let page = (None, 50);
        let (has, of) =
            coupons::wallet(&mut tx, cx.scope, &single(3), Some(cx.now()), page).await.unwrap();
        assert_eq!((has.len(), of.len()), (2, 1));
        drop(tx);
        db.clock().advance_millis(30 * DAY);
        assert_eq!(end_due(platform, &cx, &CancellationToken::new()).await.unwrap(), 2_010);
        assert_eq!(funnel(&db, &cx, id).await.states[&coupons::State::Expired], 2_010);
        verify(&db, &cx).await;
    }

    async fn what_timed_out_is_there_for_the_next(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let limit = Limits { total: Some(1), ..Limits::default() };
        let of = CouponRules { uses: limit, code: Some("ONLY-ONE".into()), ..rules() };
        let public = live(&mut tx, &cx, of).await;
        let own = live(&mut tx, &cx, rules()).await;
        let flash = live_promotion(&mut tx, &cx, promotion_rules()).await;
        stock::set(&mut tx, &cx, flash, "sku", 1).await.unwrap();
        tx.commit().await.unwrap();
        let holder = single(1);
        let coupon = claim(platform, &cx, own, &holder, "a").await.unwrap();
        let wants = [
            with_code(single(2), "only one"),
            with_coupon(holder.clone(), coupon),
            with_promotion(single(3), flash, &[("sku", 1)]),
        ];
        for wanted in wants {
            let held = reserve(platform, &cx, &wanted).await.unwrap();
            let next = loyalty::reservations::Reserve { order_key: fresh("next"), ..wanted.clone() };
            reserve(platform, &cx, &next).await.unwrap_err();
            db.clock().advance_millis(1_800_000 - 1);
            reserve(platform, &cx, &next).await.unwrap_err();
            db.clock().advance_millis(1);
            assert!(matches!(commit(platform, &cx, held.id).await, Err(ReservationError::TimedOut)));
            let taken = reserve(platform, &cx, &next).await.unwrap();
            let old = reserve(platform, &cx, &wanted).await.unwrap();
            assert_eq!((old.id, old.state), (held.id, ReservationState::TimedOut));
            assert!(matches!(commit(platform, &cx, held.id).await, Err(ReservationError::TimedOut)));
            // And what nobody takes, the job ends.
            db.clock().advance_millis(1_800_000);
            assert_eq!(end_due(platform, &cx, &CancellationToken::new()).await.unwrap(), 1);
            assert_eq!(cancel(platform, &cx, taken.id).await.unwrap().state, ReservationState::TimedOut);
            verify(&db, &cx).await;
        }
        assert_eq!(funnel(&db, &cx, public).await.states[&coupons::State::Void], 2);
    }

    async fn families_use_together_and_count_together(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let limit = Limits { per_person: Some(2), per_person_per_day: Some(2), ..Limits::default() };
        let id = live(&mut tx, &cx, CouponRules { uses: limit, ..rules() }).await;
        tx.commit().await.unwrap();
        let (one, two) = (single(1), single(2));
        let family = Holder::new(customer(1), &[customer(2)]);
        let mut of = Vec::new();
        for (holder, key) in [(&one, "a"), (&one, "b"), (&two, "a"), (&two, "b")] {
            of.push(claim(platform, &cx, id, holder, key).await.unwrap());
        }
        reserve(platform, &cx, &with_coupon(one.clone(), of[2])).await.unwrap_err();
        // Two uses before the merge, one of each; the family has none left.
        reserve(platform, &cx, &with_coupon(one.clone(), of[0])).await.unwrap();
        let of_two = reserve(platform, &cx, &with_coupon(two.clone(), of[2])).await.unwrap();
        let refused = reserve(platform, &cx, &with_coupon(family.clone(), of[3])).await;
        assert!(matches!(refused, Err(ReservationError::Full(full)) if full.kind == CounterKind::UsePerson));
        let mut tx = db.db().read().await.unwrap();
        let day = coupons_day(cx.now());
        for (holder, expected) in [(&one, 1), (&two, 1), (&family, 2)] {
            let of = (shop(1), day, holder);
            let used = counters::used(&mut tx, cx.scope, &[id.uuid()], of).await.unwrap();
            let used = used[&id.uuid()];
            assert_eq!((used.total, used.person, used.person_day), (2, expected, expected));
        }
        drop(tx);
        // What the second one gives up, the family may use, also through a coupon of the second.
        cancel(platform, &cx, of_two.id).await.unwrap();
        reserve(platform, &cx, &with_coupon(family.clone(), of[3])).await.unwrap();
        verify(&db, &cx).await;
        // After the merge is taken back each has what was its own less what was used of it.
        reserve(platform, &cx, &with_coupon(one, of[1])).await.unwrap();
        reserve(platform, &cx, &with_coupon(two.clone(), of[2])).await.unwrap();
        let more = claim(platform, &cx, id, &two, "c").await.unwrap();
        let refused = reserve(platform, &cx, &with_coupon(two, more)).await;
        assert!(matches!(refused, Err(ReservationError::Full(_))));
        verify(&db, &cx).await;
    }

    async fn promotions_have_limits_budgets_and_pieces(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let uses = Limits { per_shop: Some(2), ..Limits::default() };
        let of = PromotionRules {
            uses,
            budget_minor: Some(1_400),
            starts_at: Some(cx.now().plus_millis(HOUR)),
            ends_at: Some(cx.now().plus_millis(2 * HOUR)),
            ..promotion_rules()
        };
        let id = live_promotion(&mut tx, &cx, of.clone()).await;
        stock::set(&mut tx, &cx, id, "a", 5).await.unwrap();
        tx.commit().await.unwrap();
        let wants = |pieces| with_promotion(single(1), id, &[("a", pieces)]);
        assert!(matches!(
            reserve(platform, &cx, &wants(1)).await,
            Err(ReservationError::NotRunning(_))
        ));
        db.clock().advance_millis(HOUR);
        let first = reserve(platform, &cx, &wants(3)).await.unwrap();
        commit(platform, &cx, first.id).await.unwrap();
        let sold_out = reserve(platform, &cx, &wants(3)).await;
        assert!(matches!(sold_out, Err(ReservationError::SoldOut { wanted: 3, .. })));
        reserve(platform, &cx, &wants(2)).await.unwrap();
        let full = reserve(platform, &cx, &wants(1)).await;
        assert!(matches!(full, Err(ReservationError::Full(full)) if full.kind == CounterKind::Budget));
        let mut tx = db.db().begin().await.unwrap();
        let too_few = stock::set(&mut tx, &cx, id, "a", 4).await;
        assert!(matches!(too_few, Err(PromotionError::BelowTaken { taken: 5, .. })));
        stock::set(&mut tx, &cx, id, "a", 7).await.unwrap();
        let budget = PromotionRules { budget_minor: Some(9_000), ..of };
        let new = promotions::NewPromotion { name: "more".into(), rules: budget };
        promotions::change(&mut tx, &cx, id, 1, &new).await.unwrap();
        tx.commit().await.unwrap();
        let full = reserve(platform, &cx, &wants(1)).await;
        assert!(matches!(full, Err(ReservationError::Full(full)) if full.kind == CounterKind::UseShop));
        let elsewhere = loyalty::reservations::Reserve { shop: shop(2), ..wants(1) };
        reserve(platform, &cx, &elsewhere).await.unwrap();

        // Two of three pieces come back and can be sold again; the use comes back with the last one.
        let pieces = |n| BTreeMap::from([(id, vec![reservations::Pieces { sku: "a".into(), pieces: n }])]);
        let part = Refund { pieces: pieces(2), ..Refund::default() };
        refund(&db, first.id, "1", &part).await.unwrap();
        let too_much = Refund { pieces: pieces(2), is_whole: true, ..Refund::default() };
        assert!(matches!(refund(&db, first.id, "2", &too_much).await, Err(ReservationError::TooMuch(_))));
        let last = Refund { is_whole: true, ..Refund::default() };
        refund(&db, first.id, "2", &last).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let of = stock::of(&mut tx, cx.scope, &[id]).await.unwrap();
        let left = &of[&id][0];
        assert_eq!((left.stocked, left.remaining, left.held, left.sold), (7, 3, 3, 1));
        drop(tx);
        verify(&db, &cx).await;
        reserve(platform, &cx, &wants(1)).await.unwrap();
        db.clock().advance_millis(HOUR);
        assert!(matches!(
            reserve(platform, &cx, &wants(1)).await,
            Err(ReservationError::NotRunning(_))
        ));
        end_due(platform, &cx, &CancellationToken::new()).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        assert_eq!(promotions::live(&mut tx, cx.scope).await.unwrap().len(), 0);
        drop(tx);
        verify(&db, &cx).await;
    }

    async fn what_has_no_limit_and_no_budget_is_refunded_too(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let mut tx = db.db().begin().await.unwrap();
        let id = live_promotion(&mut tx, &cx, promotion_rules()).await;
        let other = live_promotion(&mut tx, &cx, promotion_rules()).await;
        tx.commit().await.unwrap();
        let held = reserve(platform, &cx, &with_promotion(single(1), id, &[])).await.unwrap();
        commit(platform, &cx, held.id).await.unwrap();
        let of = |id| Refund { promotions: BTreeMap::from([(id, 200)]), ..Refund::default() };
        refund(&db, held.id, "1", &of(id)).await.unwrap();
        let unknown = refund(&db, held.id, "2", &of(other)).await;
        assert!(matches!(unknown, Err(ReservationError::TooMuch(_))), "{unknown:?}");
        refund(&db, held.id, "3", &Refund { is_whole: true, ..of(id) }).await.unwrap();
        verify(&db, &cx).await;
    }

    async fn another_request_with_the_same_key_is_refused(db) {
        let (cx, platform) = (db.ctx(), db.platform());
        let wanted = order(single(1));
        let held = reserve(platform, &cx, &wanted).await.unwrap();
        let other = loyalty::reservations::Reserve { request: json!({"x": 1}), ..wanted.clone() };
        assert!(matches!(reserve(platform, &cx, &other).await, Err(ReservationError::KeyReused)));
        // Prices may have changed since; the request is the same.
        let priced = loyalty::reservations::Reserve { priced: json!({"total": 2}), ..wanted.clone() };
        assert_eq!(reserve(platform, &cx, &priced).await.unwrap(), held);
        let other_shop = loyalty::reservations::Reserve { shop: shop(2), ..other };
        assert_ne!(reserve(platform, &cx, &other_shop).await.unwrap().id, held.id);
        let wrong = loyalty::reservations::Reserve { hold_seconds: 0, order_key: String::new(), ..wanted };
        match reserve(platform, &cx, &wrong).await {
            Err(ReservationError::Fields(errors)) => assert_eq!(errors.into_vec().len(), 2),
            other => panic!("{other:?}"),
        }
    }

    async fn terms_are_what_pricing_takes(db) {
        let cx = db.ctx();
        let mut tx = db.db().begin().await.unwrap();
        let wrong = |terms| CouponRules { terms, budget_minor: Some(0), ..rules() };
        let cases = [
            (json!(3), "terms"),
            (json!({"currency": "CNY", "kind": {"type": "percent_off"}}), "terms"),
            (json!({"currency": "CNY", "kind": {"type": "buy_n_pay_m", "buy": 3, "pay": 2}}), "terms.kind.type"),
            (json!({"currency": "CNY", "limits": {}, "kind": {"type": "free_shipping"}}), "terms.limits"),
            (json!({"currency": "CNY", "kind": {"type": "percent_off", "pay_bps": 0}}), "terms.kind.pay_bps"),
        ];
        for (terms, field) in cases {
            let new = NewDefinition { name: "wrong".into(), rules: wrong(terms) };
            match definition::create(&mut tx, &cx, &new).await {
                Err(CouponError::Fields(errors)) => {
                    let fields: Vec<String> = errors.into_vec().into_iter().map(|e| e.field).collect();
                    assert!(fields.iter().any(|found| found == field), "{fields:?}, not {field}");
                    assert!(fields.iter().any(|found| found == "budget_minor"), "{fields:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        let limits = Limits { per_person: Some(2), per_shop: Some(9), ..Limits::default() };
        let of = CouponRules { uses: limits, budget_minor: Some(5_000), ..rules() };
        let id = live(&mut tx, &cx, of).await;
        let found = definition::get(&mut tx, cx.scope, id).await.unwrap().unwrap();
        let used = counters::Used { spent_minor: 1_200, ..counters::Used::default() };
        let told = found.promotion(&used).unwrap();
        assert_eq!((told.id, told.coupon, told.budget_left_minor), (id.to_string(), true, Some(3_800)));
        assert_eq!(told.limits.per_person, Some(2));
        let ends = cx.now().plus_millis(DAY);
        let of = PromotionRules { ends_at: Some(ends), ..promotion_rules() };
        let id = live_promotion(&mut tx, &cx, of).await;
        let found = promotions::get(&mut tx, cx.scope, id).await.unwrap().unwrap();
        let told = found.promotion(&counters::Used::default()).unwrap();
        assert_eq!((told.coupon, told.period.ends_at), (false, Some(ends)));
    }
}

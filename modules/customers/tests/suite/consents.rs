//! The ledger of consents: it only grows, follows merges, and is the same in any order.

use customers::consent::ledger::{self, ConsentError, NewConsent, Wanted};
use customers::consent::texts::{self, NewText, TextError};
use customers::consent::{ConsentChannel, ConsentPurpose, ConsentSource, Said, may_contact};
use customers::merge;
use kernel::{CustomerId, Timestamp, TypedId as _};
use platform::{Ctx, Tx, args};
use proptest::prelude::*;
use testkit::{TestDb, db_test};

use crate::tools::{MIGRATIONS, ctx_of_org, known};

const SMS: ConsentChannel = ConsentChannel::Sms;
const MARKETING: ConsentPurpose = ConsentPurpose::Marketing;

fn wanted(granted: bool, at: Timestamp) -> Wanted {
    Wanted {
        channels: vec![SMS],
        purposes: vec![MARKETING],
        granted,
        at: Some(at),
        expires_at: None,
        source: ConsentSource::Form,
        text: None,
        evidence: None,
    }
}

async fn say(db: &TestDb, cx: &Ctx, customer: CustomerId, wanted: Wanted) -> usize {
    let new = NewConsent::parse(wanted, cx.now()).unwrap();
    let mut tx = db.db().begin().await.unwrap();
    let added = ledger::add(&mut tx, cx, customer, &new).await.unwrap();
    tx.commit().await.unwrap();
    added
}

async fn said(tx: &mut Tx, cx: &Ctx, customer: CustomerId) -> Vec<Said> {
    ledger::said_by(tx, cx.scope, &[customer]).await.unwrap().remove(&customer).unwrap()
}

async fn may(db: &TestDb, cx: &Ctx, customer: CustomerId, at: Timestamp) -> bool {
    let mut tx = db.db().read().await.unwrap();
    may_contact(&said(&mut tx, cx, customer).await, SMS, MARKETING, at)
}

db_test! { MIGRATIONS;
    async fn a_withdrawal_takes_effect_at_once_and_history_stays(db) {
        let cx = db.ctx();
        let who = known(&db, &cx, &["a"]).await[0];
        let now = cx.now();
        assert!(!may(&db, &cx, who, now).await);
        let grant = Wanted {
            evidence: Some("the form of 张三".to_owned()),
            expires_at: Some(now.plus_millis(1_000)),
            ..wanted(true, now.plus_millis(-10))
        };
        assert_eq!(say(&db, &cx, who, grant.clone()).await, 1);
        assert_eq!(say(&db, &cx, who, grant).await, 0, "said twice, recorded once");
        assert!(may(&db, &cx, who, now).await);
        assert!(may(&db, &cx, who, now.plus_millis(999)).await);
        assert!(!may(&db, &cx, who, now.plus_millis(1_000)).await);
        say(&db, &cx, who, wanted(false, now)).await;
        assert!(!may(&db, &cx, who, now).await);
        let mut tx = db.db().read().await.unwrap();
        let entries = ledger::entries(&mut tx, cx.scope, &db.keys(), who).await.unwrap();
        let told: Vec<_> = entries.iter().map(|one| (one.granted, one.evidence.as_deref())).collect();
        assert_eq!(told, [(false, None), (true, Some("the form of 张三"))]);
    }

    async fn entries_are_never_changed_nor_removed(db) {
        let cx = db.ctx();
        let who = known(&db, &cx, &["a"]).await[0];
        let evidence = Some("13800000001".to_owned());
        say(&db, &cx, who, Wanted { evidence, ..wanted(true, cx.now()) }).await;
        let mut tx = db.db().begin().await.unwrap();
        texts::create(&mut tx, &cx, NewText::parse("news", "zh-CN", "同意").unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        for sql in [
            "UPDATE customers_consents SET granted = NOT granted WHERE org_id = $1",
            "UPDATE customers_consents SET sealed = NULL, at = at + 1 WHERE org_id = $1",
            "DELETE FROM customers_consents WHERE org_id = $1",
            "UPDATE customers_consent_texts SET body = 'other' WHERE org_id = $1",
            "DELETE FROM customers_consent_texts WHERE org_id = $1",
        ] {
            let mut tx = db.db().begin().await.unwrap();
            assert!(tx.execute(sql, args![cx.scope.org_arg()]).await.is_err(), "{sql}");
            tx.rollback().await.unwrap();
        }
        // The evidence alone may go.
        let mut tx = db.db().begin().await.unwrap();
        let sql = "UPDATE customers_consents SET sealed = NULL WHERE org_id = $1";
        assert_eq!(tx.execute(sql, args![cx.scope.org_arg()]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert!(may(&db, &cx, who, cx.now()).await);
    }

    async fn texts_have_versions_and_hashes(db) {
        let cx = db.ctx();
        let who = known(&db, &cx, &["a"]).await[0];
        let new = |body: &str| NewText::parse("news", "zh-CN", body).unwrap();
        let mut tx = db.db().begin().await.unwrap();
        let first = texts::create(&mut tx, &cx, new("同意")).await.unwrap();
        assert!(matches!(texts::create(&mut tx, &cx, new(" 同意 ")).await, Err(TextError::Same(1))));
        let second = texts::create(&mut tx, &cx, new("同意了")).await.unwrap();
        assert_eq!((first.version, second.version), (1, 2));
        // sha256sum of the three bytes "abc", FIPS 180-4 B.1.
        let abc = texts::create(&mut tx, &cx, NewText::parse("x", "en-US", "abc").unwrap()).await.unwrap();
        assert_eq!(abc.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let text = Some(first.id);
        let granted = NewConsent::parse(Wanted { text, ..wanted(true, cx.now()) }, cx.now()).unwrap();
        assert_eq!(ledger::add(&mut tx, &cx, who, &granted).await.unwrap(), 1);
        let text = Some(kernel::ConsentTextId::from_uuid(uuid::Uuid::nil()));
        let unknown = NewConsent::parse(Wanted { text, ..wanted(true, cx.now()) }, cx.now()).unwrap();
        let refused = ledger::add(&mut tx, &cx, who, &unknown).await;
        assert!(matches!(refused, Err(ConsentError::UnknownText(_))));
        tx.commit().await.unwrap();
    }

    async fn a_merged_family_shares_what_was_said_and_parting_restores_it(db) {
        let cx = db.ctx();
        let ids = known(&db, &cx, &["a", "b", "c"]).await;
        let now = cx.now();
        say(&db, &cx, ids[0], wanted(true, now.plus_millis(-20))).await;
        say(&db, &cx, ids[1], wanted(false, now.plus_millis(-10))).await;
        let mut tx = db.db().begin().await.unwrap();
        let merged = merge::merge(&mut tx, &cx, ids[0], ids[1]).await.unwrap();
        tx.commit().await.unwrap();
        // A refusal in any of them wins until a later grant.
        assert!(!may(&db, &cx, ids[0], now).await && !may(&db, &cx, ids[1], now).await);
        say(&db, &cx, ids[1], wanted(true, now)).await;
        assert!(may(&db, &cx, ids[0], now).await && may(&db, &cx, ids[1], now).await);
        let mut tx = db.db().begin().await.unwrap();
        merge::unmerge(&mut tx, &cx, merged.id).await.unwrap();
        tx.commit().await.unwrap();
        // What was said of the whole is the root's, as notes are.
        assert!(may(&db, &cx, ids[0], now).await && !may(&db, &cx, ids[1], now).await);
        assert!(!may(&db, &cx, ids[2], now).await);
    }

    async fn merging_and_parting_leaves_every_state_as_it_was(db) {
        let entry = (0..4_usize, any::<bool>(), 0..50_i64, prop::option::of(1..60_i64));
        let merges = prop::collection::vec((0..4_usize, 0..4_usize), 0..4);
        let cases = (prop::collection::vec(entry, 0..10).prop_shuffle(), merges);
        testkit::for_each_case(if db.db().is_postgres() { 12 } else { 24 }, cases, async |org, (entries, merges)| {
            let cx = ctx_of_org(&db, org);
            let ids = known(&db, &cx, &["a", "b", "c", "d"]).await;
            let start = cx.now().plus_millis(-100);
            for (who, granted, from, length) in &entries {
                let at = start.plus_millis(*from);
                let expires_at = length.filter(|_| *granted).map(|length| at.plus_millis(length));
                say(&db, &cx, ids[*who], Wanted { expires_at, ..wanted(*granted, at) }).await;
            }
            let moments: Vec<Timestamp> = (0..120).step_by(7).map(|at| start.plus_millis(at)).collect();
            let mut tx = db.db().begin().await.unwrap();
            let mut before = Vec::new();
            for id in &ids {
                before.push(said(&mut tx, &cx, *id).await);
            }
            let mut made = Vec::new();
            for (keep, absorb) in merges {
                if let Ok(merged) = merge::merge(&mut tx, &cx, ids[keep], ids[absorb]).await {
                    made.push((merged.id, keep, absorb));
                }
            }
            for (_, keep, absorb) in &made {
                // Both are told the same, and never more than each of them allows at its newest word.
                let (one, other) = (said(&mut tx, &cx, ids[*keep]).await, said(&mut tx, &cx, ids[*absorb]).await);
                for at in &moments {
                    assert_eq!(may_contact(&one, SMS, MARKETING, *at), may_contact(&other, SMS, MARKETING, *at));
                }
            }
            for (merged, ..) in made.iter().rev() {
                merge::unmerge(&mut tx, &cx, *merged).await.unwrap();
            }
            for (id, before) in ids.iter().zip(before) {
                let after = said(&mut tx, &cx, *id).await;
                for at in &moments {
                    assert_eq!(may_contact(&after, SMS, MARKETING, *at), may_contact(&before, SMS, MARKETING, *at));
                }
            }
            tx.rollback().await.unwrap();
        })
        .await;
    }

    async fn wrong_entries_are_refused_with_every_wrong_field(db) {
        let cx = db.ctx();
        let now = cx.now();
        let wrong = Wanted {
            channels: vec![],
            purposes: vec![],
            expires_at: Some(now),
            evidence: Some("x".repeat(1_001)),
            ..wanted(false, now.plus_millis(1))
        };
        let errors = serde_json::to_string(&NewConsent::parse(wrong, now).unwrap_err()).unwrap();
        for field in ["channels", "purposes", "\"at\"", "expires_at", "evidence"] {
            assert!(errors.contains(field), "{field}: {errors}");
        }
        let mut tx = db.db().begin().await.unwrap();
        let nobody = CustomerId::from_uuid(uuid::Uuid::nil());
        let new = NewConsent::parse(wanted(true, now), now).unwrap();
        let refused = ledger::add(&mut tx, &cx, nobody, &new).await;
        assert!(matches!(refused, Err(ConsentError::UnknownCustomer(_))));
    }
}

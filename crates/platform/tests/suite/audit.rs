//! The audit log: what is recorded, chained, listed and erased.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{AuditId, CustomerId, Limit, OrgId, Timestamp, TokenId, TypedId as _, UserId};
use platform::audit::{self, AuditFilter, Entry, Noted, Origin, Verified};
use platform::{Ctx, Scope, Tx, args};
use serde_json::json;
use testkit::{TestDb, db_test};
use uuid::Uuid;

use crate::support::MIGRATIONS;

pub async fn verified(db: &TestDb) -> Verified {
    verified_from(db, None).await
}

async fn verified_from(db: &TestDb, noted: Option<&Noted>) -> Verified {
    let mut tx = db.db().read().await.unwrap();
    audit::verify(&mut tx, db.ctx().scope, &db.keys(), noted).await.unwrap()
}

pub async fn write(db: &TestDb, cx: &Ctx, entry: Entry) -> AuditId {
    let mut tx = db.db().begin().await.unwrap();
    let id = audit::record(&mut tx, cx, entry).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A user's context, as a request has it.
pub fn asked(db: &TestDb, n: u128) -> Ctx {
    let mut cx = db.ctx_of(UserId::from_uuid(Uuid::from_u128(n)));
    cx.origin = Origin {
        peer: Some([10, 0, 0, 7].into()),
        token: n.is_multiple_of(2).then(|| TokenId::from_uuid(Uuid::from_u128(n + 1_000))),
        request: Some("0123456789abcdef".into()),
    };
    cx
}

fn customer(n: u128) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(n))
}

pub fn rename(n: u128) -> Entry {
    Entry::new("customers.customer.edit")
        .on("customer", customer(n))
        .change("rating", "A", "B")
        .personal_change("name", "张小花", format!("Zhang Xiaohua {n}"))
}

/// Takes the triggers away, as somebody with the rights of the program could.
pub async fn disarm(db: &TestDb) {
    let mut tx = db.db().begin().await.unwrap();
    for name in ["platform_audit_kept", "platform_audit_not_emptied"] {
        let on = if tx.is_postgres() { " ON platform_audit" } else { "" };
        let sql = format!("DROP TRIGGER {name}{on}");
        tx.execute(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn run(db: &TestDb, sql: &'static str) -> Result<u64, platform::DbError> {
    let mut tx = db.db().begin().await.unwrap();
    let touched = tx.execute(sql, vec![]).await?;
    tx.commit().await?;
    Ok(touched)
}

async fn listed(db: &TestDb, filter: &AuditFilter) -> Vec<String> {
    let mut tx = db.db().read().await.unwrap();
    let (mut after, mut actions) = (None, Vec::new());
    loop {
        let limit = Limit::new(Some(2)).unwrap();
        let (entries, next) =
            audit::list(&mut tx, db.ctx().scope, &db.keys(), filter, after, limit).await.unwrap();
        actions.extend(entries.into_iter().map(|entry| entry.action));
        after = next;
        if after.is_none() {
            return actions;
        }
    }
}

/// Everything of the audit tables as text: texts as they are, bytes in hexadecimal.
async fn stored(tx: &mut Tx) -> String {
    let mut all = String::new();
    type Texts = (String, Option<String>, Option<String>, Option<String>, Option<String>);
    let texts: Vec<Texts> = tx
        .fetch_all(
            "SELECT action, record_kind, record_id, before_json, after_json FROM platform_audit",
            vec![],
        )
        .await
        .unwrap();
    let blobs: Vec<(Vec<u8>,)> =
        tx.fetch_all("SELECT sealed FROM platform_audit_sealed", vec![]).await.unwrap();
    assert!(!blobs.is_empty());
    all.push_str(&format!("{texts:?}"));
    for (blob,) in blobs {
        all.extend(blob.iter().map(|byte| char::from(*byte)));
    }
    all
}

db_test! { MIGRATIONS;
    async fn an_entry_is_there_if_its_transaction_commits(db) {
        let cx = asked(&db, 2);
        write(&db, &cx, rename(1)).await;
        let mut tx = db.db().begin().await.unwrap();
        audit::record(&mut tx, &cx, rename(2)).await.unwrap();
        tx.rollback().await.unwrap();
        db.clock().advance_millis(5);
        write(&db, &db.ctx(), Entry::new("platform.job.retry").with("attempts", 3)).await;
        let before = verified(&db).await;
        assert_eq!(before.pending, if db.db().is_postgres() { 2 } else { 0 });
        audit::chain(db.platform()).await.unwrap();
        let after = verified(&db).await;
        assert_eq!((after.count, after.pending, after.broken), (2, 0, None));

        let mut tx = db.db().read().await.unwrap();
        let filter = AuditFilter::default();
        let (entries, next) = audit::list(
            &mut tx, cx.scope, &db.keys(), &filter, None, Limit::new(None).unwrap()).await.unwrap();
        assert_eq!(next, None);
        let [retry, edit] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((edit.position, retry.position), (Some(1), Some(2)));
        assert_eq!((edit.actor, edit.token), (cx.scope.user_id(), cx.origin.token));
        assert_eq!(edit.record.as_ref().unwrap().id, customer(1).to_string());
        assert_eq!(json!([edit.before, edit.after]), json!([{"rating": "A"}, {"rating": "B"}]));
        assert_eq!(edit.personal_after["name"], "Zhang Xiaohua 1");
        assert_eq!((edit.peer.as_deref(), edit.request_id.as_deref()),
            (Some("10.0.0.7"), Some("0123456789abcdef")));
        assert_eq!((retry.actor, retry.token, &retry.record), (None, None, &None));
        assert!(retry.at > edit.at);
    }

    async fn the_log_is_listed_by_every_filter(db) {
        let (ann, bob) = (asked(&db, 1), asked(&db, 2));
        write(&db, &ann, rename(1)).await;
        db.clock().advance_millis(1_000);
        write(&db, &bob, rename(2)).await;
        write(&db, &bob, Entry::new("customers.export").with("count", 7)).await;
        db.clock().advance_millis(1_000);
        write(&db, &ann, Entry::new("identity.sign_in")).await;
        let (edit, export, sign_in) = ("customers.customer.edit", "customers.export", "identity.sign_in");
        let all = AuditFilter::default();
        assert_eq!(listed(&db, &all).await, [sign_in, export, edit, edit]);
        let by = AuditFilter { actor: ann.scope.user_id(), ..all.clone() };
        assert_eq!(listed(&db, &by).await, [sign_in, edit]);
        let of = AuditFilter { action: Some("customers.".into()), ..all.clone() };
        assert_eq!(listed(&db, &of).await, [export, edit, edit]);
        let exactly = AuditFilter { action: Some(edit.into()), ..all.clone() };
        assert_eq!(listed(&db, &exactly).await, [edit, edit]);
        let on = AuditFilter { record: Some(customer(2).to_string()), ..all.clone() };
        assert_eq!(listed(&db, &on).await, [edit]);
        let start: Timestamp = "2026-01-01T00:00:01Z".parse().unwrap();
        let since = AuditFilter { from: Some(start), ..all.clone() };
        assert_eq!(listed(&db, &since).await, [sign_in, export, edit]);
        let until = AuditFilter { to: Some(start), ..all };
        assert_eq!(listed(&db, &until).await, [edit]);
    }

    async fn nothing_personal_can_be_read(db) {
        let cx = asked(&db, 1);
        let entry = rename(1)
            .personal("phone", "13912345678")
            .personal_gone("email", "canary.person@example.com")
            .personal("q", "13912345678");
        write(&db, &cx, entry).await;
        let mut tx = db.db().begin().await.unwrap();
        let mut all = stored(&mut tx).await;
        tx.commit().await.unwrap();
        if !db.db().is_postgres() {
            for file in std::fs::read_dir(db.folder()).unwrap().map(|entry| entry.unwrap().path()) {
                let bytes = std::fs::read(file).unwrap();
                all.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        for canary in ["13912345678", "canary.person", "张小花", "Zhang Xiaohua"] {
            assert!(!all.contains(canary), "the database holds {canary}");
        }
    }

    async fn what_is_personal_can_go_and_the_chain_holds(db) {
        let cx = asked(&db, 1);
        for n in [1, 2, 1] {
            write(&db, &cx, rename(n)).await;
        }
        audit::chain(db.platform()).await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        let erased = audit::erase(&mut tx, &cx, "customer", &customer(1).to_string()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(erased, 2);
        audit::chain(db.platform()).await.unwrap();
        let found = verified(&db).await;
        assert_eq!((found.count, found.erased, found.broken), (4, 2, None));
        let mut tx = db.db().read().await.unwrap();
        let filter = AuditFilter { action: Some("customers".into()), ..AuditFilter::default() };
        let (entries, _) = audit::list(
            &mut tx, cx.scope, &db.keys(), &filter, None, Limit::new(None).unwrap()).await.unwrap();
        let left: Vec<(bool, bool)> =
            entries.iter().map(|entry| (entry.is_erased, entry.personal_after.is_empty())).collect();
        assert_eq!(left, [(true, true), (false, false), (true, true)]);
        assert_eq!(entries[0].after["rating"], "B", "what is not personal stays");
    }

    async fn a_personal_part_removed_without_a_word_is_found(db) {
        write(&db, &asked(&db, 1), rename(1)).await;
        let second = write(&db, &asked(&db, 1), rename(2)).await;
        write(&db, &asked(&db, 1), rename(3)).await;
        audit::chain(db.platform()).await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("DELETE FROM platform_audit_sealed WHERE id = $1", args![second.uuid()]).await.unwrap();
        tx.commit().await.unwrap();
        let broken = verified(&db).await.broken.unwrap();
        assert_eq!((broken.position, broken.entry), (Some(2), Some(second)), "{broken:?}");
    }

    async fn the_database_refuses_changes(db) {
        write(&db, &asked(&db, 1), rename(1)).await;
        for sql in [
            "UPDATE platform_audit SET action = 'x'",
            "UPDATE platform_audit SET action = 'x', position = 7",
            "UPDATE platform_audit SET position = NULL, after_json = NULL",
            "DELETE FROM platform_audit",
        ] {
            let error = run(&db, sql).await.unwrap_err().to_string();
            assert!(error.contains("append-only"), "{sql}: {error}");
        }
        audit::chain(db.platform()).await.unwrap();
        let chained = run(&db, "UPDATE platform_audit SET position = 9").await.unwrap_err();
        assert!(chained.to_string().contains("append-only"), "{chained}");
        if db.db().is_postgres() {
            let error = run(&db, "TRUNCATE platform_audit").await.unwrap_err().to_string();
            assert!(error.contains("append-only"), "{error}");
        }
        assert_eq!(verified(&db).await.broken, None);
    }

    async fn concurrent_writers_get_one_chain_without_gaps(db) {
        let done = Arc::new(AtomicBool::new(false));
        let mut others = Vec::new();
        for _ in 0..2 {
            others.push(db.another_process().await);
        }
        let chainers: Vec<_> = others.into_iter().map(|platform| {
            let done = done.clone();
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    audit::chain(&platform).await.unwrap();
                    tokio::task::yield_now().await;
                }
                platform.db.close().await;
            })
        }).collect();
        let writers: Vec<_> = (0..8_u128).map(|writer| {
            let (handle, cx) = (db.db().clone(), asked(&db, writer));
            tokio::spawn(async move {
                for n in 0..20 {
                    let mut tx = handle.begin().await.unwrap();
                    audit::record(&mut tx, &cx, rename(n)).await.unwrap();
                    tokio::task::yield_now().await;
                    if n % 5 == 4 {
                        tx.rollback().await.unwrap();
                    } else {
                        tx.commit().await.unwrap();
                    }
                }
            })
        }).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        for chainer in chainers {
            chainer.await.unwrap();
        }
        audit::chain(db.platform()).await.unwrap();
        let found = verified(&db).await;
        assert_eq!((found.count, found.pending, found.broken), (8 * 16, 0, None));
        let mut tx = db.db().read().await.unwrap();
        let places: Vec<(i64,)> = tx
            .fetch_all("SELECT position FROM platform_audit ORDER BY position", vec![]).await.unwrap();
        assert!(places.iter().map(|(place,)| *place).eq(1..=8 * 16));
    }

    async fn a_changed_head_is_not_continued_and_stops_nobody(db) {
        write(&db, &asked(&db, 1), rename(1)).await;
        write(&db, &asked(&db, 1), rename(2)).await;
        audit::chain(db.platform()).await.unwrap();
        disarm(&db).await;
        run(&db, "DELETE FROM platform_audit WHERE position = 2").await.unwrap();
        run(&db, "UPDATE platform_audit_heads SET count = 1, hash =
            (SELECT hash FROM platform_audit WHERE position = 1)").await.unwrap();
        write(&db, &asked(&db, 1), rename(3)).await;
        let refused = audit::chain(db.platform()).await;
        assert!(refused.unwrap_err().to_string().contains("was changed"));
        let found = verified(&db).await;
        assert_eq!((found.count, found.pending), (1, 1), "the deed is recorded all the same");
        assert!(found.broken.unwrap().what.contains("head"));
    }

    async fn a_log_that_was_put_back_is_found_by_what_was_noted(db) {
        write(&db, &asked(&db, 1), rename(1)).await;
        audit::chain(db.platform()).await.unwrap();
        let early = verified(&db).await;
        run(&db, "CREATE TABLE platform_kept AS SELECT * FROM platform_audit_heads").await.unwrap();
        write(&db, &asked(&db, 1), rename(2)).await;
        audit::chain(db.platform()).await.unwrap();
        let late = verified(&db).await;
        for good in [&early, &late] {
            let noted: Noted = format!("{}:{}", good.count, good.head).parse().unwrap();
            assert_eq!(verified_from(&db, Some(&noted)).await.broken, None);
        }
        disarm(&db).await;
        run(&db, "DELETE FROM platform_audit WHERE position = 2").await.unwrap();
        run(&db, "DELETE FROM platform_audit_sealed WHERE id NOT IN (SELECT id FROM platform_audit)")
            .await.unwrap();
        run(&db, "DELETE FROM platform_audit_heads").await.unwrap();
        run(&db, "INSERT INTO platform_audit_heads SELECT * FROM platform_kept").await.unwrap();
        assert_eq!(verified(&db).await, early, "nothing in the database tells");
        let noted: Noted = format!("{}:{}", late.count, late.head).parse().unwrap();
        let broken = verified_from(&db, Some(&noted)).await.broken.unwrap();
        assert_eq!(broken.position, Some(2), "{broken:?}");
        // Another second entry instead of it.
        write(&db, &asked(&db, 1), rename(9)).await;
        audit::chain(db.platform()).await.unwrap();
        assert_eq!(verified(&db).await.broken, None);
        let broken = verified_from(&db, Some(&noted)).await.broken.unwrap();
        assert_eq!(broken.position, Some(2), "{broken:?}");
    }

    async fn organisations_have_chains_of_their_own(db) {
        let other = db.platform().ctx(Scope::system(OrgId::new(2)));
        for n in 0..3 {
            write(&db, &db.ctx(), rename(n)).await;
            write(&db, &other, rename(n)).await;
        }
        audit::chain(db.platform()).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let theirs = audit::verify(&mut tx, other.scope, &other.keys(), None).await.unwrap();
        assert_eq!((theirs.count, theirs.broken), (3, None));
        assert_ne!(theirs.head, verified(&db).await.head);
        let wrong_key = audit::verify(&mut tx, other.scope, &db.keys(), None).await.unwrap();
        assert_eq!(wrong_key.broken.unwrap().position, Some(1));
    }

    async fn the_export_has_every_entry_and_the_head(db) {
        write(&db, &asked(&db, 1), rename(1)).await;
        write(&db, &asked(&db, 2), Entry::new("identity.sign_out")).await;
        audit::chain(db.platform()).await.unwrap();
        write(&db, &asked(&db, 2), Entry::new("identity.sign_in")).await;
        let mut lines: Vec<serde_json::Value> = Vec::new();
        let mut tx = db.db().read().await.unwrap();
        let count = audit::export(&mut tx, db.ctx().scope, |line| {
            lines.push(serde_json::from_str(line).unwrap());
        }).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!((count, lines.len()), (3, 4));
        let actions: Vec<&str> = lines[..3].iter().map(|line| line["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["customers.customer.edit", "identity.sign_out", "identity.sign_in"]);
        assert_eq!(lines[0]["after"], json!({"rating": "B"}));
        assert!(lines[0]["sealed"].is_string() && lines[0]["hash"].as_str().unwrap().len() == 64);
        assert!(!format!("{lines:?}").contains("Zhang"));
        assert_eq!(lines[3]["head"], verified(&db).await.head);
    }
}

#[test]
fn what_was_noted_is_read_or_refused() {
    let head = "0a".repeat(32);
    let noted: Noted = format!("42:{}", head.to_uppercase()).parse().unwrap();
    assert_eq!((noted.count, noted.head.as_str()), (42, head.as_str()));
    for text in ["", "42", "42:", "x:00", &format!("-1:{head}"), &format!("1:{head}0")] {
        assert!(text.parse::<Noted>().is_err(), "{text}");
    }
}

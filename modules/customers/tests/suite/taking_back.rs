//! Undoing an import leaves no trace of it.

use customers::merge;
use customers::notes;
use customers::resolve::{Resolved, Resolver, Sighting};
use customers::take_back::{TakeBackError, TakeBackRefused, check_take_back, take_back};
use kernel::CustomerId;
use platform::Ctx;
use testkit::{TestDb, db_test};

use crate::tools::{MIGRATIONS, buyer, dump_all, known, resolve};

async fn import(db: &TestDb, cx: &Ctx, sightings: &[Sighting]) -> Resolved {
    resolve(db.db(), cx, &db.keys(), &mut Resolver::new(), sightings).await
}

async fn undo(db: &TestDb, cx: &Ctx, done: &Resolved) -> Result<usize, TakeBackError> {
    let mut tx = db.db().begin().await.unwrap();
    let gone = take_back(&mut tx, cx, done).await?;
    tx.commit().await.unwrap();
    Ok(gone.len())
}

async fn refusal(db: &TestDb, cx: &Ctx, done: &Resolved) -> TakeBackRefused {
    let before = dump_all(db.db(), "customers_", 1).await;
    let mut tx = db.db().read().await.unwrap();
    let checked = check_take_back(&mut tx, cx.scope, done).await.unwrap();
    drop(tx);
    let refused = match undo(db, cx, done).await {
        Err(TakeBackError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    };
    assert_eq!(checked, refused);
    assert_eq!(dump_all(db.db(), "customers_", 1).await, before, "a refusal changes nothing");
    refused
}

db_test! { MIGRATIONS;
    async fn the_tables_are_as_before(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        import(&db, &cx, &[
            buyer(&keys, Some("old"), &["13800000001"]),
            buyer(&keys, Some("old friend"), &["13800000001"]),
        ]).await;
        let before = dump_all(db.db(), "customers_", 1).await;
        let second = [
            buyer(&keys, Some("old"), &["13800000002", "old@example.com"]),
            buyer(&keys, Some("new"), &["13800000001", "old@example.com"]),
            buyer(&keys, None, &["new@example.com"]),
            buyer(&keys, Some("old friend"), &["13800000002"]),
        ];
        let done = import(&db, &cx, &second).await;
        assert_eq!(done.created.len(), 2);
        assert_eq!(done.added.len(), 3);
        let between = dump_all(db.db(), "customers_", 1).await;
        assert_ne!(between, before);
        // What an import keeps goes through JSON.
        let kept: Resolved = serde_json::from_str(&serde_json::to_string(&done).unwrap()).unwrap();
        assert_eq!(undo(&db, &cx, &kept).await.unwrap(), 4);
        assert_eq!(dump_all(db.db(), "customers_", 1).await, before);
    }

    async fn many_customers_go_in_one_piece(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings: Vec<Sighting> = (0..3_000)
            .map(|n| buyer(&keys, Some(&format!("account{n}")), &[&format!("1380000{:04}", n % 2_000)]))
            .collect();
        let done = import(&db, &cx, &sightings).await;
        assert_eq!(undo(&db, &cx, &done).await.unwrap(), 3_000);
        assert_eq!(dump_all(db.db(), "customers_", 1).await, Vec::<String>::new());
    }

    async fn batches_go_the_last_first(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let mut resolver = Resolver::new();
        let mut done = Vec::new();
        for n in 0..4 {
            let sightings = [
                buyer(&keys, Some("same"), &[&format!("1380000000{n}")]),
                buyer(&keys, Some(&format!("account{n}")), &["13800000000"]),
            ];
            let before = dump_all(db.db(), "customers_", 1).await;
            done.push((before, resolve(db.db(), &cx, &keys, &mut resolver, &sightings).await));
        }
        for (before, done) in done.into_iter().rev() {
            undo(&db, &cx, &done).await.unwrap();
            assert_eq!(dump_all(db.db(), "customers_", 1).await, before);
        }
        // Whoever remembers what is gone must forget it.
        let again = resolve(db.db(), &cx, &keys, &mut resolver, &[buyer(&keys, Some("same"), &[])]).await;
        assert_eq!(again.created.len(), 1);
    }

    async fn suggestions_that_rest_on_it_go_too(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let first = import(&db, &cx, &[buyer(&keys, Some("first"), &["13800000001"])]).await;
        import(&db, &cx, &[buyer(&keys, Some("second"), &["13800000001"])]).await;
        undo(&db, &cx, &first).await.unwrap();
        let rows = dump_all(db.db(), "customers_suggestions", 1).await;
        assert_eq!(rows, Vec::<String>::new());
    }

    async fn later_work_stands_against_it(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let old = known(&db, &cx, &["old"]).await[0];
        let person = db.ctx_of(cx.fresh());
        let names = ["noted", "tagged", "edited", "absorbed", "keeper", "free"];
        let sightings: Vec<Sighting> =
            names.iter().map(|name| buyer(&keys, Some(name), &[])).collect();
        let done = import(&db, &cx, &sightings).await;
        let ids: Vec<CustomerId> = done.created.clone();
        let mut tx = db.db().begin().await.unwrap();
        notes::add(&mut tx, &cx, &keys, ids[0], "hello".parse().unwrap()).await.unwrap();
        let tag = customers::tags::create(&mut tx, &cx, "t".parse().unwrap(), "red".parse().unwrap()).await.unwrap();
        customers::tags::set(&mut tx, &cx, ids[1], &[tag.id]).await.unwrap();
        let edit = customers::edit::Edit { rating: Some(Some(customers::Rating::A)), ..Default::default() };
        customers::edit::edit(&mut tx, &cx, ids[2], 1, &edit).await.unwrap();
        merge::merge(&mut tx, &person, old, ids[3]).await.unwrap();
        tx.commit().await.unwrap();
        let refused = refusal(&db, &cx, &done).await;
        assert_eq!(refused, TakeBackRefused { noted: 1, tagged: 1, edited: 1, merged: 1 });
        assert_eq!(refused.to_string(),
            "people have worked with customers of this import: \
             1 with notes, 1 with tags, 1 edited, 1 merged; take that back first: remove the \
             notes and tags, give names, ratings, phone numbers, e-mail addresses and accounts back as they \
             were, undo the merges");

        let done = import(&db, &cx, &[buyer(&keys, Some("another"), &[])]).await;
        let mut tx = db.db().begin().await.unwrap();
        merge::merge(&mut tx, &person, done.created[0], old).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(refusal(&db, &cx, &done).await.merged, 1);
    }

    async fn a_merge_on_its_evidence_stands_against_it(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let ids = known(&db, &cx, &["one", "two", "three", "four"]).await;
        let mut tx = db.db().begin().await.unwrap();
        let earlier = merge::merge(&mut tx, &cx, ids[2], ids[3]).await.unwrap();
        tx.commit().await.unwrap();
        let before = dump_all(db.db(), "customers_", 1).await;
        let done = import(&db, &cx, &[
            buyer(&keys, Some("one"), &["13800000001"]), buyer(&keys, Some("two"), &["13800000001"]),
            buyer(&keys, Some("three"), &["13800000002"]), buyer(&keys, Some("four"), &["13800000002"]),
        ]).await;
        assert_eq!(done.suggested.len(), 2);
        let mut tx = db.db().begin().await.unwrap();
        let merged = merge::merge(&mut tx, &db.ctx_of(cx.fresh()), ids[0], ids[1]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(refusal(&db, &cx, &done).await.merged, 1, "the earlier merge does not count");
        let mut tx = db.db().begin().await.unwrap();
        merge::unmerge(&mut tx, &cx, merged.id).await.unwrap();
        tx.commit().await.unwrap();
        undo(&db, &cx, &done).await.unwrap();
        let rows = dump_all(db.db(), "customers_identities", 1).await;
        let expected: Vec<String> =
            before.iter().filter(|row| row.starts_with("customers_identities")).cloned().collect();
        assert_eq!(rows, expected);
        let _ = earlier;
    }

    async fn what_the_program_merged_by_itself_goes_back_too(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let mut tx = db.db().begin().await.unwrap();
        customers::settings::set_merge_by_itself(&mut tx, &cx, true).await.unwrap();
        tx.commit().await.unwrap();
        let old = import(&db, &cx, &[
            buyer(&keys, Some("one"), &["13800000001"]), buyer(&keys, Some("two"), &[]), buyer(&keys, Some("three"), &[]),
        ]).await.created;
        let before = dump_all(db.db(), "customers_", 1).await;
        // A new one who shares a phone with `one`; evidence for two that were there; and one that holds
        // together `three` and the new one.
        let done = import(&db, &cx, &[
            buyer(&keys, Some("new"), &["13800000001", "13800000003"]),
            buyer(&keys, Some("two"), &["13800000001"]),
            buyer(&keys, Some("three"), &["13800000003"]),
        ]).await;
        let mut tx = db.db().begin().await.unwrap();
        let applied = customers::suggestions::apply_open(&mut tx, &cx, None, 100).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((applied.merged, applied.next), (3, None));
        let mut tx = db.db().read().await.unwrap();
        assert!(check_take_back(&mut tx, cx.scope, &done).await.unwrap().is_nothing());
        drop(tx);
        assert_eq!(undo(&db, &cx, &done).await.unwrap(), 4);
        let mut tx = db.db().read().await.unwrap();
        for id in &old {
            let family = customers::roots::family(&mut tx, cx.scope, kernel::TypedId::uuid(*id)).await.unwrap();
            assert_eq!(family.len(), 1, "apart again");
        }
        drop(tx);
        let lasting = |rows: &[String]| -> Vec<String> {
            let kept = |row: &&String| {
                ["customers_identities", "customers_suggestions"].iter().any(|table| row.starts_with(table))
            };
            rows.iter().filter(kept).cloned().collect()
        };
        let after = dump_all(db.db(), "customers_", 1).await;
        assert_eq!(lasting(&after), lasting(&before));
        let merges = after.iter().filter(|row| row.starts_with("customers_merges")).count();
        assert_eq!(merges, 2, "that with the one who is gone is gone");
    }

    async fn a_tag_that_was_taken_off_again_does_not_stand_against_it(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let done = import(&db, &cx, &[buyer(&keys, Some("a"), &[])]).await;
        let mut tx = db.db().begin().await.unwrap();
        let tag = customers::tags::create(&mut tx, &cx, "t".parse().unwrap(), "red".parse().unwrap()).await.unwrap();
        customers::tags::set(&mut tx, &cx, done.created[0], &[tag.id]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(refusal(&db, &cx, &done).await.tagged, 1);
        let mut tx = db.db().begin().await.unwrap();
        customers::tags::set(&mut tx, &cx, done.created[0], &[]).await.unwrap();
        tx.commit().await.unwrap();
        undo(&db, &cx, &done).await.unwrap();
    }
}

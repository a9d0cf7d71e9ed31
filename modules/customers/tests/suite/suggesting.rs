//! Suggestions: shown with masked evidence, dismissed, settled by merges, applied where allowed.

use customers::merge;
use customers::resolve::{Resolver, Sighting};
use customers::suggestions::{self, DismissError, Suggestion};
use customers::{roots, settings};
use kernel::{CustomerId, SuggestionId};
use platform::{Ctx, Scope};
use testkit::{TestDb, db_test};

use crate::tools::{MIGRATIONS, buyer, resolve};

async fn see(db: &TestDb, cx: &Ctx, sightings: &[Sighting]) -> Vec<CustomerId> {
    let resolved = resolve(db.db(), cx, &db.keys(), &mut Resolver::new(), sightings).await;
    resolved.customers.into_iter().map(Option::unwrap).collect()
}

async fn open(db: &TestDb, scope: Scope) -> Vec<Suggestion> {
    let mut tx = db.db().read().await.unwrap();
    let page = suggestions::list(&mut tx, scope, &db.keys(), None, 200).await.unwrap();
    assert_eq!(page.next, None);
    assert!(suggestions::count_open(&mut tx, scope, 100).await.unwrap() >= page.items.len() as i64);
    page.items
}

async fn merge_two(db: &TestDb, cx: &Ctx, keep: CustomerId, absorb: CustomerId) -> kernel::MergeId {
    let mut tx = db.db().begin().await.unwrap();
    let merge = merge::merge(&mut tx, cx, keep, absorb).await.unwrap();
    tx.commit().await.unwrap();
    merge.id
}

async fn part(db: &TestDb, cx: &Ctx, id: kernel::MergeId) {
    let mut tx = db.db().begin().await.unwrap();
    merge::unmerge(&mut tx, cx, id).await.unwrap();
    tx.commit().await.unwrap();
}

async fn dismiss(db: &TestDb, cx: &Ctx, id: SuggestionId) -> Result<(), DismissError> {
    let mut tx = db.db().begin().await.unwrap();
    suggestions::dismiss(&mut tx, cx, id).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn apply(db: &TestDb, cx: &Ctx, most: usize) -> usize {
    let mut tx = db.db().begin().await.unwrap();
    let mut after = None;
    let mut merged = 0;
    loop {
        let done = suggestions::apply_open(&mut tx, cx, after, most - merged).await.unwrap();
        merged += done.merged;
        after = done.next;
        if after.is_none() || merged == most {
            break;
        }
    }
    tx.commit().await.unwrap();
    merged
}

db_test! { MIGRATIONS;
    async fn a_pair_comes_once_with_all_its_evidence(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let ids = see(&db, &cx, &[
            buyer(&keys, Some("a"), &["13800001234", "li@example.com"]),
            buyer(&keys, Some("b"), &["13800001234", "li@example.com"]),
            buyer(&keys, Some("c"), &["13800001234"]),
        ]).await;
        let found = open(&db, cx.scope).await;
        let seen: Vec<_> = found.iter().map(|s| (s.a, s.b, s.score)).collect();
        assert_eq!(seen, [(ids[0], ids[1], 90), (ids[0], ids[2], 70)]);
        let values: Vec<&str> = found[0].evidence.iter().map(|e| e.value.as_str()).collect();
        assert_eq!(values, ["l***@example.com", "138****1234"]);

        let mut tx = db.db().read().await.unwrap();
        let (mut pages, mut place) = (Vec::new(), None);
        loop {
            let page = suggestions::list(&mut tx, cx.scope, &keys, place, 1).await.unwrap();
            pages.extend(page.items);
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(pages, found);
        let of_c = suggestions::of(&mut tx, cx.scope, &keys, &[kernel::TypedId::uuid(ids[2])]).await.unwrap();
        assert_eq!(of_c, [found[1].clone()]);
    }

    async fn dismissed_ones_do_not_come_again(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings = [
            buyer(&keys, Some("a"), &["13800001234", "li@example.com"]),
            buyer(&keys, Some("b"), &["13800001234", "li@example.com"]),
        ];
        let ids = see(&db, &cx, &sightings).await;
        let id = open(&db, cx.scope).await[0].id;
        dismiss(&db, &cx, id).await.unwrap();
        dismiss(&db, &cx, id).await.unwrap();
        see(&db, &cx, &sightings).await;
        assert_eq!(open(&db, cx.scope).await, []);
        let merge = merge_two(&db, &cx, ids[0], ids[1]).await;
        part(&db, &cx, merge).await;
        assert_eq!(open(&db, cx.scope).await, [], "parting opens only what merging settled");
        let unknown = kernel::TypedId::from_uuid(uuid::Uuid::nil());
        assert!(matches!(dismiss(&db, &cx, unknown).await, Err(DismissError::Unknown(_))));
    }

    async fn merging_settles_and_parting_opens_again(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let ids = see(&db, &cx, &[
            buyer(&keys, Some("a"), &["13800000001"]),
            buyer(&keys, Some("b"), &["13800000001", "13800000002"]),
            buyer(&keys, Some("c"), &["13800000002"]),
        ]).await;
        let before = open(&db, cx.scope).await;
        assert_eq!(before.len(), 2);
        let first = merge_two(&db, &cx, ids[0], ids[1]).await;
        let between = open(&db, cx.scope).await;
        assert_eq!(between.len(), 1);
        assert_eq!((between[0].a, between[0].b), (ids[0], ids[2]), "roots are suggested");
        assert!(matches!(dismiss(&db, &cx, before.iter().find(|s| s.id != between[0].id).unwrap().id).await,
            Err(DismissError::Merged)));
        let second = merge_two(&db, &cx, ids[2], ids[0]).await;
        assert_eq!(open(&db, cx.scope).await, []);
        // b leaves the larger family: it is apart from a and from c.
        part(&db, &cx, first).await;
        assert_eq!(open(&db, cx.scope).await.len(), 2);
        part(&db, &cx, second).await;
        assert_eq!(open(&db, cx.scope).await, before);
    }

    async fn a_family_is_not_suggested_to_itself(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let ids = see(&db, &cx, &[buyer(&keys, Some("a"), &[]), buyer(&keys, Some("b"), &[])]).await;
        let merge = merge_two(&db, &cx, ids[0], ids[1]).await;
        see(&db, &cx, &[buyer(&keys, Some("a"), &["13800000001"]), buyer(&keys, Some("b"), &["13800000001"])]).await;
        assert_eq!(open(&db, cx.scope).await, []);
        let mut tx = db.db().read().await.unwrap();
        assert_eq!(suggestions::count_open(&mut tx, cx.scope, 10).await.unwrap(), 0);
        drop(tx);
        part(&db, &cx, merge).await;
        assert_eq!(open(&db, cx.scope).await.len(), 1);
    }

    async fn merging_by_itself_must_be_turned_on(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let mut sightings = vec![
            buyer(&keys, Some("a"), &["13800000001"]),
            buyer(&keys, Some("b"), &["13800000001", "li@example.com"]),
            buyer(&keys, Some("c"), &["li@example.com"]),
        ];
        // A forwarder's phone, in too many hands.
        sightings.extend((0..9).map(|n| buyer(&keys, Some(&format!("f{n}")), &["13900000000"])));
        let ids = see(&db, &cx, &sightings).await;
        assert_eq!(apply(&db, &cx, 100).await, 0);
        let mut tx = db.db().begin().await.unwrap();
        settings::set_merge_by_itself(&mut tx, &cx, true).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(apply(&db, &cx, 1).await, 1);
        assert_eq!(apply(&db, &cx, 100).await, 1);
        assert_eq!(apply(&db, &cx, 100).await, 0);
        let mut tx = db.db().read().await.unwrap();
        let family = roots::family(&mut tx, cx.scope, kernel::TypedId::uuid(ids[0])).await.unwrap();
        assert_eq!(family.len(), 3, "the one known longest keeps");
        let merges = merge::merges(&mut tx, &cx, &family).await.unwrap();
        drop(tx);
        assert_eq!(open(&db, cx.scope).await.len(), 4, "the forwarder's");
        // What people part stays apart.
        for merge in merges {
            part(&db, &cx, merge.id).await;
        }
        assert_eq!(apply(&db, &cx, 100).await, 0);
        assert_eq!(open(&db, cx.scope).await.len(), 6);
    }
}

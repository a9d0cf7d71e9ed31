//! A merge moves nothing, and undoing it leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};

use customers::merge::{self, MergeError, UnmergeError};
use customers::notes::{self, NoteText};
use customers::tags::{self, BulkChange};
use customers::{invariants, roots};
use kernel::{CustomerId, MergeId, TagId, TypedId};
use platform::{Ctx, Tx, args};
use proptest::prelude::*;
use testkit::db_test;
use uuid::Uuid;

use crate::tools::{MIGRATIONS, ctx_of_org, keepers, known};

const ACCOUNTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

#[derive(Debug, Clone)]
enum Step {
    Merge(usize, usize),
    Unmerge(usize),
    Note(usize),
    Unnote(usize),
    Tag(usize, usize),
    Untag(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..ACCOUNTS.len();
    prop_oneof![
        4 => (who.clone(), who.clone()).prop_map(|(keep, absorb)| Step::Merge(keep, absorb)),
        3 => (0..8_usize).prop_map(Step::Unmerge),
        1 => who.clone().prop_map(Step::Note),
        1 => (0..8_usize).prop_map(Step::Unnote),
        3 => (who.clone(), 0..3_usize).prop_map(|(who, tag)| Step::Tag(who, tag)),
        2 => (who, 0..3_usize).prop_map(|(who, tag)| Step::Untag(who, tag)),
    ]
}

/// What should be true.
#[derive(Debug, Default)]
struct Model {
    keeper: BTreeMap<usize, usize>,
    /// Merge, keeper, absorbed, whether it holds.
    merges: Vec<(MergeId, usize, usize, bool)>,
    taggings: BTreeSet<(usize, usize)>,
    /// Note and to whom it was given.
    notes: Vec<(kernel::NoteId, usize)>,
}

impl Model {
    fn root(&self, mut who: usize) -> usize {
        while let Some(keeper) = self.keeper.get(&who) {
            who = *keeper;
        }
        who
    }

    fn family(&self, root: usize) -> BTreeSet<usize> {
        (0..ACCOUNTS.len()).filter(|who| self.root(*who) == root).collect()
    }
}

struct World {
    cx: Ctx,
    org: i32,
    keys: platform::crypto::OrgKeys,
    ids: Vec<CustomerId>,
    tags: Vec<TagId>,
}

impl World {
    fn place(&self, id: Uuid) -> usize {
        self.ids.iter().position(|known| known.uuid() == id).unwrap()
    }

    async fn take(&self, tx: &mut Tx, model: &mut Model, step: &Step) {
        match *step {
            Step::Merge(keep, absorb) => self.merge(tx, model, keep, absorb).await,
            Step::Unmerge(which) => {
                let Some(row) = model.merges.get_mut(which) else { return };
                let done = merge::unmerge(tx, &self.cx, row.0).await;
                if row.3 {
                    let done = done.unwrap();
                    row.3 = false;
                    let (keep, absorb) = (row.1, row.2);
                    model.keeper.remove(&absorb);
                    assert_eq!(done.parted, self.ids[absorb]);
                    assert_eq!(done.kept, self.ids[model.root(keep)]);
                } else {
                    assert!(matches!(done, Err(UnmergeError::AlreadyUndone)), "{done:?}");
                }
            }
            Step::Note(who) => {
                let text: NoteText = format!("note on {who}").parse().unwrap();
                let note = notes::add(tx, &self.cx, &self.keys, self.ids[who], text).await.unwrap();
                assert_eq!(note.customer, self.ids[model.root(who)]);
                model.notes.push((note.id, model.root(who)));
            }
            Step::Unnote(which) => {
                if which < model.notes.len() {
                    let (note, who) = model.notes.remove(which);
                    // Whoever of the family is asked.
                    let any = *model.family(model.root(who)).first().unwrap();
                    notes::delete(tx, &self.cx, self.ids[any], note).await.unwrap();
                }
            }
            Step::Tag(who, tag) => {
                let root = model.root(who);
                let had = model.family(root).iter().any(|m| model.taggings.contains(&(*m, tag)));
                let changed = self.change(tx, who, Some(tag), None).await;
                assert_eq!(changed, u64::from(!had));
                if !had {
                    model.taggings.insert((root, tag));
                }
            }
            Step::Untag(who, tag) => {
                let family = model.family(model.root(who));
                let had = family.iter().any(|member| model.taggings.contains(&(*member, tag)));
                assert_eq!(self.change(tx, who, None, Some(tag)).await, u64::from(had));
                model.taggings.retain(|row| row.1 != tag || !family.contains(&row.0));
            }
        }
    }

    async fn merge(&self, tx: &mut Tx, model: &mut Model, keep: usize, absorb: usize) {
        let done = merge::merge(tx, &self.cx, self.ids[keep], self.ids[absorb]).await;
        if keep == absorb {
            assert!(matches!(done, Err(MergeError::Same)), "{done:?}");
        } else if model.root(keep) != keep || model.root(absorb) != absorb {
            assert!(matches!(done, Err(MergeError::NotRoot { .. })), "{done:?}");
        } else {
            let done = done.unwrap();
            assert_eq!(done.absorb_name, format!("name of {}", ACCOUNTS[absorb]));
            model.keeper.insert(absorb, keep);
            model.merges.push((done.id, keep, absorb, true));
        }
    }

    async fn change(
        &self,
        tx: &mut Tx,
        who: usize,
        add: Option<usize>,
        remove: Option<usize>,
    ) -> u64 {
        let tags = |which: Option<usize>| which.map(|tag| self.tags[tag]).into_iter().collect();
        let change =
            BulkChange { customers: vec![self.ids[who]], add: tags(add), remove: tags(remove) };
        tags::change(tx, &self.cx, &change).await.unwrap()
    }

    async fn agrees(&self, tx: &mut Tx, model: &Model) {
        let scope = self.cx.scope;
        let keepers: BTreeMap<usize, usize> = keepers(tx, self.org)
            .await
            .into_iter()
            .filter_map(|(id, keeper)| Some((self.place(id), self.place(keeper?))))
            .collect();
        assert_eq!(keepers, model.keeper);

        let rows: Vec<(Uuid, Uuid)> = tx
            .fetch_all(
                "SELECT customer_id, tag_id FROM customers_taggings WHERE org_id = $1",
                args![scope.org_arg()],
            )
            .await
            .unwrap();
        let tag_at = |id: Uuid| self.tags.iter().position(|tag| tag.uuid() == id).unwrap();
        let taggings: BTreeSet<(usize, usize)> =
            rows.into_iter().map(|(who, tag)| (self.place(who), tag_at(tag))).collect();
        assert_eq!(taggings, model.taggings);

        let all: Vec<Uuid> = self.ids.iter().map(|id| id.uuid()).collect();
        let root_of = roots::roots(tx, scope, &all).await.unwrap();
        let merged = roots::all_merged(tx, scope).await.unwrap();
        let tops: BTreeSet<usize> = (0..all.len()).map(|who| model.root(who)).collect();
        let top_ids: Vec<Uuid> = tops.iter().map(|top| all[*top]).collect();
        let families = roots::families(tx, scope, &top_ids).await.unwrap();
        assert_eq!(families.len(), tops.len());
        let counted = tags::all(tx, &self.cx).await.unwrap();
        for (number, tag) in self.tags.iter().enumerate() {
            let having = tops.iter().filter(|top| {
                model.family(**top).iter().any(|who| model.taggings.contains(&(*who, number)))
            });
            let shown = counted.iter().find(|row| row.id == *tag).unwrap();
            assert_eq!(shown.customers, having.count() as i64);
        }
        for who in 0..all.len() {
            let root = all[model.root(who)];
            assert_eq!(root_of[&all[who]], root);
            assert_eq!(merged.get(&all[who]).copied(), (root != all[who]).then_some(root));
        }
        for top in &tops {
            let family = &families[&all[*top]];
            assert_eq!(family[0], all[*top]);
            let places: BTreeSet<usize> = family.iter().map(|id| self.place(*id)).collect();
            assert_eq!(places, model.family(*top));
            let shown = notes::notes(tx, scope, &self.keys, family, None, 200).await.unwrap();
            let shown: BTreeSet<_> =
                shown.into_iter().map(|note| (note.id, self.place(note.customer.uuid()))).collect();
            let expected: BTreeSet<_> =
                model.notes.iter().filter(|note| places.contains(&note.1)).copied().collect();
            assert_eq!(shown, expected);
            let holding = merge::merges(tx, &self.cx, family).await.unwrap();
            let holding: BTreeSet<MergeId> = holding.into_iter().map(|merge| merge.id).collect();
            let expected: BTreeSet<MergeId> = model
                .merges
                .iter()
                .filter(|row| row.3 && places.contains(&row.2))
                .map(|row| row.0)
                .collect();
            assert_eq!(holding, expected);
        }
    }
}

db_test! { MIGRATIONS;
    async fn any_order_of_merging_and_parting_agrees_with_the_model(db) {
        testkit::for_each_case(24, prop::collection::vec(step(), 1..30), async |org, steps| {
            let cx = ctx_of_org(&db, org);
            let ids = known(&db, &cx, &ACCOUNTS).await;
            let mut tx = db.db().begin().await.unwrap();
            let mut tags = Vec::new();
            for name in ["red", "green", "blue"] {
                let (name, colour) = (name.parse().unwrap(), "blue".parse().unwrap());
                tags.push(tags::create(&mut tx, &cx, name, colour).await.unwrap().id);
            }
            let world = World { cx, org, keys: db.keys(), ids, tags };
            let mut model = Model::default();
            for step in &steps {
                world.take(&mut tx, &mut model, step).await;
                world.agrees(&mut tx, &model).await;
            }
            // Undo what is left: everyone is alone, with what was given to them.
            for which in 0..model.merges.len() {
                if model.merges[which].3 {
                    world.take(&mut tx, &mut model, &Step::Unmerge(which)).await;
                }
            }
            assert_eq!(model.keeper, BTreeMap::new());
            world.agrees(&mut tx, &model).await;
            let broken = invariants::check(&mut tx, world.cx.scope, &world.keys).await.unwrap();
            assert!(broken.iter().all(|(_, count)| *count == 0), "{broken:?}");
            tx.commit().await.unwrap();
        }).await;
    }

    async fn merges_at_once_make_no_circle(db) {
        let cx = db.ctx();
        for round in 0..10 {
            let names = [format!("x{round}"), format!("y{round}")];
            let ids = known(&db, &cx, &[&names[0], &names[1]]).await;
            let tasks: Vec<_> = [(ids[0], ids[1]), (ids[1], ids[0])]
                .into_iter()
                .map(|(keep, absorb)| {
                    let (handle, cx) = (db.db().clone(), db.ctx());
                    tokio::spawn(async move {
                        let mut tx = handle.begin().await.unwrap();
                        let done = merge::merge(&mut tx, &cx, keep, absorb).await;
                        if done.is_ok() {
                            tx.commit().await.unwrap();
                        }
                        done.is_ok()
                    })
                })
                .collect();
            let mut won = 0;
            for task in tasks {
                won += u32::from(task.await.unwrap());
            }
            assert_eq!(won, 1);
        }
    }

    async fn a_family_has_an_end(db) {
        let cx = db.ctx();
        let names: Vec<String> = (0..=roots::FAMILY_MAX).map(|n| format!("account{n}")).collect();
        let ids = known(&db, &cx, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut tx = db.db().begin().await.unwrap();
        // A chain, the deepest shape there is.
        for pair in ids[..roots::FAMILY_MAX].windows(2) {
            merge::merge(&mut tx, &cx, pair[1], pair[0]).await.unwrap();
        }
        let refused = merge::merge(&mut tx, &cx, ids[roots::FAMILY_MAX], ids[roots::FAMILY_MAX - 1]).await;
        assert!(matches!(refused, Err(MergeError::FamilyTooLarge { size: 101 })), "{refused:?}");
        let top = ids[roots::FAMILY_MAX - 1].uuid();
        assert_eq!(roots::root(&mut tx, cx.scope, ids[0].uuid()).await.unwrap(), top);
        assert_eq!(roots::family(&mut tx, cx.scope, top).await.unwrap().len(), roots::FAMILY_MAX);
        assert_eq!(roots::all_merged(&mut tx, cx.scope).await.unwrap()[&ids[0].uuid()], top);
        let unknown = CustomerId::from_uuid(Uuid::nil());
        let refused = merge::merge(&mut tx, &cx, ids[0], unknown).await;
        assert!(refused.is_err());
        let names = roots::name_of(&mut tx, cx.scope, &[ids[0].uuid(), Uuid::nil()]).await.unwrap();
        assert_eq!(names.len(), 1);
        assert_eq!(names[&ids[0].uuid()], (top, "name of account99".to_owned()));
    }
}

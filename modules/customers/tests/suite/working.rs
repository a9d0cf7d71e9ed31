//! Editing, tagging, noting, saving views, and what is told of it.

use customers::edit::{self, CustomerName, Edit, EditError};
use customers::events::CustomersChangedV1;
use customers::history::{self, Change, ChangeKind};
use customers::notes::{self, NoteError};
use customers::settings;
use customers::tags::{self, BulkChange, TagError};
use customers::views::{self, NewView, ViewError};
use customers::{Rating, merge, roots};
use kernel::{CustomerId, TagId, TypedId, UserId};
use platform::{Event as _, Tx};
use sqlx::AssertSqlSafe;
use testkit::db_test;
use uuid::Uuid;

use crate::tools::{MIGRATIONS, known};

/// Who was told of as changed since the last call.
async fn told(tx: &mut Tx, seen: &mut usize) -> Vec<Vec<CustomerId>> {
    let order = if tx.is_postgres() { "seq" } else { "position" };
    let sql = format!("SELECT topic, payload FROM platform_outbox ORDER BY {order}");
    let rows: Vec<(String, String)> = tx.fetch_all(AssertSqlSafe(sql), vec![]).await.unwrap();
    let new = rows[*seen..].iter().map(|(topic, payload)| {
        assert_eq!(topic, CustomersChangedV1::TOPIC);
        serde_json::from_str::<CustomersChangedV1>(payload).unwrap().customers
    });
    let new = new.collect();
    *seen = rows.len();
    new
}

async fn entries(tx: &mut Tx, scope: platform::Scope, id: CustomerId) -> Vec<history::Entry> {
    let family = roots::family(tx, scope, id.uuid()).await.unwrap();
    history::history(tx, scope, &family, &ChangeKind::ALL, None, 100).await.unwrap()
}

db_test! { MIGRATIONS;
    async fn an_edit_needs_the_present_version(db) {
        let user = UserId::from_uuid(Uuid::from_u128(9));
        let cx = db.ctx_of(user);
        let id = known(&db, &cx, &["a"]).await[0];
        let mut tx = db.db().begin().await.unwrap();
        let mut after = 0;
        let name: CustomerName = " 李雷 ".parse().unwrap();
        let change = Edit { name: Some(name.clone()), rating: Some(Some(Rating::A)), ..Edit::default() };
        let edited = edit::edit(&mut tx, &cx, id, 1, &change).await.unwrap();
        assert_eq!((edited.version, edited.name.as_str(), edited.rating), (2, "李雷", Some(Rating::A)));
        assert_eq!(told(&mut tx, &mut after).await, [[id]]);
        let stale = edit::edit(&mut tx, &cx, id, 1, &change).await.unwrap_err();
        assert!(matches!(&stale, EditError::Stale(present) if *present == edited), "{stale:?}");
        let same = edit::edit(&mut tx, &cx, id, 2, &change).await.unwrap();
        assert_eq!(same.version, 2, "nothing changed");
        let cleared = edit::edit(&mut tx, &cx, id, 2, &Edit { rating: Some(None), ..Edit::default() }).await.unwrap();
        assert_eq!((cleared.version, cleared.rating), (3, None));
        assert_eq!(told(&mut tx, &mut after).await.len(), 1);
        let entries = entries(&mut tx, cx.scope, id).await;
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].actor, Some(user));
        assert_eq!(entries[1].change, Change::Edit {
            name: Some(("name of a".into(), "李雷".into())), rating: Some((None, Some(Rating::A))), birthday: false });
        for text in ["", "  ", "a\nb", &"长".repeat(101)] {
            assert!(text.parse::<CustomerName>().is_err(), "{text}");
        }
        let unknown = CustomerId::from_uuid(Uuid::nil());
        assert!(matches!(edit::edit(&mut tx, &cx, unknown, 1, &change).await, Err(EditError::Unknown(_))));
    }

    async fn a_merged_customer_is_edited_through_its_keeper(db) {
        let cx = db.ctx();
        let ids = known(&db, &cx, &["a", "b"]).await;
        let mut tx = db.db().begin().await.unwrap();
        merge::merge(&mut tx, &cx, ids[0], ids[1]).await.unwrap();
        let refused = edit::edit(&mut tx, &cx, ids[1], 2, &Edit::default()).await.unwrap_err();
        assert!(matches!(refused, EditError::Merged { keeper, .. } if keeper == ids[0]));
    }

    async fn tags_are_unique_few_and_counted(db) {
        let cx = db.ctx();
        let mut tx = db.db().begin().await.unwrap();
        let colour: tags::Colour = "gold".parse().unwrap();
        tags::create(&mut tx, &cx, "VIP".parse().unwrap(), colour).await.unwrap();
        let taken = tags::create(&mut tx, &cx, "ｖｉｐ".parse().unwrap(), colour).await;
        assert!(matches!(taken, Err(TagError::Taken(name)) if name == "VIP"));
        for n in 1..settings::TAGS {
            tags::create(&mut tx, &cx, format!("tag {n}").parse().unwrap(), colour).await.unwrap();
        }
        let refused = tags::create(&mut tx, &cx, "more".parse().unwrap(), colour).await;
        assert!(matches!(refused, Err(TagError::TooMany(settings::TAGS))), "{refused:?}");
        assert_eq!(tags::all(&mut tx, &cx).await.unwrap().len(), settings::TAGS as usize);
        assert!("mauve".parse::<tags::Colour>().is_err());
        assert!("x".repeat(31).parse::<tags::TagName>().is_err());
    }

    async fn bulk_changes_count_pairs_and_can_be_undone(db) {
        let cx = db.ctx();
        let names: Vec<String> = (0..1_000).map(|n| format!("account{n}")).collect();
        let ids = known(&db, &cx, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut tx = db.db().begin().await.unwrap();
        let mut made: Vec<TagId> = Vec::new();
        for name in ["x", "y"] {
            made.push(tags::create(&mut tx, &cx, name.parse().unwrap(), "red".parse().unwrap()).await.unwrap().id);
        }
        tags::set(&mut tx, &cx, ids[0], &[made[0]]).await.unwrap();
        let mut after = 0;
        told(&mut tx, &mut after).await;
        let change = BulkChange { customers: ids.clone(), add: made.clone(), remove: vec![] };
        assert_eq!(tags::change(&mut tx, &cx, &change).await.unwrap(), 1_999);
        assert_eq!(tags::change(&mut tx, &cx, &change).await.unwrap(), 0);
        assert_eq!(told(&mut tx, &mut after).await, std::slice::from_ref(&ids));
        let counts: Vec<i64> = tags::all(&mut tx, &cx).await.unwrap().iter().map(|tag| tag.customers).collect();
        assert_eq!(counts, [1_000, 1_000]);
        let undo = BulkChange { customers: ids.clone(), add: vec![], remove: made.clone() };
        assert_eq!(tags::change(&mut tx, &cx, &undo).await.unwrap(), 2_000);
        let entries = entries(&mut tx, cx.scope, ids[5]).await;
        let kinds: Vec<ChangeKind> = entries.iter().map(|entry| entry.change.kind()).collect();
        assert_eq!(kinds, [ChangeKind::Untag, ChangeKind::Tag]);
        assert_eq!(entries[1].change.title(), "x, y");

        let unknown = TagId::from_uuid(Uuid::nil());
        let both = BulkChange { customers: ids[..1].to_vec(), add: made.clone(), remove: made.clone() };
        assert!(matches!(tags::change(&mut tx, &cx, &both).await, Err(TagError::Both(_))));
        let bad = BulkChange { customers: ids[..1].to_vec(), add: vec![unknown], remove: vec![] };
        assert!(matches!(tags::change(&mut tx, &cx, &bad).await, Err(TagError::Unknown(_))));
        let nobody = CustomerId::from_uuid(Uuid::nil());
        let bad = BulkChange { customers: vec![ids[0], nobody], add: made, remove: vec![] };
        assert!(matches!(tags::change(&mut tx, &cx, &bad).await, Err(TagError::UnknownCustomers(who)) if who == [nobody]));
        let many = BulkChange { customers: vec![nobody; 1_001], ..BulkChange::default() };
        assert!(matches!(tags::change(&mut tx, &cx, &many).await, Err(TagError::TooManyCustomers)));
    }

    async fn a_deleted_tag_is_off_everyone(db) {
        let cx = db.ctx();
        let ids = known(&db, &cx, &["a", "b"]).await;
        let mut tx = db.db().begin().await.unwrap();
        let tag = tags::create(&mut tx, &cx, "t".parse().unwrap(), "red".parse().unwrap()).await.unwrap();
        let other = tags::create(&mut tx, &cx, "u".parse().unwrap(), "red".parse().unwrap()).await.unwrap();
        let set = tags::set(&mut tx, &cx, ids[0], &[other.id, tag.id]).await.unwrap();
        assert_eq!(set, [tag.clone(), other.clone()]);
        let mut after = 0;
        told(&mut tx, &mut after).await;
        tags::delete(&mut tx, &cx, tag.id).await.unwrap();
        assert_eq!(told(&mut tx, &mut after).await, [[ids[0]]]);
        assert!(matches!(tags::delete(&mut tx, &cx, tag.id).await, Err(TagError::Unknown(_))));
        let left = customers::profiles::profiles(&mut tx, &cx, &ids).await.unwrap();
        assert_eq!(left[0].tags, [other]);
        assert_eq!(left[1].tags, []);
    }

    async fn notes_come_and_go(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let ids = known(&db, &cx, &["a", "b"]).await;
        let mut tx = db.db().begin().await.unwrap();
        let mut made = Vec::new();
        for n in 0..5 {
            db.clock().advance_millis(n % 2);
            let text = format!("第 {n} 行\n下一行").parse().unwrap();
            made.push(notes::add(&mut tx, &cx, &keys, ids[0], text).await.unwrap());
        }
        made.reverse();
        let family = [ids[0].uuid()];
        let first = notes::notes(&mut tx, cx.scope, &keys, &family, None, 2).await.unwrap();
        let place = (first[1].created_at, first[1].id.uuid());
        let rest = notes::notes(&mut tx, cx.scope, &keys, &family, Some(place), 10).await.unwrap();
        assert_eq!([first, rest].concat(), made);
        let refused = notes::delete(&mut tx, &cx, ids[1], made[0].id).await;
        assert!(matches!(refused, Err(NoteError::Unknown(_))), "it is not b's");
        notes::delete(&mut tx, &cx, ids[0], made[0].id).await.unwrap();
        assert_eq!(notes::notes(&mut tx, cx.scope, &keys, &family, None, 10).await.unwrap(), made[1..]);
        for text in ["", " \n ", "\u{7}", &"x".repeat(5_001)] {
            assert!(text.parse::<notes::NoteText>().is_err());
        }
        let nobody = CustomerId::from_uuid(Uuid::nil());
        let refused = notes::add(&mut tx, &cx, &keys, nobody, "x".parse().unwrap()).await;
        assert!(matches!(refused, Err(NoteError::UnknownCustomer(_))));
    }

    async fn views_are_ones_own_or_shared(db) {
        let [me, you] = [1, 2].map(|n| db.ctx_of(UserId::from_uuid(Uuid::from_u128(n))));
        let mut tx = db.db().begin().await.unwrap();
        let view = |name: &str, shared| NewView::parse("customers", name, "?tier=lost", shared).unwrap();
        let mine = views::create(&mut tx, &me, view("mine", false)).await.unwrap();
        let ours = views::create(&mut tx, &me, view("ours", true)).await.unwrap();
        assert_eq!(views::list(&mut tx, &me, "customers").await.unwrap(), [mine.clone(), ours.clone()]);
        assert_eq!(mine.query, "tier=lost");
        let seen = views::list(&mut tx, &you, "customers").await.unwrap();
        assert_eq!(seen.iter().map(|view| (view.id, view.own)).collect::<Vec<_>>(), [(ours.id, false)]);
        assert_eq!(views::list(&mut tx, &you, "orders").await.unwrap(), []);
        assert!(matches!(views::delete(&mut tx, &you, ours.id).await, Err(ViewError::Unknown(_))));
        views::delete(&mut tx, &me, mine.id).await.unwrap();
        for n in 1..views::VIEWS_MAX {
            views::create(&mut tx, &me, view(&n.to_string(), false)).await.unwrap();
        }
        assert!(matches!(views::create(&mut tx, &me, view("more", false)).await, Err(ViewError::TooMany)));
        let wrong = NewView::parse("Cus tomers", " ", &"x".repeat(2_001), false).unwrap_err();
        assert_eq!(wrong.into_vec().len(), 3);
    }
}

//! Birthdays: who has which, and whose is kept on a day.

use almanac::Calendar;
use chrono::NaiveDate;
use customers::birthdays::{self, Birthday, BirthdayBody, OnDay};
use customers::edit::{self, Edit, EditError};
use customers::erase::{self, ErasureReason};
use customers::history::{self, Change, ChangeKind};
use customers::{invariants, merge, roots};
use kernel::{CustomerId, Reach, TypedId, UserId};
use platform::access::{Access, FieldRule, FieldRules, Permissions};
use platform::{Ctx, Tx, args};
use testkit::db_test;
use uuid::Uuid;

use crate::tools::{MIGRATIONS, dump, known};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// `solar 3 8`, `lunar 8 15`, `leap 6 1`, with a year behind it or without.
fn birthday(text: &str) -> Birthday {
    let parts: Vec<&str> = text.split(' ').collect();
    let body = BirthdayBody {
        calendar: if parts[0] == "solar" { Calendar::Solar } else { Calendar::Lunar },
        month: parts[1].parse().unwrap(),
        day: parts[2].parse().unwrap(),
        is_leap_month: parts[0] == "leap",
        year: parts.get(3).map(|year| year.parse().unwrap()),
    };
    Birthday::parse(&body, day("2026-11-23")).unwrap()
}

async fn set(tx: &mut Tx, cx: &Ctx, id: CustomerId, to: Option<&str>) -> Result<(), EditError> {
    let (version,): (i64,) = tx
        .fetch_one("SELECT version FROM customers_customers WHERE id = $1", args![id.uuid()])
        .await
        .unwrap();
    let edit = Edit { birthday: Some(to.map(birthday)), ..Edit::default() };
    edit::edit(tx, cx, id, version, &edit).await.map(drop)
}

async fn of(tx: &mut Tx, cx: &Ctx, id: CustomerId) -> Option<Birthday> {
    let family = roots::family(tx, cx.scope, id.uuid()).await.unwrap();
    birthdays::of_family(tx, cx.scope, &cx.keys(), &family).await.unwrap()
}

async fn on(tx: &mut Tx, cx: &Ctx, date: &str) -> Vec<CustomerId> {
    let found = birthdays::on_days(tx, cx, &[day(date)], None, 50).await.unwrap();
    found.get(&day(date)).map_or(Vec::new(), |found| found.people.iter().map(|one| one.0).collect())
}

fn under(cx: &Ctx, rule: FieldRule) -> Ctx {
    let rules: FieldRules = [("customers.birthday", rule)].into_iter().collect();
    Ctx { access: Access::new(Permissions::everything(), Reach::ALL, rules), ..cx.clone() }
}

db_test! { MIGRATIONS;
    async fn a_birthday_is_found_on_its_days(db) {
        let cx = db.ctx();
        let ids = known(&db, &cx, &["a", "b", "c", "d", "e"]).await;
        let mut tx = db.db().begin().await.unwrap();
        for (id, text) in ids.iter().zip(["solar 2 29 2000", "lunar 8 15", "leap 6 1", "lunar 12 30", "solar 2 28"]) {
            set(&mut tx, &cx, *id, Some(text)).await.unwrap();
            assert_eq!(of(&mut tx, &cx, *id).await, Some(birthday(text)));
        }
        let [a, b, c, d, e] = ids[..] else { panic!() };
        for (date, who) in [
            ("2026-02-28", vec![a, e]),
            ("2028-02-28", vec![e]),
            ("2028-02-29", vec![a]),
            ("2026-09-25", vec![b]),
            ("2026-09-24", vec![]),
            ("2025-07-25", vec![c]),
            ("2025-06-25", vec![]),
            ("2026-07-14", vec![c]),
            ("2026-02-16", vec![d]),
        ] {
            assert_eq!(on(&mut tx, &cx, date).await, who, "{date}");
        }
        set(&mut tx, &cx, a, Some("solar 3 8")).await.unwrap();
        assert_eq!(on(&mut tx, &cx, "2028-02-29").await, []);
        assert_eq!(on(&mut tx, &cx, "2028-03-08").await, [a]);
        set(&mut tx, &cx, a, None).await.unwrap();
        assert_eq!(on(&mut tx, &cx, "2028-03-08").await, []);
        for (name, count) in invariants::check(&mut tx, cx.scope, &cx.keys()).await.unwrap() {
            assert_eq!(count, 0, "{name}");
        }
        tx.execute("UPDATE customers_birthdays SET kept = $1 WHERE customer_id = $2", args![[0_u8; 16], b.uuid()])
            .await
            .unwrap();
        let found = invariants::check(&mut tx, cx.scope, &cx.keys()).await.unwrap();
        assert!(found.contains(&("birthdays_open_to_their_index", 1)), "{found:?}");
    }

    async fn an_edit_tells_that_it_changed_and_not_what(db) {
        let cx = db.ctx_of(UserId::from_uuid(Uuid::from_u128(7)));
        let id = known(&db, &cx, &["a"]).await[0];
        let mut tx = db.db().begin().await.unwrap();
        set(&mut tx, &cx, id, Some("lunar 8 15 1990")).await.unwrap();
        set(&mut tx, &cx, id, Some("lunar 8 15 1990")).await.unwrap();
        let told = history::history(&mut tx, cx.scope, &[id.uuid()], &ChangeKind::ALL, None, 10).await.unwrap();
        assert_eq!(told.len(), 1, "the same again is no change");
        assert_eq!(told[0].change, Change::Edit { name: None, rating: None, birthday: true });
        let stale = edit::edit(&mut tx, &cx, id, 1, &Edit { birthday: Some(None), ..Edit::default() }).await;
        assert!(matches!(stale, Err(EditError::Stale(_))));
        let stored = [
            dump(&mut tx, "customers_birthdays", 1).await,
            dump(&mut tx, "customers_history", 1).await,
            dump(&mut tx, "platform_audit", 1).await,
        ];
        assert!(!stored.concat().concat().contains("lunar"), "{stored:?}");
    }

    async fn who_hides_birthdays_neither_sees_nor_changes_them(db) {
        let cx = db.ctx();
        let id = known(&db, &cx, &["a"]).await[0];
        let mut tx = db.db().begin().await.unwrap();
        set(&mut tx, &cx, id, Some("solar 3 8")).await.unwrap();
        for rule in [FieldRule::Hidden, FieldRule::ReadOnly] {
            let ruled = under(&cx, rule);
            for to in [None, Some("solar 3 9")] {
                let refused = set(&mut tx, &ruled, id, to).await;
                assert!(matches!(refused, Err(EditError::ReadOnly("customers.birthday"))), "{refused:?}");
            }
            let seen = on(&mut tx, &ruled, "2026-03-08").await;
            assert_eq!(seen.len(), usize::from(rule == FieldRule::ReadOnly), "{rule:?}");
        }
    }

    async fn of_a_family_the_roots_own_counts_and_then_the_first(db) {
        let cx = db.ctx();
        let ids = known(&db, &cx, &["a", "b", "c"]).await;
        let mut tx = db.db().begin().await.unwrap();
        set(&mut tx, &cx, ids[1], Some("solar 3 9")).await.unwrap();
        set(&mut tx, &cx, ids[2], Some("solar 3 10")).await.unwrap();
        let first = merge::merge(&mut tx, &cx, ids[0], ids[2]).await.unwrap();
        merge::merge(&mut tx, &cx, ids[0], ids[1]).await.unwrap();
        assert_eq!(of(&mut tx, &cx, ids[0]).await, Some(birthday("solar 3 9")));
        assert_eq!(on(&mut tx, &cx, "2026-03-09").await, [ids[0]]);
        assert_eq!(on(&mut tx, &cx, "2026-03-10").await, [], "it does not count while they are merged");
        set(&mut tx, &cx, ids[0], Some("solar 3 8")).await.unwrap();
        assert_eq!(on(&mut tx, &cx, "2026-03-08").await, [ids[0]]);
        assert_eq!(on(&mut tx, &cx, "2026-03-09").await, []);
        merge::unmerge(&mut tx, &cx, first.id).await.unwrap();
        assert_eq!(on(&mut tx, &cx, "2026-03-10").await, [ids[2]], "each has its own again");
        // Taken away it is gone from all of the family, and of nobody else.
        set(&mut tx, &cx, ids[0], None).await.unwrap();
        assert_eq!(of(&mut tx, &cx, ids[0]).await, None);
        assert_eq!(of(&mut tx, &cx, ids[1]).await, None);
        assert_eq!(of(&mut tx, &cx, ids[2]).await, Some(birthday("solar 3 10")));
    }

    async fn a_day_of_many_comes_in_pages(db) {
        let cx = db.ctx();
        let names: Vec<String> = (0..25).map(|number| format!("a{number}")).collect();
        let mut ids = known(&db, &cx, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut tx = db.db().begin().await.unwrap();
        for (number, id) in ids.iter().enumerate() {
            // 2026-09-25 is the fifteenth of the eighth lunar month.
            let text = if number % 2 == 0 { "lunar 8 15" } else { "solar 9 25" };
            set(&mut tx, &cx, *id, Some(text)).await.unwrap();
        }
        ids.sort_unstable();
        let date = day("2026-09-25");
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let found = birthdays::on_days(&mut tx, &cx, &[date], after, 10).await.unwrap();
            let OnDay { people, next } = found[&date].clone();
            assert!(people.len() <= 10);
            seen.extend(people.into_iter().map(|(id, _)| id));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids);
    }

    async fn an_erased_person_has_none(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let ids = known(&db, &cx, &["a", "b"]).await;
        let mut tx = db.db().begin().await.unwrap();
        for id in &ids {
            set(&mut tx, &cx, *id, Some("solar 3 8")).await.unwrap();
        }
        let held = erase::held(&mut tx, &cx, &keys, ids[0]).await.unwrap().unwrap();
        let erased = erase::erase(&mut tx, &cx, &held, ErasureReason::Request, None).await.unwrap();
        assert_eq!(erased.birthdays, 1);
        assert_eq!(on(&mut tx, &cx, "2026-03-08").await, [ids[1]]);
    }
}

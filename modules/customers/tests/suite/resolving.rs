//! Whose order is it?

use std::collections::BTreeSet;

use customers::AccountSpace;
use customers::resolve::{Resolver, SeenIdentity, Sighting};
use kernel::{CustomerId, Timestamp, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, Db, DbError, args};
use proptest::prelude::*;
use testkit::db_test;
use uuid::Uuid;

use crate::tools::{MIGRATIONS, TAOBAO, buyer, ctx_of_org, resolve};

const PHONE: &str = "13800001234";
const OTHER_PHONE: &str = "13900005678";
const EMAIL: &str = "li.lei@example.com";

async fn count(db: &Db, table: &str) -> i64 {
    let mut tx = db.read().await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    tx.fetch_one::<(i64,)>(sql, vec![]).await.unwrap().0
}

type Suggested = (Uuid, Uuid, i64, i64);

async fn suggestions(db: &Db) -> Vec<Suggested> {
    let mut tx = db.read().await.unwrap();
    tx.fetch_all("SELECT a, b, kind, score FROM customers_suggestions ORDER BY a, b, kind", vec![])
        .await
        .unwrap()
}

db_test! { MIGRATIONS;
    async fn the_account_decides_within_its_space(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let elsewhere = Sighting {
            account: SeenIdentity::account(&keys, AccountSpace::of_shop(7), "tea_lover"),
            ..Sighting::default()
        };
        let sightings = [
            buyer(&keys, Some("tea_lover"), &[PHONE]),
            buyer(&keys, Some(" Tea_Lover "), &[OTHER_PHONE]),
            buyer(&keys, Some("other"), &[]),
            elsewhere,
        ];
        let resolved = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await;
        let ids: Vec<CustomerId> = resolved.customers.iter().map(|id| id.unwrap()).collect();
        assert_eq!(ids[0], ids[1], "width, case and blanks do not matter");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(resolved.created, [ids[0], ids[2], ids[3]]);
        assert_eq!(count(db.db(), "customers_identities").await, 5);
        assert_eq!(suggestions(db.db()).await, []);

        let again = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await;
        assert_eq!(again.customers, resolved.customers);
        assert_eq!((again.created.len(), again.added.len(), again.matched), (0, 0, 4));
        assert_eq!(count(db.db(), "customers_identities").await, 5, "the same again adds nothing");
    }

    async fn what_fits_many_people_is_nobody(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings = [
            buyer(&keys, Some("t**3"), &[]),
            buyer(&keys, Some("  "), &["138****1234", "18877771111-123", "z***@example.com"]),
            buyer(&keys, None, &[]),
        ];
        let resolved = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await;
        assert_eq!(resolved.customers, [None, None, None]);
        assert_eq!(count(db.db(), "customers_customers").await, 0);
    }

    async fn a_shared_phone_suggests_a_merge_once(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings =
            [buyer(&keys, Some("one"), &[PHONE, EMAIL]), buyer(&keys, Some("two"), &["+86 138-0000-1234", EMAIL])];
        for resolver in [&mut Resolver::new(), &mut Resolver::new()] {
            for _ in 0..2 {
                resolve(db.db(), &cx, &keys, resolver, &sightings).await;
            }
        }
        let found = suggestions(db.db()).await;
        assert_eq!(count(db.db(), "customers_customers").await, 2, "nothing merges by itself");
        let kinds: Vec<(i64, i64)> = found.iter().map(|row| (row.2, row.3)).collect();
        assert_eq!(kinds, [(2, 70), (3, 90)], "one for the phone, one for the e-mail address");
        assert!(found.iter().all(|row| row.0 < row.1));
    }

    async fn a_forwarders_phone_stops_suggesting(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings: Vec<Sighting> =
            (0..40).map(|n| buyer(&keys, Some(&format!("buyer{n}")), &[PHONE])).collect();
        let mut resolver = Resolver::new();
        for batch in sightings.chunks(7) {
            resolve(db.db(), &cx, &keys, &mut resolver, batch).await;
        }
        assert_eq!(suggestions(db.db()).await.len(), 4, "five hands, then no more");
    }

    async fn contacts_decide_where_there_is_no_account(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings = [
            buyer(&keys, Some("one"), &[PHONE]),
            buyer(&keys, None, &[PHONE]),
            buyer(&keys, None, &[EMAIL]),
            buyer(&keys, None, &[EMAIL, OTHER_PHONE]),
            buyer(&keys, None, &[OTHER_PHONE]),
        ];
        let resolved = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await;
        let [one, by_phone, new, by_email, by_other_phone] = resolved.customers[..] else { panic!() };
        assert_eq!(one, by_phone);
        assert_ne!(one, new);
        assert_eq!(new, by_email);
        assert_eq!(new, by_other_phone);
    }

    async fn another_writer_makes_memory_stale(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let (mut ours, mut theirs) = (Resolver::new(), Resolver::new());
        let first = resolve(db.db(), &cx, &keys, &mut ours, &[buyer(&keys, Some("a"), &[])]).await;
        let made = resolve(db.db(), &cx, &keys, &mut theirs, &[buyer(&keys, Some("b"), &[PHONE])]).await;
        let both = [buyer(&keys, Some("b"), &[]), buyer(&keys, Some("a"), &[])];
        let seen = resolve(db.db(), &cx, &keys, &mut ours, &both).await;
        assert_eq!(seen.customers, [made.customers[0], first.customers[0]]);

        let mut ahead = Resolver::new();
        let mut tx = db.db().read().await.unwrap();
        ahead.read_ahead(&mut tx, &cx).await.unwrap();
        drop(tx);
        let made = resolve(db.db(), &cx, &keys, &mut theirs, &[buyer(&keys, Some("c"), &[])]).await;
        let seen = resolve(db.db(), &cx, &keys, &mut ahead, &[buyer(&keys, Some("c"), &[])]).await;
        assert_eq!(seen.customers, made.customers, "what was read ahead is not trusted any more");
    }

    async fn writers_at_once_make_each_account_once(db) {
        let keys = db.keys();
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let (handle, cx, keys) = (db.db().clone(), db.ctx(), keys.clone());
                tokio::spawn(async move {
                    let mut resolver = Resolver::new();
                    for round in 0..4 {
                        let sightings: Vec<Sighting> = (0..10)
                            .map(|k| buyer(&keys, Some(&format!("account{}", (round * 5 + n + k) % 30)), &[PHONE]))
                            .collect();
                        retrying(&handle, &cx, &keys, &mut resolver, &sightings).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut tx = db.db().read().await.unwrap();
        let (rows, hashes): (i64, i64) = tx
            .fetch_one("SELECT COUNT(*), COUNT(DISTINCT hash) FROM customers_identities WHERE kind = 1", vec![])
            .await
            .unwrap();
        drop(tx);
        assert_eq!(rows, hashes);
        assert_eq!(rows, count(db.db(), "customers_customers").await);
    }

    async fn a_lost_race_is_said_and_a_retry_wins(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let mut resolver = Resolver::new();
        let mut tx = db.db().begin().await.unwrap();
        resolver.read_ahead(&mut tx, &cx).await.unwrap();
        tx.commit().await.unwrap();
        // A writer who does not count its change, which ours never do.
        let seen = SeenIdentity::account(&keys, TAOBAO, "raced").unwrap();
        let winner = Uuid::from_u128(7);
        let mut tx = db.db().begin().await.unwrap();
        tx.execute(
            "INSERT INTO customers_customers (org_id, id, name, version, created_at, updated_at) VALUES (1, $1, 'w', 1, 0, 0)",
            args![winner]).await.unwrap();
        tx.execute(
            "INSERT INTO customers_identities (org_id, customer_id, kind, space, hash, plain, first_seen_at) VALUES (1, $1, 1, 1, $2, 'raced', 0)",
            args![winner, seen.hash]).await.unwrap();
        tx.commit().await.unwrap();
        let sightings = [buyer(&keys, Some("raced"), &[])];
        let mut tx = db.db().begin().await.unwrap();
        let error = resolver.resolve(&mut tx, &cx, &keys, &sightings).await.unwrap_err();
        assert!(matches!(error, DbError::Duplicate { .. }), "{error:?}");
        drop(tx);
        resolver.lost_race();
        let resolved = resolve(db.db(), &cx, &keys, &mut resolver, &sightings).await;
        assert_eq!(resolved.customers, [Some(CustomerId::from_uuid(winner))]);
        assert_eq!(count(db.db(), "customers_customers").await, 1);
    }

    async fn a_file_may_be_cut_anywhere(db) {
        let cases = (prop::collection::vec(sighting(), 1..25), prop::collection::vec(any::<bool>(), 25));
        let keys = db.keys();
        testkit::for_each_case(16, cases, async |org, (seen, cuts)| {
            let sightings: Vec<Sighting> = seen.iter().map(|seen| seen.sighting(&keys)).collect();
            let whole = ctx_of_org(&db, org);
            resolve(db.db(), &whole, &keys, &mut Resolver::new(), &sightings).await;
            let expected = outcome(db.db(), &whole, &keys).await;
            for (number, memory) in [Memory::Kept, Memory::Lost, Memory::ReadAhead].into_iter().enumerate() {
                let cx = ctx_of_org(&db, org + 1 + number as i32);
                in_batches(db.db(), &cx, &keys, &sightings, &cuts, memory).await;
                assert_eq!(outcome(db.db(), &cx, &keys).await, expected, "{memory:?}");
            }
        }).await;
    }
}

async fn retrying(
    db: &Db,
    cx: &Ctx,
    keys: &OrgKeys,
    resolver: &mut Resolver,
    sightings: &[Sighting],
) {
    for _ in 0..50 {
        let mut tx = db.begin().await.unwrap();
        match resolver.resolve(&mut tx, cx, keys, sightings).await {
            Ok(_) => return tx.commit().await.unwrap(),
            Err(DbError::Duplicate { .. } | DbError::Unavailable(_)) => resolver.lost_race(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("never won");
}

#[derive(Debug, Clone, Copy)]
enum Memory {
    Kept,
    Lost,
    ReadAhead,
}

async fn in_batches(
    db: &Db,
    cx: &Ctx,
    keys: &OrgKeys,
    sightings: &[Sighting],
    cuts: &[bool],
    memory: Memory,
) {
    let mut resolver = Resolver::new();
    let mut batch = Vec::new();
    for (place, sighting) in sightings.iter().enumerate() {
        batch.push(sighting.clone());
        if cuts[place % cuts.len()] || place + 1 == sightings.len() {
            match memory {
                Memory::Kept => {}
                Memory::Lost => resolver = Resolver::new(),
                Memory::ReadAhead => {
                    let mut tx = db.read().await.unwrap();
                    resolver.read_ahead(&mut tx, cx).await.unwrap();
                }
            }
            resolve(db, cx, keys, &mut resolver, &batch).await;
            batch.clear();
        }
    }
}

#[derive(Debug, Clone)]
struct Seen {
    account: Option<u8>,
    phone: Option<u8>,
    email: Option<u8>,
    at: i64,
}

fn sighting() -> impl Strategy<Value = Seen> {
    let account = prop::option::weighted(0.8, 0..8_u8);
    let phone = prop::option::weighted(0.7, 0..4_u8);
    let email = prop::option::weighted(0.4, 0..3_u8);
    (account, phone, email, 0..10_i64).prop_map(|(account, phone, email, at)| Seen {
        account,
        phone,
        email,
        at,
    })
}

impl Seen {
    fn sighting(&self, keys: &OrgKeys) -> Sighting {
        let account = self.account.map(|n| format!("account {n}"));
        let email = self.email.map(|n| format!("person{n}@example.com"));
        let phone = self.phone.map(|n| format!("1380000000{n}"));
        let contacts: Vec<&str> = email.iter().chain(&phone).map(String::as_str).collect();
        Sighting {
            seen_at: Some(Timestamp::from_millis(self.at)),
            ..buyer(keys, account.as_deref(), &contacts)
        }
    }
}

/// Who has which identity and what was suggested, customers by the order of their making.
async fn outcome(db: &Db, cx: &Ctx, keys: &OrgKeys) -> (Vec<String>, Vec<String>) {
    let org = args![cx.scope.org_arg()];
    let mut tx = db.read().await.unwrap();
    let ids: Vec<(Uuid, String)> = tx
        .fetch_all(
            "SELECT id, name FROM customers_customers WHERE org_id = $1 ORDER BY id",
            org.clone(),
        )
        .await
        .unwrap();
    let label = |id: Uuid| ids.iter().position(|row| row.0 == id).unwrap();
    type Identity = (Uuid, i64, Option<String>, Option<Vec<u8>>, i64);
    let rows: Vec<Identity> = tx
        .fetch_all(
            "SELECT customer_id, kind, plain, sealed, first_seen_at FROM customers_identities WHERE org_id = $1",
            org.clone(),
        )
        .await
        .unwrap();
    let mut identities: Vec<String> = rows
        .into_iter()
        .map(|(customer, kind, plain, sealed, at)| {
            let field = customers::IdentityKind::from_code(kind).unwrap().field();
            let value = plain.unwrap_or_else(|| keys.open_text(field, &sealed.unwrap()).unwrap());
            format!("{} has {value} since {at}", label(customer))
        })
        .collect();
    identities.extend(ids.iter().map(|(id, name)| format!("{} is {name}", label(*id))));
    identities.sort_unstable();
    type Suggestion = (Uuid, Uuid, i64, Vec<u8>, i64);
    let rows: Vec<Suggestion> = tx
        .fetch_all(
            "SELECT a, b, kind, hash, score FROM customers_suggestions WHERE org_id = $1",
            org,
        )
        .await
        .unwrap();
    let mut suggestions: Vec<String> = rows
        .into_iter()
        .map(|(a, b, kind, hash, score)| {
            format!("{} and {} share {kind} {hash:?} {score}", label(a), label(b))
        })
        .collect();
    suggestions.sort_unstable();
    (identities, suggestions)
}

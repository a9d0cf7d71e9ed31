//! What people correct stays corrected, whatever files say later, and can be given back.

use customers::identities::{self, Asked, IdentityError};
use customers::profiles;
use customers::resolve::{Resolved, Resolver, Sighting};
use customers::take_back::{self, TakeBackError};
use customers::{AccountSpace, IdentityKind, erase, merge};
use kernel::{CustomerId, IdentityId, TypedId as _};
use platform::{Ctx, args};
use proptest::prelude::*;
use testkit::{TestDb, db_test};

use crate::tools::{MIGRATIONS, TAOBAO, buyer, ctx_of_org, known, resolve};

const WRONG: &str = "13800001234";
const RIGHT: &str = "13900005678";
const EMAIL: &str = "li.lei@example.com";

/// A customer's present version, and the identities of its family as `kind value`.
async fn card(db: &TestDb, cx: &Ctx, customer: CustomerId) -> (i64, Vec<(String, IdentityId)>) {
    let mut tx = db.db().read().await.unwrap();
    let profile = profiles::profiles(&mut tx, cx, &[customer]).await.unwrap().pop().unwrap();
    let named =
        profile.identities.iter().map(|one| (format!("{:?} {}", one.kind, one.value), one.id));
    (profile.version, named.collect())
}

async fn values(db: &TestDb, cx: &Ctx, customer: CustomerId) -> Vec<String> {
    card(db, cx, customer).await.1.into_iter().map(|(value, _)| value).collect()
}

async fn asked(db: &TestDb, cx: &Ctx, customer: CustomerId) -> Asked {
    let (version, _) = card(db, cx, customer).await;
    Asked { customer, version, reason: "they called".parse().unwrap(), shared: false }
}

async fn id_of(db: &TestDb, cx: &Ctx, customer: CustomerId, value: &str) -> IdentityId {
    let (_, all) = card(db, cx, customer).await;
    all.iter().find(|(shown, _)| shown == value).unwrap_or_else(|| panic!("{value} in {all:?}")).1
}

async fn add(
    db: &TestDb,
    cx: &Ctx,
    customer: CustomerId,
    kind: IdentityKind,
    text: &str,
) -> Result<(), IdentityError> {
    let asked = asked(db, cx, customer).await;
    let space = if kind == IdentityKind::Account { TAOBAO } else { AccountSpace::EVERYWHERE };
    let mut tx = db.db().begin().await.unwrap();
    identities::add(&mut tx, cx, &asked, kind, space, text).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn correct(db: &TestDb, cx: &Ctx, customer: CustomerId, from: &str, to: &str) {
    let (asked, id) = (asked(db, cx, customer).await, id_of(db, cx, customer, from).await);
    let mut tx = db.db().begin().await.unwrap();
    identities::correct(&mut tx, cx, &asked, id, to).await.unwrap();
    tx.commit().await.unwrap();
}

async fn remove(db: &TestDb, cx: &Ctx, customer: CustomerId, value: &str) {
    let (asked, id) = (asked(db, cx, customer).await, id_of(db, cx, customer, value).await);
    let mut tx = db.db().begin().await.unwrap();
    identities::remove(&mut tx, cx, &asked, id).await.unwrap();
    tx.commit().await.unwrap();
}

/// Three ways in which an import may come to what it knows.
async fn resolvers(db: &TestDb, cx: &Ctx) -> [Resolver; 2] {
    let mut ahead = Resolver::new();
    let mut tx = db.db().read().await.unwrap();
    ahead.read_ahead(&mut tx, cx).await.unwrap();
    [Resolver::new(), ahead]
}

async fn rows(db: &TestDb, cx: &Ctx, sql: &str) -> i64 {
    let mut tx = db.db().read().await.unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    tx.fetch_one::<(i64,)>(sql, args![cx.scope.org_arg()]).await.unwrap().0
}

async fn broken(db: &TestDb, cx: &Ctx) -> Vec<(&'static str, i64)> {
    let mut tx = db.db().read().await.unwrap();
    let found = customers::invariants::check(&mut tx, cx.scope, &cx.keys()).await.unwrap();
    found.into_iter().filter(|(_, count)| *count > 0).collect()
}

async fn take(db: &TestDb, cx: &Ctx, done: &Resolved) -> Result<(), TakeBackError> {
    let mut tx = db.db().begin().await.unwrap();
    take_back::take_back(&mut tx, cx, done).await?;
    tx.commit().await.unwrap();
    Ok(())
}

db_test! { MIGRATIONS;
    async fn a_corrected_number_does_not_come_back_with_a_file(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let file = [buyer(&keys, Some("one"), &[WRONG, EMAIL])];
        // One that remembers what it read before the correction.
        let mut before = Resolver::new();
        let one = resolve(db.db(), &cx, &keys, &mut before, &file).await.customers[0].unwrap();
        correct(&db, &cx, one, "Phone 138****1234", RIGHT).await;
        let right = ["Account one", "Phone 139****5678", "Email l***@example.com"];
        assert_eq!(values(&db, &cx, one).await, right);
        for resolver in resolvers(&db, &cx).await.iter_mut().chain([&mut before]) {
            let again = resolve(db.db(), &cx, &keys, resolver, &file).await;
            assert_eq!((again.customers[0], again.created.len(), again.added.len()), (Some(one), 0, 0));
        }
        assert_eq!(values(&db, &cx, one).await, right);

        // A new order with the number alone is somebody new's; then they are its holder.
        let other = buyer(&keys, None, &[WRONG]);
        let new = resolve(db.db(), &cx, &keys, &mut before, std::slice::from_ref(&other)).await;
        let two = new.created[0];
        assert_ne!(two, one);
        let [mut cold, _] = resolvers(&db, &cx).await;
        let next = resolve(db.db(), &cx, &keys, &mut cold, &[other, file[0].clone()]).await;
        assert_eq!(next.customers, [Some(two), Some(one)]);
        assert_eq!(rows(&db, &cx, "SELECT COUNT(*) FROM customers_suggestions WHERE org_id = $1").await, 0);
        assert_eq!(broken(&db, &cx).await, []);
    }

    async fn an_order_that_is_known_makes_nobody_of_what_was_struck(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings = [buyer(&keys, None, &[WRONG]), buyer(&keys, Some("tpyo"), &[])];
        let mut resolver = Resolver::new();
        let made = resolve(db.db(), &cx, &keys, &mut resolver, &sightings).await;
        let [by_phone, by_account] = made.customers[..] else { panic!() };
        correct(&db, &cx, by_phone.unwrap(), "Phone 138****1234", RIGHT).await;
        correct(&db, &cx, by_account.unwrap(), "Account tpyo", "typo").await;
        // News of the same orders, with what was wrong, and something more.
        let news = [
            Sighting { of: by_phone, ..buyer(&keys, None, &[WRONG, EMAIL]) },
            Sighting { of: by_account, ..sightings[1].clone() },
        ];
        for resolver in &mut resolvers(&db, &cx).await {
            let again = resolve(db.db(), &cx, &keys, resolver, &news).await;
            assert_eq!((&again.customers, again.created.len()), (&made.customers, 0));
        }
        assert_eq!(values(&db, &cx, by_phone.unwrap()).await, ["Phone 139****5678", "Email l***@example.com"]);
        assert_eq!(values(&db, &cx, by_account.unwrap()).await, ["Account typo"]);
        // And they are called by what is right.
        let mut tx = db.db().read().await.unwrap();
        let found = profiles::profiles(&mut tx, &cx, &[by_phone.unwrap()]).await.unwrap();
        assert_eq!(found[0].name, "139****5678");
    }

    async fn what_was_taken_away_can_be_given_back_as_it_was(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let one = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &[buyer(&keys, Some("one"), &[WRONG])]).await;
        let id = one.customers[0].unwrap();
        let sql = "SELECT COUNT(*) FROM customers_identities WHERE org_id = $1 AND by_hand = FALSE AND first_seen_at = 1700000000000";
        assert_eq!(rows(&db, &cx, sql).await, 2);
        remove(&db, &cx, id, "Phone 138****1234").await;
        remove(&db, &cx, id, "Account one").await;
        assert_eq!(values(&db, &cx, id).await, Vec::<String>::new());
        assert_eq!(rows(&db, &cx, "SELECT COUNT(*) FROM customers_struck WHERE org_id = $1").await, 2);
        add(&db, &cx, id, IdentityKind::Phone, "+86 138 0000 1234").await.unwrap();
        add(&db, &cx, id, IdentityKind::Account, "One").await.unwrap();
        assert_eq!(rows(&db, &cx, sql).await, 2, "as they were");
        assert_eq!(rows(&db, &cx, "SELECT COUNT(*) FROM customers_struck WHERE org_id = $1").await, 0);
        // Corrected and corrected back.
        correct(&db, &cx, id, "Phone 138****1234", RIGHT).await;
        correct(&db, &cx, id, "Phone 139****5678", WRONG).await;
        assert_eq!(rows(&db, &cx, sql).await, 2);
        assert!(matches!(add(&db, &cx, id, IdentityKind::Phone, WRONG).await, Err(IdentityError::There)));
        let stale = Asked { version: 1, ..asked(&db, &cx, id).await };
        let mut tx = db.db().begin().await.unwrap();
        let refused = identities::add(&mut tx, &cx, &stale, IdentityKind::Phone, AccountSpace::EVERYWHERE, RIGHT).await;
        assert!(matches!(refused, Err(IdentityError::Stale(_))), "{refused:?}");
    }

    async fn what_somebody_else_has_is_refused_unless_it_is_shared(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let both = [buyer(&keys, Some("one"), &[WRONG]), buyer(&keys, Some("two"), &[])];
        let made = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &both).await;
        let [one, two] = [0, 1].map(|n| made.customers[n].unwrap());
        let taken = add(&db, &cx, two, IdentityKind::Phone, WRONG).await.unwrap_err();
        let IdentityError::Taken { holder: Some(holder), .. } = taken else { panic!("{taken:?}") };
        assert_eq!((holder.id, holder.name.as_str(), holder.can_merge), (one, "name of one", true));
        let account = add(&db, &cx, two, IdentityKind::Account, "one").await.unwrap_err();
        assert!(matches!(account, IdentityError::Taken { .. }), "{account:?}");
        assert_eq!(values(&db, &cx, two).await, ["Account two"]);

        let mut shared = asked(&db, &cx, two).await;
        shared.shared = true;
        let mut tx = db.db().begin().await.unwrap();
        let refused = identities::add(&mut tx, &cx, &shared, IdentityKind::Account, TAOBAO, "one").await;
        assert!(matches!(refused, Err(IdentityError::SharedAccount)), "{refused:?}");
        drop(tx);
        let mut tx = db.db().begin().await.unwrap();
        identities::add(&mut tx, &cx, &shared, IdentityKind::Phone, AccountSpace::EVERYWHERE, WRONG).await.unwrap();
        tx.commit().await.unwrap();
        let open = "SELECT COUNT(*) FROM customers_suggestions WHERE org_id = $1 AND state = 0";
        assert_eq!(rows(&db, &cx, open).await, 1, "as an import suggests it");
        // The suggestion goes with what it rests on.
        remove(&db, &cx, two, "Phone 138****1234").await;
        assert_eq!(rows(&db, &cx, open).await, 0);
    }

    async fn a_correction_is_of_the_whole_family(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let both = [buyer(&keys, Some("one"), &[WRONG]), buyer(&keys, Some("two"), &[WRONG])];
        let made = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &both).await;
        let [one, two] = [0, 1].map(|n| made.customers[n].unwrap());
        let mut tx = db.db().begin().await.unwrap();
        let merged = merge::merge(&mut tx, &cx, one, two).await.unwrap();
        tx.commit().await.unwrap();
        let refused = add(&db, &cx, two, IdentityKind::Phone, RIGHT).await.unwrap_err();
        assert!(matches!(refused, IdentityError::Merged { .. }), "{refused:?}");
        correct(&db, &cx, one, "Phone 138****1234", RIGHT).await;
        resolve(db.db(), &cx, &keys, &mut Resolver::new(), &both).await;
        assert_eq!(values(&db, &cx, one).await, ["Account one", "Account two", "Phone 139****5678"]);
        // Each had it, and each has the right one when they are parted.
        let mut tx = db.db().begin().await.unwrap();
        merge::unmerge(&mut tx, &cx, merged.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(values(&db, &cx, one).await, ["Account one", "Phone 139****5678"]);
        assert_eq!(values(&db, &cx, two).await, ["Account two", "Phone 139****5678"]);
        assert_eq!(broken(&db, &cx).await, []);
    }

    async fn an_import_is_taken_back_when_corrections_are_and_an_erasure_takes_the_notes(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let old = known(&db, &cx, &["old"]).await[0];
        let file = [buyer(&keys, Some("new"), &[WRONG]), buyer(&keys, Some("old"), &[EMAIL])];
        let done = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &file).await;
        let new = done.created[0];
        correct(&db, &cx, new, "Phone 138****1234", RIGHT).await;
        let TakeBackError::Refused(refused) = take(&db, &cx, &done).await.unwrap_err() else { panic!() };
        assert_eq!((refused.edited, refused.noted, refused.tagged, refused.merged), (1, 0, 0, 0));
        correct(&db, &cx, new, "Phone 139****5678", WRONG).await;
        // Of somebody who was there before nothing is lost: what was struck stays so.
        remove(&db, &cx, old, "Email l***@example.com").await;
        take(&db, &cx, &done).await.unwrap();
        assert_eq!(broken(&db, &cx).await, []);
        let again = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &file).await;
        assert_eq!((again.created.len(), again.added.len()), (1, 0));
        assert_eq!(values(&db, &cx, old).await, ["Account old"]);

        let struck = "SELECT COUNT(*) FROM customers_struck WHERE org_id = $1";
        assert_eq!(rows(&db, &cx, struck).await, 1);
        let mut tx = db.db().begin().await.unwrap();
        let held = erase::held(&mut tx, &cx, &keys, old).await.unwrap().unwrap();
        erase::erase(&mut tx, &cx, &held, erase::ErasureReason::Request, None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(rows(&db, &cx, struck).await, 0);
    }

    async fn no_file_brings_back_what_was_struck_however_it_is_cut(db) {
        let sighting = || (prop::option::weighted(0.7, 0..5_u8), prop::option::weighted(0.8, 0..4_u8), prop::option::weighted(0.4, 0..3_u8));
        let cases = (
            prop::collection::vec(sighting(), 1..10),
            prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..5),
            prop::collection::vec(sighting(), 1..15),
            prop::collection::vec(any::<bool>(), 15),
        );
        testkit::for_each_case(12, cases, async |org, (first, deeds, then, cuts)| {
            let mut outcomes = Vec::new();
            for way in 0..3 {
                let cx = ctx_of_org(&db, org + way);
                let keys = cx.keys();
                let read = |(account, phone, email): &(Option<u8>, Option<u8>, Option<u8>)| {
                    let phone = phone.map(|n| format!("1380000000{n}"));
                    // Told apart when they are masked.
                    let email = email.map(|n| format!("{n}person@example.com"));
                    let contacts: Vec<&str> = email.iter().chain(&phone).map(String::as_str).collect();
                    buyer(&keys, account.map(|n| format!("account {n}")).as_deref(), &contacts)
                };
                let first: Vec<Sighting> = first.iter().map(read).collect();
                let then: Vec<Sighting> = first.iter().cloned().chain(then.iter().map(read)).collect();
                let mut resolver = Resolver::new();
                let made = resolve(db.db(), &cx, &keys, &mut resolver, &first).await;
                let mut struck: Vec<(usize, String)> = Vec::new();
                for (number, (index, correct_it)) in deeds.iter().enumerate() {
                    let ids: Vec<CustomerId> = made.created.clone();
                    if ids.is_empty() {
                        continue;
                    }
                    let place = index.index(ids.len());
                    // In an order that does not depend on the keys of the organisation.
                    let mut has = values(&db, &cx, ids[place]).await;
                    has.sort();
                    if has.is_empty() {
                        continue;
                    }
                    let value = &has[index.index(has.len())];
                    match (*correct_it, value.starts_with("Phone")) {
                        (true, true) => correct(&db, &cx, ids[place], value, &format!("1399999000{number}")).await,
                        _ => remove(&db, &cx, ids[place], value).await,
                    }
                    struck.push((place, value.clone()));
                }
                let mut batch = Vec::new();
                for (place, sighting) in then.iter().enumerate() {
                    batch.push(sighting.clone());
                    let is_last = place + 1 == then.len();
                    if is_last || (way != 0 && cuts[place % cuts.len()]) {
                        if way == 1 {
                            resolver = Resolver::new();
                        } else {
                            let mut tx = db.db().read().await.unwrap();
                            resolver.read_ahead(&mut tx, &cx).await.unwrap();
                        }
                        resolve(db.db(), &cx, &keys, &mut resolver, &batch).await;
                        batch.clear();
                    }
                }
                for (place, value) in &struck {
                    let has = values(&db, &cx, made.created[*place]).await;
                    assert!(!has.contains(value), "{value} came back: {has:?}");
                }
                assert_eq!(broken(&db, &cx).await, []);
                let mut tx = db.db().read().await.unwrap();
                let ids: Vec<(uuid::Uuid,)> = tx
                    .fetch_all("SELECT id FROM customers_customers WHERE org_id = $1 ORDER BY id", args![cx.scope.org_arg()])
                    .await.unwrap();
                drop(tx);
                let mut all = Vec::new();
                for (id,) in ids {
                    let mut has = values(&db, &cx, CustomerId::from_uuid(id)).await;
                    has.sort();
                    all.push(has);
                }
                outcomes.push(all);
            }
            assert!(outcomes.iter().all(|one| *one == outcomes[0]), "{outcomes:?}");
        }).await;
    }
}

//! What lists, cards and the engine read.

use std::collections::BTreeSet;

use customers::engine_feed::{
    EngineProfile, each_profile_for_engine, each_tagging, profiles_for_engine,
};
use customers::profiles::profiles;
use customers::resolve::{Resolver, SeenIdentity, Sighting};
use customers::search::find_by_contact;
use customers::{AccountSpace, IdentityKind, Rating, merge, tags};
use kernel::{CustomerId, TagId, Timestamp, TypedId};
use testkit::db_test;

use crate::tools::{MIGRATIONS, TAOBAO, buyer, resolve};

db_test! { MIGRATIONS;
    async fn a_profile_gathers_the_family(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let mut zhang = buyer(&keys, Some("张三"), &["13800001234", "zhang@example.com"]);
        (zhang.province, zhang.city) = (Some("浙江省".into()), Some("杭州市".into()));
        let mut later = buyer(&keys, Some("13800001234"), &["13800001234", "13811111234"]);
        later.seen_at = Some(Timestamp::from_millis(1_700_000_009_000));
        let other = buyer(&keys, Some("other"), &[]);
        let resolved = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &[zhang, later, other]).await;
        let ids: Vec<CustomerId> = resolved.created;
        let mut tx = db.db().begin().await.unwrap();
        let mut made = Vec::new();
        for name in ["vip", "new"] {
            made.push(tags::create(&mut tx, &cx, name.parse().unwrap(), "red".parse().unwrap()).await.unwrap());
        }
        tags::set(&mut tx, &cx, ids[0], &[made[0].id]).await.unwrap();
        tags::set(&mut tx, &cx, ids[1], &[made[0].id, made[1].id]).await.unwrap();
        merge::merge(&mut tx, &cx, ids[0], ids[1]).await.unwrap();

        let gone = CustomerId::from_uuid(uuid::Uuid::nil());
        let found = profiles(&mut tx, &cx, &[ids[2], gone, ids[0], ids[1]]).await.unwrap();
        let asked: Vec<CustomerId> = found.iter().map(|profile| profile.id).collect();
        assert_eq!(asked, [ids[2], ids[0], ids[1]]);
        let zhang = &found[1];
        assert_eq!(zhang.family, [ids[0], ids[1]]);
        assert_eq!((zhang.province.as_deref(), zhang.city.as_deref()), (Some("浙江省"), Some("杭州市")));
        assert_eq!(zhang.phone(), Some("138****1234"));
        assert_eq!(zhang.email(), Some("z***@example.com"));
        let accounts: Vec<&str> = zhang.accounts().map(|account| account.value.as_str()).collect();
        assert_eq!(accounts, ["张三", "138****1234"]);
        let phones = zhang.identities.iter().filter(|i| i.kind == IdentityKind::Phone).count();
        assert_eq!(phones, 2, "the phone of both comes once, though two masks are the same");
        assert_eq!(zhang.tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["new", "vip"]);
        assert_eq!(found[2].merged_into, Some(ids[0]));
        assert_eq!(found[2].family, [ids[1]]);

        let mut rows: Vec<EngineProfile> = Vec::new();
        each_profile_for_engine(&mut tx, cx.scope, |profile| rows.push(profile)).await.unwrap();
        let brief: Vec<(CustomerId, &str)> = rows.iter().map(|row| (row.id, row.accounts.as_str())).collect();
        assert_eq!(brief, [(ids[0], "张三"), (ids[2], "other")], "no phone number among the accounts");
        let mut taggings = BTreeSet::new();
        each_tagging(&mut tx, cx.scope, |customer, tag| { taggings.insert((customer, tag)); }).await.unwrap();
        let expected: BTreeSet<(CustomerId, TagId)> = made.iter().map(|tag| (ids[0], tag.id)).collect();
        assert_eq!(taggings, expected);

        let some: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).chain([gone.uuid()]).collect();
        let fed = profiles_for_engine(&mut tx, cx.scope, &some).await.unwrap();
        assert_eq!(fed.iter().map(|fed| fed.profile.clone()).collect::<Vec<_>>(), rows, "one by one or all at once");
        assert_eq!(fed[0].family, [ids[0], ids[1]]);
        assert_eq!(fed[0].tags.len(), 2);
    }

    async fn one_by_one_and_all_at_once_agree(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings: Vec<Sighting> = (0..60).map(|n| {
            let mut seen = buyer(&keys, Some(&format!("account{n}")), &[]);
            seen.province = (n % 3 == 0).then(|| "浙江省".to_owned());
            seen
        }).collect();
        let ids = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await.created;
        let mut tx = db.db().begin().await.unwrap();
        for n in (0..60).step_by(5) {
            merge::merge(&mut tx, &cx, ids[n + 3], ids[n + 1]).await.unwrap();
            merge::merge(&mut tx, &cx, ids[n], ids[n + 3]).await.unwrap();
        }
        let edit = customers::edit::Edit { rating: Some(Some(Rating::C)), ..Default::default() };
        customers::edit::edit(&mut tx, &cx, ids[2], 1, &edit).await.unwrap();
        let mut all = Vec::new();
        each_profile_for_engine(&mut tx, cx.scope, |profile| all.push(profile)).await.unwrap();
        assert_eq!(all.len(), 36);
        assert_eq!(all[0].accounts, "account0 account1 account3");
        assert!(all.iter().any(|profile| profile.rating == Some(Rating::C)));
        let some: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let mut fed: Vec<EngineProfile> = profiles_for_engine(&mut tx, cx.scope, &some)
            .await.unwrap().into_iter().map(|fed| fed.profile).collect();
        fed.sort_by_key(|profile| profile.id);
        assert_eq!(fed, all);
    }

    async fn a_full_contact_finds_its_customer(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let shop = AccountSpace::of_shop(3);
        let own = Sighting {
            account: SeenIdentity::account(&keys, shop, "18800000000"),
            ..Sighting::default()
        };
        let sightings = [
            buyer(&keys, Some("tea"), &["13800001234"]),
            buyer(&keys, Some("13700000000"), &["li@example.com"]),
            own,
        ];
        let ids = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await.created;
        let mut tx = db.db().begin().await.unwrap();
        merge::merge(&mut tx, &cx, ids[0], ids[1]).await.unwrap();
        for (text, expected) in [
            ("+86 138 0000 1234", vec![ids[0]]),
            ("LI@example.com ", vec![ids[0]]),
            ("13700000000", vec![ids[0]]),
            ("18800000000", vec![ids[2]]),
            ("TEA", vec![ids[0]]),
            ("13800001235", vec![]),
            ("1380000", vec![]),
            ("", vec![]),
        ] {
            let found = find_by_contact(&mut tx, &cx, text, &[TAOBAO, shop]).await.unwrap();
            assert_eq!(found, expected, "{text}");
        }
    }
}

//! Personal data is nowhere in the clear: not in the database, not in answers.

use customers::resolve::Resolver;
use customers::{history, merge, notes, profiles, suggestions};
use kernel::TypedId;
use testkit::db_test;

use crate::tools::{MIGRATIONS, buyer, dump_all, resolve};

const CANARIES: [&str; 5] =
    ["13912345678", "18887654321", "canary.person", "13700001111", "a secret of hers"];

fn hex(text: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

db_test! { MIGRATIONS;
    async fn canaries_do_not_sing(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let mut nameless = buyer(&keys, None, &["18887654321"]);
        nameless.name = None;
        let mut by_account = buyer(&keys, Some("13700001111"), &["canary.person@example.com"]);
        by_account.name = None;
        let sightings = [
            buyer(&keys, Some("one"), &["13912345678", "canary.person@example.com"]),
            by_account,
            nameless,
        ];
        let ids = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await.created;
        assert_eq!(ids.len(), 3);
        let mut tx = db.db().begin().await.unwrap();
        let note = "a secret of hers: 13912345678".parse().unwrap();
        notes::add(&mut tx, &cx, &keys, ids[0], note).await.unwrap();
        let merged = merge::merge(&mut tx, &cx, ids[0], ids[1]).await.unwrap();
        merge::unmerge(&mut tx, &cx, merged.id).await.unwrap();
        let shown = profiles::profiles(&mut tx, &cx, &ids).await.unwrap();
        let suggested = suggestions::list(&mut tx, cx.scope, &keys, None, 50).await.unwrap();
        assert_eq!(suggested.items.len(), 1);
        let family = [ids[0].uuid()];
        let happened =
            history::history(&mut tx, cx.scope, &family, &history::ChangeKind::ALL, None, 50).await.unwrap();
        tx.commit().await.unwrap();
        let answers = format!("{shown:?} {suggested:?} {happened:?}");
        let mut stored = dump_all(db.db(), "", 1).await.join("\n").to_lowercase();
        assert!(stored.contains("customers_notes") && stored.contains("platform_outbox"));
        if let Ok(folder) = std::fs::read_dir(db.folder()) {
            for file in folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
                let bytes = std::fs::read(file).unwrap();
                stored.push_str(&bytes.iter().map(|b| char::from(*b)).collect::<String>());
            }
        }
        for canary in CANARIES {
            assert!(!answers.contains(canary), "an answer shows {canary}");
            assert!(!stored.contains(canary), "the database holds {canary}");
            assert!(!stored.contains(&hex(canary)), "the database holds {canary} in bytes");
        }
    }

    async fn organisations_do_not_see_each_other(db) {
        let (cx, other) = (db.ctx(), crate::tools::ctx_of_org(&db, 2));
        let keys = db.keys();
        let sightings = [buyer(&keys, Some("one"), &["13912345678"])];
        let ids = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await.created;
        // Keys are an organisation's own, and so are the blind indexes.
        let their_keys = other.keys();
        let their_sightings = [buyer(&their_keys, Some("one"), &["13912345678"])];
        let theirs = resolve(db.db(), &other, &their_keys, &mut Resolver::new(), &their_sightings).await.created;
        assert_ne!(ids, theirs);
        let mut tx = db.db().begin().await.unwrap();
        assert_eq!(profiles::profiles(&mut tx, &other, &ids).await.unwrap(), []);
        assert!(notes::add(&mut tx, &other, &keys, ids[0], "x".parse().unwrap()).await.is_err());
        assert!(merge::merge(&mut tx, &other, theirs[0], ids[0]).await.is_err());
        let found = customers::search::find_by_contact(
            &mut tx, &other, "13912345678", &[]).await.unwrap();
        assert_eq!(found, theirs);
    }
}

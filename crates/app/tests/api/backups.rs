//! Backups of the whole program's data, and the page that tells of them.

use std::collections::BTreeSet;
use std::path::Path;

use app::server::Workers;
use axum::http::StatusCode;
use kernel::ImportId;
use platform::backup::{self, BackupKeys};
use serde_json::json;
use testkit::{TestDb, db_test, eventually};
use tokio_util::sync::CancellationToken;

use crate::house::{EMAIL, migrations};
use crate::reading::{ORDERS, Shop, text};

/// The tables that the migrations leave, from their texts.
fn tables_of_migrations() -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for step in migrations() {
        let words: Vec<&str> =
            step.sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        for at in 0..words.len() {
            match &words[at..] {
                ["CREATE", "TABLE", name, ..] => drop(tables.insert((*name).to_owned())),
                ["DROP", "TABLE", name, ..] => drop(tables.remove(*name)),
                ["ALTER", "TABLE", name, "RENAME", "TO", other, ..] => {
                    tables.remove(*name);
                    tables.insert((*other).to_owned());
                }
                _ => {}
            }
        }
    }
    tables
}

fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { std::fs::read(&path).unwrap() });
    }
    bytes
}

db_test! { migrations();
    async fn every_table_of_every_migration_is_saved_and_restored(db) {
        let shop = Shop::open(&db).await;
        let platform = &shop.house.state.platform;
        let folder = platform.backups.clone().unwrap();
        let created = backup::create(platform, &folder).await.unwrap();
        let saved: BTreeSet<String> = created.tables.iter().map(|table| table.name.clone()).collect();
        assert_eq!(saved, tables_of_migrations());
        let mut tx = platform.db.read().await.unwrap();
        for table in &created.tables {
            // PostgreSQL keeps the outbox's head among these; in a backup it stands apart.
            let is_meta = table.name == "platform_meta";
            let but = if is_meta { "WHERE key <> 'outbox_position'" } else { "" };
            let sql = format!("SELECT COUNT(*) FROM {} {but}", table.name);
            let (rows,): (i64,) = tx.fetch_one(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
            assert_eq!(rows, table.rows as i64, "{}", table.name);
        }
        tx.rollback().await.unwrap();

        for postgres in [false, true] {
            let target = if postgres {
                TestDb::postgres(&[]).await
            } else {
                TestDb::sqlite(&[]).await
            };
            let choice = backup::choose(&platform.master, migrations(), &folder, None).unwrap();
            let restored = backup::restore(target.db(), migrations(), choice, 0).await.unwrap();
            assert_eq!(restored.data_hash, created.data_hash);
            assert_eq!(restored.rows, created.rows);
        }
    }

    async fn nothing_personal_is_readable_in_the_folder(db) {
        let shop = Shop::open(&db).await;
        let platform = &shop.house.state.platform;
        let folder = platform.backups.clone().unwrap();
        backup::create(platform, &folder).await.unwrap();
        let bytes = all_bytes(&folder);
        let cells = ORDERS.lines().skip(1).flat_map(|line| line.split(','));
        for cell in cells.filter(|cell| cell.len() > 5).chain([EMAIL, "茶叶店"]) {
            let is_there = bytes.windows(cell.len()).any(|part| part == cell.as_bytes());
            assert!(!is_there, "{cell} can be read in a backup");
        }
    }

    async fn an_erasure_outlives_an_older_backup(db) {
        let shop = Shop::open(&db).await;
        let platform = &shop.house.state.platform;
        let folder = platform.backups.clone().unwrap();
        backup::create(platform, &folder).await.unwrap();
        let one = shop.id_of("wholesale").await;
        let ask = serde_json::json!({"reason": "request", "reference": "reference R-7", "dry_run": false});
        shop.post(&format!("/customers/{one}/erasure"), &ask).await;
        let keys = BackupKeys::new(&platform.master);
        let noted = backup::noted_erasures(&keys, &folder).unwrap();
        assert_eq!((noted.len(), noted[0].customer.to_string()), (1, one.clone()));
        let written = all_bytes(&folder.join("erasures"));
        assert!(!written.windows(13).any(|part| part == b"reference R-7"), "it is sealed");

        for postgres in [false, true] {
            let target = if postgres {
                TestDb::postgres(&[]).await
            } else {
                TestDb::sqlite(&[]).await
            };
            let choice = backup::choose(&platform.master, migrations(), &folder, None).unwrap();
            backup::restore(target.db(), migrations(), choice, noted.len()).await.unwrap();
            let name = backup::unfinished_restore(target.db()).await.unwrap();
            assert!(name.is_some(), "not to be used yet");
            let paid = async || {
                let mut tx = target.db().read().await.unwrap();
                let sql = "SELECT CAST(SUM(paid_minor) AS BIGINT), COUNT(*) FROM commerce_orders";
                let sums: (i64, i64) = tx.fetch_one(sql, vec![]).await.unwrap();
                sums
            };
            let before = (paid().await, crate::erasing::dump(&target).await);
            assert!(before.1.contains("张三丰") && before.1.contains("wholesale"));
            let key = platform.master.clone();
            let (clock, ids) = (platform.clock.clone(), platform.ids.clone());
            let restored = platform::Platform::new(target.db().clone(), key, clock, ids, target.folder());
            let restored = restored.with_backups(None);
            let again = flows::erase_again::erase_again(&restored, &noted).await.unwrap();
            assert_eq!((again.erased, again.were, again.unknown), (1, 0, 0));
            let after = crate::erasing::dump(&target).await;
            assert!(!after.contains("张三丰") && !after.contains("wholesale"));
            assert_eq!(paid().await, before.0, "no sum changes");
            let again = flows::erase_again::erase_again(&restored, &noted).await.unwrap();
            assert_eq!((again.erased, again.were), (0, 1));
            let mut nobody = noted.clone();
            nobody[0].customer = "cus_01h455vb4pex5vsknk084sn02q".parse().unwrap();
            let none = flows::erase_again::erase_again(&restored, &nobody).await.unwrap();
            assert_eq!((none.erased, none.unknown), (0, 1));
        }

        // A list that somebody changed is told and not passed over.
        let file = std::fs::read_dir(folder.join("erasures")).unwrap().next().unwrap().unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let damage = backup::noted_erasures(&keys, &folder).unwrap_err().to_string();
        assert!(damage.contains("erasures/1-cus_"), "{damage}");
    }

    async fn the_owner_sees_what_was_backed_up(db) {
        let shop = Shop::open(&db).await;
        let platform = &shop.house.state.platform;
        let folder = platform.backups.clone().unwrap();
        let none = shop.get("/platform/backups").await;
        assert_eq!(none["items"], serde_json::json!([]));
        assert_eq!(text(&none["folder"]), folder.display().to_string());

        let created = backup::create(platform, &folder).await.unwrap();
        let one = shop.get("/platform/backups").await["items"][0].clone();
        assert_eq!(one["name"], created.backup);
        assert_eq!((&one["ok"], &one["verified_at"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert_eq!(one["stored_bytes"], created.stored_bytes);
        assert_eq!(one["data_hash"], created.data_hash);

        let (keys, stop) = (BackupKeys::new(&platform.master), CancellationToken::new());
        backup::verify(&keys, &folder, None, platform.now(), &*platform.ids, &stop).unwrap();
        let one = shop.get("/platform/backups").await["items"][0].clone();
        assert_eq!((&one["ok"], &one["problem"]), (&true.into(), &serde_json::Value::Null));
        assert_eq!(text(&one["verified_at"]), platform.now().to_string());

        let anybody = shop.house.get("/api/v1/platform/backups", &[]).await;
        assert_eq!(anybody.status, StatusCode::UNAUTHORIZED);
    }
    async fn one_is_made_and_checked_when_the_owner_asks(db) {
        let shop = Shop::open(&db).await;
        let platform = &shop.house.state.platform;
        backup::begin(platform, &db.ctx()).await.unwrap();
        let before = shop.get("/platform/backups").await;
        assert_eq!(text(&before["next_at"]), platform.now().plus_millis(600_000).to_string());
        assert_eq!(before["under_way"], serde_json::Value::Null);
        let workers = app::server::Workers::start(&shop.house.state);
        for path in ["/platform/backups", "/platform/backups/verify"] {
            assert_eq!(shop.post(path, &serde_json::json!({})).await["state"], "waiting");
            testkit::eventually("it to be done", async || {
                let told = shop.get("/platform/backups").await;
                (told["under_way"].is_null() && told["items"][0]["ok"] == true).then_some(())
            })
            .await;
        }
        workers.stop().await;
        let told = shop.get("/platform/backups").await;
        assert_eq!(told["items"].as_array().unwrap().len(), 1);
        assert_eq!(told["failure"], serde_json::Value::Null);
        let log = shop.get("/platform/audit?action=platform.backup.").await;
        assert_eq!(log["items"].as_array().unwrap().len(), 2);
    }

    async fn a_folder_that_takes_no_notes_is_told_of_and_stops_nothing_else(db) {
        let shop = Shop::open(&db).await;
        let platform = shop.house.state.platform.clone();
        let folder = platform.backups.clone().unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("erasures"), "a file where the folder should be").unwrap();
        let one = shop.id_of("tealover").await;
        let erase = json!({"reason": "request", "dry_run": false});
        assert_eq!(shop.post(&format!("/customers/{one}/erasure"), &erase).await["names"], 1);
        let orphan = platform.folder.join("uploads").join(db.ctx().fresh::<ImportId>().to_string());
        std::fs::create_dir_all(&orphan).unwrap();
        db.clock().advance_millis(25 * 3_600_000);
        app::clean_job::begin(&platform, &db.ctx()).await.unwrap();
        let workers = Workers::start(&shop.house.state);
        eventually("the upload to go", async || (!orphan.exists()).then_some(())).await;
        let told = eventually("the failure to be told", async || {
            let told = shop.get("/platform/backups").await;
            told["erasures_failure"].is_string().then_some(told)
        })
        .await;
        assert!(text(&told["erasures_failure"]).contains("erasures"), "{told}");
        // Mended, it is noted without anybody's doing.
        std::fs::remove_file(folder.join("erasures")).unwrap();
        eventually("the note", async || {
            let mut tx = db.db().begin().await.unwrap();
            let sql = "UPDATE platform_jobs SET run_at = 1 WHERE kind = 'platform.note_erasures' AND state = 'waiting'";
            tx.execute(sql, vec![]).await.unwrap();
            tx.commit().await.unwrap();
            (std::fs::read_dir(folder.join("erasures")).ok()?.count() == 1).then_some(())
        })
        .await;
        eventually("the failure to go", async || {
            shop.get("/platform/backups").await["erasures_failure"].is_null().then_some(())
        })
        .await;
        workers.stop().await;
    }
}

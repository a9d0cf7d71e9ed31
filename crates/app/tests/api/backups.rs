//! Backups of the whole program's data, and the page that tells of them.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::StatusCode;
use platform::backup::{self, BackupKeys};
use testkit::{TestDb, db_test};
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
        for named in words.windows(3) {
            match named {
                ["CREATE", "TABLE", name] => drop(tables.insert((*name).to_owned())),
                ["DROP", "TABLE", name] => drop(tables.remove(*name)),
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
            let restored = backup::restore(target.db(), migrations(), choice).await.unwrap();
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
}

//! Backups of data that changes, and what comes back.

use platform::backup::{self, BackupError, BackupKeys};
use platform::crypto::MasterKey;
use platform::{Migration, Position, args, meta, outbox};
use testkit::{TestDb, db_test};

use crate::backup_support::{Folder, SECRET, count, fill_blobs, fill_kinds, migrations, restore};
use crate::support::{ThingDone, mark, push};

type Kinds =
    (Option<i64>, Option<f64>, Option<bool>, Option<String>, Option<Vec<u8>>, Option<uuid::Uuid>);

async fn kinds(db: &TestDb) -> Vec<Kinds> {
    let mut tx = db.db().read().await.unwrap();
    let sql = "SELECT whole, part, yes, words, raw, other FROM platform_kinds ORDER BY id";
    let rows = tx.fetch_all(sql, vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    rows
}

/// Another empty database of the same kind, or of the other one.
async fn empty(db: &TestDb, same: bool) -> TestDb {
    if db.db().is_postgres() == same {
        TestDb::postgres(&[]).await
    } else {
        TestDb::sqlite(&[]).await
    }
}

db_test! { migrations();
    async fn what_was_saved_comes_back_on_either_database(db) {
        fill_kinds(&db).await;
        push(db.platform(), &db.ctx(), "tea", 1).await;
        let folder = Folder::new();
        let created = folder.create(&db).await;
        assert_eq!(count(&db, "SELECT COUNT(*) FROM platform_kinds").await, 4);

        let same = empty(&db, true).await;
        let restored = folder.restore(&same).await.unwrap();
        assert_eq!((&restored.data_hash, restored.rows), (&created.data_hash, created.rows));
        assert!(!restored.migrated);
        assert_eq!(kinds(&same).await, kinds(&db).await);

        let other = empty(&db, false).await;
        folder.restore(&other).await.unwrap();
        assert_eq!(kinds(&other).await, kinds(&db).await);
        let from_there = Folder::new();
        let created_there = from_there.create(&other).await;
        assert_eq!(created_there.data_hash, created.data_hash);
        let back = empty(&db, true).await;
        assert_eq!(from_there.restore(&back).await.unwrap().data_hash, created.data_hash);
        assert_eq!(kinds(&back).await, kinds(&db).await);
    }

    async fn every_table_is_in_it(db) {
        let folder = Folder::new();
        let created = folder.create(&db).await;
        let mut names: Vec<&str> = created.tables.iter().map(|table| table.name.as_str()).collect();
        for table in ["platform_kinds", "platform_jobs", "platform_meta", "platform_outbox"] {
            assert!(names.contains(&table), "{names:?}");
        }
        // Of the tables of the migrations; `api::backups` does so for those of the whole program.
        let made = migrations().iter().map(|step| step.sql.matches("CREATE TABLE").count()).sum();
        names.dedup();
        assert_eq!((names.len(), names.is_sorted()), (made, true), "{names:?}");
    }

    async fn events_go_on_behind_those_that_were_saved(db) {
        let (platform, cx) = (db.platform(), db.ctx());
        for n in 1..=3 {
            push(platform, &cx, "tea", n).await;
        }
        // Those that were delivered are forgotten, and the counting goes on.
        outbox::prune(db.db(), cx.now().plus_millis(1)).await.unwrap();
        push(platform, &cx, "tea", 4).await;
        // One that has no position yet, on PostgreSQL.
        let mut tx = db.db().begin().await.unwrap();
        outbox::push(&mut tx, &cx, &ThingDone { thing: "tea".into(), n: 5 }).await.unwrap();
        tx.commit().await.unwrap();
        let folder = Folder::new();
        folder.create(&db).await;
        for same in [true, false] {
            let target = empty(&db, same).await;
            folder.restore(&target).await.unwrap();
            push(target.platform(), &target.ctx(), "tea", 6).await;
            let mut tx = target.db().read().await.unwrap();
            let events = outbox::read_after(&mut tx, Position::START, 10).await.unwrap();
            assert_eq!(outbox::head(&mut tx).await.unwrap(), Position::new(6));
            assert!(!outbox::can_replay_from(&mut tx, Position::new(2)).await.unwrap());
            assert!(outbox::can_replay_from(&mut tx, Position::new(3)).await.unwrap());
            tx.rollback().await.unwrap();
            let found: Vec<(i64, i64)> = events
                .iter()
                .map(|event| (event.position.get(), event.parse::<ThingDone>().unwrap().n))
                .collect();
            assert_eq!(found, [(4, 4), (5, 5), (6, 6)]);
        }
    }

    async fn an_empty_outbox_goes_on_where_it_was(db) {
        push(db.platform(), &db.ctx(), "tea", 1).await;
        outbox::prune(db.db(), db.ctx().now().plus_millis(1)).await.unwrap();
        let folder = Folder::new();
        folder.create(&db).await;
        for same in [true, false] {
            let target = empty(&db, same).await;
            folder.restore(&target).await.unwrap();
            push(target.platform(), &target.ctx(), "tea", 2).await;
            let mut tx = target.db().read().await.unwrap();
            assert_eq!(outbox::head(&mut tx).await.unwrap(), Position::new(2));
            tx.rollback().await.unwrap();
        }
    }

    async fn a_backup_is_of_one_moment_while_others_write(db) {
        fill_blobs(&db, 0..300).await;
        let stop = std::sync::atomic::AtomicBool::new(false);
        let folder = Folder::new();
        let writer = async |name: &'static str| {
            let mut written = 0_i64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let mut tx = db.db().begin().await.unwrap();
                let probe = "INSERT INTO platform_probe (org_id, name, n) VALUES (1, $1, $2)";
                tx.execute(probe, args![name, written]).await.unwrap();
                let event = ThingDone { thing: name.to_owned(), n: written };
                outbox::push(&mut tx, &db.ctx(), &event).await.unwrap();
                let counter = "INSERT INTO platform_counters (org_id, name, n) VALUES (1, $1, 1)
                    ON CONFLICT (org_id, name) DO UPDATE SET n = platform_counters.n + 1";
                tx.execute(counter, args![name]).await.unwrap();
                tx.commit().await.unwrap();
                written += 1;
                if written % 5 == 0 {
                    outbox::sequence(db.db()).await.unwrap();
                }
            }
            written
        };
        let backups = async {
            let mut names = Vec::new();
            for _ in 0..5 {
                names.push(folder.create(&db).await.backup);
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            names
        };
        let (names, a, b, c) = tokio::join!(backups, writer("a"), writer("b"), writer("c"));
        assert!(a + b + c > 5, "they did write: {a}, {b}, {c}");
        let mut seen = Vec::new();
        for name in &names {
            let target = empty(&db, true).await;
            let master = &db.platform().master;
            restore(&folder.path(), &target, migrations(), master, Some(name)).await.unwrap();
            let counted = count(&target, "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM platform_counters").await;
            let probes = count(&target, "SELECT COUNT(*) FROM platform_probe").await;
            let events = count(&target, "SELECT COUNT(*) FROM platform_outbox").await;
            let places = count(&target, "SELECT COUNT(DISTINCT position) FROM platform_outbox").await;
            assert_eq!((probes, events, places), (counted, counted, counted));
            seen.push(counted);
        }
        assert!(seen.is_sorted() && seen.first() < seen.last(), "{seen:?}");
        assert!(folder.verify(&db).iter().all(|verdict| verdict.ok));
    }

    async fn what_did_not_change_is_not_stored_again(db) {
        fill_blobs(&db, 0..2_500).await;
        let folder = Folder::new();
        let first = folder.create(&db).await;
        assert!(first.pieces > 4 && first.new_pieces == first.pieces, "{first:?}");
        assert!(first.bytes > 25_000_000 && first.stored_bytes < 5_000_000, "{first:?}");
        let again = folder.create(&db).await;
        assert_eq!((again.new_pieces, again.new_bytes), (0, 0));
        assert_eq!((again.pieces, &again.data_hash), (first.pieces, &first.data_hash));

        let mut tx = db.db().begin().await.unwrap();
        tx.execute("UPDATE platform_blobs SET raw = $1 WHERE id = 5", args![vec![1_u8; 9]]).await.unwrap();
        tx.execute("DELETE FROM platform_blobs WHERE id = 2000", vec![]).await.unwrap();
        tx.commit().await.unwrap();
        let changed = folder.create(&db).await;
        assert_ne!(changed.data_hash, first.data_hash);
        // The pieces around the two rows, and where ends lie close the ones behind.
        assert!(changed.new_pieces >= 1 && changed.new_pieces * 2 <= changed.pieces, "{changed:?}");
        let target = empty(&db, true).await;
        let master = &db.platform().master;
        let restored = restore(&folder.path(), &target, migrations(), master, Some(&first.backup)).await;
        assert_eq!(restored.unwrap().data_hash, first.data_hash);
        assert_eq!(count(&target, "SELECT COUNT(*) FROM platform_blobs").await, 2_500);
    }

    async fn targets_that_hold_data_are_refused(db) {
        let folder = Folder::new();
        folder.create(&db).await;
        let refused = folder.restore(&db).await.unwrap_err();
        assert!(matches!(&refused, BackupError::NotEmpty(table) if table.starts_with("platform_")));
        assert!(refused.to_string().contains("already holds data"), "{refused}");
        let target = empty(&db, true).await;
        folder.restore(&target).await.unwrap();
        assert!(matches!(folder.restore(&target).await, Err(BackupError::NotEmpty(_))));
    }

    async fn another_key_is_told(db) {
        let folder = Folder::new();
        let name = folder.create(&db).await.backup;
        let other = MasterKey::new([1; 32]);
        let target = empty(&db, true).await;
        let refused = restore(&folder.path(), &target, migrations(), &other, None).await.unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(&other.fingerprint()) && text.contains(&db.platform().master.fingerprint()), "{text}");
        assert!(text.contains(&name) && text.contains("give the key"), "{text}");
        let listed = backup::list(&BackupKeys::new(&other), &folder.path()).unwrap();
        assert!(listed[0].problem.as_ref().unwrap().contains("fingerprint"), "{listed:?}");
        folder.restore(&target).await.unwrap();
    }

    async fn tables_of_another_version_are_migrated_or_refused(db) {
        let mut newer = migrations().to_vec();
        newer.push(Migration {
            module: "platform",
            version: 1_001,
            sql: "ALTER TABLE platform_probe ADD COLUMN more BIGINT NOT NULL DEFAULT 7;
                  CREATE TABLE platform_later (org_id BIGINT NOT NULL PRIMARY KEY);",
        });
        let mut tx = db.db().begin().await.unwrap();
        mark(&mut tx, "x", 1).await.unwrap();
        tx.commit().await.unwrap();
        let folder = Folder::new();
        folder.create(&db).await;
        let master = &db.platform().master;
        let target = empty(&db, true).await;
        let restored = restore(&folder.path(), &target, newer.leak(), master, None).await.unwrap();
        assert!(restored.migrated);
        assert_eq!(count(&target, "SELECT more FROM platform_probe").await, 7);
        assert_eq!(count(&target, "SELECT COUNT(*) FROM platform_later").await, 0);

        let newer = Folder::new();
        backup::create(target.platform(), &newer.path()).await.unwrap();
        let back = empty(&db, true).await;
        let refused = newer.restore(&back).await.unwrap_err();
        assert!(matches!(refused, BackupError::Newer { .. }), "{refused}");
        assert!(refused.to_string().contains("newer Guanxi (its platform tables have version 1001"), "{refused}");
    }

    async fn columns_of_kinds_that_backups_do_not_know_are_refused(db) {
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("CREATE TABLE platform_odd (id BIGINT PRIMARY KEY, at DATE)", vec![]).await.unwrap();
        tx.commit().await.unwrap();
        let folder = Folder::new();
        let refused = backup::create(db.platform(), &folder.path()).await.unwrap_err();
        assert!(refused.to_string().contains("platform_odd"), "{refused}");
        assert!(matches!(refused, BackupError::Unfit { .. }));
        assert_eq!(folder.files(), [""; 0]);
    }

    async fn tables_of_others_in_the_same_database_are_left_alone(db) {
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("CREATE TABLE platforms (id BIGINT PRIMARY KEY, at DATE)", vec![]).await.unwrap();
        meta::set(&mut tx, "k", "v").await.unwrap();
        tx.commit().await.unwrap();
        let folder = Folder::new();
        let created = folder.create(&db).await;
        assert!(created.tables.iter().all(|table| table.name != "platforms"));
    }

    async fn nothing_in_the_folder_can_be_read_without_the_key(db) {
        fill_kinds(&db).await;
        let mut tx = db.db().begin().await.unwrap();
        for n in 0..200_i64 {
            let probe = "INSERT INTO platform_probe (org_id, name, n) VALUES (1, $1, $2)";
            tx.execute(probe, args![SECRET, n]).await.unwrap();
        }
        tx.commit().await.unwrap();
        let folder = Folder::new();
        folder.create(&db).await;
        folder.verify(&db);
        let files = folder.files();
        assert_eq!(files.iter().filter(|file| file.ends_with(".verified")).count(), 1);
        for file in files {
            let bytes = folder.read(&file);
            for word in [SECRET, "nobody may read", "张三", "platform_", "org_id", "sqlite", "postgresql"] {
                let is_there = bytes.windows(word.len()).any(|part| part == word.as_bytes());
                assert!(!is_there, "{file} holds {word}");
            }
            #[cfg(unix)]
            assert_eq!(mode(&folder.path().join(&file)), 0o600, "{file}");
        }
        #[cfg(unix)]
        for place in ["", "pieces"] {
            assert_eq!(mode(&folder.path().join(place)), 0o700, "{place}");
        }
    }
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn sqlite_reads_tables_in_the_order_of_an_index() {
    // It would sort in memory, however large the table is.
    let db = TestDb::sqlite(migrations()).await;
    let mut tx = db.db().read().await.unwrap();
    for (table, key) in [
        ("platform_probe", "org_id, name, n"),
        ("platform_jobs", "org_id, id"),
        ("platform_outbox", "position"),
        ("platform_dead_letters", "org_id, subscriber, position"),
    ] {
        let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM {table} ORDER BY {key}");
        let plan: Vec<(i64, i64, i64, String)> =
            tx.fetch_all(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
        assert!(plan.iter().all(|step| !step.3.contains("TEMP B-TREE")), "{plan:?}");
    }
}

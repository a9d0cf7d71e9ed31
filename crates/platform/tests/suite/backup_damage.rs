//! What is wrong with a backup is found and named.

use platform::backup::{self, BackupError, BackupKeys};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::{TestDb, db_test};

use crate::backup_support::{Folder, SECRET, count, fill_blobs, fill_kinds, migrations, restore};
use crate::support::mark;

async fn marked(db: &TestDb, n: i64) {
    let mut tx = db.db().begin().await.unwrap();
    mark(&mut tx, SECRET, n).await.unwrap();
    tx.commit().await.unwrap();
}

/// Two backups that share some of their pieces.
async fn two_backups(db: &TestDb) -> Folder {
    fill_kinds(db).await;
    marked(db, 1).await;
    let folder = Folder::new();
    folder.create(db).await;
    marked(db, 2).await;
    folder.create(db).await;
    folder
}

db_test! { migrations();
    async fn one_changed_bit_anywhere_is_found_and_named(db) {
        let folder = two_backups(&db).await;
        let files = folder.files();
        assert!(files.len() >= 5, "{files:?}");
        assert_eq!(folder.damage(&db), "");
        let place = (prop::sample::select(files), any::<prop::sample::Index>(), 0..8_u32);
        let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
        TestRunner::new(config)
            .run(&place, |(file, at, bit)| {
                let whole = folder.read(&file);
                let mut changed = whole.clone();
                changed[at.index(whole.len())] ^= 1 << bit;
                folder.write(&file, &changed);
                let damage = folder.damage(&db);
                folder.write(&file, &whole);
                prop_assert!(damage.starts_with(&file), "{}: {:?}", file, damage);
                Ok(())
            })
            .unwrap();
        assert_eq!(folder.damage(&db), "");
    }

    async fn what_is_missing_short_long_or_exchanged_is_found_and_named(db) {
        let folder = two_backups(&db).await;
        let pieces = folder.pieces();
        let manifests: Vec<String> =
            folder.files().into_iter().filter(|file| file.ends_with(".backup")).collect();
        for files in [&pieces, &manifests] {
            let file = &files[0];
            let whole = folder.read(file);
            let long = [&whole[..], &[0]].concat();
            for wrong in [&whole[..whole.len() - 1], &whole[..7], &whole[..0], &long[..]] {
                folder.write(file, wrong);
                let damage = folder.damage(&db);
                assert!(damage.starts_with(file.as_str()) && damage.contains("damaged"), "{damage}");
            }
            let other = folder.read(&files[1]);
            folder.write(file, &other);
            folder.write(&files[1], &whole);
            let damage = folder.damage(&db);
            assert!(files[..2].iter().all(|file| damage.contains(file.as_str())), "{damage}");
            folder.write(file, &whole);
            folder.write(&files[1], &other);
        }
        let piece = folder.read(&pieces[0]);
        folder.remove(&pieces[0]);
        let damage = folder.damage(&db);
        assert!(damage.starts_with(&format!("{} is missing", pieces[0])), "{damage}");
        folder.write(&pieces[0], &piece);
        assert_eq!(folder.damage(&db), "");
    }

    async fn a_damaged_backup_restores_nothing(db) {
        let folder = two_backups(&db).await;
        let keys = BackupKeys::new(&db.platform().master);
        // Of the piece that the newer one alone has.
        let older = folder.files().into_iter().find(|file| file.ends_with(".backup")).unwrap();
        let whole: Vec<(String, Vec<u8>)> =
            folder.pieces().into_iter().map(|file| (file.clone(), folder.read(&file))).collect();
        for (file, bytes) in &whole {
            let mut changed = bytes.clone();
            changed[bytes.len() / 2] ^= 1;
            folder.write(file, &changed);
        }
        let target = if db.db().is_postgres() {
            TestDb::postgres(&[]).await
        } else {
            TestDb::sqlite(&[]).await
        };
        let refused = folder.restore(&target).await.unwrap_err();
        assert!(matches!(refused, BackupError::Damaged(_)), "{refused}");
        assert!(refused.to_string().starts_with("pieces/"), "{refused}");
        for (file, bytes) in &whole {
            folder.write(file, bytes);
        }
        let restored = folder.restore(&target).await.unwrap();
        assert_eq!(count(&target, "SELECT COUNT(*) FROM platform_probe").await, 2);
        assert_ne!(format!("{}.backup", restored.backup), older);
        let listed = backup::list(&keys, &folder.path()).unwrap();
        assert_eq!(listed[0].data_hash.as_ref(), Some(&restored.data_hash));
    }

    async fn a_check_is_noted_and_does_not_outlive_the_manifest(db) {
        let folder = two_backups(&db).await;
        let keys = BackupKeys::new(&db.platform().master);
        let listed = || backup::list(&keys, &folder.path()).unwrap();
        assert!(listed().iter().all(|backup| backup.ok.is_none() && backup.verified_at.is_none()));
        assert!(listed()[0].rows > 0 && listed()[0].stored_bytes > 0);
        folder.verify(&db);
        let now = db.platform().now();
        assert!(listed().iter().all(|backup| (backup.ok, backup.verified_at) == (Some(true), Some(now))));

        let piece = &folder.pieces()[0];
        let whole = folder.read(piece);
        folder.remove(piece);
        db.clock().advance_millis(1_000);
        folder.verify(&db);
        let seen = listed();
        let damaged: Vec<_> = seen.iter().filter(|backup| backup.ok == Some(false)).collect();
        assert!(!damaged.is_empty());
        assert!(damaged.iter().all(|backup| backup.problem.as_ref().unwrap().contains(piece.as_str())));
        folder.write(piece, &whole);

        // A verdict of another backup says nothing here.
        let name = |suffix: &str, at: usize| format!("{}{suffix}", seen[at].name);
        let other = folder.read(&name(".verified", 1));
        folder.write(&name(".verified", 0), &other);
        assert_eq!(listed()[0].ok, None);
        folder.write(&name(".verified", 0), b"verified by nobody");
        assert_eq!(listed()[0].ok, None);
    }

    async fn the_next_backup_mends_pieces_and_cleans_what_nobody_names(db) {
        fill_blobs(&db, 0..20).await;
        let folder = two_backups(&db).await;
        for file in folder.pieces() {
            folder.write(&file, b"no piece");
        }
        assert_ne!(folder.damage(&db), "");
        let unnamed = format!("pieces/{}", "0".repeat(64));
        let cut_off = format!("{unnamed}.77.part");
        for file in [&unnamed, &cut_off] {
            folder.write(file, b"left by a program that was killed");
        }
        let created = folder.create(&db).await;
        assert_eq!(created.new_pieces, created.pieces, "all were written again");
        let verdicts = folder.verify(&db);
        let whole: Vec<bool> = verdicts.iter().map(|verdict| verdict.ok).collect();
        // The oldest had a row less: what it alone needs is lost.
        assert_eq!(whole, [true, true, false]);
        assert!(!folder.files().contains(&unnamed) && !folder.files().contains(&cut_off));
    }

    async fn nothing_is_cleaned_while_a_manifest_cannot_be_read(db) {
        let folder = two_backups(&db).await;
        let manifest = folder.files().into_iter().find(|file| file.ends_with(".backup")).unwrap();
        let whole = folder.read(&manifest);
        folder.write(&manifest, b"GXM1 damaged");
        let pieces = folder.pieces();
        marked(&db, 3).await;
        folder.create(&db).await;
        assert!(pieces.iter().all(|piece| folder.pieces().contains(piece)));
        folder.write(&manifest, &whole);
        assert_eq!(folder.damage(&db), "");
    }

    async fn what_is_not_there_is_told(db) {
        let folder = Folder::new();
        let keys = BackupKeys::new(&db.platform().master);
        assert_eq!(backup::list(&keys, &folder.path()).unwrap(), []);
        let master = &db.platform().master;
        let text = |only: Option<&'static str>| {
            let (path, target) = (folder.path(), &db);
            async move { restore(&path, target, migrations(), master, only).await.unwrap_err().to_string() }
        };
        assert!(text(None).await.contains("there is no backup in"));
        folder.create(&db).await;
        assert!(text(Some("yesterday")).await.contains("there is no backup yesterday in"));
    }

    async fn one_at_a_time_writes_and_nobody_reads_meanwhile(db) {
        let folder = Folder::new();
        folder.create(&db).await;
        let lock = std::fs::File::open(folder.path().join(".lock")).unwrap();
        lock.lock_shared().unwrap();
        let refused = backup::create(db.platform(), &folder.path()).await.unwrap_err();
        assert!(matches!(refused, BackupError::Busy(_)), "{refused}");
        assert!(folder.verify(&db)[0].ok, "others may read");
        lock.unlock().unwrap();
        lock.lock().unwrap();
        let refused = folder.restore(&db).await.unwrap_err();
        assert!(matches!(refused, BackupError::Busy(_)), "{refused}");
    }
}

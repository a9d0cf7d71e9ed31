//! Backups by themselves.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::{JobId, Limit, OrgId, Timestamp, TypedId as _};
use platform::backup::{self, BACKUP, BackupJob, BackupKeys, BackupView, BackupWork};
use platform::crypto::MasterKey;
use platform::jobs::{self, JobState};
use platform::{Job, JobError, JobHandler as _, JobOutcome, Platform, keys, meta};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use crate::backup_support::{Folder, migrations};
use crate::support::mark;

const DAY_MILLIS: i64 = 24 * 3_600_000;

fn job(attempt: u32) -> Job {
    Job {
        id: JobId::from_uuid(uuid::Uuid::from_u128(1)),
        scope: platform::Scope::system(OrgId::FIRST),
        kind: BACKUP.to_owned(),
        payload: serde_json::Value::Null,
        attempt,
        max_attempts: 3,
    }
}

fn platform(db: &TestDb, folder: &Folder) -> Platform {
    db.platform().clone().with_backups(Some(&folder.path()))
}

async fn run(platform: &Platform) -> Result<JobOutcome, JobError> {
    BackupJob.run(platform, &job(1), CancellationToken::new()).await
}

fn listed(platform: &Platform, folder: &Folder) -> Vec<BackupView> {
    backup::list(&BackupKeys::new(&platform.master), &folder.path()).unwrap()
}

async fn waiting(db: &TestDb) -> Vec<Timestamp> {
    let mut tx = db.db().read().await.unwrap();
    let limit = Limit::new(None).unwrap();
    let scope = db.ctx().scope;
    let page = jobs::list(&mut tx, scope, Some(JobState::Waiting), None, limit).await.unwrap();
    page.items.into_iter().filter(|job| job.kind == BACKUP).map(|job| job.run_at).collect()
}

db_test! { migrations();
    async fn backups_of_days_weeks_and_months_are_kept(db) {
        let folder = Folder::new();
        let platform = platform(&db, &folder);
        for day in 0..100 {
            let mut tx = db.db().begin().await.unwrap();
            mark(&mut tx, "day", day).await.unwrap();
            tx.commit().await.unwrap();
            let now = platform.now();
            let next = JobOutcome::Again(now.plus_millis(DAY_MILLIS));
            assert_eq!(run(&platform).await.unwrap(), next);
            let newest = listed(&platform, &folder).remove(0);
            assert_eq!((newest.created_at, newest.ok, newest.verified_at), (Some(now), Some(true), Some(now)));
            db.clock().advance_millis(DAY_MILLIS);
        }
        let backups = listed(&platform, &folder);
        let days: BTreeSet<String> = backups
            .iter()
            .map(|backup| backup.created_at.unwrap().to_string()[..10].to_owned())
            .collect();
        // From 2026-01-01 (Thursday) on, a hundred days to 2026-04-10.
        let kept = [
            "2026-01-31", "2026-02-28", "2026-03-22", "2026-03-29", "2026-03-31", "2026-04-04",
            "2026-04-05", "2026-04-06", "2026-04-07", "2026-04-08", "2026-04-09", "2026-04-10",
        ];
        assert_eq!(days, kept.map(str::to_owned).into());
        assert_eq!(backups.len(), days.len());
        assert!(backups.iter().all(|backup| backup.ok == Some(true)));
        // One piece of its own each, and what they share.
        assert!(folder.pieces().len() < 2 * backups.len() + 10);
        assert!(folder.verify(&db).iter().all(|verdict| verdict.ok));
    }

    async fn backups_of_an_earlier_master_key_go_in_their_time(db) {
        let folder = Folder::new();
        let old = platform(&db, &folder);
        let pass = async |platform: &Platform, days: i64| {
            for _ in 0..days {
                let mut tx = db.db().begin().await.unwrap();
                mark(&mut tx, "day", platform.now().millis()).await.unwrap();
                tx.commit().await.unwrap();
                run(platform).await.unwrap();
                db.clock().advance_millis(DAY_MILLIS);
            }
        };
        meta::check_master_key(&old, "the key file").await.unwrap();
        pass(&old, 10).await;
        let of_old = listed(&old, &folder).len();
        let new = MasterKey::new([7; 32]);
        keys::change_master(&old, &db.ctx(), &new).await.unwrap();
        let now = Platform::new(old.db.clone(), new, old.clock.clone(), Arc::clone(&old.ids), db.folder())
            .with_backups(Some(&folder.path()));
        keys::load(&now).await.unwrap();
        let theirs = || listed(&now, &folder).iter().filter(|backup| backup.created_at.is_none()).count();
        pass(&now, 4).await;
        assert!((1..of_old).contains(&theirs()), "{} of {of_old}", theirs());
        // Those that are kept can be restored with the key that they were made under.
        let readable = listed(&old, &folder);
        assert_eq!(readable.iter().filter(|backup| backup.created_at.is_some()).count(), theirs());
        pass(&now, 30).await;
        assert_eq!(theirs(), 0);
        let backups = listed(&now, &folder);
        assert!(folder.pieces().len() < 2 * backups.len() + 10, "their pieces went with them");
        assert!(backups.iter().all(|backup| backup.ok == Some(true)));

        // What was made under a key that was never ours is somebody else's, and stays.
        let stranger = MasterKey::new([9; 32]);
        let stranger = Platform::new(old.db.clone(), stranger, old.clock.clone(), Arc::clone(&old.ids), db.folder());
        let mut tx = db.db().begin().await.unwrap();
        meta::set(&mut tx, "master_key_fingerprint", &stranger.master.fingerprint()).await.unwrap();
        tx.commit().await.unwrap();
        let made = backup::create(&stranger, &folder.path()).await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        meta::set(&mut tx, "master_key_fingerprint", &now.master.fingerprint()).await.unwrap();
        tx.commit().await.unwrap();
        let before = folder.pieces().len();
        pass(&now, 60).await;
        assert!(listed(&now, &folder).iter().any(|backup| backup.name == made.backup));
        let whole = backup::verify(&BackupKeys::new(&stranger.master), &folder.path(), Some(&made.backup),
            now.now(), &*now.ids, &CancellationToken::new()).unwrap();
        assert!(whole[0].ok, "{whole:?}");
        assert!(folder.pieces().len() < before + 30, "pieces of ours are cleaned all the same");
    }

    async fn a_server_that_is_started_again_makes_no_other(db) {
        let folder = Folder::new();
        let platform = platform(&db, &folder);
        run(&platform).await.unwrap();
        let made = listed(&platform, &folder);
        db.clock().advance_millis(3_600_000);
        let next = JobOutcome::Again(made[0].created_at.unwrap().plus_millis(DAY_MILLIS));
        assert_eq!(run(&platform).await.unwrap(), next);
        assert_eq!(listed(&platform, &folder), made);

        backup::begin(&platform, &db.ctx()).await.unwrap();
        backup::begin(&platform, &db.ctx()).await.unwrap();
        assert_eq!(waiting(&db).await.len(), 1);
        let off = db.platform().clone().with_backups(None);
        assert_eq!(run(&off).await.unwrap(), JobOutcome::Done);
    }

    async fn a_failure_is_told_and_tomorrow_is_another_day(db) {
        let folder = Folder::new();
        std::fs::write(folder.path(), "a file where the folder should be").unwrap();
        let platform = platform(&db, &folder);
        let first = run(&platform).await.unwrap_err();
        assert!(matches!(&first, JobError::Retry(text) if text.contains("backups")), "{first}");
        assert!(waiting(&db).await.is_empty());
        let last = BackupJob.run(&platform, &job(3), CancellationToken::new()).await.unwrap_err();
        assert!(matches!(last, JobError::Fatal(_)), "{last}");
        assert_eq!(waiting(&db).await, [platform.now().plus_millis(DAY_MILLIS)]);
    }

    async fn what_somebody_asks_for_is_done_once_and_leaves_the_day_alone(db) {
        let folder = Folder::new();
        let platform = platform(&db, &folder);
        run(&platform).await.unwrap();
        db.clock().advance_millis(60_000);
        let asked = |asked| Job { payload: serde_json::to_value(asked).unwrap(), ..job(1) };
        let made = BackupJob.run(&platform, &asked(BackupWork::Create), CancellationToken::new()).await;
        assert_eq!(made.unwrap(), JobOutcome::Done);
        let backups = listed(&platform, &folder);
        // It takes the place of the day's other one.
        assert_eq!((backups.len(), backups[0].ok), (1, Some(true)));
        assert_eq!(backups[0].created_at, Some(platform.now()));

        db.clock().advance_millis(60_000);
        let checked = BackupJob.run(&platform, &asked(BackupWork::Verify), CancellationToken::new()).await;
        assert_eq!(checked.unwrap(), JobOutcome::Done);
        let backups = listed(&platform, &folder);
        assert!(backups.iter().all(|backup| backup.verified_at == Some(platform.now())));

        let mut tx = db.db().begin().await.unwrap();
        let first = backup::ask(&mut tx, &db.ctx(), BackupWork::Create).await.unwrap();
        assert_eq!(backup::ask(&mut tx, &db.ctx(), BackupWork::Create).await.unwrap(), first);
        assert_ne!(backup::ask(&mut tx, &db.ctx(), BackupWork::Verify).await.unwrap(), first);
        tx.commit().await.unwrap();
    }

    async fn a_failure_of_what_was_asked_for_plans_nothing(db) {
        let folder = Folder::new();
        std::fs::write(folder.path(), "a file where the folder should be").unwrap();
        let platform = platform(&db, &folder);
        let asked = Job { payload: serde_json::to_value(BackupWork::Create).unwrap(), ..job(3) };
        let last = BackupJob.run(&platform, &asked, CancellationToken::new()).await.unwrap_err();
        assert!(matches!(last, JobError::Fatal(_)), "{last}");
        assert!(waiting(&db).await.is_empty());
    }

    async fn it_stops_when_the_program_does(db) {
        let folder = Folder::new();
        let platform = platform(&db, &folder);
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = BackupJob.run(&platform, &job(1), stop).await.unwrap_err();
        assert!(matches!(stopped, JobError::Cancelled), "{stopped}");
    }
}

//! The daily backup, and the one that somebody asks for.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{JobId, OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::error::BackupError;
use super::keys::BackupKeys;
use super::list::list;
use super::rotate::{Kept, rotate};
use super::verify::{Verdict, verify};
use super::{blocking, create};
use crate::audit::{self, Entry};
use crate::jobs::{self, JobOptions};
use crate::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Tx, meta};

/// Kind of the job that makes, checks and rotates backups.
pub const BACKUP: &str = "platform.backup";

/// Key of the job that comes each day.
pub(super) const DAILY: &str = "daily";

const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
/// A backup so young is today's: a server that is started again makes no other.
const FRESH_MILLIS: i64 = 20 * HOUR_MILLIS;
/// A server that was just started has better things to do.
const AFTER_START_MILLIS: i64 = 10 * 60_000;
/// Until another one that is at work is looked at again.
const BUSY_MILLIS: i64 = 15_000;
/// Each reads all data.
const ATTEMPTS: u32 = 3;

/// What of it somebody may ask for, beside what comes each day by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupWork {
    /// A backup of this moment, checked.
    Create,
    /// A check of all backups, piece by piece.
    Verify,
}

impl BackupWork {
    const fn key(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Verify => "verify",
        }
    }
}

/// Has `asked` done soon; what is asked for twice before it begins is done once.
///
/// # Errors
/// As the database says.
pub async fn ask(tx: &mut Tx, cx: &Ctx, asked: BackupWork) -> Result<JobId, DbError> {
    let options = JobOptions {
        max_attempts: ATTEMPTS,
        unique_key: Some(asked.key().to_owned()),
        ..JobOptions::default()
    };
    let entry = match asked {
        BackupWork::Create => Entry::new("platform.backup.create"),
        BackupWork::Verify => Entry::new("platform.backup.verify"),
    };
    audit::record(tx, cx, entry).await?;
    jobs::enqueue(tx, cx, BACKUP, &asked, options).await
}

/// Makes a backup each day into [`Platform::backups`], checks all that are there, and keeps 7 of
/// days, 4 of weeks and 12 of months.
#[derive(Debug, Clone, Copy)]
pub struct BackupJob;

/// Has the job run soon. There is one such job at most; it goes on by itself.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    enqueue(platform, cx, platform.now().plus_millis(AFTER_START_MILLIS)).await
}

async fn enqueue(platform: &Platform, cx: &Ctx, at: Timestamp) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let options = JobOptions {
        run_at: Some(at),
        max_attempts: ATTEMPTS,
        unique_key: Some(DAILY.to_owned()),
        ..JobOptions::default()
    };
    jobs::enqueue(&mut tx, cx, BACKUP, &(), options).await?;
    tx.commit().await
}

#[async_trait]
impl JobHandler for BackupJob {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let Some(folder) = platform.backups.clone() else { return Ok(JobOutcome::Done) };
        let asked: Option<BackupWork> = job.payload()?;
        let work = async {
            match asked {
                None => back_up(platform, &folder, &cancel).await.map(JobOutcome::Again),
                Some(BackupWork::Create) => {
                    make(platform, &folder, &cancel).await.map(|()| JobOutcome::Done)
                }
                Some(BackupWork::Verify) => {
                    check(platform, &folder, &cancel).await.map(|()| JobOutcome::Done)
                }
            }
        };
        let done = tokio::select! {
            done = work => done,
            () = cancel.cancelled() => return Err(JobError::Cancelled),
        };
        match done {
            Ok(outcome) => Ok(outcome),
            // Another job or a command is at it, which is no failure.
            Err(BackupError::Busy(_)) => {
                Ok(JobOutcome::Again(platform.now().plus_millis(BUSY_MILLIS)))
            }
            Err(BackupError::Stopped) => Err(JobError::Cancelled),
            Err(error) => {
                let is_last = !error.is_transient() || job.attempt >= job.max_attempts;
                if is_last && asked.is_some() {
                    return Err(JobError::fatal(error));
                }
                if is_last {
                    // This one will be dead, to be seen; tomorrow's must not depend on somebody
                    // seeing it.
                    let cx = platform.ctx(Scope::system(job.scope.org()));
                    enqueue(platform, &cx, platform.now().plus_millis(DAY_MILLIS)).await?;
                    return Err(JobError::fatal(error));
                }
                Err(JobError::retry(error))
            }
        }
    }
}

/// Makes today's backup unless it is there, checks, rotates; gives when the next is due.
async fn back_up(
    platform: &Platform,
    folder: &Arc<Path>,
    cancel: &CancellationToken,
) -> Result<Timestamp, BackupError> {
    let keys = BackupKeys::new(&platform.master);
    let now = platform.now();
    let known = {
        let (keys, folder) = (keys.clone(), folder.clone());
        blocking(move || list(&keys, &folder)).await?
    };
    let whole = known.iter().filter(|backup| backup.ok == Some(true));
    let newest = whole.filter_map(|backup| backup.created_at).max();
    if let Some(newest) = newest.filter(|newest| now < newest.plus_millis(FRESH_MILLIS)) {
        return Ok(newest.plus_millis(DAY_MILLIS));
    }
    make(platform, folder, cancel).await?;
    Ok(now.plus_millis(DAY_MILLIS))
}

/// Makes a backup, checks all there are, rotates.
async fn make(
    platform: &Platform,
    folder: &Arc<Path>,
    cancel: &CancellationToken,
) -> Result<(), BackupError> {
    let keys = BackupKeys::new(&platform.master);
    let now = platform.now();
    let created = create(platform, folder).await?;
    let earlier = {
        let mut tx = platform.db.read_for(Scope::system(OrgId::FIRST)).await?;
        let earlier = meta::earlier_master_keys(&mut tx).await?;
        tx.rollback().await?;
        earlier
    };
    let (folder, name) = (folder.clone(), created.backup.clone());
    let (ids, stop) = (platform.ids.clone(), cancel.clone());
    let rotated = blocking(move || {
        let verdicts = verify(&keys, &folder, None, now, &*ids, &stop)?;
        tell(&verdicts);
        if verdicts.iter().any(|verdict| verdict.backup == name && !verdict.ok) {
            // Nothing is rotated away for a backup that is none.
            return Err(BackupError::NotWhole(name));
        }
        rotate(&keys, &earlier, &folder, Kept::default())
    })
    .await?;
    tracing::info!(?created, ?rotated, "a backup was made and checked");
    Ok(())
}

/// Checks all backups; what is found stands with each.
async fn check(
    platform: &Platform,
    folder: &Arc<Path>,
    cancel: &CancellationToken,
) -> Result<(), BackupError> {
    let keys = BackupKeys::new(&platform.master);
    let (folder, now, ids, stop) =
        (folder.clone(), platform.now(), platform.ids.clone(), cancel.clone());
    let verdicts = blocking(move || verify(&keys, &folder, None, now, &*ids, &stop)).await?;
    tell(&verdicts);
    Ok(())
}

fn tell(verdicts: &[Verdict]) {
    for verdict in verdicts.iter().filter(|verdict| !verdict.ok) {
        let damage = verdict.damage.first().map_or("", String::as_str);
        tracing::error!(backup = verdict.backup, damage, "a backup is damaged");
    }
}

//! Erasures that outlive backups: noted beside them, and done again after an older one is restored.

use std::path::Path;

use customers::erase::{self as people, ErasureReason};
use kernel::{OrgId, TypedId as _};
use platform::backup::{self, BackupError, BackupKeys, NotedErasure};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Platform, Scope};
use serde::Serialize;

use crate::erase_customer;

/// What was done again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ErasedAgain {
    /// Customers who were in the data and erased once more.
    pub erased: u64,
    /// Who was erased in the data already.
    pub were: u64,
    /// Who is not in the data: they came after it.
    pub unknown: u64,
}

/// Notes all erasures of the organisation in the folder of backups `folder`. What is noted there stays.
///
/// # Errors
/// As the database or the disk says.
pub async fn note(platform: &Platform, cx: &Ctx, folder: &Path) -> Result<(), BackupError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let erased = people::erasures(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let org = cx.scope.org().get();
    let noted: Vec<NotedErasure> = erased
        .into_iter()
        .map(|one| NotedErasure {
            org,
            customer: one.customer,
            reason: one.reason,
            reference: one.reference,
            erased_at: one.erased_at,
        })
        .collect();
    let keys = BackupKeys::new(&platform.master);
    let (ids, folder) = (platform.ids.clone(), folder.to_owned());
    tokio::task::spawn_blocking(move || backup::note_erasures(&keys, &*ids, &folder, &noted))
        .await
        .map_err(|error| DbError::Unavailable(error.to_string()))?
}

/// Has the job of [`backup::NOTE_ERASURES`] run now. There is one at most; it goes on by itself, each day, and
/// until it goes well after it failed.
///
/// # Errors
/// As the database says.
pub async fn note_soon(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    jobs::enqueue(&mut tx, cx, backup::NOTE_ERASURES, &(), JobOptions::standing("daily")).await?;
    tx.commit().await
}

/// Erases again whom `noted` names and the data does not know as erased: it was restored from a backup that is
/// older than the erasure.
///
/// # Errors
/// As the database says; what was erased until then stays erased.
pub async fn erase_again(
    platform: &Platform,
    noted: &[NotedErasure],
) -> Result<ErasedAgain, DbError> {
    let mut done = ErasedAgain::default();
    for one in noted {
        let cx = platform.ctx(Scope::system(OrgId::new(one.org)));
        let mut tx = platform.db.read_for(cx.scope).await?;
        let erased_at = people::erased_at(&mut tx, cx.scope, one.customer.uuid()).await?;
        tx.rollback().await?;
        // One of an earlier time did not take what came between.
        if erased_at.is_some_and(|at| at >= one.erased_at) {
            done.were += 1;
            continue;
        }
        let reason = ErasureReason::from_name(&one.reason);
        let reference = one.reference.as_deref();
        let erasing =
            erase_customer::erase(platform, &cx, one.customer, reason, reference, false).await?;
        match erasing {
            Some(_) => done.erased += 1,
            None => done.unknown += 1,
        }
    }
    Ok(done)
}

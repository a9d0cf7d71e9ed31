//! Uploaded files that nobody imports any more.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use commerce::imports;
use kernel::{ImportId, Timestamp, TypedId as _};
use platform::{Ctx, DbError, Platform};

/// Uploaded files and drafts wait so long for somebody to start an import, in milliseconds.
pub const KEPT_MILLIS: i64 = 24 * 3_600_000;

/// Where uploads are, inside the data folder; one folder for each.
pub const UPLOADS: &str = "uploads";

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Drafts that nobody started.
    pub drafts: u64,
    /// Folders of uploads.
    pub folders: u64,
}

/// Removes drafts older than a day, and the folders of uploads of which no import needs the files.
///
/// # Errors
/// As the database says. A folder that cannot be removed is logged and tried again the next time.
pub async fn clean_uploads(platform: &Platform, cx: &Ctx) -> Result<Cleaned, DbError> {
    let before = cx.now().plus_millis(-KEPT_MILLIS);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let drafts = imports::remove_drafts(&mut tx, cx.scope, before).await?;
    tx.commit().await?;
    let held = {
        let mut tx = platform.db.read_for(cx.scope).await?;
        let files = imports::held_files(&mut tx, cx.scope, before).await?;
        let folder = |path: &str| Path::new(path).parent()?.file_name().map(OsString::from);
        files.iter().filter_map(|file| folder(&file.path)).collect()
    };
    let uploads = platform.folder.join(UPLOADS);
    let sweeping = tokio::task::spawn_blocking(move || sweep(&uploads, &held, before));
    let folders =
        sweeping.await.map_err(|error| DbError::Unavailable(format!("the uploads: {error}")))?;
    Ok(Cleaned { drafts, folders })
}

/// Removes the folders made before `before` that nobody holds; says how many.
fn sweep(uploads: &Path, held: &HashSet<OsString>, before: Timestamp) -> u64 {
    // Without uploads there is no folder for them.
    let Ok(entries) = std::fs::read_dir(uploads) else { return 0 };
    let mut removed = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_old = made_at(&name).is_some_and(|at| at < before);
        if !is_old || held.contains(&name) {
            continue;
        }
        match std::fs::remove_dir_all(entry.path()) {
            Ok(()) => removed += 1,
            Err(error) => {
                tracing::warn!(folder = %entry.path().display(), %error, "an upload stays behind");
            }
        }
    }
    removed
}

/// When a folder was made: its name is an id that begins with the millisecond. `None` for a folder that
/// is none of ours.
fn made_at(name: &std::ffi::OsStr) -> Option<Timestamp> {
    let id: ImportId = name.to_str()?.parse().ok()?;
    Some(Timestamp::from_millis((id.uuid().as_u128() >> 80) as i64))
}

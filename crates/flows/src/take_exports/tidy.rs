//! The end of files: when their time is over, and when nobody writes them any more.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use customers::exports::{self, ExportState};
use kernel::{ExportId, Timestamp};
use platform::{Ctx, DbError, Platform};

use super::{UNFINISHED, file_of, folder_of};

/// How long a file in `tmp` was not written before it goes, in milliseconds.
const IDLE_MILLIS: i64 = 24 * 3_600_000;

/// Takes the file of a ready export away if its time is over; gives when to come again, `None` if there is
/// nothing to take away any more.
///
/// # Errors
/// As the database says.
pub async fn end(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
) -> Result<Option<Timestamp>, DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let found = exports::get(&mut tx, cx, id).await?;
    let Some(export) = found.filter(|export| export.state == ExportState::Ready) else {
        return Ok(None);
    };
    if let Some(at) = export.expires_at.filter(|at| platform.now() < *at) {
        return Ok(Some(at));
    }
    exports::ended(&mut tx, cx.scope, id).await?;
    tx.commit().await?;
    remove(&file_of(platform, cx.scope, id)).await;
    Ok(None)
}

async fn remove(file: &Path) {
    if let Err(error) = tokio::fs::remove_file(file).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file = %file.display(), %error, "an export stays behind");
    }
}

/// Ends what waited too long, and removes files that belong to nothing: of exports whose job was killed between
/// note and removal, pieces of a file that nobody goes on with, and what earlier releases left in `tmp`.
/// Other processes at the same data may be writing meanwhile; what they write stays.
///
/// # Errors
/// As the database says.
pub async fn tidy(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    // Before it is asked whose they are: an export that comes now has no file among these.
    let files = names_in(&folder_of(platform, cx.scope)).await;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let held = exports::tidy(&mut tx, cx).await?;
    tx.commit().await?;
    let state_of = |id: ExportId| held.iter().find(|one| one.0 == id).map(|one| one.1);
    for name in files {
        let Some((id, is_whole)) = export_of(&name) else { continue };
        let is_wanted = match state_of(id) {
            Some(ExportState::Queued) => true,
            Some(_) => is_whole,
            None => false,
        };
        if !is_wanted {
            remove(&folder_of(platform, cx.scope).join(name)).await;
        }
    }
    let folder = platform.folder.join(UNFINISHED);
    let before = cx.now().plus_millis(-IDLE_MILLIS);
    for name in names_in(&folder).await {
        let path = folder.join(name);
        if is_idle(&path, before).await {
            remove(&path).await;
        }
    }
    Ok(())
}

/// Names in `folder`; none where it is not there.
async fn names_in(folder: &Path) -> Vec<OsString> {
    let mut names = Vec::new();
    let Ok(mut files) = tokio::fs::read_dir(folder).await else { return names };
    while let Ok(Some(file)) = files.next_entry().await {
        names.push(file.file_name());
    }
    names
}

/// The export of which a file of this name is, and whether it is whole; `None` for one that is none of ours.
fn export_of(name: &OsString) -> Option<(ExportId, bool)> {
    let name = name.to_str()?;
    match name.split_once('.') {
        Some((id, rest)) => Some((id.parse().ok()?, false)).filter(|_| rest.ends_with("part")),
        None => Some((name.parse().ok()?, true)),
    }
}

/// Whether a plain file was not written since `before`.
async fn is_idle(path: &PathBuf, before: Timestamp) -> bool {
    let Ok(told) = tokio::fs::metadata(path).await else { return false };
    let written = told.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    told.is_file()
        && written
            .is_some_and(|at| at.as_millis() < u128::from(before.millis().max(0).unsigned_abs()))
}

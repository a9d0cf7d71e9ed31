//! What the audit log is told of imports: each step, but none of the rows.

use kernel::ImportId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};

use super::{Import, ImportState, Obstacle, Progress};

/// What a step from one of `from` to `to` is called; `None` for those that no person asked for and
/// that change nothing by themselves.
fn action(from: &[ImportState], to: ImportState) -> Option<&'static str> {
    match to {
        ImportState::Draft | ImportState::Running => None,
        ImportState::Queued if from.contains(&ImportState::Paused) => {
            Some("commerce.import.resume")
        }
        ImportState::Queued => Some("commerce.import.begin"),
        ImportState::Paused => Some("commerce.import.pause"),
        ImportState::Finished => Some("commerce.import.finish"),
        ImportState::Cancelled => Some("commerce.import.cancel"),
        ImportState::Failed => Some("commerce.import.fail"),
        ImportState::Undoing => Some("commerce.import.undo_begin"),
        ImportState::Undone => Some("commerce.import.undo"),
    }
}

/// Records that `import` was made, as a draft or to be run.
pub(super) async fn made(tx: &mut Tx, cx: &Ctx, import: &Import) -> Result<(), DbError> {
    let is_draft = import.state == ImportState::Draft;
    let action = if is_draft { "commerce.import.draft" } else { "commerce.import.begin" };
    // People name files as they like, after customers too.
    let files: Vec<&str> = import.request.files.iter().map(|file| file.name.as_str()).collect();
    let entry = Entry::new(action)
        .on("import", import.id)
        .with("number", import.number)
        .with("dry_run", import.dry_run)
        .personal("files", files);
    audit::record(tx, cx, entry).await.map(drop)
}

/// Records a step of the import `id`, which stands as `number` and `progress` say.
pub(super) async fn stepped(
    tx: &mut Tx,
    cx: &Ctx,
    id: ImportId,
    (from, to): (&[ImportState], ImportState),
    (number, progress): (i64, &str),
) -> Result<(), DbError> {
    let Some(action) = action(from, to) else { return Ok(()) };
    let mut entry = Entry::new(action).on("import", id).with("number", number);
    if to != ImportState::Queued {
        let done: Progress = serde_json::from_str(progress)
            .map_err(|error| DbError::Refused(format!("import {number} is unreadable: {error}")))?;
        entry = entry
            .with("orders_created", done.orders_created)
            .with("orders_updated", done.orders_updated)
            .with("customers_created", done.customers_created)
            .with("rejected", done.rejected);
    }
    audit::record(tx, cx, entry).await.map(drop)
}

/// Records that an import could not be taken back.
pub(super) async fn undo_refused(
    tx: &mut Tx,
    cx: &Ctx,
    id: ImportId,
    reason: &Obstacle,
) -> Result<(), DbError> {
    let entry = Entry::new("commerce.import.undo_refused").on("import", id);
    audit::record(tx, cx, entry.with("reason", &reason.text)).await.map(drop)
}

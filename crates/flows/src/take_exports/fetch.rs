//! The file of an export, given to its asker as long as they may see what is in it.

use axum::http::StatusCode;
use customers::exports::{self, Export, ExportState};
use customers::reach;
use kernel::ExportId;
use platform::{Ctx, Platform, Problem};

use super::sealed::{self, Pieces};
use super::{Contents, file_of};
use crate::export_customers::ExportFormat;

/// A file that may be fetched.
pub struct Opened {
    /// What kind of file.
    pub format: ExportFormat,
    /// Its pieces, opened one by one.
    pub pieces: Pieces,
}

/// Opens the file of an export for its asker. It is recorded before the first byte.
///
/// # Errors
/// 404 for one that is not there or not the caller's; 409 for one that is not ready, or that shows what the
/// caller may not see any more, or somebody who was erased since; 410 when its time is over.
pub async fn fetch(platform: &Platform, cx: &Ctx, id: ExportId) -> Result<Opened, Problem> {
    // What only looks does not wait for SQLite's one writer, and holds nobody else up.
    let mut tx = platform.db.read_for(cx.scope).await?;
    let own = |export: &Export| export.asker.is_some() && export.asker == cx.scope.user_id();
    let export = exports::get(&mut tx, cx, id).await?.filter(own);
    tx.rollback().await?;
    let export = export.ok_or_else(|| Problem::not_found("export"))?;
    let is_over = export.expires_at.is_some_and(|at| at <= cx.now());
    match export.state {
        ExportState::Ready if !is_over => {}
        ExportState::Ready | ExportState::Ended => {
            return Err(over());
        }
        state => {
            let detail = format!("there is no file: the export is {}", state.name());
            return Err(Problem::conflict("export_not_ready", detail));
        }
    }
    let format = ExportFormat::of_name(&export.format)
        .ok_or_else(|| Problem::internal(&"an export of an unknown format"))?;
    let (keys, path) = (cx.keys(), file_of(platform, cx.scope, id));
    let opening = tokio::task::spawn_blocking(move || sealed::open(keys, id, &path)).await;
    let (head, pieces) = opening.map_err(|error| Problem::internal(&error))?.map_err(|error| {
        match error.kind() {
            // After a restore, for one: backups have no exports.
            std::io::ErrorKind::NotFound => gone("the file is gone; ask for it again"),
            _ => Problem::internal(&error),
        }
    })?;
    let contents: Contents =
        serde_json::from_slice(&head).map_err(|error| Problem::internal(&error))?;
    if !cx.access.fields().cover(&contents.fields) {
        return Err(stale("it shows fields that you do not see any more; ask for it again"));
    }
    if !cx.access.reach().is_all() {
        let mut tx = platform.db.read_for(cx.scope).await?;
        let seen = reach::within(&mut tx, cx, &contents.customers).await?;
        tx.rollback().await?;
        if contents.customers.iter().any(|id| !seen.contains(id)) {
            return Err(stale("it shows customers whom you do not see any more; ask for it again"));
        }
    }
    let made_at = export.made_at.unwrap_or(export.asked_at);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let erased = exports::erased_since(&mut tx, cx.scope, made_at).await?;
    if erased.iter().any(|id| contents.customers.contains(id)) {
        return Err(stale("somebody in it was erased since; ask for it again"));
    }
    if !exports::fetched(&mut tx, cx, &export).await? {
        return Err(over());
    }
    tx.commit().await?;
    Ok(Opened { format, pieces })
}

fn gone(detail: &str) -> Problem {
    Problem::new(StatusCode::GONE, "export_gone", "No longer there").detail(detail)
}

fn over() -> Problem {
    gone("the time of this file is over; ask for it again")
}

fn stale(what: &str) -> Problem {
    Problem::conflict("export_is_stale", what.to_owned())
}

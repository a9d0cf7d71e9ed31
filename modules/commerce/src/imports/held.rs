//! Which imports still need the program's copies of their files, and drafts that nobody started.

use kernel::Timestamp;
use platform::{DbError, Scope, Tx, args};

use super::{ImportFile, ImportRequest};

/// Removes drafts made before `before`; says how many.
///
/// # Errors
/// As the database says.
pub async fn remove_drafts(tx: &mut Tx, scope: Scope, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM commerce_imports
         WHERE org_id = $1 AND state = 'draft' AND created_at < $2",
        args![scope.org_arg(), before],
    )
    .await
}

/// Files that an import may still read: drafts, imports that are not at their end or can go on, and dry
/// runs that ended at `since` or later and may be run for real.
///
/// # Errors
/// As the database says.
pub async fn held_files(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
) -> Result<Vec<ImportFile>, DbError> {
    let rows: Vec<(i64, String)> = tx
        .fetch_all(
            "SELECT number, request FROM commerce_imports
             WHERE org_id = $1 AND (state IN ('draft', 'queued', 'running', 'paused')
                 OR (state = 'failed' AND NOT dry_run)
                 OR (dry_run AND state IN ('finished', 'failed') AND finished_at >= $2))",
            args![scope.org_arg(), since],
        )
        .await?;
    let mut files = Vec::new();
    for (number, request) in rows {
        let request: ImportRequest = serde_json::from_str(&request)
            .map_err(|error| DbError::Refused(format!("import {number} is unreadable: {error}")))?;
        if request.uploaded {
            files.extend(request.files);
        }
    }
    Ok(files)
}

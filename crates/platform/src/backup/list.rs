//! Which backups there are.

use std::path::Path;

use kernel::Timestamp;
use serde::Serialize;

use super::error::BackupError;
use super::keys::BackupKeys;
use super::repository::Repository;

/// A backup as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BackupView {
    /// Its name in its folder.
    pub name: String,
    /// The moment of the data; null if the backup cannot be read.
    pub created_at: Option<Timestamp>,
    /// Version of the program that made it.
    pub program: Option<String>,
    /// `sqlite` or `postgresql`: where the data was. It can be restored into either.
    pub database: Option<String>,
    /// Hash of the data, the same for the same data on both databases.
    pub data_hash: Option<String>,
    /// Rows of all tables.
    pub rows: u64,
    /// Pieces it consists of.
    pub pieces: u64,
    /// Bytes of the rows.
    pub bytes: u64,
    /// Bytes of its files. Backups of one folder share files.
    pub stored_bytes: u64,
    /// When it was last checked, piece by piece.
    pub verified_at: Option<Timestamp>,
    /// Whether it was whole then; null if it was never checked.
    pub ok: Option<bool>,
    /// What is wrong with it, as far as it is known without a check.
    pub problem: Option<String>,
}

/// The backups in `folder`, newest first; none if there is no folder. Reads their lists and not
/// their pieces. Blocks.
///
/// # Errors
/// `Disk` if the folder cannot be read.
pub fn list(keys: &BackupKeys, folder: &Path) -> Result<Vec<BackupView>, BackupError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let repository = Repository::to_look_at(folder);
    let names = repository.names()?;
    // One that is removed meanwhile is no more to be told of.
    let views = names.iter().rev().filter_map(|name| view(&repository, keys, name));
    Ok(views.collect())
}

fn view(repository: &Repository, keys: &BackupKeys, name: &str) -> Option<BackupView> {
    let mut view = BackupView {
        name: name.to_owned(),
        created_at: None,
        program: None,
        database: None,
        data_hash: None,
        rows: 0,
        pieces: 0,
        bytes: 0,
        stored_bytes: 0,
        verified_at: None,
        ok: None,
        problem: None,
    };
    match repository.manifest(keys, name) {
        Ok((manifest, file)) => {
            for (_, piece) in manifest.pieces() {
                view.rows += piece.rows;
                view.pieces += 1;
                view.bytes += piece.bytes;
                view.stored_bytes += piece.stored_bytes;
            }
            view.created_at = Some(manifest.created_at);
            view.program = Some(manifest.program);
            view.database = Some(manifest.database);
            view.data_hash = Some(manifest.data_hash);
            if let Some(verdict) = repository.verdict(keys, name, &file) {
                view.verified_at = Some(verdict.at);
                view.ok = Some(verdict.damage.is_empty());
                view.problem = verdict.damage.into_iter().next();
            }
        }
        Err(damage) if damage.is_missing() => return None,
        Err(damage) => view.problem = Some(damage.to_string()),
    }
    Some(view)
}

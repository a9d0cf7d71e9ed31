//! Checking backups.

use std::collections::HashMap;
use std::path::Path;

use kernel::{Ids, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::error::{BackupError, Damage, Fault};
use super::keys::{BackupKeys, PieceName};
use super::manifest::{Manifest, Piece, SavedTable, Verified};
use super::repository::Repository;
use super::rows::RowSum;

/// Damages that a verdict notes.
const NOTED: usize = 20;

/// What a check of one backup found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The backup.
    pub backup: String,
    /// Whether it is whole.
    pub ok: bool,
    /// What is wrong with it, file by file.
    pub damage: Vec<String>,
    /// Hash of the data in it, as its manifest has it; nothing if that cannot be read.
    pub data_hash: Option<String>,
    /// Rows of all tables.
    pub rows: u64,
    /// Pieces it consists of.
    pub pieces: u64,
}

/// Reads every piece of every backup in `folder`, or of the one that is named, and compares it with
/// what its manifest says; gives a verdict on each, newest first, and notes it beside the backup.
/// A piece that several backups share is read once. Blocks.
///
/// # Errors
/// `NoBackup`, `NoSuchBackup`, `Busy` while somebody writes into the folder, `Disk`; `Stopped` once
/// `stop` says so.
pub fn verify(
    keys: &BackupKeys,
    folder: &Path,
    only: Option<&str>,
    now: Timestamp,
    ids: &dyn Ids,
    stop: &CancellationToken,
) -> Result<Vec<Verdict>, BackupError> {
    let repository = Repository::to_read(folder)?;
    let mut names = repository.names()?;
    if names.is_empty() {
        return Err(BackupError::NoBackup(folder.to_owned()));
    }
    if let Some(only) = only {
        names.retain(|name| name == only);
        if names.is_empty() {
            let name = only.to_owned();
            return Err(BackupError::NoSuchBackup { folder: folder.to_owned(), name });
        }
    }
    let mut check = Check { repository: &repository, keys, stop, pieces: HashMap::new() };
    let mut verdicts = Vec::with_capacity(names.len());
    for name in names.iter().rev() {
        verdicts.push(match repository.manifest(keys, name) {
            Ok((manifest, file)) => {
                let verdict = check.backup(name, &manifest)?;
                note(&repository, keys, &verdict, &file, now, ids);
                verdict
            }
            // With another key it may be whole, and what was noted is not ours to change.
            Err(damage) => unreadable(name, &damage),
        });
    }
    Ok(verdicts)
}

fn unreadable(name: &str, damage: &Damage) -> Verdict {
    Verdict {
        backup: name.to_owned(),
        ok: false,
        damage: vec![damage.to_string()],
        data_hash: None,
        rows: 0,
        pieces: 0,
    }
}

/// Notes the verdict. A folder that cannot be written can be checked all the same.
fn note(
    repository: &Repository,
    keys: &BackupKeys,
    verdict: &Verdict,
    manifest: &[u8],
    now: Timestamp,
    ids: &dyn Ids,
) {
    let damage = verdict.damage.iter().take(NOTED).cloned().collect();
    let mut nonce = [0; 12];
    ids.fill(&mut nonce);
    let name = &verdict.backup;
    let sealed = Verified { at: now, damage }.seal(keys, name, manifest, nonce);
    let noted = sealed
        .map_err(BackupError::disk(Path::new(name)))
        .and_then(|file| repository.put_verdict(name, &file));
    if let Err(error) = noted {
        tracing::warn!(%error, backup = name, "the result of the check is not noted");
    }
}

struct Check<'a> {
    repository: &'a Repository,
    keys: &'a BackupKeys,
    stop: &'a CancellationToken,
    /// What was found in the pieces read so far.
    pieces: HashMap<PieceName, Result<RowSum, Damage>>,
}

impl Check<'_> {
    fn backup(&mut self, name: &str, manifest: &Manifest) -> Result<Verdict, BackupError> {
        let mut damage = Vec::new();
        let mut sums = Vec::with_capacity(manifest.tables.len());
        for table in &manifest.tables {
            let mut total = RowSum::default();
            for piece in &table.pieces {
                if self.stop.is_cancelled() {
                    return Err(BackupError::Stopped);
                }
                match self.piece(table, piece) {
                    Ok(sum) => total.add(sum),
                    Err(found) => damage.push(found),
                }
            }
            sums.push(total);
        }
        // Each piece is what its name says, and the manifest names them: what is left is that they
        // are together what was read.
        if damage.is_empty() && manifest.hash_of(sums.into_iter()) != manifest.data_hash {
            damage.push(Damage::new(format!("{name}.backup"), Fault::Exchanged));
        }
        let pieces: u64 = manifest.tables.iter().map(|table| table.pieces.len() as u64).sum();
        Ok(Verdict {
            backup: name.to_owned(),
            ok: damage.is_empty(),
            damage: damage.iter().map(ToString::to_string).collect(),
            data_hash: Some(manifest.data_hash.clone()),
            rows: manifest.tables.iter().map(|table| table.rows).sum(),
            pieces,
        })
    }

    fn piece(&mut self, table: &SavedTable, piece: &Piece) -> Result<RowSum, Damage> {
        let Self { repository, keys, pieces, .. } = self;
        let read = || {
            let rows = repository.piece(keys, &piece.name, &table.name, piece.bytes)?;
            let sum = RowSum::of(&rows).ok().filter(|sum| sum.rows() == piece.rows);
            sum.ok_or_else(|| Damage::new(format!("pieces/{}", piece.name), Fault::Exchanged))
        };
        pieces.entry(piece.name).or_insert_with(read).clone()
    }
}

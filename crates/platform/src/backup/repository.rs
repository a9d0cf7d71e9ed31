//! The folder that backups are in.
//!
//! ```text
//! DIR/2026-11-22T135700Z-1a2b3c.backup      the manifest; without it there is no backup
//! DIR/2026-11-22T135700Z-1a2b3c.verified    what the last check found
//! DIR/pieces/0c9a…                          the rows, shared by all backups of the folder
//! DIR/.lock                                 held by who writes or checks
//! ```
//! A file is written under another name, brought to the disk, and then gets its own: it is there
//! whole or not at all. Everything is sealed before it comes here.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::error::{BackupError, Damage, Fault};
use super::keys::{BackupKeys, PieceName};
use super::manifest::{Manifest, Verified};

const PIECES: &str = "pieces";
const LOCK: &str = ".lock";
const MANIFEST: &str = ".backup";
const VERDICT: &str = ".verified";
/// What a file is called until it is whole.
const UNFINISHED: &str = ".part";

/// A folder of backups, held against others.
#[derive(Debug)]
pub(super) struct Repository {
    folder: PathBuf,
    /// The lock ends with the file, also when the process is killed.
    _lock: Option<File>,
}

/// What became of a piece that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    /// Size of its file.
    pub bytes: u64,
    /// Whether the file was not there before.
    pub is_new: bool,
}

impl Repository {
    /// Takes the folder to write backups, and makes it (mode 0700) if it is missing. What an earlier
    /// writer left unfinished is removed.
    ///
    /// # Errors
    /// `Busy` if anybody else has it; `Disk`.
    pub(super) fn to_write(folder: &Path) -> Result<Self, BackupError> {
        make_folder(folder)?;
        let path = folder.join(LOCK);
        let lock = private_file(&path, true).map_err(BackupError::disk(&path))?;
        taken(folder, &path, lock.try_lock())?;
        let repository = Self { folder: folder.to_owned(), _lock: Some(lock) };
        make_folder(&repository.pieces())?;
        for folder in [&repository.folder, &repository.pieces()] {
            for name in names_in(folder)?.iter().filter(|name| name.ends_with(UNFINISHED)) {
                let path = folder.join(name);
                fs::remove_file(&path).map_err(BackupError::disk(&path))?;
            }
        }
        Ok(repository)
    }

    /// Takes the folder to read backups, beside others who read.
    ///
    /// # Errors
    /// `NoBackup` if there is no folder, `Busy` if somebody writes; `Disk`.
    pub(super) fn to_read(folder: &Path) -> Result<Self, BackupError> {
        if !folder.is_dir() {
            return Err(BackupError::NoBackup(folder.to_owned()));
        }
        let path = folder.join(LOCK);
        let lock = match File::open(&path) {
            Ok(lock) => {
                taken(folder, &path, lock.try_lock_shared())?;
                Some(lock)
            }
            // A copy on a disk that cannot be written: nobody else writes there either.
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(BackupError::Disk { path, source }),
        };
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Takes the folder as it is, to look what is there.
    pub(super) fn to_look_at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _lock: None }
    }

    fn pieces(&self) -> PathBuf {
        self.folder.join(PIECES)
    }

    fn piece_file(name: &PieceName) -> String {
        format!("{PIECES}/{name}")
    }

    /// Names of the backups, oldest first.
    pub(super) fn names(&self) -> Result<Vec<String>, BackupError> {
        let names = names_in(&self.folder)?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(MANIFEST)).map(str::to_owned).collect())
    }

    /// The manifest of the backup `name`, with its file.
    pub(super) fn manifest(
        &self,
        keys: &BackupKeys,
        name: &str,
    ) -> Result<(Manifest, Vec<u8>), Damage> {
        let file = format!("{name}{MANIFEST}");
        let bytes = self.read(&file).map_err(|fault| Damage::new(&file, fault))?;
        match Manifest::open(keys, name, &bytes) {
            Ok(manifest) => Ok((manifest, bytes)),
            Err(fault) => Err(Damage::new(file, fault)),
        }
    }

    /// Makes the backup `name` one: everything it consists of is on the disk before.
    pub(super) fn put_manifest(&self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        sync_folder(&self.pieces())?;
        self.put(&self.folder.join(format!("{name}{MANIFEST}")), bytes)?;
        sync_folder(&self.folder)
    }

    /// What the last check of the backup `name` found, if that was noted for this manifest.
    pub(super) fn verdict(
        &self,
        keys: &BackupKeys,
        name: &str,
        manifest: &[u8],
    ) -> Option<Verified> {
        let file = self.read(&format!("{name}{VERDICT}")).ok()?;
        Verified::open(keys, name, manifest, &file)
    }

    pub(super) fn put_verdict(&self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.put(&self.folder.join(format!("{name}{VERDICT}")), bytes)
    }

    /// The rows of `table` in a piece of `bytes` bytes.
    pub(super) fn piece(
        &self,
        keys: &BackupKeys,
        name: &PieceName,
        table: &str,
        bytes: u64,
    ) -> Result<Vec<u8>, Damage> {
        let file = Self::piece_file(name);
        let opened = self.read(&file);
        let opened = opened.and_then(|sealed| keys.open_piece(name, table, bytes, &sealed));
        opened.map_err(|fault| Damage::new(file, fault))
    }

    /// Stores `rows` of `table` under their name, unless they are there: whole, which is looked at,
    /// so that a damaged piece is mended by the next backup that has the same rows.
    pub(super) fn put_piece(
        &self,
        keys: &BackupKeys,
        name: &PieceName,
        table: &str,
        rows: &[u8],
    ) -> Result<Stored, BackupError> {
        let path = self.folder.join(Self::piece_file(name));
        let there = fs::read(&path).ok();
        if let Some(sealed) = there
            && keys.open_piece(name, table, rows.len() as u64, &sealed).is_ok()
        {
            return Ok(Stored { bytes: sealed.len() as u64, is_new: false });
        }
        let sealed = keys.seal_piece(name, rows).map_err(BackupError::disk(&path))?;
        self.put(&path, &sealed)?;
        Ok(Stored { bytes: sealed.len() as u64, is_new: true })
    }

    /// Removes the backup `name`; its pieces stay until [`Repository::sweep`].
    pub(super) fn remove(&self, name: &str) -> Result<(), BackupError> {
        // The manifest first: what is left after a crash in between is no backup.
        for suffix in [MANIFEST, VERDICT] {
            let path = self.folder.join(format!("{name}{suffix}"));
            match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(BackupError::Disk { path, source });
                }
                _ => {}
            }
        }
        sync_folder(&self.folder)
    }

    /// Removes pieces that no backup names, and verdicts on backups that are gone; gives how many
    /// pieces. While there are backups of another key, only pieces of ours go: they name theirs. Nothing is removed
    /// while there is a manifest that cannot be read for another reason: it may name any.
    pub(super) fn sweep(&self, keys: &BackupKeys) -> Result<u64, BackupError> {
        let names = self.names()?;
        let mut needed = BTreeSet::new();
        let mut has_others = false;
        for name in &names {
            match self.manifest(keys, name) {
                Ok((manifest, _)) => needed.extend(manifest.pieces().map(|(_, piece)| piece.name)),
                Err(damage) if damage.other_key().is_some() => has_others = true,
                Err(damage) => {
                    tracing::warn!(%damage, "pieces of backups are not cleaned");
                    return Ok(0);
                }
            }
        }
        let mut removed = 0;
        for file in names_in(&self.pieces())? {
            // What has another kind of name is not ours.
            let piece = file.parse().ok().filter(|piece| !needed.contains(piece));
            if let Some(piece) = piece {
                let path = self.pieces().join(&file);
                let is_ours = |sealed: Vec<u8>| keys.sealed_piece(&piece, &sealed);
                if has_others && !fs::read(&path).is_ok_and(is_ours) {
                    continue;
                }
                fs::remove_file(&path).map_err(BackupError::disk(&path))?;
                removed += 1;
            }
        }
        for file in names_in(&self.folder)? {
            let of = file.strip_suffix(VERDICT).map(str::to_owned);
            if of.is_some_and(|name| names.binary_search(&name).is_err()) {
                let path = self.folder.join(&file);
                fs::remove_file(&path).map_err(BackupError::disk(&path))?;
            }
        }
        Ok(removed)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, Fault> {
        fs::read(self.folder.join(file)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Missing,
            _ => Fault::Unreadable(error.to_string()),
        })
    }

    /// Puts a file in its place, whole and on the disk.
    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
        put_private(path, bytes)
    }
}

/// Puts a file that only this user of the machine can read in its place, whole and on the disk.
pub(super) fn put_private(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    // Of several that check, each has its own.
    let part = path.with_added_extension(format!("{}{UNFINISHED}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = private_file(&part, false)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&part);
        BackupError::Disk { path: path.to_owned(), source }
    })
}

fn taken(folder: &Path, path: &Path, locked: Result<(), TryLockError>) -> Result<(), BackupError> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy(folder.to_owned())),
        Err(TryLockError::Error(source)) => {
            Err(BackupError::Disk { path: path.to_owned(), source })
        }
    }
}

pub(super) fn make_folder(folder: &Path) -> Result<(), BackupError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(BackupError::disk(folder))
}

/// Opens a file for writing, readable for its owner alone; `keep` what is in it.
fn private_file(path: &Path, keep: bool) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(!keep);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Names are not on the disk before their folder is.
pub(super) fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::disk(folder))?;
    Ok(())
}

/// Names of the files in `folder`, in their order.
pub(super) fn names_in(folder: &Path) -> Result<Vec<String>, BackupError> {
    let read = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // A name that is no text is not ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    };
    read().map_err(BackupError::disk(folder))
}

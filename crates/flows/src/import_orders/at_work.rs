//! Whether a process works on an import just now.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use kernel::ImportId;
use platform::Platform;

/// Inside the data folder; one empty file for each import at work.
const FOLDER: &str = "running";

/// Held by who works on an import. The system lets go of it when the process ends, however it does.
pub(super) struct AtWork {
    path: PathBuf,
    _locked: File,
}

impl AtWork {
    /// Marks the import as worked on. Best effort: without the mark an import runs all the same, and
    /// the database keeps two processes from working on one.
    pub(super) fn begin(platform: &Platform, id: ImportId) -> Option<Self> {
        let path = path_of(platform, id);
        std::fs::create_dir_all(path.parent()?).ok()?;
        let file = open(&path).ok()?;
        file.try_lock().ok()?;
        Some(Self { path, _locked: file })
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether a process with this data folder works on the import.
#[must_use]
pub fn is_at_work(platform: &Platform, id: ImportId) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(path_of(platform, id)) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn path_of(platform: &Platform, id: ImportId) -> PathBuf {
    platform.folder.join(FOLDER).join(id.to_string())
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

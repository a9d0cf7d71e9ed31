//! What can go wrong with backups.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{DbError, disk};

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder cannot be read or written.
    #[error("{}: {}", .path.display(), disk::told(.source))]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// As the database says.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Somebody else writes backups into the folder, or checks them.
    #[error("another guanxi is at work on the backups in {}; try again when it is done", .0.display())]
    Busy(PathBuf),
    /// The folder is not there or holds no backup.
    #[error("there is no backup in {}", .0.display())]
    NoBackup(PathBuf),
    /// The folder holds no backup of this name.
    #[error("there is no backup {name} in {}", .folder.display())]
    NoSuchBackup {
        /// The folder.
        folder: PathBuf,
        /// What was asked for.
        name: String,
    },
    /// The backup is not what was written.
    #[error("{0}")]
    Damaged(Damage),
    /// The database has a column that backups cannot hold, or a value that its column cannot.
    #[error("table {table}: {detail}")]
    Unfit {
        /// The table.
        table: String,
        /// What about it.
        detail: String,
    },
    /// A backup that was just made is not whole.
    #[error("backup {0} was made and then found damaged; look at the disk it is on")]
    NotWhole(String),
    /// It was asked to stop.
    #[error("stopped before its end")]
    Stopped,
    /// The backup is of a newer program.
    #[error(
        "backup {name} was made by a newer Guanxi ({detail}); restore it with that program or a newer one"
    )]
    Newer {
        /// The backup.
        name: String,
        /// What is newer.
        detail: String,
    },
    /// The target holds data.
    #[error("the database already holds data (table {0}); restore into an empty one")]
    NotEmpty(String),
    /// What was restored is not what was saved. Nothing was kept.
    #[error(
        "the restored data has the hash {restored}, the backup {saved}; nothing was kept, please report this"
    )]
    Differs {
        /// Hash in the backup.
        saved: String,
        /// Hash of what was read back.
        restored: String,
    },
}

impl BackupError {
    /// Names the file that an error of the system is about.
    pub(super) fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Disk { path: path.to_owned(), source }
    }

    /// Whether the same may go well if it is simply tried again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Db(error) => error.is_transient(),
            Self::Busy(_) | Self::Disk { .. } | Self::NotWhole(_) => true,
            _ => false,
        }
    }
}

impl From<Damage> for BackupError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// What is wrong with a file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not there.
    Missing,
    /// It is there and cannot be read.
    Unreadable(String),
    /// Its bytes are not those that were written.
    Changed,
    /// It was written by us, and is something else than it should be.
    Exchanged,
    /// It was sealed with another master key.
    OtherKey {
        /// Fingerprint of that key.
        theirs: String,
        /// Fingerprint of the key at hand.
        ours: String,
    },
    /// Its form is newer than this program.
    Newer,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Changed => f.write_str("is damaged: its bytes are not those that were written"),
            Self::Exchanged => f.write_str("is damaged: it holds something else than it should"),
            Self::OtherKey { theirs, ours } => write!(
                f,
                "was sealed with the key of fingerprint {theirs}, and the key at hand has \
                 fingerprint {ours}; give the key of the data that was backed up (or the file is \
                 damaged)"
            ),
            Self::Newer => f.write_str("was written by a newer Guanxi"),
        }
    }
}

/// One thing that is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, relative to the folder.
    pub(super) file: String,
    pub(super) fault: Fault,
}

impl Damage {
    pub(super) fn new(file: impl Into<String>, fault: Fault) -> Self {
        Self { file: file.into(), fault }
    }

    /// Whether there is nothing rather than something wrong.
    pub(super) fn is_missing(&self) -> bool {
        self.fault == Fault::Missing
    }

    /// The fingerprint of the other master key that it was sealed with.
    pub(super) fn other_key(&self) -> Option<&str> {
        match &self.fault {
            Fault::OtherKey { theirs, .. } => Some(theirs),
            _ => None,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.fault)
    }
}

impl std::error::Error for Damage {}

//! What a database can answer besides rows.

/// Why a statement did not do its work. The transaction it ran in is lost.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique key is taken; a race was lost, or the input names something that exists.
    #[error("a row with this key exists already ({constraint})")]
    Duplicate {
        /// The key or its columns, as the database names them.
        constraint: String,
    },
    /// A row was expected and is not there.
    #[error("the row is not there")]
    NotFound,
    /// The disk is full. Nothing of this transaction was kept.
    #[error("the disk that holds the data is full; free some space and try again")]
    DiskFull,
    /// The database does not answer, or is busy for longer than anyone should wait.
    #[error("the database cannot be reached just now: {0}")]
    Unavailable(String),
    /// The data was written by a newer program, or with another key.
    #[error("{0}")]
    Refused(String),
    /// Anything else; a bug or a damaged database.
    #[error("database: {0}")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// Whether the same work may succeed if it is simply tried again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::DiskFull)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error.to_string())
            }
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => Self::DiskFull,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::Unavailable(error.to_string()),
            sqlx::Error::Database(db) => {
                if db.is_unique_violation() {
                    let constraint = db.constraint().unwrap_or(db.message()).to_owned();
                    return Self::Duplicate { constraint };
                }
                match db.code().as_deref() {
                    // SQLITE_FULL; disk_full
                    Some("13" | "53100") => Self::DiskFull,
                    // SQLITE_BUSY and SQLITE_LOCKED with their extended codes
                    Some("5" | "6" | "261" | "517" | "262") => {
                        Self::Unavailable(db.message().to_owned())
                    }
                    // SQLITE_IOERR and extended codes come when a disk fails or is full
                    Some("10" | "266" | "522" | "778" | "1034") => {
                        Self::Unavailable(db.message().to_owned())
                    }
                    // Serialisation failure, deadlock: try again. Class 57 and 08: server going away.
                    Some(code)
                        if code == "40001"
                            || code == "40P01"
                            || (code.len() == 5
                                && (code.starts_with("57P") || code.starts_with("08"))) =>
                    {
                        Self::Unavailable(db.message().to_owned())
                    }
                    _ => Self::Other(error),
                }
            }
            _ => Self::Other(error),
        }
    }
}

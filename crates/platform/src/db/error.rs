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
                if let Some(code) = sqlite_code(db.as_ref()) {
                    return match (code & 0xff, code) {
                        // SQLITE_FULL; SQLITE_IOERR_SHMSIZE: the index of the log cannot grow.
                        (13, _) | (10, 4874) => Self::DiskFull,
                        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL; SQLITE_IOERR, when a disk fails.
                        (5 | 6 | 15 | 10, _) => Self::Unavailable(db.message().to_owned()),
                        _ => Self::Other(error),
                    };
                }
                match db.code().as_deref() {
                    // disk_full
                    Some("53100") => Self::DiskFull,
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

/// SQLite's code with what it says beyond the primary one (its lowest byte); PostgreSQL's have five
/// characters.
fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<u32> {
    error.code().filter(|code| code.len() < 5)?.parse().ok()
}

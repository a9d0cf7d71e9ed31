//! One audience by SQL, from a snapshot of the engine to its members.

use analytics::Snapshot;
use analytics::audience::sql::{self, select};
use analytics::audience::{AsOf, Definitions, Node};
use kernel::CustomerId;

use crate::executor::{ExecuteError, Executor, Limits};
use crate::write::{WriteError, write_snapshot};

/// Why there are no members by SQL.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The tables cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The definition has no statement.
    #[error(transparent)]
    Statement(#[from] sql::SqlError),
    /// The statement was not executed.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

/// Who passes each of `trees` as of `as_of`, by id: what `snapshot` holds is written as Parquet into a folder
/// for the time being, and asked with DataFusion. So a figure says whether engine and SQL agree.
///
/// Takes the room of the tables on the disk, about 40 bytes a line of an order; blocks.
///
/// # Errors
/// If the folder cannot be written, a definition has no statement, or a statement fails or takes too much.
pub fn members_by_sql(
    snapshot: &Snapshot,
    trees: &[Node],
    named: &Definitions,
    as_of: AsOf,
    limits: Limits,
) -> Result<Vec<Vec<CustomerId>>, SqlError> {
    let dir = tempfile::tempdir().map_err(WriteError::from)?;
    write_snapshot(dir.path(), snapshot)?;
    let executor = Executor::open(dir.path(), limits)?;
    trees.iter().map(|tree| Ok(executor.members(&select(tree, named, as_of)?)?)).collect()
}

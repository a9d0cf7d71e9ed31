//! The second executor of audiences: the SQL that [`analytics::audience::sql`] writes, run with DataFusion
//! over Parquet files. Shows no Arrow type. See README.md.

mod agree;
mod bucket;
#[cfg(feature = "cluster")]
pub mod cluster;
mod executor;
mod table;
mod write;

pub use agree::{SqlError, members_by_sql};
pub use executor::{ExecuteError, Executor, Limits};
pub use write::{MOMENT_MAX_MS, WriteError, Written, write, write_snapshot};

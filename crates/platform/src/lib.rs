//! What every module stands on: database, crypto, scope. No business words. See README.md.

pub mod crypto;
pub mod db;
pub mod scope;
pub mod system;

pub use db::{Arg, Args, BulkRows, Db, DbError, Migration, Tx};
pub use scope::{Actor, Ctx, Scope};

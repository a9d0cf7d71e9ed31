//! What every module stands on: database, crypto, scope, outbox, jobs, the edge of HTTP.
//! No business words. See README.md.

pub mod access;
pub mod audit;
mod background;
pub mod backup;
pub mod cidr;
pub mod crypto;
pub mod db;
pub mod disk;
pub mod housekeeping;
pub mod http;
pub mod idempotency;
pub mod jobs;
pub mod keys;
mod list;
pub mod live;
pub mod meta;
mod module;
pub mod outbound;
pub mod outbox;
mod problem;
pub mod retention;
pub mod scope;
mod state;
pub mod system;
pub mod telemetry;
pub mod webhooks;

pub use background::{Background, backoff_millis};
pub use db::{Arg, Args, BulkRows, Db, DbError, Migration, Tx, Wall};
pub use jobs::{Job, JobError, JobHandler, JobOutcome};
pub use list::ListError;
pub use live::{LiveBus, Standing};
pub use module::{MIGRATIONS, Module, module};
pub use outbox::{Event, HandleError, Position, StoredEvent, Subscriber};
pub use problem::Problem;
pub use scope::{Actor, Ctx, Scope};
pub use state::Platform;

//! The program: command line, HTTP, workers, embedded pages. See README.md.

pub mod boot;
pub mod clean_job;
pub mod cli;
pub mod export_job;
mod gift_job;
pub mod http;
mod import_job;
pub mod intent_job;
mod merge_job;
pub mod modules;
pub mod note_job;
pub mod retention_job;
pub mod server;
mod simulate_job;
mod state;
mod token_lists;

pub use boot::{Boot, DataOptions};
pub use state::AppState;
pub use token_lists::TokenLists;

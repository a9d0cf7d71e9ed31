//! The real program, killed in the middle of its work and fed with files that nobody should have
//! written, on both databases.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod audience_sql;
mod backups;
mod bad;
mod bad_files;
mod bad_places;
mod canary;
#[allow(dead_code, reason = "shared with tests/crash")]
mod http;
mod imports;
mod intent;
mod kills;
mod kills_of_loyalty;
mod kills_of_server;
mod master_key;
mod orders;
#[allow(dead_code, reason = "shared with tests/crash")]
mod place;

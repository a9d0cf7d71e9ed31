//! The real program, killed with SIGKILL at seeded moments while it imports, merges, backs up, migrates
//! and replaces keys, on both databases; see README.md. One file for each kind of work.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

// The same helpers as the tests of the program, of which each file here uses only some.
#[allow(dead_code, reason = "shared with the tests of the program")]
#[path = "../../crates/app/tests/program/http.rs"]
mod http;
#[allow(dead_code, reason = "shared with the tests of the program")]
#[path = "../../crates/app/tests/program/orders.rs"]
mod orders;
#[allow(dead_code, reason = "shared with the tests of the program")]
#[path = "../../crates/app/tests/program/place.rs"]
mod place;

mod backup;
mod disk;
#[path = "../upgrade/frozen.rs"]
#[allow(dead_code, reason = "shared with the tests of upgrades")]
mod frozen;
mod import;
mod keys;
mod merge;
mod migration;
mod restart;
mod storm;
mod writers;

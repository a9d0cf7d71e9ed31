//! The loyalty module on both databases.

#![allow(clippy::unwrap_used, missing_docs, reason = "helpers of tests may panic as tests do")]

mod adjusting;
mod browsing;
mod documented;
mod due;
mod examples;
mod ledger;
mod levels;
mod merging;
mod model;
mod offers;
mod properties;
mod races;
mod tools;
mod versions;

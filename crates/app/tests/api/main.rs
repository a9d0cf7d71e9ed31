//! The whole program through its real router, on both databases.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod analyses;
mod audience_lists;
mod audiences;
mod audit;
mod backups;
mod bench;
mod consents;
mod correcting;
mod disconnect;
mod document;
mod edge;
mod erasing;
mod exports;
mod exports_edges;
mod fields;
mod hardening;
mod house;
mod imports;
mod imports_steps;
mod intent;
mod isolation;
mod keys;
mod members;
mod mended;
mod merging;
mod opted_out;
mod people;
mod person_requests;
mod provider_stands_in;
mod providers;
mod reach;
mod reading;
mod rejects;
mod retention;
mod rfm_lists;
mod rights;
mod second_factor;
mod serve;
mod sign_in;
mod traces;
mod value;
mod walls;
mod webhooks;

//! The customers module on both databases.

#![allow(clippy::unwrap_used, missing_docs, reason = "helpers of tests may panic as tests do")]

mod birthdays;
mod consents;
mod correcting;
mod edge;
mod families;
mod feed;
mod resolving;
mod secrecy;
mod suggesting;
mod taking_back;
mod tools;
mod working;

//! The SQL of audiences, executed: the same answers as a reading of `docs/audiences.md` row by row.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod agreement;
mod hostile;
mod oracle;
mod strategy;
mod world;

//! See README.md.

pub mod import_orders;

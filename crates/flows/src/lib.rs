//! See README.md.

pub mod engine;
pub mod import_orders;
pub mod import_shop;
pub mod list_customers;
pub mod preview_import;
pub mod undo_import;
pub mod verify;
pub mod write_rejects;

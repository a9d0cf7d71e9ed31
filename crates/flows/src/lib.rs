//! See README.md.

pub mod import_orders;
pub mod undo_import;
pub mod verify;
pub mod write_rejects;

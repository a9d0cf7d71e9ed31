//! See README.md.

pub mod assign_customers;
pub mod audit_log;
pub mod cancel_import;
pub mod clean_uploads;
pub mod customer_card;
pub mod engine;
pub mod explain;
pub mod export_customers;
mod fields;
pub mod hand_over;
pub mod import_orders;
pub mod import_shop;
pub mod list_customers;
pub mod list_orders;
pub mod list_suggestions;
pub mod merge_by_itself;
mod people;
pub mod preview_import;
pub mod reveal;
pub mod rfm;
pub mod search;
pub mod show_imports;
pub mod timeline;
pub mod undo_import;
pub mod verify;
pub mod workbench;
pub mod write_rejects;

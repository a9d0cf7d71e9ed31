//! Shops, orders and their import. See README.md.

pub mod formats;
pub mod record;
pub mod state;

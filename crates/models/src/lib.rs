//! Statistical models of customers: lifetime value and purchase intent. See README.md.

pub mod clv;
pub mod intent;

//! Statistical models of customers: lifetime value, purchase intent, and who is alike. See README.md.

pub mod clusters;
pub mod clv;
pub mod intent;

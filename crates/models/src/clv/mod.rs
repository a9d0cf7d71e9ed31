//! Lifetime value: who is still a customer, how often they will buy, and for how much.

pub mod basket;
pub mod bgnbd;
pub mod cohorts;
pub mod counts;
pub mod csv;
pub mod diagnostics;
pub mod error;
pub mod fit;
pub mod gamma_gamma;
mod optimise;
mod parallel;
pub mod pnbd;
pub mod price;
pub mod reorder;
pub mod report;
pub mod repurchase;
pub mod score;
pub mod special;
pub mod summary;

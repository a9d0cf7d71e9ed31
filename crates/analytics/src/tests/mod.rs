//! The engine against naive oracles, and against published results.

mod blocks;
pub(crate) mod model;
mod oracle;
mod plain_columns;
mod published;
pub(crate) mod saved;

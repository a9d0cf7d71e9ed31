//! The engine against naive oracles, and against published results.

pub(crate) mod model;
mod oracle;
mod published;

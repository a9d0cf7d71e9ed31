//! The engine against naive oracles, and against published results.

mod model;
mod oracle;
mod published;

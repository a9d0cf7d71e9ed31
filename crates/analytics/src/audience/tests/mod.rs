//! Properties of the tree, its texts and its executors.

mod lists;
mod sql_text;
pub(crate) mod strategy;
mod texts;
pub(crate) mod world;

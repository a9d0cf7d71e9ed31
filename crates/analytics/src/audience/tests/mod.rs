//! Properties of the tree, its texts and its executors.

mod sql_text;
mod strategy;
mod texts;
mod world;

//! Properties of the tree, its texts and its executors.

mod strategy;
mod texts;
mod world;

//! Audiences: who belongs to a group of customers, as one tree with a text form, and who that is.
//! The language is described in `docs/audiences.md`.

mod check;
mod codes;
mod exec;
mod explain;
mod lexer;
mod parse;
mod plan;
mod print;
mod rows;
pub mod sql;
mod subject;
#[cfg(test)]
pub(crate) mod tests;
mod tree;
mod vocabulary;

pub use check::{Limits, TreeError, check};
pub use exec::Members;
pub use explain::{Explained, Question, Seen};
pub use lexer::{Place, TextError};
pub use parse::parse;
pub use plan::{AsOf, AudienceError, Definitions, check_names};
pub use print::print;
pub(crate) use rows::{RowPlan, moments_of};
pub use tree::{Bounds, Measure, Node, Orders, Product, When};
pub use vocabulary::{NoNames, Vocabulary};

//! Checks of the house itself: rooms, tables, papers, texts, lock files, what comes from outside, transactions. See README.md.

mod literals;
mod sql;

pub mod locks;
pub mod papers;
pub mod rooms;
pub mod supply;
pub mod tables;
pub mod texts;
pub mod tree;
pub mod walls;

use std::fmt;

/// Something that breaks a rule of the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the top of the repository.
    pub file: String,
    /// The line, counted from 1; 0 when the rule concerns the whole file.
    pub line: usize,
    /// The rule, in a few words.
    pub rule: &'static str,
    /// What was found, and what would be right.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, detail } = self;
        match line {
            0 => write!(f, "{file}: {rule}: {detail}"),
            line => write!(f, "{file}:{line}: {rule}: {detail}"),
        }
    }
}

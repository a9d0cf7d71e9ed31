//! The customer list: filters, sorts and keyset pages.

mod filter;
mod page;
mod query;

pub use query::{Filter, ListCursor, ListPage, ListQuery, Sort, SortKey, SortParseError, Span};

pub(crate) use filter::{FilterCache, RowFilter, Within, by_cell, retain_text};
pub(crate) use page::list;

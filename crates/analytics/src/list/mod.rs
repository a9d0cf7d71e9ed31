//! The customer list: filters, sorts and keyset pages.

mod query;

pub use query::{Filter, ListCursor, ListPage, ListQuery, Sort, SortKey, SortParseError, Span};


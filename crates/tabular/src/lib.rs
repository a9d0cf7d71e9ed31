//! Reads tables from files nobody controls: text of any encoding and delimiter, and workbooks.
//! Streaming, with memory bounded whatever the file. No business words. See README.md.

mod cell;
mod delimiter;
mod encoding;
mod error;
mod evidence;
mod kind;
mod limits;
mod split;
mod table;
mod text;
mod workbook;
mod write;

pub use cell::{guard_formula, unwrap_formula};
pub use delimiter::Delimiter;
pub use error::{OpenError, RowError, RowErrorKind};
pub use evidence::Evidence;
pub use kind::FileKind;
pub use limits::Limits;
pub use table::{Options, Row, Table};
pub use workbook::sheet_names;
pub use write::{UTF8_BOM, push_record};

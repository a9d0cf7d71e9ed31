//! Readers of shop export files: from a file's rows to [`OrderRecord`]s. See README.md.

mod address;
mod amount;
mod apart;
mod clean;
mod columns;
mod detect;
mod error;
mod evidence;
mod field;
mod format;
mod group;
mod interpret;
mod mapping;
mod numbering;
mod platforms;
mod reader;
mod reason;
mod rejects;
mod rules;
mod shape;
mod states;
#[cfg(test)]
mod tests;
mod when;
mod words;

pub use detect::{Detection, SheetChoice, detect, detect_sheets, sheets_to_import};
pub use error::{FormatError, MappingError};
pub use evidence::Evidence;
pub use field::Field;
pub use format::Format;
pub use mapping::Mapping;
pub use reader::{ColumnMeaning, Entry, OrderReader, ReaderContext, Reject};
pub use reason::{Fault, KeptBack, Reason};
pub use rejects::{REJECT_COLUMNS, RejectsWriter};
pub use words::Language;

#[cfg(doc)]
use crate::record::OrderRecord;

//! Tests that go through whole files.

mod bad_input;
mod eras;
mod fuzz;
mod resume;
mod samples;

use std::path::PathBuf;

use super::{Entry, OrderReader, ReaderContext, Reject};
use crate::record::OrderRecord;

/// A file beside the project, or `None` where the shared folder is not there.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    root.exists().then_some(root)
}

/// A mapping that ships with the project.
pub(super) fn example(name: &str) -> super::Mapping {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/mappings").join(name);
    super::Mapping::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(super) fn read(bytes: impl Into<Vec<u8>>) -> OrderReader {
    let input = std::io::Cursor::new(bytes.into());
    OrderReader::from_reader("test.csv", input, None, None, &ReaderContext::default()).unwrap()
}

pub(super) fn orders(entries: impl IntoIterator<Item = Entry>) -> Vec<OrderRecord> {
    entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Order(record, _) => Some(*record),
            Entry::Rejected(reject) => panic!("rejected: {reject:?}"),
            Entry::Skipped { .. } => None,
        })
        .collect()
}

pub(super) fn rejects(entries: impl IntoIterator<Item = Entry>) -> Vec<Reject> {
    entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Rejected(reject) => Some(reject),
            _ => None,
        })
        .collect()
}

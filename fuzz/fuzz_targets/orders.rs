//! Any bytes as orders of any format: no panic, and going on from the middle gives the same rest.
#![no_main]

use commerce::formats::{Format, OrderReader, ReaderContext};
use libfuzzer_sys::fuzz_target;

fn open(data: &[u8], format: Option<Format>) -> Option<OrderReader> {
    let input = std::io::Cursor::new(data.to_vec());
    OrderReader::from_reader("fuzz", input, format, None, &ReaderContext::default()).ok()
}

fuzz_target!(|data: &[u8]| {
    for format in Format::ALL.into_iter().map(Some).chain([None]) {
        let Some(mut reader) = open(data, format) else { continue };
        let mut entries = Vec::new();
        let mut noted = (0, 0);
        while let Some(entry) = reader.next() {
            entries.push(entry);
            assert!(entries.len() <= data.len() + 1);
            if reader.at_boundary() && entries.len() % 2 == 1 {
                noted = (reader.rows_read(), entries.len());
            }
        }
        if let Some(mut again) = open(data, format) {
            again.skip_rows(noted.0);
            assert!(again.eq(entries.drain(noted.1..)));
        }
    }
});

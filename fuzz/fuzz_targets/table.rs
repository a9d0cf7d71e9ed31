//! Any bytes as a table: no panic, no more rows than bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let options = tabular::Options::default();
    let input = std::io::Cursor::new(data.to_vec());
    if let Ok(mut table) = tabular::Table::from_reader("fuzz", input, None, &options) {
        let mut rows = 0;
        while let Some(row) = table.next_row() {
            rows += 1;
            assert!(rows <= data.len() + 1);
            if let Ok(row) = row {
                assert!(row.len() <= options.limits.columns);
                assert!(row.iter().all(|cell| cell.len() <= 3 * options.limits.cell_bytes));
            }
        }
    }
});

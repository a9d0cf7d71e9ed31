//! Any bytes as a workbook: no panic outside the reading thread, no endless reading.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("guanxi-fuzz-{}.xlsx", std::process::id()));
    if std::fs::write(&path, data).is_err() {
        return;
    }
    if let Ok(mut table) = tabular::Table::open(&path, &tabular::Options::default()) {
        let mut rows = 0_u32;
        while table.next_row().is_some() && rows < 2_000_000 {
            rows += 1;
        }
    }
});

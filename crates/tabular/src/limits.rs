//! How much of a file is ever held or believed.

/// Limits on one file; whatever exceeds them is an error of that row or of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one cell, as UTF-8.
    pub cell_bytes: usize,
    /// Bytes of one row of text, as UTF-8.
    pub row_bytes: usize,
    /// Cells of one row.
    pub columns: usize,
    /// Rows broken by a limit after which the file is given up as not being a table.
    pub broken_rows: u32,
    /// Bytes of a workbook file.
    pub workbook_file_bytes: u64,
    /// Bytes of all parts of a workbook together, unpacked.
    pub workbook_bytes: u64,
    /// Bytes of a workbook's shared strings, unpacked; these are held in memory.
    pub shared_strings_bytes: u64,
    /// Shared strings of a workbook.
    pub shared_strings: u64,
    /// Bytes of any other part of a workbook that is held in memory (styles, the list of sheets).
    pub part_bytes: u64,
    /// Parts in a workbook.
    pub workbook_entries: usize,
    /// How many times larger than its packed form a part may be, once it exceeds 8 MiB.
    pub workbook_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cell_bytes: 64 << 10,
            row_bytes: 4 << 20,
            columns: 2_000,
            broken_rows: 10_000,
            workbook_file_bytes: 256 << 20,
            workbook_bytes: 2 << 30,
            shared_strings_bytes: 64 << 20,
            shared_strings: 2_000_000,
            part_bytes: 2 << 20,
            workbook_entries: 4_096,
            workbook_ratio: 250,
        }
    }
}

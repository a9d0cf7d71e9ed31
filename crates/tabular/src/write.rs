//! Writing CSV that spreadsheets open without harm.

use crate::cell::guard_formula;

/// The mark with which a UTF-8 file makes a spreadsheet read it as UTF-8.
pub const UTF8_BOM: &str = "\u{feff}";

/// Appends one CSV record and its line end to `out`, quoting where needed. With `guard`, cells that a
/// spreadsheet would run as a formula get a leading `'`.
pub fn push_record<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>, guard: bool) {
    let mut guarded = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let cell = if guard {
            guarded.clear();
            guard_formula(cell, &mut guarded);
            guarded.as_str()
        } else {
            cell
        };
        let quote = cell.contains([',', '"', '\n', '\r', '\t', ';', '|'])
            || cell.starts_with([' ', '\u{feff}'])
            || cell.ends_with(' ');
        if !quote {
            out.push_str(cell);
            continue;
        }
        out.push('"');
        for (part_index, part) in cell.split('"').enumerate() {
            if part_index > 0 {
                out.push_str("\"\"");
            }
            out.push_str(part);
        }
        out.push('"');
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_where_needed() {
        let mut out = String::new();
        push_record(&mut out, ["a", "b,c", "say \"hi\"", "", "=1"], true);
        assert_eq!(out, "a,\"b,c\",\"say \"\"hi\"\"\",,'=1\r\n");
    }
}

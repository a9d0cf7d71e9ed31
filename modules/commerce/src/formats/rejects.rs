//! The file of rejected rows: to be corrected by a person and imported again.

use tabular::{UTF8_BOM, push_record};

use super::reader::Reject;
use super::words::Language;

/// The columns put before the file's own; ignored when the corrected file is imported.
///
/// `guanxi_order` holds the order number made for a row of a file without order numbers, so that the
/// corrected row becomes the order it would have been.
pub const REJECT_COLUMNS: [&str; 4] =
    ["guanxi_line", "guanxi_column", "guanxi_reason", "guanxi_order"];

/// Writes rejected rows as CSV: UTF-8 with BOM, [`REJECT_COLUMNS`], then the file's own columns. Cells
/// that a spreadsheet would run as a formula get a leading `'`, which reading takes off again.
#[derive(Debug)]
pub struct RejectsWriter {
    written: String,
    language: Language,
}

impl RejectsWriter {
    /// Begins the file for rows of a file with this header; reasons are told in `language`.
    #[must_use]
    pub fn new(header: &[String], language: Language) -> Self {
        let mut written = String::from(UTF8_BOM);
        let own = header.iter().map(String::as_str).filter(|name| !REJECT_COLUMNS.contains(name));
        push_record(&mut written, REJECT_COLUMNS.into_iter().chain(own), true);
        Self { written, language }
    }

    /// Writes the rows of one reject.
    pub fn write(&mut self, reject: &Reject) {
        let line = reject.line.to_string();
        let order = reject.order_no.as_deref().unwrap_or_default();
        let column = reject.column.as_deref().unwrap_or_default();
        let reason = reject.reason.text(self.language);
        for record in split_records(&reject.raw) {
            let lead = [line.as_str(), column, reason.as_str(), order];
            let cells = lead.into_iter().chain(record.iter().map(String::as_str));
            push_record(&mut self.written, cells, true);
        }
    }

    /// What was written since it was taken last.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.written)
    }
}

/// Whether a file that begins so was written by a [`RejectsWriter`], perhaps saved again since.
pub(super) fn is_rejects_file(head: &[u8]) -> bool {
    let head = head.strip_prefix(UTF8_BOM.as_bytes()).unwrap_or(head);
    head.strip_prefix(b"\"").unwrap_or(head).starts_with(REJECT_COLUMNS[0].as_bytes())
}

/// The cells of every record of a CSV text that [`push_record`] wrote.
fn split_records(raw: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut chars = raw.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut cells));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !cells.is_empty() {
        cells.push(cell);
        records.push(cells);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::super::reason::{Fault, Reason};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_come_apart_as_they_were_put_together(
            rows in prop::collection::vec(prop::collection::vec("[a-c\",\r\n订=]{0,6}", 1..4), 1..4)
        ) {
            let mut raw = String::new();
            for row in &rows {
                push_record(&mut raw, row.iter().map(String::as_str), false);
            }
            prop_assert_eq!(split_records(&raw), rows);
        }
    }

    #[test]
    fn layout() {
        let header = ["订单编号".to_owned(), "备注".to_owned()];
        let mut writer = RejectsWriter::new(&header, Language::English);
        let reject = Reject {
            line: 7,
            column: Some("订单编号".to_owned()),
            reason: Reason::row(Fault::Words { text: "bad, very".to_owned() }),
            raw: "1.2E+18,=cmd\r\n".to_owned(),
            order_no: None,
        };
        writer.write(&reject);
        let row = "7,订单编号,\"bad, very\",,1.2E+18,'=cmd\r\n";
        assert_eq!(
            writer.take(),
            format!(
                "\u{feff}guanxi_line,guanxi_column,guanxi_reason,guanxi_order,订单编号,备注\r\n{row}"
            )
        );
        writer.write(&reject);
        assert_eq!(writer.take(), row, "what was taken does not come again");
    }
}

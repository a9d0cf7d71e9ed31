//! The file of rejected rows: to be corrected by a person and imported again.

use std::io::Write;

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
pub struct RejectsWriter<W: Write> {
    out: W,
    buffer: String,
    language: Language,
}

impl<W: Write> RejectsWriter<W> {
    /// Begins the file for rows of a file with this header; reasons are told in `language`.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(mut out: W, header: &[String], language: Language) -> std::io::Result<Self> {
        let mut buffer = String::from(UTF8_BOM);
        let own = header.iter().map(String::as_str).filter(|name| !REJECT_COLUMNS.contains(name));
        push_record(&mut buffer, REJECT_COLUMNS.into_iter().chain(own), true);
        out.write_all(buffer.as_bytes())?;
        Ok(Self { out, buffer, language })
    }

    /// Writes the rows of one reject.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, reject: &Reject) -> std::io::Result<()> {
        self.buffer.clear();
        let line = reject.line.to_string();
        let order = reject.order_no.as_deref().unwrap_or_default();
        let column = reject.column.as_deref().unwrap_or_default();
        let reason = reject.reason.text(self.language);
        for record in split_records(&reject.raw) {
            let lead = [line.as_str(), column, reason.as_str(), order];
            let cells = lead.into_iter().chain(record.iter().map(String::as_str));
            push_record(&mut self.buffer, cells, true);
        }
        self.out.write_all(self.buffer.as_bytes())
    }

    /// Flushes and gives back what was written to.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> std::io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
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
        let mut writer = RejectsWriter::new(
            Vec::new(),
            &["订单编号".to_owned(), "备注".to_owned()],
            Language::English,
        )
        .unwrap();
        let reject = Reject {
            line: 7,
            column: Some("订单编号".to_owned()),
            reason: Reason::row(Fault::Words { text: "bad, very".to_owned() }),
            raw: "1.2E+18,=cmd\r\n".to_owned(),
            order_no: None,
        };
        writer.write(&reject).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert_eq!(
            text,
            "\u{feff}guanxi_line,guanxi_column,guanxi_reason,guanxi_order,订单编号,备注\r\n\
             7,订单编号,\"bad, very\",,1.2E+18,'=cmd\r\n"
        );
    }
}

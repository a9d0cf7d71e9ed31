//! Splits one row of text into cells, in place.

use memchr::{memchr, memchr2};

use crate::delimiter::Delimiter;
use crate::error::RowErrorKind;
use crate::limits::Limits;

/// How rows and cells are set apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub delimiter: Delimiter,
    /// `\n`, or `\r` for files that have only that.
    pub terminator: u8,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    /// In the scratch text, because quotes had to be undoubled.
    scratch: bool,
}

/// The cells of one row, as ranges of its text. Reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    spans: Vec<Span>,
    scratch: String,
    /// A quotation mark stood where none may stand, and was taken as a character.
    pub irregular: bool,
    /// The row ended with the file and not with a line end.
    pub unterminated: bool,
}

impl Cells {
    pub fn clear(&mut self) {
        self.spans.clear();
        self.scratch.clear();
        self.irregular = false;
        self.unterminated = false;
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn get<'a>(&'a self, text: &'a str, index: usize) -> Option<&'a str> {
        let span = self.spans.get(index)?;
        let from = if span.scratch { self.scratch.as_str() } else { text };
        from.get(span.start..span.end)
    }

    /// Adds a cell from elsewhere than a row of text.
    pub fn push_span(&mut self, start: usize, end: usize) {
        self.spans.push(Span { start, end, scratch: false });
    }

    fn push_quoted(&mut self, text: &str, start: usize, end: usize, doubled: bool) {
        let (start, end, scratch) = if doubled {
            let begin = self.scratch.len();
            for (index, part) in text[start..end].split("\"\"").enumerate() {
                if index > 0 {
                    self.scratch.push('"');
                }
                self.scratch.push_str(part);
            }
            (begin, self.scratch.len(), true)
        } else {
            (start, end, false)
        };
        // A spreadsheet that saved `="351"` again quotes it: `"=""351"""`.
        let cell = if scratch { &self.scratch[start..end] } else { &text[start..end] };
        let wrapped = cell.len() >= 3 && cell.starts_with("=\"") && cell.ends_with('"');
        let (start, end) = if wrapped { (start + 2, end - 1) } else { (start, end) };
        self.spans.push(Span { start, end, scratch });
    }
}

/// What became of an attempt to split a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Split {
    /// A row: bytes used, line end included, and lines it covers.
    Row { consumed: usize, lines: u64 },
    /// The text ends within the row.
    NeedMore,
    /// The row breaks a limit.
    Broken(RowErrorKind),
}

/// Splits the row at the start of `text`.
///
/// `whole`: nothing follows the text. `one_line`: a cell may not run over a line end (used to find a
/// sound row again after a broken one). Cells are kept as ranges of `text`.
pub(crate) fn split_row(
    text: &str,
    dialect: Dialect,
    whole: bool,
    one_line: bool,
    limits: &Limits,
    cells: &mut Cells,
) -> Split {
    cells.clear();
    let Some(delimiter) = dialect.delimiter.byte() else {
        return split_whitespace(text, dialect.terminator, whole, limits, cells);
    };
    let terminator = dialect.terminator;
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut lines = 1;
    loop {
        if cells.len() >= limits.columns {
            return Split::Broken(RowErrorKind::TooManyColumns { limit: limits.columns });
        }
        let column = cells.len() + 1;
        let too_long = || RowErrorKind::CellTooLong { column, limit: limits.cell_bytes };
        let content = match bytes.get(at) {
            Some(b'"') => Some(at + 1),
            Some(b'=') => match bytes.get(at + 1) {
                Some(b'"') => Some(at + 2),
                None if !whole => return Split::NeedMore,
                _ => None,
            },
            Some(_) => None,
            None if !whole => return Split::NeedMore,
            None => None,
        };
        if let Some(start) = content {
            let mut from = start;
            let mut doubled = false;
            let end = loop {
                match memchr2(b'"', terminator, &bytes[from.min(bytes.len())..]) {
                    None if bytes.len() - start > limits.cell_bytes => {
                        return Split::Broken(too_long());
                    }
                    None if whole => return Split::Broken(RowErrorKind::Unclosed { column }),
                    None => return Split::NeedMore,
                    Some(offset) => {
                        let here = from + offset;
                        if here - start > limits.cell_bytes {
                            return Split::Broken(too_long());
                        }
                        if bytes[here] == terminator {
                            if one_line {
                                return Split::Broken(RowErrorKind::Unclosed { column });
                            }
                            lines += 1;
                            from = here + 1;
                            continue;
                        }
                        match bytes.get(here + 1) {
                            None if !whole => return Split::NeedMore,
                            None => break here,
                            Some(b'"') => {
                                doubled = true;
                                from = here + 2;
                            }
                            Some(next) if *next == delimiter || *next == terminator => break here,
                            Some(b'\r') => match bytes.get(here + 2) {
                                None if !whole => return Split::NeedMore,
                                None | Some(b'\n') => break here,
                                Some(_) => {
                                    cells.irregular = true;
                                    from = here + 1;
                                }
                            },
                            Some(_) => {
                                cells.irregular = true;
                                from = here + 1;
                            }
                        }
                    }
                }
            };
            cells.push_quoted(text, start, end, doubled);
            at = end + 1;
        } else {
            let end = match memchr2(delimiter, terminator, &bytes[at..]) {
                Some(offset) => at + offset,
                None if bytes.len() - at > limits.cell_bytes => return Split::Broken(too_long()),
                None if !whole => return Split::NeedMore,
                None => bytes.len(),
            };
            if end - at > limits.cell_bytes {
                return Split::Broken(too_long());
            }
            let carriage =
                bytes.get(end) != Some(&delimiter) && end > at && bytes[end - 1] == b'\r';
            cells.push_span(at, if carriage { end - 1 } else { end });
            at = end;
        }
        if at > limits.row_bytes {
            return Split::Broken(RowErrorKind::RowTooLong { limit: limits.row_bytes });
        }
        match bytes.get(at) {
            None => {
                cells.unterminated = true;
                return Split::Row { consumed: at, lines };
            }
            Some(byte) if *byte == delimiter => at += 1,
            Some(byte) if *byte == terminator => return Split::Row { consumed: at + 1, lines },
            // After a closing quote only `\r\n` or `\r` at the end of the file is left.
            Some(_) => {
                let consumed = (at + 2).min(bytes.len());
                return Split::Row { consumed, lines };
            }
        }
    }
}

fn split_whitespace(
    text: &str,
    terminator: u8,
    whole: bool,
    limits: &Limits,
    cells: &mut Cells,
) -> Split {
    let (end, consumed) = match memchr(terminator, text.as_bytes()) {
        Some(end) => (end, end + 1),
        None if text.len() > limits.row_bytes => {
            return Split::Broken(RowErrorKind::RowTooLong { limit: limits.row_bytes });
        }
        None if !whole => return Split::NeedMore,
        None => (text.len(), text.len()),
    };
    cells.unterminated = end == consumed;
    for word in text[..end].split_ascii_whitespace() {
        if cells.len() >= limits.columns {
            return Split::Broken(RowErrorKind::TooManyColumns { limit: limits.columns });
        }
        if word.len() > limits.cell_bytes {
            let column = cells.len() + 1;
            return Split::Broken(RowErrorKind::CellTooLong { column, limit: limits.cell_bytes });
        }
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        cells.push_span(start, start + word.len());
    }
    Split::Row { consumed, lines: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::push_record;
    use proptest::prelude::*;

    const COMMA: Dialect = Dialect { delimiter: Delimiter::Comma, terminator: b'\n' };

    fn split(text: &str) -> Vec<String> {
        let mut cells = Cells::default();
        let split = split_row(text, COMMA, true, false, &Limits::default(), &mut cells);
        assert!(matches!(split, Split::Row { .. }), "{split:?} of {text:?}");
        (0..cells.len()).map(|index| cells.get(text, index).unwrap().to_owned()).collect()
    }

    #[test]
    fn cells_in_the_wild() {
        assert_eq!(
            split("=\"3515\",\"测试\",\"239.00\",=\"\",\n"),
            ["3515", "测试", "239.00", "", ""]
        );
        assert_eq!(split("\"含,逗号和\"\"引号\"\"的\",x\r\n"), ["含,逗号和\"引号\"的", "x"]);
        assert_eq!(split("\"=\"\"351\"\"\",1\n"), ["351", "1"]);
        assert_eq!(split("=\"a,b\",c\n"), ["a,b", "c"]);
        assert_eq!(split("\"14\"屏幕\",2\n"), ["14\"屏幕", "2"]);
        assert_eq!(split("=A1,b"), ["=A1", "b"]);
        assert_eq!(split("\"a\nb\",c"), ["a\nb", "c"]);
        assert_eq!(split("a,"), ["a", ""]);
        assert_eq!(split("\"a\"\r"), ["a"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn limits_are_kept() {
        let limits = Limits { cell_bytes: 4, columns: 3, ..Limits::default() };
        let mut cells = Cells::default();
        let mut kind =
            |text: &str, whole| match split_row(text, COMMA, whole, false, &limits, &mut cells) {
                Split::Broken(kind) => kind,
                other => panic!("{other:?}"),
            };
        let long = RowErrorKind::CellTooLong { column: 2, limit: 4 };
        assert_eq!(kind("a,bcdef,", false), long);
        assert_eq!(kind("a,\"bcdef", false), long);
        assert_eq!(kind("a,\"bcdef\"", true), long);
        assert_eq!(kind("1,2,3,4\n", true), RowErrorKind::TooManyColumns { limit: 3 });
        assert_eq!(kind("\"ab", true), RowErrorKind::Unclosed { column: 1 });
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(row in prop::collection::vec("[^\u{0}]{0,12}", 1..6)) {
            let mut text = String::new();
            push_record(&mut text, row.iter().map(String::as_str), false);
            let expected: Vec<&str> =
                row.iter().map(|cell| crate::unwrap_formula(cell)).collect();
            // `="` at the start of an unquoted cell cannot occur: the writer quotes quotation marks.
            prop_assert_eq!(split(&text), expected);
        }

        #[test]
        fn a_row_cut_anywhere_asks_for_more(row in prop::collection::vec("[a-z\",=\r\n订]{0,8}", 1..5)) {
            let mut text = String::new();
            push_record(&mut text, row.iter().map(String::as_str), false);
            let (mut whole, mut part) = (Cells::default(), Cells::default());
            let limits = Limits::default();
            let full = split_row(&text, COMMA, true, false, &limits, &mut whole);
            for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                let split = split_row(&text[..cut], COMMA, false, false, &limits, &mut part);
                prop_assert_eq!(split, Split::NeedMore);
            }
            let consumed = matches!(full, Split::Row { consumed, .. } if consumed == text.len());
            prop_assert!(consumed);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-c\",=;\t\r\n 订\u{feff}]{0,40}", whole: bool, one_line: bool) {
            let mut cells = Cells::default();
            for delimiter in [Delimiter::Comma, Delimiter::Tab, Delimiter::Whitespace] {
                let dialect = Dialect { delimiter, terminator: b'\n' };
                split_row(&text, dialect, whole, one_line, &Limits::default(), &mut cells);
                for index in 0..cells.len() {
                    prop_assert!(cells.get(&text, index).is_some());
                }
            }
        }
    }
}

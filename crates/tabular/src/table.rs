//! A table as the rest of the house sees it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::delimiter::Delimiter;
use crate::error::{OpenError, RowError};
use crate::evidence::Evidence;
use crate::kind::{self, FileKind};
use crate::limits::Limits;
use crate::split::Cells;
use crate::text::TextReader;
use crate::workbook::SheetReader;
use crate::write::push_record;

const HEAD_BYTES: u64 = 256 << 10;

/// What the caller knows of a file beforehand; everything else is found out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Encoding label, for example `GB18030`.
    pub encoding: Option<String>,
    /// What stands between cells.
    pub delimiter: Option<Delimiter>,
    /// Whether the first row names the columns. Without, they are named `1`, `2`, …
    pub has_header: bool,
    /// Sheet of a workbook; the first one if not named.
    pub sheet: Option<String>,
    /// Limits.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            encoding: None,
            delimiter: None,
            has_header: true,
            sheet: None,
            limits: Limits::default(),
        }
    }
}

enum Source {
    Text(Box<TextReader>),
    Sheet(Box<SheetReader>),
}

/// An open table: its header is read, its rows come one by one.
pub struct Table {
    source: Source,
    header: Vec<String>,
    evidence: Vec<Evidence>,
    bytes_total: Option<u64>,
    /// The present row has been looked at but not handed out.
    held: Option<Result<(), RowError>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("header", &self.header).finish_non_exhaustive()
    }
}

/// One row, borrowed from the table until the next is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    line: u64,
    text: &'a str,
    cells: &'a Cells,
}

impl<'a> Row<'a> {
    /// Line in the file (row of the sheet) where this row begins, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.len() == 0
    }

    /// The cell at `index`, from 0, unquoted and out of `="…"`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        self.cells.get(self.text, index)
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let row = *self;
        (0..row.len()).filter_map(move |index| row.get(index))
    }

    /// Whether quotation marks stood where none may stand, so that cells may have run together.
    #[must_use]
    pub fn is_irregular(&self) -> bool {
        self.cells.irregular
    }

    /// Whether the file ended within this row's line.
    #[must_use]
    pub fn is_unterminated(&self) -> bool {
        self.cells.unterminated
    }

    /// Appends the row to `out` as one CSV record with comma and CRLF.
    pub fn push_csv(&self, out: &mut String) {
        push_record(out, self.iter(), false);
    }
}

impl Table {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`OpenError`] says what the file is instead of a table, and what to do.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let name = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|error| OpenError::io(&name, error))?;
        if metadata.is_dir() {
            return Err(OpenError::Directory { file: name });
        }
        let mut file = File::open(path).map_err(|error| OpenError::io(&name, error))?;
        let head = read_head(&mut file, &name)?;
        match classify(&head, &name)? {
            FileKind::Workbook => {
                let (sheet, evidence) = SheetReader::open(path, &name, metadata.len(), options)?;
                Self::finish(
                    Source::Sheet(Box::new(sheet)),
                    evidence,
                    Some(metadata.len()),
                    &name,
                    options,
                )
            }
            FileKind::Text => {
                let total = metadata.is_file().then_some(metadata.len());
                Self::from_head(head, Box::new(file), &name, total, options)
            }
        }
    }

    /// Reads text from any source of bytes; `name` is used in messages, `bytes_total` for progress.
    ///
    /// # Errors
    /// As [`Table::open`]; a workbook cannot be read this way.
    pub fn from_reader(
        name: &str,
        mut input: impl Read + Send + 'static,
        bytes_total: Option<u64>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let head = read_head(&mut input, name)?;
        match classify(&head, name)? {
            FileKind::Workbook => Err(OpenError::WorkbookFromStream { file: name.to_owned() }),
            FileKind::Text => Self::from_head(head, Box::new(input), name, bytes_total, options),
        }
    }

    fn from_head(
        head: Vec<u8>,
        input: Box<dyn Read + Send>,
        name: &str,
        bytes_total: Option<u64>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let whole = (head.len() as u64) < HEAD_BYTES;
        let reader = TextReader::new(
            head,
            whole,
            input,
            options.encoding.as_deref(),
            options.delimiter,
            options.limits,
        )?;
        Self::finish(Source::Text(Box::new(reader)), Vec::new(), bytes_total, name, options)
    }

    fn finish(
        source: Source,
        evidence: Vec<Evidence>,
        bytes_total: Option<u64>,
        name: &str,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let mut table = Self { source, header: Vec::new(), evidence, bytes_total, held: None };
        let first = table.advance();
        match &first {
            None => return Err(OpenError::Empty { file: name.to_owned() }),
            Some(Err(error)) => {
                return Err(OpenError::Header { file: name.to_owned(), reason: error.to_string() });
            }
            Some(Ok(())) => {}
        }
        let row = table.row();
        table.header = if options.has_header {
            row.iter().map(|cell| cell.trim().to_owned()).collect()
        } else {
            (1..=row.len()).map(|number| number.to_string()).collect()
        };
        if !options.has_header {
            table.held = first;
        }
        if let Source::Text(reader) = &mut table.source {
            reader.columns = table.header.len();
        }
        Ok(table)
    }

    fn advance(&mut self) -> Option<Result<(), RowError>> {
        match &mut self.source {
            Source::Text(reader) => reader.advance(),
            Source::Sheet(reader) => reader.advance(),
        }
    }

    fn row(&self) -> Row<'_> {
        match &self.source {
            Source::Text(reader) => {
                Row { line: reader.row_line, text: reader.row_text(), cells: &reader.cells }
            }
            Source::Sheet(reader) => {
                Row { line: reader.row_line(), text: reader.row_text(), cells: &reader.cells }
            }
        }
    }

    /// The next row, or what is wrong with it; `None` at the end. Blank rows are passed over.
    pub fn next_row(&mut self) -> Option<Result<Row<'_>, RowError>> {
        let advanced = match self.held.take() {
            Some(held) => held,
            None => self.advance()?,
        };
        Some(advanced.map(|()| self.row()))
    }

    /// Column names, trimmed; numbers from 1 where the file has no header.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Text or workbook.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        match self.source {
            Source::Text(_) => FileKind::Text,
            Source::Sheet(_) => FileKind::Workbook,
        }
    }

    /// Encoding as a person is told it, for example `GB18030` or `UTF-8 with BOM`.
    ///
    /// `ASCII` until a character beyond ASCII settles it. Workbooks are always UTF-8.
    #[must_use]
    pub fn encoding(&self) -> &str {
        match &self.source {
            Source::Text(reader) => reader.encoding_name(),
            Source::Sheet(_) => "UTF-8",
        }
    }

    /// What stands between cells; `None` for a workbook.
    #[must_use]
    pub fn delimiter(&self) -> Option<Delimiter> {
        match &self.source {
            Source::Text(reader) => Some(reader.dialect.delimiter),
            Source::Sheet(_) => None,
        }
    }

    /// Why encoding and delimiter are believed, in the order in which it was found out.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        match &self.source {
            Source::Text(reader) => &reader.evidence,
            Source::Sheet(_) => &self.evidence,
        }
    }

    /// Bytes taken from the file so far; for a workbook, its size in proportion to the rows read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Text(reader) => reader.bytes_read,
            Source::Sheet(reader) => reader.bytes_read(),
        }
    }

    /// Size of the file where it is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

fn read_head(input: &mut impl Read, name: &str) -> Result<Vec<u8>, OpenError> {
    let mut head = Vec::new();
    input.take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| OpenError::io(name, error))?;
    Ok(head)
}

fn classify(head: &[u8], name: &str) -> Result<FileKind, OpenError> {
    let file = name.to_owned();
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(OpenError::Empty { file });
    }
    kind::sniff(head).map_err(|(what, remedy)| OpenError::NotATable {
        file,
        what: what.to_owned(),
        remedy: remedy.to_owned(),
    })
}

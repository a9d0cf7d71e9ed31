//! Why a file or a row cannot be read: what, where, and what to do about it.

/// Why a file cannot be opened as a table.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing at that path.
    #[error("{file}: there is no such file")]
    NotFound {
        /// The file.
        file: String,
    },
    /// A folder.
    #[error("{file}: this is a folder; name one of the files inside it")]
    Directory {
        /// The folder.
        file: String,
    },
    /// Reading is not allowed.
    #[error("{file}: no permission to read this file; change its permissions or copy it elsewhere")]
    NoPermission {
        /// The file.
        file: String,
    },
    /// The operating system failed.
    #[error("{file}: cannot be read: {source}")]
    Io {
        /// The file.
        file: String,
        /// What it said.
        source: std::io::Error,
    },
    /// No text in it.
    #[error("{file}: the file is empty; export it again")]
    Empty {
        /// The file.
        file: String,
    },
    /// Some other kind of file.
    #[error("{file}: this is {what}, not a table; {remedy}")]
    NotATable {
        /// The file.
        file: String,
        /// What it seems to be.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A label that names no encoding.
    #[error("`{label}` is not an encoding; use for example UTF-8, GB18030 or UTF-16LE")]
    UnknownEncoding {
        /// The label.
        label: String,
    },
    /// The first row cannot be a header.
    #[error("{file}: the header cannot be read: {reason}")]
    Header {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A workbook that is cut off or otherwise not what it says.
    #[error(
        "{file}: the workbook is damaged ({reason}); was the download complete? Export it again, \
         or open it in a spreadsheet and save it as CSV (UTF-8)"
    )]
    DamagedWorkbook {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A workbook that would unpack to too much.
    #[error(
        "{file}: the workbook is refused: {reason}; save the sheet as CSV (UTF-8), which has no such limit"
    )]
    WorkbookTooLarge {
        /// The file.
        file: String,
        /// Which limit, and by how much.
        reason: String,
    },
    /// No sheet of that name.
    #[error("{file}: there is no sheet `{sheet}`; the sheets are {sheets}")]
    NoSheet {
        /// The file.
        file: String,
        /// The name asked for.
        sheet: String,
        /// The names there are.
        sheets: String,
    },
    /// A workbook needs a file to jump about in.
    #[error("{file}: a workbook cannot be read from a stream; save it as a file first")]
    WorkbookFromStream {
        /// The stream's name.
        file: String,
    },
}

impl OpenError {
    pub(crate) fn io(file: &str, source: std::io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound { file },
            std::io::ErrorKind::PermissionDenied => Self::NoPermission { file },
            std::io::ErrorKind::IsADirectory => Self::Directory { file },
            _ => Self::Io { file, source },
        }
    }
}

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowErrorKind {
    /// A cell exceeds the limit.
    #[error("cell {column} is longer than {limit} bytes; perhaps a quotation mark is missing")]
    CellTooLong {
        /// Which cell, from 1.
        column: usize,
        /// The limit.
        limit: usize,
    },
    /// The row exceeds the limit.
    #[error("the row is longer than {limit} bytes")]
    RowTooLong {
        /// The limit.
        limit: usize,
    },
    /// Too many cells.
    #[error("the row has more than {limit} cells")]
    TooManyColumns {
        /// The limit.
        limit: usize,
    },
    /// A quoted cell that does not end.
    #[error("the quotation mark that opens cell {column} is never closed; the file may be cut off")]
    Unclosed {
        /// Which cell, from 1.
        column: usize,
    },
    /// Bytes that mean nothing in the file's encoding.
    #[error(
        "the row has bytes that are not {encoding}; if the whole file looks wrong, choose another encoding"
    )]
    Undecodable {
        /// The encoding in use.
        encoding: String,
    },
    /// The medium failed in the middle of the file.
    #[error("reading the file failed here: {message}")]
    Io {
        /// What the operating system said.
        message: String,
    },
    /// The workbook turned out to be damaged in the middle.
    #[error("the workbook is damaged here: {message}")]
    Damaged {
        /// What is wrong.
        message: String,
    },
    /// Too many rows were broken to go on.
    #[error("more than {limit} rows are broken; this is not a table")]
    TooManyBroken {
        /// The limit.
        limit: u32,
    },
}

/// One row that could not be read; the table goes on after it unless it was the last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RowError {
    /// Line in the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub kind: RowErrorKind,
    /// The beginning of the row, for the person who will mend it.
    pub raw: String,
    /// Lines passed over until a line that looks like a row again.
    pub lines_lost: u64,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)?;
        if self.lines_lost > 0 {
            write!(f, " ({} more lines were lost with it)", self.lines_lost)?;
        }
        Ok(())
    }
}

impl RowErrorKind {
    /// Whether nothing can follow this error.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Damaged { .. } | Self::TooManyBroken { .. })
    }
}

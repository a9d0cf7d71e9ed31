//! Why encoding and delimiter are believed. The words for it are those of who shows them.

use crate::delimiter::Delimiter;

/// One reason to believe what was found out about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It begins with the byte order mark of this encoding.
    ByteOrderMark {
        /// Its name.
        encoding: String,
    },
    /// No character beyond ASCII was seen so far.
    OnlyAscii,
    /// Every character beyond ASCII is valid UTF-8.
    ValidUtf8,
    /// There is much valid UTF-8 before the first slip.
    MostlyUtf8 {
        /// Bytes of valid UTF-8 beyond ASCII before it.
        bytes: usize,
        /// Byte of the slip, from 1.
        at: usize,
    },
    /// Not UTF-8, and most two-byte characters are common Chinese ones.
    CommonChinese {
        /// Those in the GB2312 plane.
        common: usize,
        /// All two-byte characters.
        pairs: usize,
    },
    /// Not UTF-8; the frequencies of letters fit this encoding best.
    LetterStatistics {
        /// Its name.
        encoding: String,
    },
    /// The caller says so.
    AsAsked {
        /// Name of the encoding.
        encoding: String,
    },
    /// Lines end in CR alone.
    LinesEndInCr,
    /// Under this delimiter the first rows have equally many columns.
    ColumnsAgree {
        /// What stands between cells.
        delimiter: Delimiter,
        /// Columns.
        columns: usize,
        /// Rows looked at.
        rows: usize,
    },
    /// Nothing stands between cells: there is one column.
    OneColumn,
    /// An Excel workbook.
    Workbook {
        /// The sheet that is read.
        sheet: String,
        /// All sheets.
        sheets: Vec<String>,
    },
}

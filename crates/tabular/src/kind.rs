//! What kind of file the first bytes say it is.

/// Kinds of file that hold a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Delimited text.
    Text,
    /// An Excel workbook (.xlsx).
    Workbook,
}

impl FileKind {
    /// The name used in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Workbook => "xlsx",
        }
    }
}

/// What a file is, if not a table, and what to do about it.
pub(crate) type Refusal = (&'static str, &'static str);

const UNPACK: &str = "unpack it and import the files inside";
const RESAVE: &str = "open it in a spreadsheet and save it as .xlsx or CSV (UTF-8)";
const CHOOSE: &str = "choose the CSV or XLSX file that the platform exported";

/// Reads the first bytes of a file.
pub(crate) fn sniff(head: &[u8]) -> Result<FileKind, Refusal> {
    let magics: [(&[u8], Refusal); 12] = [
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", ("an old Excel workbook (.xls)", RESAVE)),
        (b"%PDF-", ("a PDF document", CHOOSE)),
        (b"\x89PNG", ("a picture", CHOOSE)),
        (b"\xFF\xD8\xFF", ("a picture", CHOOSE)),
        (b"GIF8", ("a picture", CHOOSE)),
        (b"\x1F\x8B", ("a packed file (gzip)", UNPACK)),
        (b"BZh", ("a packed file (bzip2)", UNPACK)),
        (b"\xFD7zXZ", ("a packed file (xz)", UNPACK)),
        (b"7z\xBC\xAF\x27\x1C", ("a packed file (7z)", UNPACK)),
        (b"Rar!", ("a packed file (RAR)", UNPACK)),
        (b"SQLite format 3", ("a database", CHOOSE)),
        (b"\x7FELF", ("a program", CHOOSE)),
    ];
    for (magic, refusal) in magics {
        if head.starts_with(magic) {
            return Err(refusal);
        }
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(FileKind::Workbook);
    }
    let utf16 = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    if utf16 {
        return Ok(FileKind::Text);
    }
    let start: Vec<u8> = head
        .iter()
        .skip_while(|byte| byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF))
        .take(64)
        .map(u8::to_ascii_lowercase)
        .collect();
    for page in ["<!doctype html", "<html", "<table", "<?xml", "<head", "<meta"] {
        if start.starts_with(page.as_bytes()) {
            return Err(("a web page or XML document under another name", RESAVE));
        }
    }
    let looked_at = &head[..head.len().min(64 << 10)];
    if looked_at.contains(&0) {
        return Err((
            "binary data, or UTF-16 text without its mark",
            "if it opens in a spreadsheet, save it as CSV (UTF-8)",
        ));
    }
    let odd = looked_at.iter().filter(|byte| matches!(byte, 0x01..=0x08 | 0x0E..=0x1F | 0x7F));
    if odd.count() * 20 > looked_at.len() {
        return Err(("binary data", CHOOSE));
    }
    Ok(FileKind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_file_is() {
        assert_eq!(sniff(b"a,b\n"), Ok(FileKind::Text));
        assert_eq!(sniff(b"PK\x03\x04..."), Ok(FileKind::Workbook));
        assert_eq!(sniff(b"\xFF\xFEa\0"), Ok(FileKind::Text));
        assert!(sniff(b"\x1F\x8B\x08").unwrap_err().0.contains("gzip"));
        assert!(sniff(b"\xEF\xBB\xBF <HTML><table>").unwrap_err().0.contains("web page"));
        assert!(sniff(b"a\0b\0").unwrap_err().0.contains("binary"));
        assert!(sniff(b"\x01\x02\x03\x04").unwrap_err().0.contains("binary"));
    }
}

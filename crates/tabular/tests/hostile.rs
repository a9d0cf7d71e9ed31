//! Files that are large, broken or hostile: a clear message, bounded memory, no panic.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use tabular::{Limits, OpenError, Options, RowErrorKind, Table};

fn table(bytes: impl Into<Vec<u8>>) -> Table {
    Table::from_reader("t.csv", Cursor::new(bytes.into()), None, &Options::default()).unwrap()
}

/// Cells of good rows, and errors as text.
fn rows(table: &mut Table) -> Vec<Result<Vec<String>, String>> {
    let mut out = Vec::new();
    while let Some(row) = table.next_row() {
        out.push(match row {
            Ok(row) => Ok(row.iter().map(str::to_owned).collect()),
            Err(error) => Err(error.to_string()),
        });
    }
    out
}

/// `head`, then `left` bytes of `piece` over and over, then `tail`, made as it is read.
struct Endless {
    head: Cursor<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    left: u64,
    tail: Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.head.read(buffer)?;
        if count > 0 {
            return Ok(count);
        }
        if self.left > 0 {
            let from = self.at % self.piece.len();
            let room = (self.piece.len() - from).min(buffer.len());
            let count = room.min(usize::try_from(self.left).unwrap_or(usize::MAX));
            buffer[..count].copy_from_slice(&self.piece[from..from + count]);
            self.at += count;
            self.left -= count as u64;
            return Ok(count);
        }
        self.tail.read(buffer)
    }
}

fn endless(head: &str, piece: &str, bytes: u64, tail: &str) -> Table {
    let piece = piece.repeat((64 << 10) / piece.len()).into_bytes();
    let left = bytes / piece.len() as u64 * piece.len() as u64;
    let (head, tail) = (Cursor::new(head.into()), Cursor::new(tail.into()));
    let input = Endless { head, piece, at: 0, left, tail };
    Table::from_reader("huge.csv", input, None, &Options::default()).unwrap()
}

/// Peak resident memory of this process in KiB, where the system tells.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

const GOOD: &str = "1,2\n";

#[test]
fn a_cell_of_a_quarter_gibibyte_costs_one_row_and_no_memory() {
    for (open, close) in [("\"", "\",y\n"), ("", ",y\n")] {
        let mut table =
            endless(&format!("a,b\n{GOOD}{open}"), "x", 256 << 20, &format!("{close}{GOOD}{GOOD}"));
        let rows = rows(&mut table);
        assert_eq!(rows.len(), 4, "{rows:?}");
        let error = rows[1].as_ref().unwrap_err();
        assert!(error.starts_with("line 3: cell 1 is longer than 65536 bytes"), "{error}");
        assert!(rows[3].is_ok());
    }
    // Lines within the cell are lost with it, in one message.
    let mut table = endless("a,b\n1,\"", "xxxxxxxxx\n", 64 << 20, "\n5,6\n");
    let rows = rows(&mut table);
    assert_eq!(rows.len(), 2);
    assert!(rows[0].as_ref().unwrap_err().contains("more lines were lost"));
    assert!(peak_kib() < 200 << 10, "{} KiB", peak_kib());
}

#[test]
fn an_endless_row_of_cells_is_one_error() {
    let mut table = endless("a,b\n1,2\n", "x,", 64 << 20, "\n3,4\n");
    let rows = rows(&mut table);
    assert_eq!(rows.len(), 3);
    assert!(rows[1].as_ref().unwrap_err().contains("more than 2000 cells"));
    assert_eq!(rows[2].as_ref().unwrap(), &["3", "4"]);
    let header = "x,".repeat(10_000);
    let input = Cursor::new(header.into_bytes());
    let error = Table::from_reader("wide.csv", input, None, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("more than 2000 cells"), "{error}");
}

#[test]
fn one_missing_quotation_mark_costs_one_row() {
    let mut text = String::from("\"a\",\"b\",\"c\"\n");
    for number in 0..5_000 {
        if number == 10 {
            text.push_str("10,\"open,x\n");
        }
        text.push_str(&format!("{number},{},z\n", "y".repeat(20)));
    }
    let rows = rows(&mut table(text));
    assert_eq!(rows.len(), 5_001);
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1);
    assert!(rows[10].as_ref().unwrap_err().starts_with("line 12:"));
}

#[test]
fn a_file_of_nothing_but_broken_rows_is_given_up() {
    let limits = Limits { broken_rows: 20, cell_bytes: 10, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let text = format!("a,b\n{}", "1,aaaaaaaaaaaaaaaaaaaa\n1,2\n".repeat(100));
    let mut table =
        Table::from_reader("t", Cursor::new(text.into_bytes()), None, &options).unwrap();
    let mut last = None;
    while let Some(row) = table.next_row() {
        last = Some(row.map(|_| ()));
    }
    assert_eq!(last.unwrap().unwrap_err().kind, RowErrorKind::TooManyBroken { limit: 20 });
}

#[test]
fn encodings_are_settled_late_and_wrong_bytes_named() {
    // 300 KiB of ASCII before the first Chinese character.
    let mut bytes = b"id,name\n".to_vec();
    bytes.extend(b"1,plain ascii row\n".repeat(20_000));
    bytes.extend(b"2,\xb2\xe2\xca\xd4\xc2\xf2\xbc\xd2\n");
    let mut table = table(bytes);
    assert_eq!(table.encoding(), "ASCII");
    let rows = rows(&mut table);
    assert_eq!(rows.last().unwrap().as_ref().unwrap()[1], "测试买家");
    assert_eq!(table.encoding(), "GB18030");
    let utf16: Vec<u8> =
        "\u{feff}甲\t乙\r\n1\t2\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut table = self::table(utf16);
    assert_eq!(table.header(), ["甲", "乙"]);
    assert_eq!(self::rows(&mut table), [Ok(vec!["1".to_owned(), "2".to_owned()])]);
    let mut table = self::table("\u{feff}甲,乙\r1,2\r3,4".as_bytes().to_vec());
    assert_eq!(self::rows(&mut table).len(), 2);
}

fn open(path: &Path) -> Result<Table, OpenError> {
    Table::open(path, &Options::default())
}

#[test]
fn what_is_not_a_table_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    assert!(matches!(open(folder.path()), Err(OpenError::Directory { .. })));
    assert!(matches!(open(&folder.path().join("none")), Err(OpenError::NotFound { .. })));
    assert!(matches!(open(&file("a", b"")), Err(OpenError::Empty { .. })));
    assert!(matches!(open(&file("b", b"\xEF\xBB\xBF \r\n")), Err(OpenError::Empty { .. })));
    for (name, bytes) in [
        ("old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".as_slice()),
        ("page.xls", b"<html><table>"),
        ("a.gz", b"\x1F\x8B\x08\0"),
        ("bin", b"\0\x01\x02"),
    ] {
        let error = open(&file(name, bytes)).unwrap_err();
        assert!(matches!(error, OpenError::NotATable { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = file("secret", b"a,b\n");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser may read everything.
        match open(&path) {
            Err(error) => assert!(matches!(error, OpenError::NoPermission { .. }), "{error}"),
            Ok(_) => assert!(std::fs::read(&path).is_ok()),
        }
    }
}

#[test]
fn a_medium_that_fails_is_an_error_of_that_place() {
    struct Failing(u32);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            if self.0 > 200 {
                return Err(std::io::Error::other("the cable is out"));
            }
            let row = b"1,2\n".repeat(buffer.len().min(4096) / 4);
            buffer[..row.len()].copy_from_slice(&row);
            Ok(row.len())
        }
    }
    let mut table = Table::from_reader("t", Failing(0), None, &Options::default()).unwrap();
    let rows = rows(&mut table);
    assert!(rows.last().unwrap().as_ref().unwrap_err().contains("the cable is out"));
}

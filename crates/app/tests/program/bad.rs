//! Files that nobody should have written, and what is to be said of them.

use std::fs::File;
use std::io::{Cursor, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use encoding_rs::GB18030;
use rust_xlsxwriter::Workbook;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::place::Place;

/// The columns that make an order report of Taobao.
pub const HEADER: &str =
    "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,退款金额";

/// A row that is in order.
pub fn good(number: u32) -> String {
    format!("{number},买家{number},10.00,10.00,交易成功,2025-01-01 10:00:00,0")
}

/// A file, its name, and what the refusal must say.
pub struct Refused {
    pub name: &'static str,
    pub path: PathBuf,
    pub words: Vec<&'static str>,
}

/// Files that are refused before anything is done.
pub fn refused(place: &Place) -> Vec<Refused> {
    let mut all = Vec::new();
    let mut add = |name: &'static str, bytes: &[u8], words: &[&'static str]| {
        all.push(Refused { name, path: place.write(name, bytes), words: words.to_vec() });
    };
    add("empty.csv", b"", &["is empty", "export it again"]);
    add("blank.csv", b"\xEF\xBB\xBF\r\n \r\n", &["is empty"]);
    let wide = "x,".repeat(10_000);
    add("wide.csv", wide.as_bytes(), &["header", "more than 2000 cells"]);
    add("page.xls", b"<html><table><tr><td>1</td></tr></table>", &["not a table", "save"]);
    add("old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0", &["not a table", "save"]);
    add("packed.gz", b"\x1F\x8B\x08\0\0\0\0\0\0\0", &["not a table"]);
    add("photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &["not a table"]);
    let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    add("utf16.csv", &utf16, &["not a table"]);
    // GB18030 taken for UTF-8 by way of Latin-1, as old tools write it.
    let (bytes, _, _) = GB18030.encode(HEADER);
    let twice: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    add("mojibake.csv", twice.as_bytes(), &["the header is none", "mapping"]);
    add("other.csv", b"name,phone\na,1\n", &["the header is none", "mapping", "name, phone"]);
    add("cut.xlsx", &workbook(&[])[..1_000], &["damaged", "download complete"]);
    add("bomb.xlsx", &bomb(), &["zip bomb", "save the sheet as CSV"]);
    add("entities.xlsx", &entities(), &["document type", "save the sheet as CSV"]);
    all
}

/// Rows that are rejected one by one, with the column at fault and what is said.
pub fn rejected_rows() -> Vec<(String, &'static str, &'static str)> {
    let row = |cells: &str| cells.to_owned();
    vec![
        (row("3.51532E+16,甲,1,1,交易成功,2025-01-01,0"), "订单编号", "cannot be recovered"),
        (row("90,甲,1,1,交易成功,2025-02-30,0"), "订单创建时间", "does not exist"),
        (row("91,甲,1,1,交易成功,3025-02-03,0"), "订单创建时间", "1970 to 2100"),
        (row("92,甲,1,1,交易成功,yesterday,0"), "订单创建时间", "not a date"),
        (row("93,甲,-5.00,1,交易成功,2025-01-01,0"), "总金额", "below zero"),
        (row("94,甲,1,99999999999999,交易成功,2025-01-01,0"), "买家实际支付金额", "too large"),
        (row("95,甲,1,9e400,交易成功,2025-01-01,0"), "买家实际支付金额", "not a number"),
        (row("96,甲,1,0.001,交易成功,2025-01-01,0"), "买家实际支付金额", "more decimals"),
        (row("97,甲,1,1,在路上,2025-01-01,0"), "订单状态", "在路上"),
        (row(",甲,1,1,交易成功,2025-01-01,0"), "", "order number is missing"),
        (row("98,甲,1,1"), "", "4 cells where the header has 7"),
        (row(&"x,".repeat(10_000)), "", "more than 2000 cells"),
    ]
}

/// A report in GB18030 with three good rows and a fourth that ends within a character.
pub fn truncated() -> Vec<u8> {
    let rows: Vec<String> = (1..=4).map(good).collect();
    let text = format!("{HEADER}\r\n{}", rows.join("\r\n"));
    let whole = GB18030.encode(&text).0.into_owned();
    // `买` of the last row is two bytes; only the first is kept.
    let at = whole.windows(2).rposition(|pair| pair == b"4,").unwrap();
    whole[..at + 3].to_vec()
}

/// Rows around the cell of [`huge_cell`]; so many that the cell is none of what detection sees.
pub const AROUND: u32 = 6_000;

/// A file with a cell of `bytes` NULs behind good rows and before another; sparse, so it takes no room.
pub fn huge_cell(place: &Place, bytes: u64) -> PathBuf {
    let path = place.path("huge.csv");
    let mut file = File::create(&path).unwrap();
    let rows: Vec<String> = (1..AROUND).map(good).collect();
    write!(file, "{HEADER}\r\n{}\r\n0,\"", rows.join("\r\n")).unwrap();
    file.seek(SeekFrom::Current(bytes as i64)).unwrap();
    write!(file, "\",1,1,交易成功,2025-01-01,0\r\n{}\r\n", good(AROUND)).unwrap();
    path
}

fn workbook(rows: &[&str]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (line, row) in std::iter::once(&HEADER).chain(rows).enumerate() {
        for (column, cell) in row.split(',').enumerate() {
            sheet.write(line as u32, column as u16, cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

/// A workbook with one of its parts replaced.
fn with_part(part: &str, write: impl Fn(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(workbook(&[&good(1)]))).unwrap();
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).unwrap();
        if entry.name().unwrap() != part {
            out.raw_copy_file(entry).unwrap();
        }
    }
    out.start_file(part, SimpleFileOptions::default()).unwrap();
    write(&mut out);
    out.finish().unwrap().into_inner()
}

/// A sheet of half a gibibyte in half a mebibyte.
fn bomb() -> Vec<u8> {
    let blanks = vec![b' '; 1 << 20];
    with_part("xl/worksheets/sheet1.xml", |out| {
        for _ in 0..512 {
            out.write_all(&blanks).unwrap();
        }
    })
}

fn entities() -> Vec<u8> {
    with_part("xl/sharedStrings.xml", |out| {
        let text = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\
                    <sst><si><t>&e;</t></si></sst>";
        out.write_all(text.as_bytes()).unwrap();
    })
}

/// The lines of a file of rejects below its header.
pub fn rejects_in(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

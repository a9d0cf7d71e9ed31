//! Workbooks: what is in them, and those that want to do harm.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use tabular::{FileKind, Limits, OpenError, Options, Table, sheet_names};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

fn cells(table: &mut Table) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    while let Some(row) = table.next_row() {
        rows.push(row.unwrap().iter().map(str::to_owned).collect());
    }
    rows
}

fn sample(folder: &Path) -> PathBuf {
    let mut workbook = Workbook::new();
    let first = workbook.add_worksheet().set_name("说明").unwrap();
    first.write(0, 0, "read me").unwrap();
    let sheet = workbook.add_worksheet().set_name("订单报表").unwrap();
    for (column, name) in ["订单编号", "金额", "时间", "备注 "].into_iter().enumerate() {
        sheet.write(0, column as u16, name).unwrap();
    }
    let date = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let moment = ExcelDateTime::parse_from_str("2019-11-11T00:00:01").unwrap();
    sheet.write(1, 0, "=\"3515\"").unwrap();
    sheet.write(1, 1, 20.5).unwrap();
    sheet.write_with_format(1, 2, &moment, &date).unwrap();
    sheet.write(3, 0, 351_531_314_732_900_001_i64 as f64).unwrap();
    sheet.write_formula(3, 1, Formula::new("=1+1").set_result("2")).unwrap();
    sheet.write(3, 3, "好").unwrap();
    let path = folder.join("book.xlsx");
    workbook.save(&path).unwrap();
    path
}

fn named(sheet: &str) -> Options {
    Options { sheet: Some(sheet.to_owned()), ..Options::default() }
}

#[test]
fn a_sheet_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample(folder.path());
    assert_eq!(sheet_names(&path, &Limits::default()).unwrap(), ["说明", "订单报表"]);
    let mut table = Table::open(&path, &named("订单报表")).unwrap();
    assert_eq!(table.kind(), FileKind::Workbook);
    assert_eq!(table.header(), ["订单编号", "金额", "时间", "备注"]);
    let rows = cells(&mut table);
    assert_eq!(rows[0], ["3515", "20.5", "2019-11-11 00:00:01"]);
    // The number has lost its end, and looks like it.
    assert_eq!(rows[1], ["3.5153131473290003E17", "2", "", "好"]);
    assert_eq!(table.bytes_read(), table.bytes_total().unwrap());
    let error = Table::open(&path, &named("别的")).unwrap_err();
    assert!(error.to_string().contains("说明, 订单报表"), "{error}");
}

/// The sample with one of its parts replaced.
fn with_part(folder: &Path, part: &str, write: impl Fn(&mut ZipWriter<std::fs::File>)) -> PathBuf {
    let bytes = std::fs::read(sample(folder)).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let path = folder.join("changed.xlsx");
    let mut out = ZipWriter::new(std::fs::File::create(&path).unwrap());
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).unwrap();
        if entry.name().unwrap() != part {
            out.raw_copy_file(entry).unwrap();
        }
    }
    out.start_file(part, SimpleFileOptions::default()).unwrap();
    write(&mut out);
    out.finish().unwrap();
    path
}

fn refused(path: &Path) -> String {
    let error = Table::open(path, &Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::WorkbookTooLarge { .. }), "{error}");
    error.to_string()
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let folder = tempfile::tempdir().unwrap();
    let blanks = vec![b' '; 1 << 20];
    let path = with_part(folder.path(), "xl/worksheets/sheet1.xml", |out| {
        for _ in 0..200 {
            out.write_all(&blanks).unwrap();
        }
    });
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
    assert!(refused(&path).contains("zip bomb"));
    let strings: Vec<u8> = (0..1_200_000_u32)
        .flat_map(|n| format!("<si><t>{:x}</t></si>", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    let path = with_part(folder.path(), "xl/sharedStrings.xml", |out| {
        out.write_all(b"<sst>").unwrap();
        for _ in 0..3 {
            out.write_all(&strings).unwrap();
        }
    });
    let message = refused(&path);
    assert!(message.contains("different texts") || message.contains("64 MiB"), "{message}");
    // Ten lines of noise repeated inside one cell.
    let path = with_part(folder.path(), "xl/worksheets/sheet1.xml", |out| {
        out.write_all(b"<worksheet><sheetData><row r=\"1\"><c t=\"inlineStr\"><is><t>").unwrap();
        for n in 0..400_000_u32 {
            write!(out, "{:x}", n.wrapping_mul(2_654_435_761)).unwrap();
        }
        out.write_all(b"</t></is></c></row></sheetData></worksheet>").unwrap();
    });
    assert!(refused(&path).contains("single cell"));
}

#[test]
fn entities_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_part(folder.path(), "xl/sharedStrings.xml", |out| {
        out.write_all(
            b"<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><sst><si><t>&e;</t></si></sst>",
        )
        .unwrap();
    });
    assert!(refused(&path).contains("document type"));
}

#[test]
fn a_truncated_or_meaningless_workbook_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(sample(folder.path())).unwrap();
    let path = folder.path().join("cut.xlsx");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = Table::open(&path, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("download complete"), "{error}");
    let path = with_part(folder.path(), "xl/workbook.xml", |out| out.write_all(b"<a><b>").unwrap());
    assert!(Table::open(&path, &Options::default()).is_err());
    let path = with_part(folder.path(), "xl/worksheets/sheet2.xml", |out| {
        out.write_all(b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>x</v></c></row><row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"3\"><c").unwrap();
    });
    let mut table = Table::open(&path, &named("订单报表")).unwrap();
    assert_eq!(table.header(), ["x"]);
    let error = table.next_row().unwrap().unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(table.next_row().is_none());
}

#[test]
fn no_flipped_byte_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(sample(folder.path())).unwrap();
    let path = folder.path().join("flipped.xlsx");
    let mut state = 7_u64;
    for _ in 0..150 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut flipped = bytes.clone();
        let at = (state >> 33) as usize % flipped.len();
        flipped[at] ^= 1 << (state % 8);
        std::fs::write(&path, &flipped).unwrap();
        if let Ok(mut table) = Table::open(&path, &named("订单报表")) {
            let mut rows = 0;
            while table.next_row().is_some() {
                rows += 1;
            }
            assert!(rows < 100);
        }
    }
}

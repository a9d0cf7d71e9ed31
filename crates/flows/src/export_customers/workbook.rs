//! Customers as an Excel workbook, row by row through a temporary file.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use kernel::Zone;
use rust_xlsxwriter::{DocProperties, Format, Workbook, Worksheet, XlsxError};
use tokio::sync::mpsc;

use super::Mark;
use super::columns::{self, Cell, Wording};
use crate::list_customers::CustomerRow;

/// Rows of a sheet, the header not counted.
const SHEET_ROWS: u32 = 1_048_575;

/// Writes what comes from `pages` into `file`, which errors call `name`, and gives the number of customers. What
/// is not written yet lies in `folder`, in files without names.
pub(super) fn write(
    pages: mpsc::Receiver<Vec<CustomerRow>>,
    file: File,
    name: &str,
    folder: &Path,
    zone: Zone,
    wording: Wording,
    mark: &Mark,
) -> Result<u64, String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write_sheets(pages, file, folder, zone, wording, mark)
        .map_err(|error| format!("{name}: {error}"))
}

fn write_sheets(
    mut pages: mpsc::Receiver<Vec<CustomerRow>>,
    file: File,
    folder: &Path,
    zone: Zone,
    wording: Wording,
    mark: &Mark,
) -> Result<u64, XlsxError> {
    let mut workbook = Workbook::new();
    // Also for a sheet whose last column was taken away.
    workbook.set_properties(
        &DocProperties::new()
            .set_author(&mark.author)
            .set_comment(&mark.text)
            .set_title("customers"),
    );
    workbook.set_tempdir(folder)?;
    let (bold, money) = (Format::new().set_bold(), Format::new().set_num_format("#,##0.00"));
    let mut sheet = begin(&mut workbook, wording, &bold)?;
    let (mut place, mut count) = (0, 0);
    while let Some(rows) = pages.blocking_recv() {
        for row in &rows {
            if place == SHEET_ROWS {
                sheet = begin(&mut workbook, wording, &bold)?;
                place = 0;
            }
            place += 1;
            count += 1;
            for (column, cell) in
                columns::cells(row, zone, wording, &mark.text).into_iter().enumerate()
            {
                let column = column as u16;
                match cell {
                    Cell::Text(text) if text.is_empty() => continue,
                    Cell::Text(text) => sheet.write_string(place, column, text)?,
                    Cell::Count(count) => sheet.write_number(place, column, count)?,
                    Cell::Amount(minor, currency) => {
                        let major = minor as f64 / currency.minor_per_major() as f64;
                        sheet.write_number_with_format(place, column, major, &money)?
                    }
                };
            }
        }
    }
    let mut file = BufWriter::new(file);
    workbook.save_to_writer(&mut file)?;
    std::io::Write::flush(&mut file)?;
    Ok(count)
}

fn begin<'a>(
    workbook: &'a mut Workbook,
    wording: Wording,
    bold: &Format,
) -> Result<&'a mut Worksheet, XlsxError> {
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    for (column, name) in wording.header().into_iter().enumerate() {
        sheet.set_column_width(column as u16, 16)?;
        sheet.write_string_with_format(0, column as u16, name, bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(sheet)
}

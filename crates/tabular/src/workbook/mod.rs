//! Rows of one sheet of an Excel workbook.
//!
//! The workbook is opened in a thread of its own, which hands over rows in batches: the reading crate
//! lends its rows from the open workbook, and should a malicious file make it panic, only that thread
//! ends.

mod guard;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{DataRef, Reader, SheetType, Xlsx};

use crate::cell::unwrap_formula;
use crate::error::{OpenError, RowError, RowErrorKind};
use crate::evidence::Evidence;
use crate::limits::Limits;
use crate::split::Cells;
use crate::table::Options;
use guard::Refused;

const BATCH_ROWS: usize = 64;
const BATCHES_AHEAD: usize = 2;

/// One row on its way from the reading thread.
struct SheetRow {
    line: u64,
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    error: Option<RowErrorKind>,
}

enum Message {
    Opened { sheet: String, sheets: Vec<String> },
    Refused(OpenError),
    Rows(Vec<SheetRow>),
    Damaged(String),
    End,
}

/// Reads the rows of one sheet.
pub(crate) struct SheetReader {
    messages: Receiver<Message>,
    batch: std::vec::IntoIter<SheetRow>,
    row: SheetRow,
    pub cells: Cells,
    rows_seen: u64,
    rows_total: u64,
    file_bytes: u64,
    done: bool,
}

impl SheetReader {
    /// Opens the workbook at `path` after measuring it. Gives the reader and the evidence.
    pub fn open(
        path: &Path,
        name: &str,
        file_bytes: u64,
        options: &Options,
    ) -> Result<(Self, Vec<Evidence>), OpenError> {
        let measured = measure(path, name, file_bytes, &options.limits)?;
        let (sender, messages) = sync_channel(BATCHES_AHEAD);
        let (path, thread_name) = (path.to_owned(), name.to_owned());
        let (sheet, limits) = (options.sheet.clone(), options.limits);
        std::thread::Builder::new()
            .name("workbook".to_owned())
            .spawn(move || read(&path, &thread_name, sheet.as_deref(), &limits, &sender))
            .map_err(|error| OpenError::io(name, error))?;
        let (sheet, sheets) = match messages.recv() {
            Ok(Message::Opened { sheet, sheets }) => (sheet, sheets),
            Ok(Message::Refused(error)) => return Err(error),
            Ok(_) | Err(_) => {
                return Err(OpenError::DamagedWorkbook {
                    file: name.to_owned(),
                    reason: "it makes no sense to the reader".to_owned(),
                });
            }
        };
        let evidence = vec![Evidence::Workbook { sheet, sheets }];
        let reader = Self {
            messages,
            batch: Vec::new().into_iter(),
            row: SheetRow { line: 1, text: String::new(), ends: Vec::new(), error: None },
            cells: Cells::default(),
            rows_seen: 0,
            rows_total: measured.rows,
            file_bytes,
            done: false,
        };
        Ok((reader, evidence))
    }

    /// Moves to the next row that is not blank.
    pub fn advance(&mut self) -> Option<Result<(), RowError>> {
        loop {
            if self.done {
                return None;
            }
            if let Some(row) = self.batch.next() {
                self.row = row;
                self.rows_seen += 1;
                if let Some(kind) = self.row.error.take() {
                    let raw = self.row.text.clone();
                    return Some(Err(RowError { line: self.row.line, kind, raw, lines_lost: 0 }));
                }
                self.cells.clear();
                let mut start = 0;
                for end in &self.row.ends {
                    self.cells.push_span(start, *end);
                    start = *end;
                }
                return Some(Ok(()));
            }
            let message = match self.messages.recv() {
                Ok(Message::Rows(rows)) => {
                    self.batch = rows.into_iter();
                    continue;
                }
                Ok(Message::End) => {
                    self.done = true;
                    return None;
                }
                Ok(Message::Damaged(message)) => message,
                Ok(Message::Opened { .. } | Message::Refused(_)) | Err(_) => {
                    "it makes no sense to the reader".to_owned()
                }
            };
            self.done = true;
            let line = self.row.line + 1;
            let kind = RowErrorKind::Damaged { message };
            return Some(Err(RowError { line, kind, raw: String::new(), lines_lost: 0 }));
        }
    }

    /// Row number in the sheet, from 1.
    pub fn row_line(&self) -> u64 {
        self.row.line
    }

    /// The text in which the cells of the present row are ranges.
    pub fn row_text(&self) -> &str {
        &self.row.text
    }

    /// The file's size in proportion to the rows read.
    pub fn bytes_read(&self) -> u64 {
        if self.done || self.rows_total == 0 {
            return self.file_bytes;
        }
        let share = u128::from(self.rows_seen.min(self.rows_total)) * u128::from(self.file_bytes);
        u64::try_from(share / u128::from(self.rows_total)).unwrap_or(self.file_bytes)
    }
}

fn measure(
    path: &Path,
    name: &str,
    file_bytes: u64,
    limits: &Limits,
) -> Result<guard::Measured, OpenError> {
    let file = name.to_owned();
    if file_bytes > limits.workbook_file_bytes {
        let reason = format!("it is larger than {} MiB", limits.workbook_file_bytes >> 20);
        return Err(OpenError::WorkbookTooLarge { file, reason });
    }
    let input = File::open(path).map_err(|error| OpenError::io(name, error))?;
    guard::inspect(BufReader::new(input), limits).map_err(|refused| match refused {
        Refused::Damaged(reason) => OpenError::DamagedWorkbook { file, reason },
        Refused::TooLarge(reason) => OpenError::WorkbookTooLarge { file, reason },
    })
}

/// Names of the sheets of the workbook at `path`, in order; empty for a file that is no workbook.
///
/// # Errors
/// As [`crate::Table::open`].
pub fn sheet_names(path: &Path, limits: &Limits) -> Result<Vec<String>, OpenError> {
    use std::io::Read as _;
    let name = path.display().to_string();
    let metadata = std::fs::metadata(path).map_err(|error| OpenError::io(&name, error))?;
    if metadata.is_dir() {
        return Err(OpenError::Directory { file: name });
    }
    let mut magic = Vec::new();
    let file = File::open(path).map_err(|error| OpenError::io(&name, error))?;
    file.take(4).read_to_end(&mut magic).map_err(|error| OpenError::io(&name, error))?;
    if magic != b"PK\x03\x04" {
        return Ok(Vec::new());
    }
    measure(path, &name, metadata.len(), limits)?;
    let (sender, messages) = sync_channel(BATCHES_AHEAD);
    let (owned, thread_name, limits) = (path.to_owned(), name.clone(), *limits);
    std::thread::Builder::new()
        .name("workbook".to_owned())
        .spawn(move || read(&owned, &thread_name, None, &limits, &sender))
        .map_err(|error| OpenError::io(&name, error))?;
    match messages.recv() {
        Ok(Message::Opened { sheets, .. }) => Ok(sheets),
        Ok(Message::Refused(error)) => Err(error),
        Ok(_) | Err(_) => Err(OpenError::DamagedWorkbook {
            file: name,
            reason: "it makes no sense to the reader".to_owned(),
        }),
    }
}

/// The reading thread. Ends early when nobody listens any more.
fn read(
    path: &Path,
    name: &str,
    wanted: Option<&str>,
    limits: &Limits,
    sender: &SyncSender<Message>,
) {
    let message = match open(path, name, wanted) {
        Err(error) => Message::Refused(error),
        Ok((mut workbook, sheet, sheets)) => {
            if sender.send(Message::Opened { sheet: sheet.clone(), sheets }).is_err() {
                return;
            }
            match send_rows(&mut workbook, &sheet, limits, sender) {
                Ok(()) => Message::End,
                Err(message) => Message::Damaged(message),
            }
        }
    };
    // Nobody listens any more: nothing is lost.
    let _ = sender.send(message);
}

type Opened = (Xlsx<BufReader<File>>, String, Vec<String>);

fn open(path: &Path, name: &str, wanted: Option<&str>) -> Result<Opened, OpenError> {
    let file = name.to_owned();
    let input = File::open(path).map_err(|error| OpenError::io(name, error))?;
    let workbook = Xlsx::new(BufReader::new(input)).map_err(|error| {
        OpenError::DamagedWorkbook { file: file.clone(), reason: error.to_string() }
    })?;
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    let sheet = match wanted {
        Some(wanted) => sheets.iter().find(|sheet| sheet.trim() == wanted.trim()),
        None => sheets.first(),
    };
    match sheet.cloned() {
        Some(sheet) => Ok((workbook, sheet, sheets)),
        None => Err(OpenError::NoSheet {
            file,
            sheet: wanted.unwrap_or("(first)").to_owned(),
            sheets: sheets.join(", "),
        }),
    }
}

fn send_rows(
    workbook: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    limits: &Limits,
    sender: &SyncSender<Message>,
) -> Result<(), String> {
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut batch_bytes = 0;
    let mut row: Option<SheetRow> = None;
    let ended = loop {
        let cell = match cells.next_cell() {
            Ok(Some(cell)) => cell,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.to_string()),
        };
        let (index, column) = cell.get_position();
        let line = u64::from(index) + 1;
        if row.as_ref().is_none_or(|row| row.line != line) {
            let new = SheetRow { line, text: String::new(), ends: Vec::new(), error: None };
            if let Some(done) = row.replace(new).filter(|row| !is_blank(row)) {
                batch_bytes += done.text.len();
                batch.push(done);
            }
            if batch.len() >= BATCH_ROWS || batch_bytes > limits.row_bytes {
                batch_bytes = 0;
                if sender.send(Message::Rows(std::mem::take(&mut batch))).is_err() {
                    return Ok(());
                }
            }
        }
        if let Some(row) = &mut row {
            push_cell(row, column as usize, cell.get_value(), limits);
        }
    };
    // The row in which the workbook is damaged may lack cells.
    batch.extend(row.filter(|row| ended.is_ok() && !is_blank(row)));
    // Nobody listens any more: nothing is lost.
    let _ = sender.send(Message::Rows(batch));
    ended
}

fn is_blank(row: &SheetRow) -> bool {
    row.error.is_none() && row.text.trim().is_empty()
}

fn push_cell(row: &mut SheetRow, column: usize, value: &DataRef<'_>, limits: &Limits) {
    if row.error.is_some() || matches!(value, DataRef::Empty) {
        return;
    }
    if column >= limits.columns {
        row.error = Some(RowErrorKind::TooManyColumns { limit: limits.columns });
        return;
    }
    if column < row.ends.len() {
        row.error =
            Some(RowErrorKind::Damaged { message: "its cells are out of order".to_owned() });
        return;
    }
    let start = row.text.len();
    row.ends.resize(column, start);
    push_value(&mut row.text, value);
    row.ends.push(row.text.len());
    if row.text.len() - start > limits.cell_bytes {
        row.error =
            Some(RowErrorKind::CellTooLong { column: column + 1, limit: limits.cell_bytes });
    } else if row.text.len() > limits.row_bytes {
        row.error = Some(RowErrorKind::RowTooLong { limit: limits.row_bytes });
    }
    if row.error.is_some() {
        row.text.truncate(row.text.floor_char_boundary(1 << 10));
    }
}

fn push_value(out: &mut String, value: &DataRef<'_>) {
    use std::fmt::Write as _;
    let written = match value {
        DataRef::Empty | DataRef::Error(_) => Ok(()),
        DataRef::String(text) => out.write_str(unwrap_formula(text)),
        DataRef::SharedString(text) => out.write_str(unwrap_formula(text)),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => out.write_str(text),
        DataRef::Int(number) => write!(out, "{number}"),
        // A spreadsheet keeps 15 digits: a longer whole number has lost its end, and must be seen to.
        DataRef::Float(number) if number.abs() >= 1e15 => write!(out, "{number:E}"),
        DataRef::Float(number) => write!(out, "{number}"),
        DataRef::Bool(truth) => write!(out, "{truth}"),
        DataRef::DateTime(moment) => match moment.as_datetime() {
            Some(moment) => write!(out, "{}", moment.format("%Y-%m-%d %H:%M:%S")),
            None => write!(out, "{}", moment.as_f64()),
        },
    };
    debug_assert!(written.is_ok(), "writing to a String");
}

//! Orders out of a file, one after the other, with a position from which to go on.

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::path::Path;

use kernel::{Currency, Zone};
use tabular::{Delimiter, Options, Table};

use super::columns::Problem;
use super::detect::{Detection, column_key, detect, missing};
use super::error::FormatError;
use super::evidence::Evidence;
use super::field::Field;
use super::format::Format;
use super::group::{Group, Ready, broken, close, rejected};
use super::interpret::{Plan, Reading};
use super::mapping::Mapping;
use super::numbering::Numbering;
use super::reason::{Fault, Reason};
use super::rejects::{REJECT_COLUMNS, is_rejects_file};
use super::rules;
use super::shape::{misshapen, platform_columns, push_own};
use crate::record::OrderRecord;

/// Enough of a file to know one of rejects.
const HEAD_BYTES: u64 = 64;

/// What the caller decides for a file.
#[derive(Debug, Clone)]
pub struct ReaderContext {
    /// The clock of the file's times, unless the mapping names another.
    pub zone: Zone,
    /// The currency of the amounts, unless the mapping names another.
    pub currency: Currency,
    /// Sheet of a workbook; the first that looks like orders if not named.
    pub sheet: Option<String>,
}

impl Default for ReaderContext {
    fn default() -> Self {
        Self { zone: Zone::CHINA, currency: Currency::CNY, sheet: None }
    }
}

/// A row, or all rows of one order, that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Line of the offending row in the file, from 1.
    pub line: u64,
    /// The column to blame, where one is.
    pub column: Option<String>,
    /// What is wrong and what to do, naming the column.
    pub reason: Reason,
    /// All rows of the order as CSV records (comma, UTF-8, CRLF) in the file's own columns.
    pub raw: String,
    /// The order number made for the row, where the file has none.
    pub order_no: Option<String>,
}

/// What comes out of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An order, and the number of data rows used up to its end.
    Order(Box<OrderRecord>, u64),
    /// Rows to be corrected. An order with one bad row is rejected whole.
    Rejected(Reject),
    /// A row that the mapping passes over.
    Skipped {
        /// Its line in the file.
        line: u64,
        /// The rule.
        reason: Reason,
    },
}

/// What a column was understood as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMeaning {
    /// Its name in the file.
    pub name: String,
    /// A [`Field`] name, `extra` for text that is kept, or `ignored`.
    pub understood_as: &'static str,
}

/// Reads the orders of one file.
pub struct OrderReader {
    table: Table,
    plan: Plan,
    detection: Detection,
    numbering: Numbering,
    /// Column of numbers made earlier, in a corrected file of rejects.
    made_no: Option<usize>,
    own_columns: Vec<usize>,
    /// Rows taken from the table.
    taken: u64,
    /// Rows whose entries have all been handed out.
    handed_out: u64,
    group: Option<Group>,
    ready: Ready,
    /// A row within an order has been handed out, but not the order.
    within: bool,
    /// The number of the order before, for rows merged under it.
    last_no: String,
    ended: bool,
}

impl OrderReader {
    /// Opens the file at `path`. Without `format` it is detected; with `mapping` it is generic.
    ///
    /// # Errors
    /// [`FormatError`] says what the file is not, and what to do.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        mapping: Option<Mapping>,
        context: &ReaderContext,
    ) -> Result<Self, FormatError> {
        let name = path.display().to_string();
        let mut head = Vec::new();
        if let Ok(file) = std::fs::File::open(path) {
            // What cannot be read is explained when the table is opened.
            let _ = file.take(HEAD_BYTES).read_to_end(&mut head);
        }
        let mut options = options(mapping.as_ref(), context, &name, &head)?;
        if options.sheet.is_none() && mapping.is_none() {
            let sheets = super::detect::sheets_to_import(path)?;
            options.sheet = sheets
                .iter()
                .find(|choice| format.is_none() || choice.format == format)
                .or(sheets.first())
                .map(|choice| choice.sheet.clone());
        }
        Self::from_table(Table::open(path, &options)?, &name, format, mapping.as_ref(), context)
    }

    /// Reads text from any source of bytes; `name` is used in messages.
    ///
    /// # Errors
    /// As [`OrderReader::open`].
    pub fn from_reader(
        name: &str,
        mut input: impl Read + Send + 'static,
        format: Option<Format>,
        mapping: Option<Mapping>,
        context: &ReaderContext,
    ) -> Result<Self, FormatError> {
        let mut head = Vec::new();
        input.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(|source| {
            FormatError::Open(tabular::OpenError::Io { file: name.to_owned(), source })
        })?;
        let options = options(mapping.as_ref(), context, name, &head)?;
        let input = Cursor::new(head).chain(input);
        let table = Table::from_reader(name, input, None, &options)?;
        Self::from_table(table, name, format, mapping.as_ref(), context)
    }

    fn from_table(
        table: Table,
        file: &str,
        format: Option<Format>,
        mapping: Option<&Mapping>,
        context: &ReaderContext,
    ) -> Result<Self, FormatError> {
        let file = file.to_owned();
        let header = table.header().to_vec();
        let mut detection = detect(&header);
        let listed = || {
            let shown: Vec<_> = header.iter().take(80).map(String::as_str).collect();
            shown.join(", ")
        };
        let format = match (format, mapping) {
            (Some(Format::Generic) | None, Some(_)) => Format::Generic,
            (Some(Format::Generic), None) => return Err(FormatError::NeedsMapping { file }),
            (Some(format), _) => format,
            (None, None) if detection.format == Format::Generic => {
                return Err(FormatError::Unrecognised { file, columns: listed() });
            }
            (None, None) => detection.format,
        };
        let (columns, rules) = match mapping.filter(|_| format == Format::Generic) {
            Some(mapping) => {
                detection.evidence = vec![Evidence::ReadByMapping];
                detection.unknown_columns.clear();
                let (columns, rules) = rules::fit(mapping, &header, context.zone, context.currency)
                    .map_err(|error| FormatError::Mapping { file, error })?;
                (columns, Some(rules))
            }
            None => {
                let keys: Vec<String> = header.iter().map(|name| column_key(name)).collect();
                if let Some(missing) = missing(format, &keys) {
                    return Err(FormatError::WrongFormat {
                        file,
                        format,
                        missing,
                        columns: listed(),
                    });
                }
                (platform_columns(format, &header, &keys, context), None)
            }
        };
        detection.format = format;
        let position = |wanted: &str| header.iter().position(|name| name == wanted);
        Ok(Self {
            made_no: position(REJECT_COLUMNS[3]),
            own_columns: (0..header.len())
                .filter(|index| !REJECT_COLUMNS.contains(&header[*index].as_str()))
                .collect(),
            plan: Plan { format, columns, rules },
            table,
            detection,
            numbering: Numbering::default(),
            taken: 0,
            handed_out: 0,
            group: None,
            ready: VecDeque::new(),
            within: false,
            last_no: String::new(),
            ended: false,
        })
    }

    /// The format the file is read as.
    #[must_use]
    pub fn format(&self) -> Format {
        self.plan.format
    }

    /// The encoding, as a person is told it.
    #[must_use]
    pub fn encoding(&self) -> &str {
        self.table.encoding()
    }

    /// What stands between cells; `None` for a workbook.
    #[must_use]
    pub fn delimiter(&self) -> Option<Delimiter> {
        self.table.delimiter()
    }

    /// Why encoding, delimiter and format are believed.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        let of_table = self.table.evidence().iter().map(Evidence::from);
        of_table.chain(self.detection.evidence.iter().cloned()).collect()
    }

    /// Columns that the format does not know.
    #[must_use]
    pub fn unknown_columns(&self) -> &[String] {
        &self.detection.unknown_columns
    }

    /// The file's own columns, without those of a rejects file.
    #[must_use]
    pub fn header(&self) -> Vec<String> {
        self.own_columns.iter().map(|index| self.table.header()[*index].clone()).collect()
    }

    /// What every column is understood as.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnMeaning> {
        let columns = &self.plan.columns;
        let meaning = |index: usize| match columns.slots.field_of(index) {
            Some(field) => field.name(),
            None if columns.extras.contains(&index) => "extra",
            None => "ignored",
        };
        let names = columns.header.iter().enumerate();
        names
            .map(|(index, name)| ColumnMeaning {
                name: name.clone(),
                understood_as: meaning(index),
            })
            .collect()
    }

    /// The currency of the amounts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.plan.columns.currency
    }

    /// Data rows used up by what has been handed out: the position for [`OrderReader::skip_rows`].
    ///
    /// It moves when everything about those rows is out, see [`OrderReader::at_boundary`].
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.handed_out
    }

    /// Whether everything about the rows counted by [`OrderReader::rows_read`], and nothing about later
    /// ones, has been handed out: the moments at which to note the position.
    ///
    /// Always so after an order or a reject.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        !self.within
    }

    /// Bytes taken from the file so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.table.bytes_read()
    }

    /// Size of the file where it is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.table.bytes_total()
    }

    /// Passes over the first `count` data rows, a position that [`OrderReader::rows_read`] gave for the
    /// same file. What follows is exactly what followed then. To be called before the first entry.
    pub fn skip_rows(&mut self, count: u64) {
        while self.taken < count {
            let Some(row) = self.table.next_row() else { break };
            self.taken += 1;
            let Ok(row) = row else { continue };
            let columns = &self.plan.columns;
            match &self.plan.rules {
                Some(rules) if rules.makes_numbers() => {
                    if rules.skip_reason(columns, &row).is_none()
                        && misshapen(columns, &row).is_none()
                    {
                        self.numbering.next(rules.key(columns, &row));
                    }
                }
                Some(_) => {}
                None => {
                    if let Some(number) = columns.text(&row, Field::OrderNo) {
                        number.clone_into(&mut self.last_no);
                    }
                }
            }
        }
        self.handed_out = self.taken;
    }

    /// Reads on until something is ready to be handed out.
    fn fill(&mut self) {
        while self.ready.is_empty() && !self.ended {
            let Some(read) = self.table.next_row() else {
                self.ended = true;
                close(&self.plan, self.group.take(), self.taken, &mut self.ready);
                return;
            };
            let row = match read {
                Ok(row) => row,
                Err(error) => {
                    close(&self.plan, self.group.take(), self.taken, &mut self.ready);
                    self.taken += 1;
                    self.ended = error.kind.is_fatal();
                    self.ready.push_back((broken(&error), Some(self.taken)));
                    continue;
                }
            };
            self.taken += 1;
            let line = row.line();
            let mut made_no = None;
            let reading = match misshapen(&self.plan.columns, &row) {
                Some(problem) => Err(problem),
                None => {
                    if let Some(rules) = &self.plan.rules
                        && rules.makes_numbers()
                        && rules.skip_reason(&self.plan.columns, &row).is_none()
                    {
                        let given =
                            self.made_no.and_then(|column| self.plan.columns.cell(&row, column));
                        let own = self.numbering.next(rules.key(&self.plan.columns, &row));
                        made_no = Some(given.map_or(own, str::to_owned));
                    }
                    self.plan.read(&row)
                }
            };
            let grouped = self.plan.format.has_rows_of_one_order()
                && self.plan.rules.as_ref().is_none_or(|rules| !rules.each_row);
            let (key, outcome) = match reading {
                Ok(Reading::Skip(reason)) => {
                    // Within an order the position stays before it.
                    let end = if self.group.is_some() { None } else { Some(self.taken) };
                    self.ready.push_back((Entry::Skipped { line, reason }, end));
                    continue;
                }
                Ok(Reading::Order(mut record)) => {
                    if let Some(number) = &made_no {
                        record.external_no.clone_from(number);
                    } else if record.external_no.is_empty() {
                        record.external_no.clone_from(&self.last_no);
                    }
                    if record.external_no.is_empty() {
                        (String::new(), Err(Problem::row(Fault::NoOrderNumber)))
                    } else {
                        (record.external_no.clone(), Ok(record))
                    }
                }
                Err(problem) => {
                    let number = self.plan.columns.text(&row, Field::OrderNo).unwrap_or_default();
                    let merged = number.is_empty() && self.plan.format == Format::Alibaba1688;
                    let number = if merged { self.last_no.clone() } else { number.to_owned() };
                    (made_no.clone().unwrap_or(number), Err(problem))
                }
            };
            if !grouped {
                let entry = match outcome.and_then(|mut record| {
                    self.plan.finish(&mut record)?;
                    Ok(record)
                }) {
                    Ok(mut record) => {
                        if record.is_undated() {
                            let mut raw = String::new();
                            push_own(&row, &self.own_columns, &mut raw);
                            record.raw = Some(raw);
                        }
                        Entry::Order(record, self.taken)
                    }
                    Err(problem) => {
                        let mut raw = String::new();
                        push_own(&row, &self.own_columns, &mut raw);
                        rejected(line, problem, raw, made_no)
                    }
                };
                self.ready.push_back((entry, Some(self.taken)));
                continue;
            }
            self.last_no.clone_from(&key);
            let goes_on = self.group.as_ref().is_some_and(|group| group.takes(&key));
            if !goes_on {
                close(&self.plan, self.group.take(), self.taken - 1, &mut self.ready);
            }
            let group = self.group.get_or_insert_with(|| Group::new(key));
            push_own(&row, &self.own_columns, &mut group.raw);
            group.rows += 1;
            match outcome {
                Ok(record) if group.rows == 1 => group.record = *record,
                Ok(record) => self.plan.merge(&mut group.record, *record),
                Err(problem) => {
                    group.problem.get_or_insert((line, problem));
                }
            }
        }
    }
}

impl Iterator for OrderReader {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.fill();
        let (entry, end) = self.ready.pop_front()?;
        self.within = end.is_none();
        self.handed_out = end.unwrap_or(self.handed_out);
        Some(entry)
    }
}

fn options(
    mapping: Option<&Mapping>,
    context: &ReaderContext,
    file: &str,
    head: &[u8],
) -> Result<Options, FormatError> {
    let mut options = Options { sheet: context.sheet.clone(), ..Options::default() };
    // What the mapping says of the file's form does not hold for the rejects that came of it.
    if let Some(mapping) = mapping.filter(|_| !is_rejects_file(head)) {
        options.encoding.clone_from(&mapping.encoding);
        options.has_header = mapping.has_header;
        options.sheet = options.sheet.or_else(|| mapping.sheet.clone());
        options.delimiter = mapping
            .delimiter()
            .map_err(|error| FormatError::Mapping { file: file.to_owned(), error })?;
    }
    Ok(options)
}

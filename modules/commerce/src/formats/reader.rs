//! Orders out of a file, one after the other, with a position from which to go on.

use std::collections::VecDeque;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use kernel::{Currency, Zone};
use tabular::{Delimiter, Options, Row, Table};

use super::apart::{Apart, Finder, Gathered};
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
use super::rules::{self, Rules};
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
    /// The file, to be read more than once.
    source: Option<(PathBuf, Options)>,
    apart: Option<Apart>,
    /// Bytes of the first reading, once it is done.
    bytes_done: Option<u64>,
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
        let table = Table::open(path, &options)?;
        let mut reader = Self::from_table(table, &name, format, mapping.as_ref(), context)?;
        reader.source = Some((path.to_owned(), options));
        Ok(reader)
    }

    /// Sees to it that each order comes as one record even where its rows lie apart: reads the file once
    /// to find such orders, which then come behind all others. To be called before anything else.
    ///
    /// # Errors
    /// As [`OrderReader::open`], if the file cannot be read again.
    pub fn keep_orders_whole(&mut self) -> Result<(), FormatError> {
        let Some((path, options)) = &self.source else { return Ok(()) };
        if !self.groups_rows() || self.plan.rules.as_ref().is_some_and(Rules::makes_numbers) {
            return Ok(());
        }
        let mut finder = Finder::default();
        let mut last_no = String::new();
        while let Some(row) = self.table.next_row() {
            match row {
                Ok(row) => {
                    if let Some(key) = key_of(&self.plan, &row, &last_no) {
                        let bytes = row.iter().map(|cell| cell.len() + 3).sum();
                        finder.row(key, bytes);
                        key.to_owned().clone_into(&mut last_no);
                    }
                }
                Err(error) if error.kind.is_fatal() => break,
                Err(_) => finder.gap(),
            }
        }
        self.apart = finder.found();
        self.table = Table::open(path, options)?;
        Ok(())
    }

    /// Whether rows of one order become one record.
    fn groups_rows(&self) -> bool {
        self.plan.format.has_rows_of_one_order()
            && self.plan.rules.as_ref().is_none_or(|rules| !rules.each_row)
    }

    /// Reads the file again for the next part of the orders whose rows lie apart, and makes them ready;
    /// says whether there was such a part.
    fn gather(&mut self) -> bool {
        let Some(apart) = &mut self.apart else { return false };
        if !apart.next_part() {
            return false;
        }
        let Some((path, options)) = &self.source else { return false };
        self.bytes_done.get_or_insert(self.table.bytes_read());
        match Table::open(path, options) {
            Ok(table) => self.table = table,
            Err(error) => {
                let problem = Problem::row(Fault::ReadFailed { message: error.to_string() });
                let entry = rejected(1, problem, String::new(), None);
                self.ready.push_back((entry, Some(self.taken)));
                self.apart = None;
                return true;
            }
        }
        let mut gathered = Gathered::default();
        self.last_no.clear();
        while let Some(row) = self.table.next_row() {
            let row = match row {
                Ok(row) => row,
                Err(error) if error.kind.is_fatal() => break,
                Err(_) => continue,
            };
            let Some(key) = key_of(&self.plan, &row, &self.last_no) else { continue };
            let key = key.to_owned();
            if !apart.passes_over(&key) {
                let outcome = match read_row(&self.plan, &row) {
                    Ok(Reading::Order(mut record)) => {
                        record.external_no.clone_from(&key);
                        Ok(record)
                    }
                    Ok(Reading::Skip(_)) => continue,
                    Err(problem) => Err(problem),
                };
                let raw = |out: &mut String| push_own(&row, &self.own_columns, out);
                gathered.group(&key).push(&self.plan, row.line(), raw, outcome);
            }
            self.last_no = key;
        }
        for groups in gathered.into_orders() {
            let count = groups.len();
            for (index, group) in groups.into_iter().enumerate() {
                self.taken += group.rows as u64;
                let more = index + 1 < count;
                close(&self.plan, Some(group), self.taken, more, &mut self.ready);
            }
        }
        true
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
            source: None,
            apart: None,
            bytes_done: None,
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
        self.bytes_done.unwrap_or_else(|| self.table.bytes_read())
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
            if let (Some(apart), Ok(row)) = (&self.apart, &row)
                && let Some(key) = key_of(&self.plan, row, &self.last_no)
                && apart.passes_over(key)
            {
                self.last_no = key.to_owned();
                continue;
            }
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
        while self.taken < count && self.gather() {
            while self.ready.iter().find_map(|(_, end)| *end).is_some_and(|end| end <= count) {
                self.ready.pop_front();
            }
        }
        self.handed_out = self.taken.min(count);
    }

    /// Reads on until something is ready to be handed out.
    fn fill(&mut self) {
        let grouped = self.groups_rows();
        while self.ready.is_empty() && !self.ended {
            let read = match self.bytes_done {
                None => self.table.next_row(),
                Some(_) => None,
            };
            let Some(read) = read else {
                close(&self.plan, self.group.take(), self.taken, false, &mut self.ready);
                self.ended = !self.gather();
                continue;
            };
            let row = match read {
                Ok(row) => row,
                Err(error) => {
                    close(&self.plan, self.group.take(), self.taken, false, &mut self.ready);
                    self.taken += 1;
                    self.ready.push_back((broken(&error), Some(self.taken)));
                    self.ended = error.kind.is_fatal() && !self.gather();
                    continue;
                }
            };
            if let Some(apart) = &self.apart
                && let Some(key) = key_of(&self.plan, &row, &self.last_no)
                && apart.passes_over(key)
            {
                self.last_no = key.to_owned();
                continue;
            }
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
            let mut more = false;
            if !goes_on {
                more = !key.is_empty() && self.group.as_ref().is_some_and(|group| group.key == key);
                close(&self.plan, self.group.take(), self.taken - 1, more, &mut self.ready);
            }
            let group =
                self.group.get_or_insert_with(|| Group { goes_on: more, ..Group::new(key) });
            let raw = |out: &mut String| push_own(&row, &self.own_columns, out);
            group.push(&self.plan, line, raw, outcome);
        }
    }
}

/// The number of the order that a row belongs to, `last_no` being that of the row before; `None` for a
/// row that is passed over by a rule or names no order.
fn key_of<'a>(plan: &'a Plan, row: &Row<'a>, last_no: &'a str) -> Option<&'a str> {
    if let Some(rules) = &plan.rules
        && rules.skip_reason(&plan.columns, row).is_some()
    {
        return None;
    }
    let merged = || (plan.format == Format::Alibaba1688).then_some(last_no);
    plan.columns.text(row, Field::OrderNo).or_else(merged).filter(|key| !key.is_empty())
}

fn read_row(plan: &Plan, row: &Row<'_>) -> Result<Reading, Problem> {
    match misshapen(&plan.columns, row) {
        Some(problem) => Err(problem),
        None => plan.read(row),
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

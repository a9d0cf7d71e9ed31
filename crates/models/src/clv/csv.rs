//! Transactions from any file that `tabular` reads.

use std::collections::HashMap;
use std::path::Path;

use chrono::NaiveDate;
use serde::Serialize;
use tabular::{OpenError, Options, Row, RowError, Table};

use super::error::ClvError;
use super::report::{ClvReport, report};
use super::summary::{
    DAYS_BELIEVED, MAX_CUSTOMERS, Transactions, Unit, Window, day_of, iso_day, summarise,
};

/// Most transactions of one file.
pub const MAX_ROWS: u64 = 100_000_000;
/// Bad rows that are told apart in an answer.
const NAMED_ROWS: usize = 10;
/// Characters of a cell that are quoted in an answer.
const QUOTED: usize = 40;
/// Share of bad rows above which a file is refused, unless said otherwise.
pub const MAX_BAD_SHARE: f64 = 0.05;

/// The columns of customer, date and amount, each by its name or its number from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    customer: String,
    date: String,
    amount: String,
}

/// What to make of negative amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Returns {
    /// A return is not a purchase and takes nothing off one: it is passed over and counted.
    #[default]
    PassOver,
    /// A negative amount is a bad row.
    Refuse,
}

/// How to read a file.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvOptions {
    /// Which columns.
    pub columns: Columns,
    /// Last day the models see; the file's last day unless given.
    pub calibration_end: Option<NaiveDate>,
    /// Unit of time.
    pub unit: Unit,
    /// Negative amounts.
    pub returns: Returns,
    /// Share of bad rows above which the file is refused, 0 to 1.
    pub max_bad_share: f64,
}

/// A row that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Line in the file, from 1.
    pub line: u64,
    /// The column as it was asked for; `None` if the whole row cannot be read.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// What became of a file's rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RowCounts {
    /// Rows, without the header and blank ones.
    pub rows: u64,
    /// Rows used as transactions.
    pub used: u64,
    /// Returns passed over.
    pub returns: u64,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of these.
    pub first_bad: Vec<BadRow>,
    /// Whether the first row was taken as a header.
    pub header: bool,
}

/// Transactions of a file as columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Ordinal of the customer, in the order of first appearance.
    pub customer: Vec<u32>,
    /// Days since 1970-01-01.
    pub day: Vec<i64>,
    /// Amounts, from 0.
    pub amount: Vec<f64>,
    /// Customers' names in the file, by ordinal.
    pub names: Vec<Box<str>>,
    /// What became of the rows.
    pub counts: RowCounts,
}

/// A report with what became of the file's rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CsvReport {
    /// The models.
    #[serde(flatten)]
    pub clv: ClvReport,
    /// What became of the rows.
    pub input: RowCounts,
}

/// Why a file gives no report.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// Not a table.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Not three columns.
    #[error("`{text}` does not name three columns; write customer,date,amount or 1,2,3")]
    Columns {
        /// What was given.
        text: String,
    },
    /// No such column.
    #[error("there is no column `{column}`; the columns are {header}")]
    NoColumn {
        /// What was asked for.
        column: String,
        /// What there is.
        header: String,
    },
    /// Two columns of one name.
    #[error("the file has more than one column `{column}`; name it by its number, the first is 1")]
    TwoColumns {
        /// What was asked for.
        column: String,
    },
    /// A share that is none.
    #[error("the share of bad rows allowed is {share}, but must be from 0 to 1")]
    BadShare {
        /// What was given.
        share: f64,
    },
    /// Nothing usable.
    #[error("the file has a header but no transactions")]
    NoRows,
    /// Returns and nothing else.
    #[error(
        "all {returns} amounts are negative, which are returns; purchases have positive amounts"
    )]
    ReturnsOnly {
        /// Rows.
        returns: u64,
    },
    /// More rows or customers than are read.
    #[error("the file has more than {limit} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Too many bad rows.
    #[error("{bad} of {rows} rows cannot be used, more than {percent:.0} %: {first}")]
    TooManyBad {
        /// Bad rows.
        bad: u64,
        /// All rows.
        rows: u64,
        /// Percent allowed.
        percent: f64,
        /// The first of them.
        first: String,
    },
    /// The models.
    #[error(transparent)]
    Clv(#[from] ClvError),
}

impl std::str::FromStr for Columns {
    type Err = CsvError;
    /// Three names or numbers with commas between them, in the order customer, date, amount.
    fn from_str(text: &str) -> Result<Self, CsvError> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        match parts.as_slice() {
            [customer, date, amount] if parts.iter().all(|part| !part.is_empty()) => Ok(Self {
                customer: (*customer).to_owned(),
                date: (*date).to_owned(),
                amount: (*amount).to_owned(),
            }),
            _ => Err(CsvError::Columns { text: text.to_owned() }),
        }
    }
}

impl Columns {
    fn all(&self) -> [&str; 3] {
        [&self.customer, &self.date, &self.amount]
    }

    fn are_numbers(&self) -> bool {
        self.all().iter().all(|column| number_of(column).is_some())
    }

    fn positions(&self, header: &[String]) -> Result<[usize; 3], CsvError> {
        let mut positions = [0; 3];
        for (slot, column) in positions.iter_mut().zip(self.all()) {
            let is_named = |name: &String| name.eq_ignore_ascii_case(column);
            let named = header.iter().position(is_named);
            if header.iter().filter(|name| is_named(name)).nth(1).is_some() {
                return Err(CsvError::TwoColumns { column: column.to_owned() });
            }
            let numbered = number_of(column).filter(|number| *number <= header.len());
            *slot = named.or(numbered.map(|number| number - 1)).ok_or_else(|| {
                let names: Vec<String> = header.iter().take(50).map(|name| quoted(name)).collect();
                CsvError::NoColumn { column: column.to_owned(), header: names.join(", ") }
            })?;
        }
        Ok(positions)
    }
}

fn number_of(column: &str) -> Option<usize> {
    column.parse().ok().filter(|number| *number > 0)
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

/// Day of a date: `1997-01-31`, `1997/1/31`, `1997.1.31`, `19970131`, each also with a time after a
/// blank or `T`, which is passed over. The day is taken as written, in no time zone.
///
/// # Errors
/// What is wrong, in words.
pub fn parse_day(text: &str) -> Result<i64, &'static str> {
    const UNREADABLE: &str = "is not a date such as 1997-01-31, 1997/1/31 or 19970131";
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty");
    }
    let date = text.split(['T', ' ']).next().unwrap_or_default();
    let number = |part: &str, most: usize| -> Result<u32, &'static str> {
        let digits = (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().map_err(|_| UNREADABLE) } else { Err(UNREADABLE) }
    };
    let parts: Vec<&str> = date.split(['-', '/', '.']).take(4).collect();
    let (year, month, day) = match parts.as_slice() {
        [whole] if whole.len() == 8 && whole.is_ascii() => {
            (number(&whole[..4], 4)?, number(&whole[4..6], 2)?, number(&whole[6..], 2)?)
        }
        [year, month, day] if year.len() == 4 => {
            (number(year, 4)?, number(month, 2)?, number(day, 2)?)
        }
        [_, _, year] if year.len() == 4 => {
            return Err("does not begin with the year, so day and month could be mixed up");
        }
        _ => return Err(UNREADABLE),
    };
    let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day)
        .ok_or("is not a day of any year")?;
    let day = day_of(date);
    if DAYS_BELIEVED.contains(&day) { Ok(day) } else { Err("is not between 1900 and 2200") }
}

/// An amount: digits with at most one decimal point and a sign.
///
/// # Errors
/// What is wrong, in words.
pub fn parse_amount(text: &str) -> Result<f64, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty");
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().any(|b| b.is_ascii_digit());
    let value: f64 = match text.parse() {
        Ok(value) if plain && digits.len() <= 20 => value,
        _ => return Err("is not a number with a decimal point, such as 1234.50"),
    };
    Ok(value)
}

/// A row's customer, day and amount, or the column and what is wrong with it.
fn parse_row<'a>(
    row: &Row<'a>,
    positions: [usize; 3],
) -> Result<(&'a str, i64, f64), (usize, String)> {
    let cell = |index: usize| {
        row.get(positions[index]).map(str::trim).ok_or_else(|| (index, "is missing".to_owned()))
    };
    let at = |index: usize, text: &str, reason: &str| {
        let shown = if text.is_empty() { String::new() } else { format!("{} ", quoted(text)) };
        (index, format!("{shown}{reason}"))
    };
    let (customer, date, amount) = (cell(0)?, cell(1)?, cell(2)?);
    if customer.is_empty() {
        return Err(at(0, "", "is empty"));
    }
    let day = parse_day(date).map_err(|reason| at(1, date, reason))?;
    let amount_value = parse_amount(amount).map_err(|reason| at(2, amount, reason))?;
    Ok((customer, day, amount_value))
}

/// Opens a table and finds the columns.
///
/// With a column given by name, the first row is the header. With numbers only, it is one if neither
/// its date nor its amount can be read.
fn open(path: &Path, columns: &Columns) -> Result<(Table, [usize; 3]), CsvError> {
    let options = Options { has_header: !columns.are_numbers(), ..Options::default() };
    let table = Table::open(path, &options)?;
    let positions = columns.positions(table.header())?;
    Ok((table, positions))
}

/// Reads the transactions of the file at `path`.
///
/// # Errors
/// `Open`, `NoColumn`, `BadShare`; `NoRows`, `TooMany`, and `TooManyBad` if more than the allowed share
/// of rows cannot be used.
pub fn read_transactions(path: &Path, options: &CsvOptions) -> Result<Loaded, CsvError> {
    if !(0.0..=1.0).contains(&options.max_bad_share) {
        return Err(CsvError::BadShare { share: options.max_bad_share });
    }
    let columns = options.columns.all();
    let (mut table, positions) = open(path, &options.columns)?;
    let mut counts = RowCounts { header: !options.columns.are_numbers(), ..RowCounts::default() };
    let mut may_be_header = !counts.header;
    let mut ordinals: HashMap<Box<str>, u32> = HashMap::new();
    let (mut customers, mut days, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(row) = table.next_row() {
        let may_be = std::mem::take(&mut may_be_header);
        if counts.rows == MAX_ROWS {
            return Err(CsvError::TooMany { what: "rows", limit: MAX_ROWS });
        }
        let row = match row {
            Ok(row) => row,
            Err(RowError { line, kind, .. }) => {
                counts.rows += 1;
                counts.reject(line, None, kind.to_string());
                continue;
            }
        };
        if may_be && looks_like_header(&row, positions) {
            counts.header = true;
            continue;
        }
        counts.rows += 1;
        let (name, day, amount) = match parse_row(&row, positions) {
            Ok(parsed) => parsed,
            Err((index, reason)) => {
                counts.reject(row.line(), Some(columns[index].to_owned()), reason);
                continue;
            }
        };
        if amount < 0.0 {
            match options.returns {
                Returns::PassOver => counts.returns += 1,
                Returns::Refuse => {
                    let reason = format!("{amount} is negative");
                    counts.reject(row.line(), Some(columns[2].to_owned()), reason);
                }
            }
            continue;
        }
        let ordinal = if let Some(known) = ordinals.get(name) {
            *known
        } else {
            let next = ordinals.len() as u32;
            if next >= MAX_CUSTOMERS {
                let limit = u64::from(MAX_CUSTOMERS);
                return Err(CsvError::TooMany { what: "customers", limit });
            }
            ordinals.insert(name.into(), next);
            next
        };
        counts.used += 1;
        customers.push(ordinal);
        days.push(day);
        amounts.push(amount);
    }
    counts.judge(options.max_bad_share)?;
    let mut names = vec![Box::<str>::default(); ordinals.len()];
    for (name, ordinal) in ordinals {
        names[ordinal as usize] = name;
    }
    Ok(Loaded { customer: customers, day: days, amount: amounts, names, counts })
}

fn looks_like_header(row: &Row<'_>, positions: [usize; 3]) -> bool {
    let cell = |index: usize| row.get(positions[index]).unwrap_or_default();
    parse_day(cell(1)).is_err() && parse_amount(cell(2)).is_err()
}

impl RowCounts {
    fn reject(&mut self, line: u64, column: Option<String>, reason: String) {
        self.bad += 1;
        if self.first_bad.len() < NAMED_ROWS {
            self.first_bad.push(BadRow { line, column, reason });
        }
    }

    fn judge(&self, share: f64) -> Result<(), CsvError> {
        if self.bad as f64 > share * self.rows as f64 {
            let first: Vec<String> =
                self.first_bad.iter().take(3).map(ToString::to_string).collect();
            return Err(CsvError::TooManyBad {
                bad: self.bad,
                rows: self.rows,
                percent: share * 100.0,
                first: first.join("; "),
            });
        }
        match (self.used, self.returns) {
            (0, 0) => Err(CsvError::NoRows),
            (0, returns) => Err(CsvError::ReturnsOnly { returns }),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

impl Loaded {
    /// The window that ends with the file's last day, or with `calibration_end` where that is later.
    #[must_use]
    pub fn window(&self, calibration_end: Option<NaiveDate>) -> Window {
        let last = self.day.iter().max().copied().unwrap_or_default();
        let calibration_end = calibration_end.map_or(last, day_of);
        Window { calibration_end, observation_end: last.max(calibration_end) }
    }

    /// The transactions.
    #[must_use]
    pub fn transactions(&self) -> Transactions<'_> {
        Transactions { customer: &self.customer, day: &self.day, amount: &self.amount }
    }
}

/// Reads the file at `path` and fits all models to it.
///
/// # Errors
/// As [`read_transactions`], [`summarise`] and [`report`].
pub fn report_of_file(path: &Path, options: &CsvOptions) -> Result<CsvReport, CsvError> {
    let loaded = read_transactions(path, options)?;
    let window = loaded.window(options.calibration_end);
    let summary = summarise(loaded.transactions(), window)?;
    let mut clv = report(&summary, options.unit)?;
    let last = loaded.day.iter().max().copied().unwrap_or_default();
    if last < window.calibration_end {
        clv.warnings.push(format!(
            "the last transaction is of {}, before the end of the calibration; days without any purchase count as days on which nobody bought",
            iso_day(last)
        ));
    }
    if loaded.counts.returns > 0 {
        clv.warnings.push(format!(
            "{} rows with negative amounts were passed over as returns",
            loaded.counts.returns
        ));
    }
    if loaded.counts.bad > 0 {
        clv.warnings.push(format!("{} rows could not be used", loaded.counts.bad));
    }
    Ok(CsvReport { clv, input: loaded.counts })
}

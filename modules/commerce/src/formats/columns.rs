//! The cells of one row by their meaning, cleaned and parsed.

use kernel::{Currency, Timestamp, Zone};
use tabular::Row;

use super::amount::{Decimal, Rounding, not_negative};
use super::clean::{clean, is_scientific, open_text};
use super::field::{Field, Slots};
use super::reason::{Fault, Reason};
use super::when;

/// What is wrong with one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The column's name, where one column is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: Box<Reason>,
}

impl Problem {
    pub fn row(fault: Fault) -> Self {
        Self { column: None, reason: Box::new(Reason::row(fault)) }
    }
}

/// How the cells of a file are to be read.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub slots: Slots,
    /// All column names, trimmed.
    pub header: Vec<String>,
    /// Columns without a meaning, kept as extra text.
    pub extras: Vec<usize>,
    pub zone: Zone,
    pub currency: Currency,
    pub decimal_comma: bool,
    pub date_formats: Vec<String>,
    /// Texts that mean "nothing" in this file.
    pub empty: Vec<String>,
    /// Columns of whole numbers that were saved as `17850.0`.
    pub whole_numbers: Vec<usize>,
    /// Amounts are taken without their sign.
    pub unsigned: bool,
    /// Fields that are the same for every row of the file.
    pub constants: Vec<(Field, String)>,
}

const SHOWN_CHARS: usize = 60;
/// A longer text is no number of an order or a line.
const ID_BYTES: usize = 128;

/// What is shown of a cell.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The reason that blames a cell under `name`.
pub(super) fn in_column(name: String, fault: Fault) -> Box<Reason> {
    Box::new(Reason { column: Some(name), ..Reason::row(fault) })
}

impl Columns {
    /// A cell's text by column, cleaned.
    pub fn cell<'a>(&self, row: &Row<'a>, column: usize) -> Option<&'a str> {
        let mut text = clean(row.get(column)?)?;
        if self.whole_numbers.contains(&column) {
            text = text.strip_suffix(".0").unwrap_or(text);
        }
        if self.empty.iter().any(|empty| empty == text) { None } else { Some(text) }
    }

    /// A field's text, cleaned.
    pub fn text<'a>(&'a self, row: &Row<'a>, field: Field) -> Option<&'a str> {
        if let Some(column) = self.slots.get(field) {
            return self.cell(row, column);
        }
        if self.constants.is_empty() {
            return None;
        }
        self.constants.iter().find(|(of, _)| *of == field).map(|(_, text)| text.as_str())
    }

    /// A field's text as an owned text.
    pub fn owned(&self, row: &Row<'_>, field: Field) -> Option<String> {
        self.text(row, field).map(str::to_owned)
    }

    /// A field's text unless it is masked or ciphered.
    pub fn open(&self, row: &Row<'_>, field: Field) -> Option<String> {
        self.text(row, field).and_then(open_text).map(str::to_owned)
    }

    /// Blames the cell of `field`, which holds `text`.
    pub fn problem(
        &self,
        field: Field,
        text: &str,
        fault: impl FnOnce(String) -> Fault,
    ) -> Problem {
        let column = self.slots.get(field).and_then(|column| self.header.get(column)).cloned();
        let name = column.clone().unwrap_or_else(|| field.name().to_owned());
        Problem { column, reason: in_column(name, fault(shown(text))) }
    }

    /// An id. One in scientific notation is refused: its end is lost.
    pub fn id(&self, row: &Row<'_>, field: Field) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(row, field) else { return Ok(None) };
        if is_scientific(text) {
            return Err(self.problem(field, text, |cell| Fault::NumberShortened { cell }));
        }
        if text.len() > ID_BYTES {
            let too_long = |cell| Fault::NumberTooLong { cell, limit: ID_BYTES };
            return Err(self.problem(field, text, too_long));
        }
        // A stray quotation mark before it makes one cell of several rows.
        if text.chars().any(|c| matches!(c, '"' | ',') || c.is_control()) {
            return Err(self.problem(field, text, |cell| Fault::NumberMalformed { cell }));
        }
        Ok(Some(text.to_owned()))
    }

    /// A number as written.
    pub fn decimal(&self, row: &Row<'_>, field: Field) -> Result<Option<Decimal>, Problem> {
        let Some(text) = self.text(row, field) else { return Ok(None) };
        Decimal::parse(text, self.decimal_comma)
            .map(|number| Some(if self.unsigned { number.abs() } else { number }))
            .map_err(|error| self.problem(field, text, |cell| error.of_cell(cell, self.currency)))
    }

    /// An amount in minor units, not negative.
    pub fn amount(
        &self,
        row: &Row<'_>,
        field: Field,
        rounding: Rounding,
    ) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(row, field) else { return Ok(None) };
        if matches!(text, "0.00" | "0") {
            return Ok(Some(0));
        }
        Decimal::parse(text, self.decimal_comma)
            .map(|number| if self.unsigned { number.abs() } else { number })
            .and_then(|number| number.minor(self.currency, rounding))
            .and_then(not_negative)
            .map(Some)
            .map_err(|error| self.problem(field, text, |cell| error.of_cell(cell, self.currency)))
    }

    /// An amount, or `None` where the cell holds words instead (无退款申请).
    pub fn amount_or_words(&self, row: &Row<'_>, field: Field) -> Result<Option<i64>, Problem> {
        match self.text(row, field) {
            Some(text) if !text.bytes().any(|byte| byte.is_ascii_digit()) => Ok(None),
            _ => self.amount(row, field, Rounding::Exact),
        }
    }

    /// A moment.
    pub fn moment(&self, row: &Row<'_>, field: Field) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.text(row, field) else { return Ok(None) };
        when::parse(text, self.zone, &self.date_formats)
            .map_err(|error| self.problem(field, text, |cell| error.of_cell(cell)))
    }

    /// The extra columns that say something: defaults of the platforms are left out.
    pub fn extra(&self, row: &Row<'_>) -> Vec<(String, String)> {
        let mut extra = Vec::new();
        for column in &self.extras {
            let Some(text) = self.cell(row, *column) else { continue };
            if matches!(text, "0" | "0.00" | "0元" | "0.00元" | "否" | "-") {
                continue;
            }
            extra.push((self.header[*column].clone(), text.to_owned()));
        }
        extra
    }
}

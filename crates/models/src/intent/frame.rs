//! Typed columns of equal length: what a model learns from and scores.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::error::{IntentError, shown};

/// The code of a missing value in a categorical column.
pub const MISSING: u32 = u32::MAX;

/// Beyond this a number cannot be squared and summed any more; it counts as not finite.
pub(crate) const LARGEST: f64 = 1e100;

/// How much of a table is ever held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Columns times rows.
    pub cells: usize,
    /// Bytes read from a file.
    pub bytes: u64,
    /// Bytes of a column's name.
    pub name_bytes: usize,
    /// Different texts of a column of a file; beyond, it can only be a column of numbers or dates.
    pub distinct: usize,
    /// Bytes of these texts together, for each column.
    pub distinct_bytes: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            columns: 2_000,
            rows: 2_000_000,
            cells: 40_000_000,
            bytes: 1 << 30,
            name_bytes: 256,
            distinct: 100_000,
            distinct_bytes: 8 << 20,
        }
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers.
    Numeric,
    /// One of several texts.
    Categorical,
    /// Yes or no.
    Boolean,
    /// Days.
    Date,
    /// Texts, too many different ones to be held.
    Text,
}

impl Kind {
    /// In words of a message.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Numeric => "numbers",
            Self::Categorical => "categories",
            Self::Boolean => "yes or no",
            Self::Date => "dates",
            Self::Text => "free text",
        }
    }
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Numbers; not a number is missing.
    Numeric(Vec<f64>),
    /// Codes into `labels`; [`MISSING`] is missing.
    Categorical {
        /// One for each row.
        codes: Vec<u32>,
        /// What the codes mean.
        labels: Vec<String>,
    },
    /// Yes or no, and how both are written.
    Boolean {
        /// One for each row; `None` is missing.
        values: Vec<Option<bool>>,
        /// How no and yes are written.
        labels: [String; 2],
    },
    /// Days since 1970-01-01, with fractions for times; not a number is missing.
    Date(Vec<f64>),
    /// A column of a file with more different texts than are held; only the number of values is known.
    Text {
        /// Rows.
        rows: usize,
        /// Rows with a value.
        present: usize,
        /// Different texts seen before it was given up.
        distinct: usize,
    },
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, unique in its frame.
    pub name: String,
    /// Its values.
    pub data: ColumnData,
    /// Values that were infinite, too large or written as no number; they count as missing.
    pub not_finite: usize,
}

/// Columns of equal length with different names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    columns: Vec<Column>,
    rows: usize,
}

impl Column {
    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.data {
            ColumnData::Numeric(_) => Kind::Numeric,
            ColumnData::Categorical { .. } => Kind::Categorical,
            ColumnData::Boolean { .. } => Kind::Boolean,
            ColumnData::Date(_) => Kind::Date,
            ColumnData::Text { .. } => Kind::Text,
        }
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.data {
            ColumnData::Numeric(values) | ColumnData::Date(values) => values.len(),
            ColumnData::Categorical { codes, .. } => codes.len(),
            ColumnData::Boolean { values, .. } => values.len(),
            ColumnData::Text { rows, .. } => *rows,
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `row` as a number: days for dates, 1 and 0 for yes and no. Not a number if missing,
    /// beyond the end, or of another kind.
    #[must_use]
    pub fn number(&self, row: usize) -> f64 {
        match &self.data {
            ColumnData::Numeric(values) | ColumnData::Date(values) => {
                values.get(row).copied().unwrap_or(f64::NAN)
            }
            ColumnData::Boolean { values, .. } => match values.get(row) {
                Some(Some(value)) => f64::from(u8::from(*value)),
                _ => f64::NAN,
            },
            ColumnData::Categorical { .. } | ColumnData::Text { .. } => f64::NAN,
        }
    }

    /// The value at `row` as it is written; `None` if missing.
    #[must_use]
    pub fn label(&self, row: usize) -> Option<Cow<'_, str>> {
        match &self.data {
            ColumnData::Numeric(values) => {
                let value = *values.get(row)?;
                (!value.is_nan()).then(|| Cow::Owned(value.to_string()))
            }
            ColumnData::Date(values) => date_label(*values.get(row)?).map(Cow::Owned),
            ColumnData::Categorical { codes, labels } => {
                labels.get(*codes.get(row)? as usize).map(|label| Cow::Borrowed(label.as_str()))
            }
            ColumnData::Boolean { values, labels } => {
                Some(Cow::Borrowed(labels[usize::from((*values.get(row)?)?)].as_str()))
            }
            ColumnData::Text { .. } => None,
        }
    }

    /// Whether the value at `row` is missing.
    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.data {
            ColumnData::Numeric(values) | ColumnData::Date(values) => {
                values.get(row).is_none_or(|value| value.is_nan())
            }
            ColumnData::Categorical { codes, .. } => {
                codes.get(row).is_none_or(|&code| code == MISSING)
            }
            ColumnData::Boolean { values, .. } => values.get(row).is_none_or(Option::is_none),
            ColumnData::Text { .. } => true,
        }
    }

    /// Rows without a value.
    #[must_use]
    pub fn missing(&self) -> usize {
        if let ColumnData::Text { rows, present, .. } = self.data {
            return rows - present;
        }
        (0..self.len()).filter(|&row| self.is_missing(row)).count()
    }
}

/// `2011-05-01`, with the time of day if there is one.
fn date_label(days: f64) -> Option<String> {
    if days.is_nan() {
        return None;
    }
    let moment = chrono::DateTime::from_timestamp((days * 86_400.0).round() as i64, 0);
    Some(match moment {
        Some(moment) if days.fract() == 0.0 => moment.format("%Y-%m-%d").to_string(),
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => days.to_string(),
    })
}

impl Frame {
    /// A frame of `rows` rows and no columns yet.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self { columns: Vec::new(), rows }
    }

    /// Adds a column. Infinite and unreasonably large numbers become missing and are counted.
    ///
    /// # Errors
    /// If its length is not that of the frame, its name is taken or too long, a code has no label, or a
    /// limit of [`FrameLimits`] is exceeded.
    pub fn push(&mut self, name: impl Into<String>, data: ColumnData) -> Result<(), IntentError> {
        self.push_counted(name.into(), data, 0, &FrameLimits::default())
    }

    pub(crate) fn push_counted(
        &mut self,
        name: String,
        mut data: ColumnData,
        mut not_finite: usize,
        limits: &FrameLimits,
    ) -> Result<(), IntentError> {
        let place = self.columns.len() + 1;
        check_size(place, self.rows, limits)?;
        if name.len() > limits.name_bytes {
            return Err(IntentError::LongName { place, limit: limits.name_bytes });
        }
        if let Some(first) = self.position(&name) {
            let name = shown(&name);
            return Err(IntentError::DuplicateColumn { name, first: first + 1, second: place });
        }
        match &mut data {
            ColumnData::Numeric(values) | ColumnData::Date(values) => {
                for value in values {
                    if value.abs() > LARGEST {
                        *value = f64::NAN;
                        not_finite += 1;
                    }
                }
            }
            ColumnData::Categorical { codes, labels } => {
                let beyond = |&code: &u32| code != MISSING && code as usize >= labels.len();
                if let Some(row) = codes.iter().position(beyond) {
                    let column = shown(&name);
                    return Err(IntentError::Code { column, row: row + 1, code: codes[row] });
                }
            }
            ColumnData::Boolean { .. } | ColumnData::Text { .. } => {}
        }
        let column = Column { name, data, not_finite };
        if column.len() != self.rows {
            return Err(IntentError::Length {
                column: shown(&column.name),
                found: column.len(),
                expected: self.rows,
            });
        }
        self.columns.push(column);
        Ok(())
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.position(name).map(|index| &self.columns[index])
    }

    /// Place of the column of that name, from 0.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Place of a column that someone named.
    pub(crate) fn named(&self, name: &str, role: &'static str) -> Result<usize, IntentError> {
        self.position(name).ok_or_else(|| IntentError::NoColumn {
            column: shown(name),
            role,
            suggestion: super::error::suggestion(
                name,
                self.columns.iter().map(|column| column.name.as_str()),
            ),
        })
    }
}

/// Whether that many columns and rows may be held.
pub(crate) fn check_size(
    columns: usize,
    rows: usize,
    limits: &FrameLimits,
) -> Result<(), IntentError> {
    let too_large = |what, limit: usize, remedy| {
        Err(IntentError::TooLarge { what, limit: limit as u64, remedy })
    };
    if columns > limits.columns {
        return too_large("columns", limits.columns, "leave out those that say nothing");
    }
    if rows > limits.rows {
        return too_large("rows", limits.rows, "take a sample; it teaches as much");
    }
    if columns.saturating_mul(rows) > limits.cells {
        return too_large("cells", limits.cells, "take fewer columns or a sample of the rows");
    }
    Ok(())
}

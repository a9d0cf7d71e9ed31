//! Why rows are not imported: a code with arguments, and its text.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tabular::{RowError, RowErrorKind};

use super::format::Format;
use super::words::Language;
use crate::order::Undated;

/// Why a row, or an order, is not imported. `Display` gives the English text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RejectReason)]
pub struct Reason {
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// The column (or the field, where the file has no column for it) whose cell is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Further lines that were lost with a broken row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_lost: Option<u64>,
    /// Other rows that are kept back because of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<KeptBack>,
}

/// The rows of an order of which one is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptBack {
    /// Line of the wrong row.
    pub line: u64,
    /// All rows of the order.
    pub rows: usize,
    /// Its number.
    pub order_no: String,
}

/// What is wrong. Stored and served by code, so a code is never renamed; its texts are in `words/`.
///
/// `cell` is what the cell holds, cut after 60 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[schema(as = RejectFault)]
#[allow(missing_docs, reason = "the text of each code says it")]
pub enum Fault {
    NotANumber {
        cell: String,
    },
    TooPrecise {
        cell: String,
        currency: String,
    },
    Negative {
        cell: String,
    },
    TooLarge {
        cell: String,
    },
    NotWhole {
        cell: String,
    },
    NotADate {
        cell: String,
    },
    ImpossibleDate {
        cell: String,
    },
    DateOutOfRange {
        cell: String,
    },
    UnknownState {
        cell: String,
        format: Format,
    },
    StateNotMapped {
        cell: String,
    },
    NumberShortened {
        cell: String,
    },
    NumberTooLong {
        cell: String,
        limit: usize,
    },
    /// Quotation marks, commas, line ends or control characters in a number: its row is broken.
    NumberMalformed {
        cell: String,
    },
    NoState,
    NoDate,
    /// `product` is the columns with `×` between them.
    ProductTooPrecise {
        product: String,
        currency: String,
    },
    ProductNegative {
        product: String,
    },
    ProductTooLarge {
        product: String,
    },
    NoOrderNumber,
    TooManyCells {
        cells: usize,
        columns: usize,
    },
    TooFewCells {
        cells: usize,
        columns: usize,
    },
    CutOff {
        cells: usize,
        columns: usize,
    },
    StrayQuote {
        cells: usize,
        columns: usize,
    },
    SumTooLarge,
    /// The order is not known yet, and nothing says when it was placed.
    Undated,
    /// `number` is the cell's, from 1.
    CellTooLong {
        number: usize,
        limit: usize,
    },
    RowTooLong {
        limit: usize,
    },
    TooManyColumns {
        limit: usize,
    },
    UnclosedQuote {
        number: usize,
    },
    Undecodable {
        encoding: String,
    },
    ReadFailed {
        message: String,
    },
    WorkbookDamaged {
        message: String,
    },
    TooManyBroken {
        limit: u32,
    },
    /// A rule of the mapping passes the row over; `of` names its column as the mapping does.
    SkippedStartsWith {
        of: String,
        cell: String,
    },
    SkippedEquals {
        of: String,
        cell: String,
    },
    SkippedEmpty {
        of: String,
    },
    SkippedNotEmpty {
        of: String,
    },
    SkippedAtMost {
        of: String,
        limit: i64,
    },
    Cancelled,
    /// In the words of the mapping, or of a release that had no codes.
    Words {
        text: String,
    },
}

impl Reason {
    /// A fault that is not of one cell.
    #[must_use]
    pub const fn row(fault: Fault) -> Self {
        Self { fault, column: None, lines_lost: None, kept_back: None }
    }

    /// The text in `language`.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let words = language.words();
        let mut text = language.tell(&words.reason, &self.fault);
        if let Some(column) = &self.column {
            let arguments = [("column", column.as_str()), ("text", text.as_str())];
            let arguments = arguments.map(|(name, value)| (name.to_owned(), value.into()));
            text = language.fill(&words.about.in_column, &Map::from_iter(arguments));
        }
        if let Some(lines) = self.lines_lost {
            let arguments = Map::from_iter([("lines".to_owned(), lines.into())]);
            text.push_str(&language.fill(&words.about.lines_lost, &arguments));
        }
        if let Some(Ok(Value::Object(arguments))) =
            self.kept_back.as_ref().map(serde_json::to_value)
        {
            text.push_str(&language.fill(&words.about.kept_back, &arguments));
        }
        text
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl From<Undated> for Reason {
    fn from(_: Undated) -> Self {
        Self::row(Fault::Undated)
    }
}

impl From<&RowError> for Reason {
    fn from(error: &RowError) -> Self {
        let lines_lost = (error.lines_lost > 0).then_some(error.lines_lost);
        Self { lines_lost, ..Self::row(Fault::from(&error.kind)) }
    }
}

impl From<&RowErrorKind> for Fault {
    fn from(kind: &RowErrorKind) -> Self {
        match kind.clone() {
            RowErrorKind::CellTooLong { column, limit } => {
                Self::CellTooLong { number: column, limit }
            }
            RowErrorKind::RowTooLong { limit } => Self::RowTooLong { limit },
            RowErrorKind::TooManyColumns { limit } => Self::TooManyColumns { limit },
            RowErrorKind::Unclosed { column } => Self::UnclosedQuote { number: column },
            RowErrorKind::Undecodable { encoding } => Self::Undecodable { encoding },
            RowErrorKind::Io { message } => Self::ReadFailed { message },
            RowErrorKind::Damaged { message } => Self::WorkbookDamaged { message },
            RowErrorKind::TooManyBroken { limit } => Self::TooManyBroken { limit },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_column(fault: Fault) -> Reason {
        Reason { column: Some("总金额".to_owned()), ..Reason::row(fault) }
    }

    #[test]
    fn a_reason_is_told_in_both_languages_and_comes_back_from_json() {
        let reason = Reason {
            kept_back: Some(KeptBack { line: 3, rows: 2, order_no: "77".to_owned() }),
            ..in_column(Fault::NotANumber { cell: "12a".to_owned() })
        };
        assert_eq!(
            reason.to_string(),
            "总金额: `12a` is not a number (line 3; all 2 rows of order 77 are kept back with it)"
        );
        assert_eq!(
            reason.text(Language::Chinese),
            "总金额：“12a”不是数字（错在第 3 行；订单 77 的 2 行都没有写入）"
        );
        let json = serde_json::to_value(&reason).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"code": "not_a_number", "cell": "12a", "column": "总金额",
                "kept_back": {"line": 3, "rows": 2, "order_no": "77"}})
        );
        assert_eq!(serde_json::from_value::<Reason>(json).unwrap(), reason);
        let bare = Reason::row(Fault::NoOrderNumber);
        assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"code":"no_order_number"}"#);
        assert_eq!(bare.to_string(), "the order number is missing");
    }

    #[test]
    fn names_of_formats_are_told_in_the_language() {
        let fault = Fault::UnknownState { cell: "在路上".to_owned(), format: Format::Pdd };
        assert_eq!(
            in_column(fault.clone()).text(Language::Chinese),
            "总金额：“在路上”不是拼多多订单里已知的订单状态"
        );
        assert_eq!(
            Reason::row(fault).to_string(),
            "`在路上` is not an order state known in this format (Pinduoduo orders)"
        );
    }

    #[test]
    fn broken_rows_are_told_as_their_reader_tells_them() {
        let message = || "x".to_owned();
        for kind in [
            RowErrorKind::CellTooLong { column: 2, limit: 9 },
            RowErrorKind::RowTooLong { limit: 9 },
            RowErrorKind::TooManyColumns { limit: 9 },
            RowErrorKind::Unclosed { column: 2 },
            RowErrorKind::Undecodable { encoding: message() },
            RowErrorKind::Io { message: message() },
            RowErrorKind::Damaged { message: message() },
            RowErrorKind::TooManyBroken { limit: 9 },
        ] {
            assert_eq!(Reason::row(Fault::from(&kind)).to_string(), kind.to_string());
            let error = RowError { line: 4, kind, raw: String::new(), lines_lost: 3 };
            assert_eq!(format!("line 4: {}", Reason::from(&error)), error.to_string());
        }
        assert_eq!(Reason::from(Undated).to_string(), Undated.to_string());
    }
}

//! A mapping: what the columns of some file mean, written by a person in TOML.

use std::collections::BTreeMap;

use kernel::{Currency, Zone};
use serde::Deserialize;
use tabular::Delimiter;

use super::error::MappingError;
use super::field::Field;
use super::states;

/// A column, by its name in the header or by its number from 1.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a column: its name, or its number from 1")]
pub(super) enum ColumnRef {
    Number(u16),
    Name(String),
}

impl std::fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

/// A condition on one cell; exactly one of the tests is given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    pub column: ColumnRef,
    pub starts_with: Option<String>,
    pub equals: Option<String>,
    pub empty: Option<bool>,
    pub at_most: Option<i64>,
    pub reason: Option<String>,
}

/// What becomes of cancelled rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CancelledAs {
    /// They are passed over.
    Skip,
    /// Each is a closed order of its own that refunds its amount.
    Refund,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancellation {
    pub column: ColumnRef,
    pub starts_with: Option<String>,
    pub equals: Option<String>,
    #[serde(rename = "as")]
    pub cancelled_as: CancelledAs,
}

fn yes() -> bool {
    true
}

/// What the columns of a file mean. See examples/mappings for what can be written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default = "yes")]
    pub(super) has_header: bool,
    pub(super) delimiter: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) sheet: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) utc_offset: Option<String>,
    #[serde(default)]
    pub(super) date_formats: Vec<String>,
    #[serde(default)]
    pub(super) decimal_comma: bool,
    #[serde(default)]
    pub(super) empty: Vec<String>,
    /// Columns of whole numbers that were saved as `17850.0`.
    #[serde(default)]
    pub(super) whole_numbers: Vec<ColumnRef>,
    pub(super) default_state: Option<String>,
    #[serde(default)]
    pub(super) each_row_is_an_order: bool,
    /// Columns from which order numbers are made where each row is an order.
    #[serde(default)]
    pub(super) order_key: Vec<ColumnRef>,
    #[serde(default)]
    pub(super) columns: BTreeMap<String, ColumnRef>,
    #[serde(default)]
    pub(super) constants: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) products: BTreeMap<String, Vec<ColumnRef>>,
    #[serde(default)]
    pub(super) states: BTreeMap<String, String>,
    pub(super) cancellation: Option<Cancellation>,
    #[serde(default)]
    pub(super) skip: Vec<When>,
}

fn wrong(message: impl Into<String>) -> MappingError {
    MappingError(message.into())
}

/// Seconds east of UTC of `+08:00`.
fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..60).contains(&minutes) && (0..=18).contains(&hours))
        .then_some(sign * (hours * 3600 + minutes * 60))
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// Says which line or key is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        if text.len() > 64 << 10 {
            return Err(wrong("the mapping is longer than 64 KiB"));
        }
        let mapping: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        mapping.check()?;
        Ok(mapping)
    }

    fn check(&self) -> Result<(), MappingError> {
        self.delimiter()?;
        self.currency()?;
        self.zone()?;
        let mut fields = Vec::new();
        for key in self.columns.keys().chain(self.constants.keys()).chain(self.products.keys()) {
            let field: Field = key.parse().map_err(wrong)?;
            if fields.contains(&field) {
                return Err(wrong(format!("`{field}` is given twice")));
            }
            fields.push(field);
        }
        for (key, columns) in &self.products {
            let field: Field = key.parse().map_err(wrong)?;
            if !field.is_amount() {
                return Err(wrong(format!("products: `{field}` is not an amount")));
            }
            if !(2..=4).contains(&columns.len()) {
                return Err(wrong(format!("products: `{field}` needs two to four columns")));
            }
        }
        for (word, state) in &self.states {
            if states::canonical(state).is_none() {
                return Err(wrong(format!("states: `{word}` = `{state}`; {STATES}")));
            }
        }
        if let Some(state) = &self.default_state
            && states::canonical(state).is_none()
        {
            return Err(wrong(format!("default_state: `{state}`; {STATES}")));
        }
        for rule in &self.skip {
            let tests = [
                rule.starts_with.is_some(),
                rule.equals.is_some(),
                rule.empty.is_some(),
                rule.at_most.is_some(),
            ];
            if tests.iter().filter(|given| **given).count() != 1 {
                return Err(wrong(format!(
                    "skip: the rule on column {} needs exactly one of starts_with, equals, empty, at_most",
                    rule.column
                )));
            }
        }
        if let Some(rule) = &self.cancellation
            && rule.starts_with.is_some() == rule.equals.is_some()
        {
            return Err(wrong("cancellation: give either starts_with or equals"));
        }
        let has_number = fields.contains(&Field::OrderNo);
        if self.each_row_is_an_order {
            if has_number != self.order_key.is_empty() {
                return Err(wrong(
                    "each_row_is_an_order: give either columns.order_no or order_key, the columns from \
                     which order numbers are made",
                ));
            }
        } else if !has_number {
            return Err(wrong(
                "columns.order_no is missing; without order numbers, set each_row_is_an_order = true",
            ));
        } else if !self.order_key.is_empty() {
            return Err(wrong("order_key is only for each_row_is_an_order = true"));
        }
        if !fields.contains(&Field::OrderedAt) {
            return Err(wrong("columns.ordered_at is missing; an order needs a date"));
        }
        Ok(())
    }

    pub(super) fn delimiter(&self) -> Result<Option<Delimiter>, MappingError> {
        self.delimiter.as_deref().map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// The currency of the amounts, where the mapping names one.
    ///
    /// # Errors
    /// If it is not an ISO 4217 code; never for a mapping made by [`Mapping::parse`].
    pub fn currency(&self) -> Result<Option<Currency>, MappingError> {
        let Some(code) = &self.currency else { return Ok(None) };
        let currency =
            code.parse().map_err(|error| wrong(format!("currency: `{code}` is {error}")))?;
        Ok(Some(currency))
    }

    /// The zone of the file's clocks, where the mapping names one.
    ///
    /// # Errors
    /// If it is not an offset; never for a mapping made by [`Mapping::parse`].
    pub fn zone(&self) -> Result<Option<Zone>, MappingError> {
        let Some(text) = &self.utc_offset else { return Ok(None) };
        let zone = offset_seconds(text).and_then(Zone::from_offset_seconds);
        zone.map(Some)
            .ok_or_else(|| wrong(format!("utc_offset: `{text}` is not an offset such as `+08:00`")))
    }
}

const STATES: &str = "the states are unpaid, paid, partly_shipped, shipped, completed, closed";

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[columns]\norder_no = \"No\"\nordered_at = 2\n";

    fn message(text: &str) -> String {
        Mapping::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_small_mapping_is_enough() {
        let mapping = Mapping::parse(GOOD).unwrap();
        assert_eq!(mapping.columns["ordered_at"], ColumnRef::Number(2));
        assert!(mapping.has_header);
    }

    #[test]
    fn every_mistake_is_named() {
        assert!(message("[columns]\norder = 1").contains("`order` is not a field"));
        assert!(message("nonsense = 1").contains("nonsense"));
        assert!(message("[columns]\norder_no = 1").contains("ordered_at is missing"));
        assert!(message("[columns]\nordered_at = 1").contains("order_no is missing"));
        assert!(message(&format!("currency = \"XXY\"\n{GOOD}")).contains("XXY"));
        assert!(message(&format!("utc_offset = \"8\"\n{GOOD}")).contains("+08:00"));
        assert!(message(&format!("default_state = \"done\"\n{GOOD}")).contains("completed"));
        assert!(message(&format!("delimiter = \"dot\"\n{GOOD}")).contains("comma, tab"));
        assert!(message(&format!("{GOOD}[products]\ntitle = [1, 2]")).contains("not an amount"));
        assert!(message(&format!("{GOOD}[[skip]]\ncolumn = 1")).contains("exactly one"));
        assert!(message("[columns]\norder_no = true\nordered_at = 1").contains("number from 1"));
        assert!(
            message(&format!("each_row_is_an_order = true\norder_key = [1]\n{GOOD}"))
                .contains("either")
        );
    }

    #[test]
    fn offsets() {
        assert_eq!(offset_seconds("+08:00"), Some(28_800));
        assert_eq!(offset_seconds("-03:30"), Some(-12_600));
        assert_eq!(offset_seconds("Z"), None);
    }
}

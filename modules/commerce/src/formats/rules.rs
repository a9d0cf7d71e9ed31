//! A mapping fitted to the header of one file.

use kernel::{Currency, Zone};
use tabular::Row;

use super::amount::{AmountError, Decimal, Rounding, not_negative};
use super::columns::{Columns, Problem, in_column, shown};
use super::detect::column_key;
use super::error::MappingError;
use super::field::{Field, Slots};
use super::format::Format;
use super::interpret::{Reading, base_line, base_record};
use super::mapping::{CancelledAs, ColumnRef, Mapping};
use super::numbering;
use super::reason::{Fault, Reason};
use super::rejects::REJECT_COLUMNS;
use super::states;
use crate::record::{LineRecord, OrderRecord};
use crate::state::OrderState;

enum Test {
    StartsWith(String),
    Equals(String),
    Empty(bool),
    AtMost(i64),
}

struct Condition {
    column: usize,
    test: Test,
    fault: Fault,
}

/// What a mapping asks for beyond naming columns.
pub(super) struct Rules {
    skip: Vec<Condition>,
    cancellation: Option<(Condition, CancelledAs)>,
    products: Vec<(Field, Vec<usize>)>,
    states: Vec<(String, OrderState)>,
    default_state: OrderState,
    /// Columns of the key from which order numbers are made.
    key: Vec<usize>,
    has_lines: bool,
    /// One row, one order, whatever the next row says.
    pub each_row: bool,
}

fn find(header: &[String], column: &ColumnRef) -> Result<usize, MappingError> {
    let found = match column {
        // Numbers count the file's own columns, also in a file of its rejects.
        ColumnRef::Number(number) => usize::from(*number).checked_sub(1).and_then(|index| {
            let own = |name: &String| !REJECT_COLUMNS.contains(&name.as_str());
            (0..header.len()).filter(|column| own(&header[*column])).nth(index)
        }),
        ColumnRef::Name(name) => {
            let key = column_key(name);
            header.iter().position(|name| column_key(name) == key)
        }
    };
    found.ok_or_else(|| {
        MappingError(format!("there is no column {column}; the columns are {}", header.join(", ")))
    })
}

/// Fits `mapping` to `header`.
pub(super) fn fit(
    mapping: &Mapping,
    header: &[String],
    zone: Zone,
    currency: Currency,
) -> Result<(Columns, Rules), MappingError> {
    let mut slots = Slots::empty();
    for (name, column) in &mapping.columns {
        slots.offer(name.parse().map_err(MappingError)?, find(header, column)?);
    }
    let mut constants = Vec::new();
    for (name, text) in &mapping.constants {
        constants.push((name.parse().map_err(MappingError)?, text.clone()));
    }
    let mut products = Vec::new();
    for (name, columns) in &mapping.products {
        let columns: Result<Vec<_>, _> =
            columns.iter().map(|column| find(header, column)).collect();
        products.push((name.parse().map_err(MappingError)?, columns?));
    }
    let all = |columns: &[ColumnRef]| -> Result<Vec<usize>, MappingError> {
        columns.iter().map(|column| find(header, column)).collect()
    };
    let key = all(&mapping.order_key)?;
    let mut skip = Vec::new();
    for rule in &mapping.skip {
        let of = rule.column.to_string();
        let (test, fault) = match (&rule.starts_with, &rule.equals, rule.empty, rule.at_most) {
            (Some(text), ..) => {
                let fault = Fault::SkippedStartsWith { of, cell: text.clone() };
                (Test::StartsWith(text.clone()), fault)
            }
            (_, Some(text), ..) => {
                (Test::Equals(text.clone()), Fault::SkippedEquals { of, cell: text.clone() })
            }
            (_, _, Some(true), _) => (Test::Empty(true), Fault::SkippedEmpty { of }),
            (_, _, Some(false), _) => (Test::Empty(false), Fault::SkippedNotEmpty { of }),
            (_, _, _, limit) => {
                let limit = limit.unwrap_or(0);
                (Test::AtMost(limit), Fault::SkippedAtMost { of, limit })
            }
        };
        let fault = rule.reason.clone().map_or(fault, |text| Fault::Words { text });
        skip.push(Condition { column: find(header, &rule.column)?, test, fault });
    }
    let mut cancellation = None;
    if let Some(rule) = &mapping.cancellation {
        let test = match (&rule.starts_with, &rule.equals) {
            (Some(text), _) => Test::StartsWith(text.clone()),
            (None, text) => Test::Equals(text.clone().unwrap_or_default()),
        };
        let condition =
            Condition { column: find(header, &rule.column)?, test, fault: Fault::Cancelled };
        cancellation = Some((condition, rule.cancelled_as));
    }
    let used = |column: usize| slots.field_of(column).is_some();
    let extras = (0..header.len())
        .filter(|column| !used(*column) && !REJECT_COLUMNS.contains(&header[*column].as_str()))
        // Without names there is nothing to call them by.
        .filter(|_| mapping.has_header)
        .collect();
    let has_lines =
        [Field::Title, Field::SkuCode, Field::Quantity, Field::UnitPrice, Field::LineAmount]
            .iter()
            .any(|field| slots.has(*field) || products.iter().any(|(of, _)| of == field));
    let state = |text: &str| states::canonical(text).unwrap_or(OrderState::Completed);
    let rules = Rules {
        skip,
        cancellation,
        products,
        states: mapping.states.iter().map(|(word, text)| (word.clone(), state(text))).collect(),
        default_state: mapping.default_state.as_deref().map_or(OrderState::Completed, state),
        key,
        has_lines,
        each_row: mapping.each_row_is_an_order,
    };
    let columns = Columns {
        slots,
        header: header.to_vec(),
        extras,
        zone: mapping.zone()?.unwrap_or(zone),
        currency: mapping.currency()?.unwrap_or(currency),
        decimal_comma: mapping.decimal_comma,
        date_formats: mapping.date_formats.clone(),
        empty: mapping.empty.clone(),
        unsigned: false,
        whole_numbers: all(&mapping.whole_numbers)?,
        constants,
    };
    Ok((columns, rules))
}

impl Condition {
    fn holds(&self, columns: &Columns, row: &Row<'_>) -> bool {
        let cell = columns.cell(row, self.column);
        match &self.test {
            Test::StartsWith(text) => cell.is_some_and(|cell| cell.starts_with(text.as_str())),
            Test::Equals(text) => cell == Some(text),
            Test::Empty(empty) => cell.is_none() == *empty,
            Test::AtMost(limit) => cell
                .and_then(|cell| Decimal::parse(cell, columns.decimal_comma).ok())
                .is_some_and(|number| number.at_most(*limit)),
        }
    }
}

impl Rules {
    /// Whether order numbers have to be made.
    pub fn makes_numbers(&self) -> bool {
        !self.key.is_empty()
    }

    /// The rule by which a row is passed over, if any.
    pub fn skip_reason(&self, columns: &Columns, row: &Row<'_>) -> Option<&Fault> {
        if let Some((condition, CancelledAs::Skip)) = &self.cancellation
            && condition.holds(columns, row)
        {
            return Some(&condition.fault);
        }
        let rule = self.skip.iter().find(|rule| rule.holds(columns, row))?;
        Some(&rule.fault)
    }

    /// The key of a row, from which its order number is made.
    pub fn key(&self, columns: &Columns, row: &Row<'_>) -> [u8; 10] {
        numbering::key(self.key.iter().map(|column| columns.cell(row, *column).unwrap_or_default()))
    }

    /// Reads one row. The order number stays empty where numbers have to be made.
    pub fn read(&self, columns: &Columns, row: &Row<'_>) -> Result<Reading, Problem> {
        if let Some(fault) = self.skip_reason(columns, row) {
            return Ok(Reading::Skip(Reason::row(fault.clone())));
        }
        let refund = self.cancellation.as_ref().is_some_and(|(rule, _)| rule.holds(columns, row));
        let mut record = base_record_of(columns, row, refund)?;
        if !self.makes_numbers() {
            record.external_no = columns
                .id(row, Field::OrderNo)?
                .ok_or_else(|| Problem::row(Fault::NoOrderNumber))?;
        }
        record.state = Some(match columns.text(row, Field::State) {
            None => self.default_state,
            Some(text) => self
                .states
                .iter()
                .find(|(word, _)| word == text)
                .map(|(_, state)| *state)
                .or_else(|| states::state(Format::Generic, text))
                .ok_or_else(|| {
                    columns.problem(Field::State, text, |cell| Fault::StateNotMapped { cell })
                })?,
        });
        record.refund_minor = columns.amount_or_words(row, Field::Refund)?;
        for (field, of) in &self.products {
            let minor = self.product(columns, row, of, refund)?;
            match field {
                Field::Goods => record.goods_minor = Some(minor),
                Field::Freight => record.freight_minor = Some(minor),
                Field::Total => record.total_minor = Some(minor),
                Field::Paid => record.paid_minor = Some(minor),
                Field::Refund => record.refund_minor = Some(minor),
                _ => {}
            }
        }
        if record.ordered_at.is_none() {
            return Err(columns.problem(Field::OrderedAt, "", |_| Fault::NoDate));
        }
        if self.has_lines {
            let mut line = line_of(columns, row, refund)?;
            line.refund_minor = columns.amount_or_words(row, Field::LineRefund)?;
            for (field, of) in &self.products {
                let slot = match field {
                    Field::LineAmount => &mut line.amount_minor,
                    Field::UnitPrice => &mut line.unit_price_minor,
                    Field::LineRefund => &mut line.refund_minor,
                    _ => continue,
                };
                *slot = Some(self.product(columns, row, of, refund)?);
            }
            record.lines.push(line);
        }
        if refund {
            record.state = Some(OrderState::Closed);
            record.close_reason = Some("cancelled".to_owned());
            record.paid_minor = Some(0);
        }
        Ok(Reading::Order(Box::new(record)))
    }

    /// The exact product of some columns, rounded once to the minor unit.
    fn product(
        &self,
        columns: &Columns,
        row: &Row<'_>,
        of: &[usize],
        refund: bool,
    ) -> Result<i64, Problem> {
        let mut product = Decimal::ONE;
        for column in of {
            let name = columns.header[*column].clone();
            let text = columns.cell(row, *column).unwrap_or_default();
            product = Decimal::parse(text, columns.decimal_comma)
                .and_then(|number| product.times(number))
                .map_err(|error| Problem {
                    reason: in_column(name.clone(), error.of_cell(shown(text), columns.currency)),
                    column: Some(name),
                })?;
        }
        if refund {
            product = product.abs();
        }
        product.minor(columns.currency, Rounding::HalfUp).and_then(not_negative).map_err(|error| {
            let names: Vec<_> = of.iter().map(|column| columns.header[*column].as_str()).collect();
            Problem {
                column: names.first().map(|name| (*name).to_owned()),
                reason: Box::new(Reason::row(
                    error.of_product(names.join(" × "), columns.currency),
                )),
            }
        })
    }

    /// Totals that the file does not state are the sums of the lines.
    pub fn finish(&self, record: &mut OrderRecord) {
        let cancelled = record.close_reason.as_deref() == Some("cancelled")
            && record.state == Some(OrderState::Closed);
        if self.has_lines {
            let amounts = record.lines.iter().filter_map(|line| line.amount_minor);
            let sum = amounts.fold(0_i64, i64::saturating_add);
            record.sums.goods = record.goods_minor.is_none();
            record.goods_minor = record.goods_minor.or(Some(sum));
        }
        let sums = record.sums.goods;
        if record.total_minor.is_none() && record.paid_minor.is_none_or(|_| cancelled) {
            let freight = record.freight_minor.unwrap_or(0);
            record.total_minor = record.goods_minor.map(|goods| goods.saturating_add(freight));
            record.sums.total = sums;
        }
        if cancelled {
            record.refund_minor = record.refund_minor.or(record.total_minor);
        } else if record.paid_minor.is_none() {
            let never = matches!(record.state, Some(OrderState::Unpaid | OrderState::Closed));
            record.paid_minor = record.total_minor.map(|total| if never { 0 } else { total });
            record.sums.paid = record.sums.total;
        }
        record.total_minor = record.total_minor.or(record.paid_minor);
    }
}

fn whole(number: Decimal) -> Result<i64, AmountError> {
    number.whole()
}

fn whole_abs(number: Decimal) -> Result<i64, AmountError> {
    number.abs().whole()
}

/// Cancelled rows hold negative amounts, which are refunds.
fn base_record_of(columns: &Columns, row: &Row<'_>, refund: bool) -> Result<OrderRecord, Problem> {
    if refund {
        return base_record(&Columns { unsigned: true, ..columns.clone() }, row);
    }
    base_record(columns, row)
}

fn line_of(columns: &Columns, row: &Row<'_>, refund: bool) -> Result<LineRecord, Problem> {
    if refund {
        return base_line(&Columns { unsigned: true, ..columns.clone() }, row, whole_abs);
    }
    base_line(columns, row, whole)
}

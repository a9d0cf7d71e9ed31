//! How the columns of a file are taken, and whether a row fits them.

use tabular::Row;

use super::columns::{Columns, Problem};
use super::field::{Field, Slots};
use super::format::Format;
use super::platforms;
use super::reader::ReaderContext;
use super::reason::Fault;
use super::rejects::REJECT_COLUMNS;

pub(super) fn platform_columns(
    format: Format,
    header: &[String],
    keys: &[String],
    context: &ReaderContext,
) -> Columns {
    let mut slots = Slots::empty();
    for (name, field) in platforms::columns(format) {
        if let Some(column) = keys.iter().position(|key| key == name) {
            slots.offer(*field, column);
        }
    }
    let extras = (0..header.len())
        .filter(|column| slots.field_of(*column).is_none() && !keys[*column].is_empty())
        .filter(|column| !REJECT_COLUMNS.contains(&keys[*column].as_str()))
        .collect();
    let empty =
        if format == Format::Douyin { vec!["-".to_owned(), "--".to_owned()] } else { Vec::new() };
    Columns {
        slots,
        header: header.to_vec(),
        extras,
        zone: context.zone,
        currency: context.currency,
        decimal_comma: false,
        date_formats: Vec::new(),
        empty,
        whole_numbers: Vec::new(),
        unsigned: false,
        constants: Vec::new(),
    }
}

/// Fields without which a short row means nothing.
const ESSENTIAL: &[Field] = &[
    Field::OrderNo,
    Field::Account,
    Field::State,
    Field::OrderedAt,
    Field::Total,
    Field::Paid,
    Field::Title,
    Field::Quantity,
    Field::UnitPrice,
    Field::LineAmount,
];

/// Whether the cells of a row can belong to the header's columns. A trailing comma is forgiven, and so
/// are cells missing at the end as spreadsheets drop them, unless the file was cut off there, a
/// quotation mark is out of place or something essential is among them.
pub(super) fn misshapen(columns: &Columns, row: &Row<'_>) -> Option<Problem> {
    let (width, expected) = (row.len(), columns.header.len());
    if width > expected {
        let surplus = (expected..width).filter_map(|index| row.get(index));
        return surplus
            .into_iter()
            .any(|cell| !cell.trim().is_empty())
            .then(|| Problem::row(Fault::TooManyCells { cells: width, columns: expected }));
    }
    if width == expected {
        return None;
    }
    let essential =
        ESSENTIAL.iter().any(|field| columns.slots.get(*field).is_some_and(|at| at >= width));
    if !(essential || row.is_irregular() || row.is_unterminated()) {
        return None;
    }
    let (cells, columns) = (width, expected);
    Some(Problem::row(if row.is_unterminated() {
        Fault::CutOff { cells, columns }
    } else if row.is_irregular() {
        Fault::StrayQuote { cells, columns }
    } else {
        Fault::TooFewCells { cells, columns }
    }))
}

pub(super) fn push_own(row: &Row<'_>, own: &[usize], out: &mut String) {
    tabular::push_record(out, own.iter().map(|index| row.get(*index).unwrap_or_default()), false);
}

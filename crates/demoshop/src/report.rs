//! The files a seller downloads: order report and item report.

use std::io::Write;

use crate::columns::{ITEM_COLUMNS, ORDER_COLUMNS};
use crate::encoding::{Encoder, Encoding};
use crate::order::{self, Order};
use crate::plan::{PlanError, ShopPlan};
use crate::row::Row;
use crate::schedule;

/// Which form of the order report, of the many there have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// 67 columns, as in 2020.
    Columns67,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows below the header.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The plan asks for a shop that cannot be.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The receiver of the bytes refused them.
    #[error("the report could not be written: {0}")]
    Io(#[from] std::io::Error),
}

/// Rows are handed on in pieces of about this many bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// Writes the order report of the shop: one row for each order, newest first.
///
/// Streams; needs about 12 bytes of memory for each order and customer. Flushes at the end.
///
/// # Errors
/// `Plan` if the shop cannot be, `Io` if `out` fails.
pub fn write_order_report<W: Write>(
    plan: &ShopPlan,
    out: &mut W,
    era: Era,
    encoding: Encoding,
) -> Result<Written, ReportError> {
    let Era::Columns67 = era;
    write(plan, out, encoding, &ORDER_COLUMNS.map(|(name, _)| name), |order, row| {
        for (_, cell) in ORDER_COLUMNS {
            cell(plan, order, row);
        }
        row.end();
        1
    })
}

/// Writes the item report of the shop in the 18-column form of 2022: one row for each line of the
/// same orders, newest first.
///
/// # Errors
/// `Plan` if the shop cannot be, `Io` if `out` fails.
pub fn write_item_report<W: Write>(
    plan: &ShopPlan,
    out: &mut W,
    encoding: Encoding,
) -> Result<Written, ReportError> {
    write(plan, out, encoding, &ITEM_COLUMNS.map(|(name, _)| name), |order, row| {
        for line in &order.lines {
            for (_, cell) in ITEM_COLUMNS {
                cell(order, line, row);
            }
            row.end();
        }
        order.lines.len() as u64
    })
}

fn write<W: Write>(
    plan: &ShopPlan,
    out: &mut W,
    encoding: Encoding,
    header: &[&str],
    mut rows_of: impl FnMut(&Order, &mut Row) -> u64,
) -> Result<Written, ReportError> {
    plan.check()?;
    let (encoder, mark) = Encoder::new(encoding);
    let mut piece = Vec::with_capacity(PIECE_BYTES + 16 * 1024);
    piece.extend_from_slice(mark);
    let mut row = Row::default();
    for name in header {
        row.text(name);
    }
    row.end();
    row.drain(&encoder, &mut piece);

    let mut written = Written::default();
    let slots = schedule::slots(plan);
    for (slot, position) in slots.iter().zip((0..slots.len() as u64).rev()) {
        written.rows += rows_of(&order::order(plan, *slot, position), &mut row);
        row.drain(&encoder, &mut piece);
        if piece.len() >= PIECE_BYTES {
            out.write_all(&piece)?;
            written.bytes += piece.len() as u64;
            piece.clear();
        }
    }
    out.write_all(&piece)?;
    written.bytes += piece.len() as u64;
    out.flush()?;
    Ok(written)
}

//! One batch of an import: which orders are new, changed or as they were. What is asked and
//! remembered for that is in `known`, how a batch is taken back in [`undo`].

mod known;
pub mod undo;

use std::collections::HashSet;

use kernel::{CustomerId, OrderId, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fingerprint::fingerprint;
use crate::lines::{merge_lines, with_all_lines};
use crate::order::{OrderHead, Undated};
use crate::record::{LineRecord, OrderRecord};
use crate::store::{self, OrderRow};

pub use known::{Counted, Known, Seen};

/// An order as read, with its digests.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the file says.
    pub record: OrderRecord,
    /// The file it came from, as an index into the import's list.
    pub file: usize,
    head_hash: i64,
    lines_hash: i64,
}

impl Report {
    /// Takes the digests of `record`.
    #[must_use]
    pub fn new(keys: &OrgKeys, record: OrderRecord, file: usize, buffer: &mut Vec<u8>) -> Self {
        let (head_hash, lines_hash) = fingerprint(keys, &record, buffer);
        Self { record, file, head_hash, lines_hash }
    }
}

/// What a batch did, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tally {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Of those updated, how many an earlier batch counted as unchanged.
    pub not_unchanged: u64,
    pub lines_created: u64,
}

/// The outcome of a batch: its numbers, what to keep for undo, and who is touched.
#[derive(Debug, Default)]
pub struct Applied {
    /// Numbers.
    pub tally: Tally,
    /// Orders that did not exist.
    pub created: Vec<Uuid>,
    /// Changed orders as they were before.
    pub before: Vec<Before>,
    /// Reports that could not be applied.
    pub refused: Vec<Refused>,
    /// Customers whose orders changed.
    pub touched: foldhash::HashSet<Uuid>,
    /// Numbers of the orders created, for a dry run.
    pub created_numbers: Vec<String>,
    /// Of the orders counted as unchanged, as [`Counted`] keeps them.
    pub unchanged: Vec<u64>,
}

/// A report that could not be applied.
#[derive(Debug)]
pub struct Refused {
    /// Its place in the batch.
    pub index: usize,
    /// The report.
    pub record: OrderRecord,
    /// The file it came from, as an index into the import's list.
    pub file: usize,
    /// Why.
    pub reason: Undated,
}

/// An order as it was before an import changed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The row.
    pub order: OrderRow,
    /// Its lines, where the import changed them.
    pub lines: Option<Vec<LineRecord>>,
}

/// Settings of the import that a batch needs.
#[derive(Debug, Clone, Copy)]
pub struct BatchOf {
    /// Number of the shop.
    pub shop_number: i64,
    /// Number of the import.
    pub import_number: i64,
    /// Whether nothing shall be kept.
    pub dry_run: bool,
}

/// What is known, said and resolved of one batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Shop and import.
    pub of: BatchOf,
    /// The orders that exist.
    pub known: Known,
    /// What the file says, in its order.
    pub reports: Vec<Report>,
    /// Whose orders these are, report by report.
    pub buyers: &'a [Option<CustomerId>],
}

struct Pending {
    /// The row; its columns that `head` knows too are set when it is written.
    row: OrderRow,
    head: OrderHead,
    /// Lines, where this batch changed or read them.
    lines: Option<Vec<LineRecord>>,
    /// Whether the last report of lines was late, and so are those that go on with it.
    lines_late: bool,
    /// Place of its image in `Applied::before`, and its head as it was; `None` for a new order.
    image: Option<(usize, OrderHead)>,
}

/// A batch decided and not yet written.
#[derive(Debug)]
pub struct Planned {
    applied: Applied,
    orders: Vec<(OrderRow, OrderHead)>,
    lines: Vec<(Uuid, Vec<LineRecord>)>,
    replaced: Vec<Uuid>,
    lines_replaced: Vec<Uuid>,
}

/// Takes the reports of a batch in their order, and says what to write; asks no database.
///
/// # Errors
/// `Refused` if a stored order cannot be read.
pub fn plan(
    cx: &Ctx,
    keys: &OrgKeys,
    seen: &mut Seen,
    counted: &mut Counted,
    batch: Batch<'_>,
) -> Result<Planned, DbError> {
    let Batch { of, mut known, reports, buyers } = batch;
    let mut applied = Applied::default();
    let now = cx.now();
    let mut pending: Vec<Pending> = Vec::with_capacity(reports.len());
    let mut at: foldhash::HashMap<String, usize> = foldhash::HashMap::default();
    for (index, report) in reports.into_iter().enumerate() {
        let number = &report.record.external_no;
        let place = match at.get(number).copied() {
            Some(place) => Some(place),
            None => match known.by_number.get(number) {
                Some(order) if known.is_unchanged(&report) => {
                    applied.count_unchanged(counted, of, order.id, order.last_import);
                    continue;
                }
                Some(order) => match known.rows.remove(&order.id) {
                    Some(row) => {
                        let lines =
                            known.lines.remove(&row.id).or((row.line_count == 0).then(Vec::new));
                        let head =
                            row.head(keys).map_err(|error| DbError::Refused(error.to_string()))?;
                        applied.before.push(Before { order: row.clone(), lines: None });
                        pending.push(Pending {
                            row,
                            image: Some((applied.before.len() - 1, head.clone())),
                            head,
                            lines,
                            lines_late: false,
                        });
                        Some(pending.len() - 1)
                    }
                    None => None,
                },
                None => None,
            },
        };
        match place {
            Some(place) => {
                at.insert(number.clone(), place);
                let order = &mut pending[place];
                update(order, &report, &mut applied.before);
                if let Some(buyer) = buyers[index]
                    && order.row.customer_id.is_none()
                {
                    order.row.customer_id = Some(buyer.uuid());
                }
            }
            None => {
                let Report { mut record, file, head_hash, lines_hash } = report;
                let mut head = match OrderHead::begin(&mut record) {
                    Ok(head) => head,
                    Err(reason) => {
                        applied.refused.push(Refused { index, record, file, reason });
                        continue;
                    }
                };
                head.sum_lines(&record.lines);
                head.tell_lines(&record.lines);
                at.insert(record.external_no.clone(), pending.len());
                let id: OrderId = cx.ids.fresh(now);
                let mut row = OrderRow::empty(id, of, record.external_no);
                row.customer_id = buyers[index].map(TypedId::uuid);
                row.line_count = record.lines.len() as i64;
                (row.head_hash, row.lines_hash) = (head_hash, lines_hash);
                pending.push(Pending {
                    row,
                    head,
                    lines_late: false,
                    lines: Some(record.lines),
                    image: None,
                });
            }
        }
    }
    Ok(sort_out(of, seen, counted, pending, applied))
}

impl OrderRow {
    fn empty(id: OrderId, of: BatchOf, external_no: String) -> Self {
        Self {
            id: id.uuid(),
            shop_number: of.shop_number,
            external_no,
            customer_id: None,
            state: 0,
            close_reason: None,
            ordered_at: 0,
            paid_at: None,
            shipped_at: None,
            completed_at: None,
            goods_minor: None,
            freight_minor: None,
            total_minor: None,
            paid_minor: None,
            refund_minor: None,
            revenue_minor: None,
            item_count: None,
            item_title: None,
            carrier: None,
            tracking_no: None,
            province: None,
            city: None,
            private: None,
            amounts_from_lines: false,
            line_count: 0,
            head_hash: 0,
            lines_hash: 0,
            last_import: of.import_number,
        }
    }
}

impl Applied {
    /// Counts an order that a report left as it was, unless this import has counted it before.
    fn count_unchanged(
        &mut self,
        counted: &mut Counted,
        of: BatchOf,
        order: Uuid,
        last_import: i64,
    ) {
        let short = Counted::short(order);
        if last_import != of.import_number && counted.orders.insert(short) {
            self.tally.unchanged += 1;
            self.unchanged.push(short);
        }
    }
}

/// Takes a report into an order that is known.
fn update(pending: &mut Pending, report: &Report, before: &mut [Before]) {
    let record = &report.record;
    let late = match record.goes_on {
        true => pending.lines_late,
        false => pending.head.is_ahead_of(record),
    };
    let known_lines = pending.lines.clone().unwrap_or_default();
    let lines = merge_lines(&known_lines, record, late);
    let lines_changed = pending.lines.is_some() && lines != known_lines;
    if !record.lines.is_empty() {
        pending.lines_late = late;
    }

    let mut head = pending.head.clone();
    match with_all_lines(record, &lines, head.freight_minor) {
        Some(mut whole) => {
            if lines.len() > record.lines.len() {
                // Cells that nobody named are mostly the line's: those of the first report stay.
                whole.extra.retain(|(name, _)| !head.extra.iter().any(|(known, _)| known == name));
            }
            head.report(&whole);
        }
        None => head.report(record),
    }
    if lines_changed || head.amounts_from_lines {
        head.sum_lines(&lines);
    }
    if pending.lines.is_some() {
        head.tell_lines(&lines);
    } else if pending.row.line_count > 0 {
        // The lines were not read, and the report says nothing of them.
        let known = &pending.head;
        head.item_title = known.item_title.clone().or(head.item_title);
        head.item_count = known.item_count.or(head.item_count);
    }
    if lines_changed {
        if let Some(image) = pending.image.as_ref().map(|(place, _)| &mut before[*place])
            && image.lines.is_none()
        {
            image.lines = Some(known_lines);
        }
        pending.row.line_count = lines.len() as i64;
        pending.lines = Some(lines);
    }
    pending.head = head;
    // The digests follow the newest report even where it changes nothing, but that alone is no update.
    match report.lines_hash {
        0 => pending.row.head_hash = report.head_hash,
        said => pending.row.lines_hash = said,
    }
}

/// Tells what is new, what changed and what stays as it was.
fn sort_out(
    of: BatchOf,
    seen: &mut Seen,
    counted: &mut Counted,
    pending: Vec<Pending>,
    mut applied: Applied,
) -> Planned {
    let mut replaced = Vec::new();
    let mut lines_replaced = Vec::new();
    let mut orders = Vec::with_capacity(pending.len());
    let mut lines = Vec::new();
    let mut unchanged: HashSet<Uuid> = HashSet::new();
    for item in pending {
        let Pending { mut row, head, lines: order_lines, lines_late: _, image } = item;
        let order_lines = order_lines.unwrap_or_default();
        let mut lines_changed = image.is_none() && !order_lines.is_empty();
        if let Some((place, head_before)) = &image {
            // One report may undo what another did.
            let before = &mut applied.before[*place];
            before.lines.take_if(|lines| *lines == order_lines);
            lines_changed = before.lines.is_some();
            let same_buyer = row.customer_id == before.order.customer_id;
            if !lines_changed && same_buyer && head == *head_before {
                let last_import = before.order.last_import;
                applied.count_unchanged(counted, of, row.id, last_import);
                unchanged.insert(row.id);
                continue;
            }
            row.last_import = of.import_number;
        }
        applied.touched.extend(row.customer_id);
        match image {
            None => {
                applied.tally.created += 1;
                applied.tally.lines_created += order_lines.len() as u64;
                applied.created.push(row.id);
                seen.add(&row.external_no);
                if of.dry_run {
                    applied.created_numbers.push(row.external_no.clone());
                }
            }
            Some((place, _)) => {
                // What this import made or changed before is counted.
                if applied.before[place].order.last_import != of.import_number {
                    applied.tally.updated += 1;
                    applied.tally.not_unchanged +=
                        u64::from(counted.orders.remove(&Counted::short(row.id)));
                }
                replaced.push(row.id);
                if lines_changed {
                    lines_replaced.push(row.id);
                    let had = applied.before[place].lines.as_ref().map_or(0, Vec::len);
                    applied.tally.lines_created += order_lines.len().saturating_sub(had) as u64;
                }
            }
        }
        if lines_changed {
            lines.push((row.id, order_lines));
        }
        orders.push((row, head));
    }
    applied.before.retain(|image| !unchanged.contains(&image.order.id));
    Planned { applied, orders, lines, replaced, lines_replaced }
}

impl Planned {
    /// What the batch does, in numbers.
    #[must_use]
    pub const fn applied(&self) -> &Applied {
        &self.applied
    }

    /// Writes the batch, inside the caller's transaction.
    ///
    /// # Errors
    /// `Duplicate` when another writer made one of the orders just now: roll back, look up again.
    pub async fn write(self, tx: &mut Tx, cx: &Ctx, keys: &OrgKeys) -> Result<Applied, DbError> {
        let Self { applied, orders, lines, replaced, lines_replaced } = self;
        store::remove_lines(tx, cx.scope, &lines_replaced).await?;
        store::remove_orders(tx, cx.scope, &replaced).await?;
        let orders = orders.into_iter().map(|(mut row, head)| {
            row.set_head(cx, keys, head);
            row
        });
        store::insert_orders(tx, cx.scope, orders, lines).await?;
        Ok(applied)
    }
}

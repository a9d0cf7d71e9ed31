//! Rows of one order, and the entries they become.

use std::collections::VecDeque;

use tabular::RowError;

use super::columns::Problem;
use super::interpret::Plan;
use super::reader::{Entry, Reject};
use super::reason::{KeptBack, Reason};
use crate::record::OrderRecord;

/// Lines of one record; an order with more goes on in a further record of the same number.
///
/// Mappings that add up an order's total from its lines need all of them in one record: the largest
/// invoice of the UCI data has 1,114.
const MAX_LINES: usize = 5_000;
/// Text of one record's rows.
const MAX_RECORD_BYTES: usize = 8 << 20;

/// Entries to be handed out, each with the position after it unless that lies within an order.
pub(super) type Ready = VecDeque<(Entry, Option<u64>)>;

/// Rows of one order, gathered until the next order begins.
pub(super) struct Group {
    pub key: String,
    pub record: OrderRecord,
    pub raw: String,
    pub problem: Option<(u64, Problem)>,
    pub rows: usize,
    /// Whether it goes on with the order of a full record.
    pub goes_on: bool,
}

pub(super) fn rejected(
    line: u64,
    problem: Problem,
    raw: String,
    order_no: Option<String>,
) -> Entry {
    Entry::Rejected(Reject { line, column: problem.column, reason: *problem.reason, raw, order_no })
}

pub(super) fn broken(error: &RowError) -> Entry {
    let mut raw = String::new();
    tabular::push_record(&mut raw, [error.raw.as_str()], false);
    rejected(error.line, Problem { column: None, reason: Box::new(Reason::from(error)) }, raw, None)
}

/// Puts a finished group among what is ready; `end` is the number of rows up to its last, which is a
/// place to go on from unless the order goes on (`more`).
pub(super) fn close(plan: &Plan, group: Option<Group>, end: u64, more: bool, ready: &mut Ready) {
    let Some(mut group) = group else { return };
    let line = group.record.line;
    let problem = group
        .problem
        .take()
        .or_else(|| plan.finish(&mut group.record).err().map(|problem| (line, problem)));
    let entry = match problem {
        None => {
            let mut record = group.record;
            record.goes_on = group.goes_on;
            record.raw = record.is_undated().then_some(group.raw);
            Entry::Order(Box::new(record), end)
        }
        Some((line, mut problem)) => {
            if group.rows > 1 {
                problem.reason.kept_back =
                    Some(KeptBack { line, rows: group.rows, order_no: group.key });
            }
            rejected(line, problem, group.raw, None)
        }
    };
    ready.push_back((entry, (!more).then_some(end)));
}

impl Group {
    /// The group of an order whose number is `key`.
    pub fn new(key: String) -> Self {
        Self {
            key,
            record: OrderRecord::default(),
            raw: String::new(),
            problem: None,
            rows: 0,
            goes_on: false,
        }
    }

    /// Takes a row as it was read: its line, its text and what it says.
    pub fn push(
        &mut self,
        plan: &Plan,
        line: u64,
        raw: impl FnOnce(&mut String),
        outcome: Result<Box<OrderRecord>, Problem>,
    ) {
        raw(&mut self.raw);
        self.rows += 1;
        match outcome {
            Ok(record) if self.rows == 1 => self.record = *record,
            Ok(record) => plan.merge(&mut self.record, *record),
            Err(problem) => {
                self.problem.get_or_insert((line, problem));
            }
        }
    }

    /// Whether a row of the order `key` still belongs to this record.
    pub fn takes(&self, key: &str) -> bool {
        !key.is_empty()
            && self.key == key
            && self.rows < MAX_LINES
            && self.record.lines.len() < MAX_LINES
            && self.raw.len() < MAX_RECORD_BYTES
    }
}

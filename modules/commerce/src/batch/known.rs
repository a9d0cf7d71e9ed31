//! What is known of orders before a batch, and what an import remembers from batch to batch.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;

use kernel::{CustomerId, TypedId as _};
use platform::{DbError, Scope, Tx};
use uuid::Uuid;

use super::{Report, undo};
use crate::record::LineRecord;
use crate::store::{self, KnownOrder, OrderRow};

/// Remembers which orders an import wrote, so that an empty shop is not asked for each of them.
#[derive(Debug, Default)]
pub struct Seen {
    /// Digests of the numbers written so far; `None` when the shop had orders before.
    numbers: Option<foldhash::HashSet<u64>>,
    /// Seeded anew for every import, so that nobody can make numbers that meet.
    digests: foldhash::fast::RandomState,
}

impl Seen {
    /// For a shop that has no orders before this import.
    #[must_use]
    pub fn empty_shop() -> Self {
        Self { numbers: Some(foldhash::HashSet::default()), ..Self::default() }
    }

    /// For any shop: the database is asked.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Whether the database must be asked for `number`.
    fn may_exist(&self, number: &str) -> bool {
        self.numbers.as_ref().is_none_or(|seen| seen.contains(&self.digests.hash_one(number)))
    }

    pub(super) fn add(&mut self, number: &str) {
        // Eight bytes an order: beyond ten million the database is asked instead.
        const MOST: usize = 10_000_000;
        if let Some(seen) = &mut self.numbers {
            seen.insert(self.digests.hash_one(number));
            if seen.len() > MOST {
                self.numbers = None;
            }
        }
    }
}

/// What is known of the orders a batch names.
#[derive(Debug, Default)]
pub struct Known {
    pub(super) by_number: foldhash::HashMap<String, KnownOrder>,
    /// The orders that the batch changes, and their lines where it speaks of lines.
    pub(super) rows: HashMap<Uuid, OrderRow>,
    pub(super) lines: HashMap<Uuid, Vec<LineRecord>>,
    /// Orders of people who were erased: whatever a file says of them, they stay as they are.
    erased: HashSet<Uuid>,
}

impl Known {
    /// Looks the orders of a batch up.
    ///
    /// # Errors
    /// As the database says.
    pub async fn look_up(
        tx: &mut Tx,
        scope: Scope,
        shop_number: i64,
        seen: &Seen,
        reports: &[Report],
    ) -> Result<Self, DbError> {
        let mut numbers: Vec<&str> = reports
            .iter()
            .map(|report| report.record.external_no.as_str())
            .filter(|number| seen.may_exist(number))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let found = store::known_orders(tx, scope, shop_number, &numbers).await?;
        let ids: Vec<Uuid> = found.iter().map(|known| known.id).collect();
        let erased = crate::erase::erased_among(tx, scope, &ids).await?;
        let by_number = found.into_iter().map(|known| (known.external_no.clone(), known)).collect();
        let mut known = Self { by_number, erased, ..Self::default() };
        let mut changed: Vec<Uuid> = reports
            .iter()
            .filter(|report| !known.is_unchanged(report))
            .filter_map(|report| known.by_number.get(&report.record.external_no))
            .map(|known| known.id)
            .collect();
        changed.sort_unstable();
        changed.dedup();
        let rows = store::orders(tx, scope, &changed).await?;
        known.rows = rows.into_iter().map(|row| (row.id, row)).collect();
        let with_lines: Vec<Uuid> = reports
            .iter()
            .filter(|report| report.lines_hash != 0)
            .filter_map(|report| known.by_number.get(&report.record.external_no))
            .filter(|order| known.rows.get(&order.id).is_some_and(|row| row.line_count > 0))
            .map(|order| order.id)
            .collect();
        known.lines = store::lines(tx, scope, &with_lines).await?;
        Ok(known)
    }

    /// As [`Known::look_up`] where `seen` alone tells that all orders are new; `None` where the
    /// database must be asked.
    #[must_use]
    pub fn all_new(seen: &Seen, reports: &[Report]) -> Option<Self> {
        let asks = reports.iter().any(|report| seen.may_exist(&report.record.external_no));
        (!asks).then(Self::default)
    }

    /// Whose the order of `report` is already; of one that says nothing new it is not looked up.
    #[must_use]
    pub fn customer_of(&self, report: &Report) -> Option<CustomerId> {
        let order = self.by_number.get(&report.record.external_no)?;
        self.rows.get(&order.id)?.customer_id.map(CustomerId::from_uuid)
    }

    /// Whether `report` says nothing that is not known.
    #[must_use]
    pub fn is_unchanged(&self, report: &Report) -> bool {
        self.by_number.get(&report.record.external_no).is_some_and(|known| {
            if self.erased.contains(&known.id) {
                return true;
            }
            match report.lines_hash {
                0 => known.head_hash == report.head_hash,
                said => known.lines_hash == said,
            }
        })
    }
}

/// The orders that an import has counted as unchanged, so that each counts once: those it created or
/// changed are known by their `last_import`.
#[derive(Debug, Default)]
pub struct Counted {
    pub(super) orders: foldhash::HashSet<u64>,
    whole: bool,
}

impl Counted {
    /// Of an import that has only begun.
    #[must_use]
    pub fn begin() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Whether all that the import has counted is known, not only that of this run.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Reads what the batches of an import counted.
    ///
    /// # Errors
    /// As the database says.
    pub async fn load(tx: &mut Tx, scope: Scope, import_number: i64) -> Result<Self, DbError> {
        let orders = undo::unchanged_orders(tx, scope, import_number).await?;
        Ok(Self { orders, whole: true })
    }

    /// Short for an order: the random half of its id.
    pub(super) const fn short(order: Uuid) -> u64 {
        order.as_u128() as u64
    }
}

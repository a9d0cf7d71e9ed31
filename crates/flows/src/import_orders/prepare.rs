//! The deciding side: whose each order is, and what is new. It asks no database, so that a batch can be
//! prepared on a thread of its own while the one before is written.

use commerce::Shop;
use commerce::batch::{self, Batch, BatchOf, Counted, Known, Planned, Seen};
use commerce::imports::{Import, RejectedRow};
use customers::resolve::{Decided, Resolver, Sighting};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError};

use super::ImportError;
use super::read::Chunk;
use super::write::Next;

/// What an import remembers from batch to batch.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) resolver: Resolver,
    pub(super) seen: Seen,
    pub(super) counted: Counted,
}

/// A batch that is ready to be written.
pub(super) struct Prepared {
    pub(super) planned: Planned,
    pub(super) decided: Decided,
    pub(super) rejects: Vec<RejectedRow>,
    pub(super) skipped: u64,
    pub(super) rows_done: u64,
    pub(super) bytes_read: u64,
    /// Orders in the batch.
    pub(super) orders: usize,
}

/// All that a batch is prepared by, besides what is remembered.
#[derive(Clone)]
pub(super) struct Preparer {
    cx: Ctx,
    keys: OrgKeys,
    of: BatchOf,
}

impl Preparer {
    pub(super) fn new(cx: &Ctx, keys: &OrgKeys, shop: &Shop, import: &Import) -> Self {
        let of = BatchOf {
            shop_number: shop.number,
            import_number: import.number,
            dry_run: import.dry_run,
        };
        Self { cx: cx.clone(), keys: keys.clone(), of }
    }

    /// Prepares a chunk of whose orders `known` tells what exists.
    pub(super) fn prepare(
        &self,
        memory: &mut Memory,
        known: Known,
        chunk: Chunk,
    ) -> Result<Prepared, DbError> {
        let Chunk { reports, mut sightings, rejects, skipped, rows_done, bytes_read } = chunk;
        let changed = changed(&known, &reports);
        for index in &changed {
            sightings[*index].of = known.customer_of(&reports[*index]);
        }
        let sightings: Vec<&Sighting> = changed.iter().map(|index| &sightings[*index]).collect();
        let decided = memory.resolver.decide(&self.cx, &self.keys, &sightings);
        let mut buyers = vec![None; reports.len()];
        for (index, customer) in changed.iter().zip(decided.customers()) {
            buyers[*index] = *customer;
        }
        let orders = reports.len();
        let batch = Batch { of: self.of, known, reports, buyers: &buyers };
        let planned =
            batch::plan(&self.cx, &self.keys, &mut memory.seen, &mut memory.counted, batch)?;
        Ok(Prepared { planned, decided, rejects, skipped, rows_done, bytes_read, orders })
    }

    /// Prepares a chunk on a thread of its own if memory alone tells all about it; otherwise gives it
    /// back as it is.
    pub(super) async fn prepare_ahead(
        self,
        mut memory: Memory,
        chunk: Chunk,
    ) -> Result<(Memory, Next), ImportError> {
        let known = match memory.resolver.knows_all() {
            true => Known::all_new(&memory.seen, &chunk.reports),
            false => None,
        };
        let Some(known) = known else { return Ok((memory, Next::Chunk(chunk))) };
        let prepared = tokio::task::spawn_blocking(move || {
            let prepared = self.prepare(&mut memory, known, chunk);
            (memory, prepared)
        });
        let (memory, prepared) =
            prepared.await.map_err(|error| ImportError::Reader(error.to_string()))?;
        Ok((memory, Next::Ready(Box::new(prepared?))))
    }
}

/// The places of those reports that say something new.
pub(super) fn changed(known: &Known, reports: &[batch::Report]) -> Vec<usize> {
    (0..reports.len()).filter(|index| !known.is_unchanged(&reports[*index])).collect()
}

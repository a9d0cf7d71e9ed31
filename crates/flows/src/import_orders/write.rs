//! The writing side: batches, in transactions of some batches each.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use commerce::batch::{self, Counted, Known};
use commerce::events::OrdersChangedV1;
use commerce::imports::{self, Import, ImportState, RejectedRow};
use customers::resolve::Sighting;
use kernel::{CustomerId, Timestamp, TypedId};
use platform::{DbError, Tx, outbox};
use tokio::sync::mpsc;

use super::prepare::{self, Memory, Prepared};
use super::read::Chunk;
use super::{ImportError, Open, Worker};

/// A transaction takes no longer than this and a batch, so that other writers get their turn.
const COMMIT_EVERY: Duration = Duration::from_millis(1_500);

/// Whoever watches hears at most so often of batches that are not committed yet.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// After so many new orders the database measures its tables, once an import: a fresh one takes them
/// for empty and reads them whole.
const MEASURE_ORDERS: u64 = 10_000;

/// What comes after a batch.
pub(super) enum Next {
    /// The end of the file.
    End,
    /// The reader failed.
    Failed(ImportError),
    /// A chunk as read.
    Chunk(Chunk),
    /// A chunk that was prepared while the one before was written.
    Ready(Box<Prepared>),
}

impl Next {
    pub(super) fn read(chunk: Option<Result<Chunk, ImportError>>) -> Self {
        match chunk {
            None => Self::End,
            Some(Err(error)) => Self::Failed(error),
            Some(Ok(chunk)) => Self::Chunk(chunk),
        }
    }
}

/// What writing a batch brought.
struct Written {
    progress: imports::Progress,
    /// Of the orders that say something new.
    customers: Vec<Option<CustomerId>>,
    /// Numbers of the orders it made, for a dry run.
    created_numbers: Vec<String>,
    /// What a dry run keeps of the batch.
    rejects: Vec<RejectedRow>,
}

/// Where chunks come from.
pub(super) type Chunks = mpsc::Receiver<Result<Chunk, ImportError>>;

impl Worker<'_> {
    /// Asks the database what must be known of a chunk, and prepares it; `None` if somebody paused or
    /// cancelled the import.
    pub(super) async fn prepare(
        &mut self,
        chunk: Chunk,
    ) -> Result<Option<Box<Prepared>>, ImportError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.begin().await? {
                Some(open) => open,
                None => return Ok(None),
            },
        };
        match self.prepare_in(&mut open.tx, chunk).await {
            Ok(prepared) => {
                self.open = Some(open);
                Ok(Some(Box::new(prepared)))
            }
            Err(error) => {
                self.forget(open.before);
                Err(error.into())
            }
        }
    }

    async fn prepare_in(&mut self, tx: &mut Tx, chunk: Chunk) -> Result<Prepared, DbError> {
        let (scope, Memory { resolver, seen, counted }) = (self.cx.scope, &mut self.memory);
        if !counted.is_whole() {
            *counted = match self.import.progress.batches {
                0 => Counted::begin(),
                _ => Counted::load(tx, scope, self.import.number).await?,
            };
        }
        let known = Known::look_up(tx, scope, self.shop.number, seen, &chunk.reports).await?;
        let sightings: Vec<&Sighting> = prepare::changed(&known, &chunk.reports)
            .into_iter()
            .map(|index| &chunk.sightings[index])
            .collect();
        resolver.look_up(tx, self.cx, &sightings).await?;
        self.preparer.prepare(&mut self.memory, known, chunk)
    }

    /// Opens a transaction; `None` if somebody paused or cancelled the import.
    async fn begin(&mut self) -> Result<Option<Open>, ImportError> {
        let since = Instant::now();
        let scope = self.cx.scope;
        let mut tx = self.platform.db.begin_for(self.cx.scope).await?;
        if imports::lock_state(&mut tx, scope, self.import.id).await? != ImportState::Running {
            return Ok(None);
        }
        let stored = imports::get(&mut tx, scope, self.import.id)
            .await?
            .ok_or(ImportError::Unknown(self.import.id))?;
        if stored.progress.batches != self.import.progress.batches {
            return Err(ImportError::Elsewhere);
        }
        self.memory.resolver.enter(&mut tx, self.cx).await?;
        let before = self.import.progress.clone();
        Ok(Some(Open { tx, since, orders: 0, before, rejects: Vec::new() }))
    }

    /// Writes a batch into the open transaction, and commits when it is time. Meanwhile the next one
    /// is read, and prepared where that can be done without the database; `None` where it is not read
    /// yet, because the transaction ended here.
    pub(super) async fn write(
        &mut self,
        prepared: Prepared,
        bytes_before: u64,
        chunks: &mut Chunks,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<Option<Next>, ImportError> {
        let mut open = self.open.take().ok_or(ImportError::Elsewhere)?;
        open.orders += prepared.orders;
        let is_last = self.import.dry_run
            || open.orders >= self.cut.commit_orders
            || open.since.elapsed() >= COMMIT_EVERY;
        let (preparer, memory) = (self.preparer.clone(), std::mem::take(&mut self.memory));
        let following = async move {
            if is_last {
                return Ok((memory, None));
            }
            let (memory, next) = match Next::read(chunks.recv().await) {
                Next::Chunk(chunk) => preparer.prepare_ahead(memory, chunk).await?,
                next => (memory, next),
            };
            Ok((memory, Some(next)))
        };
        let writing = self.write_in(&mut open.tx, prepared, bytes_before);
        let (written, following) = futures::join!(writing, following);
        let next = match (written, following) {
            (Ok(mut written), Ok((memory, next))) => {
                self.memory = memory;
                open.rejects.append(&mut written.rejects);
                self.count(written);
                next
            }
            (Err(error), _) | (Ok(_), Err(error)) => {
                self.forget(open.before);
                return Err(error);
            }
        };
        self.import.progress.seconds = open.seconds();
        if !is_last && self.reported.elapsed() >= REPORT_EVERY {
            self.reported = Instant::now();
            report(&self.import);
        }
        self.open = Some(open);
        if is_last {
            self.commit(report).await?;
        }
        Ok(next)
    }

    /// Commits the open transaction, if there is one, with the progress that it makes.
    pub(super) async fn commit(
        &mut self,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<(), ImportError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.import.progress.seconds = open.seconds();
        let Open { mut tx, before, rejects, .. } = open;
        if self.import.dry_run {
            // The counts and rejects of a dry run are kept, what it would have written is not.
            tx.rollback().await?;
            self.memory.resolver.rolled_back();
            tx = self.platform.db.begin_for(self.cx.scope).await?;
        }
        let measure = !self.measured
            && !self.import.dry_run
            && self.import.progress.orders_created >= MEASURE_ORDERS;
        let written = async {
            if measure {
                commerce::store::analyze(&mut tx).await?;
                customers::resolve::analyze(&mut tx).await?;
            }
            let (number, first) = (self.import.number, before.rejected);
            imports::keep_rejects(&mut tx, self.cx, &self.keys, number, first, rejects).await?;
            imports::save(&mut tx, self.cx.scope, &self.import).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            self.forget(before);
            return Err(error.into());
        }
        self.measured |= measure;
        self.matched_now.clear();
        self.reported = Instant::now();
        report(&self.import);
        Ok(())
    }

    /// Forgets what a transaction that was not committed would have made true.
    fn forget(&mut self, before: imports::Progress) {
        self.import.progress = before;
        // Nothing is known for sure any more.
        self.memory = Memory::default();
        for customer in self.matched_now.drain(..) {
            self.matched.remove(&customer);
        }
    }

    async fn write_in(
        &self,
        tx: &mut Tx,
        prepared: Prepared,
        bytes_before: u64,
    ) -> Result<Written, ImportError> {
        let cx = self.cx;
        let import_number = self.import.number;
        let Prepared { planned, decided, mut rejects, skipped, rows_done, bytes_read, orders: _ } =
            prepared;
        let resolved = decided.write(tx, cx).await?;
        let mut applied = planned.write(tx, cx, &self.keys).await?;
        rejects.extend(applied.refused.drain(..).map(|refused| RejectedRow {
            file_no: refused.file,
            file: self.import.request.files[refused.file].name.clone(),
            line: refused.record.line,
            column: None,
            reason: refused.reason.into(),
            raw: refused.record.raw.unwrap_or_default(),
            order_no: None,
        }));
        let rejected = rejects.len() as u64;
        let mut progress = self.import.progress.clone();
        if !self.import.dry_run {
            let (rejects, first) = (std::mem::take(&mut rejects), progress.rejected);
            imports::keep_rejects(tx, cx, &self.keys, import_number, first, rejects).await?;
        }
        progress.rows_read += rows_done - progress.rows_done;
        progress.rows_done = rows_done;
        progress.bytes_read = bytes_before + bytes_read;
        progress.orders_created += applied.tally.created;
        progress.orders_updated += applied.tally.updated;
        progress.orders_unchanged += applied.tally.unchanged;
        progress.orders_unchanged -= applied.tally.not_unchanged;
        progress.lines_created += applied.tally.lines_created;
        progress.customers_created += resolved.created.len() as u64;
        progress.rejected += rejected;
        progress.skipped += skipped;
        progress.batches += 1;
        let created_numbers = std::mem::take(&mut applied.created_numbers);
        if !self.import.dry_run {
            let journal = serde_json::to_value(&resolved)
                .map_err(|error| DbError::Refused(error.to_string()))?;
            let batch_no = progress.batches;
            batch::undo::keep(tx, cx, &self.keys, import_number, batch_no, &applied, &journal)
                .await?;
            let mut touched: HashSet<CustomerId> =
                applied.touched.iter().map(|id| CustomerId::from_uuid(*id)).collect();
            touched.extend(resolved.created.iter().copied());
            touched.extend(resolved.added.iter().map(|(customer, ..)| *customer));
            if !touched.is_empty() {
                let mut touched: Vec<CustomerId> = touched.into_iter().collect();
                touched.sort_unstable();
                outbox::push(tx, cx, &OrdersChangedV1::of(touched)).await?;
            }
        }
        Ok(Written { progress, customers: resolved.customers, created_numbers, rejects })
    }

    /// Takes over the progress that a batch made.
    fn count(&mut self, written: Written) {
        let Written { mut progress, customers, created_numbers, rejects: _ } = written;
        progress.customers_matched += self.count_matched(&customers);
        if self.import.dry_run {
            self.count_dry(created_numbers, &mut progress);
        }
        self.import.progress = progress;
    }

    /// Counts customers that were known before this import, each once.
    fn count_matched(&mut self, customers: &[Option<CustomerId>]) -> u64 {
        let began = self.import.created_at;
        let before = self.matched.len();
        for customer in customers.iter().flatten() {
            if let Some(digest) = matched_digest(*customer, began)
                && self.matched.insert(digest)
            {
                self.matched_now.push(digest);
            }
        }
        (self.matched.len() - before) as u64
    }

    /// Takes out of the counts of a dry run the orders that an earlier transaction would have made;
    /// `created_numbers` are those that this batch would.
    fn count_dry(&mut self, created_numbers: Vec<String>, progress: &mut imports::Progress) {
        for number in created_numbers {
            if self.dry_numbers.len() < 10_000_000 && !self.dry_numbers.insert(number) {
                progress.orders_created -= 1;
            }
        }
    }
}

/// Short for a customer that was known before `began`.
pub(super) fn matched_digest(customer: CustomerId, began: Timestamp) -> Option<u64> {
    // A UUIDv7 begins with the millisecond in which it was made.
    let value = customer.uuid().as_u128();
    (((value >> 80) as i64) < began.millis()).then_some(value as u64 ^ (value >> 64) as u64)
}

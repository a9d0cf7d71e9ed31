//! The writing side: batches, in transactions of some batches each.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use commerce::batch::{self, Batch, BatchOf, Known, Seen};
use commerce::events::OrdersChangedV1;
use commerce::imports::{self, Import, ImportState, RejectedRow};
use customers::resolve::Sighting;
use kernel::{CustomerId, Timestamp, TypedId};
use platform::{DbError, Tx, outbox};

use super::read::Chunk;
use super::{ImportError, Open, Worker};

/// A transaction takes no longer than this and a batch, so that other writers get their turn.
const COMMIT_EVERY: Duration = Duration::from_millis(1_500);

/// After so many new orders the database measures its tables, once an import: a fresh one takes them
/// for empty and reads them whole.
const MEASURE_ORDERS: u64 = 10_000;

impl Worker<'_> {
    /// Writes one chunk, and commits when it is time; says whether to go on.
    pub(super) async fn write(
        &mut self,
        chunk: Chunk,
        bytes_before: u64,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<bool, ImportError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.begin().await? {
                Some(open) => open,
                None => return Ok(false),
            },
        };
        let orders = chunk.reports.len();
        if let Err(error) = self.write_in(&mut open.tx, chunk, bytes_before).await {
            self.forget(open.before);
            return Err(error);
        }
        open.orders += orders;
        let is_full = open.orders >= self.cut.commit_orders || open.since.elapsed() >= COMMIT_EVERY;
        self.open = Some(open);
        if is_full || self.import.dry_run {
            self.commit(report).await?;
        }
        Ok(true)
    }

    /// Opens a transaction; `None` if somebody paused or cancelled the import.
    async fn begin(&self) -> Result<Option<Open>, ImportError> {
        let since = Instant::now();
        let scope = self.cx.scope;
        let mut tx = self.platform.db.begin().await?;
        if imports::lock_state(&mut tx, scope, self.import.id).await? != ImportState::Running {
            return Ok(None);
        }
        let stored = imports::get(&mut tx, scope, self.import.id)
            .await?
            .ok_or(ImportError::Unknown(self.import.id))?;
        if stored.progress.batches != self.import.progress.batches {
            return Err(ImportError::Elsewhere);
        }
        Ok(Some(Open { tx, since, orders: 0, before: self.import.progress.clone() }))
    }

    /// Commits the open transaction, if there is one, with the progress that it makes.
    pub(super) async fn commit(
        &mut self,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<(), ImportError> {
        let Some(Open { mut tx, since, before, .. }) = self.open.take() else { return Ok(()) };
        self.import.progress.seconds += since.elapsed().as_secs_f64();
        if self.import.dry_run {
            // The counts of a dry run are kept, what it would have written is not.
            tx.rollback().await?;
            self.resolver.rolled_back();
            tx = self.platform.db.begin().await?;
        }
        let measure = !self.measured
            && !self.import.dry_run
            && self.import.progress.orders_created >= MEASURE_ORDERS;
        let written = async {
            if measure {
                commerce::store::analyze(&mut tx).await?;
                customers::resolve::analyze(&mut tx).await?;
            }
            imports::save(&mut tx, self.cx.scope, &self.import).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            self.forget(before);
            return Err(error.into());
        }
        self.measured |= measure;
        self.matched_now.clear();
        report(&self.import);
        Ok(())
    }

    /// Forgets what a transaction that was not committed would have made true.
    fn forget(&mut self, before: imports::Progress) {
        self.import.progress = before;
        self.resolver.lost_race();
        self.seen = Seen::unknown();
        for customer in self.matched_now.drain(..) {
            self.matched.remove(&customer);
        }
    }

    async fn write_in(
        &mut self,
        tx: &mut Tx,
        chunk: Chunk,
        bytes_before: u64,
    ) -> Result<(), ImportError> {
        let cx = self.cx;
        let Chunk { reports, sightings, mut rejects, skipped, rows_done, bytes_read } = chunk;
        let known = Known::look_up(tx, cx.scope, self.shop.number, &self.seen, &reports).await?;
        let changed: Vec<usize> =
            (0..reports.len()).filter(|index| !known.is_unchanged(&reports[*index])).collect();
        let sightings: Vec<&Sighting> = changed.iter().map(|index| &sightings[*index]).collect();
        let resolved = self.resolver.resolve(tx, cx, &self.keys, &sightings).await?;
        let mut buyers = vec![None; reports.len()];
        for (index, customer) in changed.iter().zip(&resolved.customers) {
            buyers[*index] = *customer;
        }
        let mut numbers: Vec<String> = match self.import.dry_run {
            true => reports.iter().map(|report| report.record.external_no.clone()).collect(),
            false => Vec::new(),
        };
        let of = Batch {
            of: BatchOf { shop_number: self.shop.number, import_number: self.import.number },
            known,
            reports,
            buyers: &buyers,
        };
        let mut applied = batch::apply(tx, cx, &self.keys, &mut self.seen, of).await?;

        for refused in &applied.refused {
            if let Some(number) = numbers.get_mut(refused.index) {
                number.clear();
            }
        }
        rejects.extend(applied.refused.drain(..).map(|refused| RejectedRow {
            file: self.import.request.files[refused.file].name.clone(),
            line: refused.record.line,
            column: None,
            reason: refused.reason.to_string(),
            raw: refused.record.raw.unwrap_or_default(),
            order_no: None,
        }));
        let rejected = rejects.len() as u64;
        let mut progress = self.import.progress.clone();
        imports::keep_rejects(tx, cx, &self.keys, self.import.number, progress.rejected, rejects)
            .await?;
        progress.rows_read += rows_done - progress.rows_done;
        progress.rows_done = rows_done;
        progress.bytes_read = bytes_before + bytes_read;
        progress.orders_created += applied.tally.created;
        progress.orders_updated += applied.tally.updated;
        progress.orders_unchanged += applied.tally.unchanged;
        progress.lines_created += applied.tally.lines_created;
        progress.customers_created += resolved.created.len() as u64;
        progress.customers_matched += self.count_matched(&resolved.customers);
        progress.rejected += rejected;
        progress.skipped += skipped;
        progress.batches += 1;
        if self.import.dry_run {
            self.count_dry(numbers, &applied, &mut progress);
            self.import.progress = progress;
            return Ok(());
        }
        let journal =
            serde_json::to_value(&resolved).map_err(|error| DbError::Refused(error.to_string()))?;
        batch::undo::keep(
            tx,
            cx,
            &self.keys,
            self.import.number,
            progress.batches,
            &applied,
            &journal,
        )
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
        self.import.progress = progress;
        Ok(())
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

    /// Corrects the counts of a dry run for orders that an earlier batch would have made; `numbers`
    /// are those of the reports, empty where one was refused.
    fn count_dry(
        &mut self,
        numbers: Vec<String>,
        applied: &batch::Applied,
        progress: &mut imports::Progress,
    ) {
        let mut again = 0;
        for number in numbers.into_iter().filter(|number| !number.is_empty()) {
            if self.dry_numbers.len() < 10_000_000 && !self.dry_numbers.insert(number) {
                again += 1;
            }
        }
        let again = again.min(applied.tally.created);
        progress.orders_created -= again;
        progress.orders_updated += again;
    }
}

/// Short for a customer that was known before `began`.
pub(super) fn matched_digest(customer: CustomerId, began: Timestamp) -> Option<u64> {
    // A UUIDv7 begins with the millisecond in which it was made.
    let value = customer.uuid().as_u128();
    (((value >> 80) as i64) < began.millis()).then_some(value as u64 ^ (value >> 64) as u64)
}

//! An order file becomes orders of known customers.
//!
//! One thread reads, cleans and digests; the other side writes batches. Each batch is one transaction:
//! buyers resolved, orders written, rejects kept, undo kept, progress noted, event pushed. So after
//! any crash the import goes on at the row after the last committed batch.

mod begin;
mod read;

use std::collections::HashSet;
use std::time::Instant;

use commerce::batch::{self, Batch, BatchOf, Known, Seen};
use commerce::events::OrdersChangedV1;
use commerce::formats::{Format, FormatError, Mapping, ReaderContext};
use commerce::imports::{self, Import, ImportState, RejectedRow};
use commerce::{Shop, shops};
use customers::AccountSpace;
use customers::resolve::{Resolver, Sighting};
use kernel::{CustomerId, ImportId, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, outbox};
use tokio::sync::mpsc;

use crate::merge_by_itself::merge_by_itself;

pub(crate) use begin::blocking;
pub use begin::{ImportOrder, begin, examine, reader_context, request_of};
use read::{Chunk, ReadFile};

/// Orders in one transaction. Larger batches write fewer index pages twice; smaller ones hold less
/// memory and let other writers in sooner.
const BATCH_ORDERS: usize = 10_000;
/// Files larger than this are worth reading all known identities ahead.
const READ_AHEAD_BYTES: u64 = 16 << 20;
/// Times a batch is tried again after another writer was faster.
const RACES_MAX: usize = 5;

/// Why an import cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not one that can be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The mapping is not one.
    #[error("the mapping: {0}")]
    Mapping(#[from] commerce::formats::MappingError),
    /// There is no such import.
    #[error("there is no import {0}")]
    Unknown(ImportId),
    /// The import is not in a state to be run.
    #[error("import {id} is {} and cannot be run", state.name())]
    NotRunnable {
        /// The import.
        id: ImportId,
        /// Where it stands.
        state: ImportState,
    },
    /// Another process works on the same import.
    #[error("another process works on this import just now")]
    Elsewhere,
    /// The amounts of the file are in another currency than the shop's.
    #[error("the mapping says {file}, but the shop sells in {shop}")]
    Currency {
        /// What the mapping says.
        file: kernel::Currency,
        /// What the shop has.
        shop: kernel::Currency,
    },
    /// A file changed since the import began.
    #[error("{0} is not the file that this import began with")]
    FileChanged(String),
    /// The reader stopped without a word; a bug.
    #[error("reading stopped unexpectedly: {0}")]
    Reader(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Runs an import to its end, or until it is paused or cancelled; `report` hears of each batch.
///
/// Safe to call again after any crash: it goes on behind the last committed batch.
///
/// # Errors
/// What stopped it; the import is then `Failed` with the reason, unless the database itself is gone.
pub async fn run(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    report: impl FnMut(&Import) + Send,
) -> Result<Import, ImportError> {
    run_in_batches(platform, cx, id, BATCH_ORDERS, report).await
}

/// As [`run`], with `batch_orders` orders in a transaction; tests cut small files into many.
///
/// # Errors
/// As [`run`].
pub async fn run_in_batches(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    batch_orders: usize,
    mut report: impl FnMut(&Import) + Send,
) -> Result<Import, ImportError> {
    let mut tx = platform.db.begin().await?;
    let mut import = imports::get(&mut tx, cx.scope, id).await?.ok_or(ImportError::Unknown(id))?;
    let runnable =
        [ImportState::Queued, ImportState::Running, ImportState::Paused, ImportState::Failed];
    if !imports::transition(&mut tx, cx, id, &runnable, ImportState::Running).await? {
        return Err(ImportError::NotRunnable { id, state: import.state });
    }
    let shop = match import.shop_number {
        Some(number) => shops::by_number(&mut tx, cx, number).await?,
        None => None,
    }
    .ok_or(ImportError::NotRunnable { id, state: import.state })?;
    import.state = ImportState::Running;
    import.error = None;
    imports::save(&mut tx, cx.scope, &import).await?;
    tx.commit().await?;

    let worker = Worker {
        platform,
        cx,
        keys: platform.keys(cx.scope.org()),
        shop,
        import,
        resolver: Resolver::new(),
        seen: Seen::unknown(),
        matched: HashSet::new(),
        dry_numbers: HashSet::new(),
        batch_orders,
    };
    worker.run(&mut report).await
}

/// How the taking in of a file ended.
enum Taken {
    /// At its end.
    Whole,
    /// Somebody paused or cancelled the import.
    Stopped,
    /// Another writer made one of the orders or customers just now; nothing of the batch was kept.
    Raced(DbError),
}

struct Worker<'a> {
    platform: &'a Platform,
    cx: &'a Ctx,
    keys: OrgKeys,
    shop: Shop,
    import: Import,
    resolver: Resolver,
    seen: Seen,
    /// Customers of earlier imports that came again, as digests.
    matched: HashSet<u64>,
    /// Orders that a dry run would have made.
    dry_numbers: HashSet<String>,
    batch_orders: usize,
}

impl Worker<'_> {
    async fn run(
        mut self,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<Import, ImportError> {
        match self.read_all(report).await {
            Ok(()) => {
                let mut tx = self.platform.db.begin().await?;
                let running = [ImportState::Running];
                let id = self.import.id;
                imports::transition(&mut tx, self.cx, id, &running, ImportState::Finished).await?;
                let import = imports::get(&mut tx, self.cx.scope, id).await?;
                tx.commit().await?;
                let import = import.ok_or(ImportError::Unknown(id))?;
                if import.state == ImportState::Finished && !import.dry_run {
                    remove_uploads(&import);
                    let merging = merge_by_itself(self.platform, self.cx.scope.org());
                    if let Err(error) = merging.await {
                        // The import is done; what is left waits for the next one.
                        tracing::warn!(import = %import.id, %error, "customers could not be merged");
                    }
                }
                Ok(import)
            }
            Err(ImportError::Elsewhere) => Err(ImportError::Elsewhere),
            Err(error) => {
                // Best effort: the reason of the failure matters more than that it cannot be noted.
                let _ = self.note_failure(&error).await;
                Err(error)
            }
        }
    }

    async fn note_failure(&mut self, error: &ImportError) -> Result<(), DbError> {
        let mut tx = self.platform.db.begin().await?;
        let running = [ImportState::Running];
        imports::transition(&mut tx, self.cx, self.import.id, &running, ImportState::Failed)
            .await?;
        self.import.error = Some(error.to_string());
        imports::save(&mut tx, self.cx.scope, &self.import).await?;
        tx.commit().await
    }

    async fn read_all(
        &mut self,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<(), ImportError> {
        let mapping = self.import.request.mapping.as_deref().map(Mapping::parse).transpose()?;
        if let Some(file) = mapping.as_ref().map(Mapping::currency).transpose()?.flatten()
            && file != self.shop.currency
        {
            return Err(ImportError::Currency { file, shop: self.shop.currency });
        }
        let format =
            self.import.request.format.as_deref().and_then(|name| name.parse::<Format>().ok());
        self.warm_up().await?;
        for index in self.import.progress.file..self.import.request.files.len() {
            if index != self.import.progress.file {
                self.import.progress.file = index;
                self.import.progress.rows_done = 0;
            }
            let (mut races, mut batches) = (0, self.import.progress.batches);
            loop {
                let read = self.reading_of(index, format, mapping.clone());
                match self.take_in(read, report).await? {
                    Taken::Whole => break,
                    Taken::Stopped => return Ok(()),
                    Taken::Raced(error) if races == RACES_MAX => return Err(error.into()),
                    Taken::Raced(_) => {
                        races = if self.import.progress.batches == batches { races + 1 } else { 1 };
                        batches = self.import.progress.batches;
                        self.resolver.lost_race();
                        self.seen = Seen::unknown();
                    }
                }
            }
        }
        Ok(())
    }

    /// The reading of a file from where this import stands in it.
    fn reading_of(
        &self,
        index: usize,
        format: Option<Format>,
        mapping: Option<Mapping>,
    ) -> ReadFile {
        let file = self.import.request.files[index].clone();
        ReadFile {
            index,
            format: format.or_else(|| file.format.as_deref().and_then(|f| f.parse().ok())),
            mapping,
            context: ReaderContext { sheet: file.sheet.clone(), ..reader_context(&self.shop) },
            skip_rows: self.import.progress.rows_done,
            space: match self.shop.channel.account_family() {
                Some(family) => AccountSpace::new(family),
                None => AccountSpace::of_shop(self.shop.number),
            },
            keys: self.keys.clone(),
            batch_orders: self.batch_orders,
            file,
        }
    }

    /// Reads ahead what saves asking the database for every row, where the files are large.
    async fn warm_up(&mut self) -> Result<(), ImportError> {
        let mut tx = self.platform.db.read().await?;
        if self.import.progress.batches == 0
            && !commerce::store::shop_has_orders(&mut tx, self.cx.scope, self.shop.number).await?
        {
            self.seen = Seen::empty_shop();
        }
        if self.import.progress.bytes_total > READ_AHEAD_BYTES {
            self.resolver.read_ahead(&mut tx, self.cx).await?;
        }
        Ok(())
    }

    /// Takes one file in, from where the import stands to its end.
    async fn take_in(
        &mut self,
        read: ReadFile,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<Taken, ImportError> {
        let bytes_before: u64 =
            self.import.request.files[..read.index].iter().map(|file| file.size_bytes).sum();
        let (out, mut chunks) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || {
            if let Err(error) = read.run(&out) {
                let _ = out.blocking_send(Err(error));
            }
        });
        let mut taken = Taken::Whole;
        let mut at = Instant::now();
        while let Some(chunk) = chunks.recv().await {
            match self.write(chunk?, bytes_before, at).await {
                Ok(true) => {}
                Ok(false) => {
                    taken = Taken::Stopped;
                    break;
                }
                Err(ImportError::Db(error @ DbError::Duplicate { .. })) => {
                    taken = Taken::Raced(error);
                    break;
                }
                Err(error) => return Err(error),
            }
            at = Instant::now();
            report(&self.import);
        }
        drop(chunks);
        reading.await.map_err(|error| ImportError::Reader(error.to_string()))?;
        Ok(taken)
    }

    /// Writes one chunk in one transaction; says whether to go on.
    async fn write(
        &mut self,
        chunk: Chunk,
        bytes_before: u64,
        began: Instant,
    ) -> Result<bool, ImportError> {
        let cx = self.cx;
        let mut tx = self.platform.db.begin().await?;
        let state = imports::lock_state(&mut tx, cx.scope, self.import.id).await?;
        if state != ImportState::Running {
            return Ok(false);
        }
        let stored = imports::get(&mut tx, cx.scope, self.import.id)
            .await?
            .ok_or(ImportError::Unknown(self.import.id))?;
        if stored.progress.batches != self.import.progress.batches {
            return Err(ImportError::Elsewhere);
        }

        let Chunk { reports, sightings, mut rejects, skipped, rows_done, bytes_read } = chunk;
        let known =
            Known::look_up(&mut tx, cx.scope, self.shop.number, &self.seen, &reports).await?;
        let changed: Vec<usize> =
            (0..reports.len()).filter(|index| !known.is_unchanged(&reports[*index])).collect();
        let sightings: Vec<&Sighting> = changed.iter().map(|index| &sightings[*index]).collect();
        let resolved = self.resolver.resolve(&mut tx, cx, &self.keys, &sightings).await?;
        let buyers: batch::Buyers = changed
            .iter()
            .zip(&resolved.customers)
            .filter_map(|(index, customer)| Some((*index, (*customer)?)))
            .collect();
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
        let mut applied = batch::apply(&mut tx, cx, &self.keys, &mut self.seen, of).await?;

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
        imports::keep_rejects(
            &mut tx,
            cx,
            &self.keys,
            self.import.number,
            progress.rejected,
            rejects,
        )
        .await?;
        let created: HashSet<CustomerId> = resolved.created.iter().copied().collect();
        progress.rows_read += rows_done - progress.rows_done;
        progress.rows_done = rows_done;
        progress.bytes_read = bytes_before + bytes_read;
        progress.orders_created += applied.tally.created;
        progress.orders_updated += applied.tally.updated;
        progress.orders_unchanged += applied.tally.unchanged;
        progress.lines_created += applied.tally.lines_created;
        progress.customers_created += created.len() as u64;
        progress.customers_matched += self.count_matched(&resolved.customers);
        progress.rejected += rejected;
        progress.skipped += skipped;
        progress.seconds += began.elapsed().as_secs_f64();
        progress.batches += 1;
        if self.import.dry_run {
            self.count_dry(numbers, &applied, &mut progress);
            // The counts of a dry run are kept, what it would have written is not.
            tx.rollback().await?;
            self.resolver.rolled_back();
            self.import.progress = progress;
            let mut tx = self.platform.db.begin().await?;
            imports::save(&mut tx, cx.scope, &self.import).await?;
            tx.commit().await?;
            return Ok(true);
        }
        let journal =
            serde_json::to_value(&resolved).map_err(|error| DbError::Refused(error.to_string()))?;
        batch::undo::keep(
            &mut tx,
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
            outbox::push(&mut tx, cx, &OrdersChangedV1::of(touched)).await?;
        }
        let before = std::mem::replace(&mut self.import.progress, progress);
        let written = async {
            imports::save(&mut tx, cx.scope, &self.import).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            self.import.progress = before;
            self.resolver.lost_race();
            return Err(error.into());
        }
        Ok(true)
    }

    /// Counts customers that were known before this import, each once.
    fn count_matched(&mut self, customers: &[Option<CustomerId>]) -> u64 {
        let began = self.import.created_at.millis();
        let before = self.matched.len();
        for customer in customers.iter().flatten() {
            // A UUIDv7 begins with the millisecond in which it was made.
            let value = customer.uuid().as_u128();
            if ((value >> 80) as i64) < began {
                self.matched.insert(value as u64 ^ (value >> 64) as u64);
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

/// Removes the program's own copies of an import's files.
pub fn remove_uploads(import: &Import) {
    if !import.request.uploaded {
        return;
    }
    for file in &import.request.files {
        if let Err(error) = std::fs::remove_file(&file.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(import = %import.id, %error, "an uploaded file could not be removed");
        }
    }
}

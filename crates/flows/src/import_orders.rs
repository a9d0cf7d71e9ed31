//! An order file becomes orders of known customers.
//!
//! Three things go on side by side: one thread reads, cleans and digests ([`read`]); one decides whose
//! each order is and what is new ([`prepare`]); the database takes the batch before ([`write`]): orders
//! written, rejects kept, undo kept, event pushed. A transaction takes some batches and notes the progress that
//! they make, so that after any crash the import goes on at the row after the last commit.

mod at_work;
mod begin;
mod obstacle;
mod prepare;
mod read;
mod write;

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use commerce::batch::Seen;
use commerce::formats::{Format, FormatError, Mapping, ReaderContext};
use commerce::imports::{self, Import, ImportState};
use commerce::{Shop, shops};
use kernel::ImportId;
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, Tx};
use tokio::sync::mpsc;

use crate::merge_by_itself::merge_by_itself;

pub use at_work::is_at_work;
pub(crate) use begin::blocking;
pub use begin::{ImportOrder, begin, examine, reader_context, request_of};
use prepare::{Memory, Preparer};
use read::ReadFile;
use write::Next;

/// Orders in one batch, which bounds memory.
const BATCH_ORDERS: usize = 2_500;
/// Orders in one transaction. Customers come in no order, so a transaction dirties most pages of
/// their indexes however few orders it has: larger ones write them less often.
const COMMIT_ORDERS: usize = 100_000;
/// Batches that may be read ahead of those being written.
const READ_AHEAD_BATCHES: usize = 2;
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

/// Runs an import to its end, or until it is paused or cancelled; `report` hears how far it is. What
/// it hears between two commits is undone if the second fails.
///
/// Safe to call again after any crash: it goes on behind the last commit.
///
/// # Errors
/// What stopped it; the import is then `Failed` with the reason, unless the database itself is gone.
pub async fn run(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    report: impl FnMut(&Import) + Send,
) -> Result<Import, ImportError> {
    let cut = Cut { batch_orders: BATCH_ORDERS, commit_orders: COMMIT_ORDERS };
    run_cut(platform, cx, id, cut, report).await
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
    report: impl FnMut(&Import) + Send,
) -> Result<Import, ImportError> {
    run_cut(platform, cx, id, Cut { batch_orders, commit_orders: 1 }, report).await
}

/// How an import is cut: so many orders in a batch, and at least so many in a transaction of whole
/// batches.
#[derive(Clone, Copy)]
struct Cut {
    batch_orders: usize,
    commit_orders: usize,
}

async fn run_cut(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    cut: Cut,
    mut report: impl FnMut(&Import) + Send,
) -> Result<Import, ImportError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    // Locked before it is read, so that a last commit of who worked on it before is seen.
    match imports::lock_state(&mut tx, cx.scope, id).await {
        Err(DbError::NotFound) => return Err(ImportError::Unknown(id)),
        state => state?,
    };
    let mut import = imports::get(&mut tx, cx.scope, id).await?.ok_or(ImportError::Unknown(id))?;
    // Who goes on with it from the command line asks for that as who does so in pages.
    let stopped = [ImportState::Paused, ImportState::Failed];
    if stopped.contains(&import.state) {
        imports::transition(&mut tx, cx, id, &stopped, ImportState::Queued).await?;
    }
    let runnable =
        [ImportState::Queued, ImportState::Running, ImportState::Paused, ImportState::Failed];
    if !imports::transition(&mut tx, cx, id, &runnable, ImportState::Running).await? {
        return Err(ImportError::NotRunnable { id, state: import.state });
    }
    let shop = match import.shop_number {
        Some(number) => shops::by_number(&mut tx, cx, number).await?,
        None => import.request.new_shop.clone().filter(|_| import.dry_run).map(Shop::unmade),
    }
    .ok_or(ImportError::NotRunnable { id, state: import.state })?;
    import.state = ImportState::Running;
    import.error = None;
    imports::save(&mut tx, cx.scope, &import).await?;
    tx.commit().await?;

    let _at_work = at_work::AtWork::begin(platform, id);
    let keys = platform.keys(cx.scope.org());
    let worker = Worker {
        platform,
        cx,
        preparer: Preparer::new(cx, &keys, &shop, &import),
        keys,
        shop,
        import,
        memory: Memory::default(),
        matched: HashSet::new(),
        matched_now: Vec::new(),
        dry_numbers: HashSet::new(),
        cut,
        open: None,
        measured: false,
        reported: Instant::now(),
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
    /// What an order is prepared by, beside what is remembered of those before.
    preparer: Preparer,
    memory: Memory,
    /// Customers of earlier imports that came again, as digests.
    matched: HashSet<u64>,
    /// Those of them that came in the open transaction.
    matched_now: Vec<u64>,
    /// Orders that a dry run would have made.
    dry_numbers: HashSet<String>,
    cut: Cut,
    /// The transaction that batches are written in until it is time to commit.
    open: Option<Open>,
    /// Whether the database has measured its tables since this run began.
    measured: bool,
    /// When whoever watches was last told.
    reported: Instant,
}

/// A transaction with some batches in it.
struct Open {
    tx: Tx,
    since: Instant,
    orders: usize,
    /// The progress to go back to if it fails.
    before: imports::Progress,
    /// Rejects of a dry run, which are kept in the transaction after this.
    rejects: Vec<imports::RejectedRow>,
}

impl Open {
    /// Seconds that the import has taken, those of this transaction among them.
    fn seconds(&self) -> f64 {
        self.before.seconds + self.since.elapsed().as_secs_f64()
    }
}

impl Worker<'_> {
    async fn run(
        mut self,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<Import, ImportError> {
        match self.read_all(report).await {
            Ok(()) => {
                let mut tx = self.platform.db.begin_for(self.cx.scope).await?;
                let running = [ImportState::Running];
                let id = self.import.id;
                imports::transition(&mut tx, self.cx, id, &running, ImportState::Finished).await?;
                let import = imports::get(&mut tx, self.cx.scope, id).await?;
                tx.commit().await?;
                let import = import.ok_or(ImportError::Unknown(id))?;
                if import.state == ImportState::Finished && !import.dry_run {
                    remove_uploads(&import);
                    report(&import);
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
        let mut tx = self.platform.db.begin_for(self.cx.scope).await?;
        let running = [ImportState::Running];
        imports::transition(&mut tx, self.cx, self.import.id, &running, ImportState::Failed)
            .await?;
        self.import.error = Some(obstacle::obstacle(error, &self.import.request.files));
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
            space: crate::identity_space::of_shop(&self.shop),
            keys: self.keys.clone(),
            batch_orders: self.cut.batch_orders,
            file,
        }
    }

    /// Reads ahead what saves asking the database for every row, where the files are large.
    async fn warm_up(&mut self) -> Result<(), ImportError> {
        let mut tx = self.platform.db.read_for(self.cx.scope).await?;
        if self.import.progress.batches > 0 {
            let (began, matched) = (self.import.created_at, &mut self.matched);
            commerce::store::each_customer_of_import(
                &mut tx,
                self.cx.scope,
                self.import.number,
                |customer| matched.extend(write::matched_digest(customer, began)),
            )
            .await?;
        } else if !commerce::store::shop_has_orders(&mut tx, self.cx.scope, self.shop.number)
            .await?
        {
            self.memory.seen = Seen::empty_shop();
        }
        if self.import.progress.bytes_total > READ_AHEAD_BYTES {
            self.memory.resolver.read_ahead(&mut tx, self.cx).await?;
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
        let (out, mut chunks) = mpsc::channel(READ_AHEAD_BATCHES);
        let reading = tokio::task::spawn_blocking(move || {
            if let Err(error) = read.run(&out) {
                let _ = out.blocking_send(Err(error));
            }
        });
        let mut next = None;
        let taken = loop {
            let following = match next.take() {
                Some(next) => next,
                None => Next::read(chunks.recv().await),
            };
            let prepared = match following {
                Next::End => break Taken::Whole,
                Next::Failed(error) => {
                    self.commit(report).await?;
                    return Err(error);
                }
                Next::Ready(prepared) => Ok(Some(prepared)),
                Next::Chunk(chunk) => self.prepare(chunk).await,
            };
            let written = match prepared {
                Ok(None) => break Taken::Stopped,
                Ok(Some(prepared)) => {
                    self.write(*prepared, bytes_before, &mut chunks, report).await
                }
                Err(error) => Err(error),
            };
            match written {
                Ok(following) => next = following,
                Err(ImportError::Db(error @ DbError::Duplicate { .. })) => {
                    break Taken::Raced(error);
                }
                Err(error) => return Err(error),
            }
        };
        drop(chunks);
        let reading = reading.await;
        // First of all: no other transaction begins while this one is open.
        self.commit(report).await?;
        reading.map_err(|error| ImportError::Reader(error.to_string()))?;
        Ok(taken)
    }
}

/// Removes the program's own copies of an import's files, and the folder that was made for them.
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
    for file in &import.request.files {
        if let Some(folder) = Path::new(&file.path).parent() {
            // Refused while there is anything in it, which is what is wanted.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

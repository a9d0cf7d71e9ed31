//! An order file becomes orders of known customers.
//!
//! One thread reads, cleans and digests; the other side writes batches. Each batch is one transaction:
//! buyers resolved, orders written, rejects kept, undo kept, progress noted, event pushed. So after
//! any crash the import goes on at the row after the last committed batch.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use commerce::batch::{self, Batch, BatchOf, Known, Report, Seen};
use commerce::events::OrdersChangedV1;
use commerce::formats::{Entry, Format, FormatError, Mapping, OrderReader, ReaderContext};
use commerce::imports::{self, Import, ImportFile, ImportRequest, ImportState, RejectedRow};
use commerce::record::OrderRecord;
use commerce::{Shop, shops};
use customers::AccountSpace;
use customers::resolve::{Resolver, SeenIdentity, Sighting};
use kernel::{CustomerId, ImportId, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, outbox};
use tokio::sync::mpsc;

/// Orders in one transaction. Larger batches write fewer index pages twice; smaller ones hold less
/// memory and let other writers in sooner.
const BATCH_ORDERS: usize = 10_000;
/// Entries in one batch, orders or not, so that a file of rejects does not gather in memory.
const BATCH_ENTRIES: usize = 20_000;
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

/// What a person asks for.
#[derive(Debug, Clone, Default)]
pub struct ImportOrder {
    /// The files, with the names people know them by.
    pub files: Vec<(String, PathBuf)>,
    /// Format, or `None` to detect it.
    pub format: Option<Format>,
    /// Text of a mapping, for generic files.
    pub mapping: Option<String>,
    /// Whether nothing shall be kept.
    pub dry_run: bool,
    /// Whether the files are the program's own copies.
    pub uploaded: bool,
}

/// Looks into the files: format, encoding and columns of each, order reports before item reports.
///
/// # Errors
/// `Format` says what a file is not, and what to do.
pub fn examine(
    order: &ImportOrder,
    context: &ReaderContext,
) -> Result<Vec<ImportFile>, ImportError> {
    let mapping = order.mapping.as_deref().map(Mapping::parse).transpose()?;
    let mut files = Vec::new();
    for (name, path) in &order.files {
        let sheets = if mapping.is_none() && order.format.is_none() {
            commerce::formats::sheets_to_import(path)?
        } else {
            Vec::new()
        };
        let sheets: Vec<Option<String>> = if sheets.is_empty() {
            vec![None]
        } else {
            sheets.into_iter().map(|choice| Some(choice.sheet)).collect()
        };
        for sheet in sheets {
            let context = ReaderContext { sheet: sheet.clone(), ..context.clone() };
            let reader = OrderReader::open(path, order.format, mapping.clone(), &context)?;
            files.push((
                reader.format() == Format::TaobaoItems,
                ImportFile {
                    name: name.clone(),
                    path: path.display().to_string(),
                    size_bytes: std::fs::metadata(path).map_or(0, |meta| meta.len()),
                    format: Some(reader.format().to_string()),
                    encoding: Some(reader.encoding().to_owned()),
                    sheet,
                    header: reader.header(),
                },
            ));
        }
    }
    // An item report says nothing of the buyer, so the orders must be there first.
    files.sort_by_key(|(is_items, _)| *is_items);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// Begins an import of `order` into `shop`, or finds the same one that was begun and not ended.
///
/// # Errors
/// As [`examine`], or as the database says.
pub async fn begin(
    platform: &Platform,
    cx: &Ctx,
    shop: &Shop,
    order: &ImportOrder,
    state: ImportState,
) -> Result<Import, ImportError> {
    let (request, fingerprint) = request_of(order.clone(), reader_context(shop)).await?;
    let mut tx = platform.db.begin().await?;
    if !order.dry_run
        && let Some(import) =
            imports::unfinished(&mut tx, cx.scope, shop.number, &fingerprint).await?
    {
        tx.rollback().await?;
        return Ok(import);
    }
    let import = imports::create(
        &mut tx,
        cx,
        Some(shop.number),
        state,
        order.dry_run,
        &fingerprint,
        request,
    )
    .await?;
    tx.commit().await?;
    Ok(import)
}

/// Looks into the files of an order; gives what an import keeps of it, and its fingerprint.
///
/// # Errors
/// As [`examine`].
pub async fn request_of(
    order: ImportOrder,
    context: ReaderContext,
) -> Result<(ImportRequest, String), ImportError> {
    blocking(move || {
        let files = examine(&order, &context)?;
        let fingerprint = fingerprint(&files, order.mapping.as_deref());
        let request = ImportRequest {
            files,
            format: order.format.map(|format| format.to_string()),
            mapping: order.mapping,
            uploaded: order.uploaded,
        };
        Ok((request, fingerprint))
    })
    .await
}

/// The reader's settings for files of `shop`.
#[must_use]
pub fn reader_context(shop: &Shop) -> ReaderContext {
    ReaderContext { zone: shop.zone, currency: shop.currency, sheet: None }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ImportError::Reader(error.to_string()))?
}

/// Recognises the same files again: size, both ends, format and mapping.
fn fingerprint(files: &[ImportFile], mapping: Option<&str>) -> String {
    use sha2::{Digest as _, Sha256};
    use std::io::{Read as _, Seek as _, SeekFrom};
    const END_BYTES: u64 = 64 * 1024;
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.size_bytes.to_be_bytes());
        for part in [&file.format, &file.sheet] {
            digest.update(part.as_deref().unwrap_or_default());
            digest.update([0]);
        }
        if let Ok(mut source) = std::fs::File::open(&file.path) {
            let mut bytes = Vec::new();
            let _ = (&mut source).take(END_BYTES).read_to_end(&mut bytes);
            if source.seek(SeekFrom::End(-(END_BYTES.min(file.size_bytes) as i64))).is_ok() {
                let _ = source.take(END_BYTES).read_to_end(&mut bytes);
            }
            digest.update(&bytes);
        }
    }
    digest.update(mapping.unwrap_or_default());
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// One order as read, with its buyer as seen.
struct Chunk {
    reports: Vec<Report>,
    sightings: Vec<Sighting>,
    rejects: Vec<RejectedRow>,
    skipped: u64,
    rows_done: u64,
    bytes_read: u64,
}

struct ReadFile {
    index: usize,
    file: ImportFile,
    format: Option<Format>,
    mapping: Option<Mapping>,
    context: ReaderContext,
    skip_rows: u64,
    space: AccountSpace,
    keys: OrgKeys,
    batch_orders: usize,
}

impl ReadFile {
    /// Reads the file to its end, handing over chunks; stops early when nobody takes them.
    fn run(self, out: &mpsc::Sender<Result<Chunk, ImportError>>) -> Result<(), ImportError> {
        let path = Path::new(&self.file.path);
        let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
        if size != self.file.size_bytes && path.exists() {
            return Err(ImportError::FileChanged(self.file.name.clone()));
        }
        let mut reader = OrderReader::open(path, self.format, self.mapping.clone(), &self.context)?;
        if self.skip_rows > 0 {
            reader.skip_rows(self.skip_rows);
        }
        let mut buffer = String::new();
        let mut chunk = self.empty_chunk();
        let mut entries = 0;
        while let Some(entry) = reader.next() {
            match entry {
                Entry::Order(record, _) => {
                    chunk.sightings.push(sighting(&self.keys, self.space, &record));
                    chunk.reports.push(Report::new(&self.keys, *record, self.index, &mut buffer));
                }
                Entry::Rejected(reject) => chunk.rejects.push(RejectedRow {
                    file: self.file.name.clone(),
                    line: reject.line,
                    column: reject.column,
                    reason: reject.reason,
                    raw: reject.raw,
                    order_no: reject.order_no,
                }),
                Entry::Skipped { .. } => chunk.skipped += 1,
            }
            entries += 1;
            if reader.at_boundary()
                && (chunk.reports.len() >= self.batch_orders || entries >= BATCH_ENTRIES)
            {
                chunk.rows_done = reader.rows_read();
                chunk.bytes_read = reader.bytes_read();
                entries = 0;
                if out.blocking_send(Ok(std::mem::replace(&mut chunk, self.empty_chunk()))).is_err()
                {
                    return Ok(());
                }
            }
        }
        chunk.rows_done = reader.rows_read();
        chunk.bytes_read = reader.bytes_read();
        let _ = out.blocking_send(Ok(chunk));
        Ok(())
    }

    fn empty_chunk(&self) -> Chunk {
        Chunk {
            reports: Vec::with_capacity(self.batch_orders),
            sightings: Vec::with_capacity(self.batch_orders),
            rejects: Vec::new(),
            skipped: 0,
            rows_done: 0,
            bytes_read: 0,
        }
    }
}

/// What a record tells of its buyer.
fn sighting(keys: &OrgKeys, space: AccountSpace, record: &OrderRecord) -> Sighting {
    let buyer = &record.buyer;
    let account =
        buyer.account.as_deref().and_then(|text| SeenIdentity::account(keys, space, text));
    let mut contacts = Vec::new();
    for text in [&buyer.email, &buyer.phone, &buyer.pay_account, &record.receiver.mobile] {
        let Some(text) = text.as_deref() else { continue };
        let seen = SeenIdentity::email(keys, text).or_else(|| SeenIdentity::phone(keys, text));
        if let Some(seen) = seen
            && !contacts.contains(&seen)
        {
            contacts.push(seen);
        }
    }
    Sighting {
        account,
        contacts,
        name: buyer.name.clone().or_else(|| record.receiver.name.clone()),
        country: buyer.country.clone(),
        province: record.receiver.province.clone(),
        city: record.receiver.city.clone(),
        seen_at: record.ordered_at,
    }
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
            let file = self.import.request.files[index].clone();
            let read = ReadFile {
                index,
                format: format.or_else(|| file.format.as_deref().and_then(|f| f.parse().ok())),
                mapping: mapping.clone(),
                context: ReaderContext { sheet: file.sheet.clone(), ..reader_context(&self.shop) },
                skip_rows: self.import.progress.rows_done,
                space: match self.shop.channel.account_family() {
                    Some(family) => AccountSpace::new(family),
                    None => AccountSpace::of_shop(self.shop.number),
                },
                keys: self.keys.clone(),
                batch_orders: self.batch_orders,
                file,
            };
            if !self.take_in(read, report).await? {
                return Ok(());
            }
        }
        Ok(())
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

    /// Takes one file in; says whether to go on with the next.
    async fn take_in(
        &mut self,
        read: ReadFile,
        report: &mut (impl FnMut(&Import) + Send),
    ) -> Result<bool, ImportError> {
        let bytes_before: u64 =
            self.import.request.files[..read.index].iter().map(|file| file.size_bytes).sum();
        let (out, mut chunks) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || {
            if let Err(error) = read.run(&out) {
                let _ = out.blocking_send(Err(error));
            }
        });
        let mut at = Instant::now();
        while let Some(chunk) = chunks.recv().await {
            let chunk = chunk?;
            let mut races = 0;
            loop {
                match self.write(&chunk, bytes_before, at).await {
                    Ok(true) => break,
                    Ok(false) => return Ok(false),
                    Err(ImportError::Db(DbError::Duplicate { .. })) if races < RACES_MAX => {
                        races += 1;
                        self.resolver.lost_race();
                        self.seen = Seen::unknown();
                    }
                    Err(error) => return Err(error),
                }
            }
            at = Instant::now();
            report(&self.import);
        }
        reading.await.map_err(|error| ImportError::Reader(error.to_string()))?;
        Ok(true)
    }

    /// Writes one chunk in one transaction; says whether to go on.
    async fn write(
        &mut self,
        chunk: &Chunk,
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

        let known =
            Known::look_up(&mut tx, cx.scope, self.shop.number, &self.seen, &chunk.reports).await?;
        let changed: Vec<usize> = (0..chunk.reports.len())
            .filter(|index| !known.is_unchanged(&chunk.reports[*index]))
            .collect();
        let sightings: Vec<Sighting> =
            changed.iter().map(|index| chunk.sightings[*index].clone()).collect();
        let resolved = self.resolver.resolve(&mut tx, cx, &self.keys, &sightings).await?;
        let buyers: batch::Buyers = changed
            .iter()
            .zip(&resolved.customers)
            .filter_map(|(index, customer)| Some((*index, (*customer)?)))
            .collect();
        let of = Batch {
            of: BatchOf { shop_number: self.shop.number, import_number: self.import.number },
            known,
            reports: &chunk.reports,
            buyers: &buyers,
        };
        let applied = batch::apply(&mut tx, cx, &self.keys, &mut self.seen, of).await?;

        let mut rejects = chunk.rejects.clone();
        rejects.extend(applied.refused.iter().map(|(index, undated)| RejectedRow {
            file: self.import.request.files[chunk.reports[*index].file].name.clone(),
            line: chunk.reports[*index].record.line,
            column: None,
            reason: undated.to_string(),
            raw: chunk.reports[*index].record.raw.clone().unwrap_or_default(),
            order_no: None,
        }));
        let mut progress = self.import.progress.clone();
        imports::keep_rejects(
            &mut tx,
            cx,
            &self.keys,
            self.import.number,
            progress.rejected,
            rejects.clone(),
        )
        .await?;
        let created: HashSet<CustomerId> = resolved.created.iter().copied().collect();
        progress.rows_read += chunk.rows_done - progress.rows_done;
        progress.rows_done = chunk.rows_done;
        progress.bytes_read = bytes_before + chunk.bytes_read;
        progress.orders_created += applied.tally.created;
        progress.orders_updated += applied.tally.updated;
        progress.orders_unchanged += applied.tally.unchanged;
        progress.lines_created += applied.tally.lines_created;
        progress.customers_created += created.len() as u64;
        progress.customers_matched += self.count_matched(&resolved.customers);
        progress.rejected += rejects.len() as u64;
        progress.skipped += chunk.skipped;
        progress.seconds += began.elapsed().as_secs_f64();
        progress.batches += 1;
        if self.import.dry_run {
            self.count_dry(chunk, &applied, &mut progress);
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
        batch::keep_for_undo(
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

    /// Corrects the counts of a dry run for orders that an earlier batch would have made.
    fn count_dry(
        &mut self,
        chunk: &Chunk,
        applied: &batch::Applied,
        progress: &mut imports::Progress,
    ) {
        let refused: HashSet<usize> = applied.refused.iter().map(|(index, _)| *index).collect();
        let mut again = 0;
        for (index, report) in chunk.reports.iter().enumerate() {
            let number = &report.record.external_no;
            if refused.contains(&index) {
                continue;
            }
            if self.dry_numbers.len() < 10_000_000 && !self.dry_numbers.insert(number.clone()) {
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

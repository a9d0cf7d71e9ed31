//! The reading side: one thread reads, cleans and digests.

use std::path::Path;

use commerce::batch::Report;
use commerce::formats::{Entry, Format, Mapping, OrderReader, ReaderContext};
use commerce::imports::{ImportFile, RejectedRow};
use commerce::record::OrderRecord;
use customers::AccountSpace;
use customers::resolve::{SeenIdentity, Sighting};
use platform::crypto::OrgKeys;
use tokio::sync::mpsc;

use super::ImportError;

/// Entries in one batch, orders or not, so that a file of rejects does not gather in memory.
const BATCH_ENTRIES: usize = 20_000;

/// Orders as read, with their buyers as seen.
pub(super) struct Chunk {
    pub(super) reports: Vec<Report>,
    pub(super) sightings: Vec<Sighting>,
    pub(super) rejects: Vec<RejectedRow>,
    pub(super) skipped: u64,
    pub(super) rows_done: u64,
    pub(super) bytes_read: u64,
}

pub(super) struct ReadFile {
    pub(super) index: usize,
    pub(super) file: ImportFile,
    pub(super) format: Option<Format>,
    pub(super) mapping: Option<Mapping>,
    pub(super) context: ReaderContext,
    pub(super) skip_rows: u64,
    pub(super) space: AccountSpace,
    pub(super) keys: OrgKeys,
    pub(super) batch_orders: usize,
}

impl ReadFile {
    /// Reads the file to its end, handing over chunks; stops early when nobody takes them.
    pub(super) fn run(
        self,
        out: &mpsc::Sender<Result<Chunk, ImportError>>,
    ) -> Result<(), ImportError> {
        let path = Path::new(&self.file.path);
        let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
        if size != self.file.size_bytes && path.exists() {
            return Err(ImportError::FileChanged(self.file.name.clone()));
        }
        let mut reader = OrderReader::open(path, self.format, self.mapping.clone(), &self.context)?;
        reader.keep_orders_whole()?;
        if self.skip_rows > 0 {
            reader.skip_rows(self.skip_rows);
        }
        let mut buffer = Vec::new();
        let mut chunk = self.empty_chunk();
        let mut entries = 0;
        while let Some(entry) = reader.next() {
            match entry {
                Entry::Order(record, _) => {
                    chunk.sightings.push(sighting(&self.keys, self.space, &record));
                    chunk.reports.push(Report::new(&self.keys, *record, self.index, &mut buffer));
                }
                Entry::Rejected(reject) => chunk.rejects.push(RejectedRow {
                    file_no: self.index,
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
        of: None,
    }
}

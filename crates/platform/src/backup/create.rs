//! Making a backup.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;

use super::cut::{Cutter, PieceSizes};
use super::error::BackupError;
use super::keys::BackupKeys;
use super::manifest::{Manifest, Piece, SavedTable};
use super::repository::Repository;
use super::rows::RowSum;
use super::tables::{self, Table};
use super::{blocking, name_at};
use crate::db::RowSink;
use crate::{DbError, Platform, Tx};

/// Pieces that wait to be sealed. With the one being gathered and the one being sealed they are what
/// a backup needs of memory, however much data there is.
const WAITING: usize = 1;

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Its name in its folder.
    pub backup: String,
    /// Hash of the data in it.
    pub data_hash: String,
    /// What it holds.
    pub tables: Vec<TableRows>,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of the rows.
    pub bytes: u64,
    /// Pieces it consists of.
    pub pieces: u64,
    /// Bytes of their files.
    pub stored_bytes: u64,
    /// Pieces that were not there before.
    pub new_pieces: u64,
    /// Bytes of their files.
    pub new_bytes: u64,
}

/// A table in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRows {
    /// Its name.
    pub name: String,
    /// How many rows it had.
    pub rows: u64,
}

/// Makes a backup of all data into `folder`, of one moment, while others write. Pieces that are
/// there already are not stored again; those that no backup names are removed.
///
/// # Errors
/// `Busy` if somebody else is at work in the folder, `Disk`, `Unfit`, or as the database says. Then
/// there is no new backup, and the earlier ones are as they were.
pub async fn create(platform: &Platform, folder: &Path) -> Result<Created, BackupError> {
    let keys = BackupKeys::new(&platform.master);
    let target = folder.to_owned();
    let repository = Arc::new(blocking(move || Repository::to_write(&target)).await?);
    let mut tx = platform.db.read_wide().await?;
    // Sealed with the old master key, it would hold keys that only the new one opens.
    crate::meta::see_master_key(&mut tx, platform).await?;
    // SQLite takes its snapshot with the first read, so what comes before is not in it.
    let migrations = tables::versions(&mut tx).await?;
    let created_at = platform.now();
    let all = tables::tables(&mut tx, migrations.keys().map(String::as_str)).await?;
    let outbox_head = tables::outbox_head(&mut tx).await?;

    let (sender, receiver) = mpsc::channel(WAITING);
    let sealer = Sealer { repository: repository.clone(), keys: keys.clone(), tables: saved(&all) };
    let sealing = tokio::task::spawn_blocking(move || sealer.run(receiver));
    let read = read_all(&mut tx, &all, &keys, sender).await;
    let ended = tx.rollback().await;
    let sealed = sealing.await.map_err(|error| DbError::Unavailable(error.to_string()))?;
    // If both failed, the reading did because nobody sealed.
    let Sealed { tables, new_pieces, new_bytes, sums } = sealed?;
    read?;
    ended?;

    let database = if platform.db.is_postgres() { "postgresql" } else { "sqlite" };
    let mut manifest = Manifest {
        created_at,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        database: database.to_owned(),
        migrations,
        outbox_head,
        data_hash: String::new(),
        tables,
    };
    manifest.data_hash = manifest.hash_of(sums.into_iter());
    let mut random = [0; 15];
    platform.ids.fill(&mut random);
    let backup = name_at(created_at, random[12..14].try_into().unwrap_or_default());
    let created = told(&backup, &manifest, new_pieces, new_bytes);
    let nonce = *random.first_chunk().unwrap_or(&[0; 12]);
    blocking(move || finish(&repository, &keys, &backup, &manifest, nonce)).await?;
    Ok(created)
}

fn finish(
    repository: &Repository,
    keys: &BackupKeys,
    name: &str,
    manifest: &Manifest,
    nonce: [u8; 12],
) -> Result<(), BackupError> {
    let file = manifest.seal(keys, name, nonce).map_err(BackupError::disk(Path::new(name)))?;
    repository.put_manifest(name, &file)?;
    repository.sweep(keys)?;
    Ok(())
}

fn told(name: &str, manifest: &Manifest, new_pieces: u64, new_bytes: u64) -> Created {
    let sum =
        |value: fn(&Piece) -> u64| manifest.pieces().map(|(_, piece)| value(piece)).sum::<u64>();
    Created {
        backup: name.to_owned(),
        data_hash: manifest.data_hash.clone(),
        tables: manifest
            .tables
            .iter()
            .map(|table| TableRows { name: table.name.clone(), rows: table.rows })
            .collect(),
        rows: manifest.tables.iter().map(|table| table.rows).sum(),
        bytes: sum(|piece| piece.bytes),
        pieces: sum(|_| 1),
        stored_bytes: sum(|piece| piece.stored_bytes),
        new_pieces,
        new_bytes,
    }
}

fn saved(tables: &[Table]) -> Vec<SavedTable> {
    let saved = |table: &Table| SavedTable {
        name: table.name.clone(),
        columns: table.columns.clone(),
        rows: 0,
        sum: String::new(),
        pieces: Vec::new(),
    };
    tables.iter().map(saved).collect()
}

/// Rows of the table at this place.
struct Gathered {
    table: usize,
    rows: Vec<u8>,
}

async fn read_all(
    tx: &mut Tx,
    tables: &[Table],
    keys: &BackupKeys,
    sender: mpsc::Sender<Gathered>,
) -> Result<(), BackupError> {
    for (at, table) in tables.iter().enumerate() {
        let key = (0..table.columns.len()).map(|column| table.key.contains(&column)).collect();
        let cutter = Cutter::new(PieceSizes::default(), keys.cuts(), key);
        let mut gatherer = Gatherer { table: at, cutter, sender: &sender };
        table.read(tx, &mut gatherer).await?;
        gatherer.flush().await?;
    }
    Ok(())
}

/// Hands pieces to whoever seals them.
struct Gatherer<'a> {
    table: usize,
    cutter: Cutter,
    sender: &'a mpsc::Sender<Gathered>,
}

impl RowSink for Gatherer<'_> {
    type Error = BackupError;

    fn push(&mut self, row: &[u8]) -> bool {
        self.cutter.push(row)
    }

    async fn flush(&mut self) -> Result<(), BackupError> {
        let rows = self.cutter.take();
        if rows.is_empty() {
            return Ok(());
        }
        let sent = self.sender.send(Gathered { table: self.table, rows }).await;
        // Why it ended is what it answers itself.
        sent.map_err(|_| DbError::Unavailable("pieces are no longer taken".to_owned()).into())
    }
}

/// Seals and stores pieces, on a thread of its own.
struct Sealer {
    repository: Arc<Repository>,
    keys: BackupKeys,
    tables: Vec<SavedTable>,
}

/// What became of the pieces.
struct Sealed {
    tables: Vec<SavedTable>,
    sums: Vec<RowSum>,
    new_pieces: u64,
    new_bytes: u64,
}

impl Sealer {
    fn run(self, mut receiver: mpsc::Receiver<Gathered>) -> Result<Sealed, BackupError> {
        let sums = vec![RowSum::default(); self.tables.len()];
        let mut sealed = Sealed { tables: self.tables, sums, new_pieces: 0, new_bytes: 0 };
        while let Some(Gathered { table: at, rows }) = receiver.blocking_recv() {
            let (table, total) = (&mut sealed.tables[at], &mut sealed.sums[at]);
            let unfit = |error: super::rows::NoRow| BackupError::Unfit {
                table: table.name.clone(),
                detail: error.to_string(),
            };
            let sum = RowSum::of(&rows).map_err(unfit)?;
            let name = self.keys.piece_name(&table.name, &rows);
            let stored = self.repository.put_piece(&self.keys, &name, &table.name, &rows)?;
            total.add(sum);
            (table.rows, table.sum) = (total.rows(), total.text());
            table.pieces.push(Piece {
                name,
                rows: sum.rows(),
                bytes: rows.len() as u64,
                stored_bytes: stored.bytes,
            });
            sealed.new_pieces += u64::from(stored.is_new);
            sealed.new_bytes += if stored.is_new { stored.bytes } else { 0 };
        }
        Ok(sealed)
    }
}

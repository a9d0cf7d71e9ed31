//! Restoring a backup.

use std::path::Path;

use kernel::Timestamp;
use serde::Serialize;
use sqlx::AssertSqlSafe;
use tokio::sync::mpsc;

use super::error::{BackupError, Damage};
use super::keys::BackupKeys;
use super::manifest::{Manifest, SavedTable};
use super::repository::Repository;
use super::rows::{RowSum, ValueKind};
use super::tables::{self, Table};
use crate::crypto::MasterKey;
use crate::db::RowSink;
use crate::{Db, DbError, Migration, Tx, meta};

/// Pieces that are read ahead of the database.
const AHEAD: usize = 1;

/// A backup that was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Its name in its folder.
    pub backup: String,
    /// The moment of the data.
    pub created_at: Timestamp,
    /// Hash of the data, in the backup and read back.
    pub data_hash: String,
    /// Tables.
    pub tables: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Whether the tables were brought up to date afterwards.
    pub migrated: bool,
}

/// A backup that can be restored: its manifest opened and this program knows its tables.
pub struct Choice {
    repository: Repository,
    keys: BackupKeys,
    name: String,
    manifest: Manifest,
    /// Its tables are older than those of the program.
    is_older: bool,
}

/// Opens the newest backup in `folder`, or the one that is named, to restore it by a program with
/// these `migrations`. Blocks.
///
/// # Errors
/// `NoBackup`, `NoSuchBackup`, `Busy`, `Disk`; `Damaged`, also for another key; `Newer`.
pub fn choose(
    master: &MasterKey,
    migrations: &[Migration],
    folder: &Path,
    only: Option<&str>,
) -> Result<Choice, BackupError> {
    let keys = BackupKeys::new(master);
    let repository = Repository::to_read(folder)?;
    let names = repository.names()?;
    let newest = names.last().ok_or_else(|| BackupError::NoBackup(folder.to_owned()))?;
    let name = only.unwrap_or(newest).to_owned();
    if !names.contains(&name) {
        return Err(BackupError::NoSuchBackup { folder: folder.to_owned(), name });
    }
    let (manifest, _) = repository.manifest(&keys, &name)?;
    let is_older = refuse_newer(&name, &manifest, migrations)?;
    Ok(Choice { repository, keys, name, manifest, is_older })
}

/// Under it stands, in the facts about the installation, the backup that was restored and is not to be used yet.
const UNFINISHED: &str = "restored_not_erased";

impl Choice {
    /// The name of the backup in its folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A backup that was restored by somebody who had more to do, and was kept from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name in its folder.
    pub backup: String,
    /// How much there was to do.
    pub more: usize,
}

/// The backup that was restored into `db` by somebody who had more to do, and was kept from it.
///
/// # Errors
/// As the database says, also if it has no tables.
pub async fn unfinished_restore(db: &Db) -> Result<Option<Unfinished>, DbError> {
    let mut tx = db.read_wide().await?;
    let noted = meta::get(&mut tx, UNFINISHED).await?;
    tx.rollback().await?;
    let unfinished = |text: String| {
        let (backup, more) = text.split_once(' ')?;
        Some(Unfinished { backup: backup.to_owned(), more: more.parse().ok()? })
    };
    noted
        .map(|text| unfinished(text).ok_or_else(|| DbError::Refused(format!("{UNFINISHED}: ?"))))
        .transpose()
}

/// Lets the data be used that was restored with more to do.
///
/// # Errors
/// As the database says.
pub async fn finish_restore(db: &Db) -> Result<(), DbError> {
    let mut tx = db.begin_wide().await?;
    meta::remove(&mut tx, UNFINISHED).await?;
    tx.commit().await
}

/// Restores `choice` into the empty `db`, reads it back and compares, all in one transaction: a restore
/// that is killed or refused leaves the database empty, to be tried again. Tables of an older program
/// are brought up to date at the end. With `more` to do the data is not to be used before [`finish_restore`], whatever
/// comes between.
///
/// # Errors
/// `NotEmpty`, `Damaged`, `Unfit`, `Differs`, or as the database says.
pub async fn restore(
    db: &Db,
    migrations: &[Migration],
    choice: Choice,
    more: usize,
) -> Result<Restored, BackupError> {
    let Choice { repository, keys, name, manifest, is_older } = choice;
    let mut tx = db.begin_wide().await?;
    let tables = empty_tables(&mut tx, &manifest, migrations).await?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    let reader = Reader { repository, keys, manifest: manifest.clone() };
    let reading = tokio::task::spawn_blocking(move || reader.run(&sender));
    fill(&mut tx, &tables, receiver).await?;
    // It ended well or said through the channel what was wrong, unless it panicked.
    reading.await.map_err(|error| DbError::Unavailable(error.to_string()))?;
    tables::set_outbox_head(&mut tx, manifest.outbox_head).await?;
    let restored = hash(&mut tx, &tables, &manifest).await?;
    if restored != manifest.data_hash {
        return Err(BackupError::Differs { saved: manifest.data_hash, restored });
    }
    if tx.is_postgres() {
        for table in &tables {
            // It would measure by itself, but not before the first questions.
            tx.execute(AssertSqlSafe(format!("ANALYZE \"{}\"", table.name)), vec![]).await?;
        }
    }
    if more > 0 {
        meta::set(&mut tx, UNFINISHED, &format!("{name} {more}")).await?;
    }
    tx.commit().await?;
    // Also builds the second wall around the tables made here.
    db.migrate(migrations).await?;
    Ok(Restored {
        backup: name,
        created_at: manifest.created_at,
        data_hash: restored,
        tables: manifest.tables.len() as u64,
        rows: manifest.tables.iter().map(|table| table.rows).sum(),
        migrated: is_older,
    })
}

/// Gives whether the tables of the backup are older than those of the program.
fn refuse_newer(
    name: &str,
    manifest: &Manifest,
    migrations: &[Migration],
) -> Result<bool, BackupError> {
    let newest = |module: &str| {
        let of_module = migrations.iter().filter(|step| step.module == module);
        of_module.map(|step| step.version).max().unwrap_or(0)
    };
    for (module, version) in &manifest.migrations {
        let known = newest(module);
        if *version > known {
            return Err(BackupError::Newer {
                name: name.to_owned(),
                detail: format!(
                    "its {module} tables have version {version}, this program knows {known}"
                ),
            });
        }
    }
    let is_in = |step: &&Migration| step.version <= saved_version(manifest, step.module);
    Ok(migrations.iter().filter(is_in).count() < migrations.len())
}

fn saved_version(manifest: &Manifest, module: &str) -> i64 {
    manifest.migrations.get(module).copied().unwrap_or(0)
}

/// Makes the tables as they were when the backup was made, in a database that has none.
async fn empty_tables(
    tx: &mut Tx,
    manifest: &Manifest,
    migrations: &[Migration],
) -> Result<Vec<Table>, BackupError> {
    let modules = || migrations.iter().map(|step| step.module);
    crate::db::lock_migrations(tx).await?;
    if let Some(name) = tables::holds_data(tx, modules()).await? {
        return Err(BackupError::NotEmpty(name));
    }
    let is_in = |step: &&Migration| step.version <= saved_version(manifest, step.module);
    let steps: Vec<Migration> = migrations.iter().filter(is_in).copied().collect();
    crate::db::migrate_in(tx, &steps).await?;
    let tables = tables::tables(tx, modules()).await?;
    let is_same = |(made, saved): &(&Table, &SavedTable)| {
        made.name == saved.name && made.columns == saved.columns
    };
    let same = tables.iter().zip(&manifest.tables).take_while(is_same).count();
    if same < tables.len().max(manifest.tables.len()) {
        let made = tables.get(same).map(|table| &table.name);
        let saved = manifest.tables.get(same).map(|table| &table.name);
        let table = made.or(saved).cloned().unwrap_or_default();
        let detail = "this program and the backup do not agree on its columns".to_owned();
        return Err(BackupError::Unfit { table, detail });
    }
    for table in &tables {
        // Migrations may have put rows there, which the backup has, too.
        tx.execute(AssertSqlSafe(format!("DELETE FROM \"{}\"", table.name)), vec![]).await?;
    }
    Ok(tables)
}

/// What is read ahead: a table's place and rows of it.
type Read = Result<(usize, Vec<u8>), Damage>;

/// Reads pieces, on a thread of its own.
struct Reader {
    repository: Repository,
    keys: BackupKeys,
    manifest: Manifest,
}

impl Reader {
    fn run(self, sender: &mpsc::Sender<Read>) {
        for (at, table) in self.manifest.tables.iter().enumerate() {
            for piece in &table.pieces {
                let Self { repository, keys, .. } = &self;
                let rows = repository.piece(keys, &piece.name, &table.name, piece.bytes);
                let is_over = rows.is_err();
                if sender.blocking_send(rows.map(|rows| (at, rows))).is_err() || is_over {
                    return;
                }
            }
        }
    }
}

async fn fill(
    tx: &mut Tx,
    tables: &[Table],
    mut receiver: mpsc::Receiver<Read>,
) -> Result<(), BackupError> {
    let columns: Vec<Vec<(String, ValueKind)>> = tables
        .iter()
        .map(|table| {
            table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect()
        })
        .collect();
    while let Some(read) = receiver.recv().await {
        let (at, rows) = read?;
        tx.write_rows(&tables[at].name, &columns[at], &rows).await?;
    }
    Ok(())
}

/// The hash of the data that `tx` sees.
async fn hash(tx: &mut Tx, tables: &[Table], manifest: &Manifest) -> Result<String, BackupError> {
    let mut sums = Vec::with_capacity(tables.len());
    for table in tables {
        let mut summing = Summing(RowSum::default());
        table.read(tx, &mut summing).await?;
        sums.push(summing.0);
    }
    let head = tables::outbox_head(tx).await?;
    Ok(Manifest { outbox_head: head, ..manifest.clone() }.hash_of(sums.into_iter()))
}

struct Summing(RowSum);

impl RowSink for Summing {
    type Error = BackupError;

    fn push(&mut self, row: &[u8]) -> bool {
        self.0.add_row(row);
        false
    }

    async fn flush(&mut self) -> Result<(), BackupError> {
        Ok(())
    }
}

//! The engine on disk: a start reads it instead of the database, and replays what came since.
//!
//! A file is only believed while the database has the mark that was set when it was written: whoever restores the
//! database to an earlier state takes the mark away with it, and so does an erasure, since the names of customers
//! stand in the file as they do in the database. Without a file that is believed the database is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use analytics::{Engine, RestoreError, Snapshot};
use kernel::{CustomerId, OrgId, Timestamp, TypedId as _};
use platform::{DbError, Platform, Position, Tx, meta, outbox};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::feed::ShopBook;
use super::follow::Turn;
use super::{EngineError, EngineHandle, apart};

/// Fewer customers are read from the database about as quickly.
const SAVED_FROM: usize = 50_000;
/// How often what changed is saved.
const SAVE_EVERY: Duration = Duration::from_mins(10);
/// The version of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// The mark of a file that is being written.
const WRITING: &str = "writing";
/// Whoever writes a file has done so within this time, or has ended.
const WRITING_MILLIS: u64 = 3_600_000;
/// An erasure is written down no longer than this before its transaction ends.
const ERASING_MILLIS: u64 = 24 * 3_600_000;
/// For so long after a change it is looked at whether a file may still be read: an erasure takes its mark back once
/// more after it ended.
const DOUBT: Duration = Duration::from_secs(5);
/// Bytes written at a time.
const BUFFER: usize = 1 << 20;

/// What stands in the file beside the columns.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// Which version of the program wrote it: another one may read the database otherwise.
    pub(super) program: String,
    pub(super) stamp: Uuid,
    pub(super) position: Position,
}

/// When and what was saved last.
#[derive(Debug, Default)]
pub(super) struct LastSaved {
    pub(super) stamp: Option<Uuid>,
    version: u64,
    at: Option<Instant>,
    is_writing: bool,
    /// When something changed, as long as it is to be looked at whether files may still be read.
    pub(super) doubtful: Option<Instant>,
}

fn marks_of(org: OrgId) -> String {
    format!("engine_saved:{}:", org.get())
}

/// How the names of the files of an organisation begin.
fn name_begins(org: OrgId) -> String {
    format!("org-{}.", org.get())
}

fn mark(org: OrgId, stamp: Uuid) -> String {
    format!("{}{stamp}", marks_of(org))
}

/// When a stamp was made, milliseconds since 1970.
fn stamped_millis(stamp: Uuid) -> u64 {
    stamp.get_timestamp().map_or(0, |at| {
        let (seconds, nanos) = at.to_unix();
        seconds * 1_000 + u64::from(nanos) / 1_000_000
    })
}

/// Takes back what says that engines on disk may be read. An erasure does so before and after: a file that is written
/// meanwhile may still have whom it erases. The sign-in of an organisation may not write facts of the installation,
/// so it is no part of the erasure itself.
pub(crate) async fn distrust(platform: &Platform, org: OrgId) -> Result<(), DbError> {
    let mut tx = platform.db.begin_wide().await?;
    meta::remove_all(&mut tx, &marks_of(org)).await?;
    tx.commit().await
}

impl EngineHandle {
    fn saved_path(&self) -> PathBuf {
        let name = format!("{}columns", name_begins(self.scope().org()));
        self.platform().folder.join("engine").join(name)
    }

    /// Writes the engine to the data folder, readable for its owner alone. False, without a file, if somebody was
    /// erased meanwhile.
    ///
    /// # Errors
    /// As the database or the disk says.
    pub async fn save(&self) -> Result<bool, EngineError> {
        let (platform, org) = (self.platform(), self.scope().org());
        let stamp = platform.ids.uuid(platform.now());
        let mut tx = platform.db.begin_wide().await?;
        meta::set(&mut tx, &mark(org, stamp), WRITING).await?;
        tx.commit().await?;
        // Whoever was erased before the mark is gone from the engine after this, and so is the file that has them.
        self.catch_up().await?;
        self.drop_distrusted().await?;
        let turn = self.0.turn.lock().await;
        let (snapshot, progress) = (self.read().snapshot(), *self.0.progress.borrow());
        drop(turn);
        let note = Note { program: PROGRAM.to_owned(), stamp, position: progress.position };
        let path = self.saved_path();
        let unfinished = path.with_extension(format!("{stamp}.part"));
        let target = unfinished.clone();
        let written = apart(move || write(&snapshot, &note, &target)).await?;
        let is_trusted = match written {
            Ok(()) => self.trust(stamp, progress.position).await?,
            Err(_) => false,
        };
        let done = if is_trusted { fs::rename(&unfinished, &path) } else { Ok(()) };
        if !is_trusted || done.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        written.and(done).map_err(|error| unwritten(&path, &error))?;
        let mut turn = self.0.turn.lock().await;
        if is_trusted {
            turn.saved.stamp = Some(stamp);
            turn.saved.version = progress.version;
        }
        Ok(is_trusted)
    }

    /// Sets the mark of a file that was written, and takes that of the file back whose place it takes; false if it was
    /// itself taken back meanwhile.
    async fn trust(&self, stamp: Uuid, position: Position) -> Result<bool, EngineError> {
        let org = self.scope().org();
        let mut tx = self.platform().db.begin_wide().await?;
        let told = position.get().to_string();
        let is_trusted = meta::replace(&mut tx, &mark(org, stamp), WRITING, &told).await?;
        if is_trusted {
            self.take_back_others(&mut tx, Some(stamp)).await?;
        }
        tx.commit().await?;
        Ok(is_trusted)
    }

    /// Takes the marks back of all files but that of `stamp` and those that somebody may still be writing.
    async fn take_back_others(&self, tx: &mut Tx, stamp: Option<Uuid>) -> Result<(), DbError> {
        let now = u64::try_from(self.platform().now().millis()).unwrap_or(0);
        for (other, value) in self.marks(tx).await? {
            let is_written =
                value == WRITING && stamped_millis(other).saturating_add(WRITING_MILLIS) > now;
            if stamp != Some(other) && !is_written {
                meta::remove(tx, &mark(self.scope().org(), other)).await?;
            }
        }
        Ok(())
    }

    async fn marks(&self, tx: &mut Tx) -> Result<BTreeMap<Uuid, String>, DbError> {
        let prefix = marks_of(self.scope().org());
        let all = meta::all(tx, &prefix).await?;
        let read = |(key, value): (String, String)| {
            Some((key.strip_prefix(&prefix)?.parse().ok()?, value))
        };
        Ok(all.into_iter().filter_map(read).collect())
    }

    /// Saves on a task of its own if much changed since, or was read from the database.
    pub(super) async fn save_if_due(&self) {
        let progress = *self.0.progress.borrow();
        if progress.busy || !progress.ready || self.read().len() < SAVED_FROM {
            return;
        }
        let mut turn = self.0.turn.lock().await;
        let saved = &mut turn.saved;
        let is_old = saved.at.is_none_or(|at| at.elapsed() >= SAVE_EVERY);
        if saved.is_writing || !is_old || saved.version == progress.version {
            return;
        }
        saved.is_writing = true;
        saved.at = Some(Instant::now());
        drop(turn);
        let handle = self.clone();
        tokio::spawn(async move {
            let began = Instant::now();
            match handle.save().await {
                Ok(_) => tracing::info!(took = ?began.elapsed(), "customers saved"),
                Err(error) => tracing::warn!(%error, "the customer engine cannot be saved"),
            }
            handle.0.turn.lock().await.saved.is_writing = false;
        });
    }

    /// Takes the engine from disk; false if there is none that can be believed.
    ///
    /// # Errors
    /// As the database says.
    pub(super) async fn restore(&self, turn: &mut Turn) -> Result<bool, EngineError> {
        let path = self.saved_path();
        let read_note = path.clone();
        let note = apart(move || note_of(&read_note)).await?;
        // What was left by programs that ended while they wrote.
        let mut tx = self.platform().db.begin_wide().await?;
        self.take_back_others(&mut tx, note.as_ref().map(|note| note.stamp)).await?;
        tx.commit().await?;
        let Some(note) = note else { return Ok(false) };
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let known = meta::get(&mut tx, &mark(self.scope().org(), note.stamp)).await?;
        let is_believed = note.program == PROGRAM
            && known == Some(note.position.get().to_string())
            && note.position <= outbox::head(&mut tx).await?
            && outbox::can_replay_from(&mut tx, note.position).await?
            && !self.has_erased(&mut tx, &note).await?;
        let shops = ShopBook::read(&mut tx, &self.ctx()).await?;
        tx.rollback().await?;
        if !is_believed {
            tracing::info!("customers on disk are of another state of the database");
            return Ok(false);
        }
        let began = Instant::now();
        let query = self.todays(&shops)?;
        let restored = apart(move || -> Result<Engine, RestoreError> {
            let mut engine = Engine::restore(&File::open(&path)?)?.0;
            engine.warm();
            let scores = engine.rfm(&query);
            engine.set_scores(scores);
            Ok(engine)
        });
        let engine = match restored.await {
            Ok(Ok(engine)) => engine,
            Ok(Err(error)) => {
                tracing::warn!(%error, "customers are read from the database instead");
                return Ok(false);
            }
            // A file that this program cannot live with must not keep it from starting.
            Err(error) => {
                tracing::error!(%error, "customers are read from the database instead");
                return Ok(false);
            }
        };
        tracing::info!(customers = engine.len(), took = ?began.elapsed(), "customers read from disk");
        self.set_shops(shops);
        *self.write() = engine;
        self.0.progress.send_modify(|progress| progress.position = note.position);
        turn.scored_now();
        turn.live.reloaded();
        turn.saved.stamp = Some(note.stamp);
        turn.saved.at = Some(Instant::now());
        turn.saved.version = self.0.progress.borrow().version;
        Ok(true)
    }

    /// Whether somebody was erased whom the file still has. Its mark is gone then, unless the program ended between the
    /// erasure and taking the mark back.
    async fn has_erased(&self, tx: &mut Tx, note: &Note) -> Result<bool, EngineError> {
        let from = stamped_millis(note.stamp).saturating_sub(ERASING_MILLIS);
        let from = Timestamp::from_millis(i64::try_from(from).unwrap_or(0));
        let erased = customers::exports::erased_since(tx, self.scope(), from).await?;
        if erased.is_empty() {
            return Ok(false);
        }
        outbox::sequence(&self.platform().db).await?;
        // The events of an erasure are of its transaction: those that the file knows come before its position.
        let Some(news) = self.news(note.position).await? else { return Ok(true) };
        Ok(news.all || erased.iter().any(|id| news.customers.contains(&CustomerId::from_uuid(*id))))
    }

    /// Deletes files that may not be read any more, if that may be since the last time.
    pub(super) async fn drop_distrusted(&self) -> Result<(), EngineError> {
        let mut turn = self.0.turn.lock().await;
        let Some(since) = turn.saved.doubtful else { return Ok(()) };
        let is_last = since.elapsed() > DOUBT;
        let (path, own) = (self.saved_path(), name_begins(self.scope().org()));
        let listed = (path.clone(), own.clone());
        let is_none = apart(move || files_of(&listed.0, &listed.1).is_empty()).await?;
        if is_none && turn.saved.stamp.is_none() {
            turn.saved.doubtful = None;
            return Ok(());
        }
        let mut tx = self.platform().db.read_wide().await?;
        let marks = self.marks(&mut tx).await?;
        tx.rollback().await?;
        let trusted: BTreeSet<Uuid> = marks.keys().copied().collect();
        let on_disk = apart(move || delete_others(&path, &own, &trusted)).await?;
        let saved = &mut turn.saved;
        if is_last {
            saved.doubtful = None;
        }
        if saved.stamp.is_some_and(|stamp| !marks.contains_key(&stamp)) {
            saved.stamp = on_disk;
            if on_disk.is_none() {
                // So that it is saved again. The file of another server is as good as ours.
                (saved.version, saved.at) = (0, None);
            }
        }
        Ok(())
    }

    /// Deletes the file.
    pub(super) fn delete_saved(&self) {
        delete(&self.saved_path());
    }
}

/// The files in the folder of `path` whose names begin with `own`, each with the rest of its name.
fn files_of(path: &Path, own: &str) -> Vec<(PathBuf, String)> {
    let files = path.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
    let of_own = |file: fs::DirEntry| {
        let name = file.file_name().into_string().ok()?;
        Some((file.path(), name.strip_prefix(own)?.to_owned()))
    };
    files.flatten().filter_map(of_own).collect()
}

/// Deletes the files in the folder of `path` whose names begin with `own` but for those of `trusted` stamps, be they
/// finished or not; gives the stamp of the finished one that stays.
fn delete_others(path: &Path, own: &str, trusted: &BTreeSet<Uuid>) -> Option<Uuid> {
    let mut stays = None;
    for (file, rest) in files_of(path, own) {
        let is_finished = file == path;
        let stamp = if is_finished {
            note_of(path).map(|note| note.stamp)
        } else {
            rest.strip_suffix(".part").and_then(|stamp| stamp.parse().ok())
        };
        match stamp.filter(|stamp| trusted.contains(stamp)) {
            Some(stamp) if is_finished => stays = Some(stamp),
            Some(_) => {}
            None => delete(&file),
        }
    }
    stays
}

fn delete(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(%error, "an engine on disk cannot be deleted");
        }
        _ => {}
    }
}

fn unwritten(path: &Path, error: &io::Error) -> EngineError {
    EngineError::Broken(format!("it cannot be saved to {}: {error}", path.display()))
}

pub(super) fn write(snapshot: &Snapshot, note: &Note, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::with_capacity(BUFFER, options.open(path)?);
    snapshot.save(&serde_json::to_string(note)?, &mut out)?;
    out.flush()?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The note of a file, if there is one that can be read.
fn note_of(path: &Path) -> Option<Note> {
    let note = Engine::note_of_saved(&File::open(path).ok()?).inspect_err(
        |error| tracing::warn!(%error, "customers are read from the database instead"),
    );
    serde_json::from_str(&note.ok()?).ok()
}

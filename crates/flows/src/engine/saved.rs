//! The engine on disk: a start reads it instead of the database, and replays what came since.
//!
//! A file is only believed while the database has the mark that was set when it was written: whoever restores the
//! database to an earlier state takes the mark away with it, and so does an erasure, since the names of customers
//! stand in the file as they do in the database. Without a file that is believed the database is read.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use analytics::{Engine, RestoreError, Snapshot};
use kernel::OrgId;
use platform::{DbError, Platform, Position, meta, outbox};
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
/// Bytes written at a time.
const BUFFER: usize = 1 << 20;

/// What stands in the file beside the columns.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// Which version of the program wrote it: another one may read the database otherwise.
    program: String,
    stamp: Uuid,
    position: Position,
}

/// When and what was saved last.
#[derive(Debug, Default)]
pub(super) struct LastSaved {
    pub(super) stamp: Option<Uuid>,
    version: u64,
    at: Option<Instant>,
    is_writing: bool,
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
        // Whoever was erased before the mark is gone from the engine after this.
        self.catch_up().await?;
        let turn = self.0.turn.lock().await;
        let (snapshot, progress) = (self.read().snapshot(), *self.0.progress.borrow());
        let before = turn.saved.stamp;
        drop(turn);
        let note = Note { program: PROGRAM.to_owned(), stamp, position: progress.position };
        let path = self.saved_path();
        let unfinished = path.with_extension(format!("{stamp}.part"));
        let target = unfinished.clone();
        let written = apart(move || write(&snapshot, &note, &target)).await?;
        let is_trusted = match written {
            Ok(()) => self.trust(stamp, before, progress.position).await?,
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

    /// Sets the mark of a file that was written; false if it was taken back meanwhile.
    async fn trust(
        &self,
        stamp: Uuid,
        before: Option<Uuid>,
        position: Position,
    ) -> Result<bool, EngineError> {
        let org = self.scope().org();
        let mut tx = self.platform().db.begin_wide().await?;
        let told = position.get().to_string();
        let is_trusted = meta::replace(&mut tx, &mark(org, stamp), WRITING, &told).await?;
        if let Some(before) = before {
            meta::remove(&mut tx, &mark(org, before)).await?;
        }
        tx.commit().await?;
        Ok(is_trusted)
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
        let Ok(Some(note)) = apart(move || note_of(&read_note)).await else { return Ok(false) };
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let known = meta::get(&mut tx, &mark(self.scope().org(), note.stamp)).await?;
        let is_believed = note.program == PROGRAM
            && known == Some(note.position.get().to_string())
            && note.position <= outbox::head(&mut tx).await?
            && outbox::can_replay_from(&mut tx, note.position).await?;
        let shops = ShopBook::read(&mut tx, &self.ctx()).await?;
        tx.rollback().await?;
        if !is_believed {
            tracing::info!("customers on disk are of another state of the database");
            return Ok(false);
        }
        let began = Instant::now();
        let query = self.todays(&shops)?;
        let restored = apart(move || -> Result<Engine, RestoreError> {
            let file = File::open(&path)?;
            let mut engine = Engine::restore(file.metadata()?.len(), file)?.0;
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

    /// Deletes the file if it may not be read any more.
    pub(super) async fn drop_distrusted(&self) -> Result<(), EngineError> {
        let mut turn = self.0.turn.lock().await;
        let Some(stamp) = turn.saved.stamp else { return Ok(()) };
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let known = meta::get(&mut tx, &mark(self.scope().org(), stamp)).await?;
        tx.rollback().await?;
        if known.is_none() {
            self.delete_saved("");
            // So that it is saved again.
            turn.saved = LastSaved { is_writing: turn.saved.is_writing, ..LastSaved::default() };
        }
        Ok(())
    }

    /// Deletes what was left of files that were not finished.
    pub(super) fn delete_unfinished(&self) {
        self.delete_saved(".part");
    }

    /// Deletes the files of this organisation whose names end so.
    pub(super) fn delete_saved(&self, ending: &str) {
        let path = self.saved_path();
        let own = name_begins(self.scope().org());
        let files =
            path.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
        for file in files.flatten() {
            let is_own = |name: &str| name.starts_with(&own) && name.ends_with(ending);
            let is_own = file.file_name().to_str().is_some_and(is_own);
            if is_own && let Err(error) = fs::remove_file(file.path()) {
                tracing::error!(%error, "an engine on disk cannot be deleted");
            }
        }
    }
}

fn unwritten(path: &Path, error: &io::Error) -> EngineError {
    EngineError::Broken(format!("it cannot be saved to {}: {error}", path.display()))
}

fn write(snapshot: &Snapshot, note: &Note, path: &Path) -> io::Result<()> {
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
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let note = Engine::note_of_saved(size, file).inspect_err(
        |error| tracing::warn!(%error, "customers are read from the database instead"),
    );
    serde_json::from_str(&note.ok()?).ok()
}

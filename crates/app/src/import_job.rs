//! Imports that run in the background of the server.

use async_trait::async_trait;
use commerce::import_view::ImportView;
use commerce::imports::{self, Import, ImportState, Obstacle};
use commerce::shops;
use flows::import_orders::{self, ImportError};
use flows::show_imports;
use flows::undo_import::{self, UndoError};
use kernel::ImportId;
use platform::live::Topic;
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// Kind of the job that runs an import.
pub const IMPORT: &str = "commerce.import";
/// Kind of the job that takes one back.
pub const UNDO: &str = "commerce.undo_import";

/// What both jobs are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportPayload {
    /// The import.
    pub import: ImportId,
    /// Where it stood before, for an import that turns out not to be undoable.
    pub was: ImportState,
}

/// Runs imports.
#[derive(Debug, Clone, Copy)]
pub struct RunImport;

/// Takes imports back.
#[derive(Debug, Clone, Copy)]
pub struct UndoImport;

fn context(platform: &Platform, job: &Job) -> Ctx {
    platform.ctx(Scope::system(job.scope.org()))
}

/// Tells open pages how an import stands.
pub async fn publish(platform: &Platform, cx: &Ctx, import: &Import) {
    let keys = platform.keys(cx.scope.org());
    let view = async {
        let mut tx = platform.db.read_for(cx.scope).await?;
        show_imports::view(&mut tx, cx, &keys, import).await
    };
    if let Ok(view) = view.await {
        platform.live.publish(cx.scope.org(), Topic::Import, &view);
    }
}

#[async_trait]
impl JobHandler for RunImport {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let ImportPayload { import: id, .. } = job.payload()?;
        let cx = context(platform, job);
        let shops = {
            let mut tx = platform.db.read_for(cx.scope).await?;
            let state = imports::get(&mut tx, cx.scope, id).await?.map(|import| import.state);
            if !matches!(state, Some(ImportState::Queued | ImportState::Running)) {
                // Paused or cancelled before its turn came.
                return Ok(JobOutcome::Done);
            }
            shops::all(&mut tx, &cx).await?
        };
        let hub = platform.live.clone();
        let org = cx.scope.org();
        let running = import_orders::run(platform, &cx, id, |import| {
            hub.publish(org, Topic::Import, &ImportView::of(import, &shops));
        });
        let done = tokio::select! {
            done = running => done,
            // The batch at work is rolled back; the next run goes on behind the last committed one.
            () = cancel.cancelled() => return Err(JobError::Cancelled),
        };
        match done {
            Ok(import) => {
                publish(platform, &cx, &import).await;
                Ok(JobOutcome::Done)
            }
            Err(ImportError::NotRunnable { .. } | ImportError::Unknown(_)) => Ok(JobOutcome::Done),
            Err(ImportError::Db(error)) if error.is_transient() => Err(JobError::retry(error)),
            Err(error @ ImportError::Elsewhere) => Err(JobError::retry(error)),
            // The import says itself why it failed; a person resumes it or not.
            Err(_) => {
                if let Ok(mut tx) = platform.db.read_for(cx.scope).await
                    && let Ok(Some(import)) = imports::get(&mut tx, cx.scope, id).await
                {
                    drop(tx);
                    publish(platform, &cx, &import).await;
                }
                Ok(JobOutcome::Done)
            }
        }
    }
}

#[async_trait]
impl JobHandler for UndoImport {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        _: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let ImportPayload { import: id, was } = job.payload()?;
        let cx = context(platform, job);
        match undo_import::undo(platform, &cx, id).await {
            Ok(undone) => publish(platform, &cx, &undone.import).await,
            Err(UndoError::Db(error)) if error.is_transient() => {
                return Err(JobError::retry(error));
            }
            Err(UndoError::State { .. } | UndoError::Unknown(_)) => {}
            Err(error) => put_back(platform, &cx, id, was, &error.obstacle()).await?,
        }
        Ok(JobOutcome::Done)
    }
}

/// Notes why an import could not be taken back; it is as it was.
async fn put_back(
    platform: &Platform,
    cx: &Ctx,
    id: ImportId,
    was: ImportState,
    reason: &Obstacle,
) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !imports::put_back(&mut tx, cx, id, was, reason).await? {
        return tx.rollback().await;
    }
    let import = imports::get(&mut tx, cx.scope, id).await?;
    tx.commit().await?;
    if let Some(import) = import {
        publish(platform, cx, &import).await;
    }
    Ok(())
}

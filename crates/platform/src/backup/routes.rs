//! `GET` and `POST /platform/backups`, `POST /platform/backups/verify`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{OrgId, Timestamp};
use serde::{Deserialize as _, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blocking;
use super::erasures::NOTE_ERASURES;
use super::error::BackupError;
use super::job::{self, BACKUP, BackupWork, DAILY};
use super::keys::BackupKeys;
use super::list::{BackupView, list};
use crate::http::{Cx, Idempotency};
use crate::idempotency::{self, Answer, Begun, RequestKey};
use crate::jobs::{self, JobState, JobView, OpenJob};
use crate::{Ctx, Platform, Problem};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(read, create)).routes(routes!(verify))
}

/// The backups that the server makes, and where.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Backups {
    /// The folder, on the machine of the server; null if it makes none.
    folder: Option<String>,
    /// Newest first; those that rotation keeps.
    items: Vec<BackupView>,
    /// When the next one is due by itself; null while it is made, and if none is planned.
    next_at: Option<Timestamp>,
    /// What somebody asked for, or the day's backup, if it is under way or about to begin.
    under_way: Option<BackupWork>,
    /// What went wrong since the newest backup that was found whole.
    failure: Option<String>,
    /// Why erasures are not noted beside the backups: a restore of one that is older would not know them.
    erasures_failure: Option<String>,
}

impl Backups {
    fn of(
        folder: Option<String>,
        items: Vec<BackupView>,
        jobs: &[OpenJob],
        notes: &[OpenJob],
        now: Timestamp,
    ) -> Self {
        let asked = |job: &OpenJob| {
            Option::<BackupWork>::deserialize(&job.payload)
                .ok()
                .flatten()
                .unwrap_or(BackupWork::Create)
        };
        let is_under_way = |job: &&OpenJob| match job.state {
            JobState::Running => true,
            JobState::Waiting => job.run_at <= now,
            JobState::Done | JobState::Dead => false,
        };
        let is_daily = |job: &&OpenJob| {
            job.state == JobState::Waiting && job.unique_key.as_deref() == Some(DAILY)
        };
        let whole = items.iter().filter(|backup| backup.ok == Some(true));
        let whole = whole.filter_map(|backup| backup.verified_at).max();
        let has_failed = |job: &&OpenJob| match job.state {
            JobState::Dead => whole.is_none_or(|whole| job.finished_at > Some(whole)),
            JobState::Waiting => job.last_error.is_some(),
            JobState::Running | JobState::Done => false,
        };
        Self {
            next_at: jobs.iter().find(is_daily).map(|job| job.run_at),
            under_way: jobs.iter().find(is_under_way).map(asked),
            failure: jobs.iter().find(has_failed).and_then(|job| job.last_error.clone()),
            erasures_failure: notes.iter().find_map(|job| job.last_error.clone()),
            folder,
            items,
        }
    }
}

/// Backups are of the whole installation: who works in another organisation has nothing to do with them.
fn of_first(cx: &Ctx) -> Result<(), Problem> {
    if cx.scope.org() == OrgId::FIRST {
        return Ok(());
    }
    Err(Problem::forbidden("backups are of the whole installation, which is not yours"))
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Disk { source, .. } => Self::disk(&source),
            BackupError::Db(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

/// The backups that the server makes, newest first.
#[utoipa::path(get, path = "/platform/backups", tag = "platform",
    extensions(("x-right" = json!("platform.backups"))),
    responses((status = 200, body = Backups), Problem))]
async fn read(State(platform): State<Platform>, Cx(cx): Cx) -> Result<Json<Backups>, Problem> {
    of_first(&cx)?;
    let Some(folder) = platform.backups.clone() else {
        return Ok(Json(Backups::of(None, Vec::new(), &[], &[], platform.now())));
    };
    let mut tx = platform.db.read_for(cx.scope).await?;
    let jobs = jobs::open_of_kind(&mut tx, cx.scope, BACKUP).await?;
    let notes = jobs::open_of_kind(&mut tx, cx.scope, NOTE_ERASURES).await?;
    tx.rollback().await?;
    let keys = BackupKeys::new(&platform.master);
    let shown = folder.display().to_string();
    let items = blocking(move || list(&keys, &folder)).await?;
    Ok(Json(Backups::of(Some(shown), items, &jobs, &notes, platform.now())))
}

/// Makes a backup now, in the background, and checks it.
#[utoipa::path(post, path = "/platform/backups", tag = "platform",
    extensions(("x-right" = json!("platform.backups"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = JobView), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    begin(&platform, &cx, key, BackupWork::Create).await
}

/// Checks all backups, in the background: every byte of them is read.
#[utoipa::path(post, path = "/platform/backups/verify", tag = "platform",
    extensions(("x-right" = json!("platform.backups"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = JobView), Problem))]
async fn verify(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    begin(&platform, &cx, key, BackupWork::Verify).await
}

async fn begin(
    platform: &Platform,
    cx: &Ctx,
    key: Option<RequestKey>,
    asked: BackupWork,
) -> Result<Answer, Problem> {
    of_first(cx)?;
    if platform.backups.is_none() {
        return Err(Problem::conflict(
            "no_backups",
            "this server was started without backups; start it with --backups DIR",
        ));
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let id = job::ask(&mut tx, cx, asked).await?;
    let job = jobs::get(&mut tx, cx.scope, id).await?;
    let job = job.ok_or_else(|| Problem::not_found("job"))?;
    let answer = ticket.finish(&mut tx, cx, StatusCode::ACCEPTED, &job).await?;
    tx.commit().await?;
    Ok(answer)
}

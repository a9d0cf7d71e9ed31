//! The queue's SQL.

use kernel::{Cursor, JobId, Limit, OrgId, Page, Timestamp, TypedId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::Job;
use crate::audit::{self, Entry};
use crate::background::short;
use crate::db::args::in_list;
use crate::{Arg, Ctx, DbError, ListError, Scope, Tx, args};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// For its time, or its turn.
    Waiting,
    /// At work, in this or another process.
    Running,
    /// Ended well.
    Done,
    /// Given up; can be tried again by hand.
    Dead,
}

impl JobState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "waiting" => Self::Waiting,
            "running" => Self::Running,
            "done" => Self::Done,
            _ => Self::Dead,
        }
    }
}

/// A job as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: i64,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// When it may begin.
    pub run_at: Timestamp,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
}

/// How a job is enqueued.
#[derive(Debug, Clone)]
pub struct JobOptions {
    /// Not before this time; now if absent.
    pub run_at: Option<Timestamp>,
    /// Higher goes first; 0 is usual.
    pub priority: i16,
    /// How often it is tried before it is dead.
    pub max_attempts: u32,
    /// At most one job of this kind and key waits: another one becomes the same job, at the earlier of
    /// the two times. One that already runs does not count, since it may have begun too early.
    pub unique_key: Option<String>,
}

impl JobOptions {
    /// A job that stands by: one of its kind and `key` waits, and it is tried until it goes well, so that it has not
    /// ended for ever because the database was away for long.
    #[must_use]
    pub fn standing(key: &str) -> Self {
        Self { unique_key: Some(key.to_owned()), max_attempts: u32::MAX, ..Self::default() }
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self { run_at: None, priority: 0, max_attempts: 10, unique_key: None }
    }
}

/// Enqueues a job of `kind` as part of `tx`: it runs if, and only if, `tx` commits.
///
/// # Errors
/// As the database says.
pub async fn enqueue(
    tx: &mut Tx,
    cx: &Ctx,
    kind: &'static str,
    payload: &(impl Serialize + Sync),
    options: JobOptions,
) -> Result<JobId, DbError> {
    let payload = crate::db::json_text(payload)?;
    let now = cx.now();
    let (id,): (Uuid,) = tx
        .fetch_one(
            "INSERT INTO platform_jobs (org_id, id, kind, payload, actor, state, priority, run_at,
                 attempts, max_attempts, unique_key, created_at)
             VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7, 0, $8, $9, $10)
             ON CONFLICT (org_id, kind, unique_key)
                 WHERE state = 'waiting' AND unique_key IS NOT NULL
             DO UPDATE SET run_at = CASE WHEN excluded.run_at < platform_jobs.run_at
                 THEN excluded.run_at ELSE platform_jobs.run_at END
             RETURNING id",
            args![
                cx.scope.org_arg(),
                cx.fresh::<JobId>(),
                kind,
                payload,
                cx.scope.user_id(),
                options.priority,
                options.run_at.unwrap_or(now),
                options.max_attempts.max(1),
                options.unique_key,
                now
            ],
        )
        .await?;
    Ok(JobId::from_uuid(id))
}

/// Notes as part of `tx` how far `job` came: should it run again, it does so with this payload. From then on it is a
/// job of its own: whoever asks for the whole of it by its unique key gets another one.
///
/// # Errors
/// As the database says.
pub async fn checkpoint(
    tx: &mut Tx,
    job: &Job,
    payload: &(impl Serialize + Sync),
) -> Result<(), DbError> {
    let payload = crate::db::json_text(payload)?;
    tx.execute(
        "UPDATE platform_jobs SET payload = $3, unique_key = NULL WHERE org_id = $1 AND id = $2",
        args![job.scope.org_arg(), job.id, payload],
    )
    .await
    .map(drop)
}

/// Whether a job of `kind` waits or runs.
///
/// # Errors
/// As the database says.
pub async fn is_open(tx: &mut Tx, scope: Scope, kind: &'static str) -> Result<bool, DbError> {
    let found: Option<(i32,)> = tx
        .fetch_optional(
            "SELECT 1 FROM platform_jobs
              WHERE org_id = $1 AND state IN ('waiting', 'running') AND kind = $2 LIMIT 1",
            args![scope.org_arg(), kind],
        )
        .await?;
    Ok(found.is_some())
}

/// A job that was taken to be run, with the token by which its runner is known.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub job: Job,
    pub token: Uuid,
}

/// Whether a job of `kinds` could be taken now.
pub(super) async fn is_due(
    tx: &mut Tx,
    kinds: &[&'static str],
    now: Timestamp,
) -> Result<bool, DbError> {
    for (state, time) in [("waiting", "run_at"), ("running", "lease_until")] {
        let (list, mut values) = in_list(2, kinds.iter().map(|kind| Arg::from(*kind)).collect());
        values.insert(0, Arg::from(now));
        let sql = format!(
            "SELECT 1 FROM platform_jobs WHERE state = '{state}' AND {time} <= $1
             AND kind IN ({list}) LIMIT 1"
        );
        if tx.fetch_optional::<(i32,)>(AssertSqlSafe(sql), values).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

type ClaimRow = (i64, Uuid, String, String, Option<Uuid>, i64, i64);

/// Takes the next job of `kinds`: one whose runner was killed, or the most urgent that waits.
pub(super) async fn claim(
    tx: &mut Tx,
    kinds: &[&'static str],
    token: Uuid,
    now: Timestamp,
    lease_millis: i64,
) -> Result<Option<Lease>, DbError> {
    bury_exhausted(tx, now).await?;
    let skip = if tx.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
    let choices = [
        ("state = 'running' AND lease_until <= $1", "lease_until, id"),
        ("state = 'waiting' AND run_at <= $1", "priority DESC, run_at, id"),
    ];
    for (condition, order) in choices {
        let (list, values) = in_list(4, kinds.iter().map(|kind| Arg::from(*kind)).collect());
        let sql = format!(
            "UPDATE platform_jobs SET state = 'running', attempts = attempts + 1, lease_token = $2,
                 lease_until = $3
             WHERE (org_id, id) IN (SELECT org_id, id FROM platform_jobs
                 WHERE {condition} AND kind IN ({list}) ORDER BY {order} LIMIT 1 {skip})
             RETURNING org_id, id, kind, payload, actor, attempts, max_attempts"
        );
        let mut arguments = args![now, token, now.plus_millis(lease_millis)];
        arguments.extend(values);
        let row: Option<ClaimRow> = tx.fetch_optional(AssertSqlSafe(sql), arguments).await?;
        if let Some((org, id, kind, payload, actor, attempts, max_attempts)) = row {
            let org = OrgId::new(org as i32);
            let scope =
                actor.map_or(Scope::system(org), |id| Scope::user(org, UserId::from_uuid(id)));
            let job = Job {
                id: JobId::from_uuid(id),
                scope,
                kind,
                // It was written by `enqueue`.
                payload: serde_json::from_str(&payload).unwrap_or_default(),
                attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
                max_attempts: u32::try_from(max_attempts).unwrap_or(u32::MAX),
            };
            return Ok(Some(Lease { job, token }));
        }
    }
    Ok(None)
}

/// A job that ended its process with every attempt would do so for ever.
async fn bury_exhausted(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE platform_jobs SET state = 'dead', lease_token = NULL, lease_until = NULL,
             finished_at = $1, last_error = 'the process that ran it ended, each time'
         WHERE state = 'running' AND lease_until <= $1 AND attempts >= max_attempts",
        args![now],
    )
    .await
    .map(drop)
}

/// Keeps a lease alive; `false` if it was lost.
pub(super) async fn renew(tx: &mut Tx, lease: &Lease, until: Timestamp) -> Result<bool, DbError> {
    let mut arguments = lease_args(lease);
    arguments.push(until.into());
    let renewed = tx
        .execute(
            "UPDATE platform_jobs SET lease_until = $4
             WHERE org_id = $1 AND id = $2 AND lease_token = $3 AND state = 'running'",
            arguments,
        )
        .await?;
    Ok(renewed == 1)
}

fn lease_args(lease: &Lease) -> Vec<Arg> {
    args![lease.job.scope.org_arg(), lease.job.id, lease.token]
}

/// Notes the end of a job; `false` if the lease was lost.
pub(super) async fn finish(
    tx: &mut Tx,
    lease: &Lease,
    state: JobState,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let mut arguments = lease_args(lease);
    arguments.extend(args![state.name(), error.map(short), now]);
    let finished = tx
        .execute(
            "UPDATE platform_jobs SET state = $4, last_error = $5, finished_at = $6,
                 lease_token = NULL, lease_until = NULL
             WHERE org_id = $1 AND id = $2 AND lease_token = $3",
            arguments,
        )
        .await?;
    Ok(finished == 1)
}

/// Has a job wait again, with `attempts` counted; `false` if the lease was lost.
pub(super) async fn put_back(
    tx: &mut Tx,
    lease: &Lease,
    run_at: Timestamp,
    attempts: u32,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let mut arguments = lease_args(lease);
    arguments.extend(args![run_at, attempts, error.map(short)]);
    let waits = tx
        .execute(
            "UPDATE platform_jobs SET state = 'waiting', run_at = $4, attempts = $5,
                 last_error = $6, lease_token = NULL, lease_until = NULL
             WHERE org_id = $1 AND id = $2 AND lease_token = $3 AND NOT EXISTS (
                 SELECT 1 FROM platform_jobs AS other WHERE other.org_id = platform_jobs.org_id
                 AND other.kind = platform_jobs.kind AND other.state = 'waiting'
                 AND other.unique_key = platform_jobs.unique_key)",
            arguments,
        )
        .await?;
    if waits == 1 {
        return Ok(true);
    }
    let replaced = "a newer job of the same key waits and does its work";
    finish(tx, lease, JobState::Done, Some(replaced), now).await
}

type ViewRow = (Uuid, String, String, i64, Option<String>, i64, i64, Option<i64>);

fn view(
    (id, kind, state, attempts, last_error, run_at, created_at, finished_at): ViewRow,
) -> JobView {
    JobView {
        id: JobId::from_uuid(id),
        kind,
        state: JobState::from_name(&state),
        attempts,
        last_error,
        run_at: Timestamp::from_millis(run_at),
        created_at: Timestamp::from_millis(created_at),
        finished_at: finished_at.map(Timestamp::from_millis),
    }
}

/// One job.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: JobId) -> Result<Option<JobView>, DbError> {
    let row: Option<ViewRow> = tx
        .fetch_optional(
            "SELECT id, kind, state, attempts, last_error, run_at, created_at, finished_at
             FROM platform_jobs WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(row.map(view))
}

/// Jobs of the organisation, newest first, in one state or in all.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    state: Option<JobState>,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<JobView>, ListError> {
    let after = match after {
        Some(cursor) => Cursor::decode::<JobId>(cursor)?.uuid(),
        None => Uuid::max(),
    };
    let mut arguments = args![scope.org_arg(), after, limit.get() as i64 + 1];
    let condition = match state {
        Some(state) => {
            arguments.push(state.name().into());
            "AND state = $4"
        }
        None => "",
    };
    let sql = format!(
        "SELECT id, kind, state, attempts, last_error, run_at, created_at, finished_at
         FROM platform_jobs WHERE org_id = $1 AND id < $2 {condition} ORDER BY id DESC LIMIT $3"
    );
    let rows: Vec<ViewRow> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let mut items: Vec<JobView> = rows.into_iter().map(view).collect();
    let more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items.last().filter(|_| more).map(|last| Cursor::encode(&last.id));
    Ok(Page { items, next })
}

/// A job of one kind that is not done, with what it was enqueued with.
#[derive(Debug, Clone)]
pub(crate) struct OpenJob {
    pub state: JobState,
    pub payload: serde_json::Value,
    pub unique_key: Option<String>,
    pub last_error: Option<String>,
    pub run_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// Jobs of `kind` that wait, run or are dead, newest first; at most 100.
pub(crate) async fn open_of_kind(
    tx: &mut Tx,
    scope: Scope,
    kind: &'static str,
) -> Result<Vec<OpenJob>, DbError> {
    type Row = (String, String, Option<String>, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = tx
        .fetch_all(
            "SELECT state, payload, unique_key, last_error, run_at, finished_at FROM platform_jobs
             WHERE org_id = $1 AND state IN ('waiting', 'running', 'dead') AND kind = $2
             ORDER BY id DESC LIMIT 100",
            args![scope.org_arg(), kind],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|(state, payload, unique_key, last_error, run_at, finished_at)| OpenJob {
            state: JobState::from_name(&state),
            payload: serde_json::from_str(&payload).unwrap_or_default(),
            unique_key,
            last_error,
            run_at: Timestamp::from_millis(run_at),
            finished_at: finished_at.map(Timestamp::from_millis),
        })
        .collect())
}

/// Why a job could not be tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is no such job in this organisation.
    #[error("there is no such job")]
    NotFound,
    /// Only dead jobs are tried again by hand.
    #[error("only a dead job can be tried again; this one is {}", .0.name())]
    NotDead(JobState),
    /// A job of the same kind and key waits already.
    #[error("a newer job of the same key waits already")]
    Replaced,
    /// As the database says.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for RetryError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Duplicate { .. } => Self::Replaced,
            other => Self::Db(other),
        }
    }
}

/// Has a dead job wait again, with all its attempts.
///
/// # Errors
/// `NotFound`, `NotDead`, or `Replaced` if a newer job does its work.
pub async fn retry(tx: &mut Tx, cx: &Ctx, id: JobId) -> Result<JobView, RetryError> {
    let waits = tx
        .execute(
            "UPDATE platform_jobs SET state = 'waiting', attempts = 0, run_at = $3,
                 finished_at = NULL
             WHERE org_id = $1 AND id = $2 AND state = 'dead'",
            args![cx.scope.org_arg(), id, cx.now()],
        )
        .await?;
    let job = get(tx, cx.scope, id).await?.ok_or(RetryError::NotFound)?;
    if waits != 1 {
        return Err(RetryError::NotDead(job.state));
    }
    audit::record(tx, cx, Entry::new("platform.job.retry").on("job", id).with("kind", &job.kind))
        .await?;
    Ok(job)
}

/// Forgets jobs of `state` that finished before `cutoff`; gives how many. At most 1,000 at once.
///
/// # Errors
/// As the database says.
pub async fn prune(tx: &mut Tx, state: JobState, cutoff: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM platform_jobs WHERE (org_id, id) IN (SELECT org_id, id FROM platform_jobs
             WHERE state = $1 AND finished_at < $2 LIMIT 1000)",
        args![state.name(), cutoff],
    )
    .await
}

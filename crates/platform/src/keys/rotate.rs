//! The next version of a key, and how far the resealing with it is.

use kernel::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::job::{self, ROTATE};
use super::place::Place;
use super::{First, KeyState, ensure, insert};
use crate::audit::{self, Entry};
use crate::crypto::SEAL;
use crate::jobs::{self, JobOptions};
use crate::{Ctx, DbError, Platform, Scope, Tx, args, meta};

/// Why keys were not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There are 65,535.
    #[error("this organisation has had all versions of keys that there are")]
    Exhausted,
    /// As the database says.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What [`begin`] found or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// The version that seals.
    pub version: i64,
    /// Whether it was made now; otherwise the resealing with it is not at its end yet.
    pub is_new: bool,
}

/// How far the resealing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// The version that seals.
    pub version: i64,
    /// How often all columns were gone through, this time included. The last one finds nothing to do.
    pub pass: i64,
    /// The column at work, from 1; one more than `columns` at the end of a pass.
    pub column: i64,
    /// How many there are.
    pub columns: i64,
    /// Values that were sealed anew.
    pub resealed: i64,
    /// When the version was made.
    pub started_at: Timestamp,
    /// When nothing was found any more.
    pub finished_at: Option<Timestamp>,
}

/// The row of `platform_resealing`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub version: i64,
    pub pass: i64,
    pub place: String,
    pub found: i64,
    pub resealed: i64,
    pub started_at: i64,
    pub finished_at: Option<i64>,
}

pub(super) async fn row(tx: &mut Tx, scope: Scope) -> Result<Option<Row>, DbError> {
    tx.fetch_optional(
        "SELECT version, pass, place, found, resealed, started_at, finished_at
         FROM platform_resealing WHERE org_id = $1",
        args![scope.org_arg()],
    )
    .await
}

/// How far the newest resealing is; `None` if keys were never replaced.
///
/// # Errors
/// As the database says.
pub async fn progress(
    tx: &mut Tx,
    scope: Scope,
    columns: &[super::Sealed],
) -> Result<Option<Progress>, DbError> {
    let count = columns.len() as i64;
    Ok(row(tx, scope).await?.map(|row| Progress {
        version: row.version,
        pass: row.pass,
        column: match row.finished_at {
            Some(_) => count + 1,
            None => Place::parse(&row.place)
                .next(columns)
                .map_or(count + 1, |(number, ..)| number as i64 + 1),
        },
        columns: count,
        resealed: row.resealed,
        started_at: Timestamp::from_millis(row.started_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
    }))
}

/// Makes the next version, which seals from the commit on, and has a job seal everything anew. While an
/// earlier resealing is not at its end, that one goes on and nothing is made.
///
/// # Errors
/// `Exhausted`; `Refused` if the master key was changed since this process started.
pub async fn begin(tx: &mut Tx, platform: &Platform, cx: &Ctx) -> Result<Begun, RotateError> {
    // Holds the row also against others who begin.
    meta::hold_master_key(tx, platform).await?;
    let now = cx.now();
    if let Some(row) = row(tx, cx.scope).await?.filter(|row| row.finished_at.is_none()) {
        job::ask(tx, cx).await?;
        return Ok(Begun { version: row.version, is_new: false });
    }
    let (newest,): (i64,) = tx
        .fetch_one(
            "SELECT COALESCE(MAX(version), 0) FROM platform_keys
             WHERE org_id = $1 AND purpose = $2",
            args![cx.scope.org_arg(), SEAL],
        )
        .await?;
    if newest == 0 {
        // It seals with those that the master key gives, which become its first ones.
        ensure(tx, platform, cx.scope.org(), First::Derived).await?;
    }
    let version = u16::try_from(newest.max(1) + 1).map_err(|_| RotateError::Exhausted)?;
    tx.execute(
        "UPDATE platform_keys SET state = $3 WHERE org_id = $1 AND purpose = $2 AND state <> $4",
        args![cx.scope.org_arg(), SEAL, KeyState::Old.name(), KeyState::Retired.name()],
    )
    .await?;
    let mut key = Zeroizing::new([0; 32]);
    platform.ids.fill(key.as_mut_slice());
    insert(tx, platform, cx.scope.org(), SEAL, version, key.as_slice()).await?;
    tx.execute(
        "INSERT INTO platform_resealing (org_id, version, pass, place, found, resealed, started_at)
         VALUES ($1, $2, 1, $3, 0, 0, $4)
         ON CONFLICT (org_id) DO UPDATE SET version = excluded.version, pass = 1,
             place = excluded.place, found = 0, resealed = 0, started_at = excluded.started_at,
             finished_at = NULL",
        args![cx.scope.org_arg(), version, Place::default().text(), now],
    )
    .await?;
    audit::record(tx, cx, Entry::new("platform.keys.rotate").with("version", version)).await?;
    job::ask(tx, cx).await?;
    Ok(Begun { version: i64::from(version), is_new: true })
}

pub(super) async fn enqueue(tx: &mut Tx, cx: &Ctx) -> Result<kernel::JobId, DbError> {
    let options = JobOptions { unique_key: Some("rotate".to_owned()), ..JobOptions::default() };
    jobs::enqueue(tx, cx, ROTATE, &(), options).await
}

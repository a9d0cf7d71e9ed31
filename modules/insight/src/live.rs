//! Live audiences as they are kept: which are live, who was told to belong to them, and the log of who entered
//! and left.
//!
//! What was told is a set as of one transition and the transitions after it, so a process that starts knows it
//! whatever became of the one before. One process tells at a time: each transaction that tells proves by
//! [`advance`] that nobody else has taken over.

mod log;
mod teller;

use std::collections::BTreeSet;

use kernel::{AudienceId, Timestamp, TypedId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, args, outbox};
use uuid::Uuid;

pub use log::{
    Cause, DayTally, KEPT_DAYS, Logged, OfPerson, Told, append, days, erase, last_of, latest,
    of_person, prune, read_after, told_since,
};
pub use teller::{
    LEASE_MILLIS, add_to_roll, advance, free_to_tell, keep_set, last_seq, move_sets, part_start,
    roll, set, take_over,
};

use crate::audiences::{AudienceStoreError, get};
use crate::events::{AudienceBegunV1, AudiencesDefinedV1};

/// An audience that is kept live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveAudience {
    /// The audience.
    pub audience: AudienceId,
    /// Since when.
    pub since: Timestamp,
    /// Whether its next definition is told.
    pub announce: bool,
    /// The definition by which its members were told, as it was written then.
    pub told: Option<String>,
    /// How many belong to it, as told last.
    pub size: u64,
    /// When somebody entered or left last.
    pub told_at: Option<Timestamp>,
    /// Why it stands still.
    pub obstacle: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    audience_id: Uuid,
    since: i64,
    announce: bool,
    told: Option<String>,
    size: i64,
    told_at: Option<i64>,
    obstacle: Option<String>,
}

impl From<Row> for LiveAudience {
    fn from(row: Row) -> Self {
        Self {
            audience: AudienceId::from_uuid(row.audience_id),
            since: Timestamp::from_millis(row.since),
            announce: row.announce,
            told: row.told,
            size: u64::try_from(row.size).unwrap_or(0),
            told_at: row.told_at.map(Timestamp::from_millis),
            obstacle: row.obstacle,
        }
    }
}

/// All live audiences.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<LiveAudience>, DbError> {
    let sql = "SELECT audience_id, since, announce, told, size, told_at, obstacle FROM insight_live
                WHERE org_id = $1 ORDER BY audience_id";
    let rows: Vec<Row> = tx.fetch_all(sql, args![scope.org_arg()]).await?;
    Ok(rows.into_iter().map(LiveAudience::from).collect())
}

/// Which audiences are live.
///
/// # Errors
/// As the database says.
pub async fn ids(tx: &mut Tx, scope: Scope) -> Result<BTreeSet<AudienceId>, DbError> {
    let sql = "SELECT audience_id FROM insight_live WHERE org_id = $1";
    let rows: Vec<(Uuid,)> = tx.fetch_all(sql, args![scope.org_arg()]).await?;
    Ok(rows.into_iter().map(|(id,)| AudienceId::from_uuid(id)).collect())
}

/// A live audience; `None` if it is not live.
///
/// # Errors
/// As the database says.
pub async fn one(
    tx: &mut Tx,
    scope: Scope,
    id: AudienceId,
) -> Result<Option<LiveAudience>, DbError> {
    let sql = "SELECT audience_id, since, announce, told, size, told_at, obstacle FROM insight_live
                WHERE org_id = $1 AND audience_id = $2";
    let row: Option<Row> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    Ok(row.map(LiveAudience::from))
}

/// Keeps an audience live from now on, or no longer, and then forgets who entered and left, but for their number by
/// day; nothing if that is so already. There are no more live
/// audiences than audiences, [`crate::audiences::AUDIENCES_MAX`].
///
/// # Errors
/// `Unknown`.
pub async fn switch(
    tx: &mut Tx,
    cx: &Ctx,
    id: AudienceId,
    live: bool,
) -> Result<(), AudienceStoreError> {
    if !live {
        teller::hold_off(tx, cx.scope).await?;
    }
    let audience = get(tx, cx.scope, id).await?.ok_or(AudienceStoreError::Unknown(id))?;
    let changed = if live {
        let sql = "INSERT INTO insight_live (org_id, audience_id, since, announce, size)
                   VALUES ($1, $2, $3, $4, 0) ON CONFLICT (org_id, audience_id) DO NOTHING";
        tx.execute(sql, args![cx.scope.org_arg(), id.uuid(), cx.now(), false]).await?
    } else {
        let done = tx
            .execute(
                "DELETE FROM insight_live WHERE org_id = $1 AND audience_id = $2",
                args![cx.scope.org_arg(), id.uuid()],
            )
            .await?;
        for sql in [
            "DELETE FROM insight_live_sets WHERE org_id = $1 AND audience_id = $2",
            "DELETE FROM insight_transitions WHERE org_id = $1 AND audience_id = $2",
        ] {
            tx.execute(sql, args![cx.scope.org_arg(), id.uuid()]).await?;
        }
        done
    };
    if changed == 0 {
        return Ok(());
    }
    let action = if live { "insight.audience.live" } else { "insight.audience.still" };
    let entry = Entry::new(action).on("audience", id).personal("name", &audience.name);
    audit::record(tx, cx, entry).await?;
    outbox::push(tx, cx, &AudiencesDefinedV1 { audience: id }).await?;
    Ok(())
}

/// Forgets everything of an audience that is deleted.
pub(crate) async fn delete(tx: &mut Tx, scope: Scope, id: AudienceId) -> Result<(), DbError> {
    teller::hold_off(tx, scope).await?;
    for sql in [
        "DELETE FROM insight_live WHERE org_id = $1 AND audience_id = $2",
        "DELETE FROM insight_live_sets WHERE org_id = $1 AND audience_id = $2",
        "DELETE FROM insight_live_days WHERE org_id = $1 AND audience_id = $2",
        "DELETE FROM insight_transitions WHERE org_id = $1 AND audience_id = $2",
    ] {
        tx.execute(sql, args![scope.org_arg(), id.uuid()]).await?;
    }
    Ok(())
}

/// Says that the next definition of these audiences is told: who enters and leaves by it.
///
/// # Errors
/// As the database says.
pub async fn announce(tx: &mut Tx, scope: Scope, ids: &[AudienceId]) -> Result<(), DbError> {
    for id in ids {
        let sql = "UPDATE insight_live SET announce = $3 WHERE org_id = $1 AND audience_id = $2";
        tx.execute(sql, args![scope.org_arg(), id.uuid(), true]).await?;
    }
    Ok(())
}

/// Forgets the numbers of customers if no audience is live.
///
/// # Errors
/// As the database says.
pub async fn forget_roll(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    let sql = "DELETE FROM insight_live_roll WHERE org_id = $1
                  AND NOT EXISTS (SELECT 1 FROM insight_live WHERE org_id = $1)";
    tx.execute(sql, args![scope.org_arg()]).await.map(drop)
}

/// Notes by which definition an audience was told from now on, and how many belong to it, and says so by an event:
/// who they are nobody was told. False if it is not live any more.
///
/// # Errors
/// As the database says.
pub async fn begin(
    tx: &mut Tx,
    cx: &Ctx,
    id: AudienceId,
    told: &str,
    size: u64,
) -> Result<bool, DbError> {
    let sql = "UPDATE insight_live SET told = $3, size = $4, announce = $5, obstacle = NULL
                WHERE org_id = $1 AND audience_id = $2";
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let done = tx.execute(sql, args![cx.scope.org_arg(), id.uuid(), told, size, false]).await?;
    if done == 1 {
        outbox::push(tx, cx, &AudienceBegunV1 { audience: id }).await?;
    }
    Ok(done == 1)
}

/// Notes why an audience stands still.
///
/// # Errors
/// As the database says.
pub async fn note_obstacle(
    tx: &mut Tx,
    scope: Scope,
    id: AudienceId,
    why: &str,
) -> Result<(), DbError> {
    let sql = "UPDATE insight_live SET obstacle = $3 WHERE org_id = $1 AND audience_id = $2";
    tx.execute(sql, args![scope.org_arg(), id.uuid(), why]).await.map(drop)
}

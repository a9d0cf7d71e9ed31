//! Writing and reading events.

use kernel::{OrgId, Timestamp};

use super::{Event, Position, StoredEvent};
use crate::{Ctx, Db, DbError, Scope, Tx, args, meta};

/// Highest position given so far, on PostgreSQL; also the lock of those who give them.
pub(crate) const POSITION_KEY: &str = "outbox_position";
/// Events up to this position may be gone.
const PRUNED_KEY: &str = "outbox_pruned_to";
/// Events deleted in one transaction.
const PRUNE_BATCH: i64 = 5_000;

/// Writes `event` as part of `tx`: it is delivered if, and only if, `tx` commits.
///
/// Write the rows it speaks of first. Their locks are what keeps events of one record in order.
///
/// # Errors
/// As the database says.
pub async fn push<E: Event>(tx: &mut Tx, cx: &Ctx, event: &E) -> Result<(), DbError> {
    let payload = crate::db::json_text(event)?;
    tx.execute(
        "INSERT INTO platform_outbox (org_id, topic, key, payload, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        args![cx.scope.org_arg(), E::TOPIC, event.key(), payload, cx.now()],
    )
    .await
    .map(drop)
}

/// The events after `position`, at most `limit`, in order. For readers that keep their own position;
/// see [`can_replay_from`].
///
/// # Errors
/// As the database says.
pub async fn read_after(
    tx: &mut Tx,
    position: Position,
    limit: u32,
) -> Result<Vec<StoredEvent>, DbError> {
    let rows: Vec<(i64, i64, String, String, String, i64)> = tx
        .fetch_all(
            "SELECT position, org_id, topic, key, payload, created_at FROM platform_outbox
             WHERE position > $1 ORDER BY position LIMIT $2",
            args![position.get(), limit],
        )
        .await?;
    Ok(rows.into_iter().map(stored_event).collect())
}

pub(super) fn stored_event(
    (position, org, topic, key, payload, created_at): (i64, i64, String, String, String, i64),
) -> StoredEvent {
    StoredEvent {
        position: Position(position),
        org: OrgId::new(org as i32),
        topic,
        key,
        payload,
        created_at: Timestamp::from_millis(created_at),
    }
}

/// The position of the newest event that `tx` sees. What the events up to it speak of is visible in
/// `tx`, too, so a reader may load the data and the head in one transaction and go on from there.
///
/// # Errors
/// As the database says.
pub async fn head(tx: &mut Tx) -> Result<Position, DbError> {
    if tx.is_postgres() {
        return Ok(Position(number(meta::get(tx, POSITION_KEY).await?)));
    }
    let row: Option<(i64,)> = tx
        .fetch_optional("SELECT seq FROM sqlite_sequence WHERE name = 'platform_outbox'", vec![])
        .await?;
    Ok(Position(row.map_or(0, |row| row.0)))
}

/// How many events of `topic` `subscriber` has still before it.
///
/// # Errors
/// As the database says.
pub async fn waiting_for(
    tx: &mut Tx,
    scope: Scope,
    subscriber: &str,
    topic: &str,
) -> Result<i64, DbError> {
    let (waiting,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM platform_outbox
              WHERE org_id = $1 AND topic = $2 AND (position IS NULL OR position >
                    COALESCE((SELECT position FROM platform_subscribers WHERE name = $3), 0))",
            args![scope.org_arg(), topic, subscriber],
        )
        .await?;
    Ok(waiting)
}

/// Whether all events after `position` are still there. If not, a reader must load its data anew.
///
/// # Errors
/// As the database says.
pub async fn can_replay_from(tx: &mut Tx, position: Position) -> Result<bool, DbError> {
    Ok(position.0 >= number(meta::get(tx, PRUNED_KEY).await?))
}

pub(super) fn number(stored: Option<String>) -> i64 {
    stored.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Deletes events written before `cutoff` that every subscriber has passed; gives how many.
///
/// # Errors
/// As the database says.
pub async fn prune(db: &Db, cutoff: Timestamp) -> Result<u64, DbError> {
    let mut total = 0;
    loop {
        let mut tx = db.begin_wide().await?;
        let (passed,): (Option<i64>,) =
            tx.fetch_one("SELECT MIN(position) FROM platform_subscribers", vec![]).await?;
        // Without subscribers nobody waits for anything.
        let passed = passed.unwrap_or(i64::MAX);
        let (last,): (Option<i64>,) = tx
            .fetch_one(
                "SELECT MAX(position) FROM (SELECT position FROM platform_outbox
                 WHERE position <= $1 AND created_at < $2 ORDER BY position LIMIT $3) AS batch",
                args![passed, cutoff, PRUNE_BATCH],
            )
            .await?;
        let Some(last) = last else { return Ok(total) };
        // Everything up to `last`, so that what remains has no holes.
        total +=
            tx.execute("DELETE FROM platform_outbox WHERE position <= $1", args![last]).await?;
        meta::set(&mut tx, PRUNED_KEY, &last.to_string()).await?;
        tx.commit().await?;
    }
}

//! Positions on PostgreSQL.
//!
//! A number from a sequence is no order of commits: a lower number may become visible after a reader
//! has passed it. Reading only below `pg_snapshot_xmin` and ordering by transaction id loses nothing,
//! but is no order of cause and effect: a transaction that got its id early (by its first write) and
//! then waited for a row lock writes its event *after* one with a higher id. It also stands still
//! while any long transaction of the cluster is open.
//!
//! So positions are given after the commit, by whoever delivers, one at a time: all committed events
//! without a position get the next ones, in the order in which they were written. If B was written
//! after A had committed, whoever sees B sees A, and A was written first: A's position is lower,
//! whether they are numbered together or not. And nothing becomes visible behind a reader.

use super::store::{POSITION_KEY, number};
use crate::{Db, DbError, args, meta};

/// Events numbered in one transaction.
const BATCH: i64 = 10_000;

/// Gives positions to committed events that have none; gives how many. Nothing to do on SQLite.
///
/// Delivery does this by itself; call it where no delivery runs and events are read.
///
/// # Errors
/// As the database says.
pub async fn sequence(db: &Db) -> Result<u64, DbError> {
    if !db.is_postgres() {
        return Ok(0);
    }
    let mut tx = db.read_wide().await?;
    let news: Option<(i64,)> = tx
        .fetch_optional("SELECT seq FROM platform_outbox WHERE position IS NULL LIMIT 1", vec![])
        .await?;
    tx.rollback().await?;
    if news.is_none() {
        return Ok(0);
    }
    let mut tx = db.begin_wide().await?;
    tx.execute(
        "INSERT INTO platform_meta (key, value) VALUES ($1, '0') ON CONFLICT (key) DO NOTHING",
        args![POSITION_KEY],
    )
    .await?;
    // One at a time. The statement after this one sees what the one before us numbered.
    let (base,): (String,) = tx
        .fetch_one("SELECT value FROM platform_meta WHERE key = $1 FOR UPDATE", args![POSITION_KEY])
        .await?;
    let base = number(Some(base));
    let numbered = tx
        .execute(
            "UPDATE platform_outbox AS o SET position = $1 + n.rank
             FROM (SELECT org_id, seq, ROW_NUMBER() OVER (ORDER BY seq) AS rank
                   FROM (SELECT org_id, seq FROM platform_outbox WHERE position IS NULL
                         ORDER BY seq LIMIT $2) AS next) AS n
             WHERE o.org_id = n.org_id AND o.seq = n.seq",
            args![base, BATCH],
        )
        .await?;
    if numbered == 0 {
        // Someone else was first. No commit: it would wake those who wait for news.
        tx.rollback().await?;
        return Ok(0);
    }
    meta::set(&mut tx, POSITION_KEY, &(base + numbered as i64).to_string()).await?;
    tx.commit().await?;
    Ok(numbered)
}

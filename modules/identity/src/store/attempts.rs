//! SQL of what is forgotten: failed attempts, and sessions that ended.

use kernel::Timestamp;
use platform::{Ctx, DbError, Scope, Tx, args};

use crate::attempts::FORGET_MILLIS;

/// Rows that housekeeping deletes at once.
const PRUNE_MAX: i64 = 100;

/// Deletes some sessions that ended and some attempts nobody remembers.
pub(crate) async fn prune(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_sessions WHERE (org_id, secret_hash) IN (
             SELECT org_id, secret_hash FROM identity_sessions
             WHERE org_id = $1 AND expires_at <= $2 LIMIT $3)",
        args![cx.scope.org_arg(), cx.now(), PRUNE_MAX],
    )
    .await?;
    tx.execute(
        "DELETE FROM identity_challenges WHERE (org_id, secret_hash) IN (
             SELECT org_id, secret_hash FROM identity_challenges
             WHERE org_id = $1 AND expires_at <= $2 LIMIT $3)",
        args![cx.scope.org_arg(), cx.now(), PRUNE_MAX],
    )
    .await?;
    tx.execute(
        "DELETE FROM identity_attempts WHERE (org_id, key) IN (
             SELECT org_id, key FROM identity_attempts
             WHERE org_id = $1 AND last_at <= $2 AND blocked_until <= $3 LIMIT $4)",
        args![cx.scope.org_arg(), cx.now().plus_millis(-FORGET_MILLIS), cx.now(), PRUNE_MAX],
    )
    .await
    .map(drop)
}

/// Counts one more failure under `key` and gives their number; `None` while the key is blocked.
pub(crate) async fn count(tx: &mut Tx, cx: &Ctx, key: &[u8]) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "INSERT INTO identity_attempts (org_id, key, failures, last_at, blocked_until)
             VALUES ($1, $2, 1, $3, 0)
             ON CONFLICT (org_id, key) DO UPDATE SET last_at = excluded.last_at, failures =
                 CASE WHEN identity_attempts.last_at <= $4 THEN 1
                      ELSE identity_attempts.failures + 1 END
             WHERE identity_attempts.blocked_until <= excluded.last_at
             RETURNING failures",
            args![cx.scope.org_arg(), key, cx.now(), cx.now().plus_millis(-FORGET_MILLIS)],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

pub(crate) async fn block(
    tx: &mut Tx,
    scope: Scope,
    key: &[u8],
    until: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_attempts SET blocked_until = $3 WHERE org_id = $1 AND key = $2",
        args![scope.org_arg(), key, until],
    )
    .await
    .map(drop)
}

pub(crate) async fn blocked_until(
    tx: &mut Tx,
    scope: Scope,
    key: &[u8],
) -> Result<Timestamp, DbError> {
    let (until,): (i64,) = tx
        .fetch_one(
            "SELECT blocked_until FROM identity_attempts WHERE org_id = $1 AND key = $2",
            args![scope.org_arg(), key],
        )
        .await?;
    Ok(Timestamp::from_millis(until))
}

pub(crate) async fn forget(tx: &mut Tx, scope: Scope, key: &[u8]) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_attempts WHERE org_id = $1 AND key = $2",
        args![scope.org_arg(), key],
    )
    .await
    .map(drop)
}

/// Takes back the one attempt that turned out well; earlier failures of the peer stay.
pub(crate) async fn forgive(tx: &mut Tx, scope: Scope, key: &[u8]) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_attempts SET failures = failures - 1, blocked_until = 0
         WHERE org_id = $1 AND key = $2 AND failures > 0",
        args![scope.org_arg(), key],
    )
    .await
    .map(drop)
}

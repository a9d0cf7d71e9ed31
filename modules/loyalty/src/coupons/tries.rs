//! Guessing codes is slow: who entered ten in vain waits.

use kernel::Timestamp;
use platform::{Ctx, DbError, Tx, args};

use super::CouponError;

/// Codes that may be wrong within [`WINDOW_MILLIS`].
pub const FAILED_MAX: i64 = 10;
/// Ten minutes from the first wrong one.
pub const WINDOW_MILLIS: i64 = 600_000;

/// Who enters codes: a customer, an address, a token; whatever the edge knows.
fn digest(cx: &Ctx, caller: &str) -> Vec<u8> {
    cx.keys().blind_index("loyalty.caller", caller).to_vec()
}

/// Refuses `caller` while too many of their codes were wrong. To be asked before a code is looked at.
///
/// # Errors
/// `TooManyTries`.
pub async fn admit(tx: &mut Tx, cx: &Ctx, caller: &str) -> Result<(), CouponError> {
    let row: Option<(i64, i64)> = tx
        .fetch_optional(
            "SELECT since, failed FROM loyalty_code_tries WHERE org_id = $1 AND caller = $2",
            args![cx.scope.org_arg(), digest(cx, caller)],
        )
        .await?;
    let Some((since, failed)) = row else { return Ok(()) };
    let left =
        Timestamp::from_millis(since).plus_millis(WINDOW_MILLIS).millis() - cx.now().millis();
    if failed >= FAILED_MAX && left > 0 {
        let retry_seconds = u32::try_from((left + 999) / 1_000).unwrap_or(u32::MAX);
        return Err(CouponError::TooManyTries { retry_seconds });
    }
    Ok(())
}

/// Notes that a code of `caller` was wrong: in a transaction of its own, since the one in which the code was looked
/// up is rolled back.
///
/// # Errors
/// As the database says.
pub async fn note_failed(tx: &mut Tx, cx: &Ctx, caller: &str) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO loyalty_code_tries (org_id, caller, since, failed) VALUES ($1, $2, $3, 1)
         ON CONFLICT (org_id, caller) DO UPDATE SET
            failed = CASE WHEN loyalty_code_tries.since > $4
                          THEN loyalty_code_tries.failed + 1 ELSE 1 END,
            since = CASE WHEN loyalty_code_tries.since > $4
                         THEN loyalty_code_tries.since ELSE excluded.since END",
        args![
            cx.scope.org_arg(),
            digest(cx, caller),
            cx.now(),
            cx.now().plus_millis(-WINDOW_MILLIS)
        ],
    )
    .await
    .map(drop)
}

/// Forgets what is long over; gives how many callers.
///
/// # Errors
/// As the database says.
pub async fn prune(tx: &mut Tx, cx: &Ctx) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM loyalty_code_tries WHERE org_id = $1 AND since <= $2",
        args![cx.scope.org_arg(), cx.now().plus_millis(-WINDOW_MILLIS)],
    )
    .await
}

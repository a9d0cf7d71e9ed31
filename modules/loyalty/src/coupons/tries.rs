//! Guessing codes is slow: who entered ten in vain waits.

use kernel::{CouponId, Timestamp};
use platform::{Ctx, Db, DbError, Tx, args};

use super::{Claimant, CouponError, claim_code};

/// Codes that may be wrong within [`WINDOW_MILLIS`].
pub const FAILED_MAX: i64 = 10;
/// Ten minutes from the first wrong one.
pub const WINDOW_MILLIS: i64 = 600_000;

/// Who enters codes: a customer, an address, a token; whatever the edge knows.
fn digest(cx: &Ctx, caller: &str) -> Vec<u8> {
    cx.keys().blind_index("loyalty.caller", caller).to_vec()
}

/// Takes one of the tries of `caller`, before a code is looked at: who asks a thousand times at once has no more of
/// them. To be committed at once, and given back ([`give_back`]) if the code was not wrong; [`enter`] does both.
///
/// # Errors
/// `TooManyTries`.
pub async fn take(tx: &mut Tx, cx: &Ctx, caller: &str) -> Result<(), CouponError> {
    let (caller, now) = (digest(cx, caller), cx.now());
    let taken = tx
        .execute(
            "INSERT INTO loyalty_code_tries (org_id, caller, since, failed) VALUES ($1, $2, $3, 1)
             ON CONFLICT (org_id, caller) DO UPDATE SET
                failed = CASE WHEN loyalty_code_tries.since > $4
                              THEN loyalty_code_tries.failed + 1 ELSE 1 END,
                since = CASE WHEN loyalty_code_tries.since > $4
                             THEN loyalty_code_tries.since ELSE excluded.since END
              WHERE loyalty_code_tries.since <= $4 OR loyalty_code_tries.failed < $5",
            args![
                cx.scope.org_arg(),
                caller.as_slice(),
                now,
                now.plus_millis(-WINDOW_MILLIS),
                FAILED_MAX
            ],
        )
        .await?;
    if taken == 1 {
        return Ok(());
    }
    let (since,): (i64,) = tx
        .fetch_one(
            "SELECT since FROM loyalty_code_tries WHERE org_id = $1 AND caller = $2",
            args![cx.scope.org_arg(), caller],
        )
        .await?;
    let left = Timestamp::from_millis(since).plus_millis(WINDOW_MILLIS).millis() - now.millis();
    let retry_seconds = u32::try_from((left + 999) / 1_000).unwrap_or(1).max(1);
    Err(CouponError::TooManyTries { retry_seconds })
}

/// Gives a try back, because the code was one.
///
/// # Errors
/// As the database says.
pub async fn give_back(tx: &mut Tx, cx: &Ctx, caller: &str) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_code_tries SET failed = failed - 1
          WHERE org_id = $1 AND caller = $2 AND failed > 0",
        args![cx.scope.org_arg(), digest(cx, caller)],
    )
    .await
    .map(drop)
}

/// Takes the coupon of the code that `caller` entered, in transactions of its own.
///
/// # Errors
/// `TooManyTries`, and those of [`claim_code`].
pub async fn enter(
    db: &Db,
    cx: &Ctx,
    caller: &str,
    entered: &str,
    claimant: Claimant<'_>,
) -> Result<CouponId, CouponError> {
    let mut tx = db.begin_for(cx.scope).await?;
    take(&mut tx, cx, caller).await?;
    tx.commit().await?;
    let mut tx = db.begin_for(cx.scope).await?;
    let claimed = claim_code(&mut tx, cx, entered, claimant).await;
    if claimed.is_err() {
        tx.rollback().await?;
        if matches!(claimed, Err(CouponError::UnknownCode)) {
            return claimed;
        }
        tx = db.begin_for(cx.scope).await?;
    }
    give_back(&mut tx, cx, caller).await?;
    tx.commit().await?;
    claimed
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

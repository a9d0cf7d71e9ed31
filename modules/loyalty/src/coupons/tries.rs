//! Guessing codes is slow: who entered ten in vain waits. Right codes cost nothing, however many.

use kernel::{CouponId, CustomerId, ShopId, Timestamp, TypedId as _};
use platform::{Ctx, Db, DbError, Tx, args};

use super::claim::find_code;
use super::{Claimant, CouponError, claim_code, code, definition};

/// Codes that may be wrong within [`WINDOW_MILLIS`].
pub const FAILED_MAX: i64 = 10;
/// That all guests of a shop together may enter wrong who have no session: nobody knows which of them it was.
pub const GUESTS_FAILED_MAX: i64 = 1_000;
/// Ten minutes from the first wrong one.
pub const WINDOW_MILLIS: i64 = 600_000;

/// Who enters codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    name: String,
    failed_max: i64,
}

impl Caller {
    /// A customer: what is claimed and what is entered at a till counts together.
    #[must_use]
    pub fn customer(id: CustomerId) -> Self {
        Self::named(format!("customer {}", id.uuid().simple()))
    }

    /// A guest whom a shop knows by a session.
    #[must_use]
    pub fn session(shop: ShopId, session: &str) -> Self {
        Self::named(format!("session {} {session}", shop.uuid().simple()))
    }

    /// All guests of a shop without a session; they keep nobody else waiting.
    #[must_use]
    pub fn guests(shop: ShopId) -> Self {
        let name = format!("guests {}", shop.uuid().simple());
        Self { name, failed_max: GUESTS_FAILED_MAX }
    }

    /// Whatever else the edge knows somebody by.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), failed_max: FAILED_MAX }
    }
}

/// What codes are entered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To have the coupon, which a code that everybody may know does not give.
    Claim,
    /// To pay less.
    Order,
}

/// Looks whether `codes` are ones, and counts those that are not to `caller`; to be committed at once, before anything
/// is told of them. Whoever enters a thousand at once waits in one queue for it, so no more of them are looked at.
///
/// # Errors
/// `TooManyTries`, also for a right one, and for all if more of them are wrong than may be; that is to be committed, too.
pub async fn look(
    tx: &mut Tx,
    cx: &Ctx,
    caller: &Caller,
    purpose: Purpose,
    codes: &[&str],
) -> Result<(), CouponError> {
    let name = cx.keys().blind_index("loyalty.caller", &caller.name).to_vec();
    let now = cx.now();
    // Keeps others of the same name waiting until the end of the transaction.
    let (since, failed): (i64, i64) = tx
        .fetch_one(
            "INSERT INTO loyalty_code_tries (org_id, caller, since, failed) VALUES ($1, $2, $3, 0)
             ON CONFLICT (org_id, caller) DO UPDATE SET
                failed = CASE WHEN loyalty_code_tries.since > $4 THEN loyalty_code_tries.failed ELSE 0 END,
                since = CASE WHEN loyalty_code_tries.since > $4 AND loyalty_code_tries.failed > 0
                             THEN loyalty_code_tries.since ELSE excluded.since END
             RETURNING since, failed",
            args![cx.scope.org_arg(), name.as_slice(), now, now.plus_millis(-WINDOW_MILLIS)],
        )
        .await?;
    let mut wrong = 0;
    if failed < caller.failed_max {
        for code in codes {
            wrong += i64::from(!is_one(tx, cx, purpose, code).await?);
        }
        if wrong > 0 {
            tx.execute(
                "UPDATE loyalty_code_tries SET failed = $3 WHERE org_id = $1 AND caller = $2",
                args![cx.scope.org_arg(), name, (failed + wrong).min(caller.failed_max)],
            )
            .await?;
        }
        if failed + wrong <= caller.failed_max {
            return Ok(());
        }
    }
    let left = Timestamp::from_millis(since).plus_millis(WINDOW_MILLIS).millis() - now.millis();
    let retry_seconds = u32::try_from((left + 999) / 1_000).unwrap_or(1).max(1);
    Err(CouponError::TooManyTries { retry_seconds })
}

async fn is_one(tx: &mut Tx, cx: &Ctx, purpose: Purpose, entered: &str) -> Result<bool, DbError> {
    let Some(normalised) = code::normalise(entered) else { return Ok(false) };
    if purpose == Purpose::Order {
        let digest = code::digest(&cx.keys(), &normalised);
        if definition::of_code(tx, cx.scope, &digest).await?.is_some() {
            return Ok(true);
        }
    }
    match find_code(tx, cx, entered).await {
        Err(CouponError::UnknownCode) => Ok(false),
        Err(CouponError::Db(error)) => Err(error),
        Ok(_) | Err(_) => Ok(true),
    }
}

/// As [`look`], in a transaction of its own.
///
/// # Errors
/// As [`look`].
pub async fn look_at(
    db: &Db,
    cx: &Ctx,
    caller: &Caller,
    purpose: Purpose,
    codes: &[&str],
) -> Result<(), CouponError> {
    if codes.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin_for(cx.scope).await?;
    let looked = look(&mut tx, cx, caller, purpose, codes).await;
    if let Err(CouponError::Db(_)) = looked {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    looked
}

/// Takes the coupon of the code that `caller` entered, in transactions of its own.
///
/// # Errors
/// `TooManyTries`, and those of [`claim_code`].
pub async fn enter(
    db: &Db,
    cx: &Ctx,
    caller: &Caller,
    entered: &str,
    claimant: Claimant<'_>,
) -> Result<CouponId, CouponError> {
    look_at(db, cx, caller, Purpose::Claim, &[entered]).await?;
    let mut tx = db.begin_for(cx.scope).await?;
    let claimed = claim_code(&mut tx, cx, entered, claimant).await;
    match claimed {
        Ok(_) => tx.commit().await?,
        Err(_) => tx.rollback().await?,
    }
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

//! Codes that somebody enters at a till: who enters many in vain waits.

use loyalty::coupons::tries;
use platform::{Ctx, Db, Problem};

use super::CheckoutError;

/// Takes a try of `caller` for each of `count` codes, before they are looked at.
///
/// # Errors
/// `TooManyTries`.
pub(super) async fn take(
    db: &Db,
    cx: &Ctx,
    caller: &str,
    count: usize,
) -> Result<(), CheckoutError> {
    if count == 0 {
        return Ok(());
    }
    let mut tx = db.begin_for(cx.scope).await?;
    for _ in 0..count {
        tries::take(&mut tx, cx, caller).await?;
    }
    Ok(tx.commit().await?)
}

/// Gives `count` tries back: so many codes were ones.
///
/// # Errors
/// As the database says.
pub(super) async fn give_back(
    db: &Db,
    cx: &Ctx,
    caller: &str,
    count: usize,
) -> Result<(), CheckoutError> {
    if count == 0 {
        return Ok(());
    }
    let mut tx = db.begin_for(cx.scope).await?;
    for _ in 0..count {
        tries::give_back(&mut tx, cx, caller).await?;
    }
    Ok(tx.commit().await?)
}

/// Whether a refusal says that a code is none.
#[must_use]
pub fn is_unknown(refused: &Problem) -> bool {
    refused.errors().iter().any(|wrong| wrong.field == "code")
}

//! Codes that somebody enters at a till: who enters many in vain waits.

use loyalty::coupons::tries::{self, Purpose};
use platform::{Ctx, Db, Problem};

use super::CheckoutError;
use super::asked::Asked;

/// Looks at the codes of an order or a cart before anything is told of them, in a transaction of its own: wrong ones are
/// counted to whoever entered them.
///
/// # Errors
/// `TooManyTries`.
pub(super) async fn look(db: &Db, cx: &Ctx, asked: &Asked) -> Result<(), CheckoutError> {
    Ok(tries::look_at(db, cx, &asked.caller(), Purpose::Order, &asked.codes()).await?)
}

/// Whether a refusal says that a code is none.
#[must_use]
pub(super) fn is_unknown(refused: &Problem) -> bool {
    refused.errors().iter().any(|wrong| wrong.field == "code")
}

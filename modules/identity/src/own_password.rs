//! Asking somebody who is signed in for their password again, before what they could not take back.

use kernel::UserId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Platform};
use zeroize::Zeroizing;

use crate::attempts::{self, Counter};
use crate::password;
use crate::store::{self, people};

/// Why it was not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProveError {
    #[error("is not your password")]
    Wrong,
    #[error("too many failed attempts; try again in {retry_after_seconds} s")]
    TooOften { retry_after_seconds: u32 },
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Whether `shown` is the password of `user`. Who has none, because they sign in through a provider, has
/// nothing to show. Guesses are counted, as at sign-in: a session left open does not give the account away.
/// A wrong one is recorded as `action`.
pub(crate) async fn prove(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    shown: Option<Zeroizing<String>>,
    action: &'static str,
) -> Result<(), ProveError> {
    let keys = cx.keys();
    let counter = Counter::of_password(&keys, user);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let stored = people::password_of(&mut tx, cx.scope, user).await?;
    if stored.as_ref().is_some_and(String::is_empty) && shown.is_none() {
        return Ok(tx.rollback().await?);
    }
    if let Err(blocked) = attempts::admit(&mut tx, cx, &[counter]).await? {
        return Err(ProveError::TooOften { retry_after_seconds: blocked.seconds(cx) });
    }
    tx.commit().await?;
    let matches = password::verify(shown.unwrap_or_default(), stored).await;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !matches {
        audit::record(&mut tx, cx, Entry::new(action).on("user", user)).await?;
        tx.commit().await?;
        return Err(ProveError::Wrong);
    }
    store::attempts::forget(&mut tx, cx.scope, &counter.key).await?;
    Ok(tx.commit().await?)
}

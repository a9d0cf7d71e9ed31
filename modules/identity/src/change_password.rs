//! A user's own new password.

use kernel::UserId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Platform, Scope};
use zeroize::Zeroizing;

use crate::attempts::{self, Blocked, Counter};
use crate::authenticate::Credential;
use crate::password::{self, Password};
use crate::sessions;
use crate::store::{self, people};

/// Why a password is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The present password is another.
    #[error("is not your present password")]
    Wrong,
    /// Too many wrong ones.
    #[error("too many failed attempts; try again in {retry_after_seconds} s")]
    TooOften {
        /// Seconds to wait, at least 1.
        retry_after_seconds: u32,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Gives `user` the password `new` if `present` is theirs. All their other sessions end. Guesses at the
/// present one are counted, as at sign-in: a session left open does not give the account away.
///
/// # Errors
/// `Wrong`, `TooOften`.
pub async fn change_password(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    asking: &Credential,
    present: Zeroizing<String>,
    new: Password,
) -> Result<(), ChangePasswordError> {
    let system = platform.ctx(Scope::system(cx.scope.org()));
    let keys = platform.keys(cx.scope.org());
    let counter = Counter::of_email(&keys, &format!("password of {user}"));
    let mut tx = platform.db.begin().await?;
    if let Err(Blocked { until }) = attempts::admit(&mut tx, &system, &[counter]).await? {
        let seconds = (until.millis() - cx.now().millis()).max(0) / 1000 + 1;
        return Err(ChangePasswordError::TooOften { retry_after_seconds: seconds as u32 });
    }
    let stored = people::password_of(&mut tx, cx.scope, user).await?;
    tx.commit().await?;
    if !password::verify(present, stored).await {
        let mut tx = platform.db.begin().await?;
        let entry = Entry::new("identity.password.change_failed").on("user", user);
        audit::record(&mut tx, cx, entry).await?;
        tx.commit().await?;
        return Err(ChangePasswordError::Wrong);
    }
    let hash = password::hash(new, &*cx.ids).await;
    let mut tx = platform.db.begin().await?;
    store::forget_attempts(&mut tx, cx.scope, &counter.key).await?;
    people::set_password(&mut tx, cx.scope, user, &hash.0).await?;
    audit::record(&mut tx, cx, Entry::new("identity.password.change").on("user", user)).await?;
    sessions::end_others(&mut tx, cx, user, asking).await?;
    Ok(tx.commit().await?)
}

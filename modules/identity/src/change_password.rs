//! A user's own new password.

use kernel::UserId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Platform};
use zeroize::Zeroizing;

use crate::authenticate::Credential;
use crate::own_password::{self, ProveError};
use crate::password::{self, Password};
use crate::sessions;
use crate::store::people;

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

impl From<ProveError> for ChangePasswordError {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Wrong => Self::Wrong,
            ProveError::TooOften { retry_after_seconds } => Self::TooOften { retry_after_seconds },
            ProveError::Store(error) => error.into(),
        }
    }
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
    let mut tx = platform.db.read_for(cx.scope).await?;
    let before = people::password_of(&mut tx, cx.scope, user).await?;
    tx.rollback().await?;
    own_password::prove(platform, cx, user, Some(present), "identity.password.change_failed")
        .await?;
    let hash = password::hash(new, &*cx.ids).await;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    // Of two who change it at once, the second has shown a password that is none any more.
    people::lock_org(&mut tx, cx.scope).await?;
    if people::password_of(&mut tx, cx.scope, user).await? != before {
        return Err(ChangePasswordError::Wrong);
    }
    people::set_password(&mut tx, cx.scope, user, &hash.0).await?;
    audit::record(&mut tx, cx, Entry::new("identity.password.change").on("user", user)).await?;
    sessions::end_others(&mut tx, cx, user, asking).await?;
    Ok(tx.commit().await?)
}

//! Between the password and the code: a sign-in that awaits its second factor.

use kernel::{OrgId, Timestamp};
use platform::audit::{self, Entry, Origin};
use platform::{Ctx, DbError, Platform, Scope, Tx};
use sha2::{Digest as _, Sha256};

use super::Accepted;
use crate::attempts::{self, Blocked, Counter};
use crate::model::User;
use crate::secret::Secret;
use crate::sign_in::{SignedIn, open_session};
use crate::store::{self, second_factor as rows};

/// How long a code may be waited for.
const LASTS_MILLIS: i64 = 10 * 60 * 1000;

/// A sign-in that awaits a code.
#[derive(Debug)]
pub struct Challenge {
    /// Until when.
    pub expires_at: Timestamp,
    pub(crate) secret: Secret,
}

/// Why a code does not sign in.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The sign-in was not begun, was ended, took too long, or the password is another one now.
    #[error("this sign-in took too long or was used already; begin again with your password")]
    Gone,
    /// The code is another, or was used before.
    #[error("the code is wrong or was used already")]
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

/// Digest of a stored password, which ties a challenge to it.
pub(crate) fn check_of(password_hash: &str) -> [u8; 32] {
    Sha256::digest(password_hash.as_bytes()).into()
}

/// Begins to wait for a code of `user`, whose password with the hash `password_hash` was right.
pub(crate) async fn begin(
    tx: &mut Tx,
    cx: &Ctx,
    user: &User,
    password_hash: &str,
) -> Result<Challenge, DbError> {
    let secret = Secret::fresh(cx.scope.org(), &*cx.ids);
    let expires_at = cx.now().plus_millis(LASTS_MILLIS);
    rows::insert_challenge(tx, cx, secret.hash(), user.id, check_of(password_hash), expires_at)
        .await?;
    Ok(Challenge { expires_at, secret })
}

/// Opens a session if `code` is one of the user of the challenge `secret`. Of several answers at once one
/// opens a session.
///
/// # Errors
/// `Gone`, `Wrong`, `TooOften`.
pub(crate) async fn answer(
    platform: &Platform,
    origin: Origin,
    secret: &Secret,
    code: &str,
    agent: Option<&str>,
) -> Result<SignedIn, AnswerError> {
    let peer = origin.peer;
    let org: OrgId = secret.org;
    let cx = platform.ctx(Scope::system(org)).from(origin);
    let keys = platform.keys(org);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let found = rows::challenge(&mut tx, &cx, secret.hash()).await?;
    let Some((user, check)) = found else { return Err(AnswerError::Gone) };
    let by_user = Counter::of_codes(&keys, user);
    let peer = peer.map(|peer| Counter::of_peer(&keys, peer));
    let counters: Vec<Counter> = peer.into_iter().chain([by_user]).collect();
    if let Err(blocked) = attempts::admit(&mut tx, &cx, &counters).await? {
        return Err(AnswerError::TooOften { retry_after_seconds: blocked.seconds(&cx) });
    }
    // The attempt is counted whatever comes of it.
    tx.commit().await?;

    let mut tx = platform.db.begin_for(cx.scope).await?;
    let stored = store::user_with_password(&mut tx, cx.scope, &keys, user).await?;
    let Some((user, _)) = stored.filter(|(_, hash)| check_of(hash) == check) else {
        return Err(AnswerError::Gone);
    };
    let own = platform.ctx(Scope::user(org, user.id)).from(cx.origin.clone());
    let Some(accepted) = super::accept(&mut tx, &own, user.id, code).await? else {
        let entry = Entry::new("identity.second_factor.failed").on("user", user.id);
        audit::record(&mut tx, &cx, entry).await?;
        tx.commit().await?;
        return Err(AnswerError::Wrong);
    };
    if !rows::delete_challenge(&mut tx, cx.scope, secret.hash()).await? {
        return Err(AnswerError::Gone);
    }
    if let Some(peer) = peer {
        store::attempts::forgive(&mut tx, cx.scope, &peer.key).await?;
    }
    store::attempts::forget(&mut tx, cx.scope, &by_user.key).await?;
    let signed_in = open_session(&mut tx, &cx, user, agent, cx.now()).await?;
    let entry = Entry::new("identity.sign_in").with("second_factor", accepted.name());
    audit::record(&mut tx, &own, entry).await?;
    tx.commit().await?;
    Ok(signed_in)
}

impl Accepted {
    /// As it is recorded.
    const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

impl Blocked {
    /// Seconds until the next attempt, at least 1.
    pub(crate) fn seconds(self, cx: &Ctx) -> u32 {
        ((self.until.millis() - cx.now().millis()).max(0) / 1000 + 1) as u32
    }
}

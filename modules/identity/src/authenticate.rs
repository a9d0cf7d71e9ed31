//! Who asks: one indexed read for each request.

use kernel::{Timestamp, TokenId};
use platform::access::Access;
use platform::{DbError, Platform, Scope};

use crate::reach;
use crate::secret::Secret;
use crate::sign_in::SESSION_MILLIS;
use crate::store;

/// How old the note of the last use may get before it is written again.
const TOUCH_MILLIS: i64 = 60_000;
/// So long after somebody showed who they are, they may do what could be turned against them.
pub(crate) const PROVEN_MILLIS: i64 = 30 * 60_000;

/// What the caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A session cookie.
    Session {
        /// Key of the session.
        secret_hash: [u8; 32],
        /// When it ends unless it is used.
        expires_at: Timestamp,
        /// Whether its user showed a short while ago who they are: a browser left open is not enough
        /// for what could be turned against them.
        is_proven: bool,
        /// Whether they ever did. Who has no password, and whose provider does not say when it asked them, did not.
        was_proven: bool,
    },
    /// An API token.
    Token {
        /// Which.
        id: TokenId,
    },
}

/// A secret as the caller sent it.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    Cookie(Secret),
    Bearer(Secret),
}

/// Somebody known.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) scope: Scope,
    pub(crate) credential: Credential,
    /// What they may do.
    pub(crate) access: Access,
    /// Whether the note of the last use is due.
    pub(crate) is_touch_due: bool,
}

/// Who has the session or the token `text`; `None` if nobody has, or not any more.
///
/// `text` is the value of the cookie, or what stands behind `Bearer`.
///
/// # Errors
/// As the database says.
pub async fn authenticate(
    platform: &Platform,
    text: &str,
) -> Result<Option<(Scope, Credential)>, DbError> {
    let shown = Secret::parse_token(text)
        .map(Shown::Bearer)
        .or_else(|| Secret::parse(text).map(Shown::Cookie));
    let Some(shown) = shown else { return Ok(None) };
    let caller = look_up(platform, &shown).await?;
    Ok(caller.map(|caller| (caller.scope, caller.credential)))
}

pub(crate) async fn look_up(platform: &Platform, shown: &Shown) -> Result<Option<Caller>, DbError> {
    let now = platform.now();
    let due = |noted: Timestamp| noted <= now.plus_millis(-TOUCH_MILLIS);
    // What is shown names its organisation, and is looked for in no other.
    let (Shown::Cookie(secret) | Shown::Bearer(secret)) = shown;
    let mut tx = platform.db.read_for(Scope::system(secret.org)).await?;
    let caller = match shown {
        Shown::Cookie(secret) => {
            let secret_hash = secret.hash();
            let row = store::sessions::find(&mut tx, secret.org, secret_hash).await?;
            match row.filter(|row| row.expires_at > now) {
                None => None,
                Some(row) => {
                    let scope = Scope::user(secret.org, row.user);
                    Some(Caller {
                        scope,
                        credential: Credential::Session {
                            secret_hash,
                            expires_at: row.expires_at,
                            is_proven: row.proved_at > now.plus_millis(-PROVEN_MILLIS),
                            was_proven: row.proved_at.millis() > 0,
                        },
                        access: reach::access(&mut tx, scope, row.place, row.says)
                            .await?
                            .before_second_factor(row.second_factor_due),
                        is_touch_due: due(row.seen_at),
                    })
                }
            }
        }
        Shown::Bearer(secret) => {
            let row = store::tokens::by_secret(&mut tx, secret.org, secret.hash(), now).await?;
            match row {
                None => None,
                Some(row) => {
                    let scope = Scope::user(secret.org, row.user);
                    let mut access = reach::access(&mut tx, scope, row.place, row.of_user).await?;
                    if let Some(says) = row.of_role {
                        let own = reach::access(&mut tx, scope, row.place, says).await?;
                        access = reach::both(&access, &own);
                    }
                    Some(Caller {
                        scope,
                        credential: Credential::Token { id: row.id },
                        access: access.before_second_factor(row.second_factor_due),
                        is_touch_due: row.used_at.is_none_or(due),
                    })
                }
            }
        }
    };
    tx.rollback().await?;
    Ok(caller)
}

/// Notes that `shown` is used. A session lives on from now.
pub(crate) async fn touch(platform: &Platform, shown: &Shown) -> Result<(), DbError> {
    let (Shown::Cookie(secret) | Shown::Bearer(secret)) = shown;
    let cx = platform.ctx(Scope::system(secret.org));
    let not_since = cx.now().plus_millis(-TOUCH_MILLIS);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    match shown {
        Shown::Cookie(_) => {
            let expires_at = cx.now().plus_millis(SESSION_MILLIS);
            store::sessions::touch(&mut tx, &cx, secret.hash(), not_since, expires_at).await?;
        }
        Shown::Bearer(_) => {
            store::tokens::touch(&mut tx, &cx, secret.hash(), not_since).await?;
        }
    }
    tx.commit().await
}

//! The sessions of a user: where they are signed in, and an end to it.

use kernel::{SessionId, Timestamp, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};
use serde::Serialize;

use crate::authenticate::Credential;
use crate::store::people as store;

/// Sessions that are listed.
const LISTED: i64 = 200;

/// A session, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SessionInfo {
    /// Which.
    pub id: SessionId,
    /// What the browser called itself.
    pub agent: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// Sessions of `user` that have not ended, the last used first.
///
/// # Errors
/// As the database says.
pub async fn list(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    asking: &Credential,
) -> Result<Vec<SessionInfo>, DbError> {
    store::sessions(tx, cx, user, secret_of(asking), LISTED).await
}

/// Ends one session of `user`; gives whether there was one. It is refused from the next request on.
///
/// # Errors
/// As the database says.
pub async fn end(tx: &mut Tx, cx: &Ctx, user: UserId, id: SessionId) -> Result<bool, DbError> {
    let ended = store::end_session(tx, cx.scope, user, id).await?;
    if ended {
        let entry = Entry::new("identity.session.end").on("user", user).without("session", id);
        audit::record(tx, cx, entry).await?;
    }
    Ok(ended)
}

/// Notes that the user of the session that asks has just shown who they are.
///
/// # Errors
/// As the database says.
pub(crate) async fn prove(tx: &mut Tx, cx: &Ctx, asking: &Credential) -> Result<(), DbError> {
    let Some(secret_hash) = secret_of(asking) else { return Ok(()) };
    if crate::store::sessions::prove(tx, cx, secret_hash).await? {
        audit::record(tx, cx, Entry::new("identity.session.proof")).await?;
    }
    Ok(())
}

/// Ends all sessions of `user` but the one that asks; gives how many.
///
/// # Errors
/// As the database says.
pub async fn end_others(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    asking: &Credential,
) -> Result<u64, DbError> {
    let ended = store::end_sessions(tx, cx.scope, user, secret_of(asking)).await?;
    if ended > 0 {
        let entry = Entry::new("identity.session.end").on("user", user).without("sessions", ended);
        audit::record(tx, cx, entry).await?;
    }
    Ok(ended)
}

const fn secret_of(credential: &Credential) -> Option<[u8; 32]> {
    match credential {
        Credential::Session { secret_hash, .. } => Some(*secret_hash),
        Credential::Token { .. } => None,
    }
}

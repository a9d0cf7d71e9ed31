//! API tokens: made, listed and revoked by the user whose they are.

use kernel::{Cursor, CursorError, Limit, Page, Timestamp, TokenId, UserId};
use platform::access::Permissions;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};
use serde::Serialize;

use crate::model::{PersonName, RoleName};
use crate::roles::{self, GiveError};
use crate::secret::Secret;
use crate::store::tokens::{self as rows, TokenRow};

/// Tokens of one user.
const TOKENS_MAX: i64 = 100;

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Token {
    /// Which.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// It may do no more than this role; null: what its user may.
    pub role: Option<String>,
    /// When it ends; null: never.
    pub expires_at: Option<Timestamp>,
}

/// An API token that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NewToken {
    /// Which.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not used yet.
    pub last_used_at: Option<Timestamp>,
    /// It may do no more than this role; null: what its user may.
    pub role: Option<String>,
    /// When it ends; null: never.
    pub expires_at: Option<Timestamp>,
    /// The secret, `gxt_…`, shown only this once: `Authorization: Bearer gxt_…`.
    pub token: String,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct WantedToken {
    /// What it is for.
    pub name: PersonName,
    /// It may do no more than this role; `None`: what its user may.
    pub role: Option<RoleName>,
    /// When it ends; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Why a token cannot be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The user has too many.
    #[error("a user may have {TOKENS_MAX} tokens; revoke some first")]
    TooMany,
    /// The user has no such token.
    #[error("no such token")]
    NotFound,
    /// It cannot have this role.
    #[error(transparent)]
    Role(#[from] GiveError),
    /// The list was asked for from a place it does not have.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// As the database says.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Makes a token that acts as `user`, who has the rights `own`.
///
/// # Errors
/// `TooMany` if the user has a hundred; `Role` if its role is unknown or above the user's.
pub async fn create_token(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    own: &Permissions,
    wanted: &WantedToken,
) -> Result<NewToken, TokenError> {
    if let Some(role) = &wanted.role {
        roles::to_give(tx, cx, own, role).await?;
    }
    if rows::count(tx, cx.scope, user).await? >= TOKENS_MAX {
        return Err(TokenError::TooMany);
    }
    let secret = Secret::fresh(cx.scope.org(), &*cx.ids);
    let row = TokenRow {
        id: cx.fresh(),
        name: wanted.name.as_str().to_owned(),
        created_at: cx.now(),
        last_used_at: None,
        role: wanted.role.as_ref().map(|role| role.as_str().to_owned()),
        expires_at: wanted.expires_at,
    };
    rows::insert(tx, cx, user, &row, secret.hash()).await?;
    let entry = Entry::new("identity.token.create")
        .on("token", row.id)
        .with("user", user)
        .with("name", &row.name)
        .with("role", &row.role)
        .with("expires_at", row.expires_at);
    audit::record(tx, cx, entry).await?;
    Ok(NewToken {
        id: row.id,
        name: row.name,
        created_at: row.created_at,
        last_used_at: None,
        role: row.role,
        expires_at: row.expires_at,
        token: secret.token_text(),
    })
}

/// Tokens of `user`, newest first.
///
/// # Errors
/// `Cursor` if `after` is not from this list.
pub async fn list_tokens(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<Token>, TokenError> {
    let after = after.map(Cursor::decode::<TokenId>).transpose()?;
    let mut rows = rows::list(tx, cx.scope, user, after, limit.get() as i64 + 1).await?;
    let has_more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| has_more).map(|row| Cursor::encode(&row.id));
    let token = |row: TokenRow| Token {
        id: row.id,
        name: row.name,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        role: row.role,
        expires_at: row.expires_at,
    };
    Ok(Page { items: rows.into_iter().map(token).collect(), next })
}

/// Makes a token of `user` useless.
///
/// # Errors
/// `NotFound` if the user has no such token.
pub async fn revoke_token(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    id: TokenId,
) -> Result<(), TokenError> {
    if rows::delete(tx, cx.scope, user, id).await? == 0 {
        return Err(TokenError::NotFound);
    }
    let entry = Entry::new("identity.token.revoke").on("token", id).with("user", user);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

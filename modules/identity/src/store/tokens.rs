//! SQL of API tokens.

use kernel::{OrgId, Timestamp, TokenId, TypedId as _, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::reach;
use crate::reach::{Place, Says};

/// A token as it is stored, without its secret.
#[derive(Debug, Clone)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) role: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

pub(crate) async fn insert(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    token: &TokenRow,
    secret_hash: [u8; 32],
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_tokens (org_id, id, user_id, name, secret_hash, created_at, role,
             expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            cx.scope.org_arg(),
            token.id,
            user,
            &token.name,
            secret_hash,
            token.created_at,
            token.role.as_deref(),
            token.expires_at
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn count(tx: &mut Tx, scope: Scope, user: UserId) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM identity_tokens WHERE org_id = $1 AND user_id = $2",
            args![scope.org_arg(), user],
        )
        .await?;
    Ok(count)
}

/// Id, name, made, last used, role, end.
type StoredToken = (Uuid, String, i64, Option<i64>, Option<String>, Option<i64>);

/// Tokens of `user` after the token `after`, newest first.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    after: Option<TokenId>,
    limit: i64,
) -> Result<Vec<TokenRow>, DbError> {
    let last = TokenId::from_uuid(Uuid::max());
    let rows: Vec<StoredToken> = tx
        .fetch_all(
            "SELECT id, name, created_at, last_used_at, role, expires_at FROM identity_tokens
             WHERE org_id = $1 AND user_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
            args![scope.org_arg(), user, after.unwrap_or(last), limit],
        )
        .await?;
    let token = |(id, name, created_at, last_used_at, role, expires_at): StoredToken| TokenRow {
        id: TokenId::from_uuid(id),
        name,
        created_at: Timestamp::from_millis(created_at),
        last_used_at: last_used_at.map(Timestamp::from_millis),
        role,
        expires_at: expires_at.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(token).collect())
}

pub(crate) async fn delete(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    id: TokenId,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity_tokens WHERE org_id = $1 AND user_id = $2 AND id = $3",
        args![scope.org_arg(), user, id],
    )
    .await
}

/// Whose token it is, when its use was last noted, and what its user and it may do.
#[derive(Debug, Clone)]
pub(crate) struct TokenCaller {
    pub(crate) id: TokenId,
    pub(crate) user: UserId,
    pub(crate) used_at: Option<Timestamp>,
    pub(crate) place: Place,
    /// What the role of its user says.
    pub(crate) of_user: Says,
    /// What its own role says, if it has one.
    pub(crate) of_role: Option<Says>,
    /// Whether its user must set up a second factor before anything else.
    pub(crate) second_factor_due: bool,
}

#[derive(sqlx::FromRow)]
struct TokenColumns {
    id: Uuid,
    user_id: Uuid,
    last_used_at: Option<i64>,
    role: Option<String>,
    team_id: Option<Uuid>,
    territory_id: Option<Uuid>,
    rights: String,
    reach: String,
    fields: String,
    own_rights: Option<String>,
    own_reach: Option<String>,
    own_fields: Option<String>,
    second_factor_due: bool,
}

/// The token of a user who is not deactivated, unless it has ended or its role is gone.
pub(crate) async fn by_secret(
    tx: &mut Tx,
    org: OrgId,
    secret_hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<TokenCaller>, DbError> {
    let row: Option<TokenColumns> = tx
        .fetch_optional(
            "SELECT t.id, t.user_id, t.last_used_at, t.role, u.team_id, u.territory_id,
                 r.rights, r.reach, r.fields, own.rights AS own_rights, own.reach AS own_reach,
                 own.fields AS own_fields,
                 (o.second_factor_required AND u.second_factor_at IS NULL) AS second_factor_due
             FROM identity_tokens t
             JOIN identity_orgs o ON o.org_id = t.org_id
             JOIN identity_users u ON u.org_id = t.org_id AND u.id = t.user_id
             JOIN identity_roles r ON r.org_id = u.org_id AND r.name = u.role
             LEFT JOIN identity_roles own ON own.org_id = t.org_id AND own.name = t.role
             WHERE t.org_id = $1 AND t.secret_hash = $2 AND u.deactivated_at IS NULL
                 AND (t.expires_at IS NULL OR t.expires_at > $3)",
            args![Scope::system(org).org_arg(), secret_hash, now],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let own = (row.own_rights, row.own_reach, row.own_fields);
    let of_role = match (row.role, own) {
        (None, _) => None,
        (Some(_), (Some(rights), Some(reach), Some(fields))) => {
            Some(reach::says((rights, reach, fields))?)
        }
        // Its role is gone: it may nothing.
        (Some(_), _) => return Ok(None),
    };
    Ok(Some(TokenCaller {
        id: TokenId::from_uuid(row.id),
        user: UserId::from_uuid(row.user_id),
        used_at: row.last_used_at.map(Timestamp::from_millis),
        place: reach::place_of(row.user_id, row.team_id, row.territory_id),
        of_user: reach::says((row.rights, row.reach, row.fields))?,
        of_role,
        second_factor_due: row.second_factor_due,
    }))
}

/// Notes that a token was used, unless somebody noted it after `not_since`.
pub(crate) async fn touch(
    tx: &mut Tx,
    cx: &Ctx,
    secret_hash: [u8; 32],
    not_since: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE identity_tokens SET last_used_at = $3 WHERE org_id = $1 AND secret_hash = $2
             AND (last_used_at IS NULL OR last_used_at <= $4)",
        args![cx.scope.org_arg(), secret_hash, cx.now(), not_since],
    )
    .await
}

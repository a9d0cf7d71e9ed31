//! All SQL of this module: sign-in, sessions and tokens here; people and roles in files of their own.

pub(crate) mod people;
pub(crate) mod providers;
pub(crate) mod reach;
pub(crate) mod roles;
pub(crate) mod second_factor;

use kernel::{OrgId, SessionId, Timestamp, TokenId, TypedId as _, UserId};
use platform::crypto::OrgKeys;
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::attempts::FORGET_MILLIS;
use crate::model::{Email, RoleName, User};
use crate::reach::{Place, Says};

/// Under which e-mail addresses are sealed and indexed.
pub(crate) const EMAIL: &str = "identity.email";
/// Rows that housekeeping deletes at once.
const PRUNE_MAX: i64 = 100;
/// Users looked up by one statement.
const PEOPLE_MAX: usize = 512;

pub(crate) async fn insert_org(tx: &mut Tx, cx: &Ctx, name: &str) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_orgs (org_id, name, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (org_id) DO NOTHING",
        args![cx.scope.org_arg(), name, cx.now()],
    )
    .await
    .map(drop)
}

/// Names the organisation, and holds its row until the transaction ends.
pub(crate) async fn rename_org(tx: &mut Tx, scope: Scope, name: &str) -> Result<(), DbError> {
    let touched = tx
        .execute(
            "UPDATE identity_orgs SET name = $2 WHERE org_id = $1",
            args![scope.org_arg(), name],
        )
        .await?;
    if touched == 1 { Ok(()) } else { Err(DbError::NotFound) }
}

pub(crate) async fn org_name(tx: &mut Tx, org: OrgId) -> Result<String, DbError> {
    let (name,): (String,) = tx
        .fetch_one(
            "SELECT name FROM identity_orgs WHERE org_id = $1",
            args![Scope::system(org).org_arg()],
        )
        .await?;
    Ok(name)
}

pub(crate) async fn has_users(tx: &mut Tx, scope: Scope) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT org_id FROM identity_users WHERE org_id = $1 LIMIT 1",
            args![scope.org_arg()],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn insert_user(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    user: &User,
    password_hash: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_users (org_id, id, email_sealed, email_index, name, role, locale,
             password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            cx.scope.org_arg(),
            user.id,
            keys.seal(&*cx.ids, EMAIL, user.email.as_bytes()),
            keys.blind_index(EMAIL, &user.email),
            &user.name,
            user.role.as_str(),
            &user.locale,
            password_hash,
            cx.now(),
        ],
    )
    .await
    .map(drop)
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: Uuid,
    email_sealed: Vec<u8>,
    name: String,
    role: String,
    locale: String,
    password_hash: String,
}

impl UserRow {
    fn open(self, keys: &OrgKeys) -> Result<(User, String), DbError> {
        let unreadable = |error: &dyn std::fmt::Display| DbError::Refused(error.to_string());
        let user = User {
            id: UserId::from_uuid(self.id),
            email: keys.open_text(EMAIL, &self.email_sealed).map_err(|error| unreadable(&error))?,
            name: self.name,
            role: self.role.parse::<RoleName>().map_err(|error| unreadable(&error))?,
            locale: self.locale,
        };
        Ok((user, self.password_hash))
    }
}

/// The user of an address, with the hash of their password.
pub(crate) async fn user_by_email(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    email: &Email,
) -> Result<Option<(User, String)>, DbError> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            "SELECT id, email_sealed, name, role, locale, password_hash FROM identity_users
             WHERE org_id = $1 AND email_index = $2 AND deactivated_at IS NULL",
            args![scope.org_arg(), keys.blind_index(EMAIL, email.as_str())],
        )
        .await?;
    row.map(|row| row.open(keys)).transpose()
}

pub(crate) async fn user(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    id: UserId,
) -> Result<Option<User>, DbError> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            "SELECT id, email_sealed, name, role, locale, password_hash FROM identity_users
             WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(row.map(|row| row.open(keys)).transpose()?.map(|(user, _)| user))
}

/// A user who is not deactivated, with the hash of their password.
pub(crate) async fn user_with_password(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    id: UserId,
) -> Result<Option<(User, String)>, DbError> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            "SELECT id, email_sealed, name, role, locale, password_hash FROM identity_users
             WHERE org_id = $1 AND id = $2 AND deactivated_at IS NULL",
            args![scope.org_arg(), id],
        )
        .await?;
    row.map(|row| row.open(keys)).transpose()
}

/// Id, name and e-mail address of the users among `ids`, in no order.
pub(crate) async fn people(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    ids: &[UserId],
) -> Result<Vec<(UserId, String, String)>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(PEOPLE_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "SELECT id, name, email_sealed FROM identity_users WHERE org_id = $1 AND id IN ({list})"
        );
        let rows: Vec<(Uuid, String, Vec<u8>)> =
            tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        for (id, name, sealed) in rows {
            let email = keys
                .open_text(EMAIL, &sealed)
                .map_err(|error| DbError::Refused(error.to_string()))?;
            found.push((UserId::from_uuid(id), name, email));
        }
    }
    Ok(found)
}

pub(crate) async fn insert_session(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    secret_hash: [u8; 32],
    expires_at: Timestamp,
    agent: Option<&str>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_sessions (org_id, secret_hash, id, user_id, created_at, seen_at,
             proved_at, expires_at, agent) VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7)",
        args![
            cx.scope.org_arg(),
            secret_hash,
            cx.fresh::<SessionId>(),
            user,
            cx.now(),
            expires_at,
            agent
        ],
    )
    .await
    .map(drop)
}

/// A session as it is stored, with what its user may do.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) user: UserId,
    pub(crate) seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When they last showed who they are.
    pub(crate) proved_at: Timestamp,
    pub(crate) place: Place,
    pub(crate) says: Says,
    /// Whether they must set up a second factor before anything else.
    pub(crate) second_factor_due: bool,
}

/// Of a session: user, last used, end, last proof; of the user: team, territory; of the role: rights, reach, fields.
type SessionColumns =
    (Uuid, i64, i64, i64, Option<Uuid>, Option<Uuid>, String, String, String, bool);

/// The session of a user who is not deactivated and whose role is known.
pub(crate) async fn session(
    tx: &mut Tx,
    org: OrgId,
    secret_hash: [u8; 32],
) -> Result<Option<SessionRow>, DbError> {
    let row: Option<SessionColumns> = tx
        .fetch_optional(
            "SELECT s.user_id, s.seen_at, s.expires_at, s.proved_at, u.team_id, u.territory_id,
                 r.rights, r.reach, r.fields,
                 o.second_factor_required AND u.second_factor_at IS NULL
             FROM identity_sessions s
             JOIN identity_orgs o ON o.org_id = s.org_id
             JOIN identity_users u ON u.org_id = s.org_id AND u.id = s.user_id
             JOIN identity_roles r ON r.org_id = u.org_id AND r.name = u.role
             WHERE s.org_id = $1 AND s.secret_hash = $2 AND u.deactivated_at IS NULL",
            args![Scope::system(org).org_arg(), secret_hash],
        )
        .await?;
    row.map(
        |(
            user,
            seen_at,
            expires_at,
            proved_at,
            team,
            territory,
            rights,
            reach,
            fields,
            second_factor_due,
        )| {
            Ok(SessionRow {
                user: UserId::from_uuid(user),
                seen_at: Timestamp::from_millis(seen_at),
                expires_at: Timestamp::from_millis(expires_at),
                proved_at: Timestamp::from_millis(proved_at),
                place: reach::place_of(user, team, territory),
                says: reach::says((rights, reach, fields))?,
                second_factor_due,
            })
        },
    )
    .transpose()
}

/// Notes that whoever uses a session has shown again who they are. Gives whether it is there.
pub(crate) async fn prove_session(
    tx: &mut Tx,
    cx: &Ctx,
    secret_hash: [u8; 32],
) -> Result<bool, DbError> {
    let sql = "UPDATE identity_sessions SET proved_at = $3 WHERE org_id = $1 AND secret_hash = $2";
    let changed = tx.execute(sql, args![cx.scope.org_arg(), secret_hash, cx.now()]).await?;
    Ok(changed > 0)
}

/// Notes that a session was used, unless somebody noted it after `not_since`.
pub(crate) async fn touch_session(
    tx: &mut Tx,
    cx: &Ctx,
    secret_hash: [u8; 32],
    not_since: Timestamp,
    expires_at: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE identity_sessions SET seen_at = $3, expires_at = $4
         WHERE org_id = $1 AND secret_hash = $2 AND seen_at <= $5",
        args![cx.scope.org_arg(), secret_hash, cx.now(), expires_at, not_since],
    )
    .await
}

pub(crate) async fn delete_session(
    tx: &mut Tx,
    scope: Scope,
    secret_hash: [u8; 32],
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity_sessions WHERE org_id = $1 AND secret_hash = $2",
        args![scope.org_arg(), secret_hash],
    )
    .await
}

/// Deletes some sessions that ended and some attempts nobody remembers.
pub(crate) async fn prune(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_sessions WHERE (org_id, secret_hash) IN (
             SELECT org_id, secret_hash FROM identity_sessions
             WHERE org_id = $1 AND expires_at <= $2 LIMIT $3)",
        args![cx.scope.org_arg(), cx.now(), PRUNE_MAX],
    )
    .await?;
    tx.execute(
        "DELETE FROM identity_challenges WHERE (org_id, secret_hash) IN (
             SELECT org_id, secret_hash FROM identity_challenges
             WHERE org_id = $1 AND expires_at <= $2 LIMIT $3)",
        args![cx.scope.org_arg(), cx.now(), PRUNE_MAX],
    )
    .await?;
    tx.execute(
        "DELETE FROM identity_attempts WHERE (org_id, key) IN (
             SELECT org_id, key FROM identity_attempts
             WHERE org_id = $1 AND last_at <= $2 AND blocked_until <= $3 LIMIT $4)",
        args![cx.scope.org_arg(), cx.now().plus_millis(-FORGET_MILLIS), cx.now(), PRUNE_MAX],
    )
    .await
    .map(drop)
}

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

pub(crate) async fn insert_token(
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

pub(crate) async fn token_count(tx: &mut Tx, scope: Scope, user: UserId) -> Result<i64, DbError> {
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
pub(crate) async fn tokens(
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

pub(crate) async fn delete_token(
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
pub(crate) async fn token_by_secret(
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
pub(crate) async fn touch_token(
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

/// Counts one more failure under `key` and gives their number; `None` while the key is blocked.
pub(crate) async fn count_attempt(
    tx: &mut Tx,
    cx: &Ctx,
    key: &[u8],
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "INSERT INTO identity_attempts (org_id, key, failures, last_at, blocked_until)
             VALUES ($1, $2, 1, $3, 0)
             ON CONFLICT (org_id, key) DO UPDATE SET last_at = excluded.last_at, failures =
                 CASE WHEN identity_attempts.last_at <= $4 THEN 1
                      ELSE identity_attempts.failures + 1 END
             WHERE identity_attempts.blocked_until <= excluded.last_at
             RETURNING failures",
            args![cx.scope.org_arg(), key, cx.now(), cx.now().plus_millis(-FORGET_MILLIS)],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

pub(crate) async fn block_attempts(
    tx: &mut Tx,
    scope: Scope,
    key: &[u8],
    until: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_attempts SET blocked_until = $3 WHERE org_id = $1 AND key = $2",
        args![scope.org_arg(), key, until],
    )
    .await
    .map(drop)
}

pub(crate) async fn blocked_until(
    tx: &mut Tx,
    scope: Scope,
    key: &[u8],
) -> Result<Timestamp, DbError> {
    let (until,): (i64,) = tx
        .fetch_one(
            "SELECT blocked_until FROM identity_attempts WHERE org_id = $1 AND key = $2",
            args![scope.org_arg(), key],
        )
        .await?;
    Ok(Timestamp::from_millis(until))
}

pub(crate) async fn forget_attempts(tx: &mut Tx, scope: Scope, key: &[u8]) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_attempts WHERE org_id = $1 AND key = $2",
        args![scope.org_arg(), key],
    )
    .await
    .map(drop)
}

/// Takes back the one attempt that turned out well; earlier failures of the peer stay.
pub(crate) async fn forgive_attempt(tx: &mut Tx, scope: Scope, key: &[u8]) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_attempts SET failures = failures - 1, blocked_until = 0
         WHERE org_id = $1 AND key = $2 AND failures > 0",
        args![scope.org_arg(), key],
    )
    .await
    .map(drop)
}

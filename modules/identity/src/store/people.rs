//! SQL of people: users as others see them, teams, invitations, sessions as their user sees them.

use kernel::{InvitationId, SessionId, TeamId, TerritoryId, Timestamp, TypedId as _, UserId};
use platform::access::Permissions;
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{EMAIL, roles};
use crate::invitations::Invitation;
use crate::model::{Email, RoleName};
use crate::sessions::SessionInfo;
use crate::teams::Team;
use crate::users::Member;

/// What the role of a user allows; nothing for whoever is deactivated or gone.
pub(crate) async fn rights(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Permissions, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT r.rights FROM identity_users u
             JOIN identity_roles r ON r.org_id = u.org_id AND r.name = u.role
             WHERE u.org_id = $1 AND u.id = $2 AND u.deactivated_at IS NULL",
            args![scope.org_arg(), user],
        )
        .await?;
    row.map_or(Ok(Permissions::default()), |(json,)| roles::permissions(&json))
}

/// What the role of a user says, whether or not they are deactivated.
pub(crate) async fn rights_of_role(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Permissions, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT r.rights FROM identity_users u
             JOIN identity_roles r ON r.org_id = u.org_id AND r.name = u.role
             WHERE u.org_id = $1 AND u.id = $2",
            args![scope.org_arg(), user],
        )
        .await?;
    row.map_or(Ok(Permissions::default()), |(json,)| roles::permissions(&json))
}

/// A user as they are stored, with when they were last seen.
#[derive(sqlx::FromRow)]
struct MemberRow {
    id: Uuid,
    email_sealed: Vec<u8>,
    name: String,
    role: String,
    team_id: Option<Uuid>,
    territory_id: Option<Uuid>,
    deactivated_at: Option<i64>,
    version: i64,
    created_at: i64,
    seen_at: Option<i64>,
    second_factor_at: Option<i64>,
}

const MEMBERS: &str = "SELECT u.id, u.email_sealed, u.name, u.role, u.team_id, u.territory_id,
        u.deactivated_at, u.version, u.created_at,
        (SELECT MAX(s.seen_at) FROM identity_sessions s
          WHERE s.org_id = u.org_id AND s.user_id = u.id) AS seen_at,
        u.second_factor_at
     FROM identity_users u";

fn member(keys: &OrgKeys, row: MemberRow) -> Result<Member, DbError> {
    Ok(Member {
        id: UserId::from_uuid(row.id),
        email: open_email(keys, &row.email_sealed)?,
        name: row.name,
        role: role_name(&row.role)?,
        team_id: row.team_id.map(TeamId::from_uuid),
        territory_id: row.territory_id.map(TerritoryId::from_uuid),
        deactivated_at: row.deactivated_at.map(Timestamp::from_millis),
        last_seen_at: row.seen_at.map(Timestamp::from_millis),
        has_second_factor: row.second_factor_at.is_some(),
        created_at: Timestamp::from_millis(row.created_at),
        version: row.version,
    })
}

fn open_email(keys: &OrgKeys, sealed: &[u8]) -> Result<String, DbError> {
    keys.open_text(EMAIL, sealed).map_err(|error| DbError::Refused(error.to_string()))
}

fn role_name(name: &str) -> Result<RoleName, DbError> {
    name.parse().map_err(|_| DbError::Refused(format!("`{name}` is no name of a role")))
}

/// Users after the user `after`, the first made first.
pub(crate) async fn members(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<Member>, DbError> {
    let after = after.unwrap_or(UserId::from_uuid(Uuid::nil()));
    let sql = format!("{MEMBERS} WHERE u.org_id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3");
    let rows: Vec<MemberRow> =
        tx.fetch_all(AssertSqlSafe(sql), args![scope.org_arg(), after, limit]).await?;
    rows.into_iter().map(|row| member(keys, row)).collect()
}

pub(crate) async fn find_member(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    id: UserId,
) -> Result<Option<Member>, DbError> {
    let sql = format!("{MEMBERS} WHERE u.org_id = $1 AND u.id = $2");
    let row: Option<MemberRow> =
        tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id]).await?;
    row.map(|row| member(keys, row)).transpose()
}

/// Writes what can be changed of `member`, unless it was changed since; gives whether it was not.
pub(crate) async fn change_member(
    tx: &mut Tx,
    scope: Scope,
    member: &Member,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE identity_users SET name = $3, role = $4, team_id = $5, deactivated_at = $6,
                 territory_id = $8, version = version + 1
             WHERE org_id = $1 AND id = $2 AND version = $7",
            args![
                scope.org_arg(),
                member.id,
                &member.name,
                member.role.as_str(),
                member.team_id,
                member.deactivated_at,
                member.version,
                member.territory_id
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Takes back the invitations of a user; gives how many.
pub(crate) async fn delete_invitations_by(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity_invitations WHERE org_id = $1 AND invited_by = $2",
        args![scope.org_arg(), user],
    )
    .await
}

/// Holds the row of the organisation until the transaction ends: of two who each take the rights of the
/// other, the second sees what the first did.
pub(crate) async fn lock_org(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    tx.execute("UPDATE identity_orgs SET name = name WHERE org_id = $1", args![scope.org_arg()])
        .await
        .map(drop)
}

/// How many users who are not deactivated have the role `role`.
pub(crate) async fn count_with_role(
    tx: &mut Tx,
    scope: Scope,
    role: &RoleName,
) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM identity_users
             WHERE org_id = $1 AND role = $2 AND deactivated_at IS NULL",
            args![scope.org_arg(), role.as_str()],
        )
        .await?;
    Ok(count)
}

pub(crate) async fn set_password(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    hash: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_users SET password_hash = $3 WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), user, hash],
    )
    .await
    .map(drop)
}

pub(crate) async fn password_of(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT password_hash FROM identity_users WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), user],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// Ends the sessions of `user` but the one with the secret `keep`; gives how many.
pub(crate) async fn end_sessions(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    keep: Option<[u8; 32]>,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity_sessions WHERE org_id = $1 AND user_id = $2 AND secret_hash <> $3",
        args![scope.org_arg(), user, keep.unwrap_or_default()],
    )
    .await
}

/// Ends one session of `user`; gives whether there was one.
pub(crate) async fn end_session(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    id: SessionId,
) -> Result<bool, DbError> {
    let ended = tx
        .execute(
            "DELETE FROM identity_sessions WHERE org_id = $1 AND user_id = $2 AND id = $3",
            args![scope.org_arg(), user, id],
        )
        .await?;
    Ok(ended > 0)
}

/// Id, digest of the secret, made, last used, end, browser.
type StoredSession = (Uuid, Vec<u8>, i64, i64, i64, Option<String>);

/// The sessions of `user` that have not ended, the last used first; at most `limit`.
pub(crate) async fn sessions(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    current: Option<[u8; 32]>,
    limit: i64,
) -> Result<Vec<SessionInfo>, DbError> {
    let rows: Vec<StoredSession> = tx
        .fetch_all(
            "SELECT id, secret_hash, created_at, seen_at, expires_at, agent FROM identity_sessions
             WHERE org_id = $1 AND user_id = $2 AND expires_at > $3
             ORDER BY seen_at DESC, id LIMIT $4",
            args![cx.scope.org_arg(), user, cx.now(), limit],
        )
        .await?;
    let info = |(id, hash, created_at, seen_at, expires_at, agent): StoredSession| SessionInfo {
        id: SessionId::from_uuid(id),
        agent,
        created_at: Timestamp::from_millis(created_at),
        last_seen_at: Timestamp::from_millis(seen_at),
        expires_at: Timestamp::from_millis(expires_at),
        is_current: current.is_some_and(|current| hash == current),
    };
    Ok(rows.into_iter().map(info).collect())
}

pub(crate) async fn teams(tx: &mut Tx, scope: Scope) -> Result<Vec<Team>, DbError> {
    let rows: Vec<(Uuid, Option<Uuid>, String)> = tx
        .fetch_all(
            "SELECT id, parent_id, name FROM identity_teams WHERE org_id = $1 ORDER BY name, id",
            args![scope.org_arg()],
        )
        .await?;
    let team = |(id, parent, name): (Uuid, Option<Uuid>, String)| Team {
        id: TeamId::from_uuid(id),
        parent_id: parent.map(TeamId::from_uuid),
        name,
    };
    Ok(rows.into_iter().map(team).collect())
}

pub(crate) async fn insert_team(tx: &mut Tx, cx: &Ctx, team: &Team) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_teams (org_id, id, parent_id, name, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        args![cx.scope.org_arg(), team.id, team.parent_id, &team.name, cx.now()],
    )
    .await
    .map(drop)
}

pub(crate) async fn change_team(tx: &mut Tx, scope: Scope, team: &Team) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_teams SET parent_id = $3, name = $4 WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), team.id, team.parent_id, &team.name],
    )
    .await
    .map(drop)
}

pub(crate) async fn delete_team(tx: &mut Tx, scope: Scope, id: TeamId) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_teams WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), id],
    )
    .await
    .map(drop)
}

/// Whether users or invitations name the team.
pub(crate) async fn is_team_in_use(tx: &mut Tx, scope: Scope, id: TeamId) -> Result<bool, DbError> {
    let (used,): (bool,) = tx
        .fetch_one(
            "SELECT EXISTS (SELECT 1 FROM identity_users WHERE org_id = $1 AND team_id = $2)
                 OR EXISTS (SELECT 1 FROM identity_invitations WHERE org_id = $1 AND team_id = $2)",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(used)
}

type InvitationRow = (Uuid, Vec<u8>, String, Option<Uuid>, i64, i64);

const INVITATIONS: &str = "SELECT id, email_sealed, role, team_id, created_at, expires_at
     FROM identity_invitations";

fn invitation(keys: &OrgKeys, row: InvitationRow) -> Result<Invitation, DbError> {
    let (id, sealed, role, team, created_at, expires_at) = row;
    Ok(Invitation {
        id: InvitationId::from_uuid(id),
        email: open_email(keys, &sealed)?,
        role: role_name(&role)?,
        team_id: team.map(TeamId::from_uuid),
        created_at: Timestamp::from_millis(created_at),
        expires_at: Timestamp::from_millis(expires_at),
    })
}

/// Keeps an invitation, in the place of an earlier one to the same address.
pub(crate) async fn put_invitation(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    invitation: &Invitation,
    secret_hash: [u8; 32],
) -> Result<(), DbError> {
    let index = keys.blind_index(EMAIL, &invitation.email);
    tx.execute(
        "DELETE FROM identity_invitations WHERE org_id = $1 AND email_index = $2",
        args![cx.scope.org_arg(), index],
    )
    .await?;
    tx.execute(
        "INSERT INTO identity_invitations (org_id, id, secret_hash, email_sealed, email_index, role,
             team_id, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            cx.scope.org_arg(),
            invitation.id,
            secret_hash,
            keys.seal(&*cx.ids, EMAIL, invitation.email.as_bytes()),
            index,
            invitation.role.as_str(),
            invitation.team_id,
            cx.scope.user_id(),
            invitation.created_at,
            invitation.expires_at
        ],
    )
    .await
    .map(drop)
}

/// Invitations that can still be taken, the last first; at most `limit`.
pub(crate) async fn invitations(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    limit: i64,
) -> Result<Vec<Invitation>, DbError> {
    let sql =
        format!("{INVITATIONS} WHERE org_id = $1 AND expires_at > $2 ORDER BY id DESC LIMIT $3");
    let rows: Vec<InvitationRow> =
        tx.fetch_all(AssertSqlSafe(sql), args![cx.scope.org_arg(), cx.now(), limit]).await?;
    rows.into_iter().map(|row| invitation(keys, row)).collect()
}

/// The invitation that has this secret.
pub(crate) async fn invitation_by_secret(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    secret_hash: [u8; 32],
) -> Result<Option<Invitation>, DbError> {
    let sql = format!("{INVITATIONS} WHERE org_id = $1 AND secret_hash = $2 AND expires_at > $3");
    let arguments = args![cx.scope.org_arg(), secret_hash, cx.now()];
    let row: Option<InvitationRow> = tx.fetch_optional(AssertSqlSafe(sql), arguments).await?;
    row.map(|row| invitation(keys, row)).transpose()
}

/// The invitation of an address that can still be taken.
pub(crate) async fn invitation_by_email(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    email: &Email,
) -> Result<Option<Invitation>, DbError> {
    let sql = format!("{INVITATIONS} WHERE org_id = $1 AND email_index = $2 AND expires_at > $3");
    let index = keys.blind_index(EMAIL, email.as_str());
    let arguments = args![cx.scope.org_arg(), index, cx.now()];
    let row: Option<InvitationRow> = tx.fetch_optional(AssertSqlSafe(sql), arguments).await?;
    row.map(|row| invitation(keys, row)).transpose()
}

pub(crate) async fn delete_invitation(
    tx: &mut Tx,
    scope: Scope,
    id: InvitationId,
) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            "DELETE FROM identity_invitations WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(deleted > 0)
}

/// Whether a user has this address, deactivated ones included.
pub(crate) async fn is_email_taken(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    email: &Email,
) -> Result<bool, DbError> {
    let row: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT id FROM identity_users WHERE org_id = $1 AND email_index = $2",
            args![scope.org_arg(), keys.blind_index(EMAIL, email.as_str())],
        )
        .await?;
    Ok(row.is_some())
}

/// Puts a user who was just made into a team.
pub(crate) async fn join_team(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    team: Option<TeamId>,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_users SET team_id = $3 WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), user, team],
    )
    .await
    .map(drop)
}

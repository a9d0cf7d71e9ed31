//! SQL of sessions.

use kernel::{OrgId, SessionId, Timestamp, TypedId as _, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::reach;
use crate::reach::{Place, Says};

/// A session that begins.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    /// When its user last showed who they are.
    pub(crate) shown_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) agent: Option<&'a str>,
}

pub(crate) async fn insert(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    secret_hash: [u8; 32],
    session: &NewSession<'_>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_sessions (org_id, secret_hash, id, user_id, created_at, seen_at,
             proved_at, expires_at, agent) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        args![
            cx.scope.org_arg(),
            secret_hash,
            cx.fresh::<SessionId>(),
            user,
            cx.now(),
            session.shown_at,
            session.expires_at,
            session.agent
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
pub(crate) async fn find(
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
pub(crate) async fn prove(tx: &mut Tx, cx: &Ctx, secret_hash: [u8; 32]) -> Result<bool, DbError> {
    let sql = "UPDATE identity_sessions SET proved_at = $3 WHERE org_id = $1 AND secret_hash = $2";
    let changed = tx.execute(sql, args![cx.scope.org_arg(), secret_hash, cx.now()]).await?;
    Ok(changed > 0)
}

/// Notes that a session was used, unless somebody noted it after `not_since`.
pub(crate) async fn touch(
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

pub(crate) async fn delete(
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

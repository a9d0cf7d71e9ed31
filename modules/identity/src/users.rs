//! The people of the organisation: who they are, what they may do, whether they still may.

use kernel::{Cursor, CursorError, Limit, Page, TeamId, TerritoryId, Timestamp, UserId};
use platform::access::Permissions;
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx};
use serde::Serialize;

use crate::model::{PersonName, RoleName};
use crate::roles::{self, GiveError};
use crate::store::people as store;
use crate::{teams, territories};

/// A user, as those see them who manage people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Member {
    /// Who it is.
    pub id: UserId,
    /// The address to sign in with.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Their role, by name.
    #[schema(value_type = String)]
    pub role: RoleName,
    /// Their team.
    pub team_id: Option<TeamId>,
    /// The part of the market they look after.
    pub territory_id: Option<TerritoryId>,
    /// Since when they cannot sign in any more.
    pub deactivated_at: Option<Timestamp>,
    /// When they last did something, as far as a session tells.
    pub last_seen_at: Option<Timestamp>,
    /// Whether sign-in asks them for a code.
    pub has_second_factor: bool,
    /// When they joined.
    pub created_at: Timestamp,
    /// For `If-Match`.
    pub version: i64,
}

/// What shall be changed of a user; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// What to call them.
    pub name: Option<PersonName>,
    /// Their role.
    pub role: Option<RoleName>,
    /// Their team; `Some(None)` takes them out of it.
    pub team: Option<Option<TeamId>>,
    /// The part of the market they look after; `Some(None)` takes it away.
    pub territory: Option<Option<TerritoryId>>,
    /// Whether they can sign in.
    pub active: Option<bool>,
}

/// Why a user cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// There is none.
    #[error("there is no such user")]
    NotFound,
    /// Somebody changed it since; this is what it is now.
    #[error("somebody changed this user meanwhile")]
    Stale(Box<Member>),
    /// They have rights that the caller has not.
    #[error("they may do what you may not: {0}")]
    Above(String),
    /// Nobody would be left who may do everything.
    #[error("somebody must stay owner")]
    LastOwner,
    /// One cannot lock oneself out, nor raise oneself.
    #[error("your own role and access are changed by somebody else")]
    Oneself,
    /// The role cannot be given.
    #[error(transparent)]
    Role(#[from] GiveError),
    /// There is no such team.
    #[error("there is no such team")]
    UnknownTeam,
    /// There is no such territory.
    #[error("there is no such territory")]
    UnknownTerritory,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// A page of users, the first made first.
///
/// # Errors
/// `Err(Ok(_))` if `after` is not from this list; otherwise as the database says.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    after: Option<&str>,
    limit: Limit,
) -> Result<Result<Page<Member>, CursorError>, DbError> {
    let after = match after.map(Cursor::decode::<UserId>).transpose() {
        Ok(after) => after,
        Err(error) => return Ok(Err(error)),
    };
    let mut items = store::members(tx, scope, keys, after, limit.get() as i64 + 1).await?;
    let has_more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items.last().filter(|_| has_more).map(|last| Cursor::encode(&last.id));
    Ok(Ok(Page { items, next }))
}

/// A user to whom records can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Colleague {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// Tells two of one name apart.
    pub email: String,
}

/// Active users whose records are within the caller's reach, themselves among them, the first who joined
/// first: all, their team and the teams below, or themselves alone.
///
/// # Errors
/// As the database says.
pub async fn colleagues(tx: &mut Tx, cx: &Ctx, keys: &OrgKeys) -> Result<Vec<Colleague>, DbError> {
    const CHUNK: i64 = 500;
    let parts = cx.access.reach().parts();
    let is_near = |id: UserId| {
        Some(id) == cx.scope.user_id()
            || parts.iter().all(|part| part.owners().binary_search(&id).is_ok())
    };
    let mut near = Vec::new();
    let mut after = None;
    loop {
        let members = store::members(tx, cx.scope, keys, after, CHUNK).await?;
        let Some(last) = members.last().map(|last| last.id) else { return Ok(near) };
        after = Some(last);
        let active = members.into_iter().filter(|one| one.deactivated_at.is_none());
        near.extend(
            active.filter(|one| is_near(one.id)).map(|Member { id, name, email, .. }| Colleague {
                id,
                name,
                email,
            }),
        );
    }
}

/// One user.
///
/// # Errors
/// As the database says.
pub async fn find(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    id: UserId,
) -> Result<Option<Member>, DbError> {
    store::find_member(tx, scope, keys, id).await
}

/// Changes a user of version `version`, for a caller with the rights `own`. A change of role or of access
/// ends their sessions.
///
/// # Errors
/// Why not; then nothing is changed.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    own: &Permissions,
    (id, version): (UserId, i64),
    change: UserChange,
) -> Result<Member, ChangeUserError> {
    store::lock_org(tx, cx.scope).await?;
    let before = find(tx, cx.scope, keys, id).await?.ok_or(ChangeUserError::NotFound)?;
    if before.version != version {
        return Err(ChangeUserError::Stale(Box::new(before)));
    }
    let mut after = before.clone();
    if let Some(name) = &change.name {
        name.as_str().clone_into(&mut after.name);
    }
    if let Some(role) = change.role {
        after.role = role;
    }
    if let Some(team) = change.team {
        after.team_id = team;
    }
    if let Some(territory) = change.territory {
        after.territory_id = territory;
    }
    if let Some(active) = change.active {
        after.deactivated_at = match active {
            true => None,
            false => before.deactivated_at.or(Some(cx.now())),
        };
    }
    let access_changes = after.role != before.role || after.deactivated_at != before.deactivated_at;
    if access_changes && cx.scope.user_id() == Some(id) {
        return Err(ChangeUserError::Oneself);
    }
    let now_rights = store::rights(tx, cx.scope, id).await?;
    if let Some(above) = now_rights.iter().find(|right| !own.allow(right)) {
        return Err(ChangeUserError::Above(above.to_owned()));
    }
    if access_changes && after.deactivated_at.is_none() {
        roles::to_give(tx, cx, own, &after.role).await?;
    }
    if after.team_id != before.team_id
        && let Some(team) = after.team_id
        && !teams::list(tx, cx.scope).await?.iter().any(|known| known.id == team)
    {
        return Err(ChangeUserError::UnknownTeam);
    }
    if after.territory_id != before.territory_id
        && let Some(territory) = after.territory_id
        && !territories::list(tx, cx.scope).await?.iter().any(|known| known.id == territory)
    {
        return Err(ChangeUserError::UnknownTerritory);
    }
    if !store::change_member(tx, cx.scope, &after).await? {
        return Err(ChangeUserError::Stale(Box::new(before)));
    }
    if access_changes {
        if store::count_with_role(tx, cx.scope, &RoleName::owner()).await? == 0 {
            return Err(ChangeUserError::LastOwner);
        }
        store::end_sessions(tx, cx.scope, id, None).await?;
        // Whom they asked to join was asked with the access they had.
        store::delete_invitations_by(tx, cx.scope, id).await?;
    }
    let entry = Entry::new("identity.user.change")
        .on("user", id)
        .change("role", &before.role, &after.role)
        .change("team", before.team_id, after.team_id)
        .change("territory", before.territory_id, after.territory_id)
        .change("active", before.deactivated_at.is_none(), after.deactivated_at.is_none())
        .personal_change("name", &before.name, &after.name);
    audit::record(tx, cx, entry).await?;
    Ok(find(tx, cx.scope, keys, id).await?.unwrap_or(after))
}

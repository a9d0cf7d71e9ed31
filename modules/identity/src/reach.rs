//! What somebody may do and see, from their role, team and territory.

use kernel::{TeamId, TerritoryId, UserId};
use platform::access::{Access, FieldRules, Permissions};
use platform::{DbError, Scope, Tx};

use crate::roles::Reach;
use crate::store::reach as store;

/// What a role says.
#[derive(Debug, Clone)]
pub(crate) struct Says {
    pub(crate) rights: Permissions,
    pub(crate) reach: Reach,
    pub(crate) fields: FieldRules,
}

/// Somebody's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) user: UserId,
    pub(crate) team: Option<TeamId>,
    pub(crate) territory: Option<TerritoryId>,
}

/// What somebody at `place` may do and see by a role that says this. Reads no more than the role calls
/// for, and nothing for one that reaches all.
pub(crate) async fn access(
    tx: &mut Tx,
    scope: Scope,
    place: Place,
    says: Says,
) -> Result<Access, DbError> {
    let mut owners = vec![place.user];
    let mut regions = Vec::new();
    match (says.reach, place.team, place.territory) {
        (Reach::All, ..) => return Ok(Access::new(says.rights, kernel::Reach::ALL, says.fields)),
        (Reach::Team, Some(team), _) => {
            owners.extend(store::members(tx, scope, team, false).await?);
        }
        (Reach::TeamAndBelow, Some(team), _) => {
            owners.extend(store::members(tx, scope, team, true).await?);
        }
        (Reach::Territory, _, Some(territory)) => {
            regions = store::regions(tx, scope, territory).await?;
        }
        // Without a team or territory there is only one's own.
        (Reach::Own | Reach::Team | Reach::TeamAndBelow | Reach::Territory, ..) => {}
    }
    Ok(Access::new(says.rights, kernel::Reach::part(owners, regions), says.fields))
}

/// What both allow: a token's role and its user's.
pub(crate) fn both(one: &Access, other: &Access) -> Access {
    Access::new(
        one.permissions().both(other.permissions()),
        one.reach().clone().both(other.reach()),
        one.fields().clone().both(other.fields()),
    )
}

/// What `user` may do and see; `None` for whoever is deactivated or not there.
///
/// # Errors
/// As the database says.
pub async fn access_of(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Option<(Access, Reach)>, DbError> {
    let Some((place, says)) = store::place(tx, scope, user).await? else { return Ok(None) };
    let reach = says.reach;
    Ok(Some((access(tx, scope, place, says).await?, reach)))
}

//! Teams: a tree.

use std::collections::HashMap;

use kernel::TeamId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx};
use serde::Serialize;

use crate::model::PersonName;
use crate::store::people as store;

/// Teams of one organisation.
const TEAMS_MAX: usize = 500;

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Team {
    /// Which.
    pub id: TeamId,
    /// The team above it.
    pub parent_id: Option<TeamId>,
    /// What it is called.
    pub name: String,
}

/// Why a team cannot be made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// There is none.
    #[error("there is no such team")]
    NotFound,
    /// The team above is not there.
    #[error("there is no such team above it")]
    UnknownParent,
    /// It would stand above itself.
    #[error("a team cannot stand below itself")]
    Cycle,
    /// People or teams are in it.
    #[error("people, invitations or teams are in this team; move them first")]
    InUse,
    /// There are too many.
    #[error("an organisation has at most {TEAMS_MAX} teams")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// All teams by name.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<Team>, DbError> {
    store::teams(tx, scope).await
}

/// Makes a team.
///
/// # Errors
/// `UnknownParent`, `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    name: &PersonName,
    parent_id: Option<TeamId>,
) -> Result<Team, TeamError> {
    store::lock_org(tx, cx.scope).await?;
    let teams = list(tx, cx.scope).await?;
    if teams.len() >= TEAMS_MAX {
        return Err(TeamError::TooMany);
    }
    if parent_id.is_some_and(|parent| !teams.iter().any(|team| team.id == parent)) {
        return Err(TeamError::UnknownParent);
    }
    let team = Team { id: cx.fresh(), parent_id, name: name.as_str().to_owned() };
    store::insert_team(tx, cx, &team).await?;
    let entry = Entry::new("identity.team.create").on("team", team.id).with("name", &team.name);
    audit::record(tx, cx, entry.with("parent", team.parent_id)).await?;
    Ok(team)
}

/// Names a team and puts it below `parent_id`.
///
/// # Errors
/// `NotFound`, `UnknownParent`, `Cycle`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: TeamId,
    name: &PersonName,
    parent_id: Option<TeamId>,
) -> Result<Team, TeamError> {
    // Two moves at once could close a ring that neither of them sees.
    store::lock_org(tx, cx.scope).await?;
    let teams = list(tx, cx.scope).await?;
    let before = teams.iter().find(|team| team.id == id).ok_or(TeamError::NotFound)?;
    if parent_id.is_some_and(|parent| !teams.iter().any(|team| team.id == parent)) {
        return Err(TeamError::UnknownParent);
    }
    if parent_id.is_some_and(|parent| is_below(&teams, parent, id)) {
        return Err(TeamError::Cycle);
    }
    let team = Team { id, parent_id, name: name.as_str().to_owned() };
    store::change_team(tx, cx.scope, &team).await?;
    let entry = Entry::new("identity.team.change")
        .on("team", id)
        .change("name", &before.name, &team.name)
        .change("parent", before.parent_id, parent_id);
    audit::record(tx, cx, entry).await?;
    Ok(team)
}

/// Deletes a team that nobody is in.
///
/// # Errors
/// `NotFound`, `InUse`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, id: TeamId) -> Result<(), TeamError> {
    store::lock_org(tx, cx.scope).await?;
    let teams = list(tx, cx.scope).await?;
    let before = teams.iter().find(|team| team.id == id).ok_or(TeamError::NotFound)?;
    let has_below = teams.iter().any(|team| team.parent_id == Some(id));
    if has_below || store::is_team_in_use(tx, cx.scope, id).await? {
        return Err(TeamError::InUse);
    }
    store::delete_team(tx, cx.scope, id).await?;
    let entry = Entry::new("identity.team.delete").on("team", id).without("name", &before.name);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Whether `team` is `above` or stands somewhere below it.
fn is_below(teams: &[Team], team: TeamId, above: TeamId) -> bool {
    let parents: HashMap<TeamId, Option<TeamId>> =
        teams.iter().map(|team| (team.id, team.parent_id)).collect();
    let mut here = Some(team);
    // A ring, should one ever be stored, is walked once.
    for _ in 0..=teams.len() {
        match here {
            Some(id) if id == above => return true,
            Some(id) => here = parents.get(&id).copied().flatten(),
            None => return false,
        }
    }
    true
}

//! SQL of what somebody sees: teams with those below, territories.

use kernel::{TeamId, TerritoryId, TypedId as _, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::roles;
use crate::reach::{Place, Says};
use crate::roles::Reach;
use crate::territories::Territory;

/// Columns of a role, and of a user, as [`says`] and [`place_of`] read them.
pub(crate) type SaysRow = (String, String, String);

/// Rights, reach and fields of a role as stored.
pub(crate) fn says((rights, reach, fields): SaysRow) -> Result<Says, DbError> {
    let unknown = || DbError::Refused(format!("a role has the unknown reach {reach}"));
    Ok(Says {
        rights: roles::permissions(&rights)?,
        reach: Reach::from_name(&reach).ok_or_else(unknown)?,
        fields: roles::fields(&fields)?,
    })
}

pub(crate) fn place_of(user: Uuid, team: Option<Uuid>, territory: Option<Uuid>) -> Place {
    Place {
        user: UserId::from_uuid(user),
        team: team.map(TeamId::from_uuid),
        territory: territory.map(TerritoryId::from_uuid),
    }
}

/// Team, territory; rights, reach and fields of the role.
type PlaceRow = (Option<Uuid>, Option<Uuid>, String, String, String);

/// Place and role of a user who is not deactivated.
pub(crate) async fn place(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Option<(Place, Says)>, DbError> {
    let row: Option<PlaceRow> = tx
        .fetch_optional(
            "SELECT u.team_id, u.territory_id, r.rights, r.reach, r.fields FROM identity_users u
             JOIN identity_roles r ON r.org_id = u.org_id AND r.name = u.role
             WHERE u.org_id = $1 AND u.id = $2 AND u.deactivated_at IS NULL",
            args![scope.org_arg(), user],
        )
        .await?;
    row.map(|(team, territory, rights, reach, fields)| {
        Ok((place_of(user.uuid(), team, territory), says((rights, reach, fields))?))
    })
    .transpose()
}

/// Users of a team, those deactivated included: their records are still the team's. With `below`, those
/// of the teams below it too.
pub(crate) async fn members(
    tx: &mut Tx,
    scope: Scope,
    team: TeamId,
    below: bool,
) -> Result<Vec<UserId>, DbError> {
    // UNION, not UNION ALL: a ring, should one ever be stored, ends.
    let sql = if below {
        "WITH RECURSIVE below (id) AS (
           SELECT id FROM identity_teams WHERE org_id = $1 AND id = $2
           UNION
           SELECT t.id FROM below JOIN identity_teams t ON t.org_id = $1 AND t.parent_id = below.id)
         SELECT u.id FROM identity_users u JOIN below ON u.team_id = below.id WHERE u.org_id = $1"
    } else {
        "SELECT id FROM identity_users WHERE org_id = $1 AND team_id = $2"
    };
    let rows: Vec<(Uuid,)> = tx.fetch_all(sql, args![scope.org_arg(), team]).await?;
    Ok(rows.into_iter().map(|(id,)| UserId::from_uuid(id)).collect())
}

fn regions_of(json: &str) -> Result<Vec<String>, DbError> {
    serde_json::from_str(json)
        .map_err(|error| DbError::Refused(format!("a territory is unreadable: {error}")))
}

/// The regions of a territory; none if it is not there.
pub(crate) async fn regions(
    tx: &mut Tx,
    scope: Scope,
    territory: TerritoryId,
) -> Result<Vec<String>, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT regions FROM identity_territories WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), territory],
        )
        .await?;
    row.map_or(Ok(Vec::new()), |(json,)| regions_of(&json))
}

pub(crate) async fn territories(tx: &mut Tx, scope: Scope) -> Result<Vec<Territory>, DbError> {
    let rows: Vec<(Uuid, String, String)> = tx
        .fetch_all(
            "SELECT id, name, regions FROM identity_territories WHERE org_id = $1 ORDER BY name, id",
            args![scope.org_arg()],
        )
        .await?;
    let territory = |(id, name, regions): (Uuid, String, String)| {
        Ok(Territory { id: TerritoryId::from_uuid(id), name, regions: regions_of(&regions)? })
    };
    rows.into_iter().map(territory).collect()
}

/// Keeps a territory, new or changed.
pub(crate) async fn put_territory(
    tx: &mut Tx,
    cx: &Ctx,
    territory: &Territory,
) -> Result<(), DbError> {
    let regions = serde_json::to_string(&territory.regions)
        .map_err(|error| DbError::Other(sqlx::Error::Encode(Box::new(error))))?;
    tx.execute(
        "INSERT INTO identity_territories (org_id, id, name, regions, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name, regions = excluded.regions",
        args![cx.scope.org_arg(), territory.id, &territory.name, regions, cx.now()],
    )
    .await
    .map(drop)
}

/// Deletes a territory that no user has; gives whether it did.
pub(crate) async fn delete_territory(
    tx: &mut Tx,
    scope: Scope,
    id: TerritoryId,
) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            "DELETE FROM identity_territories WHERE org_id = $1 AND id = $2 AND NOT EXISTS (
               SELECT 1 FROM identity_users WHERE org_id = $1 AND territory_id = $2)",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(deleted == 1)
}

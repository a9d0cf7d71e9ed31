//! Roles: what people may do, as data. The built-in ones come with the program; an organisation adds its own.

mod built_in;

use platform::access::{EVERYTHING, FieldRule, FieldRules, Permissions};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx};
use serde::{Deserialize, Serialize};

use built_in::{BUILT_IN, UNVEILED};
pub use built_in::{FIELDS, RIGHTS, is_cut};

use crate::model::{PersonName, RoleName};
use crate::store::{people, roles as store};

/// How far the view of a role goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Records that are one's own.
    Own,
    /// And those of one's team.
    Team,
    /// And those of the teams below.
    TeamAndBelow,
    /// Those of a territory.
    Territory,
    /// All of the organisation.
    All,
}

impl Reach {
    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Team => "team",
            Self::TeamAndBelow => "team_and_below",
            Self::Territory => "territory",
            Self::All => "all",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Own, Self::Team, Self::TeamAndBelow, Self::Territory, Self::All]
            .into_iter()
            .find(|reach| reach.name() == name)
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Role {
    /// By which users and tokens name it.
    #[schema(value_type = String)]
    pub name: RoleName,
    /// What people call it; null for built-in roles, which pages name in the reader's language.
    pub title: Option<String>,
    /// Whether it came with the program.
    pub built_in: bool,
    /// Rights, each `module.action`; `*` is everything.
    #[schema(value_type = Vec<String>)]
    pub rights: Permissions,
    /// How far its view goes.
    pub reach: Reach,
    /// What is done with fields before it sees them, by name of the field.
    #[schema(value_type = std::collections::BTreeMap<String, FieldRule>)]
    pub fields: FieldRules,
    /// For `If-Match`.
    pub version: i64,
}

/// Writes the built-in roles as this program knows them.
///
/// # Errors
/// As the database says.
pub async fn ensure_built_in(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    let known = store::built_in(tx, cx.scope).await?;
    for role in BUILT_IN {
        let rights: Permissions = role.rights.iter().copied().collect();
        let is_as_it_was = known.iter().any(|(name, stored, reach)| {
            name == role.name && *stored == rights && reach == role.reach.name()
        });
        if !is_as_it_was {
            store::put_built_in(tx, cx, role.name, &rights, role.reach).await?;
        }
    }
    Ok(())
}

/// All roles, the built-in ones first.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<Role>, DbError> {
    let mut roles = store::all(tx, scope).await?;
    let place = |role: &Role| BUILT_IN.iter().position(|known| known.name == role.name.as_str());
    roles.sort_by_key(|role| (place(role).unwrap_or(BUILT_IN.len()), role.name.clone()));
    Ok(roles)
}

/// Why a role cannot be given to somebody.
#[derive(Debug, thiserror::Error)]
pub enum GiveError {
    /// There is none of that name.
    #[error("there is no such role")]
    Unknown,
    /// It may do what the giver may not.
    #[error("it has rights that you have not: {0}")]
    Above(String),
    /// It sees what the giver does not.
    #[error("it sees fields that you do not see")]
    SeesMore,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// The role `name`, if a caller with `own` rights may give it to somebody.
///
/// # Errors
/// Why not.
pub async fn to_give(
    tx: &mut Tx,
    cx: &Ctx,
    own: &Permissions,
    name: &RoleName,
) -> Result<Role, GiveError> {
    let role = store::by_name(tx, cx.scope, name).await?.ok_or(GiveError::Unknown)?;
    if !cx.access.fields().cover(&role.fields) {
        return Err(GiveError::SeesMore);
    }
    if !own.cover(&role.rights) {
        let above: Vec<&str> = role.rights.iter().filter(|right| !own.allow(right)).collect();
        return Err(GiveError::Above(above.join(", ")));
    }
    Ok(role)
}

/// Roles of one organisation, the built-in ones among them.
const ROLES_MAX: usize = 200;

/// A role as an organisation wants it.
#[derive(Debug, Clone)]
pub struct WantedRole {
    /// By which users and tokens name it.
    pub name: RoleName,
    /// What people call it.
    pub title: PersonName,
    /// What it allows.
    pub rights: Permissions,
    /// How far its view goes.
    pub reach: Reach,
    /// What is done with fields.
    pub fields: FieldRules,
}

/// Why a role cannot be made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// There is none of that name.
    #[error("there is no such role")]
    NotFound,
    /// It comes with the program.
    #[error("built-in roles are not changed; make one of your own")]
    BuiltIn,
    /// The name is taken.
    #[error("there is a role of this name already")]
    Taken,
    /// No route asks for it.
    #[error("there is no right `{0}`")]
    UnknownRight(String),
    /// The right is about the organisation as a whole.
    #[error("the right {right} is about all records; a role with it must reach all, not {}", .reach.name())]
    Whole {
        /// The right.
        right: String,
        /// The reach that was wanted.
        reach: Reach,
    },
    /// There is no such field, or not this rule for it.
    #[error("{0}")]
    UnknownField(String),
    /// It would see what its maker does not.
    #[error("it would see fields that you do not see")]
    SeesMore,
    /// The maker has not that right.
    #[error("you have not the right {0} yourself")]
    Above(String),
    /// Somebody changed it since; this is what it is now.
    #[error("somebody changed this role meanwhile")]
    Stale(Box<Role>),
    /// Somebody has it.
    #[error("users, invitations or tokens have this role; give them another first")]
    InUse,
    /// There are too many.
    #[error("an organisation has at most {ROLES_MAX} roles")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

fn check_rights(own: &Permissions, rights: &Permissions) -> Result<(), RoleError> {
    for right in rights.iter() {
        if right != EVERYTHING && !RIGHTS.contains(&right) {
            return Err(RoleError::UnknownRight(right.to_owned()));
        }
        if !own.allow(right) {
            return Err(RoleError::Above(right.to_owned()));
        }
    }
    Ok(())
}

fn check(cx: &Ctx, own: &Permissions, wanted: &WantedRole) -> Result<(), RoleError> {
    check_rights(own, &wanted.rights)?;
    if wanted.reach != Reach::All
        && let Some(right) = wanted.rights.iter().find(|right| !is_cut(right))
    {
        return Err(RoleError::Whole { right: right.to_owned(), reach: wanted.reach });
    }
    if let Some((field, _)) = wanted.fields.iter().find(|(field, _)| !wanted.fields.show(field))
        && let Some(right) = UNVEILED.iter().find(|right| wanted.rights.allow(right))
    {
        return Err(RoleError::UnknownField(format!(
            "a role with the right {right} sees `{field}` in files and records as they are; it cannot be \
             hidden from it"
        )));
    }
    for (field, rule) in wanted.fields.iter() {
        let rules = FIELDS.iter().find(|(known, _)| *known == field).map(|(_, rules)| *rules);
        match rules {
            None => return Err(RoleError::UnknownField(format!("there is no field `{field}`"))),
            Some(rules) if !rules.contains(&rule) => {
                let known: Vec<String> = rules.iter().map(|rule| name_of(*rule)).collect();
                return Err(RoleError::UnknownField(format!(
                    "`{field}` can be {}, not {}",
                    known.join(" or "),
                    name_of(rule)
                )));
            }
            Some(_) => {}
        }
    }
    if cx.access.fields().cover(&wanted.fields) { Ok(()) } else { Err(RoleError::SeesMore) }
}

fn name_of(rule: FieldRule) -> String {
    match rule {
        FieldRule::ReadOnly => "read_only",
        FieldRule::Masked => "masked",
        FieldRule::Hidden => "hidden",
    }
    .to_owned()
}

/// Makes a role, for a caller with the rights `own`.
///
/// # Errors
/// Why not.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    own: &Permissions,
    wanted: WantedRole,
) -> Result<Role, RoleError> {
    people::lock_org(tx, cx.scope).await?;
    check(cx, own, &wanted)?;
    let roles = store::all(tx, cx.scope).await?;
    if roles.iter().any(|role| role.name == wanted.name) {
        return Err(RoleError::Taken);
    }
    if roles.len() >= ROLES_MAX {
        return Err(RoleError::TooMany);
    }
    store::insert(tx, cx, &wanted).await?;
    let entry = Entry::new("identity.role.create")
        .on("role", wanted.name.as_str())
        .with("title", wanted.title.as_str())
        .with("rights", &wanted.rights)
        .with("reach", wanted.reach)
        .with("fields", &wanted.fields);
    audit::record(tx, cx, entry).await?;
    store::by_name(tx, cx.scope, &wanted.name).await?.ok_or(RoleError::NotFound)
}

/// Changes a role of version `version`, for a caller with the rights `own`. It holds from the next
/// request on of everybody who has it.
///
/// # Errors
/// Why not. Of a role that has rights which the caller has not, nothing can be changed.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    own: &Permissions,
    version: i64,
    wanted: WantedRole,
) -> Result<Role, RoleError> {
    people::lock_org(tx, cx.scope).await?;
    let before = own_role(tx, cx.scope, &wanted.name).await?;
    if before.version != version {
        return Err(RoleError::Stale(Box::new(before)));
    }
    check_rights(own, &before.rights)?;
    check(cx, own, &wanted)?;
    store::change(tx, cx.scope, &wanted).await?;
    let entry = Entry::new("identity.role.change")
        .on("role", wanted.name.as_str())
        .change("title", &before.title, wanted.title.as_str())
        .change("rights", &before.rights, &wanted.rights)
        .change("reach", before.reach, wanted.reach)
        .change("fields", &before.fields, &wanted.fields);
    audit::record(tx, cx, entry).await?;
    store::by_name(tx, cx.scope, &wanted.name).await?.ok_or(RoleError::NotFound)
}

/// Deletes a role that nobody has.
///
/// # Errors
/// `NotFound`, `BuiltIn`, `InUse`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, name: &RoleName) -> Result<(), RoleError> {
    people::lock_org(tx, cx.scope).await?;
    let before = own_role(tx, cx.scope, name).await?;
    if store::is_in_use(tx, cx.scope, name).await? {
        return Err(RoleError::InUse);
    }
    store::delete(tx, cx.scope, name).await?;
    let entry = Entry::new("identity.role.delete")
        .on("role", name.as_str())
        .without("rights", &before.rights);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

async fn own_role(tx: &mut Tx, scope: Scope, name: &RoleName) -> Result<Role, RoleError> {
    let role = store::by_name(tx, scope, name).await?.ok_or(RoleError::NotFound)?;
    if role.built_in { Err(RoleError::BuiltIn) } else { Ok(role) }
}

#[cfg(test)]
mod tests {
    use super::built_in::CUT;
    use super::*;

    #[test]
    fn names_of_built_in_roles_are_role_names_and_differ() {
        for (index, role) in BUILT_IN.iter().enumerate() {
            assert!(role.name.parse::<RoleName>().is_ok(), "{}", role.name);
            assert!(BUILT_IN[..index].iter().all(|other| other.name != role.name), "{}", role.name);
        }
    }

    #[test]
    fn built_in_roles_have_no_right_beyond_their_reach() {
        for role in BUILT_IN.iter().filter(|role| role.reach != Reach::All) {
            assert!(role.rights.iter().all(|right| is_cut(right)), "{}", role.name);
        }
        assert!(CUT.iter().all(|right| RIGHTS.contains(right)));
    }

    #[test]
    fn reaches_are_known_by_name() {
        for reach in [Reach::Own, Reach::Team, Reach::TeamAndBelow, Reach::Territory, Reach::All] {
            assert_eq!(Reach::from_name(reach.name()), Some(reach));
        }
        assert_eq!(Reach::from_name("everywhere"), None);
    }
}

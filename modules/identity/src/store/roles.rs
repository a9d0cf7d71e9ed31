//! SQL of roles.

use platform::access::{FieldRules, Permissions};
use platform::{Ctx, DbError, Scope, Tx, args};

use crate::model::RoleName;
use crate::roles::{Reach, Role, WantedRole};

type RoleRow = (String, Option<String>, bool, String, String, String, i64);

const COLUMNS: &str =
    "SELECT name, title, built_in, rights, reach, fields, version FROM identity_roles";

fn role(row: RoleRow) -> Result<Role, DbError> {
    let (name, title, built_in, rights, reach, field_rules, version) = row;
    let unreadable =
        |what: &str| DbError::Refused(format!("the role {name} has an unknown {what}"));
    let reach = Reach::from_name(&reach).ok_or_else(|| unreadable("reach"))?;
    Ok(Role {
        rights: permissions(&rights)?,
        name: name.parse().map_err(|_| unreadable("name"))?,
        title,
        built_in,
        reach,
        fields: fields(&field_rules)?,
        version,
    })
}

pub(super) fn permissions(json: &str) -> Result<Permissions, DbError> {
    serde_json::from_str(json)
        .map_err(|error| DbError::Refused(format!("the rights of a role are unreadable: {error}")))
}

pub(super) fn fields(json: &str) -> Result<FieldRules, DbError> {
    serde_json::from_str(json)
        .map_err(|error| DbError::Refused(format!("the fields of a role are unreadable: {error}")))
}

fn json(rights: &Permissions) -> String {
    serde_json::to_string(rights).unwrap_or_else(|_| "[]".to_owned())
}

fn fields_json(fields: &FieldRules) -> String {
    serde_json::to_string(fields).unwrap_or_else(|_| "{}".to_owned())
}

/// Name, rights and reach of the built-in roles as they are stored.
pub(crate) async fn built_in(
    tx: &mut Tx,
    scope: Scope,
) -> Result<Vec<(String, Permissions, String)>, DbError> {
    let rows: Vec<(String, String, String)> = tx
        .fetch_all(
            "SELECT name, rights, reach FROM identity_roles WHERE org_id = $1 AND built_in",
            args![scope.org_arg()],
        )
        .await?;
    rows.into_iter().map(|(name, rights, reach)| Ok((name, permissions(&rights)?, reach))).collect()
}

pub(crate) async fn put_built_in(
    tx: &mut Tx,
    cx: &Ctx,
    name: &str,
    rights: &Permissions,
    reach: Reach,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_roles (org_id, name, built_in, rights, reach, version, created_at)
         VALUES ($1, $2, TRUE, $3, $4, 1, $5)
         ON CONFLICT (org_id, name) DO UPDATE SET built_in = TRUE, title = NULL,
             rights = excluded.rights, reach = excluded.reach,
             version = identity_roles.version + 1",
        args![cx.scope.org_arg(), name, json(rights), reach.name(), cx.now()],
    )
    .await
    .map(drop)
}

pub(crate) async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<Role>, DbError> {
    let sql = format!("{COLUMNS} WHERE org_id = $1");
    let rows: Vec<RoleRow> = tx.fetch_all(sqlx::AssertSqlSafe(sql), args![scope.org_arg()]).await?;
    rows.into_iter().map(role).collect()
}

pub(crate) async fn by_name(
    tx: &mut Tx,
    scope: Scope,
    name: &RoleName,
) -> Result<Option<Role>, DbError> {
    let sql = format!("{COLUMNS} WHERE org_id = $1 AND name = $2");
    let row: Option<RoleRow> =
        tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![scope.org_arg(), name.as_str()]).await?;
    row.map(role).transpose()
}

pub(crate) async fn insert(tx: &mut Tx, cx: &Ctx, role: &WantedRole) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_roles (org_id, name, title, built_in, rights, reach, fields, version,
             created_at) VALUES ($1, $2, $3, FALSE, $4, $5, $6, 1, $7)",
        args![
            cx.scope.org_arg(),
            role.name.as_str(),
            role.title.as_str(),
            json(&role.rights),
            role.reach.name(),
            fields_json(&role.fields),
            cx.now()
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn change(tx: &mut Tx, scope: Scope, role: &WantedRole) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_roles SET title = $3, rights = $4, reach = $5, fields = $6,
             version = version + 1
         WHERE org_id = $1 AND name = $2",
        args![
            scope.org_arg(),
            role.name.as_str(),
            role.title.as_str(),
            json(&role.rights),
            role.reach.name(),
            fields_json(&role.fields)
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, scope: Scope, name: &RoleName) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_roles WHERE org_id = $1 AND name = $2",
        args![scope.org_arg(), name.as_str()],
    )
    .await
    .map(drop)
}

/// Whether users, deactivated ones included, invitations or tokens name the role.
pub(crate) async fn is_in_use(tx: &mut Tx, scope: Scope, name: &RoleName) -> Result<bool, DbError> {
    let (used,): (bool,) = tx
        .fetch_one(
            "SELECT EXISTS (SELECT 1 FROM identity_users WHERE org_id = $1 AND role = $2)
                 OR EXISTS (SELECT 1 FROM identity_invitations WHERE org_id = $1 AND role = $2)
                 OR EXISTS (SELECT 1 FROM identity_tokens WHERE org_id = $1 AND role = $2)",
            args![scope.org_arg(), name.as_str()],
        )
        .await?;
    Ok(used)
}

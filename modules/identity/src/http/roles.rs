//! The routes of roles.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use kernel::FieldErrors;
use platform::access::{Access, FieldRule, FieldRules, Permissions};
use platform::http::{Cx, Idempotent, IfMatch, JsonBody};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::people::All;
use crate::model::{PersonName, RoleName};
use crate::roles::{self, Reach, Role, RoleError, WantedRole};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_roles, create_role))
        .routes(routes!(change_role, delete_role))
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotFound => Self::not_found("role"),
            RoleError::BuiltIn => Self::conflict("built_in_role", error.to_string()),
            RoleError::Taken => Self::conflict("role_taken", error.to_string()),
            RoleError::InUse => Self::conflict("role_in_use", error.to_string()),
            RoleError::TooMany => Self::conflict("too_many_roles", error.to_string()),
            RoleError::UnknownRight(_) => Self::field("rights", error.to_string()),
            RoleError::Whole { .. } => Self::field("reach", error.to_string()),
            RoleError::UnknownField(_) => Self::field("fields", error.to_string()),
            RoleError::Above(_) | RoleError::SeesMore => Self::forbidden(error.to_string()),
            RoleError::Stale(current) => Self::precondition_failed(&*current),
            RoleError::Store(error) => error.into(),
        }
    }
}

/// All roles, the built-in ones first.
#[utoipa::path(get, path = "/identity/roles", tag = "identity",
    extensions(("x-right" = json!("signed_in"))),
    responses((status = 200, body = All<Role>), Problem))]
async fn list_roles(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<All<Role>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: roles::list(&mut tx, cx.scope).await? }))
}

/// A role to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRoleBody {
    /// By which users and tokens name it: a lower-case letter, then letters, digits and `_`.
    name: String,
    /// What people call it.
    title: String,
    /// Rights, each `module.action`.
    rights: Vec<String>,
    /// How far its view goes; all records unless said.
    #[serde(default = "everything")]
    reach: Reach,
    /// What is done with fields before it sees them, by name of the field.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, FieldRule>)]
    fields: FieldRules,
}

/// A role as it shall be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleBody {
    /// What people call it.
    title: String,
    /// Rights, each `module.action`.
    rights: Vec<String>,
    /// How far its view goes; all records unless said.
    #[serde(default = "everything")]
    reach: Reach,
    /// What is done with fields before it sees them, by name of the field.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, FieldRule>)]
    fields: FieldRules,
}

const fn everything() -> Reach {
    Reach::All
}

fn wanted(name: &str, body: RoleBody) -> Result<WantedRole, Problem> {
    let RoleBody { title, rights, reach, fields } = body;
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", name.parse::<RoleName>());
    let title = errors.keep("title", title.parse::<PersonName>());
    let rights: Permissions = rights.iter().map(String::as_str).collect();
    Ok(errors.finish(|| Some(WantedRole { name: name?, title: title?, rights, reach, fields }))?)
}

/// Makes a role, of rights that the caller has.
#[utoipa::path(post, path = "/identity/roles", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewRoleBody, responses((status = 201, body = Role), Problem))]
async fn create_role(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    Idempotent { key, body }: Idempotent<NewRoleBody>,
) -> Result<Answer, Problem> {
    let NewRoleBody { name, title, rights, reach, fields } = body;
    let wanted = wanted(&name, RoleBody { title, rights, reach, fields })?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let role = roles::create(&mut tx, &cx, access.permissions(), wanted).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &role).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Changes a role; it holds from the next request on of everybody who has it.
#[utoipa::path(put, path = "/identity/roles/{name}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("name" = String, Path), ("If-Match" = String, Header)),
    request_body = RoleBody, responses((status = 200, body = Role), Problem))]
async fn change_role(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    Path(name): Path<String>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<RoleBody>,
) -> Result<Json<Role>, Problem> {
    let wanted = wanted(&name, body)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let role = roles::change(&mut tx, &cx, access.permissions(), version, wanted).await?;
    tx.commit().await?;
    Ok(Json(role))
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/identity/roles/{name}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("name" = String, Path)), responses((status = 204), Problem))]
async fn delete_role(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = name.parse::<RoleName>().map_err(|_| Problem::not_found("role"))?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    roles::delete(&mut tx, &cx, &name).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

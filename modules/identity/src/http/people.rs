//! The routes of users, roles, teams and invitations.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::{FieldErrors, InvitationId, Limit, OrgId, Page, TeamId, TerritoryId, UserId};
use platform::access::Access;
use platform::audit::{self, Entry, Origin};
use platform::http::{Cx, Idempotent, IfMatch, JsonBody, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Edge, Session, agent_of, first_org, roles, session_answer, territories};
use crate::invitations::{self, Invitation, InviteError, NewInvitation};
use crate::model::{Email, PersonName, RoleName};
use crate::password::{self, Password};
use crate::roles::GiveError;
use crate::secret::Secret;
use crate::sign_in;
use crate::store::people as store;
use crate::teams::{self, Team, TeamError};
use crate::users::{self, ChangeUserError, Colleague, Member, UserChange};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_users))
        .routes(routes!(list_colleagues))
        .routes(routes!(change_user))
        .routes(routes!(end_sessions))
        .merge(roles::routes())
        .merge(territories::routes())
        .routes(routes!(list_teams, create_team))
        .routes(routes!(change_team, delete_team))
        .routes(routes!(list_invitations, invite))
        .routes(routes!(take_back))
        .routes(routes!(look))
        .routes(routes!(join))
}

pub(super) fn role_problem(error: GiveError, field: &str) -> Problem {
    match error {
        GiveError::Above(_) | GiveError::SeesMore => Problem::forbidden(error.to_string()),
        GiveError::Store(error) => error.into(),
        GiveError::Unknown => Problem::field(field, error.to_string()),
    }
}

impl From<ChangeUserError> for Problem {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::NotFound => Self::not_found("user"),
            ChangeUserError::Stale(current) => Self::precondition_failed(&*current),
            ChangeUserError::Above(_) => Self::forbidden(error.to_string()),
            ChangeUserError::LastOwner => Self::conflict("last_owner", error.to_string()),
            ChangeUserError::Oneself => Self::conflict("oneself", error.to_string()),
            ChangeUserError::Role(error) => role_problem(error, "role"),
            ChangeUserError::UnknownTeam => Self::field("team_id", error.to_string()),
            ChangeUserError::UnknownTerritory => Self::field("territory_id", error.to_string()),
            ChangeUserError::Store(error) => error.into(),
        }
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::EmailTaken => Self::conflict("email_taken", error.to_string()),
            InviteError::Role(error) => role_problem(error, "role"),
            InviteError::UnknownTeam => Self::field("team_id", error.to_string()),
            InviteError::Gone => Self::gone(error.to_string()),
            InviteError::Store(error) => error.into(),
        }
    }
}

impl From<TeamError> for Problem {
    fn from(error: TeamError) -> Self {
        match error {
            TeamError::NotFound => Self::not_found("team"),
            TeamError::UnknownParent | TeamError::Cycle => {
                Self::field("parent_id", error.to_string())
            }
            TeamError::InUse => Self::conflict("team_in_use", error.to_string()),
            TeamError::TooMany => Self::conflict("too_many_teams", error.to_string()),
            TeamError::Store(error) => error.into(),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageParams {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// The people of the organisation, the first who joined first.
#[utoipa::path(get, path = "/identity/users", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(PageParams), responses((status = 200, body = Page<Member>), Problem))]
async fn list_users(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<Json<Page<Member>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let page = users::list(&mut tx, cx.scope, &keys, params.after.as_deref(), limit).await?;
    Ok(Json(page.map_err(|error| Problem::field("after", error.to_string()))?))
}

/// The people to whom the caller can give records: those in their reach, the first who joined first.
#[utoipa::path(get, path = "/identity/colleagues", tag = "identity",
    extensions(("x-right" = json!("customers.assign"))),
    responses((status = 200, body = All<Colleague>), Problem))]
async fn list_colleagues(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<All<Colleague>>, Problem> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: users::colleagues(&mut tx, &cx, &keys).await? }))
}

/// What shall be changed of a user; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct UserBody {
    name: Option<String>,
    /// By name; see `GET /identity/roles`.
    role: Option<String>,
    /// Null takes them out of their team.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<TeamId>)]
    team_id: Option<Option<TeamId>>,
    /// Null takes their territory away.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<TerritoryId>)]
    territory_id: Option<Option<TerritoryId>>,
    /// Whether they can sign in.
    active: Option<bool>,
}

/// Tells null from left out.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Changes a user. A changed role, and an end of access, end their sessions at once.
#[utoipa::path(patch, path = "/identity/users/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.people session proof"))),
    params(("id" = UserId, Path), ("If-Match" = String, Header)),
    request_body = UserBody, responses((status = 200, body = Member), Problem))]
async fn change_user(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    PathId(id): PathId<UserId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<UserBody>,
) -> Result<Json<Member>, Problem> {
    let mut errors = FieldErrors::default();
    let name = body.name.map(|name| errors.keep("name", name.parse::<PersonName>()));
    let role = body.role.map(|role| errors.keep("role", role.parse::<RoleName>()));
    let change = errors.finish(|| {
        Some(UserChange {
            name: name.map_or(Some(None), |name| name.map(Some))?,
            role: role.map_or(Some(None), |role| role.map(Some))?,
            team: body.team_id,
            territory: body.territory_id,
            active: body.active,
        })
    })?;
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let own = access.permissions();
    let user = users::change(&mut tx, &cx, &keys, own, (id, version), change).await?;
    tx.commit().await?;
    Ok(Json(user))
}

/// Signs a user out everywhere.
#[utoipa::path(delete, path = "/identity/users/{id}/sessions", tag = "identity",
    extensions(("x-right" = json!("identity.people session"))),
    params(("id" = UserId, Path)), responses((status = 204), Problem))]
async fn end_sessions(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, Problem> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if users::find(&mut tx, cx.scope, &keys, id).await?.is_none() {
        return Err(Problem::not_found("user"));
    }
    let theirs = store::rights(&mut tx, cx.scope, id).await?;
    if !access.permissions().cover(&theirs) {
        return Err(Problem::forbidden("they may do what you may not"));
    }
    let ended = store::end_sessions(&mut tx, cx.scope, id, None).await?;
    let entry = Entry::new("identity.session.end").on("user", id).without("sessions", ended);
    audit::record(&mut tx, &cx, entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All there is of something that is never much.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct All<T> {
    pub(super) items: Vec<T>,
}

/// All teams by name.
#[utoipa::path(get, path = "/identity/teams", tag = "identity",
    extensions(("x-right" = json!("signed_in"))),
    responses((status = 200, body = All<Team>), Problem))]
async fn list_teams(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<All<Team>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: teams::list(&mut tx, cx.scope).await? }))
}

/// A team as it shall be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TeamBody {
    /// What it is called.
    name: String,
    /// The team above it.
    parent_id: Option<TeamId>,
}

fn team_name(name: &str) -> Result<PersonName, Problem> {
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", name.parse::<PersonName>());
    Ok(errors.finish(|| name)?)
}

/// Makes a team.
#[utoipa::path(post, path = "/identity/teams", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = TeamBody, responses((status = 201, body = Team), Problem))]
async fn create_team(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<TeamBody>,
) -> Result<Answer, Problem> {
    let name = team_name(&body.name)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let team = teams::create(&mut tx, &cx, &name, body.parent_id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &team).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Names a team and puts it in its place.
#[utoipa::path(put, path = "/identity/teams/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("id" = TeamId, Path)),
    request_body = TeamBody, responses((status = 200, body = Team), Problem))]
async fn change_team(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<TeamId>,
    JsonBody(body): JsonBody<TeamBody>,
) -> Result<Json<Team>, Problem> {
    let name = team_name(&body.name)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let team = teams::change(&mut tx, &cx, id, &name, body.parent_id).await?;
    tx.commit().await?;
    Ok(Json(team))
}

/// Deletes a team that nobody is in.
#[utoipa::path(delete, path = "/identity/teams/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("id" = TeamId, Path)), responses((status = 204), Problem))]
async fn delete_team(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<TeamId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    teams::delete(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who was asked to join and has not yet, the last first.
#[utoipa::path(get, path = "/identity/invitations", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    responses((status = 200, body = All<Invitation>), Problem))]
async fn list_invitations(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<All<Invitation>>, Problem> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: invitations::list(&mut tx, &cx, &keys).await? }))
}

/// Whom to ask to join.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InvitationBody {
    email: String,
    /// By name; see `GET /identity/roles`.
    role: String,
    team_id: Option<TeamId>,
}

/// An invitation that was just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NewLink {
    invitation: Invitation,
    /// The page `/join#…` of this server with it makes the account. Shown only this once.
    secret: String,
}

/// Asks somebody to join. The secret of the link is in this answer only; hand it to them.
#[utoipa::path(post, path = "/identity/invitations", tag = "identity",
    extensions(("x-right" = json!("identity.people session proof"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = InvitationBody, responses((status = 201, body = NewLink), Problem))]
async fn invite(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    Idempotent { key, body }: Idempotent<InvitationBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    let email = errors.keep("email", body.email.parse::<Email>());
    let role = errors.keep("role", body.role.parse::<RoleName>());
    let new = errors
        .finish(|| Some(NewInvitation { email: email?, role: role?, team_id: body.team_id }))?;
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let own = access.permissions();
    let (invitation, secret) = invitations::invite(&mut tx, &cx, &keys, own, new).await?;
    let link = NewLink { invitation, secret };
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &link).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/identity/invitations/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("id" = InvitationId, Path)), responses((status = 204), Problem))]
async fn take_back(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<InvitationId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !invitations::take_back(&mut tx, &cx, id).await? {
        return Err(Problem::not_found("invitation"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link as it was handed over.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    secret: String,
}

/// What whoever was asked sees before they join.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Asked {
    email: String,
    #[schema(value_type = String)]
    role: RoleName,
    /// What the organisation is called.
    org_name: String,
}

fn secret_of(text: &str) -> Result<Secret, Problem> {
    // Links of other organisations are none here, as sign-in is.
    Secret::parse(text.trim())
        .filter(|secret| secret.org == OrgId::FIRST)
        .ok_or_else(|| InviteError::Gone.into())
}

/// What an invitation is for, to whoever has its link.
#[utoipa::path(post, path = "/identity/invitations/look", tag = "identity", security(()),
    request_body = LinkBody, responses((status = 200, body = Asked), Problem))]
async fn look(
    State(platform): State<Platform>,
    JsonBody(body): JsonBody<LinkBody>,
) -> Result<Json<Asked>, Problem> {
    let secret = secret_of(&body.secret)?;
    let cx = first_org(&platform);
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let Invitation { email, role, .. } = invitations::of_link(&mut tx, &cx, &keys, &secret).await?;
    let org_name = crate::store::org_name(&mut tx, cx.scope.org()).await?;
    Ok(Json(Asked { email, role, org_name }))
}

/// Somebody who joins.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct JoinBody {
    /// From the link.
    secret: String,
    /// What to call them.
    name: String,
    /// At least 10 characters.
    #[schema(format = Password)]
    password: String,
}

/// Makes the account of whoever was asked, and signs in with it.
#[utoipa::path(post, path = "/identity/invitations/join", tag = "identity", security(()),
    request_body = JoinBody, responses((status = 201, body = Session), Problem))]
async fn join(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<JoinBody>,
) -> Result<Response, Problem> {
    let secret = secret_of(&body.secret)?;
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let password = errors.keep("password", Password::new(body.password));
    let (name, password) = errors.finish(|| Some((name?, password?)))?;
    let cx = first_org(&platform).from(origin);
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    // Before the hash, which costs something.
    invitations::of_link(&mut tx, &cx, &keys, &secret).await?;
    tx.rollback().await?;
    let password = password::hash(password, &*cx.ids).await;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let user = invitations::join(&mut tx, &cx, &keys, &secret, name, password).await?;
    let signed_in = sign_in::open_session(&mut tx, &cx, user, agent_of(&headers), cx.now()).await?;
    tx.commit().await?;
    Ok(session_answer(signed_in, &edge))
}

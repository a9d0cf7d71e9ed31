//! The routes of signing in and out.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kernel::{OrgId, Timestamp};
use platform::access::{Access, FieldRule, FieldRules, Permissions};
use platform::audit::Origin;
use platform::http::{Cx, JsonBody};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::layer::cookie;
use super::{Edge, Person, agent_of};
use crate::authenticate::Credential;
use crate::model::User;
use crate::second_factor::Challenge;
use crate::sign_in::{self, SignInError, SignInStep, SignedIn};
use crate::{sign_out, store};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(create_session))
        .routes(routes!(current_session, end_session))
}

/// An organisation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Org {
    /// What it is called.
    name: String,
}

/// A session.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Session {
    user: User,
    org: Org,
    /// What the user may do, each `module.action`; `*` is everything.
    #[schema(value_type = Vec<String>)]
    rights: Permissions,
    /// Whether the user must set up a second factor first; until then nothing else is answered.
    second_factor_due: bool,
    /// Whether the user sees all records; else those in their reach.
    sees_all: bool,
    /// What is done with fields before the user sees them, by name of the field.
    #[schema(value_type = std::collections::BTreeMap<String, FieldRule>)]
    fields: FieldRules,
    /// When it ends unless it is used.
    expires_at: Timestamp,
}

pub(super) fn session_answer(signed_in: SignedIn, edge: &Edge) -> Response {
    let cookie = cookie(&signed_in.secret.text(), edge);
    let session = Session {
        user: signed_in.user,
        org: Org { name: signed_in.org_name },
        second_factor_due: signed_in.second_factor_due,
        rights: signed_in.access.permissions().clone(),
        sees_all: signed_in.access.reach().is_all(),
        fields: signed_in.access.fields().clone(),
        expires_at: signed_in.expires_at,
    };
    (StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(session)).into_response()
}

/// A sign-in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    email: String,
    #[schema(format = Password)]
    password: String,
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong_credentials",
                "E-mail address or password is wrong",
            ),
            SignInError::TooOften { retry_after_seconds } => {
                Self::too_many_requests(retry_after_seconds).detail(error.to_string())
            }
            SignInError::Store(error) => error.into(),
        }
    }
}

/// A sign-in that awaits a code.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Awaited {
    /// For the second step, which it allows once.
    challenge: String,
    /// Until when.
    expires_at: Timestamp,
}

/// Signs in: the answer sets the session cookie. Who has a second factor is asked for a code (202).
#[utoipa::path(post, path = "/identity/sessions", tag = "identity", security(()),
    request_body = SignInBody,
    responses((status = 201, body = Session), (status = 202, body = Awaited), Problem))]
async fn create_session(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignInBody>,
) -> Result<Response, Problem> {
    let password = Zeroizing::new(body.password);
    let agent = agent_of(&headers);
    let step =
        sign_in::sign_in(&platform, OrgId::FIRST, origin, &body.email, password, agent).await?;
    Ok(step_answer(step, &edge))
}

pub(super) fn step_answer(step: SignInStep, edge: &Edge) -> Response {
    match step {
        SignInStep::Done(signed_in) => session_answer(*signed_in, edge),
        SignInStep::Code(Challenge { expires_at, secret }) => {
            let awaited = Awaited { challenge: secret.text(), expires_at };
            (StatusCode::ACCEPTED, Json(awaited)).into_response()
        }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/identity/sessions/current", tag = "identity",
    extensions(("x-right" = json!("signed_in before_second_factor"))),
    responses((status = 200, body = Session), Problem))]
async fn current_session(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(credential): Extension<Credential>,
    Extension(access): Extension<Access>,
) -> Result<Json<Session>, Problem> {
    let Credential::Session { expires_at, .. } = credential else {
        return Err(Problem::not_found("session").detail("an API token is no session"));
    };
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let user = store::user(&mut tx, cx.scope, &keys, user).await?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    let name = store::org_name(&mut tx, cx.scope.org()).await?;
    Ok(Json(Session {
        user,
        org: Org { name },
        rights: access.permissions().clone(),
        sees_all: access.reach().is_all(),
        second_factor_due: access.is_before_second_factor(),
        fields: access.fields().clone(),
        expires_at,
    }))
}

/// Signs out.
#[utoipa::path(delete, path = "/identity/sessions/current", tag = "identity",
    extensions(("x-right" = json!("signed_in before_second_factor"))),
    responses((status = 204), Problem))]
async fn end_session(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(credential): Extension<Credential>,
    Extension(edge): Extension<Edge>,
) -> Result<Response, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !sign_out::sign_out(&mut tx, &cx, &credential).await? {
        return Err(Problem::not_found("session").detail("an API token is no session"));
    }
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", &edge))]).into_response())
}

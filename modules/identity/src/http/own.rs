//! The routes of one's own account: sessions and password.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use kernel::{FieldErrors, SessionId};
use platform::http::{JsonBody, PathId};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::Person;
use crate::authenticate::Credential;
use crate::change_password::{ChangePasswordError, change_password};
use crate::own_password::{self, ProveError};
use crate::password::Password;
use crate::sessions::{self, SessionInfo};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_sessions, end_other_sessions))
        .routes(routes!(end_session))
        .routes(routes!(set_password))
        .routes(routes!(prove))
}

/// Where one is signed in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Sessions {
    items: Vec<SessionInfo>,
}

/// Where the caller is signed in, the last used first.
#[utoipa::path(get, path = "/identity/sessions", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    responses((status = 200, body = Sessions), Problem))]
async fn list_sessions(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
) -> Result<Json<Sessions>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(Sessions { items: sessions::list(&mut tx, &cx, user, &asking).await? }))
}

/// Signs the caller out everywhere else.
#[utoipa::path(delete, path = "/identity/sessions", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    responses((status = 204), Problem))]
async fn end_other_sessions(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    sessions::end_others(&mut tx, &cx, user, &asking).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/identity/sessions/{id}", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    params(("id" = SessionId, Path)), responses((status = 204), Problem))]
async fn end_session(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !sessions::end(&mut tx, &cx, user, id).await? {
        return Err(Problem::not_found("session"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's password, again.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ProofBody {
    #[schema(format = Password)]
    password: String,
}

/// Shows again who is signed in: for half an hour the session is good for what asks for it (`proof_needed`).
/// Who has no password signs out and in again.
#[utoipa::path(post, path = "/identity/sessions/current/proof", tag = "identity",
    extensions(("x-right" = json!("signed_in session before_second_factor"))),
    request_body = ProofBody, responses((status = 204), Problem))]
async fn prove(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
    JsonBody(body): JsonBody<ProofBody>,
) -> Result<StatusCode, Problem> {
    let shown = Some(Zeroizing::new(body.password));
    own_password::prove(&platform, &cx, user, shown, "identity.session.proof_failed").await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    sessions::prove(&mut tx, &cx, &asking).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ProveError> for Problem {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Wrong => Self::field("password", error.to_string()),
            ProveError::TooOften { retry_after_seconds } => {
                Self::too_many_requests(retry_after_seconds).detail(error.to_string())
            }
            ProveError::Store(error) => error.into(),
        }
    }
}

/// A new password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    /// The present one.
    #[schema(format = Password)]
    present: String,
    /// At least 10 characters.
    #[schema(format = Password)]
    new: String,
}

/// Gives the caller a new password, and signs them out everywhere else.
#[utoipa::path(put, path = "/identity/password", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    request_body = PasswordBody, responses((status = 204), Problem))]
async fn set_password(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
    JsonBody(body): JsonBody<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let present = Zeroizing::new(body.present);
    let mut errors = FieldErrors::default();
    let new = errors.keep("new", Password::new(body.new));
    let new = errors.finish(|| new)?;
    match change_password(&platform, &cx, user, &asking, present, new).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error @ ChangePasswordError::Wrong) => {
            Err(Problem::field("present", error.to_string()))
        }
        Err(ChangePasswordError::TooOften { retry_after_seconds }) => {
            Err(Problem::too_many_requests(retry_after_seconds))
        }
        Err(ChangePasswordError::Store(error)) => Err(error.into()),
    }
}

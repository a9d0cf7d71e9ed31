//! The routes of the second factor: of one's own, of others, and of the organisation's wish for one.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::{OrgId, UserId};
use platform::access::Access;
use platform::audit::Origin;
use platform::http::{Cx, JsonBody, PathId};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{Edge, Person, Session, agent_of, session_answer};
use crate::authenticate::Credential;
use crate::second_factor::{
    self, AnswerError, NewSecret, RecoveryCodes, SecondFactor, SecondFactorError, challenge,
};
use crate::secret::Secret;
use crate::settings::{self, IdentitySettings};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(answer))
        .routes(routes!(state, begin, confirm))
        .routes(routes!(renew_codes))
        .routes(routes!(switch_off))
        .routes(routes!(reset))
        .routes(routes!(read_settings, write_settings))
}

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::AlreadyOn => Self::conflict("second_factor_on", error.to_string()),
            SecondFactorError::Off => Self::conflict("second_factor_off", error.to_string()),
            SecondFactorError::WrongPassword => Self::field("password", error.to_string()),
            SecondFactorError::WrongCode => Self::field("code", error.to_string()),
            SecondFactorError::TooOften { retry_after_seconds } => {
                Self::too_many_requests(retry_after_seconds).detail(error.to_string())
            }
            SecondFactorError::Store(error) => error.into(),
        }
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        let refused = |code, title| Self::new(StatusCode::UNAUTHORIZED, code, title);
        match error {
            AnswerError::Gone => {
                refused("challenge_gone", "This sign-in has ended").detail(error.to_string())
            }
            AnswerError::Wrong => {
                refused("wrong_code", "The code is wrong").detail(error.to_string())
            }
            AnswerError::TooOften { retry_after_seconds } => {
                Self::too_many_requests(retry_after_seconds).detail(error.to_string())
            }
            AnswerError::Store(error) => error.into(),
        }
    }
}

/// The second step of a sign-in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    /// As the first step answered it.
    challenge: String,
    /// Six digits of the app, or a recovery code.
    #[schema(format = Password)]
    code: String,
}

/// The second step of a sign-in: the answer sets the session cookie.
#[utoipa::path(post, path = "/identity/sessions/second", tag = "identity", security(()),
    request_body = CodeBody, responses((status = 201, body = Session), Problem))]
async fn answer(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CodeBody>,
) -> Result<Response, Problem> {
    let secret = Secret::parse(body.challenge.trim())
        .filter(|secret| secret.org == OrgId::FIRST)
        .ok_or(AnswerError::Gone)?;
    let agent = agent_of(&headers);
    let signed_in = challenge::answer(&platform, origin, &secret, &body.code, agent).await?;
    Ok(session_answer(signed_in, &edge))
}

/// How the caller's second factor stands.
#[utoipa::path(get, path = "/identity/second-factor", tag = "identity",
    extensions(("x-right" = json!("signed_in session before_second_factor"))),
    responses((status = 200, body = SecondFactor), Problem))]
async fn state(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
) -> Result<Json<SecondFactor>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(second_factor::state(&mut tx, &cx, user).await?))
}

/// Who one is, once more.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginBody {
    /// The caller's; who signs in through a provider and has none leaves it out.
    #[schema(format = Password)]
    password: Option<String>,
}

/// Begins to set up a second factor. Its secret is in this answer only; a code of it switches it on.
#[utoipa::path(post, path = "/identity/second-factor", tag = "identity",
    extensions(("x-right" = json!("signed_in session before_second_factor"))),
    request_body = BeginBody, responses((status = 201, body = NewSecret), Problem))]
async fn begin(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
    JsonBody(body): JsonBody<BeginBody>,
) -> Result<(StatusCode, Json<NewSecret>), Problem> {
    // Without a password the provider's word counts, where it gives one: a browser that was left open does not
    // put somebody else's telephone between the account and its owner.
    let is_stale = matches!(asking, Credential::Session { is_proven: false, was_proven: true, .. });
    if body.password.is_none() && is_stale {
        return Err(Problem::proof_needed());
    }
    let password = body.password.map(Zeroizing::new);
    let secret = second_factor::begin(&platform, &cx, user, password).await?;
    Ok((StatusCode::CREATED, Json(secret)))
}

/// The first code.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    /// Six digits of the app.
    code: String,
}

/// Switches the second factor on, and signs the caller out everywhere else. The recovery codes are in
/// this answer only.
#[utoipa::path(put, path = "/identity/second-factor", tag = "identity",
    extensions(("x-right" = json!("signed_in session before_second_factor"))),
    request_body = ConfirmBody, responses((status = 200, body = RecoveryCodes), Problem))]
async fn confirm(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
    JsonBody(body): JsonBody<ConfirmBody>,
) -> Result<Json<RecoveryCodes>, Problem> {
    Ok(Json(second_factor::confirm(&platform, &cx, user, &asking, &body.code).await?))
}

/// Who one is, by both factors.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BothBody {
    /// The caller's; who signs in through a provider and has none leaves it out.
    #[schema(format = Password)]
    password: Option<String>,
    /// Six digits of the app, or a recovery code.
    #[schema(format = Password)]
    code: String,
}

/// Makes the recovery codes anew; they are in this answer only.
#[utoipa::path(post, path = "/identity/second-factor/recovery-codes", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    request_body = BothBody, responses((status = 201, body = RecoveryCodes), Problem))]
async fn renew_codes(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    JsonBody(body): JsonBody<BothBody>,
) -> Result<(StatusCode, Json<RecoveryCodes>), Problem> {
    let password = body.password.map(Zeroizing::new);
    let codes = second_factor::renew_codes(&platform, &cx, user, password, &body.code).await?;
    Ok((StatusCode::CREATED, Json(codes)))
}

/// Switches the second factor off, and signs the caller out everywhere else.
#[utoipa::path(post, path = "/identity/second-factor/off", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    request_body = BothBody, responses((status = 204), Problem))]
async fn switch_off(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(asking): Extension<Credential>,
    JsonBody(body): JsonBody<BothBody>,
) -> Result<StatusCode, Problem> {
    let password = body.password.map(Zeroizing::new);
    second_factor::switch_off(&platform, &cx, user, &asking, password, &body.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the second factor off somebody who has lost it, and signs them out everywhere.
#[utoipa::path(delete, path = "/identity/users/{id}/second-factor", tag = "identity",
    extensions(("x-right" = json!("identity.people session proof"))),
    params(("id" = UserId, Path)), responses((status = 204), Problem))]
async fn reset(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !second_factor::reset(&mut tx, &cx, access.permissions(), id).await? {
        return Err(SecondFactorError::Off.into());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the organisation asks of its people.
#[utoipa::path(get, path = "/identity/settings", tag = "identity",
    extensions(("x-right" = json!("identity.settings"))),
    responses((status = 200, body = IdentitySettings), Problem))]
async fn read_settings(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<IdentitySettings>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(settings::read(&mut tx, cx.scope).await?))
}

/// Changes what the organisation asks of its people, from the next request of everyone on.
#[utoipa::path(put, path = "/identity/settings", tag = "identity",
    extensions(("x-right" = json!("identity.settings session proof"))),
    request_body = IdentitySettings, responses((status = 200, body = IdentitySettings), Problem))]
async fn write_settings(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    JsonBody(wanted): JsonBody<IdentitySettings>,
) -> Result<Json<IdentitySettings>, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    settings::write(&mut tx, &cx, wanted).await?;
    tx.commit().await?;
    Ok(Json(wanted))
}

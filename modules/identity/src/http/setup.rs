//! The routes of the first account.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::{FieldErrors, OrgId};
use platform::audit::Origin;
use platform::http::JsonBody;
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sessions::{Session, session_answer};
use super::{Edge, agent_of, first_org};
use crate::create_user::NewUser;
use crate::model::{Email, PersonName, RoleName};
use crate::password::{self, Password};
use crate::setup::{self, SetUp, SetUpError};
use crate::sign_in;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(setup_state, set_up))
}

/// The first account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SetupState {
    /// Whether the first account must still be made.
    needed: bool,
}

/// Whether the first account must still be made.
#[utoipa::path(get, path = "/identity/setup", tag = "identity", security(()),
    responses((status = 200, body = SetupState), Problem))]
async fn setup_state(State(platform): State<Platform>) -> Result<Json<SetupState>, Problem> {
    let cx = first_org(&platform);
    let mut tx = platform.db.read_for(cx.scope).await?;
    let needed = setup::setup_needed(&mut tx, &cx).await?;
    Ok(Json(SetupState { needed }))
}

/// The first account, to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SetUpBody {
    /// As `guanxi serve` printed it.
    code: String,
    email: String,
    /// At least 10 characters.
    #[schema(format = Password)]
    password: String,
    /// What to call the owner.
    name: String,
    /// What to call the organisation.
    org_name: String,
}

/// Makes the first account, and signs in with it.
#[utoipa::path(post, path = "/identity/setup", tag = "identity", security(()),
    request_body = SetUpBody, responses((status = 201, body = Session), Problem))]
async fn set_up(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SetUpBody>,
) -> Result<Response, Problem> {
    let cx = first_org(&platform).from(origin);
    let keys = platform.keys(OrgId::FIRST);
    let mut tx = platform.db.read_for(cx.scope).await?;
    if !setup::setup_needed(&mut tx, &cx).await? {
        return Err(SetUpError::AlreadyDone.into());
    }
    tx.rollback().await?;

    let mut errors = FieldErrors::default();
    if !edge.setup_code.matches(&body.code) {
        errors.push("code", "is not the code that `guanxi serve` printed");
    }
    let email = errors.keep("email", body.email.parse::<Email>());
    let password = errors.keep("password", Password::new(body.password));
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let org_name = errors.keep("org_name", body.org_name.parse::<PersonName>());
    let (email, password, name, org_name) =
        errors.finish(|| Some((email?, password?, name?, org_name?)))?;

    let password = password::hash(password, &*cx.ids).await;
    let owner = NewUser { email, name, role: RoleName::owner(), password };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let user = setup::set_up(&mut tx, &cx, &keys, SetUp { owner, org_name }).await?;
    let signed_in = sign_in::open_session(&mut tx, &cx, user, agent_of(&headers), cx.now()).await?;
    tx.commit().await?;
    edge.setup_code.spend();
    Ok(session_answer(signed_in, &edge))
}

impl From<SetUpError> for Problem {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::AlreadyDone => Self::conflict("setup_done", error.to_string()),
            SetUpError::Store(error) => error.into(),
        }
    }
}

//! The routes of API tokens.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use kernel::{FieldErrors, Limit, Page, Timestamp, TokenId};
use platform::access::Access;
use platform::http::{Idempotent, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Person, people};
use crate::model::{PersonName, RoleName};
use crate::tokens::{self, NewToken, Token, TokenError, WantedToken};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list_tokens, create_token)).routes(routes!(revoke_token))
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::TooMany => Self::conflict("too_many_tokens", error.to_string()),
            TokenError::NotFound => Self::not_found("token"),
            TokenError::Role(error) => people::role_problem(error, "role"),
            TokenError::Cursor(error) => Self::field("after", error.to_string()),
            TokenError::Store(error) => error.into(),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TokenParams {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// The caller's API tokens, newest first.
#[utoipa::path(get, path = "/identity/tokens", tag = "identity",
    extensions(("x-right" = json!("signed_in"))), params(TokenParams),
    responses((status = 200, body = Page<Token>), Problem))]
async fn list_tokens(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    QueryParams(params): QueryParams<TokenParams>,
) -> Result<Json<Page<Token>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(tokens::list_tokens(&mut tx, &cx, user, params.after.as_deref(), limit).await?))
}

/// An API token to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTokenBody {
    /// What it is for.
    name: String,
    /// It may do no more than this role; without one, what its user may.
    role: Option<String>,
    /// When it ends; without it, never.
    expires_at: Option<Timestamp>,
}

/// Makes an API token. Its secret is in this answer only. Tokens make no tokens.
#[utoipa::path(post, path = "/identity/tokens", tag = "identity",
    extensions(("x-right" = json!("signed_in session proof"))), request_body = NewTokenBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = NewToken), Problem))]
async fn create_token(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(access): Extension<Access>,
    Idempotent { key, body }: Idempotent<NewTokenBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let role = body.role.map(|role| errors.keep("role", role.parse::<RoleName>()));
    if body.expires_at.is_some_and(|at| at <= cx.now()) {
        errors.push("expires_at", "must lie in the future");
    }
    let wanted = errors.finish(|| {
        let role = role.map_or(Some(None), |role| role.map(Some))?;
        Some(WantedToken { name: name?, role, expires_at: body.expires_at })
    })?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let token = tokens::create_token(&mut tx, &cx, user, access.permissions(), &wanted).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &token).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Makes an API token useless.
#[utoipa::path(delete, path = "/identity/tokens/{id}", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    params(("id" = TokenId, Path)), responses((status = 204), Problem))]
async fn revoke_token(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    PathId(id): PathId<TokenId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    tokens::revoke_token(&mut tx, &cx, user, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! The routes of this module, each kind in a file of its own, and the layer that says who asks.

mod layer;
mod own;
mod peer;
mod people;
mod providers;
mod roles;
mod second_factor;
mod sessions;
mod setup;
mod territories;
mod tokens;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kernel::{OrgId, UserId};
use platform::http::Cx;
use platform::{Ctx, Platform, Problem, Scope};
use utoipa_axum::router::OpenApiRouter;

pub use layer::{COOKIE, Edge, HOST_COOKIE, sign_in_layer};
use layer::{agent_of, cookie_named};
pub use peer::Proxies;
use sessions::{Awaited, Session, session_answer, step_answer};

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .merge(setup::routes())
        .merge(sessions::routes())
        .merge(tokens::routes())
        .merge(people::routes())
        .merge(own::routes())
        .merge(second_factor::routes())
        .merge(providers::routes())
}

/// The person who asks; 401 for nobody.
struct Person {
    cx: Ctx,
    user: UserId,
}

impl<S> FromRequestParts<S> for Person
where
    S: Send + Sync,
    Platform: axum::extract::FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Cx(cx) = Cx::from_request_parts(parts, state).await?;
        let user = cx.scope.user_id().ok_or_else(Problem::unauthorized)?;
        Ok(Self { cx, user })
    }
}

fn first_org(platform: &Platform) -> Ctx {
    platform.ctx(Scope::system(OrgId::FIRST))
}

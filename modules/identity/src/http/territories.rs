//! The routes of territories.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{FieldErrors, TerritoryId};
use platform::http::{Cx, Idempotent, JsonBody, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::people::All;
use crate::model::PersonName;
use crate::territories::{self, Regions, Territory, TerritoryError};

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_territories, create_territory))
        .routes(routes!(change_territory, delete_territory))
}

impl From<TerritoryError> for Problem {
    fn from(error: TerritoryError) -> Self {
        match error {
            TerritoryError::NotFound => Self::not_found("territory"),
            TerritoryError::InUse => Self::conflict("territory_in_use", error.to_string()),
            TerritoryError::TooMany => Self::conflict("too_many_territories", error.to_string()),
            TerritoryError::Store(error) => error.into(),
        }
    }
}

/// All territories by name.
#[utoipa::path(get, path = "/identity/territories", tag = "identity",
    extensions(("x-right" = json!("signed_in"))),
    responses((status = 200, body = All<Territory>), Problem))]
async fn list_territories(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<All<Territory>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: territories::list(&mut tx, cx.scope).await? }))
}

/// A territory as it shall be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TerritoryBody {
    /// What it is called.
    name: String,
    /// Provinces, each as customers have it; 1 to 200.
    regions: Vec<String>,
}

fn read(body: &TerritoryBody) -> Result<(PersonName, Regions), Problem> {
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let regions = errors.keep("regions", Regions::new(&body.regions));
    Ok(errors.finish(|| Some((name?, regions?)))?)
}

/// Makes a territory.
#[utoipa::path(post, path = "/identity/territories", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = TerritoryBody, responses((status = 201, body = Territory), Problem))]
async fn create_territory(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<TerritoryBody>,
) -> Result<Answer, Problem> {
    let (name, regions) = read(&body)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let territory = territories::create(&mut tx, &cx, &name, regions).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &territory).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Names a territory and says what is in it.
#[utoipa::path(put, path = "/identity/territories/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("id" = TerritoryId, Path)),
    request_body = TerritoryBody, responses((status = 200, body = Territory), Problem))]
async fn change_territory(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<TerritoryId>,
    JsonBody(body): JsonBody<TerritoryBody>,
) -> Result<Json<Territory>, Problem> {
    let (name, regions) = read(&body)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let territory = territories::change(&mut tx, &cx, id, &name, regions).await?;
    tx.commit().await?;
    Ok(Json(territory))
}

/// Deletes a territory that nobody has.
#[utoipa::path(delete, path = "/identity/territories/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("id" = TerritoryId, Path)), responses((status = 204), Problem))]
async fn delete_territory(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<TerritoryId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    territories::delete(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

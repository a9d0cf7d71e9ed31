//! Settings of the organisation.

use axum::Json;
use axum::extract::State;
use customers::settings;
use platform::http::{Cx, JsonBody};
use platform::jobs::{self, JobOptions};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::merge_job::MERGE;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, write))
}

/// How customers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomerSettings {
    /// Whether customers who share a phone number or an e-mail address are merged without asking:
    /// those there are when it is turned on, and those that imports bring.
    merge_by_itself: bool,
}

/// How customers are kept
#[utoipa::path(get, path = "/customers/settings", tag = "customers",
    extensions(("x-right" = json!("customers.settings"))),
    responses((status = 200, body = CustomerSettings), Problem))]
async fn read(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<CustomerSettings>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let merge_by_itself = settings::merge_by_itself(&mut tx, cx.scope).await?;
    Ok(Json(CustomerSettings { merge_by_itself }))
}

/// Changes how customers are kept
///
/// Turning `merge_by_itself` on begins to merge in the background; turning it off undoes nothing.
#[utoipa::path(put, path = "/customers/settings", tag = "customers",
    extensions(("x-right" = json!("customers.settings"))),
    request_body = CustomerSettings,
    responses((status = 200, body = CustomerSettings), Problem))]
async fn write(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    JsonBody(wanted): JsonBody<CustomerSettings>,
) -> Result<Json<CustomerSettings>, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let was_on = settings::merge_by_itself(&mut tx, cx.scope).await?;
    if was_on != wanted.merge_by_itself {
        settings::set_merge_by_itself(&mut tx, &cx, wanted.merge_by_itself).await?;
        if wanted.merge_by_itself {
            let once = JobOptions { unique_key: Some(String::new()), ..JobOptions::default() };
            jobs::enqueue(&mut tx, &cx, MERGE, &(), once).await?;
        }
    }
    tx.commit().await?;
    Ok(Json(wanted))
}

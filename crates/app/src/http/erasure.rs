//! Rights of the person: everything that is held, as a file, and its erasure.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use customers::erase::{ErasureReason, REFERENCE_MAX};
use customers::reveal::Reason;
use flows::erase_customer::{self, Erasure};
use flows::person_data;
use kernel::CustomerId;
use platform::http::{Cx, JsonBody, PathId};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(erase)).routes(routes!(person_data))
}

/// Whom to erase is in the path; this says why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ErasureBody {
    /// Why.
    reason: ErasureReason,
    /// A number of a letter or case, at most 100 characters. It is kept for ever: name nobody in it.
    reference: Option<String>,
    /// Whether only to say what would go.
    dry_run: bool,
}

/// Erases the person that a customer is: names, identities, receivers, addresses, notes, remarks. Orders and
/// amounts stay under a nameless customer. It cannot be undone; done again it erases what came since.
#[utoipa::path(post, path = "/customers/{id}/erasure", tag = "customers",
    extensions(("x-right" = json!("customers.erase"))),
    params(("id" = CustomerId, Path)),
    request_body = ErasureBody, responses((status = 200, body = Erasure), Problem))]
async fn erase(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    JsonBody(body): JsonBody<ErasureBody>,
) -> Result<Json<Erasure>, Problem> {
    let ErasureBody { reason, reference, dry_run } = body;
    let reference = reference.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if reference
        .as_ref()
        .is_some_and(|text| text.chars().count() > REFERENCE_MAX || text.contains(char::is_control))
    {
        let most = format!("must be at most {REFERENCE_MAX} characters on one line");
        return Err(Problem::field("reference", most));
    }
    let done =
        erase_customer::erase(&platform, &cx, customer, reason, reference.as_deref(), dry_run);
    done.await?.map(Json).ok_or_else(|| Problem::not_found("customer"))
}

/// Why everything is wanted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonDataBody {
    /// 3 to 500 characters; recorded.
    reason: String,
}

/// Everything that is held about the person that a customer is, in the clear, as a file of JSON: to be given
/// to that person. Recorded with the reason.
#[utoipa::path(post, path = "/customers/{id}/person-data", tag = "customers",
    extensions(("x-right" = json!("customers.person_export"))),
    params(("id" = CustomerId, Path)), request_body = PersonDataBody,
    responses((status = 200, content_type = "application/json", body = serde_json::Value), Problem))]
async fn person_data(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    JsonBody(body): JsonBody<PersonDataBody>,
) -> Result<Response, Problem> {
    let reason: Reason =
        body.reason.parse().map_err(|error: String| Problem::field("reason", error))?;
    let found = person_data::export(&platform, &cx, customer, &reason).await?;
    let found = found.ok_or_else(|| Problem::not_found("customer"))?;
    let name = format!("attachment; filename=\"{customer}.json\"");
    let name = HeaderValue::from_str(&name).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(found)).into_response())
}

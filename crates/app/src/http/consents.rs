//! Consents: those of a customer with the names of who recorded them, and lists from elsewhere.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::consents::{self, CustomerConsents};
use flows::import_consents::{self, ConsentImport, ListError};
use kernel::CustomerId;
use platform::http::{Cx, Idempotent, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_customer)).routes(routes!(import))
}

/// What a customer granted and refused, and what of it holds now.
#[utoipa::path(get, path = "/customers/{id}/consents", tag = "customers",
    extensions(("x-right" = json!("customers.consent_read"))),
    params(("id" = CustomerId, Path)),
    responses((status = 200, body = CustomerConsents), Problem))]
async fn of_customer(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
) -> Result<Json<CustomerConsents>, Problem> {
    let found = consents::of_customer(&platform, &cx, customer).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("customer"))
}

/// A list of consents.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentListBody {
    /// CSV. The first line names the columns `contact`, `channel`, `purpose`, `decision` (`granted` or
    /// `refused`) and, as there are, `at`, `expires_at`, `source`, `text`, `evidence`.
    csv: String,
}

/// Records a list of consents; people are found by phone number or e-mail address. Rows that cannot be
/// recorded are told with their lines, the others are recorded. The same list again changes nothing.
#[utoipa::path(post, path = "/customers/consents/import", tag = "customers",
    extensions(("x-right" = json!("customers.consent_write"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ConsentListBody, responses((status = 200, body = ConsentImport), Problem))]
async fn import(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<ConsentListBody>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let done = match import_consents::import(&mut tx, &cx, &body.csv).await {
        Ok(done) => done,
        Err(ListError::Db(error)) => return Err(error.into()),
        Err(error) => return Err(Problem::field("csv", error.to_string())),
    };
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &done).await?;
    tx.commit().await?;
    Ok(answer)
}

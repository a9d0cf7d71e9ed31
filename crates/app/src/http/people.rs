//! People and the records they see and own.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::explain::{self, Explanation, Record};
use flows::hand_over::{self, HandedOver};
use kernel::{FieldErrors, UserId};
use platform::http::{Cx, Idempotent, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(hand_over)).routes(routes!(explain))
}

/// To whom something is handed over.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOverBody {
    /// An active user; null leaves the customers to nobody.
    to: Option<UserId>,
}

/// Gives everything that a user owns to another: their customers, and their shared views.
#[utoipa::path(post, path = "/identity/users/{id}/hand-over", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(("id" = UserId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = HandOverBody, responses((status = 200, body = HandedOver), Problem))]
async fn hand_over(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<UserId>,
    Idempotent { key, body }: Idempotent<HandOverBody>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let done = hand_over::hand_over(&mut tx, &cx, id, body.to).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &done).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Who is asked about, and what.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainParams {
    /// A user.
    user: UserId,
    /// A customer (`cus_…`) or an order (`ord_…`).
    record: String,
}

/// Why a user can, or cannot, see a record.
#[utoipa::path(get, path = "/identity/explain", tag = "identity",
    extensions(("x-right" = json!("identity.people"))),
    params(ExplainParams), responses((status = 200, body = Explanation), Problem))]
async fn explain(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ExplainParams>,
) -> Result<Json<Explanation>, Problem> {
    let mut errors = FieldErrors::default();
    let record = errors.keep("record", params.record.parse::<Record>());
    let record = errors.finish(|| record)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(explain::explain(&mut tx, &cx, params.user, record).await?))
}

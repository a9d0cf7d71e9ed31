//! What people ask of us about their data: received, handled, finished.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use customers::person_requests::{
    self, RequestError, RequestFilter, RequestKind, RequestState, TEXT_MAX,
};
use flows::person_requests::{self as requests, PersonRequestView};
use kernel::{CustomerId, FieldErrors, Limit, Page, PersonRequestId, Timestamp};
use platform::http::{Cx, Idempotency, Idempotent, PathId, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, receive))
        .routes(routes!(take))
        .routes(routes!(finish))
}

fn refused(error: RequestError) -> Problem {
    let detail = error.to_string();
    match error {
        RequestError::UnknownCustomer(_) => Problem::field("customer", detail),
        RequestError::Unknown(_) => Problem::not_found("request"),
        RequestError::WrongTime => Problem::field("received_at", detail),
        RequestError::Finished(_) => Problem::conflict("request_is_finished", detail),
        RequestError::Db(error) => error.into(),
    }
}

fn text(errors: &mut FieldErrors, field: &str, text: Option<String>) -> Option<String> {
    let text = text?.trim().replace("\r\n", "\n");
    if text.chars().count() > TEXT_MAX {
        errors.push(field, format!("must be at most {TEXT_MAX} characters"));
    }
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        errors.push(field, "must not contain control characters");
    }
    (!text.is_empty()).then_some(text)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// In this state.
    state: Option<RequestState>,
    /// Of this kind.
    kind: Option<RequestKind>,
    /// Open, and due before now.
    #[serde(default)]
    overdue: bool,
    /// Of this customer, and of all who were merged with them.
    customer: Option<CustomerId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// What people ask of us about their data, by when it is due
#[utoipa::path(get, path = "/customers/person-requests", tag = "customers",
    extensions(("x-right" = json!("customers.requests"))), params(ListParams),
    responses((status = 200, body = Page<PersonRequestView>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<PersonRequestView>>, Problem> {
    let ListParams { state, kind, overdue, customer, after, limit } = params;
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(limit));
    let limit = errors.finish(|| limit)?;
    let filter = RequestFilter { state, kind, overdue, customer };
    Ok(Json(requests::list(&platform, &cx, &filter, after.as_deref(), limit).await?))
}

/// What somebody asks for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestBody {
    /// Who asks.
    customer: CustomerId,
    /// What for.
    kind: RequestKind,
    /// When it was received, within the last year; now if absent.
    received_at: Option<Timestamp>,
    /// What they wrote: at most 2,000 characters.
    text: Option<String>,
}

/// Records what a person asks of us. It is due after the days that the settings say, weekends counted, and
/// handled by whoever recorded it.
#[utoipa::path(post, path = "/customers/person-requests", tag = "customers",
    extensions(("x-right" = json!("customers.requests"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = RequestBody, responses((status = 201, body = PersonRequestView), Problem))]
async fn receive(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<RequestBody>,
) -> Result<Answer, Problem> {
    let RequestBody { customer, kind, received_at, text: wrote } = body;
    let mut errors = FieldErrors::default();
    let wrote = text(&mut errors, "text", wrote);
    errors.finish(|| Some(()))?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = person_requests::receive(&mut tx, &cx, customer, kind, received_at, wrote).await;
    let view = requests::view(&mut tx, &cx, made.map_err(refused)?).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Whoever asks handles the request from now on.
#[utoipa::path(post, path = "/customers/person-requests/{id}/take", tag = "customers",
    extensions(("x-right" = json!("customers.requests"))),
    params(("id" = PersonRequestId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = PersonRequestView), Problem))]
async fn take(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<PersonRequestId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let taken = person_requests::take(&mut tx, &cx, id).await.map_err(refused)?;
    let view = requests::view(&mut tx, &cx, taken).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// How a request ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct FinishBody {
    /// Whether it was done; otherwise it was refused, and the answer says why.
    done: bool,
    /// What was answered: 1 to 2,000 characters. It is kept; name nobody in it.
    answer: String,
}

/// Finishes a request. What was done for this person since it was received (an export, a correction, an
/// erasure, a consent taken back) is linked from the audit log.
#[utoipa::path(post, path = "/customers/person-requests/{id}/finish", tag = "customers",
    extensions(("x-right" = json!("customers.requests"))),
    params(("id" = PersonRequestId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = FinishBody, responses((status = 200, body = PersonRequestView), Problem))]
async fn finish(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<PersonRequestId>,
    Idempotent { key, body }: Idempotent<FinishBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    let answer = text(&mut errors, "answer", Some(body.answer));
    if answer.is_none() {
        errors.push("answer", "must not be empty");
    }
    let answer = errors.finish(|| answer)?;
    let state = if body.done { RequestState::Done } else { RequestState::Refused };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let done = requests::finish(&mut tx, &cx, id, state, answer).await.map_err(refused)?;
    let view = requests::view(&mut tx, &cx, done).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

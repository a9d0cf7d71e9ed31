//! `GET /platform/jobs`, `POST /platform/jobs/{id}/retry`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{FieldErrors, JobId, Limit, Page};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, JobState, JobView, RetryError};
use crate::http::{Cx, Idempotency, PathId, QueryParams};
use crate::idempotency::{self, Answer, Begun};
use crate::live::Topic;
use crate::{Platform, Problem};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Only jobs in this state.
    state: Option<JobState>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        let text = error.to_string();
        match error {
            RetryError::NotFound => Self::not_found("job"),
            RetryError::NotDead(_) => Self::conflict("job_not_dead", text),
            RetryError::Replaced => Self::conflict("job_replaced", text),
            RetryError::Db(error) => error.into(),
        }
    }
}

/// Background jobs, newest first.
#[utoipa::path(get, path = "/platform/jobs", tag = "platform",
    extensions(("x-right" = json!("platform.jobs"))), params(ListParams),
    responses((status = 200, body = Page<JobView>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<JobView>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let page = store::list(&mut tx, cx.scope, params.state, params.after.as_deref(), limit).await?;
    Ok(Json(page))
}

/// Tries a dead job again.
#[utoipa::path(post, path = "/platform/jobs/{id}/retry", tag = "platform",
    extensions(("x-right" = json!("platform.jobs"))),
    params(("id" = JobId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = JobView), Problem))]
async fn retry(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<JobId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let job = store::retry(&mut tx, &cx, id).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &job).await?;
    tx.commit().await?;
    platform.live.publish(cx.scope.org(), Topic::Job, &job);
    Ok(answer)
}

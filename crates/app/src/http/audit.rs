//! The audit log: a page of it, and all of it as a file.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use flows::audit_log::{self, AuditEntryView};
use futures::StreamExt as _;
use kernel::{FieldErrors, Limit, Page, Timestamp, UserId};
use platform::audit::AuditFilter;
use platform::http::{Cx, QueryParams};
use platform::{Platform, Problem};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Longest beginning of an action, and longest id of a record, in characters.
const TEXT_MAX: usize = 100;
/// Pieces of a file that wait for a slow reader.
const PIECES: usize = 2;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FilterParams {
    /// Done by this user, or by a token of theirs.
    actor: Option<UserId>,
    /// The beginning of the action: `customers.`, `identity.sign_in`.
    action: Option<String>,
    /// Done to the record with this id.
    record: Option<String>,
    /// At this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Done by this user, or by a token of theirs.
    actor: Option<UserId>,
    /// The beginning of the action: `customers.`, `identity.sign_in`.
    action: Option<String>,
    /// Done to the record with this id.
    record: Option<String>,
    /// At this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

impl FilterParams {
    fn filter(self, errors: &mut FieldErrors) -> AuditFilter {
        let Self { actor, action, record, from, to } = self;
        for (field, text) in [("action", &action), ("record", &record)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
                errors.push(field, format!("must be at most {TEXT_MAX} characters"));
            }
        }
        if matches!((from, to), (Some(from), Some(to)) if from > to) {
            errors.push("from", "must not be after the other end");
        }
        AuditFilter { actor, action, record, from, to }
    }
}

/// What was done, the latest first
#[utoipa::path(get, path = "/platform/audit", tag = "platform",
    extensions(("x-right" = json!("platform.audit"))), params(ListParams),
    responses((status = 200, body = Page<AuditEntryView>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Json<Page<AuditEntryView>>, Problem> {
    let ListParams { actor, action, record, from, to, after, limit } = params;
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(limit));
    let filter = FilterParams { actor, action, record, from, to }.filter(&mut errors);
    let limit = errors.finish(|| limit)?;
    Ok(Json(audit_log::audit_log(&platform, &cx, &filter, after.as_deref(), limit).await?))
}

/// The same as a file, one line of JSON for each entry
#[utoipa::path(get, path = "/platform/audit/export", tag = "platform",
    extensions(("x-right" = json!("platform.audit"))), params(FilterParams),
    responses((status = 200, content_type = "application/jsonl", body = String), Problem))]
async fn export(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<FilterParams>,
) -> Result<Response, Problem> {
    let mut errors = FieldErrors::default();
    let filter = params.filter(&mut errors);
    errors.finish(|| Some(()))?;
    audit_log::record_export(&platform, &cx, &filter).await?;
    let (pieces, received) = mpsc::channel(PIECES);
    let (failed, failure) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if let Err(error) = audit_log::send_lines(&platform, &cx, &filter, &pieces).await {
            tracing::warn!(%error, "an export broke off");
            // The answer has begun: breaking it off is the one way left to say so.
            drop(failed.send(std::io::Error::other(error.to_string())));
        }
    });
    let pieces = futures::stream::unfold(received, |mut received| async {
        received.recv().await.map(|piece| (Ok::<_, std::io::Error>(piece), received))
    });
    let end = futures::stream::once(failure).filter_map(|failure| async { failure.ok().map(Err) });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"audit.jsonl\""),
        ),
    ];
    Ok((headers, Body::from_stream(pieces.chain(end))).into_response())
}

//! What a caller is told when something is refused: RFC 9457 `application/problem+json`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{FieldError, FieldErrors};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as ApiResponse, ResponseBuilder};

use crate::DbError;
use crate::disk;
use crate::http::current_request_id;

/// Seconds after which a caller should try again when the database is busy or gone.
const RETRY_AFTER_SECONDS: u32 = 5;

#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
struct Body {
    /// Stable name of this kind of problem: `/problems/` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The same for every problem of this type.
    title: Cow<'static, str>,
    /// The HTTP status.
    status: u16,
    /// What happened here, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The last part of `type`, for programs.
    code: Cow<'static, str>,
    /// All wrong fields at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// The present record, when an update came with a stale version; otherwise what stands against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    current: Option<serde_json::Value>,
    /// Names this request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The right that the caller's role lacks, with the code `right_missing`, or for which it does not
    /// reach far enough, with `reach_missing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<String>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// A refusal, as the caller sees it. Says nothing about the inside of the program.
///
/// In `#[utoipa::path(responses(…, Problem))]` it stands for all answers that are not a success.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Body>);

impl Problem {
    /// A problem with a `code` of the caller's own, for refusals that belong to one use case.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        let code = code.into();
        Self(Box::new(Body {
            kind: format!("/problems/{code}"),
            title: title.into(),
            status: status.as_u16(),
            detail: None,
            code,
            errors: Vec::new(),
            current: None,
            right: None,
            request_id: None,
            retry_after_seconds: None,
        }))
    }

    /// Says what happened here.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// 422: some fields are wrong.
    #[must_use]
    pub fn validation(errors: FieldErrors) -> Self {
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", "Some fields are wrong");
        problem.0.detail = Some(errors.to_string());
        problem.0.errors = errors.into_vec();
        problem
    }

    /// 422: one field is wrong.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.push(field, message);
        Self::validation(errors)
    }

    /// 400: not even readable (broken JSON, broken percent-encoding).
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read").detail(detail)
    }

    /// 401: not signed in, or not any more.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first")
    }

    /// 403: signed in, but not allowed.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed").detail(detail)
    }

    /// 403: the caller's role lacks `right`.
    #[must_use]
    pub fn right_missing(right: &str) -> Self {
        let mut problem =
            Self::new(StatusCode::FORBIDDEN, "right_missing", "Not allowed").detail(format!(
                "this needs the right {right}; whoever manages people in your organisation can give it"
            ));
        problem.0.right = Some(right.to_owned());
        problem
    }

    /// 403: an API token does not manage the account of its user.
    #[must_use]
    pub fn session_needed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "session_needed", "Not allowed").detail(
            "an API token does not manage the account it belongs to; sign in with a browser",
        )
    }

    /// 403: it takes a session whose user showed a short while ago who they are.
    #[must_use]
    pub fn proof_needed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "proof_needed", "Show who you are again").detail(
            "you signed in a while ago; show your password at /identity/sessions/current/proof, or sign in again",
        )
    }

    /// 403: the organisation asks everyone for a second factor, and the caller has none.
    #[must_use]
    pub fn second_factor_needed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "second_factor_needed", "Set up a second factor first")
            .detail("your organisation asks everyone for a second factor; sign in and set one up")
    }

    /// 403: the caller's role has `right`, but does not reach all records, as it takes.
    #[must_use]
    pub fn reach_missing(right: &str) -> Self {
        let mut problem =
            Self::new(StatusCode::FORBIDDEN, "reach_missing", "Not allowed").detail(format!(
                "this is about all records, and your role does not reach them all; the right {right} is \
                 for roles that do"
            ));
        problem.0.right = Some(right.to_owned());
        problem
    }

    /// 404: `what` ("customer") is not there, or not for this caller to see.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
            .detail(format!("there is no such {what}"))
    }

    /// 408: the request did not arrive in time.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request did not arrive in time")
    }

    /// 409: the state of things does not allow it; `code` names the rule.
    #[must_use]
    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "Not possible in the present state").detail(detail)
    }

    /// With the record that stands against what was asked; `None` is not told.
    #[must_use]
    pub fn current(mut self, record: &Option<impl Serialize>) -> Self {
        self.0.current = record.as_ref().and_then(|record| serde_json::to_value(record).ok());
        self
    }

    /// 410: it was there and will not come back.
    #[must_use]
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", "No longer there").detail(detail)
    }

    /// 412: `If-Match` names a version that is not the present one; `current` is the record now.
    #[must_use]
    pub fn precondition_failed(current: &impl Serialize) -> Self {
        let mut problem = Self::new(
            StatusCode::PRECONDITION_FAILED,
            "stale_version",
            "Changed by someone else meanwhile",
        );
        problem.0.current = serde_json::to_value(current).ok();
        problem
    }

    /// 413: larger than `limit_bytes`.
    #[must_use]
    pub fn too_large(limit_bytes: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large")
            .detail(format!("the limit is {limit_bytes} bytes"))
    }

    /// 415: the body must be `expected`.
    #[must_use]
    pub fn unsupported_media_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Not a kind of body this takes",
        )
        .detail(format!("Content-Type must be {expected}"))
    }

    /// 428: an update without `If-Match`.
    #[must_use]
    pub fn precondition_required() -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition_required",
            "Say which version this changes",
        )
        .detail("send If-Match with the version as it came in ETag, for example If-Match: \"3\"")
    }

    /// 429: too often.
    #[must_use]
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests");
        problem.0.retry_after_seconds = Some(retry_after_seconds);
        problem
    }

    /// 500. The cause goes to the log, under the request's id; the caller learns only that.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke here")
            .detail("the log has the cause under this request's id")
    }

    /// The disk refused: 507 when it is full, 500 with what the operator can do about another refusal.
    #[must_use]
    pub fn disk(error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            return DbError::DiskFull.into();
        }
        match disk::advice(error) {
            Some(advice) => Self::refused_by_disk(error, advice),
            None => Self::internal(error),
        }
    }

    fn refused_by_disk(cause: &dyn std::fmt::Display, advice: &str) -> Self {
        tracing::error!(%cause, advice, "the disk refused");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "disk_refused", "The disk refuses")
            .detail(format!("the data folder cannot be written: {advice}"))
    }

    /// 503 with `Retry-After`.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available just now")
                .detail(detail);
        problem.0.retry_after_seconds = Some(RETRY_AFTER_SECONDS);
        problem
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The stable code, the last part of `type`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The wrong fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.detail {
            Some(detail) => write!(f, "{}: {detail}", self.0.title),
            None => f.write_str(&self.0.title),
        }
    }
}

impl std::error::Error for Problem {}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::DiskFull => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "The disk is full")
                    .detail("nothing was changed; free some space and try again")
            }
            DbError::Unavailable(cause) => {
                tracing::warn!(cause, "the database is not available");
                Self::unavailable("the database does not answer, or is busy; try again")
            }
            DbError::Duplicate { constraint } => {
                tracing::debug!(constraint, "a key is taken");
                Self::conflict("duplicate", "there is one with this key already")
            }
            DbError::NotFound => Self::not_found("record"),
            DbError::Refused(cause) => {
                tracing::error!(cause, "the database refused");
                Self::unavailable("the program and its data do not fit; the log says why")
            }
            DbError::Other(cause) => match sqlite_refusal(&cause) {
                Some(advice) => Self::refused_by_disk(&cause, advice),
                None => Self::internal(&cause),
            },
        }
    }
}

/// What to do where SQLite may not open or write its files: `SQLITE_PERM`, `SQLITE_READONLY` and
/// `SQLITE_CANTOPEN` with their extended codes.
fn sqlite_refusal(cause: &sqlx::Error) -> Option<&'static str> {
    let sqlx::Error::Database(error) = cause else { return None };
    // PostgreSQL's codes have five characters.
    let code = error.code().filter(|code| code.len() < 5)?;
    let refused = matches!(code.parse::<u32>().ok()? & 0xff, 3 | 8 | 14);
    refused.then(|| disk::advice(&std::io::ErrorKind::PermissionDenied.into())).flatten()
}

impl From<FieldErrors> for Problem {
    fn from(errors: FieldErrors) -> Self {
        Self::validation(errors)
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        self.0.request_id = self.0.request_id.take().or_else(current_request_id);
        let status = self.status();
        // Only strings, numbers and a value that was serialised before: this cannot fail.
        let body = serde_json::to_vec(&*self.0).unwrap_or_default();
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if let Some(seconds) = self.0.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl utoipa::PartialSchema for Problem {
    fn schema() -> RefOr<utoipa::openapi::schema::Schema> {
        <Body as utoipa::PartialSchema>::schema()
    }
}

impl utoipa::ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Problem")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<utoipa::openapi::schema::Schema>)>) {
        <Body as utoipa::ToSchema>::schemas(schemas);
    }
}

impl utoipa::IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<ApiResponse>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description("Refused or failed")
            .content("application/problem+json", content)
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_errors_leak_nothing() {
        let secret = "password of admin";
        let problem = Problem::from(DbError::Other(sqlx::Error::Protocol(secret.into())));
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!serde_json::to_string(&*problem.0).unwrap().contains(secret));
        let duplicate = Problem::from(DbError::Duplicate { constraint: "users_email_key".into() });
        assert_eq!(duplicate.status(), StatusCode::CONFLICT);
        assert!(!serde_json::to_string(&*duplicate.0).unwrap().contains("users_email_key"));
        assert_eq!(Problem::from(DbError::DiskFull).status(), StatusCode::INSUFFICIENT_STORAGE);
        let busy = Problem::from(DbError::Unavailable("10.0.0.5:5432".into())).into_response();
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.headers()[header::RETRY_AFTER], "5");
    }

    #[test]
    fn a_disk_that_refuses_says_what_to_do() {
        use std::io::{Error, ErrorKind};
        let told = |kind: ErrorKind| Problem::disk(&Error::from(kind));
        assert_eq!(told(ErrorKind::StorageFull).status(), StatusCode::INSUFFICIENT_STORAGE);
        for (kind, words) in [
            (ErrorKind::PermissionDenied, "allow the user that runs this program"),
            (ErrorKind::ReadOnlyFilesystem, "mount it for writing"),
        ] {
            let problem = told(kind);
            assert_eq!((problem.code(), problem.status().as_u16()), ("disk_refused", 500));
            assert!(problem.to_string().contains(words), "{problem}");
        }
        assert_eq!(told(ErrorKind::TimedOut).code(), "internal");
    }

    #[tokio::test]
    async fn a_database_that_may_not_be_written_says_what_to_do() {
        use sqlx::Connection as _;
        let place = tempfile::tempdir().unwrap();
        let open = async |file: &str| {
            let path = place.path().join(file);
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
            sqlx::SqliteConnection::connect_with(&options).await
        };
        std::fs::write(place.path().join("there.db"), "").unwrap();
        let mut connection = open("there.db").await.unwrap();
        let written = sqlx::raw_sql("CREATE TABLE t (n BIGINT)").execute(&mut connection).await;
        let missing = open("nowhere/a.db").await;
        for error in [written.unwrap_err(), missing.err().unwrap()] {
            let problem = Problem::from(DbError::from(error));
            assert_eq!(problem.code(), "disk_refused");
            assert!(problem.to_string().contains("allow the user"), "{problem}");
        }
    }

    #[test]
    fn the_wire_form_is_stable() {
        let problem = Problem::field("email", "must be an e-mail address");
        assert_eq!(
            serde_json::to_value(&*problem.0).unwrap(),
            serde_json::json!({
                "type": "/problems/validation",
                "title": "Some fields are wrong",
                "status": 422,
                "detail": "email: must be an e-mail address",
                "code": "validation",
                "errors": [{"field": "email", "message": "must be an e-mail address"}],
            })
        );
    }
}

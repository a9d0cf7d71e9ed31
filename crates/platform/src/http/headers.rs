//! Who asks, which version, and under which idempotency key.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponseParts, ResponseParts};

use crate::access::Access;
use crate::audit::Origin;
use crate::idempotency::RequestKey;
use crate::{Ctx, Platform, Problem, Scope};

/// The context of the signed-in caller: the sign-in middleware put a [`Scope`], and an [`Origin`], into the
/// request's extensions. 401 without a scope.
#[derive(Debug, Clone)]
pub struct Cx(pub Ctx);

fn scope_of(parts: &Parts) -> Result<Scope, Problem> {
    parts.extensions.get::<Scope>().copied().ok_or_else(Problem::unauthorized)
}

impl<S> FromRequestParts<S> for Cx
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let scope = scope_of(parts)?;
        let origin = parts.extensions.get::<Origin>().cloned().unwrap_or_default();
        // Whoever is known has an access; without one there is nothing to see.
        let access = parts.extensions.get::<Access>().cloned().ok_or_else(Problem::unauthorized)?;
        Ok(Self(Platform::from_ref(state).ctx(scope).from(origin).with(access)))
    }
}

/// The version that an update changes, from `If-Match: "3"`. 428 without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value =
            parts.headers.get(header::IF_MATCH).ok_or_else(Problem::precondition_required)?;
        value
            .to_str()
            .ok()
            .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok())
            .map(Self)
            .ok_or_else(|| {
                Problem::field("If-Match", "must be one version in quotes, as ETag gave it")
            })
    }
}

/// The version of the record in an answer: `(ETag(version), Json(record))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(pub i64);

impl IntoResponseParts for ETag {
    type Error = std::convert::Infallible;
    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", self.0)) {
            parts.headers_mut().insert(header::ETAG, value);
        }
        Ok(parts)
    }
}

/// `Idempotency-Key` of a POST without a JSON body, if the caller sent one. With a JSON body take
/// [`super::Idempotent`]; with another body, add it by [`RequestKey::with_body`].
#[derive(Debug, Clone)]
pub struct Idempotency(pub Option<RequestKey>);

impl<S> FromRequestParts<S> for Idempotency
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let scope = scope_of(parts)?;
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let keys = Platform::from_ref(state).keys(scope.org());
        let key = value.to_str().unwrap_or_default();
        RequestKey::new(key, &parts.method, &parts.uri, keys).map(|key| Self(Some(key)))
    }
}

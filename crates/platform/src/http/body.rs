//! JSON bodies: bounded, and wrong fields by name.

use axum::body::{Body, Bytes};
use axum::extract::{FromRef, FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::headers::Idempotency;
use crate::idempotency::RequestKey;
use crate::{Platform, Problem};

/// The largest JSON body, in bytes.
pub const JSON_LIMIT_BYTES: usize = 1024 * 1024;

/// A JSON body. Types refuse unknown fields by `#[serde(deny_unknown_fields)]`; what is wrong is
/// named by its path (`filter.orders_min`).
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T>(pub T);

/// A JSON body with the `Idempotency-Key` it came under, if any, for
/// [`crate::idempotency::begin`].
#[derive(Debug, Clone)]
pub struct Idempotent<T> {
    /// The key, bound to this path and body.
    pub key: Option<RequestKey>,
    /// The body.
    pub body: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        read_json(&read(request.into_body()).await?).map(Self)
    }
}

impl<S, T> FromRequest<S> for Idempotent<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Platform: FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Idempotency(key) = Idempotency::from_request_parts(&mut parts, state).await?;
        require_json(&parts.headers)?;
        let bytes = read(body).await?;
        let body = read_json(&bytes)?;
        Ok(Self { key: key.map(|key| key.with_body(&bytes)), body })
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .unwrap_or_default()
        .trim();
    // A form cannot send this type, so a page of another origin cannot post here unasked.
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::unsupported_media_type("application/json"))
    }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, JSON_LIMIT_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::too_large(JSON_LIMIT_BYTES as u64))
        }
        // Stalled or broken off.
        Err(_) => Err(Problem::timeout()),
    }
}

/// What is said of a text with that character, which PostgreSQL stores in no text.
pub(super) const NUL: &str = "must not contain the character NUL";

/// The path of the first text or name with a NUL in it.
fn path_of_nul(value: &serde_json::Value, path: &str) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) => (0..)
            .zip(items)
            .find_map(|(at, item): (usize, _)| path_of_nul(item, &format!("{path}[{at}]"))),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if name.contains('\0') { Some(path) } else { path_of_nul(value, &path) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Reads JSON, naming the field that is wrong.
///
/// # Errors
/// 400 for what is no JSON, 422 for a wrong field.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // JSON can write it in no other way.
    if bytes.windows(6).any(|part| part == br"\u0000")
        && let Ok(value) = serde_json::from_slice(bytes)
        && let Some(path) = path_of_nul(&value, "")
    {
        return Err(Problem::field(&path, NUL));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let message = error.inner().to_string();
        if !error.inner().is_data() {
            return Problem::malformed(message);
        }
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(text, _)| text);
        let path = error.path().to_string();
        let field =
            quoted(message, "missing field `").or_else(|| quoted(message, "unknown field `"));
        let path = match (path.as_str(), field) {
            (".", Some(field)) => field.to_owned(),
            (parent, Some(field)) if parent.rsplit('.').next() != Some(field) => {
                format!("{parent}.{field}")
            }
            (".", None) => String::new(),
            (path, _) => path.to_owned(),
        };
        Problem::field(&path, message)
    })?;
    reader.end().map_err(|error| Problem::malformed(error.to_string()))?;
    Ok(value)
}

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.strip_prefix(before)?.split('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code)]
        name: String,
        #[allow(dead_code)]
        filter: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        orders_min: u32,
    }

    fn field_of(json: &str) -> String {
        let problem = read_json::<Outer>(json.as_bytes()).unwrap_err();
        assert_eq!(problem.code(), "validation", "{problem}");
        problem.errors()[0].field.clone()
    }

    #[test]
    fn the_wrong_field_is_named() {
        assert_eq!(field_of(r#"{"name": 3}"#), "name");
        assert_eq!(field_of(r#"{"name": "a", "nick": "b"}"#), "nick");
        assert_eq!(field_of(r#"{}"#), "name");
        assert_eq!(
            field_of(r#"{"name": "a", "filter": {"orders_min": "x"}}"#),
            "filter.orders_min"
        );
        assert_eq!(field_of(r#"{"name": "a", "filter": {"orders": 1}}"#), "filter.orders");
        assert_eq!(field_of(r#"{"name": "a", "filter": {}}"#), "filter.orders_min");
    }

    #[test]
    fn a_nul_is_named_wherever_it_stands() {
        assert_eq!(field_of(r#"{"name": "a\u0000"}"#), "name");
        assert_eq!(
            field_of(r#"{"name": "a", "filter": {"tags": ["b", "\u0000"]}}"#),
            "filter.tags[1]"
        );
        assert!(read_json::<serde_json::Value>(br#"{"name": "a\\u0000"}"#).is_ok(), "no NUL");
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in ["", "{", "{}}", "\u{feff}{}", "nul"] {
            let problem = read_json::<serde_json::Value>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), "malformed", "{text:?}");
        }
        assert_eq!(read_json::<Outer>(b"{\"name\":\"a\"} x").unwrap_err().code(), "malformed");
    }
}

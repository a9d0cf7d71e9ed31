//! Which language a browser asks for.

use axum::http::{HeaderMap, header};

/// Whether `Accept-Language` names Chinese first.
pub(super) fn prefers_chinese(headers: &HeaderMap) -> bool {
    let wants = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wants.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("zh"))
}

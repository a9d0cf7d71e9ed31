//! The pages: files of `web/dist`, embedded at compile time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kernel::Ids;
use platform::{Platform, Problem};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower::{Layer as _, ServiceExt as _};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

// In a debug build the files are read anew with every request, so that `npm run build` is enough.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";
/// Everything below has the hash of its content in its name.
const HASHED: &str = "assets/";
/// Compressed files kept in memory; a debug build makes new ones with every change.
const KEPT_MAX: usize = 500;
/// Encodings offered, best first.
const ENCODINGS: [&str; 2] = ["br", "gzip"];
/// Between the slow best and the poor quick: each file is compressed once.
const LEVEL: i32 = 6;

const NOT_BUILT: &str =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Guanxi</title>
<h1>The pages are not built into this program</h1>
<p>In the folder of the source: <code>make build</code> builds pages and program together.
The interface below <code>/api/v1</code> works without them.</p>
";

/// Compressed files by the hash of their content and the encoding; made at their first request.
type Kept = Arc<Mutex<HashMap<([u8; 32], &'static str), Bytes>>>;

/// Stands in the built page wherever the nonce belongs; `vite.config.ts` writes it.
const NONCE_MARK: &str = "NONCE_OF_THIS_PAGE";
const NONCE_BYTES: usize = 16;

/// What the pages need.
#[derive(Clone)]
struct Pages {
    ids: Arc<dyn Ids>,
    kept: Kept,
}

/// The pages. Paths that are no file give the first page: its router knows them.
pub(super) fn routes(platform: &Platform) -> Router {
    let pages = Pages { ids: platform.ids.clone(), kept: Kept::default() };
    Router::new().fallback(page).with_state(pages)
}

async fn page(State(Pages { ids, kept }): State<Pages>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::not_found("route").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let name = if path.is_empty() { INDEX } else { path };
    if let Some(file) = Files::get(name).filter(|_| name != INDEX) {
        return send(&kept, name, file, request.headers()).await;
    }
    // A file that is not there is missing; only what looks like a page becomes the first page.
    let looks_like_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if path.starts_with(HASHED) || looks_like_file {
        return Problem::not_found("file").into_response();
    }
    first_page(Files::get(INDEX), &*ids)
}

/// The page itself, with a nonce that is good for this one answer: scripts and styles without it do
/// not run, whoever put them there.
fn first_page(file: Option<EmbeddedFile>, ids: &dyn Ids) -> Response {
    let mut random = [0; NONCE_BYTES];
    ids.fill(&mut random);
    let nonce = STANDARD_NO_PAD.encode(random);
    let text = file.as_ref().map_or(NOT_BUILT.into(), |file| String::from_utf8_lossy(&file.data));
    let text = text.replace(NONCE_MARK, &nonce);
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // It is asked for each time: a page from a cache would have yesterday's nonce.
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    (StatusCode::OK, headers, text).into_response()
}

async fn send(kept: &Kept, name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let tag = format!("\"{}\"", hash[..12].iter().map(|b| format!("{b:02x}")).collect::<String>());
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let cache =
        if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut kind = file.metadata.mimetype().to_owned();
    if kind.starts_with("text/") {
        kind.push_str("; charset=utf-8");
    }
    let plain = match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    };
    let mut response = if text(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let accepted = text(header::ACCEPT_ENCODING).unwrap_or_default();
        let asked: Vec<&str> =
            accepted.split(',').filter_map(|one| one.split(';').next()).map(str::trim).collect();
        match ENCODINGS.into_iter().find(|encoding| asked.contains(encoding)) {
            Some(encoding) => compressed(kept, hash, encoding, &kind, plain).await,
            None => plain.into_response(),
        }
    };
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &kind);
    set(header::CACHE_CONTROL, cache);
    set(header::ETAG, &tag);
    set(header::VARY, "accept-encoding");
    response
}

/// The file in `encoding`, or as it is where compressing does not help (pictures).
async fn compressed(
    kept: &Kept,
    hash: [u8; 32],
    encoding: &'static str,
    kind: &str,
    plain: Bytes,
) -> Response {
    let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let known = lock().get(&(hash, encoding)).cloned();
    let bytes = match known {
        Some(bytes) => bytes,
        None => match compress(encoding, kind, plain.clone()).await {
            Some(bytes) => {
                let mut kept = lock();
                if kept.len() >= KEPT_MAX {
                    kept.clear();
                }
                kept.insert((hash, encoding), bytes.clone());
                bytes
            }
            None => return plain.into_response(),
        },
    };
    ([(header::CONTENT_ENCODING, encoding)], bytes).into_response()
}

async fn compress(encoding: &str, kind: &str, plain: Bytes) -> Option<Bytes> {
    let kind = HeaderValue::from_str(kind).ok()?;
    let inner = tower::service_fn(move |_: Request| {
        let answer = ([(header::CONTENT_TYPE, kind.clone())], plain.clone()).into_response();
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let layer = CompressionLayer::new().quality(CompressionLevel::Precise(LEVEL));
    let asking = Request::builder().header(header::ACCEPT_ENCODING, encoding).body(Body::empty());
    let Ok(response) = layer.layer(inner).oneshot(asking.ok()?).await;
    if !response.headers().contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.ok()
}

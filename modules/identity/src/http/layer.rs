//! The layer that says who asks: cookies, tokens, and requests that another site sent.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use platform::audit::Origin;
use platform::http::RequestId;
use platform::{Platform, Problem, Standing};

use super::Proxies;
use crate::authenticate::{self, Credential, Shown};
use crate::secret::Secret;
use crate::setup::SetupCode;
use crate::sign_in::SESSION_MILLIS;

/// The name of the session cookie.
pub const COOKIE: &str = "guanxi_session";
/// Its name behind https: browsers then take it from this host alone, over https, for all paths, so that
/// no neighbour below the same domain can set one.
pub const HOST_COOKIE: &str = "__Host-guanxi_session";

/// What the edge of this process knows besides the platform; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    /// The code for the first account, if this process gave one out.
    pub setup_code: SetupCode,
    /// Whether a proxy with https stands in front: then cookies are `Secure`, and `X-Forwarded-For` is
    /// believed as far as `proxies` says. Otherwise such headers are anybody's and are ignored.
    pub behind_proxy: bool,
    /// Which proxies are believed, if any stand in front.
    pub proxies: Arc<Proxies>,
    /// Secrets whose use is being noted just now.
    touching: Arc<Mutex<HashSet<[u8; 32]>>>,
}

/// Middleware: puts the [`Scope`] and [`Credential`] of a known caller into the request's extensions.
///
/// An unknown caller passes without them, and the extractor [`Cx`] answers 401. A request that
/// changes something with a cookie is refused when the browser says that another site sent it.
pub async fn sign_in_layer(
    State((platform, edge)): State<(Platform, Edge)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = edge.peer_of(&request);
    let shown = match shown_in(request.headers(), edge.cookie_name()) {
        Some(Shown::Cookie(_)) if is_forged(&request, edge.behind_proxy) => {
            return Problem::forbidden("another site sent this request").into_response();
        }
        shown => shown,
    };
    let mut origin = Origin {
        peer,
        token: None,
        request: request.extensions().get::<RequestId>().map(|id| id.0.as_str().into()),
    };
    let mut renewed = None;
    if let Some(shown) = shown {
        match authenticate::look_up(&platform, &shown).await {
            Ok(Some(caller)) => {
                if let Credential::Token { id } = caller.credential {
                    origin.token = Some(id);
                }
                request.extensions_mut().insert(caller.scope);
                request.extensions_mut().insert(caller.credential);
                request.extensions_mut().insert(caller.access);
                request.extensions_mut().insert(standing(&platform, &shown));
                if caller.is_touch_due {
                    edge.touch(&platform, shown.clone());
                    renewed = match &shown {
                        Shown::Cookie(secret) => Some(cookie(&secret.text(), &edge)),
                        Shown::Bearer(_) => None,
                    };
                }
            }
            Ok(None) => {}
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    request.extensions_mut().insert(edge);
    request.extensions_mut().insert(origin);
    let mut response = next.run(request).await;
    // The browser's copy lives as long as the session, except where the handler just ended it.
    if let Some(renewed) = renewed
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        response.headers_mut().insert(header::SET_COOKIE, renewed);
    }
    response
}

/// For what goes on after its request was let in. A database that does not answer ends it too: its page asks
/// again.
fn standing(platform: &Platform, shown: &Shown) -> Standing {
    let (platform, shown) = (platform.clone(), shown.clone());
    Standing::new(move || {
        let (platform, shown) = (platform.clone(), shown.clone());
        async move { Some(authenticate::look_up(&platform, &shown).await.ok()??.access) }
    })
}

impl Edge {
    /// The edge of a process.
    #[must_use]
    pub fn new(setup_code: SetupCode, behind_proxy: bool) -> Self {
        Self { setup_code, behind_proxy, proxies: Arc::default(), touching: Arc::default() }
    }

    /// With other proxies than one that stands near.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Self { proxies: Arc::new(proxies), ..self }
    }

    /// The address of who asks, as far as proxies are trusted.
    #[must_use]
    pub fn peer_of(&self, request: &Request) -> Option<IpAddr> {
        peer_of(request, self)
    }

    /// A digest of the session or token that `headers` show, good or not, by which callers are counted. It
    /// is of what is looked up, so that the same secret written differently is the same caller.
    #[must_use]
    pub fn shown_digest(&self, headers: &HeaderMap) -> Option<[u8; 32]> {
        let (Shown::Cookie(secret) | Shown::Bearer(secret)) =
            shown_in(headers, self.cookie_name())?;
        Some(secret.hash())
    }

    const fn cookie_name(&self) -> &'static str {
        if self.behind_proxy { HOST_COOKIE } else { COOKIE }
    }

    /// Notes the use beside the request: reading must not wait for its turn to write.
    fn touch(&self, platform: &Platform, shown: Shown) {
        let (Shown::Cookie(secret) | Shown::Bearer(secret)) = &shown;
        let key = secret.hash();
        if !self.touching.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
            return;
        }
        let (platform, touching) = (platform.clone(), self.touching.clone());
        tokio::spawn(async move {
            if let Err(error) = authenticate::touch(&platform, &shown).await {
                tracing::debug!(%error, "the use of a session or token was not noted");
            }
            touching.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        });
    }
}

fn peer_of(request: &Request, edge: &Edge) -> Option<IpAddr> {
    let direct = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(if edge.behind_proxy { edge.proxies.peer(direct, request.headers()) } else { direct })
}

fn shown_in(headers: &HeaderMap, cookie_name: &str) -> Option<Shown> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        // Whoever sends this means it: no falling back to the cookie.
        let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        return Secret::parse_token(text.trim()).filter(|_| is_bearer).map(Shown::Bearer);
    }
    cookie_named(headers, cookie_name).map(Shown::Cookie)
}

/// The secret in the cookie `wanted`.
pub(super) fn cookie_named(headers: &HeaderMap, wanted: &str) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .find_map(|(_, value)| Secret::parse(value))
}

/// Whether another site made the browser send this request.
///
/// Browsers say so themselves (`Sec-Fetch-Site`). Older ones name at least the site (`Origin`), which
/// must then be ours. Who says neither is no browser, or one that sends the cookie to nobody else
/// (`SameSite`).
fn is_forged(request: &Request, behind_proxy: bool) -> bool {
    if request.method().is_safe() {
        return false;
    }
    let headers = request.headers();
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let Some((_, origin)) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        // `null`, or no text at all.
        return true;
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = text("x-forwarded-host").filter(|_| behind_proxy);
    let own = [text("host"), request.uri().authority().map(|host| host.as_str()), forwarded];
    !own.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(origin))
}

/// What the caller's browser calls itself.
pub(super) fn agent_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}

pub(super) fn cookie(text: &str, edge: &Edge) -> HeaderValue {
    let secure = if edge.behind_proxy { "; Secure" } else { "" };
    let name = edge.cookie_name();
    let max_age = if text.is_empty() { 0 } else { SESSION_MILLIS / 1000 };
    let value = format!("{name}={text}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age}{secure}");
    // Digits, base 64 and constants only: this cannot fail.
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

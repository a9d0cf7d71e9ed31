//! The one way out: requests of this program to other servers, whose addresses people type.
//!
//! A server that fetches what it is told to can be made to fetch from the network it stands in (server-side
//! request forgery). So each host is resolved once, every address is judged, and the connection goes to the
//! judged addresses and no others, whatever the name resolves to a moment later. Redirects are followed by
//! hand, and each target is judged anew. Time, size and the number of redirects have limits. No proxy of the
//! environment is used, since it would resolve by itself.

mod judge;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use url::{Host, Url};

pub use judge::is_public;

use crate::cidr::Cidr;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;
/// Bytes of an answer unless said otherwise.
const BODY_MAX: usize = 1 << 20;
/// From the first look-up to the last byte.
const TOTAL: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 16;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// Not `http` or `https`, no host, or with a user's name in it.
    #[error("{0} is no address that can be asked: it must be http or https, without a user's name")]
    BadUrl(String),
    /// It leads to this machine or into a private network.
    #[error(
        "{0} leads to this machine or a private network; whoever runs the server can allow it with \
         --outbound-allow"
    )]
    Forbidden(String),
    /// The name leads nowhere.
    #[error("{0} is not known")]
    Unknown(String),
    /// It goes round and round.
    #[error("it redirects more than {REDIRECTS_MAX} times")]
    TooManyRedirects,
    /// It says too much.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// It takes too long.
    #[error("there was no answer within {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
}

/// What looks names up; tests have their own.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses of `host`.
    ///
    /// # Errors
    /// As the system says.
    async fn lookup(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>>;
}

struct System;

#[async_trait]
impl Lookup for System {
    async fn lookup(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.map(|found| found.ip()).collect())
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// How.
    pub method: Method,
    /// Whom.
    pub url: Url,
    /// With what said about it.
    pub headers: HeaderMap,
    /// With what.
    pub body: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// How it went.
    pub status: StatusCode,
    /// What is said about it.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Vec<u8>,
}

/// The client; cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    lookup: Arc<dyn Lookup>,
    allowed: Arc<[Cidr]>,
    body_max: usize,
    /// Whether of a longer answer only the beginning is read.
    cuts: bool,
    total: Duration,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Default for Outbound {
    /// To public places only.
    fn default() -> Self {
        Self {
            lookup: Arc::new(System),
            allowed: Arc::new([]),
            body_max: BODY_MAX,
            cuts: false,
            total: TOTAL,
        }
    }
}

impl Outbound {
    /// Also to these, which are not public.
    #[must_use]
    pub fn allowing(self, ranges: &[Cidr]) -> Self {
        Self { allowed: ranges.into(), ..self }
    }

    /// With names looked up in another way.
    #[must_use]
    pub fn with_lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, ..self }
    }

    /// With answers of at most `bytes`.
    #[must_use]
    pub fn with_body_max(self, bytes: usize) -> Self {
        Self { body_max: bytes, ..self }
    }

    /// Reading of an answer no more than its first `bytes`, or a little more.
    #[must_use]
    pub fn keeping_first(self, bytes: usize) -> Self {
        Self { body_max: bytes, cuts: true, ..self }
    }

    /// With answers within `total`, from the first look-up to the last byte.
    #[must_use]
    pub fn with_total(self, total: Duration) -> Self {
        Self { total, ..self }
    }

    /// Judges whether `url` may be asked now; gives the addresses that it would be asked at. Asking judges anew.
    ///
    /// # Errors
    /// Why not.
    pub async fn judge(&self, url: &Url) -> Result<Vec<SocketAddr>, OutboundError> {
        self.within(self.judged(url)).await
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, OutboundError>>,
    ) -> Result<T, OutboundError> {
        let slow = |_| OutboundError::TooSlow(self.total);
        tokio::time::timeout(self.total, work).await.map_err(slow)?
    }

    /// Asks, and follows redirects of requests that change nothing.
    ///
    /// # Errors
    /// Why there is no answer. A status that says no is an answer.
    pub async fn send(&self, ask: Ask) -> Result<Reply, OutboundError> {
        self.within(self.follow(ask)).await
    }

    async fn follow(&self, mut ask: Ask) -> Result<Reply, OutboundError> {
        for _ in 0..=REDIRECTS_MAX {
            let reply = self.once(&ask).await?;
            let target = reply.headers.get(LOCATION).filter(|_| reply.status.is_redirection());
            let Some(target) = target.and_then(|target| target.to_str().ok()) else {
                return Ok(reply);
            };
            if !ask.method.is_safe() {
                // What was sent is for who was asked, not for whom they name.
                return Ok(reply);
            }
            let next =
                ask.url.join(target).map_err(|_| OutboundError::BadUrl(target.to_owned()))?;
            if ask.url.scheme() == "https" && next.scheme() != "https" {
                return Err(OutboundError::BadUrl(shown(&next)));
            }
            if next.origin() != ask.url.origin() {
                for name in [AUTHORIZATION, COOKIE] {
                    ask.headers.remove(name);
                }
            }
            ask.url = next;
        }
        Err(OutboundError::TooManyRedirects)
    }

    /// The judged addresses of `url`.
    async fn judged(&self, url: &Url) -> Result<Vec<SocketAddr>, OutboundError> {
        let bad = || OutboundError::BadUrl(shown(url));
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain {
            return Err(bad());
        }
        let port = url.port_or_known_default().ok_or_else(bad)?;
        // The parser has read octal, decimal and hexadecimal forms as the addresses they are.
        let mut found = match url.host().ok_or_else(bad)? {
            Host::Ipv4(address) => vec![IpAddr::V4(address)],
            Host::Ipv6(address) => vec![IpAddr::V6(address)],
            Host::Domain(name) => {
                let unknown = || OutboundError::Unknown(name.to_owned());
                self.lookup.lookup(name, port).await.map_err(|_| unknown())?
            }
        };
        found.truncate(ADDRESSES_MAX);
        if found.is_empty() {
            return Err(OutboundError::Unknown(shown(url)));
        }
        let may = |address: &IpAddr| {
            is_public(*address) || self.allowed.iter().any(|range| range.contains(*address))
        };
        // One that may not be asked is enough: the name is not to be trusted.
        if !found.iter().all(may) {
            return Err(OutboundError::Forbidden(shown(url)));
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    async fn once(&self, ask: &Ask) -> Result<Reply, OutboundError> {
        let addresses = self.judged(&ask.url).await?;
        let client = client(&ask.url, &addresses)?;
        let mut request = client.request(ask.method.clone(), ask.url.clone());
        for (name, value) in &ask.headers {
            if *name != HOST && *name != CONTENT_LENGTH {
                request = request.header(name, value);
            }
        }
        if !ask.body.is_empty() || ask.headers.contains_key(CONTENT_TYPE) {
            request = request.body(ask.body.clone());
        }
        let failed = |error: reqwest::Error| OutboundError::Connection(told(&error));
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if self.cuts && body.len() + piece.len() >= self.body_max {
                body.extend_from_slice(&piece);
                break;
            }
            if body.len() + piece.len() > self.body_max {
                return Err(OutboundError::TooLarge(self.body_max));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply { status, headers, body })
    }
}

/// A client that connects to `addresses` whatever the name of `url` resolves to, keeps nothing open, follows
/// nothing and asks no proxy.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
fn client(url: &Url, addresses: &[SocketAddr]) -> Result<reqwest::Client, OutboundError> {
    static PROVIDER: LazyLock<()> = LazyLock::new(|| {
        // Somebody else was first: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    LazyLock::force(&PROVIDER);
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(0)
        .dns_resolver(Nowhere)
        .user_agent(concat!("guanxi/", env!("CARGO_PKG_VERSION")));
    if let Some(Host::Domain(name)) = url.host() {
        builder = builder.resolve_to_addrs(name, addresses);
    }
    builder.build().map_err(|error| OutboundError::Connection(told(&error)))
}

/// Looks nothing up: every name was looked up and judged before.
struct Nowhere;

impl reqwest::dns::Resolve for Nowhere {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move { Err(format!("{name} was not judged").into()) })
    }
}

/// `url` without what may be secret in it.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

/// What failed, down to its cause.
fn told(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests;

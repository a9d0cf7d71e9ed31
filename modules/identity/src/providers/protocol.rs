//! What is said between this program and a provider: OpenID Connect with an authorisation code, PKCE, state
//! and nonce. All of it goes through the guarded way out.
//!
//! Source: OpenID Connect Core 1.0, section 3.1; RFC 7636.

use std::time::Duration;

use kernel::Timestamp;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use platform::outbound::{Ask, Outbound, OutboundError};
use platform::{Ctx, DbError};
use tokio::sync::Semaphore;
use url::Url;
use zeroize::Zeroizing;

use super::Provider;
use crate::authenticate::PROVEN_MILLIS;

/// Under which the secrets of clients are sealed.
pub(crate) const SECRET: &str = "identity.provider_secret";
/// Talks with providers at once; anybody can begin one.
const AT_ONCE: usize = 8;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// What ID tokens may be signed with: never nothing, and never what whoever knows our secret can sign.
const SIGNED_WITH: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Why a provider said nothing, or nothing that can be believed.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// It cannot be asked, or its answer is none.
    #[error("the provider cannot be used: {0}")]
    Unusable(String),
    /// It does not say who it is, or not what was asked for.
    #[error("what the provider said about you cannot be believed: {0}")]
    Unbelievable(String),
    /// Too many are being asked.
    #[error("too many people sign in through providers just now")]
    Busy,
}

/// What a provider says about somebody, checked.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    pub(crate) subject: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) name: Option<String>,
    /// When they last showed the provider who they are, if it says so.
    pub(crate) shown_at: Option<Timestamp>,
}

/// What is remembered while somebody is at the provider.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Memory {
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

pub(crate) fn seal(cx: &Ctx, secret: &str) -> Vec<u8> {
    cx.keys().seal(&*cx.ids, SECRET, secret.as_bytes())
}

pub(crate) fn open(cx: &Ctx, sealed: &[u8]) -> Result<Zeroizing<String>, DbError> {
    let text = cx.keys().open_text(SECRET, sealed);
    text.map(Zeroizing::new).map_err(|error| DbError::Refused(error.to_string()))
}

/// The way out as the library wants it. What begins with https stays there.
async fn call(
    outbound: Outbound,
    is_https: bool,
    request: HttpRequest,
) -> Result<HttpResponse, OutboundError> {
    let (parts, body) = request.into_parts();
    let bad = |text: String| OutboundError::BadUrl(text);
    let url: Url = parts.uri.to_string().parse().map_err(|_| bad(parts.uri.to_string()))?;
    if is_https && url.scheme() != "https" {
        return Err(bad(url.to_string()));
    }
    let ask = Ask { method: parts.method, url, headers: parts.headers, body };
    let reply = outbound.send(ask).await?;
    let mut response = HttpResponse::new(reply.body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

fn unusable(error: impl std::error::Error) -> ProtocolError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    ProtocolError::Unusable(text)
}

/// Asks the provider at `issuer` who it is, and for its keys.
pub(crate) async fn discover(
    outbound: &Outbound,
    issuer: &str,
) -> Result<CoreProviderMetadata, ProtocolError> {
    let _turn = turn().await?;
    let is_https = issuer.starts_with("https://");
    let client = |request| call(outbound.clone(), is_https, request);
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(unusable)?;
    CoreProviderMetadata::discover_async(issuer, &client).await.map_err(unusable)
}

async fn turn() -> Result<tokio::sync::SemaphorePermit<'static>, ProtocolError> {
    let turn = tokio::time::timeout(TURN, TURNS.acquire()).await;
    turn.ok().and_then(Result::ok).ok_or(ProtocolError::Busy)
}

/// Where to send somebody.
pub(crate) async fn begin(
    outbound: &Outbound,
    provider: &Provider,
    state: &str,
    memory: &Memory,
) -> Result<Url, ProtocolError> {
    let metadata = discover(outbound, &provider.issuer).await?;
    let redirect = RedirectUrl::new(provider.redirect_uri.clone()).map_err(unusable)?;
    let id = ClientId::new(provider.client_id.clone());
    let client = CoreClient::from_provider_metadata(metadata, id, None).set_redirect_uri(redirect);
    let verifier = PkceCodeVerifier::new(memory.verifier.clone());
    let (state, nonce) = (state.to_owned(), memory.nonce.clone());
    let (url, _, _) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || CsrfToken::new(state),
            || Nonce::new(nonce),
        )
        // Whoever showed themselves there longer ago is asked again, so that this is a proof; providers
        // that do so say when it was.
        .set_max_age(Duration::from_millis(PROVEN_MILLIS as u64))
        .add_scope(Scope::new("email".to_owned()))
        .add_scope(Scope::new("profile".to_owned()))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    Ok(url)
}

/// What the provider says about whoever came back with `code`.
pub(crate) async fn finish(
    outbound: &Outbound,
    provider: &Provider,
    secret: Zeroizing<String>,
    code: String,
    memory: Memory,
    now: Timestamp,
) -> Result<Claims, ProtocolError> {
    let metadata = discover(outbound, &provider.issuer).await?;
    let _turn = turn().await?;
    let redirect = RedirectUrl::new(provider.redirect_uri.clone()).map_err(unusable)?;
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(provider.client_id.clone()),
        Some(ClientSecret::new(secret.as_str().to_owned())),
    )
    .set_redirect_uri(redirect);
    let is_https = provider.issuer.starts_with("https://");
    let http = |request| call(outbound.clone(), is_https, request);
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(unusable)?
        .set_pkce_verifier(PkceCodeVerifier::new(memory.verifier))
        .request_async(&http)
        .await
        .map_err(unusable)?;
    let doubt = |text: String| ProtocolError::Unbelievable(text);
    let token = answer.id_token().ok_or_else(|| doubt("there is no ID token".to_owned()))?;
    let moment = chrono::DateTime::from_timestamp_millis(now.millis()).unwrap_or_default();
    let verifier =
        client.id_token_verifier().set_allowed_algs(SIGNED_WITH).set_time_fn(move || moment);
    let claims = token
        .claims(&verifier, &Nonce::new(memory.nonce))
        .map_err(|error| doubt(error.to_string()))?;
    let name = claims.name().and_then(|names| names.get(None)).map(|name| name.to_string());
    Ok(Claims {
        subject: claims.subject().to_string(),
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified() == Some(true),
        name,
        // A clock that runs ahead is no reason to be proven for longer.
        shown_at: claims
            .auth_time()
            .map(|at| Timestamp::from_millis(at.timestamp_millis()).min(now)),
    })
}

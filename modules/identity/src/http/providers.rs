//! The routes of signing in through providers, and of the providers themselves.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kernel::{FieldErrors, OrgId, ProviderId};
use platform::access::Access;
use platform::audit::Origin;
use platform::http::{Cx, Idempotent, IfMatch, JsonBody, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem, Scope};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::people::{All, role_problem};
use super::{Awaited, Edge, Person, Session, agent_of, cookie_named, first_org, step_answer};
use crate::model::{PersonName, RoleName};
use crate::providers::enter::{self, EnterError, Entered, Sent};
use crate::providers::{self, ProtocolError, Provider, ProviderError, WantedProvider, protocol};
use crate::secret::Secret;

/// What a browser keeps while its user is at a provider; behind https for this host alone.
const COOKIE: &str = "guanxi_provider";
const HOST_COOKIE: &str = "__Host-guanxi_provider";
const COOKIE_SECONDS: i64 = 600;
/// Domains that one provider may name, and characters of a client's id and secret.
const DOMAINS_MAX: usize = 50;
const TEXT_MAX: usize = 1000;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(buttons))
        .routes(routes!(begin))
        .routes(routes!(finish))
        .routes(routes!(list, create))
        .routes(routes!(change, delete))
        .routes(routes!(links))
        .routes(routes!(connect, disconnect))
}

impl From<EnterError> for Problem {
    fn from(error: EnterError) -> Self {
        let code = error.code();
        let refused =
            |status| Self::new(status, code, "You are not let in").detail(error.to_string());
        match error {
            EnterError::NoProvider => Self::not_found("provider"),
            EnterError::Protocol(ProtocolError::Busy) => Self::too_many_requests(5),
            EnterError::Protocol(ProtocolError::Unusable(_)) => refused(StatusCode::BAD_GATEWAY),
            EnterError::Taken => refused(StatusCode::CONFLICT),
            EnterError::TooOften { retry_after_seconds } => {
                Self::too_many_requests(retry_after_seconds).detail(error.to_string())
            }
            EnterError::Store(error) => error.into(),
            _ => refused(StatusCode::UNAUTHORIZED),
        }
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::NotFound => Self::not_found("provider"),
            ProviderError::Stale(current) => Self::precondition_failed(&*current),
            ProviderError::TooMany => Self::conflict("too_many_providers", error.to_string()),
            ProviderError::SecretMissing => Self::field("client_secret", error.to_string()),
            ProviderError::Role(error) => role_problem(error, "newcomer_role"),
            ProviderError::Store(error) => error.into(),
        }
    }
}

/// A provider as its button shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProviderButton {
    id: ProviderId,
    name: String,
}

/// Through which providers people sign in.
#[utoipa::path(get, path = "/identity/sign-in/providers", tag = "identity", security(()),
    responses((status = 200, body = All<ProviderButton>), Problem))]
async fn buttons(State(platform): State<Platform>) -> Result<Json<All<ProviderButton>>, Problem> {
    let cx = first_org(&platform);
    let mut tx = platform.db.read_for(cx.scope).await?;
    let all = providers::list(&mut tx, &cx).await?;
    let items = all.into_iter().map(|one| ProviderButton { id: one.id, name: one.name }).collect();
    Ok(Json(All { items }))
}

/// Where to go.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct GoTo {
    /// The provider's page.
    url: String,
}

fn cookie_name(edge: &Edge) -> &'static str {
    if edge.behind_proxy { HOST_COOKIE } else { COOKIE }
}

fn sent(sent: Sent, edge: &Edge) -> Response {
    let (name, text) = (cookie_name(edge), sent.browser.text());
    let secure = if edge.behind_proxy { "; Secure" } else { "" };
    let cookie =
        format!("{name}={text}; HttpOnly; SameSite=Lax; Path=/; Max-Age={COOKIE_SECONDS}{secure}");
    let cookie = HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""));
    ([(header::SET_COOKIE, cookie)], Json(GoTo { url: sent.url.into() })).into_response()
}

/// Through which provider.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginWithBody {
    provider: ProviderId,
}

/// Begins to sign in through a provider.
#[utoipa::path(post, path = "/identity/sign-in/begin", tag = "identity", security(()),
    request_body = BeginWithBody, responses((status = 200, body = GoTo), Problem))]
async fn begin(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    JsonBody(body): JsonBody<BeginWithBody>,
) -> Result<Response, Problem> {
    Ok(sent(enter::begin(&platform, OrgId::FIRST, origin, body.provider, None).await?, &edge))
}

/// What the provider sent somebody back with.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BackBody {
    state: String,
    code: String,
}

/// Ends to sign in through a provider, as a sign-in; or to connect an account (204).
#[utoipa::path(post, path = "/identity/sign-in/back", tag = "identity", security(()),
    request_body = BackBody,
    responses((status = 201, body = Session), (status = 202, body = Awaited), (status = 204), Problem))]
async fn finish(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    scope: Option<Extension<Scope>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<BackBody>,
) -> Result<Response, Problem> {
    let here = |secret: &Secret| secret.org == OrgId::FIRST;
    let state = Secret::parse(body.state.trim()).filter(here).ok_or(EnterError::Gone)?;
    let browser = cookie_named(&headers, cookie_name(&edge)).ok_or(EnterError::Gone)?;
    let asking = scope.and_then(|Extension(scope)| scope.user_id());
    let agent = agent_of(&headers);
    let entered =
        enter::finish(&platform, origin, &state, &browser, asking, body.code, agent).await?;
    Ok(match entered {
        Entered::Step(step) => step_answer(step, &edge),
        Entered::Connected => StatusCode::NO_CONTENT.into_response(),
    })
}

/// All providers, the first made first.
#[utoipa::path(get, path = "/identity/providers", tag = "identity",
    extensions(("x-right" = json!("identity.settings"))),
    responses((status = 200, body = All<Provider>), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<All<Provider>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: providers::list(&mut tx, &cx).await? }))
}

/// A provider as it shall be.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ProviderBody {
    /// What the button says.
    name: String,
    /// Who it is: `https://login.example.com`.
    issuer: String,
    /// As whom this program is known there.
    client_id: String,
    /// The client's secret; may be left out in a change that keeps the issuer.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// Where people open this program: `https://crm.example.com`.
    site_url: String,
    /// Addresses of which domains get in; empty: all.
    #[serde(default)]
    email_domains: Vec<String>,
    /// The role of who is not known; without one, only who is known or was invited gets in.
    newcomer_role: Option<String>,
    /// Whether who is known here by an address that the provider has verified is let in at once.
    #[serde(default)]
    links_by_email: bool,
}

/// An address of a server. Plain http is for this machine only, where nobody listens in.
fn server_url(text: &str) -> Result<Url, &'static str> {
    let url: Url =
        text.trim().parse().map_err(|_| "must be an address such as https://example.com")?;
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
        return Err("must begin with https://");
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("must have no user, no ? and no # in it");
    }
    Ok(url)
}

fn wanted(body: ProviderBody) -> Result<WantedProvider, Problem> {
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let issuer = errors.keep("issuer", server_url(&body.issuer));
    let site_url = errors.keep("site_url", server_url(&body.site_url));
    let client_id = body.client_id.trim().to_owned();
    if client_id.is_empty() || client_id.len() > TEXT_MAX {
        errors.push("client_id", "must have 1 to 1000 characters");
    }
    let secret = body.client_secret.map(Zeroizing::new);
    if secret.as_ref().is_some_and(|secret| secret.is_empty() || secret.len() > TEXT_MAX) {
        errors.push("client_secret", "must have 1 to 1000 characters");
    }
    let domain = |text: &String| text.trim().trim_start_matches('@').to_lowercase();
    let email_domains: Vec<String> = body.email_domains.iter().map(domain).collect();
    let is_domain = |text: &String| {
        text.contains('.')
            && !text.contains(|c: char| c.is_whitespace() || c == '@')
            && text.len() <= 253
    };
    if email_domains.len() > DOMAINS_MAX || !email_domains.iter().all(is_domain) {
        errors.push("email_domains", "must be at most 50 domains such as example.com");
    }
    let role =
        body.newcomer_role.map(|role| errors.keep("newcomer_role", role.parse::<RoleName>()));
    Ok(errors.finish(|| {
        Some(WantedProvider {
            name: name?,
            issuer: issuer?,
            client_id,
            client_secret: secret,
            site_url: site_url?,
            email_domains,
            newcomer_role: role.map_or(Some(None), |role| role.map(Some))?,
            links_by_email: body.links_by_email,
        })
    })?)
}

/// Whether there is a provider at that address.
async fn ask_it(platform: &Platform, wanted: &WantedProvider) -> Result<(), Problem> {
    match protocol::discover(&platform.outbound, &providers::issuer_text(&wanted.issuer)).await {
        Ok(_) => Ok(()),
        Err(ProtocolError::Busy) => Err(Problem::too_many_requests(5)),
        Err(error) => Err(Problem::field("issuer", error.to_string())),
    }
}

/// Adds a provider. It is asked who it is first.
#[utoipa::path(post, path = "/identity/providers", tag = "identity",
    extensions(("x-right" = json!("identity.settings session proof"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ProviderBody, responses((status = 201, body = Provider), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    Idempotent { key, body }: Idempotent<ProviderBody>,
) -> Result<Answer, Problem> {
    let wanted = wanted(body)?;
    ask_it(&platform, &wanted).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let provider = providers::put(&mut tx, &cx, access.permissions(), None, wanted).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &provider).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Changes a provider. It is asked who it is first.
#[utoipa::path(put, path = "/identity/providers/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.settings session proof"))),
    params(("id" = ProviderId, Path), ("If-Match" = String, Header)),
    request_body = ProviderBody, responses((status = 200, body = Provider), Problem))]
async fn change(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(access): Extension<Access>,
    PathId(id): PathId<ProviderId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<ProviderBody>,
) -> Result<Json<Provider>, Problem> {
    let wanted = wanted(body)?;
    ask_it(&platform, &wanted).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let own = access.permissions();
    let provider = providers::put(&mut tx, &cx, own, Some((id, version)), wanted).await?;
    tx.commit().await?;
    Ok(Json(provider))
}

/// Removes a provider, with what connects people to it.
#[utoipa::path(delete, path = "/identity/providers/{id}", tag = "identity",
    extensions(("x-right" = json!("identity.settings session proof"))),
    params(("id" = ProviderId, Path)), responses((status = 204), Problem))]
async fn delete(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ProviderId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    providers::delete(&mut tx, &cx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The providers that the caller is connected to.
#[utoipa::path(get, path = "/identity/links", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    responses((status = 200, body = All<ProviderId>), Problem))]
async fn links(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
) -> Result<Json<All<ProviderId>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(All { items: providers::links(&mut tx, &cx, user).await? }))
}

/// Begins to connect the caller's account to one at a provider.
#[utoipa::path(post, path = "/identity/links/{id}", tag = "identity",
    extensions(("x-right" = json!("signed_in session proof"))),
    params(("id" = ProviderId, Path)), responses((status = 200, body = GoTo), Problem))]
async fn connect(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(edge): Extension<Edge>,
    PathId(id): PathId<ProviderId>,
) -> Result<Response, Problem> {
    Ok(sent(enter::begin(&platform, cx.scope.org(), cx.origin, id, Some(user)).await?, &edge))
}

/// Disconnects the caller's account from those at a provider.
#[utoipa::path(delete, path = "/identity/links/{id}", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    params(("id" = ProviderId, Path)), responses((status = 204), Problem))]
async fn disconnect(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    PathId(id): PathId<ProviderId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !providers::unlink(&mut tx, &cx, user, id).await? {
        return Err(Problem::not_found("connection"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

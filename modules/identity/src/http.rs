//! The routes of this module, and the layer that says who asks. Here are those of signing in and of
//! tokens; those of people and of one's own account have files of their own.

mod own;
mod peer;
mod people;
mod providers;
mod roles;
mod second_factor;
mod territories;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{ConnectInfo, Extension, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kernel::{FieldErrors, Limit, OrgId, Page, Timestamp, TokenId, UserId};
use platform::access::{Access, FieldRule, FieldRules, Permissions};
use platform::audit::Origin;
use platform::http::{Cx, Idempotent, JsonBody, PathId, QueryParams, RequestId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Ctx, Platform, Problem, Scope, Standing};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

pub use peer::Proxies;

use crate::authenticate::{self, Credential, Shown};
use crate::create_user::NewUser;
use crate::model::{Email, PersonName, RoleName, User};
use crate::password::{self, Password};
use crate::second_factor::Challenge;
use crate::secret::Secret;
use crate::setup::{self, SetUp, SetUpError, SetupCode};
use crate::sign_in::{self, SESSION_MILLIS, SignInError, SignInStep, SignedIn};
use crate::tokens::{self, NewToken, Token, TokenError, WantedToken};
use crate::{sign_out, store};

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

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(setup_state, set_up))
        .routes(routes!(create_session))
        .routes(routes!(current_session, end_session))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
        .merge(people::routes())
        .merge(own::routes())
        .merge(second_factor::routes())
        .merge(providers::routes())
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
fn cookie_named(headers: &HeaderMap, wanted: &str) -> Option<Secret> {
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
fn agent_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}

fn cookie(text: &str, edge: &Edge) -> HeaderValue {
    let secure = if edge.behind_proxy { "; Secure" } else { "" };
    let name = edge.cookie_name();
    let max_age = if text.is_empty() { 0 } else { SESSION_MILLIS / 1000 };
    let value = format!("{name}={text}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age}{secure}");
    // Digits, base 64 and constants only: this cannot fail.
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The person who asks; 401 for nobody.
struct Person {
    cx: Ctx,
    user: UserId,
}

impl<S> FromRequestParts<S> for Person
where
    S: Send + Sync,
    Platform: axum::extract::FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Cx(cx) = Cx::from_request_parts(parts, state).await?;
        let user = cx.scope.user_id().ok_or_else(Problem::unauthorized)?;
        Ok(Self { cx, user })
    }
}

/// An organisation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Org {
    /// What it is called.
    name: String,
}

/// A session.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Session {
    user: User,
    org: Org,
    /// What the user may do, each `module.action`; `*` is everything.
    #[schema(value_type = Vec<String>)]
    rights: Permissions,
    /// Whether the user must set up a second factor first; until then nothing else is answered.
    second_factor_due: bool,
    /// Whether the user sees all records; else those in their reach.
    sees_all: bool,
    /// What is done with fields before the user sees them, by name of the field.
    #[schema(value_type = std::collections::BTreeMap<String, FieldRule>)]
    fields: FieldRules,
    /// When it ends unless it is used.
    expires_at: Timestamp,
}

fn session_answer(signed_in: SignedIn, edge: &Edge) -> Response {
    let cookie = cookie(&signed_in.secret.text(), edge);
    let session = Session {
        user: signed_in.user,
        org: Org { name: signed_in.org_name },
        second_factor_due: signed_in.second_factor_due,
        rights: signed_in.access.permissions().clone(),
        sees_all: signed_in.access.reach().is_all(),
        fields: signed_in.access.fields().clone(),
        expires_at: signed_in.expires_at,
    };
    (StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(session)).into_response()
}

/// The first account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SetupState {
    /// Whether the first account must still be made.
    needed: bool,
}

fn first_org(platform: &Platform) -> Ctx {
    platform.ctx(Scope::system(OrgId::FIRST))
}

/// Whether the first account must still be made.
#[utoipa::path(get, path = "/identity/setup", tag = "identity", security(()),
    responses((status = 200, body = SetupState), Problem))]
async fn setup_state(State(platform): State<Platform>) -> Result<Json<SetupState>, Problem> {
    let cx = first_org(&platform);
    let mut tx = platform.db.read_for(cx.scope).await?;
    let needed = setup::setup_needed(&mut tx, &cx).await?;
    Ok(Json(SetupState { needed }))
}

/// The first account, to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SetUpBody {
    /// As `guanxi serve` printed it.
    code: String,
    email: String,
    /// At least 10 characters.
    #[schema(format = Password)]
    password: String,
    /// What to call the owner.
    name: String,
    /// What to call the organisation.
    org_name: String,
}

/// Makes the first account, and signs in with it.
#[utoipa::path(post, path = "/identity/setup", tag = "identity", security(()),
    request_body = SetUpBody, responses((status = 201, body = Session), Problem))]
async fn set_up(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SetUpBody>,
) -> Result<Response, Problem> {
    let cx = first_org(&platform).from(origin);
    let keys = platform.keys(OrgId::FIRST);
    let mut tx = platform.db.read_for(cx.scope).await?;
    if !setup::setup_needed(&mut tx, &cx).await? {
        return Err(SetUpError::AlreadyDone.into());
    }
    tx.rollback().await?;

    let mut errors = FieldErrors::default();
    if !edge.setup_code.matches(&body.code) {
        errors.push("code", "is not the code that `guanxi serve` printed");
    }
    let email = errors.keep("email", body.email.parse::<Email>());
    let password = errors.keep("password", Password::new(body.password));
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let org_name = errors.keep("org_name", body.org_name.parse::<PersonName>());
    let (email, password, name, org_name) =
        errors.finish(|| Some((email?, password?, name?, org_name?)))?;

    let password = password::hash(password, &*cx.ids).await;
    let owner = NewUser { email, name, role: RoleName::owner(), password };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let user = setup::set_up(&mut tx, &cx, &keys, SetUp { owner, org_name }).await?;
    let signed_in = sign_in::open_session(&mut tx, &cx, user, agent_of(&headers)).await?;
    tx.commit().await?;
    edge.setup_code.spend();
    Ok(session_answer(signed_in, &edge))
}

impl From<SetUpError> for Problem {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::AlreadyDone => Self::conflict("setup_done", error.to_string()),
            SetUpError::Store(error) => error.into(),
        }
    }
}

/// A sign-in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    email: String,
    #[schema(format = Password)]
    password: String,
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong_credentials",
                "E-mail address or password is wrong",
            ),
            SignInError::TooOften { retry_after_seconds } => {
                Self::too_many_requests(retry_after_seconds).detail(error.to_string())
            }
            SignInError::Store(error) => error.into(),
        }
    }
}

/// A sign-in that awaits a code.
#[derive(Serialize, utoipa::ToSchema)]
struct Awaited {
    /// For the second step, which it allows once.
    challenge: String,
    /// Until when.
    expires_at: Timestamp,
}

/// Signs in: the answer sets the session cookie. Who has a second factor is asked for a code (202).
#[utoipa::path(post, path = "/identity/sessions", tag = "identity", security(()),
    request_body = SignInBody,
    responses((status = 201, body = Session), (status = 202, body = Awaited), Problem))]
async fn create_session(
    State(platform): State<Platform>,
    Extension(edge): Extension<Edge>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignInBody>,
) -> Result<Response, Problem> {
    let password = Zeroizing::new(body.password);
    let agent = agent_of(&headers);
    let step =
        sign_in::sign_in(&platform, OrgId::FIRST, origin, &body.email, password, agent).await?;
    Ok(step_answer(step, &edge))
}

fn step_answer(step: SignInStep, edge: &Edge) -> Response {
    match step {
        SignInStep::Done(signed_in) => session_answer(*signed_in, edge),
        SignInStep::Code(Challenge { expires_at, secret }) => {
            let awaited = Awaited { challenge: secret.text(), expires_at };
            (StatusCode::ACCEPTED, Json(awaited)).into_response()
        }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/identity/sessions/current", tag = "identity",
    extensions(("x-right" = json!("signed_in before_second_factor"))),
    responses((status = 200, body = Session), Problem))]
async fn current_session(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(credential): Extension<Credential>,
    Extension(access): Extension<Access>,
) -> Result<Json<Session>, Problem> {
    let Credential::Session { expires_at, .. } = credential else {
        return Err(Problem::not_found("session").detail("an API token is no session"));
    };
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let user = store::user(&mut tx, cx.scope, &keys, user).await?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    let name = store::org_name(&mut tx, cx.scope.org()).await?;
    Ok(Json(Session {
        user,
        org: Org { name },
        rights: access.permissions().clone(),
        sees_all: access.reach().is_all(),
        second_factor_due: access.is_before_second_factor(),
        fields: access.fields().clone(),
        expires_at,
    }))
}

/// Signs out.
#[utoipa::path(delete, path = "/identity/sessions/current", tag = "identity",
    extensions(("x-right" = json!("signed_in before_second_factor"))),
    responses((status = 204), Problem))]
async fn end_session(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(credential): Extension<Credential>,
    Extension(edge): Extension<Edge>,
) -> Result<Response, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !sign_out::sign_out(&mut tx, &cx, &credential).await? {
        return Err(Problem::not_found("session").detail("an API token is no session"));
    }
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", &edge))]).into_response())
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::TooMany => Self::conflict("too_many_tokens", error.to_string()),
            TokenError::NotFound => Self::not_found("token"),
            TokenError::Role(error) => people::role_problem(error, "role"),
            TokenError::Cursor(error) => Self::field("after", error.to_string()),
            TokenError::Store(error) => error.into(),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TokenParams {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    limit: Option<u32>,
}

/// The caller's API tokens, newest first.
#[utoipa::path(get, path = "/identity/tokens", tag = "identity",
    extensions(("x-right" = json!("signed_in"))), params(TokenParams),
    responses((status = 200, body = Page<Token>), Problem))]
async fn list_tokens(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    QueryParams(params): QueryParams<TokenParams>,
) -> Result<Json<Page<Token>>, Problem> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(tokens::list_tokens(&mut tx, &cx, user, params.after.as_deref(), limit).await?))
}

/// An API token to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTokenBody {
    /// What it is for.
    name: String,
    /// It may do no more than this role; without one, what its user may.
    role: Option<String>,
    /// When it ends; without it, never.
    expires_at: Option<Timestamp>,
}

/// Makes an API token. Its secret is in this answer only. Tokens make no tokens.
#[utoipa::path(post, path = "/identity/tokens", tag = "identity",
    extensions(("x-right" = json!("signed_in session proof"))), request_body = NewTokenBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = NewToken), Problem))]
async fn create_token(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    Extension(access): Extension<Access>,
    Idempotent { key, body }: Idempotent<NewTokenBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", body.name.parse::<PersonName>());
    let role = body.role.map(|role| errors.keep("role", role.parse::<RoleName>()));
    if body.expires_at.is_some_and(|at| at <= cx.now()) {
        errors.push("expires_at", "must lie in the future");
    }
    let wanted = errors.finish(|| {
        let role = role.map_or(Some(None), |role| role.map(Some))?;
        Some(WantedToken { name: name?, role, expires_at: body.expires_at })
    })?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let token = tokens::create_token(&mut tx, &cx, user, access.permissions(), &wanted).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &token).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Makes an API token useless.
#[utoipa::path(delete, path = "/identity/tokens/{id}", tag = "identity",
    extensions(("x-right" = json!("signed_in session"))),
    params(("id" = TokenId, Path)), responses((status = 204), Problem))]
async fn revoke_token(
    State(platform): State<Platform>,
    Person { cx, user }: Person,
    PathId(id): PathId<TokenId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    tokens::revoke_token(&mut tx, &cx, user, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

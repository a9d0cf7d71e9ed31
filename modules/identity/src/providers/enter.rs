//! Signing in through a provider: sent there, back with a code, and who that is here.

use kernel::{OrgId, ProviderId, Timestamp, UserId};
use platform::access::Permissions;
use platform::audit::{self, Entry, Origin};
use platform::{Ctx, DbError, Platform, Scope, Tx};
use url::Url;

use super::Provider;
use super::protocol::{self, Claims, Memory, ProtocolError};
use crate::attempts::{self, Counter};
use crate::create_user::{CreateUserError, NewUser, create_user};
use crate::model::{Email, PersonName, User};
use crate::password::PasswordHash;
use crate::roles;
use crate::second_factor::challenge;
use crate::secret::Secret;
use crate::sign_in::{SignInStep, open_session};
use crate::store::{self, people, providers as rows, second_factor};

/// How long somebody may stay at the provider.
const LASTS_MILLIS: i64 = 10 * 60 * 1000;
/// What is sealed while they are there.
pub(crate) const MEMORY: &str = "identity.provider_flow";

/// Why somebody does not get in.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// There is no such provider.
    #[error("there is no such provider")]
    NoProvider,
    /// It was not begun in this browser, took too long, or was used already.
    #[error("this sign-in took too long, was used already, or was begun in another browser")]
    Gone,
    /// The provider, or what it says.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Nobody here has this address, and newcomers are not let in.
    #[error("nobody invited you; ask whoever manages people for an invitation to this address")]
    Unknown,
    /// The provider names no address that it has verified.
    #[error("the provider does not vouch for your e-mail address")]
    Unverified,
    /// Only some domains get in.
    #[error("addresses of this domain are not let in")]
    Domain,
    /// They have an account, which they must connect themselves.
    #[error("sign in with your password and connect your account on the account page first")]
    ConnectFirst,
    /// Their access has ended.
    #[error("your access has ended")]
    Ended,
    /// The account there belongs to somebody else here.
    #[error("this account of the provider is connected to somebody else")]
    Taken,
    /// Too many sign-ins were begun from there and came to nothing.
    #[error("too many sign-ins were begun from your address; try again in {retry_after_seconds} s")]
    TooOften {
        /// Seconds to wait, at least 1.
        retry_after_seconds: u32,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl EnterError {
    /// By which programs and pages know it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoProvider => "not_found",
            Self::Gone => "provider_sign_in_gone",
            Self::Protocol(ProtocolError::Unbelievable(_)) => "provider_not_believed",
            Self::Protocol(_) => "provider_unusable",
            Self::Unknown => "not_invited",
            Self::Unverified => "email_not_verified",
            Self::Domain => "email_domain_refused",
            Self::ConnectFirst => "connect_first",
            Self::Ended => "access_ended",
            Self::Taken => "provider_account_taken",
            Self::TooOften { .. } => "too_many_requests",
            Self::Store(_) => "internal",
        }
    }
}

/// Somebody who is sent to a provider.
pub(crate) struct Sent {
    /// Where to.
    pub(crate) url: Url,
    /// What their browser keeps, so that nobody else's comes back for them.
    pub(crate) browser: Secret,
}

/// How far somebody came who came back.
pub(crate) enum Entered {
    /// In, or up to the second factor.
    Step(SignInStep),
    /// They were in, and their account is connected now.
    Connected,
}

/// Sends somebody to a provider; `user` if they are signed in and connect their account. Anybody may begin,
/// and the provider is asked each time, so beginnings are counted by peer until they come to a good end.
pub(crate) async fn begin(
    platform: &Platform,
    org: OrgId,
    origin: Origin,
    id: ProviderId,
    user: Option<UserId>,
) -> Result<Sent, EnterError> {
    let cx = platform.ctx(Scope::system(org)).from(origin);
    if let Some(counter) = counter(&cx) {
        let mut tx = platform.db.begin_for(cx.scope).await?;
        if let Err(blocked) = attempts::admit(&mut tx, &cx, &[counter]).await? {
            return Err(EnterError::TooOften { retry_after_seconds: blocked.seconds(&cx) });
        }
        tx.commit().await?;
    }
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = rows::find(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    let (provider, _) = found.ok_or(EnterError::NoProvider)?;
    let fresh = || Secret::fresh(org, &*cx.ids);
    let (state, browser) = (fresh(), fresh());
    let memory = Memory { nonce: fresh().text(), verifier: fresh().text() };
    let url = protocol::begin(&platform.outbound, &provider, &state.text(), &memory).await?;
    let json = serde_json::to_vec(&memory).unwrap_or_default();
    let flow = rows::Flow {
        provider: id,
        browser_hash: browser.hash(),
        user,
        sealed: cx.keys().seal(&*cx.ids, MEMORY, &json),
    };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    rows::prune_flows(&mut tx, &cx).await?;
    let expires_at = cx.now().plus_millis(LASTS_MILLIS);
    rows::insert_flow(&mut tx, cx.scope, state.hash(), &flow, expires_at).await?;
    tx.commit().await?;
    Ok(Sent { url, browser })
}

fn counter(cx: &Ctx) -> Option<Counter> {
    cx.origin.peer.map(|peer| Counter::of_provider_peer(&cx.keys(), peer))
}

/// Lets somebody in who came back with `code`, in the browser that holds `browser`; `asking` is who is
/// signed in there. A state is used up whatever comes of it.
pub(crate) async fn finish(
    platform: &Platform,
    origin: Origin,
    state: &Secret,
    browser: &Secret,
    asking: Option<UserId>,
    code: String,
    agent: Option<&str>,
) -> Result<Entered, EnterError> {
    let org = state.org;
    let cx = platform.ctx(Scope::system(org)).from(origin);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let flow = rows::take_flow(&mut tx, &cx, state.hash()).await?;
    tx.commit().await?;
    let flow = flow
        .filter(|flow| flow.browser_hash == browser.hash() && browser.org == org)
        .filter(|flow| flow.user.is_none() || flow.user == asking)
        .ok_or(EnterError::Gone)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = rows::find(&mut tx, cx.scope, flow.provider).await?;
    tx.rollback().await?;
    let (provider, sealed) = found.ok_or(EnterError::NoProvider)?;
    let memory = cx.keys().open(MEMORY, &flow.sealed).ok();
    let memory = memory.and_then(|json| serde_json::from_slice::<Memory>(&json).ok());
    let memory = memory.ok_or(EnterError::Gone)?;
    let secret = protocol::open(&cx, &sealed)?;
    let claims =
        protocol::finish(&platform.outbound, &provider, secret, code, memory, cx.now()).await;
    let claims = match claims {
        Ok(claims) => claims,
        Err(error) => return Err(refused(platform, &cx, &provider, error.into()).await?),
    };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    match enter(&mut tx, platform, &cx, &provider, &claims, flow.user, agent).await {
        Ok(entered) => {
            if let Some(counter) = counter(&cx) {
                store::attempts::forgive(&mut tx, cx.scope, &counter.key).await?;
            }
            tx.commit().await?;
            Ok(entered)
        }
        Err(error) => {
            tx.rollback().await?;
            Err(refused(platform, &cx, &provider, error).await?)
        }
    }
}

/// Records that somebody did not get in, and why.
async fn refused(
    platform: &Platform,
    cx: &Ctx,
    provider: &Provider,
    error: EnterError,
) -> Result<EnterError, DbError> {
    let entry = Entry::new("identity.sign_in_failed")
        .on("provider", provider.id)
        .with("reason", error.code());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await?;
    Ok(error)
}

async fn enter(
    tx: &mut Tx,
    platform: &Platform,
    cx: &Ctx,
    provider: &Provider,
    claims: &Claims,
    connecting: Option<UserId>,
    agent: Option<&str>,
) -> Result<Entered, EnterError> {
    let subject = cx
        .keys()
        .blind_index("identity.subject", format!("{}\0{}", provider.issuer, claims.subject));
    let linked = rows::linked(tx, cx.scope, &subject).await?;
    if let Some(user) = connecting {
        return match linked {
            Some(other) if other != user => Err(EnterError::Taken),
            Some(_) => Ok(Entered::Connected),
            None => {
                connect(tx, platform, cx, provider, &subject, user).await?;
                Ok(Entered::Connected)
            }
        };
    }
    let user = match linked {
        Some(user) => user,
        None => known_by_email(tx, cx, provider, claims).await?,
    };
    let found = store::user_with_password(tx, cx.scope, &cx.keys(), user).await?;
    let (user, password) = found.ok_or(EnterError::Ended)?;
    let factor = second_factor::find(tx, cx.scope, user.id).await?;
    if factor.is_some_and(|factor| factor.on_since.is_some()) {
        // Whoever is known by address alone is not connected before they have shown all of who they are.
        let awaited = challenge::begin(tx, cx, &user, &password).await?;
        return Ok(Entered::Step(SignInStep::Code(awaited)));
    }
    if linked.is_none() {
        connect(tx, platform, cx, provider, &subject, user.id).await?;
    }
    let own = platform.ctx(Scope::user(cx.scope.org(), user.id)).from(cx.origin.clone());
    // Without word of when they showed themselves there, this is no proof of who sits here now.
    let shown_at = claims.shown_at.unwrap_or(Timestamp::from_millis(0));
    let signed_in = open_session(tx, cx, user, agent, shown_at).await?;
    let entry = Entry::new("identity.sign_in").with("provider", provider.id);
    audit::record(tx, &own, entry).await?;
    Ok(Entered::Step(SignInStep::Done(Box::new(signed_in))))
}

async fn connect(
    tx: &mut Tx,
    platform: &Platform,
    cx: &Ctx,
    provider: &Provider,
    subject: &[u8],
    user: UserId,
) -> Result<(), DbError> {
    rows::link(tx, cx, subject, provider.id, user).await?;
    let own = platform.ctx(Scope::user(cx.scope.org(), user)).from(cx.origin.clone());
    let entry = Entry::new("identity.link.create").on("user", user).with("provider", provider.id);
    audit::record(tx, &own, entry).await.map(drop)
}

/// Who has the address that the provider vouches for: somebody known, invited, or new.
async fn known_by_email(
    tx: &mut Tx,
    cx: &Ctx,
    provider: &Provider,
    claims: &Claims,
) -> Result<UserId, EnterError> {
    let email = claims.email.as_deref().filter(|_| claims.email_verified);
    let email =
        email.and_then(|email| email.parse::<Email>().ok()).ok_or(EnterError::Unverified)?;
    let domain = email.as_str().rsplit('@').next().unwrap_or_default();
    if !provider.email_domains.is_empty()
        && !provider.email_domains.iter().any(|allowed| allowed == domain)
    {
        return Err(EnterError::Domain);
    }
    let keys = cx.keys();
    people::lock_org(tx, cx.scope).await?;
    if let Some((user, _)) = store::user_by_email(tx, cx.scope, &keys, &email).await? {
        return if provider.links_by_email { Ok(user.id) } else { Err(EnterError::ConnectFirst) };
    }
    if people::is_email_taken(tx, cx.scope, &keys, &email).await? {
        return Err(EnterError::Ended);
    }
    let invitation = people::invitation_by_email(tx, cx, &keys, &email).await?;
    let (role, team) = match (&invitation, &provider.newcomer_role) {
        (Some(invitation), _) => (invitation.role.clone(), invitation.team_id),
        (None, Some(role)) => (role.clone(), None),
        (None, None) => return Err(EnterError::Unknown),
    };
    // The role may have gone or been narrowed since.
    if roles::to_give(tx, cx, &Permissions::everything(), &role).await.is_err() {
        return Err(EnterError::Unknown);
    }
    let user = newcomer(tx, cx, email, claims.name.as_deref(), role).await?;
    people::join_team(tx, cx.scope, user.id, team).await?;
    if let Some(invitation) = invitation {
        people::delete_invitation(tx, cx.scope, invitation.id).await?;
        let entry = Entry::new("identity.invitation.join").on("user", user.id);
        audit::record(tx, cx, entry.with("invitation", invitation.id)).await?;
    }
    Ok(user.id)
}

/// Makes a user who has no password.
async fn newcomer(
    tx: &mut Tx,
    cx: &Ctx,
    email: Email,
    name: Option<&str>,
    role: crate::model::RoleName,
) -> Result<User, EnterError> {
    let given = name.and_then(|name| name.parse::<PersonName>().ok());
    let local = || email.local_part().chars().take(100).collect::<String>().parse().ok();
    let name = given.or_else(local).ok_or(EnterError::Unverified)?;
    let new = NewUser { email, name, role, password: PasswordHash(String::new()) };
    create_user(tx, cx, &cx.keys(), new).await.map_err(|error| match error {
        CreateUserError::EmailTaken => EnterError::Ended,
        CreateUserError::Store(error) => error.into(),
    })
}

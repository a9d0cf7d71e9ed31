//! Sign-in by e-mail address and password.

use kernel::{OrgId, Reach, Timestamp, UserId};
use platform::access::{Access, FieldRules, Permissions};
use platform::audit::{self, Entry, Origin};
use platform::{Ctx, DbError, Platform, Scope, Tx};
use zeroize::Zeroizing;

use crate::attempts::{self, Counter};
use crate::model::{Email, User};
use crate::second_factor::challenge::{self, Challenge};
use crate::secret::Secret;
use crate::store::second_factor as rows;
use crate::store::sessions::NewSession;
use crate::{password, store};

/// A session ends when it was not used for so long.
pub const SESSION_MILLIS: i64 = 14 * 24 * 3600 * 1000;
/// What is kept of the name of a browser, in characters.
const AGENT_CHARS: usize = 200;
/// What is kept of an address that is none, to count attempts by it; characters.
const COUNTED_CHARS: usize = 254;

/// Why nobody was signed in. Says nothing about which accounts exist.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address has no account, or the password is another.
    #[error("e-mail address or password is wrong")]
    Wrong,
    /// Too many failures for this address or from this peer.
    #[error("too many failed attempts; try again in {retry_after_seconds} s")]
    TooOften {
        /// Seconds to wait, at least 1.
        retry_after_seconds: u32,
    },
    /// As the database says.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// A session that was opened.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// What their organisation is called.
    pub org_name: String,
    /// What they may do and see.
    pub access: Access,
    /// When the session ends unless it is used.
    pub expires_at: Timestamp,
    /// Whether they must set up a second factor before anything else.
    pub second_factor_due: bool,
    pub(crate) secret: Secret,
}

/// How far a sign-in came.
#[derive(Debug)]
pub enum SignInStep {
    /// A session was opened.
    Done(Box<SignedIn>),
    /// The password is right; a code of the second factor is awaited.
    Code(Challenge),
}

/// Opens a session if `password` is that of `email`, or begins to wait for a code if they have a second
/// factor.
///
/// Takes the platform instead of a transaction: the attempt is committed before the password is
/// hashed, and no transaction waits for a hash.
///
/// # Errors
/// `Wrong`, after the same time for unknown addresses as for known ones; `TooOften`.
pub async fn sign_in(
    platform: &Platform,
    org: OrgId,
    origin: Origin,
    email: &str,
    password: Zeroizing<String>,
    agent: Option<&str>,
) -> Result<SignInStep, SignInError> {
    let peer = origin.peer;
    let cx = platform.ctx(Scope::system(org)).from(origin);
    let keys = platform.keys(org);
    let parsed = email.parse::<Email>().ok();
    let counted = parsed.as_ref().map_or_else(
        || email.trim().to_lowercase().chars().take(COUNTED_CHARS).collect(),
        |email| email.as_str().to_owned(),
    );
    let peer = peer.map(|peer| Counter::of_peer(&keys, peer));
    let by_email = Counter::of_email(&keys, &counted);
    let counters: Vec<Counter> = peer.into_iter().chain([by_email]).collect();

    let mut tx = platform.db.begin_for(cx.scope).await?;
    if let Err(blocked) = attempts::admit(&mut tx, &cx, &counters).await? {
        return Err(SignInError::TooOften { retry_after_seconds: blocked.seconds(&cx) });
    }
    let found = match &parsed {
        Some(email) => store::user_by_email(&mut tx, cx.scope, &keys, email).await?,
        None => None,
    };
    tx.commit().await?;

    let (user, stored) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
    let matches = password::verify(password, stored.clone()).await;
    let known = user.as_ref().map(|user| user.id);
    let Some(user) = user.filter(|_| matches) else {
        record_failure(platform, &cx, known, by_email).await?;
        return Err(SignInError::Wrong);
    };

    let mut tx = platform.db.begin_for(cx.scope).await?;
    // The password may have been changed, or its user deactivated, while it was looked at.
    store::people::lock_org(&mut tx, cx.scope).await?;
    let now_stored = match &parsed {
        Some(email) => store::user_by_email(&mut tx, cx.scope, &keys, email).await?,
        None => None,
    };
    if now_stored.map(|(_, hash)| hash) != stored {
        tx.rollback().await?;
        record_failure(platform, &cx, known, by_email).await?;
        return Err(SignInError::Wrong);
    }
    if let Some(peer) = peer {
        store::attempts::forgive(&mut tx, cx.scope, &peer.key).await?;
    }
    store::attempts::forget(&mut tx, cx.scope, &by_email.key).await?;
    store::attempts::prune(&mut tx, &cx).await?;
    let (user, stored) = (user, stored.unwrap_or_default());
    let factor = rows::find(&mut tx, cx.scope, user.id).await?;
    if factor.is_some_and(|factor| factor.on_since.is_some()) {
        let challenge = challenge::begin(&mut tx, &cx, &user, &stored).await?;
        tx.commit().await?;
        return Ok(SignInStep::Code(challenge));
    }
    let signed_in = open_session(&mut tx, &cx, user, agent, cx.now()).await?;
    let own = platform.ctx(Scope::user(org, signed_in.user.id)).from(cx.origin);
    audit::record(&mut tx, &own, Entry::new("identity.sign_in")).await?;
    tx.commit().await?;
    Ok(SignInStep::Done(Box::new(signed_in)))
}

/// Records an attempt that failed; nothing of the password, and of the address only what tells equal ones.
async fn record_failure(
    platform: &Platform,
    cx: &Ctx,
    known: Option<UserId>,
    by_email: Counter,
) -> Result<(), DbError> {
    let mut entry = Entry::new("identity.sign_in_failed").with("email_index", by_email.text());
    if let Some(user) = known {
        entry = entry.on("user", user);
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await
}

/// Opens a session of `user`, who showed who they are at `shown_at`, in the browser that calls itself `agent`.
pub(crate) async fn open_session(
    tx: &mut Tx,
    cx: &Ctx,
    user: User,
    agent: Option<&str>,
    shown_at: Timestamp,
) -> Result<SignedIn, DbError> {
    let secret = Secret::fresh(cx.scope.org(), &*cx.ids);
    let expires_at = cx.now().plus_millis(SESSION_MILLIS);
    let agent = agent.map(|agent| agent.chars().take(AGENT_CHARS).collect::<String>());
    let session = NewSession { shown_at, expires_at, agent: agent.as_deref() };
    store::sessions::insert(tx, cx, user.id, secret.hash(), &session).await?;
    let org_name = store::org_name(tx, cx.scope.org()).await?;
    let access = match crate::reach::access_of(tx, cx.scope, user.id).await? {
        Some((access, _)) => access,
        None => Access::new(
            Permissions::default(),
            Reach::part(Vec::new(), Vec::new()),
            FieldRules::default(),
        ),
    };
    let second_factor_due = rows::is_required(tx, cx.scope).await?
        && rows::find(tx, cx.scope, user.id).await?.is_none_or(|row| row.on_since.is_none());
    Ok(SignedIn { user, org_name, access, expires_at, second_factor_due, secret })
}

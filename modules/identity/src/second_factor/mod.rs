//! The second factor of one's own account: set up, shown as it stands, new recovery codes, switched off;
//! and taken off somebody who has lost it.

pub(crate) mod challenge;
mod qr;
mod recovery;
mod totp;

use kernel::{Timestamp, UserId};
use platform::access::Permissions;
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, Tx};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::attempts::{self, Counter};
use crate::authenticate::Credential;
use crate::own_password::{self, ProveError};
use crate::store::{self, people, second_factor as rows};
use crate::users::ChangeUserError;
use crate::{sessions, users};

pub use challenge::{AnswerError, Challenge};
use totp::Shared;

/// Under which secrets are sealed.
pub(crate) const SECRET: &str = "identity.totp";

/// What an accepted code was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Of the app.
    Code,
    /// One of the recovery codes; it works no more.
    RecoveryCode,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SecondFactor {
    /// Since when sign-in asks for a code; null: it does not.
    pub on_since: Option<Timestamp>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
    /// Whether the organisation asks everyone for one.
    pub required: bool,
    /// Whether the user has a password to prove who they are with.
    pub has_password: bool,
}

/// What an app needs; shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NewSecret {
    /// `otpauth://totp/…`, as in the picture.
    pub uri: String,
    /// The secret in base 32, for who types it.
    pub secret: String,
    /// The picture an app photographs, as SVG.
    pub qr_svg: String,
}

/// Recovery codes; shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// `K7QD-3MXP-9RTW`; each works once.
    pub recovery_codes: Vec<String>,
}

/// Why a second factor is not set up, changed or switched off.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// It is on: another one can be set up when it is off.
    #[error("you have a second factor; switch it off before you set up another one")]
    AlreadyOn,
    /// It is off, or its set-up was not begun.
    #[error("there is no second factor, and none is being set up")]
    Off,
    /// The password is another.
    #[error("is not your password")]
    WrongPassword,
    /// The code is another, or was used before.
    #[error("is wrong or was used already")]
    WrongCode,
    /// Too many wrong ones.
    #[error("too many failed attempts; try again in {retry_after_seconds} s")]
    TooOften {
        /// Seconds to wait, at least 1.
        retry_after_seconds: u32,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<ProveError> for SecondFactorError {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Wrong => Self::WrongPassword,
            ProveError::TooOften { retry_after_seconds } => Self::TooOften { retry_after_seconds },
            ProveError::Store(error) => error.into(),
        }
    }
}

/// How the second factor of `user` stands.
///
/// # Errors
/// As the database says.
pub(crate) async fn state(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
) -> Result<SecondFactor, SecondFactorError> {
    let row = rows::find(tx, cx.scope, user).await?.ok_or(DbError::NotFound)?;
    let left = rows::recovery_codes_left(tx, cx.scope, user).await?;
    let required = rows::is_required(tx, cx.scope).await?;
    Ok(SecondFactor {
        on_since: row.on_since,
        recovery_codes_left: left,
        required,
        has_password: row.has_password,
    })
}

/// Begins to set one up: makes the secret. Nothing is asked for until a code of it was given.
///
/// # Errors
/// `AlreadyOn`, `WrongPassword`, `TooOften`.
pub(crate) async fn begin(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    password: Option<Zeroizing<String>>,
) -> Result<NewSecret, SecondFactorError> {
    own_password::prove(platform, cx, user, password, FAILED).await?;
    let keys = cx.keys();
    let shared = Shared::fresh(&*cx.ids);
    let sealed = keys.seal(&*cx.ids, SECRET, &shared.0);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !rows::put_secret(&mut tx, cx.scope, user, sealed).await? {
        return Err(SecondFactorError::AlreadyOn);
    }
    let account = store::user(&mut tx, cx.scope, &keys, user).await?.ok_or(DbError::NotFound)?;
    let org_name = store::org_name(&mut tx, cx.scope.org()).await?;
    tx.commit().await?;
    let uri = shared.uri(&org_name, &account.email).ok_or(SecondFactorError::Off)?;
    Ok(NewSecret { qr_svg: qr::svg(&uri), secret: shared.base32(), uri })
}

/// Switches it on, if `code` is of the secret made last. All other sessions of the user end.
///
/// # Errors
/// `Off` if none is being set up, `AlreadyOn`, `WrongCode`, `TooOften`.
pub(crate) async fn confirm(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    asking: &Credential,
    code: &str,
) -> Result<RecoveryCodes, SecondFactorError> {
    let counter = count(platform, cx, user).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let row = rows::find(&mut tx, cx.scope, user).await?.ok_or(DbError::NotFound)?;
    if row.on_since.is_some() {
        return Err(SecondFactorError::AlreadyOn);
    }
    let shared = opened(&cx.keys(), row.sealed.as_deref())?.ok_or(SecondFactorError::Off)?;
    let Some(step) = shared.step_of(&digits_of(code), cx.now(), 0) else {
        return Err(failed(tx, cx, user).await?);
    };
    if !rows::switch_on(&mut tx, cx, user, step).await? {
        return Err(SecondFactorError::AlreadyOn);
    }
    let codes = new_codes(&mut tx, cx, user).await?;
    store::attempts::forget(&mut tx, cx.scope, &counter.key).await?;
    let entry = Entry::new("identity.second_factor.set_up").on("user", user);
    audit::record(&mut tx, cx, entry).await?;
    sessions::end_others(&mut tx, cx, user, asking).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Makes the recovery codes anew; the old ones work no more.
///
/// # Errors
/// `Off`, `WrongPassword`, `WrongCode`, `TooOften`.
pub(crate) async fn renew_codes(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    password: Option<Zeroizing<String>>,
    code: &str,
) -> Result<RecoveryCodes, SecondFactorError> {
    let mut tx = proven(platform, cx, user, password, code).await?;
    let codes = new_codes(&mut tx, cx, user).await?;
    let entry = Entry::new("identity.second_factor.recovery_codes").on("user", user);
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Switches it off. All other sessions of the user end.
///
/// # Errors
/// `Off`, `WrongPassword`, `WrongCode`, `TooOften`.
pub(crate) async fn switch_off(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    asking: &Credential,
    password: Option<Zeroizing<String>>,
    code: &str,
) -> Result<(), SecondFactorError> {
    let mut tx = proven(platform, cx, user, password, code).await?;
    rows::switch_off(&mut tx, cx.scope, user).await?;
    let entry = Entry::new("identity.second_factor.off").on("user", user);
    audit::record(&mut tx, cx, entry).await?;
    sessions::end_others(&mut tx, cx, user, asking).await?;
    Ok(tx.commit().await?)
}

/// Takes it off somebody who has lost it, for a caller with the rights `own`. All their sessions end.
/// Gives whether they had one, or were setting one up.
///
/// # Errors
/// `NotFound`; `Above` if they have rights that the caller has not; `Oneself`.
pub async fn reset(
    tx: &mut Tx,
    cx: &Ctx,
    own: &Permissions,
    user: UserId,
) -> Result<bool, ChangeUserError> {
    people::lock_org(tx, cx.scope).await?;
    if users::find(tx, cx.scope, &cx.keys(), user).await?.is_none() {
        return Err(ChangeUserError::NotFound);
    }
    if cx.scope.user_id() == Some(user) {
        return Err(ChangeUserError::Oneself);
    }
    let theirs = people::rights_of_role(tx, cx.scope, user).await?;
    if let Some(above) = theirs.iter().find(|right| !own.allow(right)) {
        return Err(ChangeUserError::Above(above.to_owned()));
    }
    if !rows::switch_off(tx, cx.scope, user).await? {
        return Ok(false);
    }
    people::end_sessions(tx, cx.scope, user, None).await?;
    let entry = Entry::new("identity.second_factor.reset").on("user", user);
    audit::record(tx, cx, entry).await?;
    Ok(true)
}

/// What is recorded of a password or a code that was wrong.
const FAILED: &str = "identity.second_factor.failed";

/// Takes `code` if it is one of `user`: of the app, later than any that was taken, or a recovery code.
pub(crate) async fn accept(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    code: &str,
) -> Result<Option<Accepted>, DbError> {
    let keys = cx.keys();
    let Some(row) = rows::find(tx, cx.scope, user).await? else { return Ok(None) };
    let Some(shared) = opened(&keys, row.sealed.as_deref())?.filter(|_| row.on_since.is_some())
    else {
        return Ok(None);
    };
    if let Some(step) = shared.step_of(&digits_of(code), cx.now(), row.step) {
        // The database says which of two at once was first.
        let is_first = rows::take_step(tx, cx.scope, user, step).await?;
        return Ok(is_first.then_some(Accepted::Code));
    }
    let normal = recovery::normal(code);
    if normal.len() != recovery::CHARS {
        return Ok(None);
    }
    let digest = recovery::digest(&keys, user, &normal);
    let is_there = rows::take_recovery_code(tx, cx.scope, user, digest).await?;
    Ok(is_there.then_some(Accepted::RecoveryCode))
}

/// Counts an attempt at the codes of `user`.
async fn count(platform: &Platform, cx: &Ctx, user: UserId) -> Result<Counter, SecondFactorError> {
    let counter = Counter::of_codes(&cx.keys(), user);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if let Err(blocked) = attempts::admit(&mut tx, cx, &[counter]).await? {
        return Err(SecondFactorError::TooOften { retry_after_seconds: blocked.seconds(cx) });
    }
    tx.commit().await?;
    Ok(counter)
}

/// A transaction in which `user` has shown password and code.
async fn proven(
    platform: &Platform,
    cx: &Ctx,
    user: UserId,
    password: Option<Zeroizing<String>>,
    code: &str,
) -> Result<Tx, SecondFactorError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let row = rows::find(&mut tx, cx.scope, user).await?;
    tx.rollback().await?;
    if row.is_none_or(|row| row.on_since.is_none()) {
        return Err(SecondFactorError::Off);
    }
    own_password::prove(platform, cx, user, password, FAILED).await?;
    let counter = count(platform, cx, user).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if accept(&mut tx, cx, user, code).await?.is_none() {
        return Err(failed(tx, cx, user).await?);
    }
    store::attempts::forget(&mut tx, cx.scope, &counter.key).await?;
    Ok(tx)
}

/// Records a wrong code.
async fn failed(mut tx: Tx, cx: &Ctx, user: UserId) -> Result<SecondFactorError, DbError> {
    audit::record(&mut tx, cx, Entry::new(FAILED).on("user", user)).await?;
    tx.commit().await?;
    Ok(SecondFactorError::WrongCode)
}

async fn new_codes(tx: &mut Tx, cx: &Ctx, user: UserId) -> Result<RecoveryCodes, DbError> {
    let codes = recovery::fresh(&*cx.ids);
    let keys = cx.keys();
    let digests = codes.iter().map(|code| recovery::digest(&keys, user, &recovery::normal(code)));
    rows::put_recovery_codes(tx, cx.scope, user, digests.collect()).await?;
    Ok(RecoveryCodes { recovery_codes: codes })
}

fn opened(keys: &OrgKeys, sealed: Option<&[u8]>) -> Result<Option<Shared>, DbError> {
    let open = |sealed| {
        let bytes =
            keys.open(SECRET, sealed).map_err(|error| DbError::Refused(error.to_string()))?;
        Ok(Shared(Zeroizing::new(bytes)))
    };
    sealed.map(open).transpose()
}

/// A code of the app without the blanks that apps and people put in it.
fn digits_of(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).take(totp::DIGITS + 1).collect()
}

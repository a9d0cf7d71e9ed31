//! Passwords: Argon2id with 19 MiB, 2 passes, 1 lane.
//!
//! Source: OWASP Password Storage Cheat Sheet, first recommended Argon2id setting; also the default
//! of the `argon2` crate.

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use kernel::Ids;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Shortest new password, in characters.
const MIN_CHARS: usize = 10;
/// Longest password, in bytes.
const MAX_BYTES: usize = 1024;
/// Hashes computed at once; each takes 19 MiB.
const AT_ONCE: usize = 4;
const SALT_LEN: usize = 16;

/// Hashed in place of a user who is not there, so that both answers take the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);

/// A password that is long enough to be a new one.
pub struct Password(Zeroizing<String>);

/// Why a text cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Easy to guess.
    #[error("must have at least {MIN_CHARS} characters")]
    TooShort,
    /// Hashing it would cost too much.
    #[error("must have at most {MAX_BYTES} bytes")]
    TooLong,
}

impl Password {
    /// Takes a new password as it was typed.
    ///
    /// # Errors
    /// As its length says.
    pub fn new(text: impl Into<String>) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text.into());
        if text.len() > MAX_BYTES {
            Err(PasswordError::TooLong)
        } else if text.chars().count() < MIN_CHARS {
            Err(PasswordError::TooShort)
        } else {
            Ok(Self(text))
        }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A hash with its salt and cost, as PHC text.
#[derive(Clone)]
pub struct PasswordHash(pub(crate) String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Hashes a new password. Takes tens of milliseconds: do it before a transaction begins.
pub async fn hash(password: Password, ids: &dyn Ids) -> PasswordHash {
    let mut salt = [0u8; SALT_LEN];
    ids.fill(&mut salt);
    let hash = aside(move || {
        // Fails only for wrong parameters and wrong salts, and these are constants.
        Argon2::default()
            .hash_password_with_salt(password.0.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .unwrap_or_default()
    });
    PasswordHash(hash.await.unwrap_or_default())
}

/// Whether `text` is the password of `stored`. Takes the same time when there is nobody.
pub(crate) async fn verify(text: Zeroizing<String>, stored: Option<String>) -> bool {
    // Who signs in through a provider has none; looking at nobody's costs the same time.
    let stored = stored.filter(|hash| !hash.is_empty());
    let is_known = stored.is_some();
    let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
    let fits = text.len() <= MAX_BYTES;
    let matches = aside(move || {
        let bytes = if fits { text.as_bytes() } else { b"" };
        Argon2::default().verify_password(bytes, stored.as_str()).is_ok()
    });
    matches.await.unwrap_or(false) && is_known && fits
}

/// Runs `work` where it holds up no other request; `None` if it panicked.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    // The semaphore is never closed.
    let _slot = SLOTS.acquire().await.ok();
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::SeededIds;

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let password = Password::new("correct horse").unwrap();
        let stored = hash(password, &SeededIds::new(1)).await.0;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let matches = async |text: &str, stored: Option<&str>| {
            verify(Zeroizing::new(text.to_owned()), stored.map(str::to_owned)).await
        };
        assert!(matches("correct horse", Some(&stored)).await);
        assert!(!matches("correct horsf", Some(&stored)).await);
        assert!(!matches("", Some(&stored)).await);
        assert!(!matches("correct horse", None).await);
        assert!(!matches("correct horse", Some("")).await, "a damaged hash lets nobody in");
    }

    #[test]
    fn nobody_costs_what_somebody_costs() {
        // Another cost would tell who has an account.
        assert!(NOBODY.contains(&format!(
            "m={},t={},p={}",
            argon2::Params::DEFAULT_M_COST,
            argon2::Params::DEFAULT_T_COST,
            argon2::Params::DEFAULT_P_COST
        )));
        let refused = Argon2::default().verify_password(b"any", NOBODY).unwrap_err();
        assert_eq!(refused, argon2::password_hash::Error::PasswordInvalid, "it is well formed");
    }

    #[test]
    fn new_passwords_have_a_length() {
        assert_eq!(Password::new("123456789").unwrap_err(), PasswordError::TooShort);
        assert_eq!(Password::new("x".repeat(1025)).unwrap_err(), PasswordError::TooLong);
        assert!(Password::new("一二三四五六七八九十").is_ok());
    }
}

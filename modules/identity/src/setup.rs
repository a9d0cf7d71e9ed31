//! The first account, made in the browser with a code that only who started the server can read.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::Ids;
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};
use subtle::ConstantTimeEq as _;

use crate::create_user::{CreateUserError, NewUser, create_user};
use crate::model::{PersonName, User};
use crate::{roles, store};

/// Without letters and digits that look alike.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// 60 bits.
const CODE_CHARS: usize = 12;
const GROUP_CHARS: usize = 4;
/// The organisation's name until somebody gives it one.
const UNNAMED: &str = "Guanxi";

/// The one-time code of this process; cheap to clone. Kept in memory only.
#[derive(Clone, Default)]
pub struct SetupCode(Arc<Mutex<Option<String>>>);

impl SetupCode {
    /// A new code.
    #[must_use]
    pub fn fresh(ids: &dyn Ids) -> Self {
        let mut random = [0u8; CODE_CHARS];
        ids.fill(&mut random);
        // 256 is a multiple of 32: every character is as likely as the others.
        let code = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        Self(Arc::new(Mutex::new(Some(code))))
    }

    /// The code as it is shown: `K7QD-3MXP-9RTW`; `None` when it was used, or when there was none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let code = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let groups = |code: &String| -> Vec<String> {
            let chars: Vec<char> = code.chars().collect();
            chars.chunks(GROUP_CHARS).map(|group| group.iter().collect()).collect()
        };
        code.as_ref().map(|code| groups(code).join("-"))
    }

    /// Whether `typed` is the code; dashes, blanks and case do not matter.
    #[must_use]
    pub fn matches(&self, typed: &str) -> bool {
        let typed: String = typed
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .take(CODE_CHARS + 1)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let code = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        code.as_ref().is_some_and(|code| code.as_bytes().ct_eq(typed.as_bytes()).into())
    }

    /// Makes the code useless.
    pub fn spend(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl std::fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetupCode(…)")
    }
}

/// What the first account needs.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// The owner.
    pub owner: NewUser,
    /// What the organisation is called.
    pub org_name: PersonName,
}

/// Why the first account cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// There are users already.
    #[error("the first account was made already; sign in with it")]
    AlreadyDone,
    /// As the database says.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Makes sure that the organisation of `cx` exists, with the built-in roles.
///
/// # Errors
/// As the database says.
pub async fn ensure_org(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    store::insert_org(tx, cx, UNNAMED).await?;
    roles::ensure_built_in(tx, cx).await
}

/// Whether the first account must still be made.
///
/// # Errors
/// As the database says.
pub async fn setup_needed(tx: &mut Tx, cx: &Ctx) -> Result<bool, DbError> {
    Ok(!store::has_users(tx, cx.scope).await?)
}

/// Makes the first account and names the organisation. The caller has checked the code.
///
/// # Errors
/// `AlreadyDone` if somebody was first.
pub async fn set_up(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    input: SetUp,
) -> Result<User, SetUpError> {
    // The row of the organisation is held from here on: of two at once, the second sees the user.
    store::rename_org(tx, cx.scope, input.org_name.as_str()).await?;
    if store::has_users(tx, cx.scope).await? {
        return Err(SetUpError::AlreadyDone);
    }
    let user = create_user(tx, cx, keys, input.owner).await.map_err(|error| match error {
        CreateUserError::EmailTaken => SetUpError::AlreadyDone,
        CreateUserError::Store(error) => error.into(),
    })?;
    let entry = Entry::new("identity.setup").on("user", user.id);
    audit::record(tx, cx, entry.with("organisation", input.org_name.as_str())).await?;
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::SeededIds;

    #[test]
    fn a_code_is_typed_as_it_may_be_and_used_once() {
        let code = SetupCode::fresh(&SeededIds::new(1));
        let text = code.text().unwrap();
        assert_eq!(text.len(), 14, "{text}");
        assert!(code.matches(&text));
        assert!(code.matches(&format!(" {} ", text.to_lowercase().replace('-', " "))));
        assert!(!code.matches(&text[..13]));
        assert!(!code.matches(&format!("{text}A")));
        assert!(!code.matches(""));
        code.clone().spend();
        assert!(!code.matches(&text));
        assert_eq!(code.text(), None);
        assert!(!SetupCode::default().matches(""));
    }
}

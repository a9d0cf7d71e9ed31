//! What a person types as an account, a phone number or an e-mail address, read as files are.

use platform::crypto::OrgKeys;

use crate::model::{self, AccountSpace, IdentityKind};
use crate::resolve::SeenIdentity;

/// Longest account, in characters.
const ACCOUNT_MAX: usize = 100;
/// Longest text that is looked at, in bytes.
const TEXT_MAX: usize = 1_000;

/// The identity that `text` says; accounts are of `space`.
///
/// # Errors
/// What is wrong, and what would be right.
pub(super) fn read(
    keys: &OrgKeys,
    kind: IdentityKind,
    space: AccountSpace,
    text: &str,
) -> Result<SeenIdentity, String> {
    let text = text.trim();
    let wrong = |told: &str| Err(told.to_owned());
    if text.is_empty() || text.len() > TEXT_MAX || text.contains(char::is_control) {
        return wrong("must be a text of one line that is not empty");
    }
    if text.contains('*') {
        return wrong("is masked (`*`) and fits many people; give the whole value");
    }
    let seen = match kind {
        IdentityKind::Account if text.chars().count() > ACCOUNT_MAX => None,
        IdentityKind::Account => SeenIdentity::account(keys, space, text),
        IdentityKind::Phone if model::is_virtual_phone(text) => {
            return wrong(
                "is a virtual number (with an extension), which expires and comes back for other people",
            );
        }
        IdentityKind::Phone => SeenIdentity::phone(keys, text),
        IdentityKind::Email => SeenIdentity::email(keys, text),
    };
    seen.ok_or_else(|| match kind {
        IdentityKind::Account => format!("must be 1 to {ACCOUNT_MAX} characters"),
        IdentityKind::Phone => {
            "must be a mobile number: 11 digits of mainland China, or `+`, the code of \
             the country and the number"
                .to_owned()
        }
        IdentityKind::Email => "must be an e-mail address, as name@example.com".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use kernel::OrgId;
    use platform::crypto::MasterKey;

    use super::*;

    #[test]
    fn wrong_ones_are_told_apart() {
        let keys = MasterKey::new([1; 32]).org_keys(OrgId::FIRST);
        let read =
            |kind, text: &str| read(&keys, kind, AccountSpace::new(1), text).map(|seen| seen.value);
        for (kind, text, told) in [
            (IdentityKind::Phone, "138****0001", "masked"),
            (IdentityKind::Phone, "18877771111-123", "virtual"),
            (IdentityKind::Phone, "0571-88888888", "mobile number"),
            (IdentityKind::Phone, "", "not empty"),
            (IdentityKind::Phone, "13800000001\n13800000002", "one line"),
            (IdentityKind::Email, "z***@example.com", "masked"),
            (IdentityKind::Email, "13800000001", "e-mail address"),
            (IdentityKind::Account, "t**3", "masked"),
            (IdentityKind::Account, "  ", "not empty"),
        ] {
            let error = read(kind, text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert!(read(IdentityKind::Account, &"a".repeat(101)).unwrap_err().contains("100"));
        assert_eq!(read(IdentityKind::Phone, " 138-0000-0001 ").unwrap(), "+8613800000001");
        assert_eq!(read(IdentityKind::Email, "A@Example.com").unwrap(), "a@example.com");
        assert_eq!(read(IdentityKind::Account, " TeaLover ").unwrap(), "TeaLover");
    }
}

//! People who sign in, and the rules of their fields.

use kernel::UserId;
use serde::Serialize;

/// Longest e-mail address, in bytes (RFC 5321 with its errata).
const EMAIL_MAX: usize = 254;
/// Longest name of a person, an organisation or a token, in characters.
const NAME_MAX: usize = 100;
/// Longest name of a role, in bytes.
const ROLE_NAME_MAX: usize = 40;

/// The e-mail address of a user: trimmed, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// Not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as name@example.com")]
pub struct EmailError;

impl Email {
    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl std::str::FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let plausible = text.len() <= EMAIL_MAX
            && !local.is_empty()
            && !domain.is_empty()
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !text
                .contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>()".contains(c));
        if plausible { Ok(Self(text.to_lowercase())) } else { Err(EmailError) }
    }
}

/// What a person, an organisation or a token is called: 1 to 100 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {NAME_MAX} characters, none of them a control character")]
pub struct NameError;

impl PersonName {
    /// The name, trimmed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for PersonName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let fits = (1..=NAME_MAX).contains(&text.chars().count());
        if fits && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError)
        }
    }
}

/// What a role is called by users and tokens: a lower-case letter, then letters, digits and `_`; at most
/// 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RoleName(String);

/// Not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a role, such as `owner`, `marketing` or `analyst`")]
pub struct RoleNameError;

impl RoleName {
    /// The role that may do everything.
    #[must_use]
    pub fn owner() -> Self {
        Self("owner".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for RoleName {
    type Err = RoleNameError;
    fn from_str(text: &str) -> Result<Self, RoleNameError> {
        let fits = (1..=ROLE_NAME_MAX).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if fits { Ok(Self(text.to_owned())) } else { Err(RoleNameError) }
    }
}

/// A person who signs in. The e-mail address is not masked: it is shown to that person only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// The address to sign in with.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Their role, by name.
    #[schema(value_type = String)]
    pub role: RoleName,
    /// Language of the pages: `zh-CN` or `en-US`.
    pub locale: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(" A.B@Example.COM ".parse::<Email>().unwrap().as_str(), "a.b@example.com");
        assert_eq!("owner@localhost".parse::<Email>().unwrap().local_part(), "owner");
        for text in ["", "a", "@b.c", "a@", "a b@c.d", "a@.c", "a@c.", "<a@b.c>"] {
            assert_eq!(text.parse::<Email>(), Err(EmailError), "{text}");
        }
        assert!(format!("{}@example.com", "a".repeat(250)).parse::<Email>().is_err());
    }

    #[test]
    fn names_are_short_and_printable() {
        assert_eq!(" 张三 ".parse::<PersonName>().unwrap().as_str(), "张三");
        assert!("张".repeat(100).parse::<PersonName>().is_ok());
        for text in ["", "   ", "a\nb", &"x".repeat(101)] {
            assert_eq!(text.parse::<PersonName>(), Err(NameError), "{text:?}");
        }
    }
}

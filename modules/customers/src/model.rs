//! What a customer is known by: identities, their normal forms and their masks. Pure.

use serde::{Deserialize, Serialize};

/// Longest text that can be a phone number, in bytes.
const PHONE_TEXT_MAX: usize = 40;

/// The kind of an identity.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// An account on a platform or site; decides within its space.
    Account,
    /// A mobile phone number.
    Phone,
    /// An e-mail address.
    Email,
}

impl IdentityKind {
    /// The stored code.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Account => 1,
            Self::Phone => 2,
            Self::Email => 3,
        }
    }

    /// The kind of a stored code.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Account),
            2 => Some(Self::Phone),
            3 => Some(Self::Email),
            _ => None,
        }
    }

    /// Name under which values are sealed and indexed.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Account => "customers.account",
            Self::Phone => "customers.phone",
            Self::Email => "customers.email",
        }
    }
}

/// Where account names are unique: a family of platforms, or one shop of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountSpace(i64);

impl AccountSpace {
    /// For identities that are the same everywhere: phones and e-mail addresses.
    pub const EVERYWHERE: Self = Self(0);

    /// The space of a stored code, or of a platform family (1 to 999).
    #[must_use]
    pub const fn new(code: i64) -> Self {
        Self(code)
    }

    /// The space of one shop whose accounts mean nothing elsewhere.
    #[must_use]
    pub const fn of_shop(shop_number: i64) -> Self {
        Self(1000 + shop_number)
    }

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> i64 {
        self.0
    }
}

/// Customer rating: A clear intent, B hesitant, C long-term, D invalid or not now.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[allow(missing_docs)]
pub enum Rating {
    A,
    B,
    C,
    D,
}

impl Rating {
    /// The stored code, 1 to 4.
    #[must_use]
    pub const fn code(self) -> i64 {
        self as i64 + 1
    }

    /// The rating of a stored code.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::A),
            2 => Some(Self::B),
            3 => Some(Self::C),
            4 => Some(Self::D),
            _ => None,
        }
    }
}

/// The normal form of a mobile number, E.164 (`+8613800000000`); `None` if it is not one.
///
/// Numbers with an extension (`18877771111-123`) are the platforms' virtual numbers: they expire and
/// come back for other people, so they identify nobody.
#[must_use]
pub fn normal_phone(text: &str) -> Option<String> {
    let text = text.trim();
    let well_formed = text.char_indices().all(|(place, c)| {
        c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '-') || (c == '+' && place == 0)
    });
    if !well_formed || text.len() > PHONE_TEXT_MAX {
        return None;
    }
    if is_virtual_phone(text) {
        return None;
    }
    let digits = digits_of(text);
    if let Some(mobile) = chinese_mobile(&digits) {
        return Some(format!("+86{mobile}"));
    }
    if !text.starts_with('+') || digits.len() < 8 {
        return None;
    }
    let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
    phonenumber::is_valid(&number)
        .then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// Whether it is a mobile number with an extension, as platforms make them up for one parcel.
#[must_use]
pub fn is_virtual_phone(text: &str) -> bool {
    let number = text.rsplit_once('-').map(|(number, _extension)| digits_of(number));
    number.is_some_and(|digits| chinese_mobile(&digits).is_some())
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The eleven digits of a Chinese mobile number, with or without the country code.
fn chinese_mobile(digits: &str) -> Option<&str> {
    let national = digits
        .strip_prefix("0086")
        .or_else(|| digits.strip_prefix("86").filter(|rest| rest.len() == 11))
        .unwrap_or(digits);
    let bytes = national.as_bytes();
    let is_mobile = bytes.len() == 11 && bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1]);
    is_mobile.then_some(national)
}

/// The normal form of an e-mail address: trimmed, lower case; `None` if it cannot be one.
#[must_use]
pub fn normal_email(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let plausible = !local.is_empty()
        && !local.contains('*')
        && !text.contains(|c: char| c.is_whitespace() || c == ',' || c == ';')
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text.len() <= 254;
    plausible.then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_numbers_have_one_form() {
        for text in [
            "13800000000",
            "+86 138 0000 0000",
            "0086-138-0000-0000",
            "138-0000-0000",
            "86 13800000000",
        ] {
            assert_eq!(normal_phone(text).as_deref(), Some("+8613800000000"), "{text}");
        }
        assert_eq!(normal_phone("+44 7911 123456").as_deref(), Some("+447911123456"));
        for text in [
            "",
            "18877771111-123",
            "+86 18877771111-1234",
            "138****0000",
            "0571-88888888",
            "1380000000",
            "hello",
        ] {
            assert_eq!(normal_phone(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(normal_email(" A@Example.COM ").as_deref(), Some("a@example.com"));
        for text in ["", "a@b", "a b@example.com", "@example.com", "z***@example.com"] {
            assert_eq!(normal_email(text), None, "{text}");
        }
    }
}

//! Names of the fields of this module that roles have rules for; `identity::roles::FIELDS` lists them all.

use crate::IdentityKind;

/// What a customer is called.
pub const NAME: &str = "customers.name";
/// Accounts on platforms.
pub const ACCOUNTS: &str = "customers.accounts";
/// Phone numbers.
pub const PHONE: &str = "customers.phone";
/// E-mail addresses.
pub const EMAIL: &str = "customers.email";
/// Province and city.
pub const REGION: &str = "customers.region";
/// The rating given by hand.
pub const RATING: &str = "customers.rating";
/// Tags.
pub const TAGS: &str = "customers.tags";
/// The birthday.
pub const BIRTHDAY: &str = "customers.birthday";
/// Notes, and what was written down as evidence of a consent.
pub const NOTES: &str = "customers.notes";

/// Those that hold identities.
pub const OF_IDENTITIES: [&str; 3] = [ACCOUNTS, PHONE, EMAIL];

/// The field that identities of `kind` are in.
#[must_use]
pub const fn of_identity(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Account => ACCOUNTS,
        IdentityKind::Phone => PHONE,
        IdentityKind::Email => EMAIL,
    }
}

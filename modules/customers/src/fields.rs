//! Names of the fields of this module that roles have rules for; `identity::roles::FIELDS` lists them all.

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
/// Notes, and what was written down as evidence of a consent.
pub const NOTES: &str = "customers.notes";

//! Personal data of one customer in the clear, for a reason that is recorded.

use kernel::{CustomerId, TypedId as _};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};
use serde::Serialize;

use crate::model::IdentityKind;
use crate::profiles::IDENTITIES_MAX;
use crate::{fields, reach, roots, store};

/// Longest reason, in characters.
pub const REASON_MAX: usize = 500;

/// Why somebody wants to see personal data: 3 to 500 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The text, trimmed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Reason {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !(3..=REASON_MAX).contains(&text.chars().count()) {
            return Err(format!("must be 3 to {REASON_MAX} characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What the family of a customer is known by, in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Revealed {
    /// Accounts.
    pub accounts: Vec<String>,
    /// Phone numbers.
    pub phones: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
}

/// Shows what `customer` is known by, but for what the caller's role does not show; `None` if there is no
/// such customer, or the caller does not see it. The caller commits, so that nothing is shown of which
/// there is no record.
///
/// # Errors
/// `Refused` if something cannot be opened; otherwise as the database says.
pub async fn reveal(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    reason: &Reason,
) -> Result<Option<Revealed>, DbError> {
    let id = customer.uuid();
    let is_there = !store::family::names(tx, cx.scope, &[id]).await?.is_empty();
    if !is_there || !reach::within(tx, cx, &[id]).await?.contains(&id) {
        return Ok(None);
    }
    let (keys, rules) = (cx.keys(), cx.access.fields());
    let family = roots::family(tx, cx.scope, id).await?;
    let mut revealed = Revealed::default();
    for row in store::profiles::identities(tx, cx.scope, &family, IDENTITIES_MAX).await? {
        let Some(kind) = IdentityKind::from_code(row.kind) else { continue };
        if !rules.show(fields::of_identity(kind)) {
            continue;
        }
        let values = match kind {
            IdentityKind::Account => &mut revealed.accounts,
            IdentityKind::Phone => &mut revealed.phones,
            IdentityKind::Email => &mut revealed.emails,
        };
        let value = match (row.plain, row.sealed) {
            (Some(plain), _) => plain,
            (None, Some(sealed)) => keys
                .open_text(kind.field(), &sealed)
                .map_err(|error| DbError::Refused(format!("an identity: {error}")))?,
            (None, None) => continue,
        };
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let entry = Entry::new("customers.customer.reveal")
        .on("customer", customer)
        .with("accounts", revealed.accounts.len())
        .with("phones", revealed.phones.len())
        .with("emails", revealed.emails.len())
        .personal("reason", reason.as_str());
    audit::record(tx, cx, entry).await?;
    Ok(Some(revealed))
}

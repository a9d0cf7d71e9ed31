//! Edits name, rating and birthday of a customer.

use std::collections::HashMap;

use kernel::{CustomerId, TypedId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx, outbox};
use serde::Serialize;

use crate::birthdays::{self, Birthday};
use crate::events::CustomersChangedV1;
use crate::fields;
use crate::history::Change;
use crate::model::Rating;
use crate::store::changes::{self, Locked};
use crate::{names, roots};

/// Longest name, in characters.
pub const NAME_MAX: usize = 100;

/// A name as a person typed it: 1 to 100 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerName(String);

impl std::str::FromStr for CustomerName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > NAME_MAX {
            return Err(format!("must be 1 to {NAME_MAX} characters"));
        }
        if text.contains(char::is_control) {
            return Err("must not contain control characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// What to change; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The new name.
    pub name: Option<CustomerName>,
    /// The new rating, or none.
    pub rating: Option<Option<Rating>>,
    /// The new birthday, or none.
    pub birthday: Option<Option<Birthday>>,
}

/// A customer after an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Edited {
    /// The customer.
    pub id: CustomerId,
    /// The present version.
    pub version: i64,
    /// The present name.
    pub name: String,
    /// The present rating.
    pub rating: Option<Rating>,
}

impl From<Locked> for Edited {
    fn from(row: Locked) -> Self {
        Self {
            id: CustomerId::from_uuid(row.id),
            version: row.version,
            name: row.name,
            rating: row.rating.and_then(Rating::from_code),
        }
    }
}

impl Edited {
    /// As whoever asks sees it.
    pub(crate) async fn shown(mut self, tx: &mut Tx, cx: &Ctx) -> Result<Self, DbError> {
        let mut names = HashMap::from([(self.id.uuid(), self.name)]);
        names::mask_hidden(tx, cx, &mut names).await?;
        self.name = names.remove(&self.id.uuid()).unwrap_or_default();
        if cx.access.fields().hide(fields::RATING) {
            self.rating = None;
        }
        Ok(self)
    }
}

/// Why an edit was refused.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    Unknown(CustomerId),
    /// It was merged; the keeper is what people see.
    #[error("{customer} was merged into {keeper}; edit that one")]
    Merged {
        /// The customer.
        customer: CustomerId,
        /// Its direct keeper.
        keeper: CustomerId,
    },
    /// Whoever asks may see the field, or part of it, but not change it.
    #[error("your role cannot change `{0}`")]
    ReadOnly(&'static str),
    /// Someone else changed it meanwhile.
    #[error("changed meanwhile; the present version is {}", .0.version)]
    Stale(Edited),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Changes `customer` if it is still of `version`. An edit that changes nothing counts no version.
///
/// # Errors
/// `Stale` with the present record; `Merged` if it is not a root.
pub async fn edit(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    version: i64,
    edit: &Edit,
) -> Result<Edited, EditError> {
    let unknown = || EditError::Unknown(customer);
    let asked = [
        (fields::NAME, edit.name.is_some()),
        (fields::RATING, edit.rating.is_some()),
        (fields::BIRTHDAY, edit.birthday.is_some()),
    ];
    let rules = cx.access.fields();
    if let Some((field, _)) = asked.iter().find(|(field, used)| *used && !rules.let_change(field)) {
        return Err(EditError::ReadOnly(field));
    }
    let row = changes::lock(tx, cx, &[customer.uuid()]).await?.pop().ok_or_else(unknown)?;
    if let Some(keeper) = row.merged_into {
        return Err(EditError::Merged { customer, keeper: CustomerId::from_uuid(keeper) });
    }
    let before = Edited::from(row);
    if before.version != version {
        return Err(EditError::Stale(before.shown(tx, cx).await?));
    }
    // Pages send the name along as they were told it; that is no wish to be called `1***`.
    let told = before.clone().shown(tx, cx).await?.name;
    let wished = edit.name.as_ref().map(|name| name.0.as_str()).filter(|name| *name != told);
    let name = wished.unwrap_or(&before.name).to_owned();
    let rating = edit.rating.unwrap_or(before.rating);
    let family = roots::family(tx, cx.scope, customer.uuid()).await?;
    let known = birthdays::of_family(tx, cx.scope, &cx.keys(), &family).await?;
    let birthday = edit.birthday.unwrap_or(known);
    if name == before.name && rating == before.rating && birthday == known {
        return Ok(before.shown(tx, cx).await?);
    }
    let code = rating.map(Rating::code);
    if !changes::edit(tx, cx, customer.uuid(), version, &name, code).await? {
        return Err(EditError::Stale(before.shown(tx, cx).await?));
    }
    let change = Change::Edit {
        name: (name != before.name).then(|| (before.name.clone(), name.clone())),
        rating: (rating != before.rating).then_some((before.rating, rating)),
        birthday: birthday != known,
    };
    if birthday != known {
        birthdays::set(tx, cx, customer.uuid(), birthday).await?;
    }
    changes::tell(tx, cx, vec![(customer.uuid(), change)]).await?;
    outbox::push(tx, cx, &CustomersChangedV1::of(vec![customer])).await?;
    let entry = Entry::new("customers.customer.edit")
        .on("customer", customer)
        .change("rating", before.rating, rating)
        .personal_change("name", &before.name, &name)
        .personal_change("birthday", known.map(Birthday::text), birthday.map(Birthday::text));
    audit::record(tx, cx, entry).await?;
    Ok(Edited { id: customer, version: version + 1, name, rating }.shown(tx, cx).await?)
}

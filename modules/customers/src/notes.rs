//! Notes on customers. They hold what people write about people, so they are sealed at rest.

use kernel::{CustomerId, NoteId, Person, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, outbox};
use serde::Serialize;
use uuid::Uuid;

use crate::events::CustomersChangedV1;
use crate::history::{Before, place};
use crate::{fields, roots, store};

/// Longest note, in characters.
pub const TEXT_MAX: usize = 5_000;
/// Notes of one customer.
pub const NOTES_MAX: i64 = 1_000;
/// Name under which notes are sealed.
pub(crate) const FIELD: &str = "customers.note";

/// The text of a note: 1 to 5,000 characters, without control characters but line ends and tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteText(String);

impl std::str::FromStr for NoteText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        if text.is_empty() || text.chars().count() > TEXT_MAX {
            return Err(format!("must be 1 to {TEXT_MAX} characters"));
        }
        if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err("must not contain control characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// The member of the family to whom it was given.
    #[serde(skip)]
    pub customer: CustomerId,
    /// Its text.
    pub text: String,
    /// Who wrote it; `null` for the program itself.
    pub author: Option<UserId>,
    /// Name and e-mail address of that user, where they were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_person: Option<Person>,
    /// When.
    pub created_at: Timestamp,
}

/// Why a note was refused.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    UnknownCustomer(CustomerId),
    /// Whoever asks may not write any.
    #[error("your role cannot change `customers.notes`")]
    ReadOnly,
    /// The customer has no such note.
    #[error("there is no note {0}")]
    Unknown(NoteId),
    /// The customer has as many notes as one may have.
    #[error("a customer has at most {NOTES_MAX} notes")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Notes the text on the root of `customer`.
///
/// # Errors
/// `UnknownCustomer`, `TooMany`.
pub async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    customer: CustomerId,
    text: NoteText,
) -> Result<Note, NoteError> {
    if !cx.access.fields().let_change(fields::NOTES) {
        return Err(NoteError::ReadOnly);
    }
    let root = store::changes::lock_root(tx, cx, customer.uuid())
        .await?
        .ok_or(NoteError::UnknownCustomer(customer))?;
    if store::notes::count(tx, cx.scope, root).await? >= NOTES_MAX {
        return Err(NoteError::TooMany);
    }
    let id: NoteId = cx.fresh();
    let sealed = keys.seal(&*cx.ids, FIELD, text.0.as_bytes());
    store::notes::add(tx, cx, root, id.uuid(), sealed).await?;
    let customer = CustomerId::from_uuid(root);
    outbox::push(tx, cx, &CustomersChangedV1::of(vec![customer])).await?;
    let entry = Entry::new("customers.note.add")
        .on("customer", customer)
        .with("note", id)
        .personal("text", &text.0);
    audit::record(tx, cx, entry).await?;
    let (author, created_at) = (cx.scope.user_id(), cx.now());
    Ok(Note { id, customer, text: text.0, author, author_person: None, created_at })
}

/// Deletes a note of the family of `customer`.
///
/// # Errors
/// `UnknownCustomer`, `Unknown`.
pub async fn delete(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    note: NoteId,
) -> Result<(), NoteError> {
    if !cx.access.fields().let_change(fields::NOTES) {
        return Err(NoteError::ReadOnly);
    }
    let root = store::changes::lock_root(tx, cx, customer.uuid())
        .await?
        .ok_or(NoteError::UnknownCustomer(customer))?;
    let family = roots::family(tx, cx.scope, root).await?;
    let sealed = store::notes::delete(tx, cx.scope, &family, note.uuid())
        .await?
        .ok_or(NoteError::Unknown(note))?;
    let root = CustomerId::from_uuid(root);
    outbox::push(tx, cx, &CustomersChangedV1::of(vec![root])).await?;
    // One that cannot be opened can be deleted all the same.
    let text = cx.keys().open_text(FIELD, &sealed).ok();
    let entry = Entry::new("customers.note.delete")
        .on("customer", root)
        .without("note", note)
        .personal_gone("text", text);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Notes of `family`, the latest first.
///
/// # Errors
/// `Refused` if a note cannot be opened with `keys`; otherwise as the database says.
pub async fn notes(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    family: &[Uuid],
    before: Before,
    limit: u16,
) -> Result<Vec<Note>, DbError> {
    let rows = store::notes::of(tx, scope, family, place(before), limit.into()).await?;
    rows.into_iter()
        .map(|row| {
            let text = keys
                .open_text(FIELD, &row.sealed)
                .map_err(|error| DbError::Refused(format!("a note: {error}")))?;
            Ok(Note {
                id: NoteId::from_uuid(row.id),
                customer: CustomerId::from_uuid(row.customer_id),
                text,
                author: row.author.map(UserId::from_uuid),
                author_person: None,
                created_at: Timestamp::from_millis(row.created_at),
            })
        })
        .collect()
}

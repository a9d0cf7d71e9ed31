//! People add, correct and take away what a customer is known by (PIPL art. 46).
//!
//! What was taken away is noted by its blind index (`customers_struck`), so that no file brings it back; see
//! [`crate::resolve`]. Who is known by a value that was noted can be given it again, and then has it as before.

mod held;
mod read;

use kernel::{CustomerId, IdentityId, Timestamp, TypedId};
use platform::audit::Entry;
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx};
use serde::Serialize;
use uuid::Uuid;

use crate::edit::Edited;
use crate::history::IdentityDeed;
use crate::model::{AccountSpace, IdentityKind};
use crate::profiles::{IDENTITIES_MAX, masked};
use crate::resolve::SeenIdentity;
use crate::reveal::Reason;
use crate::store::identities::StruckRow;
use crate::store::profiles::IdentityRow;
use crate::{fields, store};
use held::Held;

/// Whose identities are changed, and why.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The customer; one that was merged is refused.
    pub customer: CustomerId,
    /// Its version, as whoever asks knows it.
    pub version: i64,
    /// Kept in the audit log.
    pub reason: Reason,
    /// That a phone number or e-mail address is of others too, and theirs all the same.
    pub shared: bool,
}

/// Somebody else who has a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Holder {
    /// Who, so far as whoever asks may know.
    pub id: CustomerId,
    /// What they are called.
    pub name: String,
    /// Whether whoever asks may merge the two.
    pub can_merge: bool,
}

/// Why identities were not changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    UnknownCustomer(CustomerId),
    /// The customer is not known by such a thing, or not any more.
    #[error("there is no such account, phone number or e-mail address; load the customer again")]
    Unknown,
    /// The customer was merged; the keeper is what people see.
    #[error("{customer} was merged into {keeper}; correct that one")]
    Merged {
        /// The customer.
        customer: CustomerId,
        /// Its direct keeper.
        keeper: CustomerId,
    },
    /// Whoever asks may not change this.
    #[error("your role cannot change `{0}`")]
    ReadOnly(&'static str),
    /// Someone else changed the customer meanwhile.
    #[error("changed meanwhile; the present version is {}", .0.version)]
    Stale(Edited),
    /// The value cannot be one of its kind.
    #[error("{0}")]
    Wrong(String),
    /// An account is one person's.
    #[error("an account is one customer's and cannot be shared")]
    SharedAccount,
    /// The customer has it.
    #[error("this customer has it already")]
    There,
    /// Somebody else has it: who, if whoever asks may see them.
    #[error("{}", told(.kind, .holder.as_ref()))]
    Taken {
        /// What it is.
        kind: IdentityKind,
        /// Who has it.
        holder: Option<Holder>,
    },
    /// The customer is known by very many things.
    #[error("a customer has at most {IDENTITIES_MAX} of a kind; take one away first")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn told(kind: &IdentityKind, holder: Option<&Holder>) -> String {
    let what = match kind {
        IdentityKind::Account => "account",
        IdentityKind::Phone => "phone number",
        IdentityKind::Email => "e-mail address",
    };
    let who = match holder {
        Some(Holder { id, can_merge: true, .. }) => {
            format!("customer {id} has this {what}; merge the two if they are one person")
        }
        Some(Holder { id, .. }) => format!(
            "customer {id} has this {what}; ask somebody who may merge them if they are one person"
        ),
        None => format!(
            "a customer whom you do not see has this {what}; ask somebody who sees all customers"
        ),
    };
    match kind {
        IdentityKind::Account => who,
        IdentityKind::Phone | IdentityKind::Email => {
            format!("{who}, or say `shared` if two people use it")
        }
    }
}

/// How an identity of a customer is named in paths: nothing can be learned from it, and no two customers
/// have one alike.
pub(crate) fn id_of(keys: &OrgKeys, customer: Uuid, kind: i64, hash: &[u8]) -> IdentityId {
    let parts = [customer.as_bytes().as_slice(), &kind.to_be_bytes(), hash];
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&keys.authenticate("customers.identity", &parts)[..16]);
    IdentityId::from_uuid(Uuid::from_bytes(bytes))
}

/// Adds an account of `space`, a phone number or an e-mail address, as `text` says it.
///
/// # Errors
/// Why not; then the caller rolls back.
pub async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    asked: &Asked,
    kind: IdentityKind,
    space: AccountSpace,
    text: &str,
) -> Result<(), IdentityError> {
    let keys = cx.keys();
    may_change(cx, kind)?;
    let held = Held::lock(tx, cx, asked).await?;
    let seen = read::read(&keys, kind, space, text).map_err(IdentityError::Wrong)?;
    held.refuse_taken(tx, cx, asked, &seen).await?;
    if held.rows.iter().filter(|row| row.kind == kind.code()).count() as i64 >= IDENTITIES_MAX {
        return Err(IdentityError::TooMany);
    }
    let root = asked.customer.uuid();
    let now =
        StruckRow { customer_id: root, by_hand: true, first_seen_at: Some(cx.now().millis()) };
    held.put(tx, cx, &seen, vec![now], &[]).await?;
    let entry =
        Entry::new("customers.identity.add").with("kind", kind).personal("value", &seen.value);
    held.tell(tx, cx, asked, (kind, IdentityDeed::Add), &[], entry).await
}

/// Puts another value in the place of a wrong one, of the same kind and space. The wrong one is noted, and
/// the new one counts as known since then; nothing happens where both are the same.
///
/// # Errors
/// Why not; then the caller rolls back.
pub async fn correct(
    tx: &mut Tx,
    cx: &Ctx,
    asked: &Asked,
    identity: IdentityId,
    text: &str,
) -> Result<(), IdentityError> {
    let keys = cx.keys();
    let held = Held::lock(tx, cx, asked).await?;
    let old = held.find(cx, &keys, identity)?;
    let space = AccountSpace::new(old[0].space);
    let kind = held.kind(&old)?;
    let seen = read::read(&keys, kind, space, text).map_err(IdentityError::Wrong)?;
    if seen.hash.as_slice() == old[0].hash {
        return Ok(());
    }
    held.refuse_taken(tx, cx, asked, &seen).await?;
    let was = held.value(&keys, &old[0])?;
    held.strike(tx, cx, &old).await?;
    let places = old.iter().map(|row| StruckRow {
        customer_id: row.customer_id,
        by_hand: true,
        first_seen_at: Some(row.first_seen_at),
    });
    let is = shown(&seen);
    let mut entry = Entry::new("customers.identity.correct").with("kind", kind).personal_change(
        "value",
        &was,
        &seen.value,
    );
    entry = held.rename(tx, cx, &old, |_| Ok(is.clone()), entry).await?;
    let places: Vec<StruckRow> = places.collect();
    held.put(tx, cx, &seen, Vec::new(), &places).await?;
    held.tell(tx, cx, asked, (kind, IdentityDeed::Correct), &old, entry).await
}

/// Takes an identity away, and notes that it is not theirs.
///
/// # Errors
/// Why not; then the caller rolls back.
pub async fn remove(
    tx: &mut Tx,
    cx: &Ctx,
    asked: &Asked,
    identity: IdentityId,
) -> Result<(), IdentityError> {
    let keys = cx.keys();
    let held = Held::lock(tx, cx, asked).await?;
    let old = held.find(cx, &keys, identity)?;
    let kind = held.kind(&old)?;
    let was = held.value(&keys, &old[0])?;
    held.strike(tx, cx, &old).await?;
    let rest = |member: Uuid| -> Result<String, DbError> {
        let is_left = |row: &&IdentityRow| {
            row.customer_id == member && (row.kind, &row.hash) != (old[0].kind, &old[0].hash)
        };
        let Some(row) = held.rows.iter().find(is_left) else { return Ok(String::new()) };
        let Some(kind) = IdentityKind::from_code(row.kind) else { return Ok(String::new()) };
        masked(kind, row.plain.as_deref(), row.sealed.as_deref(), &keys)
    };
    let entry =
        Entry::new("customers.identity.remove").with("kind", kind).personal_gone("value", &was);
    let entry = held.rename(tx, cx, &old, rest, entry).await?;
    held.tell(tx, cx, asked, (kind, IdentityDeed::Remove), &old, entry).await
}

/// That something was taken away from somebody. What it was, nobody can tell: its blind index alone is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct StruckNote {
    pub kind: IdentityKind,
    pub at: Timestamp,
}

/// What is noted as not theirs of the members of a family; of each member on its own.
///
/// # Errors
/// As the database says.
pub async fn struck(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
) -> Result<Vec<StruckNote>, DbError> {
    let rows = store::identities::struck_of(tx, scope, family).await?;
    let note = |(kind, at): (i64, i64)| {
        Some(StruckNote { kind: IdentityKind::from_code(kind)?, at: Timestamp::from_millis(at) })
    };
    Ok(rows.into_iter().filter_map(note).collect())
}

fn may_change(cx: &Ctx, kind: IdentityKind) -> Result<(), IdentityError> {
    let field = fields::of_identity(kind);
    match cx.access.fields().let_change(field) {
        true => Ok(()),
        false => Err(IdentityError::ReadOnly(field)),
    }
}

fn shown(seen: &SeenIdentity) -> String {
    use crate::mask::{mask_account, mask_email, mask_phone};
    match seen.kind {
        IdentityKind::Account => mask_account(&seen.value),
        IdentityKind::Phone => mask_phone(&seen.value),
        IdentityKind::Email => mask_email(&seen.value),
    }
}

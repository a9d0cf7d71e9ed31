//! Erases what is personal of a customer (PIPL art. 47). The customer stays, nameless, so that no sum and no
//! count changes.

use std::collections::HashSet;

use kernel::{CustomerId, Timestamp, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, outbox};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::events::CustomersChangedV1;
use crate::history::Change;
use crate::model::IdentityKind;
use crate::resolve::Resolved;
use crate::store::erase as sql;
use crate::{roots, store};

/// Longest reference, in characters.
pub const REFERENCE_MAX: usize = 100;

/// Why somebody is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// They asked for it.
    Request,
    /// The time for which data is kept is over.
    Retention,
    /// Another one, told by the reference.
    Other,
}

impl ErasureReason {
    /// The reason of this name; `Other` for one that no release knows.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        [Self::Request, Self::Retention]
            .into_iter()
            .find(|reason| reason.name() == name)
            .unwrap_or(Self::Other)
    }

    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Retention => "retention",
            Self::Other => "other",
        }
    }
}

/// An account, phone number or e-mail address in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct HeldIdentity {
    pub kind: IdentityKind,
    pub value: String,
    pub first_seen_at: Timestamp,
}

/// What is held of a family, so far as others must look for it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The root.
    pub root: CustomerId,
    /// The root and all who were merged into it.
    pub family: Vec<CustomerId>,
    /// What they were known by, in normal forms.
    pub identities: Vec<HeldIdentity>,
    /// When the root was erased before.
    pub erased_at: Option<Timestamp>,
}

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Erased {
    pub customers: u64,
    pub identities: u64,
    pub notes: u64,
    pub suggestions: u64,
    pub histories: u64,
    pub evidence: u64,
    pub birthdays: u64,
}

/// What is held of the family of `customer`; holds their rows until the transaction ends. `None` if there
/// is no such customer.
///
/// # Errors
/// `Refused` if an identity cannot be opened; otherwise as the database says.
pub async fn held(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    customer: CustomerId,
) -> Result<Option<Held>, DbError> {
    let Some(root) = store::changes::lock_root(tx, cx, customer.uuid()).await? else {
        return Ok(None);
    };
    let scope = cx.scope;
    let family = roots::family(tx, scope, root).await?;
    store::changes::lock(tx, cx, &family).await?;
    let mut identities = Vec::new();
    for row in store::profiles::identities(tx, scope, &family, i64::from(i32::MAX)).await? {
        let Some(kind) = IdentityKind::from_code(row.kind) else { continue };
        let sealed = row.sealed.map(|sealed| keys.open_text(kind.field(), &sealed)).transpose();
        let sealed = sealed.map_err(|error| DbError::Refused(format!("an identity: {error}")))?;
        let first_seen_at = Timestamp::from_millis(row.first_seen_at);
        identities.extend(row.plain.or(sealed).map(|value| HeldIdentity {
            kind,
            value,
            first_seen_at,
        }));
    }
    let erased_at = sql::erased_at(tx, scope, root).await?.map(Timestamp::from_millis);
    let family = family.into_iter().map(CustomerId::from_uuid).collect();
    Ok(Some(Held { root: CustomerId::from_uuid(root), family, identities, erased_at }))
}

/// Keeps importers from bringing orders of anybody until `tx` ends, as they do of each other; first of all, so that
/// whoever is looked at then stays as they are.
///
/// # Errors
/// As the database says.
pub async fn hold_importers(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    store::bump_identity_epoch(tx, cx.scope).await.map(drop)
}

/// Erases what this module holds of a family: names, identities with their blind indexes, suggestions,
/// notes, birthdays, names in histories, evidence of consents. What was tagged, merged, rated, granted and refused
/// stays, without a name. Erasing again erases what came since.
///
/// # Errors
/// As the database says.
pub async fn erase(
    tx: &mut Tx,
    cx: &Ctx,
    held: &Held,
    reason: ErasureReason,
    reference: Option<&str>,
) -> Result<Erased, DbError> {
    // Importers forget what they remember of the identities.
    store::bump_identity_epoch(tx, cx.scope).await?;
    let family: Vec<Uuid> = held.family.iter().map(|id| id.uuid()).collect();
    sql::request_texts(tx, cx.scope, &family).await?;
    sql::struck(tx, cx.scope, &family).await?;
    let histories = forget_names(tx, cx.scope, &family).await?;
    let erased = Erased {
        customers: sql::names(tx, cx.scope, &family).await?,
        identities: sql::identities(tx, cx.scope, &family).await?,
        notes: sql::notes(tx, cx.scope, &family).await?,
        suggestions: sql::suggestions(tx, cx.scope, &family).await?,
        evidence: sql::evidence(tx, cx.scope, &family).await?,
        birthdays: store::birthdays::remove(tx, cx.scope, &family).await?,
        histories,
    };
    for member in &family {
        sql::note_erasure(tx, cx, *member, reason.name(), reference).await?;
    }
    outbox::push(tx, cx, &CustomersChangedV1::of(held.family.clone())).await?;
    Ok(erased)
}

/// Takes names of `family` out of histories, also of those with whom they were merged once.
async fn forget_names(tx: &mut Tx, scope: Scope, family: &[Uuid]) -> Result<u64, DbError> {
    let members: HashSet<Uuid> = family.iter().copied().collect();
    let mut places = family.to_vec();
    for (keep, absorb) in sql::partners(tx, scope, family).await? {
        places.extend([keep, absorb]);
    }
    let mut forgotten = 0;
    for (customer, id, detail) in sql::histories(tx, scope, &roots::distinct(&places)).await? {
        let change: Change = serde_json::from_str(&detail)
            .map_err(|error| DbError::Refused(format!("history {id}: {error}")))?;
        let Some(change) = without_name(change, members.contains(&customer), &members) else {
            continue;
        };
        let detail =
            serde_json::to_string(&change).map_err(|error| DbError::Refused(error.to_string()))?;
        sql::set_history(tx, scope, customer, id, &detail).await?;
        forgotten += 1;
    }
    Ok(forgotten)
}

/// `change` without names of `members`; `None` if it had none. `is_own`: it happened to one of them.
fn without_name(change: Change, is_own: bool, members: &HashSet<Uuid>) -> Option<Change> {
    match change {
        Change::Edit { name: Some(_), rating, birthday } if is_own => {
            Some(Change::Edit { name: None, rating, birthday })
        }
        Change::Merge { merge, other, name }
            if members.contains(&other.uuid()) && !name.is_empty() =>
        {
            Some(Change::Merge { merge, other, name: String::new() })
        }
        Change::Unmerge { merge, other, name }
            if members.contains(&other.uuid()) && !name.is_empty() =>
        {
            Some(Change::Unmerge { merge, other, name: String::new() })
        }
        _ => None,
    }
}

/// What an import keeps of its work with customers (`commerce_import_batches`), without the blind indexes
/// of `family`; `None` if it names none of theirs.
#[must_use]
pub fn forget_in_journal(journal: &str, family: &[CustomerId]) -> Option<String> {
    let mut done: Resolved = serde_json::from_str(journal).ok()?;
    let before = done.added.len();
    done.added.retain(|(customer, ..)| !family.contains(customer));
    (done.added.len() < before).then(|| serde_json::to_string(&done).ok()).flatten()
}

/// That a customer was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ErasureNote {
    pub customer: CustomerId,
    pub reason: String,
    pub reference: Option<String>,
    pub erased_at: Timestamp,
}

/// Everybody who was erased.
///
/// # Errors
/// As the database says.
pub async fn erasures(tx: &mut Tx, scope: Scope) -> Result<Vec<ErasureNote>, DbError> {
    let rows = sql::erasures(tx, scope).await?;
    let note =
        |(customer, reason, reference, at): (Uuid, String, Option<String>, i64)| ErasureNote {
            customer: CustomerId::from_uuid(customer),
            reason,
            reference,
            erased_at: Timestamp::from_millis(at),
        };
    Ok(rows.into_iter().map(note).collect())
}

/// When `customer` was last erased, if ever.
///
/// # Errors
/// As the database says.
pub async fn erased_at(
    tx: &mut Tx,
    scope: Scope,
    customer: Uuid,
) -> Result<Option<Timestamp>, DbError> {
    Ok(sql::erased_at(tx, scope, customer).await?.map(Timestamp::from_millis))
}

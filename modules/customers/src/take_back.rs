//! Takes back what a batch of an import did to customers.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use kernel::TypedId;
use platform::{Ctx, DbError, Scope, Tx};
use uuid::Uuid;

use crate::resolve::Resolved;
use crate::store::suggestions::MERGED_SINCE;
use crate::{roots, store};

/// What people did with the customers since, in numbers of customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TakeBackRefused {
    pub noted: i64,
    pub tagged: i64,
    pub edited: i64,
    pub merged: i64,
}

impl TakeBackRefused {
    /// Whether there is nothing to refuse.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            noted: self.noted + other.noted,
            tagged: self.tagged + other.tagged,
            edited: self.edited + other.edited,
            merged: self.merged + other.merged,
        }
    }
}

impl fmt::Display for TakeBackRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("people have worked with customers of this import:")?;
        let parts = [
            (self.noted, "have notes"),
            (self.tagged, "have tags"),
            (self.edited, "were edited"),
            (self.merged, "were merged"),
        ];
        let mut separator = "";
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator} {count} {what}")?;
            separator = ",";
        }
        f.write_str("; take that back first")
    }
}

impl std::error::Error for TakeBackRefused {}

/// Why a batch could not be taken back. The transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum TakeBackError {
    /// People have worked with the customers since.
    #[error(transparent)]
    Refused(#[from] TakeBackRefused),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What stands against taking a batch back; nothing if it can be. Changes nothing.
///
/// # Errors
/// As the database says.
pub async fn check_take_back(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
) -> Result<TakeBackRefused, DbError> {
    let suggestions = suggestions_to_remove(tx, scope, done).await?;
    dependents(tx, scope, done, &suggestions, false).await
}

/// Removes the customers, identities and suggestions that a batch made, and the suggestions that
/// later imports made because of them. The batch's orders must be gone already, and orders of other
/// imports for the customers that it made are the caller's to check: they bring identities, which
/// would go, too. Gives the customers that are gone or have lost identities.
///
/// # Errors
/// `Refused` with what people did since; then the caller rolls back.
pub async fn take_back(tx: &mut Tx, cx: &Ctx, done: &Resolved) -> Result<Vec<Uuid>, TakeBackError> {
    // First: importers wait here, and forget what they remember.
    store::bump_identity_epoch(tx, cx.scope).await?;
    let suggestions = suggestions_to_remove(tx, cx.scope, done).await?;
    let refused = dependents(tx, cx.scope, done, &suggestions, true).await?;
    if !refused.is_nothing() {
        return Err(refused.into());
    }
    let ids: Vec<Uuid> = suggestions.into_iter().map(|(id, _)| id).collect();
    let created = created(done);
    store::take_back::remove_suggestions(tx, cx.scope, &ids).await?;
    store::take_back::remove_identities(tx, cx.scope, &done.added).await?;
    store::take_back::remove_customers(tx, cx.scope, &created).await?;
    let touched: Vec<Uuid> =
        done.added.iter().map(|(customer, ..)| customer.uuid()).chain(created).collect();
    Ok(roots::distinct(&touched))
}

fn created(done: &Resolved) -> Vec<Uuid> {
    done.created.iter().map(|customer| customer.uuid()).collect()
}

/// Suggestions that the batch made, and those of others that rest on a customer or an identity it
/// made: id and state.
async fn suggestions_to_remove(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
) -> Result<BTreeSet<(Uuid, i64)>, DbError> {
    let made: Vec<Uuid> = done.suggested.iter().map(|id| id.uuid()).collect();
    let created: HashSet<Uuid> = created(done).into_iter().collect();
    let added: HashSet<(Uuid, i64, Uuid)> =
        done.added.iter().map(|(customer, kind, hash)| (customer.uuid(), *kind, *hash)).collect();
    let touched: Vec<Uuid> =
        added.iter().map(|(customer, ..)| *customer).chain(created.iter().copied()).collect();
    let mut remove = BTreeSet::new();
    for row in store::suggestions::rows(tx, scope, &made).await? {
        remove.insert((row.id, row.state));
    }
    for row in store::suggestions::of(tx, scope, &roots::distinct(&touched)).await? {
        let hash = Uuid::from_slice(&row.hash).unwrap_or_default();
        let rests_on_it = [row.a, row.b]
            .into_iter()
            .any(|side| created.contains(&side) || added.contains(&(side, row.kind, hash)));
        if rests_on_it {
            remove.insert((row.id, row.state));
        }
    }
    Ok(remove)
}

async fn dependents(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
    suggestions: &BTreeSet<(Uuid, i64)>,
    hold: bool,
) -> Result<TakeBackRefused, DbError> {
    let created = created(done);
    let mut found = TakeBackRefused::default();
    for row in store::take_back::customers(tx, scope, &created, hold).await? {
        found.merged += i64::from(row.merged_into.is_some());
        found.edited += i64::from(row.merged_into.is_none() && row.version > 1);
    }
    let absorbed = store::take_back::absorbed(tx, scope, &created).await?;
    found.merged += absorbed;
    found.noted = store::take_back::noted(tx, scope, &created).await?;
    found.tagged = store::take_back::tagged(tx, scope, &created).await?;
    if found.merged == 0 {
        // Two that were there before, merged because of what this batch brought.
        let merged = suggestions.iter().filter(|(_, state)| *state == MERGED_SINCE).count();
        found.merged = merged as i64;
    }
    Ok(found)
}

//! Takes an import back: what it made goes, what it changed is as it was.

use std::collections::{BTreeSet, HashSet};

use commerce::batch::undo;
use commerce::events::OrdersChangedV1;
use commerce::imports::{self, Import, ImportState};
use customers::resolve::Resolved;
use kernel::{CustomerId, ImportId, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, Tx, outbox};

/// Why an import cannot be taken back. Then nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such import.
    #[error("there is no import {0}")]
    Unknown(ImportId),
    /// The import still runs, or there is nothing to take back.
    #[error("import {id} is {}: {}", state.name(), advice(*state))]
    State {
        /// The import.
        id: ImportId,
        /// Where it stands.
        state: ImportState,
    },
    /// Later imports changed the same orders, or brought orders for the customers this one made.
    #[error(
        "later imports build on this one: number {}; undo them first, the newest first",
        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    BuiltUpon {
        /// Their numbers.
        numbers: BTreeSet<i64>,
    },
    /// People worked with the customers that this import made.
    #[error(transparent)]
    WorkedWith(customers::take_back::TakeBackRefused),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<customers::take_back::TakeBackError> for UndoError {
    fn from(error: customers::take_back::TakeBackError) -> Self {
        match error {
            customers::take_back::TakeBackError::Refused(refused) => Self::WorkedWith(refused),
            customers::take_back::TakeBackError::Db(error) => Self::Db(error),
        }
    }
}

const fn advice(state: ImportState) -> &'static str {
    match state {
        ImportState::Running | ImportState::Queued => "pause or cancel it first",
        _ => "there is nothing to take back",
    }
}

/// Takes the import back in one transaction: wholly or, when refused or interrupted, not at all.
///
/// # Errors
/// The reason why it cannot be; otherwise as the database says.
pub async fn undo(platform: &Platform, cx: &Ctx, id: ImportId) -> Result<Import, UndoError> {
    let mut tx = platform.db.begin().await?;
    let import = undo_in(&mut tx, cx, &platform.keys(cx.scope.org()), id).await?;
    tx.commit().await?;
    Ok(import)
}

/// As [`undo`], in a transaction that the caller commits, or rolls back when it is refused.
///
/// # Errors
/// As [`undo`].
pub async fn undo_in(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    id: ImportId,
) -> Result<Import, UndoError> {
    let import = imports::get(tx, cx.scope, id).await?.ok_or(UndoError::Unknown(id))?;
    // A job that takes it back has marked it already.
    let from = [ImportState::UNDOABLE.as_slice(), &[ImportState::Undoing]].concat();
    if import.dry_run || !imports::transition(tx, cx, id, &from, ImportState::Undone).await? {
        return Err(UndoError::State { id, state: import.state });
    }
    let number = import.number;
    let mut touched: HashSet<CustomerId> = HashSet::new();
    let mut resolved: Vec<Resolved> = Vec::new();
    while let Some(kept) = undo::last_kept(tx, cx.scope, keys, number, i64::MAX).await? {
        let later = undo::changed_since(tx, cx.scope, number, &kept).await?;
        if !later.is_empty() {
            return Err(UndoError::BuiltUpon { numbers: later.into_iter().collect() });
        }
        resolved.push(
            serde_json::from_value(kept.customers.clone()).map_err(|error| {
                DbError::Refused(format!("the undo image is unreadable: {error}"))
            })?,
        );
        let customers = undo::take_back(tx, cx.scope, number, kept).await?;
        touched.extend(customers.into_iter().map(CustomerId::from_uuid));
    }
    for done in &resolved {
        let created: Vec<_> = done.created.iter().map(|customer| customer.uuid()).collect();
        let numbers = commerce::store::imports_with_orders_of(tx, cx.scope, &created).await?;
        if !numbers.is_empty() {
            return Err(UndoError::BuiltUpon { numbers });
        }
        customers::take_back::take_back(tx, cx, done).await?;
        touched.extend(done.created.iter().copied());
        touched.extend(done.added.iter().map(|(customer, ..)| *customer));
    }
    imports::drop_rejects(tx, cx.scope, number).await?;
    if !touched.is_empty() {
        let mut touched: Vec<CustomerId> = touched.into_iter().collect();
        touched.sort_unstable();
        outbox::push(tx, cx, &OrdersChangedV1::of(touched)).await?;
    }
    let mut import = imports::get(tx, cx.scope, id).await?.ok_or(UndoError::Unknown(id))?;
    if import.error.take().is_some() {
        // Why it failed, or could not be taken back before, is no longer so.
        imports::save(tx, cx.scope, &import).await?;
    }
    Ok(import)
}

//! Takes an import back: what it made goes, what it changed is as it was.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use commerce::batch::undo::{self, CustomersJournal};
use commerce::events::OrdersChangedV1;
use commerce::imports::{self, Import, ImportState, LaterImport, Obstacle, ObstacleCode};
use customers::resolve::Resolved;
use customers::take_back::TakeBackRefused;
use kernel::{CustomerId, ImportId, Timestamp, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, Tx, outbox};
use serde::Deserialize as _;
use uuid::Uuid;

use crate::import_orders::is_at_work;

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
        "later imports build on this one: {}; undo them first, the newest first",
        later.iter().rev().map(|(number, id)| format!("{id} (number {number})"))
            .collect::<Vec<_>>().join(", ")
    )]
    BuiltUpon {
        /// They, by number.
        later: BTreeMap<i64, ImportId>,
    },
    /// A process works on it.
    #[error("a process works on import {0} just now; cancel it first")]
    AtWork(ImportId),
    /// People worked with the customers that this import made.
    #[error(transparent)]
    WorkedWith(TakeBackRefused),
    /// What is needed for it was removed.
    #[error(
        "what import {id} changed was kept until {at}, as the retention rule says; it cannot be taken back any more"
    )]
    Forgotten {
        /// The import.
        id: ImportId,
        /// When.
        at: Timestamp,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UndoError {
    /// What people are told of it.
    #[must_use]
    pub fn obstacle(&self) -> Obstacle {
        let code = match self {
            Self::BuiltUpon { later } => ObstacleCode::BuiltUpon {
                later: later
                    .iter()
                    .rev()
                    .map(|(number, id)| LaterImport { id: *id, number: *number })
                    .collect(),
            },
            Self::AtWork(_) => ObstacleCode::AtWork,
            Self::Forgotten { at, .. } => ObstacleCode::Forgotten { at: *at },
            Self::WorkedWith(done) => {
                let TakeBackRefused { noted, tagged, edited, merged } = *done;
                ObstacleCode::WorkedWith { noted, tagged, edited, merged }
            }
            Self::Unknown(_) | Self::State { .. } | Self::Db(_) => {
                ObstacleCode::Broken { message: self.to_string() }
            }
        };
        Obstacle { text: self.to_string(), code: Some(code) }
    }
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

/// An import that was taken back, and what that did.
#[derive(Debug, Clone, PartialEq)]
pub struct Undone {
    /// The import as it is now.
    pub import: Import,
    /// Orders that it had made; they are gone.
    pub orders_removed: u64,
    /// Orders of before that it had changed; they are as they were.
    pub orders_restored: u64,
    /// Customers that it had made; they are gone.
    pub customers_removed: u64,
}

/// Takes the import back in one transaction: wholly or, when refused or interrupted, not at all. One
/// that was killed while it ran is cancelled by that.
///
/// # Errors
/// The reason why it cannot be; otherwise as the database says.
pub async fn undo(platform: &Platform, cx: &Ctx, id: ImportId) -> Result<Undone, UndoError> {
    let at_work = is_at_work(platform, id);
    let mut tx = platform.db.begin_for(cx.scope).await?;
    // One that was killed would stay as if it ran for ever. Whoever goes on with it all the same finds
    // that it is taken back, and stops.
    let killed = [ImportState::Running, ImportState::Queued];
    let was_cut = imports::transition(&mut tx, cx, id, &killed, ImportState::Cancelled).await?;
    if was_cut && at_work {
        return Err(UndoError::AtWork(id));
    }
    let undone = undo_in(&mut tx, cx, &platform.keys(cx.scope.org()), id).await?;
    tx.commit().await?;
    Ok(undone)
}

fn customers_of(journal: &CustomersJournal) -> Result<Resolved, DbError> {
    Resolved::deserialize(journal).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> DbError {
    DbError::Refused(format!("the undo image is unreadable: {error}"))
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
) -> Result<Undone, UndoError> {
    let import = imports::get(tx, cx.scope, id).await?.ok_or(UndoError::Unknown(id))?;
    // A job that takes it back has marked it already.
    let from = [ImportState::UNDOABLE.as_slice(), &[ImportState::Undoing]].concat();
    if import.dry_run || !imports::transition(tx, cx, id, &from, ImportState::Undone).await? {
        return Err(UndoError::State { id, state: import.state });
    }
    // As it is now that its row is held: its time may have been over meanwhile.
    let import = imports::get(tx, cx.scope, id).await?.ok_or(UndoError::Unknown(id))?;
    if let Some(at) = import.forgotten_at {
        return Err(UndoError::Forgotten { id, at });
    }
    let number = import.number;
    let mut undone = Undone { import, orders_removed: 0, orders_restored: 0, customers_removed: 0 };
    let mut touched: HashSet<CustomerId> = HashSet::new();
    let mut resolved: Vec<Resolved> = Vec::new();
    while let Some(kept) = undo::last_kept(tx, cx.scope, keys, number, i64::MAX).await? {
        let later = undo::changed_since(tx, cx.scope, number, &kept).await?;
        if !later.is_empty() {
            return Err(built_upon_by(tx, cx, later).await?);
        }
        undone.orders_removed += kept.created.len() as u64;
        // What the import made itself and changed in a later batch is not restored, but removed.
        let of_before = kept.before.iter().filter(|image| image.order.last_import != number);
        undone.orders_restored += of_before.count() as u64;
        resolved.push(customers_of(&kept.customers)?);
        let customers = undo::take_back(tx, cx.scope, number, kept).await?;
        touched.extend(customers.into_iter().map(CustomerId::from_uuid));
    }
    for done in &resolved {
        let created: Vec<_> = done.created.iter().map(|customer| customer.uuid()).collect();
        let numbers = commerce::store::imports_with_orders_of(tx, cx.scope, &created).await?;
        if !numbers.is_empty() {
            return Err(built_upon_by(tx, cx, numbers).await?);
        }
        let apart = customers::take_back::take_back(tx, cx, done).await?;
        undone.customers_removed += created.len() as u64;
        touched.extend(apart.into_iter().map(CustomerId::from_uuid));
    }
    imports::drop_rejects(tx, cx.scope, number).await?;
    if !touched.is_empty() {
        let mut touched: Vec<CustomerId> = touched.into_iter().collect();
        touched.sort_unstable();
        outbox::push(tx, cx, &OrdersChangedV1::of(touched)).await?;
    }
    undone.import = imports::get(tx, cx.scope, id).await?.ok_or(UndoError::Unknown(id))?;
    if undone.import.error.take().is_some() {
        // Why it failed, or could not be taken back before, is no longer so.
        imports::save(tx, cx.scope, &undone.import).await?;
    }
    Ok(undone)
}

/// Imports that touched no more orders than this are looked at wholly by [`refusal`].
const LOOKED_AT_WHOLLY: u64 = 2_000;
/// Batches of a larger import that are looked at, and orders and customers of each.
const BATCHES: usize = 4;
const OF_BATCH: usize = 500;
/// Customers worked with that are looked at.
const WORKED_WITH: usize = 100;

/// Why `import` could not be taken back just now; `None` if nothing is found that stands against it.
///
/// Of a small import this says what [`undo`] would. Of a large one it looks at some of its orders and
/// at the customers of its time with whom people worked, and stops at the first reason, so that it
/// stays quick however large the import is; the rest is found out when it is tried.
///
/// # Errors
/// As the database says.
pub async fn refusal(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    import: &Import,
) -> Result<Option<UndoError>, DbError> {
    if import.dry_run || !ImportState::UNDOABLE.contains(&import.state) {
        return Ok(None);
    }
    if let Some(at) = import.forgotten_at {
        return Ok(Some(UndoError::Forgotten { id: import.id, at }));
    }
    let others = imports::others_since(tx, cx.scope, import).await?;
    if import.progress.orders_created + import.progress.orders_updated <= LOOKED_AT_WHOLLY {
        return refusal_of_small(tx, cx, keys, import.number, others).await;
    }
    if others {
        let numbers = built_upon(tx, cx, import.number).await?;
        if !numbers.is_empty() {
            return Ok(Some(built_upon_by(tx, cx, numbers).await?));
        }
    }
    let began = import.started_at.unwrap_or(import.created_at);
    let ended = import.finished_at.unwrap_or_else(|| cx.now());
    let worked = customers::take_back::worked_with(tx, cx.scope, began, ended, WORKED_WITH).await?;
    if worked.is_nobody() {
        return Ok(None);
    }
    // Another import may have made them at the same time.
    for batch in undo::some_batches(tx, cx.scope, import.number, usize::MAX).await? {
        let Some((_, journal)) = undo::created_by(tx, cx.scope, import.number, batch).await? else {
            continue;
        };
        let made: HashSet<CustomerId> = journal_of(&journal)?.created.into_iter().collect();
        let refused = worked.among(|id| made.contains(&id));
        if !refused.is_nothing() {
            return Ok(Some(UndoError::WorkedWith(refused)));
        }
    }
    Ok(None)
}

fn journal_of(text: &str) -> Result<Resolved, DbError> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

async fn refusal_of_small(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    number: i64,
    others: bool,
) -> Result<Option<UndoError>, DbError> {
    let mut below = i64::MAX;
    let mut refused = TakeBackRefused::default();
    while let Some(kept) = undo::last_kept(tx, cx.scope, keys, number, below).await? {
        below = kept.batch_no;
        let done = customers_of(&kept.customers)?;
        if others {
            let later = undo::changed_since(tx, cx.scope, number, &kept).await?;
            let mut numbers: BTreeSet<i64> = later.into_iter().collect();
            let created: Vec<_> = done.created.iter().map(|customer| customer.uuid()).collect();
            numbers.extend(commerce::store::imports_with_orders_of(tx, cx.scope, &created).await?);
            numbers.remove(&number);
            if !numbers.is_empty() {
                return Ok(Some(built_upon_by(tx, cx, numbers).await?));
            }
        }
        let found = customers::take_back::check_take_back(tx, cx.scope, &done).await?;
        refused = refused.plus(found);
    }
    Ok((!refused.is_nothing()).then_some(UndoError::WorkedWith(refused)))
}

/// The refusal that names these imports.
async fn built_upon_by(
    tx: &mut Tx,
    cx: &Ctx,
    numbers: impl IntoIterator<Item = i64>,
) -> Result<UndoError, DbError> {
    let mut later = BTreeMap::new();
    for number in numbers {
        if let Some(id) = imports::id_of(tx, cx.scope, number).await? {
            later.insert(number, id);
        }
    }
    Ok(UndoError::BuiltUpon { later })
}

/// Later imports found to build on some of what the import `number` made.
async fn built_upon(tx: &mut Tx, cx: &Ctx, number: i64) -> Result<BTreeSet<i64>, DbError> {
    for batch in undo::some_batches(tx, cx.scope, number, BATCHES).await? {
        let Some((orders, journal)) = undo::created_by(tx, cx.scope, number, batch).await? else {
            continue;
        };
        let customers: Vec<_> =
            journal_of(&journal)?.created.iter().map(|customer| customer.uuid()).collect();
        let some = |ids: &[Uuid]| -> Vec<Uuid> {
            ids.iter().copied().step_by(ids.len().div_ceil(OF_BATCH).max(1)).collect()
        };
        let last = commerce::store::last_imports(tx, cx.scope, &some(&orders)).await?;
        let mut numbers: BTreeSet<i64> = last.into_iter().collect();
        numbers.extend(
            commerce::store::imports_with_orders_of(tx, cx.scope, &some(&customers)).await?,
        );
        numbers.remove(&number);
        if !numbers.is_empty() {
            return Ok(numbers);
        }
    }
    Ok(BTreeSet::new())
}

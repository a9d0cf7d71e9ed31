//! Whose customer it is.

use kernel::{CustomerId, TypedId as _, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx, outbox};
use uuid::Uuid;

use crate::events::CustomersChangedV1;
use crate::history::Change;
use crate::reach::Place;
use crate::store::changes::{self, Locked};
use crate::{roots, store};

/// Customers given to somebody at once.
pub const ASSIGN_MAX: usize = 1_000;

/// Why customers cannot be given to somebody.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// There are no such customers, or the caller does not see them.
    #[error("there is no customer {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Unknown(Vec<CustomerId>),
    /// Too many at once.
    #[error("at most {ASSIGN_MAX} customers at once")]
    TooMany,
    /// The caller would not see them any more.
    #[error("you would not see them any more: somebody whose view reaches further has to do this")]
    OutOfReach,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Gives customers to `owner`, who is known to be there; `None` takes them from whoever has them. Of a
/// merged customer the root is given. Gives how many changed hands.
///
/// # Errors
/// `Unknown`, `TooMany`, `OutOfReach`; then nothing is changed.
pub async fn assign(
    tx: &mut Tx,
    cx: &Ctx,
    customers: &[CustomerId],
    owner: Option<UserId>,
) -> Result<u64, AssignError> {
    if customers.len() > ASSIGN_MAX {
        return Err(AssignError::TooMany);
    }
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let root_of = roots::roots(tx, cx.scope, &ids).await?;
    let tops = roots::distinct(&root_of.values().copied().collect::<Vec<_>>());
    let held = changes::lock(tx, cx, &tops).await?;
    let unknown: Vec<CustomerId> = customers
        .iter()
        .filter(|id| {
            root_of.get(&id.uuid()).is_none_or(|root| !held.iter().any(|row| row.id == *root))
        })
        .copied()
        .collect();
    if !unknown.is_empty() {
        return Err(AssignError::Unknown(unknown));
    }
    let after = |row: &Locked| Place { owner, province: row.province.clone() };
    if !held.iter().all(|row| after(row).is_in(cx.access.reach())) {
        return Err(AssignError::OutOfReach);
    }
    let changing: Vec<Locked> = held.into_iter().filter(|row| row.owner() != owner).collect();
    if changing.is_empty() {
        return Ok(0);
    }
    let named: Vec<CustomerId> = changing.iter().map(|row| CustomerId::from_uuid(row.id)).collect();
    give(tx, cx, changing, owner).await?;
    let count = named.len() as u64;
    let entry = Entry::new("customers.bulk.assign")
        .with("customers", &named)
        .with("owner", owner)
        .with("changed", count);
    outbox::push(tx, cx, &CustomersChangedV1::of(named)).await?;
    audit::record(tx, cx, entry).await?;
    Ok(count)
}

async fn give(
    tx: &mut Tx,
    cx: &Ctx,
    rows: Vec<Locked>,
    owner: Option<UserId>,
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    store::owners::set(tx, cx, &ids, owner).await?;
    let told = rows.into_iter().map(|row| (row.id, Change::Owner { from: row.owner(), to: owner }));
    changes::tell(tx, cx, told.collect()).await
}

/// Gives all customers of one user to another, or to nobody; gives how many. For whoever manages people,
/// and so sees everything.
///
/// # Errors
/// As the database says.
pub async fn hand_over(
    tx: &mut Tx,
    cx: &Ctx,
    from: UserId,
    to: Option<UserId>,
) -> Result<u64, DbError> {
    let mut changed: Vec<CustomerId> = Vec::new();
    // Each round takes its customers away from `from`.
    while to != Some(from) {
        let ids = store::owners::owned(tx, cx.scope, from, ASSIGN_MAX).await?;
        let held = changes::lock(tx, cx, &ids).await?;
        if held.is_empty() {
            break;
        }
        changed.extend(held.iter().map(|row| CustomerId::from_uuid(row.id)));
        give(tx, cx, held, to).await?;
    }
    let count = changed.len() as u64;
    if count > 0 {
        outbox::push(tx, cx, &CustomersChangedV1::of(changed)).await?;
        let entry = Entry::new("customers.owner.hand_over")
            .on("user", from)
            .with("to", to)
            .with("customers", count);
        audit::record(tx, cx, entry).await?;
    }
    Ok(count)
}

//! Work on many customers in portions: each is a transaction, and how far it came is noted in its job.

use std::collections::{BTreeMap, HashMap};

use commerce::store as orders;
use kernel::{CustomerId, TypedId as _};
use loyalty::{levels, points};
use platform::{Ctx, DbError, Job, JobError, Platform, Scope, Tx, jobs};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{settle_levels, settle_points};

/// What is settled in one transaction. Whoever has more orders than that is settled alone: a limit of days needs them
/// all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// Customers.
    pub customers: u32,
    /// Orders, times the programmes or schemes in which each is settled.
    pub orders: u64,
}

impl Default for Portion {
    /// About a second, and a few ten megabytes.
    fn default() -> Self {
        Self { customers: 500, orders: 10_000 }
    }
}

impl Portion {
    /// Whether all of `sizes` goes into one transaction.
    pub(crate) fn holds(self, sizes: &[(CustomerId, u64)], times: usize) -> bool {
        let orders: u64 = sizes.iter().map(|(_, orders)| orders).sum();
        sizes.len() <= self.customers as usize && orders.saturating_mul(times as u64) <= self.orders
    }

    /// The first of `sizes` (customers with how many orders each has) that go into one transaction, one at least.
    pub(crate) fn cut(self, sizes: &[(CustomerId, u64)], times: usize) -> Vec<CustomerId> {
        let mut room = self.orders / (times as u64).max(1);
        let mut some = Vec::new();
        for (customer, orders) in sizes.iter().take(self.customers as usize) {
            if *orders > room && !some.is_empty() {
                break;
            }
            room = room.saturating_sub(*orders);
            some.push(*customer);
        }
        some
    }
}

/// What is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Points of orders.
    Points,
    /// Levels of families.
    Levels,
}

impl Of {
    /// In how many programmes or schemes each customer is settled.
    async fn books(self, tx: &mut Tx, scope: Scope) -> Result<usize, DbError> {
        Ok(match self {
            Self::Points => points::programme::newest(tx, scope).await?.len(),
            Self::Levels => levels::scheme::newest(tx, scope).await?.len(),
        })
    }

    async fn settle(self, tx: &mut Tx, cx: &Ctx, some: &[CustomerId]) -> Result<(), DbError> {
        match self {
            Self::Points => settle_points::settle(tx, cx, some).await,
            Self::Levels => settle_levels::settle(tx, cx, some).await,
        }
    }
}

/// Settles whoever is `left`, portion by portion, each in a transaction of its own; with `job`, how far it came is noted
/// there, so that it goes on behind that.
///
/// # Errors
/// `Cancelled` when `cancel` says so, behind a portion; otherwise as the database says.
pub(crate) async fn settle_left(
    platform: &Platform,
    cx: &Ctx,
    job: Option<&Job>,
    (of, mut left, portion): (Of, Left, Portion),
    cancel: &CancellationToken,
) -> Result<(), JobError> {
    loop {
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let books = of.books(&mut tx, cx.scope).await?;
        let sizes = match books {
            0 => Vec::new(),
            _ => left.next(&mut tx, cx, of, portion.customers).await?,
        };
        if sizes.is_empty() {
            return Ok(tx.rollback().await?);
        }
        let some = portion.cut(&sizes, books);
        of.settle(&mut tx, cx, &some).await?;
        left = left.behind(&some);
        if let Some(job) = job {
            jobs::checkpoint(&mut tx, job, &left).await?;
        }
        tx.commit().await?;
    }
}

/// What a job still has to settle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Left {
    /// These alone; all if there is no list.
    pub customers: Option<Vec<CustomerId>>,
    /// Of all, those with greater ids.
    pub after: Option<CustomerId>,
}

/// How many orders each of `customers` has, in the order given.
pub(crate) async fn sizes_of(
    tx: &mut Tx,
    cx: &Ctx,
    customers: &[CustomerId],
) -> Result<Vec<(CustomerId, u64)>, DbError> {
    let counted = orders::orders_counted(tx, cx.scope, customers).await?;
    let counted: HashMap<Uuid, u64> = counted.into_iter().collect();
    let size = |id: &CustomerId| counted.get(&id.uuid()).copied().unwrap_or(0);
    Ok(customers.iter().map(|id| (*id, size(id))).collect())
}

impl Left {
    /// Whose turn it is next, with how many orders each has, in the order in which they are settled.
    pub(crate) async fn next(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        of: Of,
        limit: u32,
    ) -> Result<Vec<(CustomerId, u64)>, DbError> {
        if let Some(customers) = &self.customers {
            return sizes_of(tx, cx, &customers[..customers.len().min(limit as usize)]).await;
        }
        let after = self.after.map_or(Uuid::nil(), |id| id.uuid());
        let counted = orders::orders_counted_after(tx, cx.scope, after, limit).await?;
        let mut sizes: BTreeMap<Uuid, u64> = counted.into_iter().collect();
        // Whose orders are gone has points, or a level, that must go.
        let known = match of {
            Of::Points => points::settle::customers_after(tx, cx.scope, after, limit).await?,
            Of::Levels => levels::settle::customers_after(tx, cx.scope, after, limit).await?,
        };
        for id in known {
            sizes.entry(id).or_default();
        }
        let sizes = sizes.into_iter().take(limit as usize);
        Ok(sizes.map(|(id, size)| (CustomerId::from_uuid(id), size)).collect())
    }

    /// What is left behind `done`, which came first.
    pub(crate) fn behind(mut self, done: &[CustomerId]) -> Self {
        match &mut self.customers {
            Some(customers) => drop(customers.drain(..done.len().min(customers.len()))),
            None => self.after = done.last().copied().or(self.after),
        }
        self
    }
}

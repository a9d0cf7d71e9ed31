//! Points follow orders: whenever orders of a customer change, all of that customer's orders are settled anew.
//!
//! State-based, so an event that is late or comes twice changes nothing, and so does a job that runs again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use commerce::OrderState;
use commerce::events::OrdersChangedV1;
use commerce::store::{self as orders, OrderRow};
use commerce::{Shop, shops};
use customers::roots;
use kernel::{CustomerId, OrderId, ProgrammeId, Timestamp, TypedId as _};
use loyalty::levels::membership::Multipliers;
use loyalty::levels::scheme;
use loyalty::points::PointsError;
use loyalty::points::programme::{self, NewProgramme};
use loyalty::points::rules::LineFact;
use loyalty::points::settle::{self, Extent, OrderFacts};
use platform::jobs::{self, JobOptions};
use platform::outbox::{self, HandleError, StoredEvent};
use platform::{
    Ctx, DbError, Event as _, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Subscriber,
    Tx,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The kind of the job that settles the orders of all customers, or of some.
pub const SETTLE: &str = "loyalty.settle";

/// What is settled in one transaction. Whoever has more orders than that is settled alone: a limit of days needs them
/// all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// Customers.
    pub customers: u32,
    /// Orders, times the programmes in which each is settled.
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
    fn holds(self, sizes: &[(CustomerId, u64)], programmes: usize) -> bool {
        let orders: u64 = sizes.iter().map(|(_, orders)| orders).sum();
        sizes.len() <= self.customers as usize
            && orders.saturating_mul(programmes as u64) <= self.orders
    }

    /// The first of `sizes` (customers with how many orders each has) that go into one transaction, one at least.
    fn cut(self, sizes: &[(CustomerId, u64)], programmes: usize) -> Vec<CustomerId> {
        let mut room = self.orders / (programmes as u64).max(1);
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

/// What a job still has to settle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Left {
    /// These alone; all if there is no list.
    pub customers: Option<Vec<CustomerId>>,
    /// Of all, those with greater ids.
    pub after: Option<CustomerId>,
}
/// Name of the subscriber.
const NAME: &str = "flows.settle_points";
/// Multiplier of whoever has no level.
const NO_LEVEL_PERMILLE: i64 = 1_000;

/// Settles all orders of `customers` in every programme. Nothing that decides is read before others who settle are
/// done, so an older state of an order, or of a programme, is never posted over a newer one. Reads all orders of all
/// of them into memory.
///
/// # Errors
/// As the database says.
pub async fn settle(tx: &mut Tx, cx: &Ctx, customers: &[CustomerId]) -> Result<(), DbError> {
    if customers.is_empty() {
        return Ok(());
    }
    settle::take_turn(tx, cx.scope).await?;
    let programmes = programme::all(tx, cx.scope).await?;
    if programmes.is_empty() {
        return Ok(());
    }
    let shops = shops::all(tx, cx).await?;
    let facts = facts_of(tx, cx, &shops, customers).await?;
    let facts = leveled(tx, cx, facts).await?;
    for programme in &programmes {
        settle::settle(tx, cx, programme, customers, &facts, Extent::All).await?;
    }
    Ok(())
}

/// What the orders of `customers` come to now.
pub(crate) async fn facts_of(
    tx: &mut Tx,
    cx: &Ctx,
    shops: &[Shop],
    customers: &[CustomerId],
) -> Result<Vec<OrderFacts>, DbError> {
    let rows = orders::orders_of(tx, cx.scope, customers).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut lines = orders::lines(tx, cx.scope, &ids).await?;
    let shops: HashMap<i64, &Shop> = shops.iter().map(|shop| (shop.number, shop)).collect();
    let facts = rows.into_iter().filter_map(|row| {
        let lines = lines.remove(&row.id).unwrap_or_default();
        let lines = lines.into_iter().map(|line| LineFact {
            product: line.sku_code.unwrap_or_default(),
            amount_minor: line.amount_minor.unwrap_or(0),
            refunded_minor: line.refund_minor.unwrap_or(0),
        });
        facts(&row, lines.collect(), shops.get(&row.shop_number)?)
    });
    Ok(facts.collect())
}

/// Says of orders by which level they earn: by that of their family's root which was known before they were paid. Of
/// several schemes that cover an order, the one that multiplies most.
async fn leveled(
    tx: &mut Tx,
    cx: &Ctx,
    mut facts: Vec<OrderFacts>,
) -> Result<Vec<OrderFacts>, DbError> {
    let schemes = scheme::all(tx, cx.scope).await?;
    if schemes.is_empty() || facts.is_empty() {
        return Ok(facts);
    }
    let customers: BTreeSet<Uuid> = facts.iter().map(|fact| fact.customer.uuid()).collect();
    let customers: Vec<Uuid> = customers.into_iter().collect();
    let roots = roots::roots(tx, cx.scope, &customers).await?;
    let distinct: BTreeSet<CustomerId> =
        roots.values().copied().map(CustomerId::from_uuid).collect();
    let distinct: Vec<CustomerId> = distinct.into_iter().collect();
    let mut known = Vec::new();
    for scheme in &schemes {
        known.push((scheme, Multipliers::read(tx, cx.scope, scheme, &distinct).await?));
    }
    for fact in &mut facts {
        let Some(paid_at) = fact.paid_at else { continue };
        let root = roots.get(&fact.customer.uuid()).copied();
        let root = root.map_or(fact.customer, CustomerId::from_uuid);
        fact.level_permille = known
            .iter()
            .filter(|(scheme, _)| scheme.covers(fact.shop, fact.currency))
            .map(|(scheme, multipliers)| multipliers.permille(scheme, root, paid_at))
            .max()
            .unwrap_or(NO_LEVEL_PERMILLE);
    }
    Ok(facts)
}

/// What an order comes to; `None` if it is nobody's. Paid is what the report says, or else the total, or the goods
/// with their freight, as for revenue.
fn facts(row: &OrderRow, lines: Vec<LineFact>, shop: &Shop) -> Option<OrderFacts> {
    let state = row.order_state();
    let is_paid = !matches!(state, OrderState::Unpaid);
    let goods = || Some(row.goods_minor?.saturating_add(row.freight_minor.unwrap_or(0)));
    let paid = row.paid_minor.or(row.total_minor).or_else(goods).unwrap_or(0);
    let paid_at = is_paid.then(|| Timestamp::from_millis(row.paid_at.unwrap_or(row.ordered_at)));
    Some(OrderFacts {
        order: OrderId::from_uuid(row.id),
        customer: CustomerId::from_uuid(row.customer_id?),
        shop: shop.id,
        currency: shop.currency,
        paid_at,
        paid_minor: if is_paid { paid } else { 0 },
        refunded_minor: row.refund_minor.unwrap_or(0),
        lines,
        level_permille: NO_LEVEL_PERMILLE,
        void: state == OrderState::Closed,
    })
}

/// Settles the orders of whoever is named, in the transaction of the event if they are few, and else by a job.
#[derive(Debug, Clone, Copy)]
pub struct SettlePoints;

#[async_trait]
impl Subscriber for SettlePoints {
    fn name(&self) -> &'static str {
        NAME
    }

    fn topics(&self) -> &'static [&'static str] {
        &[OrdersChangedV1::TOPIC]
    }

    async fn handle(
        &self,
        _platform: &Platform,
        tx: &mut Tx,
        cx: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError> {
        let programmes = programme::all(tx, cx.scope).await?.len();
        if programmes == 0 {
            return Ok(());
        }
        let changed: OrdersChangedV1 = event.parse()?;
        if changed.many {
            return Ok(settle_all_soon(tx, cx).await?);
        }
        let names = changed.customers;
        let sizes = sizes_of(tx, cx, &names).await?;
        if !Portion::default().holds(&sizes, programmes) {
            return Ok(settle_soon(tx, cx, names).await?);
        }
        Ok(settle(tx, cx, &names).await?)
    }
}

/// Makes a programme, and has the orders that are there settled in it.
///
/// # Errors
/// As [`programme::create`].
pub async fn make_programme(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewProgramme,
) -> Result<ProgrammeId, PointsError> {
    let id = programme::create(tx, cx, new).await?;
    settle_all_soon(tx, cx).await?;
    Ok(id)
}

/// Has the orders of all customers settled: many changed, or a programme was made for orders that are there.
///
/// # Errors
/// As the database says.
pub async fn settle_all_soon(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    enqueue(tx, cx, &Left::default(), Some("all".to_owned())).await
}

/// Has the orders of `customers` settled, who are too many for one transaction.
async fn settle_soon(tx: &mut Tx, cx: &Ctx, customers: Vec<CustomerId>) -> Result<(), DbError> {
    enqueue(tx, cx, &Left { customers: Some(customers), after: None }, None).await
}

async fn enqueue(
    tx: &mut Tx,
    cx: &Ctx,
    left: &Left,
    unique_key: Option<String>,
) -> Result<(), DbError> {
    // It goes on where it stopped, so it need never be given up; without it points would stay wrong in silence.
    let options = JobOptions { unique_key, max_attempts: u32::MAX, ..JobOptions::default() };
    jobs::enqueue(tx, cx, SETTLE, left, options).await.map(drop)
}

/// How many orders each of `customers` has, in the order given.
async fn sizes_of(
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
    async fn next(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        limit: u32,
    ) -> Result<Vec<(CustomerId, u64)>, DbError> {
        if let Some(customers) = &self.customers {
            return sizes_of(tx, cx, &customers[..customers.len().min(limit as usize)]).await;
        }
        let after = self.after.map_or(Uuid::nil(), |id| id.uuid());
        let counted = orders::orders_counted_after(tx, cx.scope, after, limit).await?;
        let mut sizes: BTreeMap<Uuid, u64> = counted.into_iter().collect();
        // Whose orders are gone has points that must go.
        for id in settle::customers_after(tx, cx.scope, after, limit).await? {
            sizes.entry(id).or_default();
        }
        let sizes = sizes.into_iter().take(limit as usize);
        Ok(sizes.map(|(id, size)| (CustomerId::from_uuid(id), size)).collect())
    }

    /// What is left behind `done`, which came first.
    fn behind(mut self, done: &[CustomerId]) -> Self {
        match &mut self.customers {
            Some(customers) => drop(customers.drain(..done.len().min(customers.len()))),
            None => self.after = done.last().copied().or(self.after),
        }
        self
    }
}

/// Settles the orders of whoever is `left`, portion by portion, each in a transaction of its own; with `job`, how far it
/// came is noted there, so that it goes on behind that.
///
/// # Errors
/// `Cancelled` when `cancel` says so, behind a portion; otherwise as the database says.
pub async fn settle_left(
    platform: &Platform,
    cx: &Ctx,
    job: Option<&Job>,
    mut left: Left,
    portion: Portion,
    cancel: &CancellationToken,
) -> Result<(), JobError> {
    loop {
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let programmes = programme::all(&mut tx, cx.scope).await?.len();
        let sizes = match programmes {
            0 => Vec::new(),
            _ => left.next(&mut tx, cx, portion.customers).await?,
        };
        if sizes.is_empty() {
            return Ok(tx.rollback().await?);
        }
        let some = portion.cut(&sizes, programmes);
        settle(&mut tx, cx, &some).await?;
        left = left.behind(&some);
        if let Some(job) = job {
            jobs::checkpoint(&mut tx, job, &left).await?;
        }
        tx.commit().await?;
    }
}

/// Settles the orders of all customers, portion by portion.
///
/// # Errors
/// As [`settle_left`].
pub async fn settle_all(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
) -> Result<(), JobError> {
    settle_left(platform, cx, None, Left::default(), Portion::default(), cancel).await
}

/// What the ledger of points has against what the orders come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Orders changed that are not settled yet, so a difference would be no fault.
    Busy {
        /// Events that tell of such orders.
        events: i64,
        /// Whether a job is open that settles some.
        job: bool,
    },
    /// All orders were compared.
    Done {
        /// In how many programmes.
        programmes: usize,
        /// How many orders have other points than they should.
        wrong: u64,
        /// The first few of them.
        named: Vec<OrderId>,
    },
}

/// Wrong orders that are named.
const NAMED_MAX: usize = 10;

/// Computes for every order what it should have earned and given back, and compares it with the ledger.
///
/// # Errors
/// As the database says.
pub async fn compare(tx: &mut Tx, cx: &Ctx) -> Result<Comparison, DbError> {
    let programmes = programme::all(tx, cx.scope).await?;
    let (mut wrong, mut named) = (0, Vec::new());
    if !programmes.is_empty() {
        let events = outbox::waiting_for(tx, cx.scope, NAME, OrdersChangedV1::TOPIC).await?;
        let job = jobs::is_open(tx, cx.scope, SETTLE).await?;
        if events > 0 || job {
            return Ok(Comparison::Busy { events, job });
        }
        let portion = Portion::default();
        let shops = shops::all(tx, cx).await?;
        let mut left = Left::default();
        loop {
            let sizes = left.next(tx, cx, portion.customers).await?;
            if sizes.is_empty() {
                break;
            }
            let some = portion.cut(&sizes, 1);
            let facts = facts_of(tx, cx, &shops, &some).await?;
            let facts = leveled(tx, cx, facts).await?;
            for programme in &programmes {
                let found = settle::differences(tx, cx.scope, programme, &some, &facts).await?;
                wrong += found.len() as u64;
                named.extend(found.into_iter().take(NAMED_MAX - named.len()));
            }
            left = left.behind(&some);
        }
    }
    Ok(Comparison::Done { programmes: programmes.len(), wrong, named })
}

/// Runs [`settle_left`].
#[derive(Debug, Clone, Copy)]
pub struct SettleAll;

#[async_trait]
impl JobHandler for SettleAll {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        // Null is what jobs had that settle all.
        let left: Option<Left> = job.payload()?;
        let left = left.unwrap_or_default();
        settle_left(platform, &cx, Some(job), left, Portion::default(), &cancel).await?;
        Ok(JobOutcome::Done)
    }
}

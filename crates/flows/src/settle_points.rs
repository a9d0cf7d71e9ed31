//! Points follow orders: whenever orders of a customer change, all of that customer's orders are settled anew.
//!
//! State-based, so an event that is late or comes twice changes nothing, and so does a job that runs again.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use commerce::OrderState;
use commerce::events::OrdersChangedV1;
use commerce::store::{self as orders, OrderRow};
use commerce::{Shop, shops};
use customers::roots;
use kernel::{CustomerId, OrderId, ProgrammeId, Timestamp, TypedId as _};
use loyalty::levels::{self, membership::Multipliers, scheme};
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
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::portions::{self, Of, sizes_of};
pub use crate::portions::{Left, Portion};

/// The kind of the job that settles the orders of all customers, or of some.
pub const SETTLE: &str = "loyalty.settle";

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
    let facts = leveled(tx, cx, facts, Time::GoesOn).await?;
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
    let mut facts = totals_of(tx, cx, shops, customers).await?;
    let ids: Vec<Uuid> = facts.iter().map(|fact| fact.order.uuid()).collect();
    let mut lines = orders::lines(tx, cx.scope, &ids).await?;
    for fact in &mut facts {
        let lines = lines.remove(&fact.order.uuid()).unwrap_or_default();
        let lines = lines.into_iter().map(|line| LineFact {
            product: line.sku_code.unwrap_or_default(),
            amount_minor: line.amount_minor.unwrap_or(0),
            refunded_minor: line.refund_minor.unwrap_or(0),
        });
        fact.lines = lines.collect();
    }
    Ok(facts)
}

/// What the orders of `customers` come to now, without their lines.
pub(crate) async fn totals_of(
    tx: &mut Tx,
    cx: &Ctx,
    shops: &[Shop],
    customers: &[CustomerId],
) -> Result<Vec<OrderFacts>, DbError> {
    let rows = orders::orders_of(tx, cx.scope, customers).await?;
    let shops: HashMap<i64, &Shop> = shops.iter().map(|shop| (shop.number, shop)).collect();
    Ok(rows.iter().filter_map(|row| facts(row, shops.get(&row.shop_number)?)).collect())
}

/// Whether levels that ended are written down before their history is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// They are: the multiplier is the same whether or not the job was there before the order.
    GoesOn,
    /// Nothing is written.
    AsStored,
}

/// Says of orders by which level they earn: by that of their family's root which was known before they were paid. Of
/// several schemes that cover an order, the one that multiplies most.
async fn leveled(
    tx: &mut Tx,
    cx: &Ctx,
    mut facts: Vec<OrderFacts>,
    time: Time,
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
    if time == Time::GoesOn {
        levels::jobs::bring_up(tx, cx, &schemes, &distinct).await?;
    }
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
fn facts(row: &OrderRow, shop: &Shop) -> Option<OrderFacts> {
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
        lines: Vec::new(),
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
        let programmes = programme::newest(tx, cx.scope).await?.len();
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

/// Settles the orders of whoever is `left`; see [`portions::settle_left`].
///
/// # Errors
/// As there.
pub async fn settle_left(
    platform: &Platform,
    cx: &Ctx,
    job: Option<&Job>,
    left: Left,
    portion: Portion,
    cancel: &CancellationToken,
) -> Result<(), JobError> {
    portions::settle_left(platform, cx, job, (Of::Points, left, portion), cancel).await
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
            let sizes = left.next(tx, cx, Of::Points, portion.customers).await?;
            if sizes.is_empty() {
                break;
            }
            let some = portion.cut(&sizes, 1);
            let facts = facts_of(tx, cx, &shops, &some).await?;
            let facts = leveled(tx, cx, facts, Time::AsStored).await?;
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

//! Points follow orders: whenever orders of a customer change, all of that customer's orders are settled anew.
//!
//! State-based, so an event that is late or comes twice changes nothing, and so does a job that runs again.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use commerce::OrderState;
use commerce::events::OrdersChangedV1;
use commerce::store::{self as orders, OrderRow};
use commerce::{Shop, shops};
use kernel::{CustomerId, OrderId, ProgrammeId, Timestamp, TypedId as _};
use loyalty::points::PointsError;
use loyalty::points::programme::{self, NewProgramme, Programme};
use loyalty::points::rules::LineFact;
use loyalty::points::settle::{self, Extent, OrderFacts};
use platform::jobs::{self, JobOptions};
use platform::outbox::{HandleError, StoredEvent};
use platform::{
    Ctx, DbError, Event as _, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Subscriber,
    Tx,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The kind of the job that settles the orders of all customers.
pub const SETTLE: &str = "loyalty.settle";
/// Customers settled at once, which bounds memory, and in the job a transaction.
const CUSTOMERS: usize = 500;
/// Multiplier of whoever has no level.
const NO_LEVEL_PERMILLE: i64 = 1_000;

/// Settles all orders of `customers` in every programme.
///
/// # Errors
/// As the database says.
pub async fn settle(
    tx: &mut Tx,
    cx: &Ctx,
    programmes: &[Programme],
    customers: &[CustomerId],
) -> Result<(), DbError> {
    if programmes.is_empty() || customers.is_empty() {
        return Ok(());
    }
    let shops = shops::all(tx, cx).await?;
    for some in customers.chunks(CUSTOMERS) {
        let facts = facts_of(tx, cx, &shops, some).await?;
        for programme in programmes {
            settle::settle(tx, cx, programme, some, &facts, Extent::All).await?;
        }
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

/// Settles the orders of whoever is named, in the transaction of the event.
#[derive(Debug, Clone, Copy)]
pub struct SettlePoints;

#[async_trait]
impl Subscriber for SettlePoints {
    fn name(&self) -> &'static str {
        "flows.settle_points"
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
        let programmes = programme::all(tx, cx.scope).await?;
        if programmes.is_empty() {
            return Ok(());
        }
        let changed: OrdersChangedV1 = event.parse()?;
        if changed.many {
            return Ok(settle_all_soon(tx, cx).await?);
        }
        Ok(settle(tx, cx, &programmes, &changed.customers).await?)
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
    let options = JobOptions { unique_key: Some("all".to_owned()), ..JobOptions::default() };
    jobs::enqueue(tx, cx, SETTLE, &(), options).await.map(drop)
}

/// Settles the orders of all customers, some hundred in a transaction; stopped, it begins anew and finds most of it
/// done.
///
/// # Errors
/// `Cancelled` when `cancel` says so; otherwise as the database says.
pub async fn settle_all(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
) -> Result<(), JobError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let programmes = programme::all(&mut tx, cx.scope).await?;
    if programmes.is_empty() {
        return Ok(tx.rollback().await?);
    }
    let named = commerce::invariants::customers_named(&mut tx, cx.scope).await?;
    // Whose orders are gone has points that must go.
    let known = settle::customers(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let all: BTreeSet<Uuid> = named.into_iter().chain(known).collect();
    let all: Vec<CustomerId> = all.into_iter().map(CustomerId::from_uuid).collect();
    for some in all.chunks(CUSTOMERS) {
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let mut tx = platform.db.begin_for(cx.scope).await?;
        settle(&mut tx, cx, &programmes, some).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Runs [`settle_all`].
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
        settle_all(platform, &cx, &cancel).await?;
        Ok(JobOutcome::Done)
    }
}

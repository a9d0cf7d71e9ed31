//! Levels follow orders and merges: whenever either changes for a customer, its whole family is measured anew.
//!
//! State-based, so an event that is late or comes twice changes nothing, and so does a job that runs again.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use commerce::events::OrdersChangedV1;
use commerce::{Channel, shops};
use customers::events::CustomersChangedV1;
use customers::roots;
use kernel::{CustomerId, LevelSchemeId, ShopId, TypedId as _};
use loyalty::levels::LevelsError;
use loyalty::levels::rules::{PLATFORM_FLOOR_BPS, Rules};
use loyalty::levels::scheme::{self, NewScheme};
use loyalty::levels::settle::{self, OrderFacts};
use loyalty::points::Holder;
use loyalty::points::settle::{Extent, take_turn};
use platform::jobs::{self, JobOptions};
use platform::outbox::{HandleError, StoredEvent};
use platform::{
    Ctx, DbError, Event as _, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Subscriber,
    Tx,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::portions::{self, Left, Of, Portion, sizes_of};
use crate::settle_points::totals_of;

/// The kind of the job that measures all customers.
pub const SETTLE: &str = "loyalty.settle_levels";
/// Platforms that let members pay no less than [`PLATFORM_FLOOR_BPS`].
const FLOORED: [Channel; 2] = [Channel::Taobao, Channel::Tmall];

/// Measures the families of `customers` in every scheme. Reads the totals of all their orders into memory.
///
/// # Errors
/// As the database says.
pub async fn settle(tx: &mut Tx, cx: &Ctx, customers: &[CustomerId]) -> Result<(), DbError> {
    // Behind it nobody writes what was read earlier over what is read here.
    take_turn(tx, cx.scope).await?;
    let shops = shops::all(tx, cx).await?;
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let distinct: BTreeSet<Uuid> = roots::roots(tx, cx.scope, &ids).await?.into_values().collect();
    let distinct: Vec<Uuid> = distinct.into_iter().collect();
    let families: HashMap<Uuid, Vec<Uuid>> = roots::families(tx, cx.scope, &distinct).await?;
    let holders: Vec<Holder> = families
        .iter()
        .map(|(root, members)| {
            let members: Vec<_> = members.iter().copied().map(CustomerId::from_uuid).collect();
            Holder::new(CustomerId::from_uuid(*root), &members)
        })
        .collect();
    let members: Vec<CustomerId> =
        families.into_values().flatten().map(CustomerId::from_uuid).collect();
    let facts: Vec<OrderFacts> = totals_of(tx, cx, &shops, &members)
        .await?
        .into_iter()
        .map(|fact| OrderFacts {
            order: fact.order,
            customer: fact.customer,
            shop: fact.shop,
            currency: fact.currency,
            paid_at: fact.paid_at,
            paid_minor: fact.paid_minor,
            refunded_minor: fact.refunded_minor,
            void: fact.void,
        })
        .collect();
    settle::settle(tx, cx, &holders, &facts, Extent::All).await
}

/// Measures whoever is named, in the transaction of the event if they are few, and else by a job.
#[derive(Debug, Clone, Copy)]
pub struct SettleLevels;

#[async_trait]
impl Subscriber for SettleLevels {
    fn name(&self) -> &'static str {
        "flows.settle_levels"
    }

    fn topics(&self) -> &'static [&'static str] {
        &[OrdersChangedV1::TOPIC, CustomersChangedV1::TOPIC]
    }

    async fn handle(
        &self,
        _platform: &Platform,
        tx: &mut Tx,
        cx: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError> {
        let schemes = scheme::newest(tx, cx.scope).await?.len();
        if schemes == 0 {
            return Ok(());
        }
        let (customers, many) = if event.topic == OrdersChangedV1::TOPIC {
            let changed: OrdersChangedV1 = event.parse()?;
            (changed.customers, changed.many)
        } else {
            let changed: CustomersChangedV1 = event.parse()?;
            (changed.customers, changed.many)
        };
        if many {
            return Ok(settle_all_soon(tx, cx).await?);
        }
        let sizes = sizes_of(tx, cx, &customers).await?;
        if !Portion::default().holds(&sizes, schemes) {
            let left = Left { customers: Some(customers), after: None };
            // It goes on where it stopped; given up, levels would be wrong in silence.
            let options = JobOptions { max_attempts: u32::MAX, ..JobOptions::default() };
            return Ok(jobs::enqueue(tx, cx, SETTLE, &left, options).await.map(drop)?);
        }
        Ok(settle(tx, cx, &customers).await?)
    }
}

/// Makes a scheme, and has the customers who are there measured in it. Discounts are held to the floor of 7 折 where one
/// of its shops is on a platform that has it.
///
/// # Errors
/// As [`scheme::create`].
pub async fn make_scheme(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewScheme,
) -> Result<LevelSchemeId, LevelsError> {
    let floor = floor_bps(tx, cx, &new.shops).await?;
    let id = scheme::create(tx, cx, new, floor).await?;
    settle_all_soon(tx, cx).await?;
    Ok(id)
}

/// Gives a scheme a new version, held to the same floor.
///
/// # Errors
/// As [`scheme::change`].
pub async fn change_scheme(
    tx: &mut Tx,
    cx: &Ctx,
    id: LevelSchemeId,
    version: i64,
    name: &str,
    rules: &Rules,
) -> Result<(), LevelsError> {
    let old = scheme::get(tx, cx.scope, id).await?.ok_or(LevelsError::NoScheme)?;
    let floor = floor_bps(tx, cx, &old.shops).await?;
    scheme::change(tx, cx, id, version, name, rules, floor).await
}

/// The least that members of a scheme of `of` (of all shops, if none is named) must pay, in basis points; 0 where no
/// platform cares.
///
/// # Errors
/// As the database says.
pub async fn floor_bps(tx: &mut Tx, cx: &Ctx, of: &[ShopId]) -> Result<i64, DbError> {
    let shops = shops::all(tx, cx).await?;
    let has_floor = shops
        .iter()
        .filter(|shop| of.is_empty() || of.contains(&shop.id))
        .any(|shop| FLOORED.contains(&shop.channel));
    Ok(if has_floor { PLATFORM_FLOOR_BPS } else { 0 })
}

/// Has all customers measured: many changed, or a scheme was made for orders that are there.
///
/// # Errors
/// As the database says.
pub async fn settle_all_soon(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    // Given up, levels would be wrong in silence.
    jobs::enqueue(tx, cx, SETTLE, &Left::default(), JobOptions::standing("all")).await.map(drop)
}

/// Measures whoever is `left`; see [`portions::settle_left`].
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
    portions::settle_left(platform, cx, job, (Of::Levels, left, portion), cancel).await
}

/// Measures all customers, portion by portion.
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

/// Runs [`settle_left`].
#[derive(Debug, Clone, Copy)]
pub struct SettleAllLevels;

#[async_trait]
impl JobHandler for SettleAllLevels {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        // Null is what jobs had that measure all.
        let left: Option<Left> = job.payload()?;
        let left = left.unwrap_or_default();
        settle_left(platform, &cx, Some(job), left, Portion::default(), &cancel).await?;
        Ok(JobOutcome::Done)
    }
}

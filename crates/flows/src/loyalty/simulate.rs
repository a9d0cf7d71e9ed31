//! The simulator: orders of the past through what is live, with a draft of promotions and without it.
//!
//! Orders are read in batches by time and priced on all processors while the next batch is read. What is known of
//! customers (tier, level) is what is known today; whether an order was their first is told by its moment. A run that was
//! killed begins anew: it writes nothing but its own result.

mod asked;
mod carts;
mod views;

use std::num::NonZeroUsize;
use std::sync::Arc;

use commerce::store::{self as orders, PastOrder, PastPeriod};
use kernel::{FieldErrors, Limit, OrderId, Page, SimulationId, Timestamp};
use loyalty::simulations::{self as store, SimulationError, SimulationState};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, ListError, Problem, Tx};
use pricing::Bounds;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use asked::{DRAFT_MAX, DraftPromotion, SimulationBody};
pub use views::{
    SimulationDay, SimulationDeepOrder, SimulationLeak, SimulationPromotion, SimulationResult,
    SimulationRow, SimulationTier, SimulationTotals, SimulationView,
};

use crate::analysis::shows_amounts;
use crate::engine::{EngineError, EngineHandle, apart};
use crate::people::People;
use asked::{Asked, Offers, OffersError};
use carts::People as Customers;
use views::Sum;

/// Kind of the job that replays.
pub const SIMULATE: &str = "loyalty.simulate";
/// Orders that are read, and priced, at once.
const BATCH: usize = 5_000;
/// Batches between two notes of how far it came.
const NOTE_EVERY: usize = 4;
/// The least of the list price that platforms let be paid, in basis points: 7 折.
const FLOOR_BPS: u32 = 7_000;

/// What the job that replays is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SimulatePayload {
    /// Which simulation.
    pub simulation: SimulationId,
}

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// Some fields are wrong.
    #[error("{0}")]
    Fields(FieldErrors),
    /// Whoever asks does not see amounts, and a simulation tells nothing else.
    #[error("your role does not see amounts, which a simulation is about")]
    Hidden,
    /// The program ends; it begins anew.
    #[error("stopped before the end")]
    Stopped,
    /// What the store says.
    #[error(transparent)]
    Store(#[from] SimulationError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<OffersError> for SimulateError {
    fn from(error: OffersError) -> Self {
        match error {
            OffersError::Fields(errors) => Self::Fields(errors),
            OffersError::Db(error) => Self::Db(error),
        }
    }
}

impl From<SimulateError> for Problem {
    fn from(error: SimulateError) -> Self {
        match error {
            SimulateError::Fields(errors) => Self::validation(errors),
            SimulateError::Hidden => Self::forbidden(error.to_string()),
            SimulateError::Stopped => Self::conflict("stopped", error.to_string()),
            SimulateError::Store(error) => error.into(),
            SimulateError::Engine(error) => error.into(),
            SimulateError::Db(error) => error.into(),
        }
    }
}

/// Asks for a simulation, which runs in the background.
///
/// # Errors
/// `Fields` with all that is wrong with the body or its draft; `Hidden`; `Busy`.
pub async fn ask(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    body: &SimulationBody,
) -> Result<SimulationRow, SimulateError> {
    if !shows_amounts(cx) {
        return Err(SimulateError::Hidden);
    }
    body.check(&engine.shops()).map_err(SimulateError::Fields)?;
    Offers::read(tx, cx.scope, body).await?;
    let request = written(body)?;
    let id = store::ask(tx, cx, body.name.trim(), &request).await?;
    // What has a time to keep goes first.
    let options = JobOptions { priority: -1, ..JobOptions::default() };
    jobs::enqueue(tx, cx, SIMULATE, &SimulatePayload { simulation: id }, options).await?;
    row(tx, cx, id).await
}

async fn row(tx: &mut Tx, cx: &Ctx, id: SimulationId) -> Result<SimulationRow, SimulateError> {
    let head = store::get(tx, cx.scope, id).await?.ok_or(SimulationError::Unknown(id))?;
    let people = People::look_up(tx, cx, &cx.keys(), [head.asked_by]).await?;
    let asked_by = people.get(head.asked_by);
    Ok(SimulationRow::of(head, asked_by))
}

/// A page of simulations, the newest first.
///
/// # Errors
/// `Cursor` if `after` is of another list.
pub async fn list(
    tx: &mut Tx,
    cx: &Ctx,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<SimulationRow>, ListError> {
    let Page { items, next } = store::page(tx, cx.scope, after, limit).await?;
    let people =
        People::look_up(tx, cx, &cx.keys(), items.iter().map(|head| head.asked_by)).await?;
    let rows = items.into_iter().map(|head| {
        let asked_by = people.get(head.asked_by);
        SimulationRow::of(head, asked_by)
    });
    Ok(Page { items: rows.collect(), next })
}

/// A simulation with what came out so far.
///
/// # Errors
/// `Unknown`; `Hidden`.
pub async fn get(tx: &mut Tx, cx: &Ctx, id: SimulationId) -> Result<SimulationView, SimulateError> {
    if !shows_amounts(cx) {
        return Err(SimulateError::Hidden);
    }
    let row = row(tx, cx, id).await?;
    let (request, result) =
        store::texts(tx, cx.scope, id).await?.ok_or(SimulationError::Unknown(id))?;
    let result = result.map(|text| read(&text)).transpose()?;
    Ok(SimulationView { row, request: read(&request)?, result })
}

/// Ends a simulation that waits or runs; what was replayed until then stays.
///
/// # Errors
/// `Unknown`.
pub async fn cancel(
    tx: &mut Tx,
    cx: &Ctx,
    id: SimulationId,
) -> Result<SimulationRow, SimulateError> {
    store::cancel(tx, cx, id).await?;
    row(tx, cx, id).await
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, DbError> {
    serde_json::from_str(text)
        .map_err(|error| DbError::Refused(format!("a stored simulation is unreadable: {error}")))
}

fn written(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value)
        .map_err(|error| DbError::Refused(format!("a simulation cannot be written: {error}")))
}

/// Notes that nothing comes out of a simulation.
///
/// # Errors
/// As the database says.
pub async fn give_up(
    engine: &EngineHandle,
    cx: &Ctx,
    id: SimulationId,
    why: &str,
) -> Result<(), SimulateError> {
    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    store::fail(&mut tx, cx, id, why).await?;
    tx.commit().await?;
    Ok(())
}

/// Replays a simulation that waits, from its first order on. One that ended stays as it is; one whose draft is not
/// sound any more says so.
///
/// # Errors
/// `Stopped` when `cancel` says so; as the database and the engine say.
pub async fn run(
    engine: &EngineHandle,
    cx: &Ctx,
    id: SimulationId,
    cancel: &CancellationToken,
) -> Result<(), SimulateError> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let head = store::get(&mut tx, cx.scope, id).await?;
    let texts = store::texts(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    let is_open = head.is_some_and(|head| head.state.is_open());
    let Some((request, _)) = texts.filter(|_| is_open) else { return Ok(()) };
    let done = match read::<SimulationBody>(&request) {
        Ok(body) => replay(engine, cx, id, &Arc::new(body), cancel).await,
        Err(error) => Err(error.into()),
    };
    match done {
        Err(SimulateError::Fields(errors)) => {
            give_up(engine, cx, id, &format!("the draft is not sound any more: {errors}")).await
        }
        done => done,
    }
}

async fn replay(
    engine: &EngineHandle,
    cx: &Ctx,
    id: SimulationId,
    body: &Arc<SimulationBody>,
    cancel: &CancellationToken,
) -> Result<(), SimulateError> {
    engine.fresh().await?;
    let shops = engine.shops();
    let Asked { period, frame } = body.check(&shops).map_err(SimulateError::Fields)?;
    let of_all = shops.frame();
    let query = of_all
        .rfm(of_all.today(cx.now()), insight::DEFAULT_BINS)
        .map_err(|error| DbError::Refused(error.to_string()))?;
    let rfm = engine.ask_long(move |engine| engine.rfm(&query)).await?;
    let db = &engine.platform().db;
    let mut tx = db.read_for(cx.scope).await?;
    let offers = Arc::new(Offers::read(&mut tx, cx.scope, body).await?);
    let mut customers = Customers::read(&mut tx, cx.scope, engine, rfm, &offers).await?;
    let total = orders::past_orders_counted(&mut tx, cx.scope, period).await?;
    tx.rollback().await?;
    let mut tx = db.begin_for(cx.scope).await?;
    let is_begun = store::begin(&mut tx, cx.scope, id, total).await?;
    tx.commit().await?;
    if !is_begun {
        return Ok(());
    }
    let bounds = Bounds { deepest_off_bps: body.deepest_off_bps(), floor_bps: FLOOR_BPS };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let (mut sum, mut done, mut batches) = (Sum::default(), 0_i64, 0_usize);
    let mut batch = Batch::read(engine, cx, &customers, period, None).await?;
    while !batch.orders.is_empty() {
        if cancel.is_cancelled() {
            return Err(SimulateError::Stopped);
        }
        let carts = customers.carts(&batch.orders, &batch.ranks, &shops, body, &offers);
        let ids: Vec<OrderId> = batch.orders.iter().map(|order| order.id).collect();
        let after = batch.last();
        let priced = {
            let offers = offers.clone();
            apart(move || {
                let found = pricing::simulate(&carts, &offers.now, &offers.draft, bounds, threads);
                (carts, found)
            })
        };
        let next = Batch::read(engine, cx, &customers, period, after);
        let (priced, next) = tokio::join!(priced, next);
        let (carts, found) = priced?;
        sum.add(found, &ids, &carts, &offers);
        done += ids.len() as i64;
        batches += 1;
        batch = next?;
        if batches.is_multiple_of(NOTE_EVERY) && !batch.orders.is_empty() {
            let result = sum.result(frame.currency, &offers, &customers);
            if !note(engine, cx, id, done, &result, None).await? {
                return Ok(());
            }
        }
    }
    let result = sum.result(frame.currency, &offers, &customers);
    note(engine, cx, id, done, &result, Some(SimulationState::Done)).await?;
    Ok(())
}

async fn note(
    engine: &EngineHandle,
    cx: &Ctx,
    id: SimulationId,
    done: i64,
    result: &SimulationResult,
    last: Option<SimulationState>,
) -> Result<bool, SimulateError> {
    let text = written(result)?;
    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    let is_open = store::note(&mut tx, cx, id, done, &text, last).await?;
    tx.commit().await?;
    Ok(is_open)
}

/// Some orders, with the ranks of their customers in each scheme.
struct Batch {
    orders: Vec<PastOrder>,
    ranks: Vec<std::collections::BTreeMap<uuid::Uuid, usize>>,
}

impl Batch {
    async fn read(
        engine: &EngineHandle,
        cx: &Ctx,
        customers: &Customers,
        period: PastPeriod,
        after: Option<(Timestamp, OrderId)>,
    ) -> Result<Self, DbError> {
        let mut tx = engine.platform().db.read_for(cx.scope).await?;
        let orders = orders::past_orders(&mut tx, cx.scope, period, after, BATCH).await?;
        let ranks = customers.ranks(&mut tx, cx.scope, &orders).await?;
        tx.rollback().await?;
        Ok(Self { orders, ranks })
    }

    fn last(&self) -> Option<(Timestamp, OrderId)> {
        self.orders.last().map(|order| (order.ordered_at, order.id))
    }
}

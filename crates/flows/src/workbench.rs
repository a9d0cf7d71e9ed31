//! What changed since yesterday, and what needs a person.

use analytics::{DaySum, DaysQuery};
use chrono::{Days, NaiveDate};
use commerce::import_view::ImportView;
use commerce::imports::{Import, ImportState};
use commerce::{imports, orders_list};
use customers::suggestions;
use insight::{Attention, AttentionKind, CHART_DAYS, Delta, Frame, UNSHIPPED_AFTER_MILLIS};
use kernel::{Currency, Limit, ShopId, Timestamp};
use platform::jobs::{self, JobState};
use platform::{Ctx, DbError, Problem, Tx};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{EngineError, EngineHandle, ShopBook};
use crate::{fields, show_imports};

/// Imports shown.
const IMPORTS: u32 = 10;
/// Suggestions counted no further than this.
const SUGGESTIONS_MAX: i64 = 10_000;

/// Revenue of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayRevenue {
    /// The day.
    pub day: NaiveDate,
    /// Revenue of the orders placed on it; null for whoever does not see amounts.
    pub revenue_minor: Option<i64>,
    /// Counted orders placed on it.
    pub orders: u64,
}

/// What the workbench shows, of customers whom whoever asks sees, and what they have a right to. Orders, revenue and new customers are of counted orders of known
/// customers, as in RFM.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Workbench {
    /// Today, in the zone of the first shop.
    pub day: NaiveDate,
    /// Counted orders placed.
    pub orders: Delta,
    /// Their revenue; null for whoever does not see amounts.
    pub revenue_minor: Option<Delta>,
    /// Customers with their first counted order.
    pub new_customers: Delta,
    /// Orders placed of which something was refunded.
    pub refunds: Delta,
    /// The last 90 days, the latest last.
    pub revenue_by_day: Vec<DayRevenue>,
    /// What needs a person; what does not is left out.
    pub attention: Vec<Attention>,
    /// The latest imports, the latest first.
    pub recent_imports: Vec<ImportView>,
    /// The currency of amounts: that of the first shop; other shops' revenue is left out.
    pub currency: Currency,
}

/// Why there is no workbench.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A rule of this house was broken; a bug.
    #[error("{0}")]
    Bug(String),
}

impl From<WorkbenchError> for Problem {
    fn from(error: WorkbenchError) -> Self {
        match error {
            WorkbenchError::Engine(error) => error.into(),
            WorkbenchError::Db(error) => error.into(),
            WorkbenchError::Bug(_) => Self::internal(&error),
        }
    }
}

/// The workbench of this moment.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn workbench(engine: &EngineHandle, cx: &Ctx) -> Result<Workbench, WorkbenchError> {
    engine.fresh().await?;
    let shops = engine.shops();
    let frame = shops.frame();
    let today = frame.today(cx.now());
    let from = today.checked_sub_days(Days::new(CHART_DAYS - 1)).unwrap_or(today);
    let query = DaysQuery { from, to: today, zone: frame.zone, shop: None };
    let counted = shops_of_currency(&shops, frame);
    let reach = cx.access.reach().clone();
    let shows_amounts = cx.access.fields().show(fields::AMOUNTS);
    let now = cx.now();
    let is_one_currency = shops.choose(None).is_ok();
    let (days, slipping) = engine
        .ask_long(move |engine| {
            let days = sums(&counted, |shop| engine.days(&DaysQuery { shop, ..query }, &reach));
            // Tiers of amounts in several currencies mean nothing.
            let scores = engine.scores().filter(|_| is_one_currency && shows_amounts);
            let slipping = scores.map_or(0, |scores| {
                let seen = engine.within(scores, &reach);
                seen.slipping_away(&engine.withheld(&seen, now))
            });
            (days, slipping)
        })
        .await?;

    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    // As the guard asks of routes that are about all records.
    let may = |right| {
        let sees_enough = cx.access.reach().is_all() || identity::roles::is_cut(right);
        cx.access.permissions().allow(right) && sees_enough
    };
    let start = |day: NaiveDate| Timestamp::start_of(day, frame.zone);
    let yesterday = today.pred_opt().unwrap_or(today);
    let tomorrow = today.succ_opt().unwrap_or(today);
    let seen = customers::reach::condition(cx, "customer_id");
    let seen = seen.as_ref();
    let (began, ended) = (start(today), start(tomorrow));
    let refunds = Delta {
        value: orders_list::refunded_between(&mut tx, cx.scope, began, ended, seen).await?,
        before: orders_list::refunded_between(&mut tx, cx.scope, start(yesterday), began, seen)
            .await?,
    };
    let imports = if may("commerce.import") {
        let limit = Limit::new(Some(IMPORTS)).map_err(WorkbenchError::Bug)?;
        imports::list(&mut tx, cx.scope, None, limit).await?.items
    } else {
        Vec::new()
    };
    let keys = engine.platform().keys(cx.scope.org());
    let recent_imports = show_imports::views(&mut tx, cx, &keys, &imports).await?;
    let holds = |import: &&Import| !import.dry_run && import.state != ImportState::Undone;
    let rejected = imports.iter().filter(holds).map(|import| import.progress.rejected).sum();
    let late = cx.now().plus_millis(-UNSHIPPED_AFTER_MILLIS);
    let unshipped =
        orders_list::unshipped_between(&mut tx, cx.scope, start(from), late, seen).await?;
    let suggested = if may("customers.merge") {
        suggestions::count_open(&mut tx, cx.scope, SUGGESTIONS_MAX).await?
    } else {
        0
    };
    let dead = if may("platform.jobs") { dead_jobs(&mut tx, cx).await? } else { 0 };
    tx.rollback().await?;

    let attention = [
        (AttentionKind::SlippingAway, slipping),
        (AttentionKind::Unshipped, unshipped.unsigned_abs()),
        (AttentionKind::MergeSuggestions, suggested.unsigned_abs()),
        (AttentionKind::RejectedRows, rejected),
        (AttentionKind::FailedJobs, dead),
    ];
    let of_day = |day: NaiveDate| days.iter().find(|sum| sum.day == day);
    let delta = |figure: fn(&DaySum) -> i64| Delta {
        value: of_day(today).map_or(0, figure),
        before: of_day(yesterday).map_or(0, figure),
    };
    Ok(Workbench {
        day: today,
        orders: delta(|sum| sum.orders as i64),
        revenue_minor: shows_amounts.then(|| delta(|sum| sum.revenue_minor)),
        new_customers: delta(|sum| sum.new_customers as i64),
        refunds,
        revenue_by_day: days
            .iter()
            .map(|sum| DayRevenue {
                day: sum.day,
                revenue_minor: shows_amounts.then_some(sum.revenue_minor),
                orders: sum.orders,
            })
            .collect(),
        attention: attention
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| Attention::new(kind, count))
            .collect(),
        recent_imports,
        currency: frame.currency,
    })
}

/// `None` stands for all shops, where all sell in one currency; else those that sell in the frame's.
fn shops_of_currency(shops: &ShopBook, frame: Frame) -> Vec<Option<ShopId>> {
    if shops.choose(None).is_ok() {
        return vec![None];
    }
    let same = shops.all().iter().filter(|shop| shop.currency == frame.currency);
    same.map(|shop| Some(shop.id)).collect()
}

fn sums(shops: &[Option<ShopId>], days_of: impl Fn(Option<ShopId>) -> Vec<DaySum>) -> Vec<DaySum> {
    let mut sums: Vec<DaySum> = Vec::new();
    for shop in shops {
        let days = days_of(*shop);
        if sums.is_empty() {
            sums = days;
            continue;
        }
        for (sum, day) in sums.iter_mut().zip(days) {
            sum.orders += day.orders;
            sum.revenue_minor = sum.revenue_minor.saturating_add(day.revenue_minor);
            sum.new_customers += day.new_customers;
        }
    }
    sums
}

/// Jobs that were given up, counted no further than a page.
async fn dead_jobs(tx: &mut Tx, cx: &Ctx) -> Result<u64, WorkbenchError> {
    let limit = Limit::new(Some(u32::from(Limit::MAX))).map_err(WorkbenchError::Bug)?;
    let dead = jobs::list(tx, cx.scope, Some(JobState::Dead), None, limit)
        .await
        .map_err(|error| WorkbenchError::Bug(error.to_string()))?;
    Ok(dead.items.len() as u64)
}

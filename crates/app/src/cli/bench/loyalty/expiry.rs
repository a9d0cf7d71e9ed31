//! Lots of points whose time is over.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use kernel::{Clock, Currency, CustomerId, OrderId, ShopId, Timestamp, Zone};
use loyalty::Holder;
use loyalty::points::programme::{self, NewProgramme, Programme};
use loyalty::points::rules::{Activity, Expiry, Negative, Rules};
use loyalty::points::settle::{self, Extent, OrderFacts};
use loyalty::points::{award, due};
use platform::Ctx;
use platform::retention::DAY_MILLIS;

use crate::Boot;
use crate::cli::say;

/// Lots of one customer.
const LOTS_EACH: u32 = 4;
/// Orders that are settled in one transaction.
const PORTION: u32 = 10_000;
/// For how long points live, and how long ago they were earned.
const LIVES_DAYS: u32 = 30;
const EARNED_DAYS_AGO: i64 = 31;
const NAME: &str = "expiry";
const ACTIVITY: &str = "sign_in";
/// A prime, by which neighbours among the orders are no neighbours among the customers.
const SPREAD: usize = 1_000_003;

/// The clock of the program as it stood some days ago.
struct Before(Arc<dyn Clock>);

impl Clock for Before {
    fn now(&self) -> Timestamp {
        self.0.now().plus_millis(-EARNED_DAYS_AGO * DAY_MILLIS)
    }
}

async fn programme(boot: &Boot) -> Result<Option<Programme>> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let all = programme::all(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    Ok(all.into_iter().find(|one| one.name == NAME))
}

/// A month ago.
fn before(boot: &Boot) -> Ctx {
    let now = boot.ctx();
    Ctx { clock: Arc::new(Before(now.clock.clone())), ..now }
}

/// The programme whose points are free at once and live for 30 days; made if it is not there.
async fn ensured(boot: &Boot) -> Result<Programme> {
    if let Some(found) = programme(boot).await? {
        return Ok(found);
    }
    let cx = before(boot);
    let new = NewProgramme {
        name: NAME.to_owned(),
        currency: Currency::CNY,
        shops: Vec::new(),
        zone: Zone::CHINA,
        since: cx.now().plus_millis(-DAY_MILLIS),
        rules: Rules {
            earn_points: 1,
            earn_per_minor: 100,
            products: Vec::new(),
            day_cap: None,
            activities: vec![Activity {
                name: ACTIVITY.to_owned(),
                points: 100,
                times_a_day: 1_000,
            }],
            pending_days: 0,
            expiry: Expiry::Days { days: LIVES_DAYS },
            negative: Negative::Allow,
            grace_days: 0,
            approve_above: 0,
            value_points: 100,
            value_minor: 100,
        },
    };
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    programme::create(&mut tx, &cx, &new).await?;
    tx.commit().await?;
    programme(boot).await?.context("the programme is not there")
}

/// Gives `lots` customers points for a sign-in a month ago.
pub(super) async fn award(boot: &Boot, lots: u32) -> Result<()> {
    let (programme, cx) = (ensured(boot).await?, before(boot));
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    for _ in 0..lots {
        let holder = Holder::single(cx.fresh::<CustomerId>());
        let key = cx.fresh::<OrderId>().to_string();
        award::award(&mut tx, &cx, &programme, &holder, ACTIVITY, &key).await?;
    }
    Ok(tx.commit().await?)
}

/// Settles `lots` orders of customers who have four each, as they were a month ago. There are no such orders, so the data
/// are good for this alone.
pub(super) async fn fill(boot: &Boot, lots: u32) -> Result<()> {
    let (programme, cx) = (ensured(boot).await?, before(boot));
    let customers: Vec<CustomerId> =
        (0..lots.div_ceil(LOTS_EACH)).map(|_| cx.fresh::<CustomerId>()).collect();
    let shop = cx.fresh::<ShopId>();
    let mut done = 0;
    while done < lots {
        let next = lots.min(done + PORTION);
        let facts: Vec<OrderFacts> = (done..next)
            .map(|n| OrderFacts {
                order: cx.fresh::<OrderId>(),
                // In no order, so that lots of a customer and of its neighbours lie apart, as where time passes.
                customer: customers[n as usize * SPREAD % customers.len()],
                shop,
                currency: Currency::CNY,
                paid_at: Some(cx.now()),
                paid_minor: 10_000,
                refunded_minor: 0,
                lines: Vec::new(),
                level_permille: 1_000,
                void: false,
            })
            .collect();
        let mut tx = boot.platform.db.begin_for(cx.scope).await?;
        settle::take_turn(&mut tx, cx.scope).await?;
        settle::settle(&mut tx, &cx, &programme, &[], &facts, Extent::Some).await?;
        tx.commit().await?;
        done = next;
        if done.is_multiple_of(PORTION * 10) {
            say(&format!("  {done} lots of {lots}"));
        }
    }
    Ok(())
}

/// Expires all that is due, `batch` lots in a transaction; gives the seconds. With `tells` each batch is told.
pub(super) async fn measure(boot: &Boot, batch: u32, tells: bool) -> Result<f64> {
    ensure!(batch > 0, "a batch has one lot at least");
    let cx = boot.ctx();
    let programme = programme(boot).await?.context("there are no lots")?;
    let begun = Instant::now();
    loop {
        let mut tx = boot.platform.db.begin_for(cx.scope).await?;
        let lots = due::expire_due(&mut tx, &cx, &programme, batch).await?;
        tx.commit().await?;
        if tells {
            say(&format!("expired {lots}"));
        }
        if lots < u64::from(batch) {
            return Ok(begun.elapsed().as_secs_f64());
        }
    }
}

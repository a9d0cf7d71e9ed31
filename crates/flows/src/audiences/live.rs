//! Live audiences as pages see them: turned on and off, who entered and left lately, how many by day.

use std::collections::BTreeSet;
use std::sync::Arc;

use analytics::audience::{Definitions, Node};
use chrono::{Days, NaiveDate};
use insight::audiences as store;
use insight::live::{self, Cause, DayTally, Logged};
use kernel::{AudienceId, CustomerId, Timestamp};
use platform::{Ctx, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Asked, AudienceRefused, Words, may_see_customers};
use crate::engine::EngineHandle;
use crate::list_customers::{CustomerRow, rows_of};
use crate::tag_rules::check_free;

/// Transitions shown.
const SHOWN: usize = 20;
/// Transitions looked at for those whom whoever asks sees.
const LOOKED_AT: u32 = 200;
/// Days of the chart.
const CHART_DAYS: u64 = 90;

/// Whether an audience shall be live.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveBody {
    /// Kept live from now on, or no longer.
    pub live: bool,
}

/// Somebody who entered or left.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AudienceTransition {
    /// Its number; later ones have higher numbers.
    pub seq: i64,
    /// The customer.
    pub customer: CustomerRow,
    /// Entered, or left.
    pub entered: bool,
    /// Why.
    pub cause: Cause,
    /// When it was told.
    pub at: Timestamp,
}

/// A live audience.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AudienceLive {
    /// Whether it is live; if not, there are only the days on which it was.
    pub live: bool,
    /// Since when it is live.
    pub since: Option<Timestamp>,
    /// Whether its members are known yet.
    pub begun: bool,
    /// Why it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// How many belong to it now, as told last; null for whoever does not see all customers.
    pub customers: Option<u64>,
    /// When somebody entered or left last; null for whoever does not see all customers.
    pub told_at: Option<Timestamp>,
    /// Today, in the organisation's zone.
    #[schema(value_type = String, format = Date)]
    pub today: NaiveDate,
    /// How many entered and left, by day, of all customers; nothing for whoever does not see all.
    pub days: Vec<DayTally>,
    /// Who entered and left lately, the last first; nobody without the right `customers.read`.
    pub recent: Vec<AudienceTransition>,
}

/// A live audience, who entered and left it lately, and how many by day.
///
/// # Errors
/// `Unknown`; `Hidden` if it asks for fields that whoever asks does not see.
pub async fn live(
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
) -> Result<AudienceLive, AudienceRefused> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let found = read(&mut tx, engine, cx, id).await?;
    tx.rollback().await?;
    Ok(found)
}

/// Turns an audience live or still; gives it.
///
/// # Errors
/// As [`live`]; `Followed` if it shall be still and a tag follows it.
pub async fn switch(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
    body: LiveBody,
) -> Result<AudienceLive, AudienceRefused> {
    store::lock(tx, cx.scope).await?;
    check_seen(tx, engine, cx, id).await?;
    if !body.live {
        check_free(tx, cx, id).await?;
    }
    live::switch(tx, cx, id, body.live).await?;
    read(tx, engine, cx, id).await
}

async fn read(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
) -> Result<AudienceLive, AudienceRefused> {
    check_seen(tx, engine, cx, id).await?;
    let row = live::one(tx, cx.scope, id).await?;
    let today = engine.shops().frame().today(cx.now());
    // Figures of all customers are for those who see all.
    let sees_all = cx.access.reach().parts().is_empty();
    let from = today.checked_sub_days(Days::new(CHART_DAYS)).unwrap_or(today);
    let days = if sees_all { live::days(tx, cx.scope, id, from).await? } else { Vec::new() };
    let recent = if may_see_customers(cx) {
        let logged = live::latest(tx, cx.scope, id, LOOKED_AT).await?;
        recent(tx, engine, cx, logged).await?
    } else {
        Vec::new()
    };
    let known = row.as_ref().filter(|_| sees_all);
    Ok(AudienceLive {
        live: row.is_some(),
        since: row.as_ref().map(|row| row.since),
        begun: row.as_ref().is_some_and(|row| row.told.is_some()),
        customers: known.filter(|row| row.told.is_some()).map(|row| row.size),
        told_at: known.and_then(|row| row.told_at),
        obstacle: row.and_then(|row| row.obstacle),
        today,
        days,
        recent,
    })
}

/// Who belongs to it tells of what it asks for.
pub(super) async fn check_seen(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
) -> Result<(), AudienceRefused> {
    let audiences = store::all(tx, cx.scope).await?;
    let one = audiences.iter().find(|one| one.id == id);
    let tree = one.ok_or(store::AudienceStoreError::Unknown(id))?.definition.clone();
    let words = Arc::new(Words::read_all(tx, cx, engine, &audiences, false).await?);
    let named = Arc::new(store::definitions(&audiences));
    match Asked::of_tree(engine, cx, tree, named, words, None) {
        Err(error @ AudienceRefused::Hidden(_)) => Err(error),
        // What cannot be asked for another reason stands still, and says so.
        _ => Ok(()),
    }
}

/// Those of `logged` whom whoever asks sees, with names as they may see them.
async fn recent(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    logged: Vec<Logged>,
) -> Result<Vec<AudienceTransition>, AudienceRefused> {
    let ids: BTreeSet<CustomerId> = logged.iter().map(|one| one.customer).collect();
    let ids: Vec<CustomerId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows_of(engine, tx, cx, &ids).await?;
    let shown = logged.into_iter().filter_map(|one| {
        let Logged { seq, customer, entered, cause, at, .. } = one;
        let customer = rows.get(&customer)?.clone();
        Some(AudienceTransition { seq, customer, entered, cause, at })
    });
    Ok(shown.take(SHOWN).collect())
}

/// The next definition of an audience is told, also through those that are defined by it.
pub(super) async fn announce(tx: &mut Tx, cx: &Ctx, id: AudienceId) -> Result<(), AudienceRefused> {
    let audiences = store::all(tx, cx.scope).await?;
    let ids = defined_by(id, &store::definitions(&audiences));
    live::announce(tx, cx.scope, &ids).await?;
    Ok(())
}

/// An audience and those that name it, perhaps through others.
fn defined_by(id: AudienceId, all: &Definitions) -> Vec<AudienceId> {
    let mut found = vec![id];
    let mut next = 0;
    while next < found.len() {
        let one = found[next];
        let names_it = |(other, tree): (&AudienceId, &Node)| {
            (tree.audiences().contains(&one) && !found.contains(other)).then_some(*other)
        };
        let more: Vec<AudienceId> = all.iter().filter_map(names_it).collect();
        found.extend(more);
        next += 1;
    }
    found
}

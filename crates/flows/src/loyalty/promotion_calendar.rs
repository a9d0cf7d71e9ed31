//! Promotions of a period as a calendar shows them, with what is in whose way.

use kernel::{PromotionId, Timestamp};
use loyalty::OfferState;
use loyalty::counters::Used;
use loyalty::promotions::{self, LIVE_MAX, Promotion};
use platform::{Ctx, DbError, Tx};
use pricing::{Conflict, Period};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::EngineHandle;

/// What is left of the list price below which two rates together are told, in basis points.
pub const FLOOR_BPS: u32 = 5_000;
/// Promotions that are compared.
const COMPARED: usize = pricing::MAX_PROMOTIONS;

/// A promotion in a calendar.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CalendarPromotion {
    /// Its id.
    pub id: PromotionId,
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: OfferState,
    /// What it gives: the name of the kind.
    pub kind: String,
    /// From when on; null for always.
    pub starts_at: Option<Timestamp>,
    /// Until when; null for ever.
    pub ends_at: Option<Timestamp>,
}

/// Promotions of a period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PromotionCalendar {
    /// Live ones, then drafts and stopped ones, the newest first.
    pub items: Vec<CalendarPromotion>,
    /// What is in whose way, of live ones and drafts.
    pub conflicts: Vec<Conflict>,
    /// Whether there are more promotions than were looked at.
    pub is_cut: bool,
}

/// Promotions that are live, being written or stopped and that meet the period from
/// one moment until another, and what is in whose way.
///
/// # Errors
/// As the database says.
pub async fn calendar(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    (from, until): (Timestamp, Timestamp),
) -> Result<PromotionCalendar, DbError> {
    let period = Period { starts_at: Some(from), ends_at: Some(until) };
    let mut all: Vec<Promotion> = Vec::new();
    let mut is_cut = false;
    for state in [OfferState::Live, OfferState::Draft, OfferState::Stopped] {
        let limit = u32::try_from(LIVE_MAX).unwrap_or(u32::MAX);
        let found = promotions::page(tx, cx.scope, Some(state), (None, limit)).await?;
        is_cut |= state != OfferState::Live && found.len() >= LIVE_MAX as usize;
        all.extend(found);
    }
    let own = |found: &Promotion| Period {
        starts_at: found.rules.starts_at,
        ends_at: found.rules.ends_at,
    };
    all.retain(|found| own(found).overlaps(&period));
    let is_compared = |found: &&Promotion| found.state != OfferState::Stopped;
    let mut compared = Vec::new();
    for found in all.iter().filter(is_compared).take(COMPARED) {
        compared.push(found.promotion(&Used::default())?);
    }
    is_cut |= all.iter().filter(is_compared).count() > COMPARED;
    let conflicts = pricing::conflicts(&compared, engine.shops().frame().zone, FLOOR_BPS);
    let items = all.into_iter().map(|found| CalendarPromotion {
        kind: kind_of(&found),
        id: found.id,
        name: found.name,
        state: found.state,
        starts_at: found.rules.starts_at,
        ends_at: found.rules.ends_at,
    });
    Ok(PromotionCalendar { items: items.collect(), conflicts, is_cut })
}

fn kind_of(found: &Promotion) -> String {
    let kind = found.rules.terms.pointer("/kind/type").and_then(|kind| kind.as_str());
    kind.unwrap_or_default().to_owned()
}

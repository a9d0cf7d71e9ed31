//! The daily look at drift, and whether a new version is due.

use analytics::OrderSpan;
use chrono::NaiveDate;
use insight::models::{self as store, ModelHead};
use models::intent::Model;
use platform::jobs::{self, JobOptions};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, DbError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::learn::{as_of, calendar, drift};
use super::registry::{TRAIN, TrainPayload, active, model_text, recipe, today, written};
use super::views::DriftView;
use super::{IntentRefused, LearnError};
use crate::engine::{EngineHandle, apart};

/// Days between two versions where customers stay as they were.
const RETRAIN_DAYS: i64 = 28;
/// Days between two versions where customers moved far. More often only somebody who asks has one trained.
const DRIFTED_DAYS: i64 = 7;
/// Days between two versions where the active one cannot be asked.
const UNUSABLE_DAYS: i64 = 1;

/// What a daily look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntentWatched)]
pub enum Watched {
    /// No order came since the last version was trained, so another would be the same.
    NothingNew,
    /// The last version was asked for not long ago.
    NotDue,
    /// A version is trained.
    Training,
}

/// Which orders a version was learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Basis {
    as_of: NaiveDate,
    orders: u64,
}

/// Whether a version that was asked for `age_millis` ago is followed by another one.
fn judge(is_usable: bool, is_new: bool, is_far: bool, age_millis: i64) -> Watched {
    let days = match (is_usable, is_far) {
        (false, _) => UNUSABLE_DAYS,
        (true, true) => DRIFTED_DAYS,
        (true, false) => RETRAIN_DAYS,
    };
    if is_usable && !is_new {
        Watched::NothingNew
    } else if age_millis < days * DAY_MILLIS - DAY_MILLIS / 24 {
        // An hour less, so that what runs once a day does not wait for the day after.
        Watched::NotDue
    } else {
        Watched::Training
    }
}

/// Looks at drift, and has a version trained where it is time: new orders came, and the last version was asked for four
/// weeks ago, or one where customers moved far. `None` without an active version, as there is nothing to watch.
///
/// # Errors
/// As the database and the engine say.
pub async fn watch(engine: &EngineHandle, cx: &Ctx) -> Result<Option<Watched>, IntentRefused> {
    let Some(head) = active(engine, cx).await? else { return Ok(None) };
    let Some(text) = model_text(engine, cx, head.id).await? else { return Ok(None) };
    engine.fresh().await?;
    let shops = engine.shops();
    let (zone, today) = (shops.frame().zone, today(&shops, cx));
    let recipe = recipe(&shops, head.horizon_days);
    let model = apart(move || Model::from_json(&text)).await?;
    let look = move |snapshot: &analytics::Snapshot| {
        let Some(span) = snapshot.order_span(zone) else {
            return (None, Err(LearnError::NoOrders));
        };
        let moved = model
            .map_err(|error| LearnError::Model(error.into()))
            .and_then(|model| Ok(drift(snapshot, zone, as_of(span.last, today), recipe, &model)?));
        (Some(span), moved)
    };
    let (span, moved) = engine.ask_apart(look).await?;
    let (basis, newest) = last(engine, cx, &head).await?;
    let basis_now = span.map(|OrderSpan { last, orders, .. }| Basis {
        as_of: calendar(as_of(last, today)),
        orders,
    });
    let now = cx.now();
    let is_usable = moved.is_ok() || span.is_none();
    let moved = moved.ok().map(|drift| DriftView::of(&drift, now));
    let is_far = moved.as_ref().is_some_and(DriftView::is_large);
    let is_new = span.is_some() && basis != basis_now;
    let watched = judge(is_usable, is_new, is_far, now.millis() - newest.asked_at.millis());

    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    if let Some(moved) = moved {
        let noted = DriftView { watched: Some(watched), ..moved };
        store::note_drift(&mut tx, cx.scope, head.id, &written(&noted)?).await?;
    }
    if watched == Watched::Training {
        let id = match store::ask(&mut tx, cx, head.horizon_days).await {
            Ok(id) => id,
            Err(store::ModelStoreError::Busy) => {
                tx.rollback().await?;
                return Ok(Some(Watched::NotDue));
            }
            Err(error) => return Err(error.into()),
        };
        // By a job of its own: should the program end, that goes on, and this one does not ask twice.
        let payload = TrainPayload { model: id };
        jobs::enqueue(&mut tx, cx, TRAIN, &payload, JobOptions::default()).await?;
    }
    tx.commit().await?;
    Ok(Some(watched))
}

/// What the newest version of the horizon that was trained learned from, and the newest version of all.
async fn last(
    engine: &EngineHandle,
    cx: &Ctx,
    active: &ModelHead,
) -> Result<(Option<Basis>, ModelHead), DbError> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let heads = store::all(&mut tx, cx.scope).await?;
    let is_alike =
        |one: &&ModelHead| one.trained_at.is_some() && one.horizon_days == active.horizon_days;
    let trained = heads.iter().find(is_alike).unwrap_or(active).id;
    let report = store::report(&mut tx, cx.scope, trained).await?;
    tx.rollback().await?;
    let basis = report.and_then(|text| serde_json::from_str(&text).ok());
    Ok((basis, heads.into_iter().next().unwrap_or_else(|| active.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_follows_where_orders_came_and_time_passed() {
        let days = |days: i64| days * DAY_MILLIS;
        for (is_usable, is_new, is_far, age, told) in [
            (true, false, true, days(400), Watched::NothingNew),
            (true, true, true, days(6), Watched::NotDue),
            (true, true, true, days(7) - 1, Watched::Training),
            (true, true, false, days(27), Watched::NotDue),
            (true, true, false, days(28), Watched::Training),
            // Nobody can be told anything by it.
            (false, false, false, days(1), Watched::Training),
            (false, true, true, 0, Watched::NotDue),
        ] {
            let case = (is_usable, is_new, is_far, age);
            assert_eq!(judge(is_usable, is_new, is_far, age), told, "{case:?}");
        }
    }
}

//! Versions of the model: asked for, trained in the background, made active.

use std::ops::RangeInclusive;

use insight::models::{self as store, ModelHead, ModelState, TrainedModel};
use kernel::{Currency, FieldErrors, ModelId, Timestamp};
use models::clv::summary::day_of;
use models::intent::{LearnerKind, Model, ScoreError};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::IntentRefused;
use super::features::Recipe;
use super::learn::{Learned, Past, calendar, learn};
use super::views::{DriftView, Figures, ModelDetail, ModelRow, report};
use crate::engine::{EngineHandle, ShopBook, apart};
use crate::people::People;

/// Kind of the job that trains a version.
pub const TRAIN: &str = "insight.train_intent";
/// Kind of the job that looks at drift once a day, and trains again where it is time.
pub const WATCH: &str = "insight.watch_intent";
/// Days after a moment in which an order may count.
pub const HORIZONS: RangeInclusive<i64> = 7..=180;

/// What the job that trains is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct TrainPayload {
    /// The version.
    pub model: ModelId,
}

/// How features are made as of now.
pub(super) fn recipe(shops: &ShopBook, horizon: i64) -> Recipe {
    let currency = shops.choose(None).ok().map(|frame| frame.currency);
    let minor_per_major = currency.map(Currency::minor_per_major).map(|minor| minor as f64);
    Recipe { horizon, minor_per_major }
}

/// Today, as days since 1970-01-01.
pub(super) fn today(shops: &ShopBook, cx: &Ctx) -> i64 {
    day_of(shops.frame().today(cx.now()))
}

/// A checked wish for a version.
#[derive(Debug, Clone, Copy)]
pub struct Wanted(i64);

impl Wanted {
    /// Checks that there is enough history for `horizon_days`.
    ///
    /// # Errors
    /// `Fields` for a horizon that is too short or too long; `Learn` with what is missing.
    pub async fn check(
        engine: &EngineHandle,
        cx: &Ctx,
        horizon_days: i64,
    ) -> Result<Self, IntentRefused> {
        if !HORIZONS.contains(&horizon_days) {
            let mut errors = FieldErrors::default();
            let (from, to) = HORIZONS.into_inner();
            errors.push("horizon_days", format!("must be {from} to {to}"));
            return Err(IntentRefused::Fields(errors));
        }
        // How far orders go back does not change in a moment.
        if !engine.is_ready() {
            engine.fresh().await?;
        }
        let shops = engine.shops();
        let (zone, today) = (shops.frame().zone, today(&shops, cx));
        let span = engine.ask_apart(move |snapshot| snapshot.order_span(zone)).await?;
        Past::of(span, today, horizon_days)?;
        Ok(Self(horizon_days))
    }
}

/// Asks for a version, which is trained in the background.
///
/// # Errors
/// `Busy` while another one waits.
pub async fn ask(tx: &mut Tx, cx: &Ctx, wanted: Wanted) -> Result<ModelRow, IntentRefused> {
    let id = store::ask(tx, cx, wanted.0).await?;
    jobs::enqueue(tx, cx, TRAIN, &TrainPayload { model: id }, JobOptions::default()).await?;
    viewed(tx, cx, id).await
}

async fn viewed(tx: &mut Tx, cx: &Ctx, id: ModelId) -> Result<ModelRow, IntentRefused> {
    let head = head(tx, cx, id).await?;
    let people = People::look_up(tx, cx, &cx.keys(), [head.trained_by]).await?;
    Ok(ModelRow::of(head, &people, cx))
}

async fn head(tx: &mut Tx, cx: &Ctx, id: ModelId) -> Result<ModelHead, IntentRefused> {
    let found = store::get(tx, cx.scope, id).await?;
    found.ok_or(IntentRefused::Store(store::ModelStoreError::Unknown(id)))
}

/// All versions, the newest first.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, cx: &Ctx) -> Result<Vec<ModelRow>, DbError> {
    let heads = store::all(tx, cx.scope).await?;
    let people =
        People::look_up(tx, cx, &cx.keys(), heads.iter().map(|head| head.trained_by)).await?;
    Ok(heads.into_iter().map(|head| ModelRow::of(head, &people, cx)).collect())
}

/// A version with its report.
///
/// # Errors
/// `Unknown`.
pub async fn get(tx: &mut Tx, cx: &Ctx, id: ModelId) -> Result<ModelDetail, IntentRefused> {
    let row = viewed(tx, cx, id).await?;
    let text = store::report(tx, cx.scope, id).await?;
    Ok(ModelDetail { row, report: text.and_then(|text| report(&text, cx)) })
}

/// Shows the scores of a version from now on.
///
/// # Errors
/// `Unknown`; `NotTrained`.
pub async fn activate(tx: &mut Tx, cx: &Ctx, id: ModelId) -> Result<ModelRow, IntentRefused> {
    store::activate(tx, cx, id).await?;
    viewed(tx, cx, id).await
}

/// The active version.
pub(super) async fn active(engine: &EngineHandle, cx: &Ctx) -> Result<Option<ModelHead>, DbError> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let head = store::active(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    Ok(head)
}

/// The stored model of a version, up to some megabytes.
pub(super) async fn model_text(
    engine: &EngineHandle,
    cx: &Ctx,
    id: ModelId,
) -> Result<Option<String>, DbError> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let text = store::model(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    Ok(text)
}

/// Trains a version that waits, and makes it active unless the older one does better on the last moment. A
/// version for which there is too little history says so; one that does not wait any more stays as it is.
///
/// # Errors
/// As the database and the engine say.
pub async fn train(engine: &EngineHandle, cx: &Ctx, id: ModelId) -> Result<(), IntentRefused> {
    engine.fresh().await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let found = store::get(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    let Some(head) = found.filter(|head| head.state == ModelState::Waiting) else { return Ok(()) };
    // Of another horizon it answers another question; and one of another format cannot be asked.
    let older = active(engine, cx).await?.filter(|older| older.horizon_days == head.horizon_days);
    let older = match older {
        Some(older) => model_text(engine, cx, older.id).await?.map(|text| (older.version, text)),
        None => None,
    };
    let older = older.and_then(|(version, text)| Some((version, Model::from_json(&text).ok()?)));
    let shops = engine.shops();
    let (zone, today) = (shops.frame().zone, today(&shops, cx));
    let recipe = recipe(&shops, head.horizon_days);
    let work = move |snapshot: &analytics::Snapshot| {
        let older = older.as_ref().map(|(version, model)| (*version, model));
        learn(snapshot, zone, today, recipe, older)
    };
    let learned = match engine.ask_apart(work).await? {
        Ok(learned) => learned,
        Err(error) => return give_up(engine, cx, id, &error.to_string()).await,
    };
    let keeps_old = learned.comparison.as_ref().is_some_and(|compared| compared.keeps_old);
    let (amounts, now) = (recipe.minor_per_major.is_some(), cx.now());
    let trained = apart(move || stored(&learned, &shops, amounts, now)).await??;
    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    if store::put(&mut tx, cx, id, &trained).await? && !keeps_old {
        store::activate(&mut tx, cx, id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Notes that nothing comes out of a version.
///
/// # Errors
/// As the database says.
pub async fn give_up(
    engine: &EngineHandle,
    cx: &Ctx,
    id: ModelId,
    why: &str,
) -> Result<(), IntentRefused> {
    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    store::fail(&mut tx, cx.scope, id, why).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) fn written(value: &impl Serialize) -> Result<String, ScoreError> {
    serde_json::to_string(value)
        .map_err(|error| ScoreError::NotAModel { reason: error.to_string() })
}

fn stored(
    learned: &Learned,
    shops: &ShopBook,
    amounts: bool,
    now: Timestamp,
) -> Result<TrainedModel, IntentRefused> {
    let report = &learned.training.report;
    let best = report.models.iter().find(|model| model.name == report.best);
    let metrics = best.map_or(report.baseline.metrics, |model| model.metrics);
    let figures = Figures {
        rows: report.rows,
        positives: report.positives,
        auc: metrics.auc,
        average_precision: metrics.average_precision,
        log_loss: metrics.log_loss,
        brier: metrics.brier,
        top20_capture: metrics.top20_capture,
    };
    let days = |days: &[i64]| days.iter().map(|day| calendar(*day)).collect::<Vec<_>>();
    let moments = days(&learned.past.moments);
    let silent = learned.silent.iter().map(|(shop, moments)| {
        let name = shops.by_id(*shop).map_or_else(|| shop.to_string(), |shop| shop.name.clone());
        json!({"shop": name, "moments": days(moments)})
    });
    let told = json!({
        "as_of": calendar(learned.past.as_of),
        "moments": moments,
        "orders": learned.orders,
        "is_sample": learned.is_sample,
        "silent_shops": silent.collect::<Vec<_>>(),
        "amounts": amounts,
        "comparison": learned.comparison,
        "report": report,
    });
    Ok(TrainedModel {
        kind: match report.best {
            LearnerKind::Logistic => "logistic",
            LearnerKind::Tree => "tree",
            LearnerKind::Boosted => "boosted",
        }
        .to_owned(),
        moments: written(&moments)?,
        fingerprint: learned.fingerprint.clone(),
        figures: written(&figures)?,
        report: written(&told)?,
        model: learned.training.model.to_json()?,
        drift: written(&DriftView::of(&learned.drift, now))?,
    })
}

//! Learning from the organisation's own history: moments in the past, a row for each customer at each, the
//! comparison of models, and whether the older model did better.

use std::collections::BTreeMap;

use analytics::{OrderSpan, Snapshot};
use chrono::NaiveDate;
use kernel::{CustomerId, Reach, ShopId, TypedId as _, Zone};
use models::clv::summary::date_of;
use models::intent::{
    ColumnData, Drift, DriftLevel, Frame, IntentError, Metrics, Model, TrainOptions, Training,
    train,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::features::{MOMENT, Recipe, Rows, TARGET};
use super::silent::Silent;

/// Moments that are learned from and judged on, a horizon apart.
const MOMENTS: i64 = 6;
/// Fewest moments: one to learn from, and two to be judged on.
const MOMENTS_MIN: i64 = 3;
/// Days of orders before the earliest moment.
const DAYS_BEFORE: i64 = 30;
/// Rows beyond which some of the customers are learned from instead of all.
const ROWS_MAX: usize = 100_000;
/// Customers whose features are compared with those of the training.
const DRIFT_ROWS_MAX: usize = 50_000;
/// Windows asked for when models are judged; as many as there are moments come out.
const WINDOWS_MAX: usize = 20;
/// By how much less area under the curve a new model may have and still be preferred, as it knows the newest orders.
const TOLERANCE: f64 = 0.01;

/// Why nothing can be learned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LearnError {
    /// No counted order at all.
    #[error("there is no order yet; import orders first")]
    NoOrders,
    /// The orders do not go back far enough.
    #[error(
        "there are orders of {found} days; a horizon of {horizon} days needs {needed}: choose a shorter \
         horizon, or import older orders"
    )]
    TooShort {
        /// Days between the first and the last order.
        found: i64,
        /// The horizon.
        horizon: i64,
        /// Days that are needed.
        needed: i64,
    },
    /// The models say what is missing.
    #[error(transparent)]
    Model(#[from] IntentError),
}

/// The past of an organisation, cut into moments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Past {
    /// The last day whose orders are known.
    pub(super) as_of: i64,
    /// Moments, the earliest first; the horizon after the last ends at `as_of`.
    pub(super) moments: Vec<i64>,
}

impl Past {
    /// Up to six moments `horizon` days apart, by the days of the first and the last order.
    ///
    /// # Errors
    /// `NoOrders`, `TooShort`.
    pub(super) fn of(
        span: Option<OrderSpan>,
        today: i64,
        horizon: i64,
    ) -> Result<Self, LearnError> {
        let OrderSpan { first, last, .. } = span.ok_or(LearnError::NoOrders)?;
        let as_of = as_of(last, today);
        let found = (as_of - first + 1).max(0);
        let fit = (found - DAYS_BEFORE) / horizon;
        if fit < MOMENTS_MIN {
            let needed = MOMENTS_MIN * horizon + DAYS_BEFORE;
            return Err(LearnError::TooShort { found, horizon, needed });
        }
        let moments = (1..=fit.min(MOMENTS)).rev().map(|back| as_of - back * horizon).collect();
        Ok(Self { as_of, moments })
    }
}

/// The last day that is over and that orders are known of. Later days have no orders because none were brought
/// in, which says nothing of customers.
pub(super) fn as_of(last_order: i64, today: i64) -> i64 {
    last_order.min(today - 1)
}

/// A number that spreads customers evenly, 0 to 2³².
fn lot(id: CustomerId) -> u64 {
    let (high, low) = id.uuid().as_u64_pair();
    // Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4).
    (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// Picks about `most` of `all` buyers, the same ones each time and each as likely as another, so that rates among
/// those picked are those of all.
fn picks(most: usize, all: usize) -> impl Fn(CustomerId) -> bool {
    let bar =
        if all <= most { u64::MAX } else { ((most as u128) << 32).div_euclid(all as u128) as u64 };
    move |id| lot(id) < bar
}

/// How the older model did against the new one, both on the rows of the last moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Comparison {
    /// Version of the older one.
    pub(super) version: i64,
    /// Area under the curve of the new one, which learned from the moments before only.
    pub(super) new_auc: f64,
    /// Of the older one; `None` if it cannot read the features of today.
    pub(super) old_auc: Option<f64>,
    /// Whether the older one stays.
    pub(super) keeps_old: bool,
}

/// What learning gave.
#[derive(Debug)]
pub(super) struct Learned {
    pub(super) past: Past,
    pub(super) training: Training,
    pub(super) fingerprint: String,
    /// Whether some of the customers were learned from instead of all.
    pub(super) is_sample: bool,
    /// Counted orders there were.
    pub(super) orders: u64,
    /// Shops and the moments at which they were left out, as no order came in them in the horizon after.
    pub(super) silent: BTreeMap<ShopId, Vec<i64>>,
    pub(super) comparison: Option<Comparison>,
    /// How today's customers differ from those of the moments.
    pub(super) drift: Drift,
}

/// Gathers the rows of all moments, trains, and compares with `older`.
///
/// # Errors
/// What is missing.
pub(super) fn learn(
    snapshot: &Snapshot,
    zone: Zone,
    today: i64,
    recipe: Recipe,
    older: Option<(i64, &Model)>,
) -> Result<Learned, LearnError> {
    let span = snapshot.order_span(zone);
    let past = Past::of(span, today, recipe.horizon)?;
    let OrderSpan { orders, buyers, .. } = span.ok_or(LearnError::NoOrders)?;
    let most = ROWS_MAX / past.moments.len();
    let silent = Silent::of(snapshot, zone, &past.moments, recipe.horizon);
    let (mut rows, mut newest) = (Rows::new(recipe), Rows::new(recipe));
    snapshot.each_buyer(zone, &Reach::ALL, picks(most, buyers), |buyer| {
        for moment in past.moments.iter().filter(|moment| !silent.has(&buyer, **moment)) {
            rows.push_past(&buyer, *moment);
            if past.moments.last() == Some(moment) {
                newest.push_past(&buyer, *moment);
            }
        }
    });
    let frame = rows.frame()?;
    let fingerprint = fingerprint(&frame);
    let options = TrainOptions {
        positive: Some("yes".to_owned()),
        time: Some(MOMENT.to_owned()),
        folds: WINDOWS_MAX,
        ..TrainOptions::new(TARGET)
    };
    let training = train(&frame, &options)?;
    drop(frame);
    let comparison = older.map(|(version, older)| compare(version, older, newest, &training));
    let drift = drift(snapshot, zone, past.as_of, recipe, &training.model)?;
    let (is_sample, silent) = (buyers > most, silent.told());
    Ok(Learned { past, training, fingerprint, is_sample, orders, silent, comparison, drift })
}

fn compare(version: i64, older: &Model, newest: Rows, training: &Training) -> Comparison {
    let report = &training.report;
    let best = report.models.iter().find(|model| model.name == report.best);
    let new_auc = best.and_then(|model| model.fold_auc.last().copied()).unwrap_or(0.0);
    let outcomes = newest.outcomes();
    let scores = newest.frame().ok().and_then(|frame| older.score(&frame).ok());
    let old_auc =
        scores.and_then(|scores| Metrics::of(&outcomes, &scores)).map(|metrics| metrics.auc);
    let keeps_old = old_auc.is_some_and(|old| new_auc + TOLERANCE < old);
    Comparison { version, new_auc, old_auc, keeps_old }
}

/// A digest of a table: the same for the same names and values in the same order.
fn fingerprint(frame: &Frame) -> String {
    let mut digest = Sha256::new();
    for column in frame.columns() {
        digest.update(column.name.as_bytes());
        digest.update([0]);
        match &column.data {
            ColumnData::Numeric(values) | ColumnData::Date(values) => {
                values.iter().for_each(|value| digest.update(value.to_bits().to_le_bytes()));
            }
            ColumnData::Categorical { codes, labels } => {
                codes.iter().for_each(|code| digest.update(code.to_le_bytes()));
                labels.iter().for_each(|label| digest.update(label.as_bytes()));
            }
            ColumnData::Boolean { values, .. } => {
                values.iter().for_each(|value| digest.update([value.map_or(2, u8::from)]));
            }
            ColumnData::Text { .. } => {}
        }
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How the customers of today differ from those of the last moment of the training; as in the training without those
/// of shops that no order came in lately.
///
/// # Errors
/// As [`Model::drift`].
pub(super) fn drift(
    snapshot: &Snapshot,
    zone: Zone,
    as_of: i64,
    recipe: Recipe,
    model: &Model,
) -> Result<Drift, IntentError> {
    let buyers = snapshot.order_span(zone).map_or(0, |span| span.buyers);
    let moment = as_of - recipe.horizon;
    let silent = Silent::of(snapshot, zone, &[moment], recipe.horizon);
    let mut rows = Rows::new(recipe);
    snapshot.each_buyer(zone, &Reach::ALL, picks(DRIFT_ROWS_MAX, buyers), |buyer| {
        if !silent.has(&buyer, moment) {
            rows.push(&buyer, as_of);
        }
    });
    Ok(model.drift(&rows.frame()?)?)
}

/// One word for how everything moved: large if the score or at least half of the columns did, moderate if the
/// score or any column did at all.
pub(super) fn level(drift: &Drift) -> DriftLevel {
    let large = drift.columns.iter().filter(|one| one.level == DriftLevel::Large).count();
    match drift.score.level {
        DriftLevel::TooFewRows => DriftLevel::TooFewRows,
        DriftLevel::Large => DriftLevel::Large,
        _ if large > 0 && large * 2 >= drift.columns.len() => DriftLevel::Large,
        DriftLevel::Moderate => DriftLevel::Moderate,
        DriftLevel::Stable => {
            let moved = |level| matches!(level, DriftLevel::Moderate | DriftLevel::Large);
            let any = drift.columns.iter().any(|one| moved(one.level));
            if any { DriftLevel::Moderate } else { DriftLevel::Stable }
        }
    }
}

/// The calendar day of a number of days.
pub(super) fn calendar(day: i64) -> NaiveDate {
    date_of(day).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests;

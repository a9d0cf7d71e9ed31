//! Versions of the model as pages show them, cut to what whoever asks may see.

use insight::models::{ModelHead, ModelState};
use kernel::{ModelId, Person, Timestamp, UserId};
use models::intent::{Drift, DriftLevel};
use platform::Ctx;
use platform::access::FieldRules;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::features::field_of;
use super::learn::level;
use super::watch::Watched;
use crate::people::People;

/// Figures of a version on held-back rows, each 0 to 1 but the log loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IntentFigures)]
pub struct Figures {
    /// Rows: customers at moments.
    pub rows: usize,
    /// Those with an order within the horizon.
    pub positives: usize,
    /// Area under the curve.
    pub auc: f64,
    /// Average precision.
    pub average_precision: f64,
    /// Mean negative log-likelihood, nats.
    pub log_loss: f64,
    /// Mean squared error of the probabilities.
    pub brier: f64,
    /// Share of the buyers among the fifth of the customers with the highest scores.
    pub top20_capture: f64,
}

/// How customers moved since a version was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IntentDrift)]
pub struct DriftView {
    /// When it was looked at.
    pub checked_at: Timestamp,
    /// `stable`, `moderate`, `large` or `too_few_rows`.
    pub level: String,
    /// Population stability index of the score.
    pub score_psi: f64,
    /// Features that moved, the furthest first.
    pub columns: Vec<MovedColumn>,
    /// What the daily look came to; null before the first.
    #[serde(default)]
    pub watched: Option<Watched>,
}

/// A feature that moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IntentMovedColumn)]
pub struct MovedColumn {
    /// The feature.
    pub column: String,
    /// Population stability index.
    pub psi: f64,
    /// `moderate` or `large`.
    pub level: String,
}

const fn name(level: DriftLevel) -> &'static str {
    match level {
        DriftLevel::Stable => "stable",
        DriftLevel::Moderate => "moderate",
        DriftLevel::Large => "large",
        DriftLevel::TooFewRows => "too_few_rows",
    }
}

impl DriftView {
    pub(super) fn of(drift: &Drift, checked_at: Timestamp) -> Self {
        let moved = |level| matches!(level, DriftLevel::Moderate | DriftLevel::Large);
        let mut columns: Vec<MovedColumn> = drift
            .columns
            .iter()
            .filter(|one| moved(one.level))
            .filter_map(|one| {
                let (column, level) = (one.column.clone()?, name(one.level).to_owned());
                Some(MovedColumn { column, psi: one.psi, level })
            })
            .collect();
        columns.sort_by(|a, b| b.psi.total_cmp(&a.psi));
        let level = name(level(drift)).to_owned();
        Self { checked_at, level, score_psi: drift.score.psi, columns, watched: None }
    }

    /// Whether the model should be trained again at once.
    pub(super) fn is_large(&self) -> bool {
        self.level == name(DriftLevel::Large)
    }
}

/// A version in the list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IntentModel)]
pub struct ModelRow {
    /// Its id.
    pub id: ModelId,
    /// Counts from 1.
    pub version: i64,
    /// Where it stands.
    pub state: ModelState,
    /// `logistic`, `tree` or `boosted`; null before it was trained.
    pub kind: Option<String>,
    /// Days after a moment in which an order counts.
    pub horizon_days: i64,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Who asked; null for the program itself.
    pub trained_by: Option<UserId>,
    /// Name and e-mail address of that user.
    pub trained_by_person: Option<Person>,
    /// When it was trained.
    pub trained_at: Option<Timestamp>,
    /// On held-back rows; null before the training, and for whoever does not see all customers.
    pub figures: Option<Figures>,
    /// As of the training or the last daily look; null before the training.
    pub drift: Option<DriftView>,
    /// Why nothing came out.
    pub failure: Option<String>,
}

/// A version with its report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IntentModelDetail)]
pub struct ModelDetail {
    /// The version.
    #[serde(flatten)]
    pub row: ModelRow,
    /// `{as_of, moments, orders, is_sample, silent_shops, amounts, comparison, report}` with the report of
    /// `docs/models-intent.md`; null before it was trained, and for whoever does not see all customers.
    #[schema(value_type = Option<Object>)]
    pub report: Option<Value>,
}

/// Whether whoever asks may be told of a feature.
pub(super) fn sees(rules: &FieldRules, column: &str) -> bool {
    field_of(column).is_none_or(|field| !rules.hide(field))
}

impl ModelRow {
    pub(super) fn of(head: ModelHead, people: &People, cx: &Ctx) -> Self {
        let mut drift = head.drift.as_deref().and_then(|text| serde_json::from_str(text).ok());
        if let Some(DriftView { columns, .. }) = &mut drift {
            columns.retain(|one| sees(cx.access.fields(), &one.column));
        }
        // They count customers and buyers of all.
        let told = head.figures.as_deref().filter(|_| cx.access.reach().is_all());
        Self {
            id: head.id,
            version: head.version,
            state: head.state,
            kind: head.kind,
            horizon_days: head.horizon_days,
            asked_at: head.asked_at,
            trained_by: head.trained_by,
            trained_by_person: people.get(head.trained_by),
            trained_at: head.trained_at,
            figures: told.and_then(|text| serde_json::from_str(text).ok()),
            drift,
            failure: head.failure,
        }
    }
}

/// A stored report without what whoever asks does not see: features of hidden fields; and nothing at all where
/// they do not see all customers, whose rates it tells.
pub(super) fn report(text: &str, cx: &Ctx) -> Option<Value> {
    if !cx.access.reach().is_all() {
        return None;
    }
    let mut told: Value = serde_json::from_str(text).ok()?;
    let lists =
        [("excluded", "column"), ("warnings", "column"), ("columns", "name"), ("lift", "column")];
    for (list, key) in lists {
        if let Some(rows) = told["report"][list].as_array_mut() {
            rows.retain(|row| {
                row[key].as_str().is_none_or(|column| sees(cx.access.fields(), column))
            });
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use models::intent::ColumnDrift;

    use super::*;

    fn moved(column: Option<&str>, level: DriftLevel) -> ColumnDrift {
        ColumnDrift { column: column.map(str::to_owned), psi: 0.3, noise: 0.0, level }
    }

    #[test]
    fn the_light_is_red_if_the_score_or_half_of_the_features_moved_far() {
        use DriftLevel::{Large, Moderate, Stable, TooFewRows};
        let told = |score, columns: &[DriftLevel]| {
            let columns = columns.iter().map(|level| moved(Some("orders_30"), *level)).collect();
            DriftView::of(
                &Drift { rows: 9, score: moved(None, score), columns },
                Timestamp::from_millis(0),
            )
        };
        assert_eq!(told(Stable, &[Stable, Stable]).level, "stable");
        assert_eq!(told(Stable, &[Large, Stable, Stable]).level, "moderate");
        assert_eq!(told(Stable, &[Large, Stable]).level, "large");
        assert_eq!(told(Moderate, &[Stable]).level, "moderate");
        assert!(told(Large, &[]).is_large());
        assert_eq!(told(TooFewRows, &[Large]).level, "too_few_rows");
        assert_eq!(told(Stable, &[Moderate, Stable, Large]).columns.len(), 2);
    }
}

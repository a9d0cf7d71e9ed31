//! How good probabilities are, judged by what happened.
//!
//! All functions take `outcomes` and `scores` of the same length, one for each row. Rows of equal score are
//! never told apart: whatever depends on an order is the expected value over all orders of equal rows.

use serde::{Deserialize, Serialize};

/// Share of rows whose capture is the headline figure.
pub const TOP_SHARE: f64 = 0.2;
/// Points of the gain curve beside its beginning.
const GAIN_POINTS: usize = 20;
/// Probabilities are kept this far from 0 and 1 when their logarithm is taken, as scikit-learn does.
const LOG_LOSS_FLOOR: f64 = f64::EPSILON;

/// Figures of one set of probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Area under the receiver operating characteristic, 0 to 1; guessing gives 0.5.
    pub auc: f64,
    /// Average precision, 0 to 1; guessing gives the share of positives.
    pub average_precision: f64,
    /// Mean negative log-likelihood, nats, from 0.
    pub log_loss: f64,
    /// Mean squared error of the probabilities, 0 to 1.
    pub brier: f64,
    /// Share of the positives among the 20 % of rows with the highest scores.
    pub top20_capture: f64,
}

impl Metrics {
    /// All figures at once. `None` without rows of both outcomes.
    #[must_use]
    pub fn of(outcomes: &[bool], scores: &[f64]) -> Option<Self> {
        let groups = Groups::of(outcomes, scores)?;
        Some(Self {
            auc: groups.auc(),
            average_precision: groups.average_precision(),
            log_loss: log_loss(outcomes, scores),
            brier: brier(outcomes, scores),
            top20_capture: groups.capture(TOP_SHARE),
        })
    }

    /// The mean of each figure.
    pub(crate) fn mean(all: &[Self]) -> Self {
        let mean = |figure: fn(&Self) -> f64| {
            all.iter().map(figure).sum::<f64>() / all.len().max(1) as f64
        };
        Self {
            auc: mean(|m| m.auc),
            average_precision: mean(|m| m.average_precision),
            log_loss: mean(|m| m.log_loss),
            brier: mean(|m| m.brier),
            top20_capture: mean(|m| m.top20_capture),
        }
    }
}

/// A point of the gain curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GainPoint {
    /// Share of all rows, taken from the highest score down.
    pub share: f64,
    /// Share of the positives among them.
    pub captured: f64,
}

/// Rows of equal score together, from the highest score down.
struct Groups {
    /// Positives and all rows of each score.
    groups: Vec<(f64, f64)>,
    positives: f64,
    rows: f64,
}

impl Groups {
    fn of(outcomes: &[bool], scores: &[f64]) -> Option<Self> {
        let mut order: Vec<(f64, bool)> =
            scores.iter().copied().zip(outcomes.iter().copied()).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut groups: Vec<(f64, f64)> = Vec::new();
        let mut last = f64::NAN;
        for (score, outcome) in order {
            let one = f64::from(u8::from(outcome));
            match groups.last_mut() {
                Some(group) if score == last => {
                    group.0 += one;
                    group.1 += 1.0;
                }
                _ => groups.push((one, 1.0)),
            }
            last = score;
        }
        let positives = groups.iter().map(|group| group.0).sum();
        let rows = groups.iter().map(|group| group.1).sum();
        (positives > 0.0 && positives < rows).then_some(Self { groups, positives, rows })
    }

    fn auc(&self) -> f64 {
        let negatives = self.rows - self.positives;
        let mut below = negatives;
        let mut wins = 0.0;
        for &(positives, rows) in &self.groups {
            let equal = rows - positives;
            below -= equal;
            wins += positives * (below + equal / 2.0);
        }
        wins / (self.positives * negatives)
    }

    fn average_precision(&self) -> f64 {
        let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
        for &(positives, rows) in &self.groups {
            found += positives;
            seen += rows;
            sum += positives * found / seen;
        }
        sum / self.positives
    }

    fn capture(&self, share: f64) -> f64 {
        let mut left = share.clamp(0.0, 1.0) * self.rows;
        let mut found = 0.0;
        for &(positives, rows) in &self.groups {
            let taken = left.min(rows);
            found += positives * taken / rows;
            left -= taken;
        }
        (found / self.positives).min(1.0)
    }
}

/// Area under the receiver operating characteristic: the probability that a positive row scores above a
/// negative one, equal scores counting half. `None` without rows of both outcomes.
///
/// Source: Hanley and McNeil (1982); the Mann–Whitney statistic by mid-ranks.
#[must_use]
pub fn roc_auc(outcomes: &[bool], scores: &[f64]) -> Option<f64> {
    Groups::of(outcomes, scores).map(|groups| groups.auc())
}

/// Average precision Σ (Rₙ − Rₙ₋₁) Pₙ over the different scores from the highest down. `None` without rows
/// of both outcomes.
///
/// Source: scikit-learn, `average_precision_score`.
#[must_use]
pub fn average_precision(outcomes: &[bool], scores: &[f64]) -> Option<f64> {
    Groups::of(outcomes, scores).map(|groups| groups.average_precision())
}

/// Share of the positives among the `share` (0 to 1) of rows with the highest scores. A group of equal
/// scores that is cut gives its expected part. `None` without rows of both outcomes.
#[must_use]
pub fn capture(outcomes: &[bool], scores: &[f64], share: f64) -> Option<f64> {
    Groups::of(outcomes, scores).map(|groups| groups.capture(share))
}

/// The capture at every 5 % of the rows, from 0 to 1. Empty without rows of both outcomes.
#[must_use]
pub fn gain_curve(outcomes: &[bool], scores: &[f64]) -> Vec<GainPoint> {
    let Some(groups) = Groups::of(outcomes, scores) else { return Vec::new() };
    (0..=GAIN_POINTS)
        .map(|point| {
            let share = point as f64 / GAIN_POINTS as f64;
            GainPoint { share, captured: groups.capture(share) }
        })
        .collect()
}

/// The mean of curves point by point, the empty ones left out; at 0.2 it is the mean of `top20_capture`.
pub(crate) fn mean_curve(curves: impl Iterator<Item = Vec<GainPoint>>) -> Vec<GainPoint> {
    let mut mean: Vec<GainPoint> = Vec::new();
    let mut count = 0.0;
    for curve in curves.filter(|curve| !curve.is_empty()) {
        count += 1.0;
        if mean.is_empty() {
            mean = curve;
            continue;
        }
        for (sum, point) in mean.iter_mut().zip(curve) {
            sum.captured += point.captured;
        }
    }
    mean.iter_mut().for_each(|point| point.captured /= count);
    mean
}

/// Mean negative log-likelihood in nats. Not a number without rows.
#[must_use]
pub fn log_loss(outcomes: &[bool], scores: &[f64]) -> f64 {
    mean(outcomes, scores, |outcome, score| {
        let score = score.clamp(LOG_LOSS_FLOOR, 1.0 - LOG_LOSS_FLOOR);
        -if outcome { score.ln() } else { (-score).ln_1p() }
    })
}

/// Mean squared error of probabilities. Not a number without rows. Source: Brier (1950).
#[must_use]
pub fn brier(outcomes: &[bool], scores: &[f64]) -> f64 {
    mean(outcomes, scores, |outcome, score| (score - f64::from(u8::from(outcome))).powi(2))
}

fn mean(outcomes: &[bool], scores: &[f64], loss: impl Fn(bool, f64) -> f64) -> f64 {
    let sum: f64 = outcomes.iter().zip(scores).map(|(&o, &s)| loss(o, s)).sum();
    sum / outcomes.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const Y: [bool; 10] = [false, true, true, false, true, false, false, true, false, true];
    const P: [f64; 10] = [0.1, 0.4, 0.35, 0.4, 0.8, 0.2, 0.8, 0.9, 0.05, 0.35];

    /// scikit-learn 1.9.1:
    /// ```python
    /// from sklearn.metrics import roc_auc_score, average_precision_score, log_loss, brier_score_loss
    /// y = [0,1,1,0,1,0,0,1,0,1]
    /// p = [0.1,0.4,0.35,0.4,0.8,0.2,0.8,0.9,0.05,0.35]
    /// print(*(repr(float(f(y, p))) for f in
    ///         (roc_auc_score, average_precision_score, log_loss, brier_score_loss)))
    /// # 0.76 0.739047619047619 0.5844499945403224 0.21075
    /// ```
    #[test]
    fn the_figures_are_those_of_scikit_learn() {
        let metrics = Metrics::of(&Y, &P).unwrap();
        assert!((metrics.auc - 0.76).abs() < 1e-12);
        assert!((metrics.average_precision - 0.739_047_619_047_619).abs() < 1e-12);
        assert!((metrics.log_loss - 0.584_449_994_540_322_4).abs() < 1e-12);
        assert!((metrics.brier - 0.210_75).abs() < 1e-12);
        // The two highest: 0.9 (bought), then one of the two at 0.8, of which one bought: 1.5 of 5.
        assert!((metrics.top20_capture - 0.3).abs() < 1e-12);
    }

    #[test]
    fn equal_scores_say_nothing_whatever_the_order_of_rows() {
        let sorted: Vec<bool> = (0..100).map(|row| row < 30).collect();
        let metrics = Metrics::of(&sorted, &[0.3; 100]).unwrap();
        assert_eq!(metrics.auc, 0.5);
        assert!((metrics.top20_capture - 0.2).abs() < 1e-12);
        assert!((metrics.average_precision - 0.3).abs() < 1e-12);
        assert_eq!(roc_auc(&[true; 4], &[0.1, 0.2, 0.3, 0.4]), None);
        assert_eq!(Metrics::of(&[], &[]), None);
    }

    fn rows() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
        proptest::collection::vec((any::<bool>(), 0u32..20), 2..80).prop_map(|rows| {
            rows.into_iter().map(|(outcome, score)| (outcome, f64::from(score) / 19.0)).unzip()
        })
    }

    proptest! {
        #[test]
        fn auc_counts_pairs((outcomes, scores) in rows()) {
            let (mut wins, mut pairs) = (0.0, 0.0);
            for (i, &a) in outcomes.iter().enumerate() {
                for (j, &b) in outcomes.iter().enumerate() {
                    if a && !b {
                        pairs += 1.0;
                        wins += if scores[i] > scores[j] { 1.0 }
                            else if scores[i] == scores[j] { 0.5 } else { 0.0 };
                    }
                }
            }
            match roc_auc(&outcomes, &scores) {
                Some(auc) => prop_assert!((auc - wins / pairs).abs() < 1e-9),
                None => prop_assert_eq!(pairs, 0.0),
            }
        }

        #[test]
        fn order_of_rows_and_growing_transforms_change_nothing((outcomes, scores) in rows()) {
            let reversed: (Vec<bool>, Vec<f64>) = (
                outcomes.iter().rev().copied().collect(),
                scores.iter().rev().map(|score| score.powi(3) + 2.0).collect(),
            );
            prop_assert_eq!(roc_auc(&outcomes, &scores), roc_auc(&reversed.0, &reversed.1));
            let [a, b] = [
                capture(&outcomes, &scores, 0.2),
                capture(&reversed.0, &reversed.1, 0.2),
            ];
            prop_assert_eq!(a, b);
            let flipped: Vec<bool> = outcomes.iter().map(|outcome| !outcome).collect();
            if let (Some(a), Some(b)) = (roc_auc(&outcomes, &scores), roc_auc(&flipped, &scores)) {
                prop_assert!((a + b - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn the_gain_curve_rises_from_none_to_all((outcomes, scores) in rows()) {
            let curve = gain_curve(&outcomes, &scores);
            if let (Some(first), Some(last)) = (curve.first(), curve.last()) {
                prop_assert_eq!(first.captured, 0.0);
                prop_assert!((last.captured - 1.0).abs() < 1e-9);
                prop_assert!(curve.windows(2).all(|w| w[0].captured <= w[1].captured + 1e-12));
            }
        }
    }
}

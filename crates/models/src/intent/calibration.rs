//! Whether 30 % means three in ten, and a correction that makes it so.

use serde::{Deserialize, Serialize};

use super::solve::{logit, sigmoid, softplus};

/// Groups of the calibration table.
const BINS: usize = 10;
const MAX_STEPS: usize = 100;

/// A correction of probabilities: `sigmoid(slope · logit(p) + offset)`.
///
/// Source: Platt (1999), with the targets and the Newton method of Lin, Lin and Weng (2007), "A note on
/// Platt's probabilistic outputs for support vector machines"; taken of log-odds, so that slope 1 and
/// offset 0 leave probabilities as they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Above 0, so that the order of rows stays.
    pub slope: f64,
    /// On the log-odds scale.
    pub offset: f64,
}

impl Platt {
    /// No correction.
    pub const IDENTITY: Self = Self { slope: 1.0, offset: 0.0 };

    /// The correction that makes `scores` (probabilities of held-back rows) fit `outcomes` best. None at all
    /// without rows of both outcomes or if the scores go against the outcomes.
    #[must_use]
    pub fn fit(outcomes: &[bool], scores: &[f64]) -> Self {
        let positives = outcomes.iter().filter(|&&outcome| outcome).count() as f64;
        let negatives = outcomes.len() as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return Self::IDENTITY;
        }
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        let points: Vec<(f64, f64)> = scores
            .iter()
            .zip(outcomes)
            .map(|(&score, &outcome)| (logit(score), if outcome { high } else { low }))
            .collect();
        let loss = |slope: f64, offset: f64| -> f64 {
            points
                .iter()
                .map(|&(x, t)| {
                    let f = slope * x + offset;
                    softplus(f) - t * f
                })
                .sum()
        };
        let (mut slope, mut offset) = (0.0, ((positives + 1.0) / (negatives + 1.0)).ln());
        let mut value = loss(slope, offset);
        for _ in 0..MAX_STEPS {
            let (mut g1, mut g2, mut h11, mut h12, mut h22) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
            for &(x, t) in &points {
                let p = sigmoid(slope * x + offset);
                let w = p * (1.0 - p);
                g1 += (p - t) * x;
                g2 += p - t;
                h11 += w * x * x;
                h12 += w * x;
                h22 += w;
            }
            if g1.abs().max(g2.abs()) < 1e-8 * points.len() as f64 {
                break;
            }
            let det = h11 * h22 - h12 * h12;
            if det.is_nan() || det <= 0.0 {
                break;
            }
            let step = ((h12 * g2 - h22 * g1) / det, (h12 * g1 - h11 * g2) / det);
            let mut length = 1.0;
            let mut moved = false;
            while length > 1e-10 {
                let next = loss(slope + length * step.0, offset + length * step.1);
                if next < value {
                    slope += length * step.0;
                    offset += length * step.1;
                    value = next;
                    moved = true;
                    break;
                }
                length /= 2.0;
            }
            if !moved {
                break;
            }
        }
        if slope > 1e-6 && slope.is_finite() && offset.is_finite() {
            Self { slope, offset }
        } else {
            Self::IDENTITY
        }
    }

    /// The corrected probability.
    #[must_use]
    pub fn apply(&self, probability: f64) -> f64 {
        sigmoid(self.slope * logit(probability) + self.offset)
    }
}

/// A group of rows with neighbouring probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Rows.
    pub count: usize,
    /// Mean probability foretold.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
}

/// A calibration table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Up to ten groups of about equal size, from low to high probability; equal ones stay together.
    pub bins: Vec<Bin>,
    /// Expected calibration error: mean of |predicted − observed|, weighted by rows. Source: Naeini, Cooper
    /// and Hauskrecht (2015).
    pub expected_error: f64,
}

impl Calibration {
    /// The table of these probabilities.
    #[must_use]
    pub fn of(outcomes: &[bool], scores: &[f64]) -> Self {
        let mut order: Vec<(f64, bool)> =
            scores.iter().copied().zip(outcomes.iter().copied()).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rows = order.len();
        let mut sums = [(0usize, 0.0, 0.0); BINS];
        let mut first = 0;
        while first < rows {
            let same = order[first..].iter().take_while(|row| row.0 == order[first].0).count();
            // All rows of one probability go where the middle of them falls.
            let place = (2 * first + same) * BINS / (2 * rows);
            let sum = &mut sums[place.min(BINS - 1)];
            for &(score, outcome) in &order[first..first + same] {
                sum.0 += 1;
                sum.1 += score;
                sum.2 += f64::from(u8::from(outcome));
            }
            first += same;
        }
        let bins: Vec<Bin> = sums
            .into_iter()
            .filter(|sum| sum.0 > 0)
            .map(|(count, predicted, observed)| Bin {
                count,
                predicted: predicted / count as f64,
                observed: observed / count as f64,
            })
            .collect();
        let error: f64 =
            bins.iter().map(|b| b.count as f64 * (b.predicted - b.observed).abs()).sum();
        Self { bins, expected_error: error / rows.max(1) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::Rng;
    use super::*;

    /// Outcomes that follow `truth(p)` where `p` is told.
    fn told(truth: impl Fn(f64) -> f64) -> (Vec<bool>, Vec<f64>) {
        let mut rng = Rng::new(5, 0);
        (0..20_000)
            .map(|_| {
                let p = rng.unit();
                (rng.unit() < truth(p), p)
            })
            .unzip()
    }

    #[test]
    fn what_is_right_stays_and_what_is_overconfident_is_mended() {
        let (outcomes, scores) = told(|p| p);
        let platt = Platt::fit(&outcomes, &scores);
        assert!((platt.slope - 1.0).abs() < 0.05 && platt.offset.abs() < 0.05, "{platt:?}");
        assert!(Calibration::of(&outcomes, &scores).expected_error < 0.02);

        let (outcomes, scores) = told(|p| sigmoid(0.5 * logit(p) - 1.0));
        let platt = Platt::fit(&outcomes, &scores);
        assert!((platt.slope - 0.5).abs() < 0.05 && (platt.offset + 1.0).abs() < 0.05, "{platt:?}");
        let mended: Vec<f64> = scores.iter().map(|&p| platt.apply(p)).collect();
        let [before, after] =
            [&scores, &mended].map(|s| Calibration::of(&outcomes, s).expected_error);
        assert!(before > 0.15 && after < 0.02, "{before} {after}");
    }

    #[test]
    fn scores_that_go_the_wrong_way_are_left_alone() {
        let (outcomes, scores) = told(|p| 1.0 - p);
        assert_eq!(Platt::fit(&outcomes, &scores), Platt::IDENTITY);
        assert_eq!(Platt::fit(&[true; 3], &[0.1, 0.2, 0.3]), Platt::IDENTITY);
        let perfect = Platt::fit(&[false, false, true, true], &[0.0, 0.0, 1.0, 1.0]);
        assert!(perfect.apply(1.0) > perfect.apply(0.0));
    }

    #[test]
    fn the_table_has_every_row_once_and_keeps_equal_scores_together() {
        let (outcomes, scores) = told(|p| p);
        let rounded: Vec<f64> = scores.iter().map(|p| (p * 4.0).round() / 4.0).collect();
        for (scores, bins) in [(&scores, 10), (&rounded, 5)] {
            let table = Calibration::of(&outcomes, scores);
            assert_eq!(table.bins.len(), bins);
            assert_eq!(table.bins.iter().map(|bin| bin.count).sum::<usize>(), 20_000);
        }
        assert_eq!(Calibration::of(&[], &[]).bins, []);
    }
}

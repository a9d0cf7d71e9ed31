//! Logistic regression with a quadratic penalty.

use serde::{Deserialize, Serialize};

use super::features::Matrix;
use super::solve::{cholesky_solve, sigmoid, softplus};

/// Features up to which the Newton step is solved by Cholesky; beyond, by conjugate gradients.
const DENSE_FEATURES: usize = 256;
const MAX_STEPS: usize = 100;
const MAX_CG_STEPS: usize = 250;

/// How it is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticOptions {
    /// Weight of ½ Σ w²; 1 is scikit-learn's `C=1`. Above 0, so that separable data have a solution.
    pub l2: f64,
    /// Largest gradient, as a share of the rows, at which the fit ends.
    pub tolerance: f64,
}

impl Default for LogisticOptions {
    fn default() -> Self {
        Self { l2: 1.0, tolerance: 1e-9 }
    }
}

/// Log-odds as a weighted sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// Log-odds where every feature is 0.
    pub intercept: f64,
    /// One for each feature.
    pub weights: Vec<f64>,
    /// Mean of each feature in training, from which contributions are counted.
    pub means: Vec<f64>,
}

/// Rows by their features that are not 0, with a 1 for the intercept at the end of each.
struct Sparse {
    begins: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f64>,
    width: usize,
}

impl Sparse {
    fn of(matrix: &Matrix) -> Self {
        let width = matrix.columns + 1;
        let mut sparse = Self { begins: vec![0], places: Vec::new(), values: Vec::new(), width };
        for row in 0..matrix.rows {
            for (place, &value) in matrix.row(row).iter().enumerate() {
                if value != 0.0 {
                    sparse.places.push(place as u32);
                    sparse.values.push(value);
                }
            }
            sparse.places.push(matrix.columns as u32);
            sparse.values.push(1.0);
            sparse.begins.push(sparse.places.len());
        }
        sparse
    }

    fn rows(&self) -> impl Iterator<Item = (&[u32], &[f64])> {
        self.begins
            .windows(2)
            .map(|ends| (&self.places[ends[0]..ends[1]], &self.values[ends[0]..ends[1]]))
    }

    fn times(&self, weights: &[f64]) -> Vec<f64> {
        self.rows().map(|row| dot(row, weights)).collect()
    }

    /// Adds `factor · row` of every row to `out`.
    fn add_transposed(&self, factors: &[f64], out: &mut [f64]) {
        for ((places, values), factor) in self.rows().zip(factors) {
            for (&place, value) in places.iter().zip(values) {
                out[place as usize] += factor * value;
            }
        }
    }
}

fn dot((places, values): (&[u32], &[f64]), weights: &[f64]) -> f64 {
    places.iter().zip(values).map(|(&place, value)| weights[place as usize] * value).sum()
}

impl Logistic {
    /// Fits to `outcomes`, one for each row. Minimises Σ log-loss + ½ l2 Σ w², the intercept free.
    ///
    /// Newton's method (iteratively reweighted least squares: McCullagh and Nelder 1989, §2.5) with halved
    /// steps, solved by Cholesky or, for many features, by conjugate gradients (Lin, Weng and Keerthi
    /// 2008). The objective is strictly convex, so both end at the same weights.
    #[must_use]
    pub fn fit(matrix: &Matrix, outcomes: &[bool], options: &LogisticOptions) -> Self {
        Self::fit_with(matrix, outcomes, options, matrix.columns <= DENSE_FEATURES)
    }

    fn fit_with(
        matrix: &Matrix,
        outcomes: &[bool],
        options: &LogisticOptions,
        dense: bool,
    ) -> Self {
        let sparse = Sparse::of(matrix);
        let intercept = matrix.columns;
        let l2 = options.l2.max(1e-6);
        let mut weights = vec![0.0; sparse.width];
        let loss = |weights: &[f64], scores: &[f64]| -> f64 {
            let fit: f64 = scores
                .iter()
                .zip(outcomes)
                .map(|(&score, &outcome)| softplus(score) - if outcome { score } else { 0.0 })
                .sum();
            fit + 0.5 * l2 * weights[..intercept].iter().map(|w| w * w).sum::<f64>()
        };
        let mut scores = sparse.times(&weights);
        let mut value = loss(&weights, &scores);
        for _ in 0..MAX_STEPS {
            let chances: Vec<f64> = scores.iter().map(|&score| sigmoid(score)).collect();
            let residuals: Vec<f64> = chances
                .iter()
                .zip(outcomes)
                .map(|(chance, &outcome)| chance - f64::from(u8::from(outcome)))
                .collect();
            let mut gradient: Vec<f64> = weights.iter().map(|w| l2 * w).collect();
            gradient[intercept] = 0.0;
            sparse.add_transposed(&residuals, &mut gradient);
            let largest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
            if largest <= options.tolerance * matrix.rows as f64 {
                break;
            }
            let curvature: Vec<f64> = chances.iter().map(|p| (p * (1.0 - p)).max(1e-12)).collect();
            let step = if dense {
                dense_step(&sparse, &curvature, &gradient, l2)
            } else {
                gradient_step(&sparse, &curvature, &gradient, l2)
            };
            let slope: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            let moves = sparse.times(&step);
            let mut length = 1.0;
            let better = loop {
                let next: Vec<f64> =
                    weights.iter().zip(&step).map(|(w, s)| w + length * s).collect();
                let next_scores: Vec<f64> =
                    scores.iter().zip(&moves).map(|(s, m)| s + length * m).collect();
                let next_value = loss(&next, &next_scores);
                if next_value <= value + 1e-4 * length * slope && next_value < value {
                    break Some((next, next_scores, next_value));
                }
                length /= 2.0;
                if length < 1e-12 {
                    break None;
                }
            };
            // No step makes it better within the precision of the sum.
            let Some(better) = better else { break };
            (weights, scores, value) = better;
        }
        let rows = matrix.rows.max(1) as f64;
        let means = (0..intercept)
            .map(|place| (0..matrix.rows).map(|row| matrix.row(row)[place]).sum::<f64>() / rows)
            .collect();
        let free = weights.pop().unwrap_or_default();
        Self { intercept: free, weights, means }
    }

    /// Log-odds of a row of features.
    #[must_use]
    pub fn log_odds(&self, features: &[f64]) -> f64 {
        self.intercept + self.weights.iter().zip(features).map(|(w, x)| w * x).sum::<f64>()
    }

    /// Log-odds of a row of mean features, and what each feature adds to it: `w (x − mean)`. They sum to
    /// the log-odds of the row.
    #[must_use]
    pub fn contributions(&self, features: &[f64]) -> (f64, Vec<f64>) {
        let parts = self.weights.iter().zip(&self.means).zip(features);
        (self.log_odds(&self.means), parts.map(|((w, mean), x)| w * (x - mean)).collect())
    }
}

/// −H⁻¹ g with H = XᵀWX + l2 I, by Cholesky.
fn dense_step(sparse: &Sparse, curvature: &[f64], gradient: &[f64], l2: f64) -> Vec<f64> {
    let n = sparse.width;
    let mut hessian = vec![0.0; n * n];
    for ((places, values), weight) in sparse.rows().zip(curvature) {
        for (at, (&i, x)) in places.iter().zip(values).enumerate() {
            let row = &mut hessian[i as usize * n..(i as usize + 1) * n];
            let scaled = weight * x;
            // Places ascend within a row, so this is the lower triangle.
            for (&j, y) in places[..=at].iter().zip(values) {
                row[j as usize] += scaled * y;
            }
        }
    }
    for i in 0..n - 1 {
        hessian[i * n + i] += l2;
    }
    let mut jitter = 0.0;
    loop {
        let mut factor = hessian.clone();
        for i in 0..n {
            factor[i * n + i] += jitter;
        }
        let mut step: Vec<f64> = gradient.iter().map(|g| -g).collect();
        if cholesky_solve(&mut factor, &mut step) {
            return step;
        }
        jitter = if jitter == 0.0 { 1e-10 } else { jitter * 100.0 };
        if jitter > 1e10 {
            return gradient.iter().map(|g| -g).collect();
        }
    }
}

/// The same by conjugate gradients, preconditioned by the diagonal, never holding H.
fn gradient_step(sparse: &Sparse, curvature: &[f64], gradient: &[f64], l2: f64) -> Vec<f64> {
    let n = sparse.width;
    let mut diagonal = vec![l2; n];
    diagonal[n - 1] = 0.0;
    for ((places, values), weight) in sparse.rows().zip(curvature) {
        for (&place, value) in places.iter().zip(values) {
            diagonal[place as usize] += weight * value * value;
        }
    }
    let product = |direction: &[f64]| -> Vec<f64> {
        let mut scores = sparse.times(direction);
        scores.iter_mut().zip(curvature).for_each(|(score, weight)| *score *= weight);
        let mut out: Vec<f64> = direction.iter().map(|d| l2 * d).collect();
        out[n - 1] = 0.0;
        sparse.add_transposed(&scores, &mut out);
        out
    };
    let mut step = vec![0.0; n];
    let mut rest: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let scaled = |rest: &[f64]| -> Vec<f64> {
        rest.iter().zip(&diagonal).map(|(r, d)| r / d.max(1e-12)).collect()
    };
    let inner = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let mut direction = scaled(&rest);
    let mut size = inner(&rest, &direction);
    let enough = 1e-6 * size;
    for _ in 0..MAX_CG_STEPS {
        if size <= enough || size <= f64::MIN_POSITIVE {
            break;
        }
        let image = product(&direction);
        let bend = inner(&direction, &image);
        if bend.is_nan() || bend <= 0.0 {
            break;
        }
        let length = size / bend;
        for i in 0..n {
            step[i] += length * direction[i];
            rest[i] -= length * image[i];
        }
        let preconditioned = scaled(&rest);
        let next = inner(&rest, &preconditioned);
        for i in 0..n {
            direction[i] = preconditioned[i] + next / size * direction[i];
        }
        size = next;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the snippet below.
    fn data() -> (Matrix, Vec<bool>) {
        let values: Vec<f64> = (0..40)
            .flat_map(|i| (0..3).map(move |j| f64::from((7 * i + 3 * j * j) % 11) / 5.0 - 1.0))
            .collect();
        let matrix = Matrix { rows: 40, columns: 3, values };
        let outcomes = (0..40u32)
            .map(|i| {
                let x = matrix.row(i as usize);
                x[0] + x[1] * 0.5 - x[2] * 0.3 + f64::from((i * 13) % 7) / 7.0 - 0.5 > 0.0
            })
            .collect();
        (matrix, outcomes)
    }

    /// scikit-learn 1.9.1:
    /// ```python
    /// from sklearn.linear_model import LogisticRegression
    /// X = [[((7*i+3*j*j) % 11)/5 - 1 for j in range(3)] for i in range(40)]
    /// t = [int(x[0] + x[1]*0.5 - x[2]*0.3 + ((i*13) % 7)/7 - 0.5 > 0) for i, x in enumerate(X)]
    /// for C in (1.0, 10.0):
    ///     m = LogisticRegression(C=C, tol=1e-12, max_iter=10000).fit(X, t)
    ///     print(sum(t), [float(v) for v in m.intercept_], [float(v) for v in m.coef_[0]])
    /// # 18 [-0.40535511301950017] [2.2294034260950886, 1.2723888100836824, -0.012662731939426101]
    /// # 18 [-0.8181685877308252] [4.776857385944224, 2.736181550697825, -0.4461059313884966]
    /// ```
    #[test]
    fn the_weights_are_those_of_scikit_learn() {
        let (matrix, outcomes) = data();
        assert_eq!(outcomes.iter().filter(|&&outcome| outcome).count(), 18);
        let expected = [
            (1.0, -0.405_355_113, [2.229_403_426, 1.272_388_810, -0.012_662_732]),
            (0.1, -0.818_168_588, [4.776_857_386, 2.736_181_551, -0.446_105_931]),
        ];
        for (l2, intercept, weights) in expected {
            for dense in [true, false] {
                let options = LogisticOptions { l2, ..Default::default() };
                let model = Logistic::fit_with(&matrix, &outcomes, &options, dense);
                assert!((model.intercept - intercept).abs() < 1e-6, "{dense} {model:?}");
                for (found, expected) in model.weights.iter().zip(weights) {
                    assert!((found - expected).abs() < 1e-6, "{dense} {model:?}");
                }
            }
        }
    }

    #[test]
    fn separable_data_have_a_finite_fit() {
        let values: Vec<f64> = (0..200).map(|row| f64::from(row) - 99.5).collect();
        let matrix = Matrix { rows: 200, columns: 1, values };
        let outcomes: Vec<bool> = (0..200).map(|row| row >= 100).collect();
        let model = Logistic::fit(&matrix, &outcomes, &LogisticOptions::default());
        assert!(model.weights[0] > 0.1 && model.weights[0] < 10.0, "{model:?}");
        assert!(model.log_odds(&[1.0]) > 0.0 && model.log_odds(&[-1.0]) < 0.0);
    }

    #[test]
    fn contributions_sum_to_the_log_odds() {
        let (matrix, outcomes) = data();
        let model = Logistic::fit(&matrix, &outcomes, &LogisticOptions::default());
        for row in 0..matrix.rows {
            let (base, parts) = model.contributions(matrix.row(row));
            let sum = base + parts.iter().sum::<f64>();
            assert!((sum - model.log_odds(matrix.row(row))).abs() < 1e-12);
        }
    }

    #[test]
    fn twins_share_their_weight() {
        let (matrix, outcomes) = data();
        let doubled: Vec<f64> =
            (0..40).flat_map(|row| [matrix.row(row)[0], matrix.row(row)[0]]).collect();
        let matrix = Matrix { rows: 40, columns: 2, values: doubled };
        let model = Logistic::fit(&matrix, &outcomes, &LogisticOptions::default());
        assert!((model.weights[0] - model.weights[1]).abs() < 1e-6);
    }
}

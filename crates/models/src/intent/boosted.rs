//! Gradient-boosted trees.

use serde::{Deserialize, Serialize};

use super::bins::Binned;
use super::features::Matrix;
use super::folds::stratified_parts;
use super::metrics::log_loss;
use super::solve::{logit, sigmoid};
use super::tree::{Growth, Sum, Tree, grow};

/// One part in this many is held back to find the number of trees.
const HELD_BACK: usize = 5;

/// How they are grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoostedOptions {
    /// Most trees.
    pub trees: usize,
    /// Share of each tree's answer that is added.
    pub rate: f64,
    /// Questions from the root of a tree to a leaf.
    pub depth: usize,
    /// Fewest rows of a leaf.
    pub leaf_rows: usize,
    /// Penalty on the values of leaves.
    pub l2: f64,
    /// Trees without a better loss on held-back rows after which growing ends.
    pub patience: usize,
}

impl Default for BoostedOptions {
    fn default() -> Self {
        Self { trees: 400, rate: 0.08, depth: 3, leaf_rows: 20, l2: 1.0, patience: 20 }
    }
}

/// A sum of small trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Boosted {
    /// Log-odds of all rows.
    pub base: f64,
    /// What is added to them.
    pub trees: Vec<Tree>,
}

impl Boosted {
    /// Grows trees on the gradient of the log-loss, leaves by one Newton step.
    ///
    /// How many is found on a fifth of the rows, held back by `seed`; then all rows are used. Deterministic:
    /// one thread, no sampling of rows or features, no clock.
    /// Source: Friedman (2001), "Greedy function approximation"; gain and leaves as in Chen and Guestrin
    /// (2016), "XGBoost", eq. 5 to 7; histograms as in Ke et al. (2017), "LightGBM".
    #[must_use]
    pub fn fit(matrix: &Matrix, outcomes: &[bool], seed: u64, options: &BoostedOptions) -> Self {
        let parts = stratified_parts(outcomes, HELD_BACK, seed ^ 0x0062_6F6F_7374);
        let rows = 0..matrix.rows as u32;
        let (held, kept): (Vec<u32>, Vec<u32>) = rows.partition(|&row| parts[row as usize] == 0);
        let of =
            |rows: &[u32]| -> Vec<bool> { rows.iter().map(|&r| outcomes[r as usize]).collect() };
        let watched = (matrix.select(&held), of(&held));
        let trial =
            Self::grow(&matrix.select(&kept), &of(&kept), options, options.trees, Some(&watched));
        Self::grow(matrix, outcomes, options, trial.trees.len(), None)
    }

    /// Up to `trees` trees; with `watched` rows only as many as made their loss smallest.
    fn grow(
        matrix: &Matrix,
        outcomes: &[bool],
        options: &BoostedOptions,
        trees: usize,
        watched: Option<&(Matrix, Vec<bool>)>,
    ) -> Self {
        let binned = Binned::of(matrix);
        let positives = outcomes.iter().filter(|&&outcome| outcome).count() as f64;
        let base = logit((positives + 0.5) / (outcomes.len() as f64 + 1.0));
        let growth = Growth {
            depth: options.depth,
            leaf_rows: options.leaf_rows.max(1) as f64,
            leaf_second: 1e-3,
            gain: 1e-6,
            leaf_cost: 0.0,
        };
        let score = |sum: Sum| 0.5 * sum.first * sum.first / (sum.second + options.l2);
        let leaf = |sum: Sum| -options.rate * sum.first / (sum.second + options.l2);
        let mut model = Self { base, trees: Vec::new() };
        let mut scores = vec![base; matrix.rows];
        let (mut gradient, mut hessian) = (vec![0.0; matrix.rows], vec![0.0; matrix.rows]);
        let mut watched_scores = watched.map(|(rows, _)| vec![base; rows.rows]);
        let (mut best, mut best_trees) = (f64::INFINITY, 0);
        for _ in 0..trees {
            for (row, &score) in scores.iter().enumerate() {
                let chance = sigmoid(score);
                gradient[row] = chance - f64::from(u8::from(outcomes[row]));
                hessian[row] = chance * (1.0 - chance);
            }
            let tree = grow(&binned, &gradient, &hessian, &growth, score, leaf);
            // Nothing is left to ask.
            if tree.nodes.len() == 1 {
                break;
            }
            for (row, score) in scores.iter_mut().enumerate() {
                *score += tree.value(matrix.row(row));
            }
            let answers = (watched, &mut watched_scores);
            if let (Some((rows, outcomes)), Some(scores)) = answers {
                for (row, score) in scores.iter_mut().enumerate() {
                    *score += tree.value(rows.row(row));
                }
                let chances: Vec<f64> = scores.iter().map(|&score| sigmoid(score)).collect();
                let loss = log_loss(outcomes, &chances);
                if loss < best {
                    (best, best_trees) = (loss, model.trees.len() + 1);
                }
            }
            model.trees.push(tree);
            if watched.is_some() && model.trees.len() >= best_trees + options.patience {
                break;
            }
        }
        if watched.is_some() {
            model.trees.truncate(best_trees.max(1));
        }
        model
    }

    /// Log-odds of a row of features.
    #[must_use]
    pub fn log_odds(&self, features: &[f64]) -> f64 {
        self.base + self.trees.iter().map(|tree| tree.value(features)).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::roc_auc;
    use super::super::rng::Rng;
    use super::*;

    fn curve(rows: usize, seed: u64) -> (Matrix, Vec<bool>) {
        let mut rng = Rng::new(seed, 0);
        let values: Vec<f64> = (0..rows * 2).map(|_| rng.unit() * 2.0 - 1.0).collect();
        let matrix = Matrix { rows, columns: 2, values };
        let outcomes = (0..rows)
            .map(|row| {
                let x = matrix.row(row);
                rng.unit() < sigmoid(6.0 * x[0] * x[1])
            })
            .collect();
        (matrix, outcomes)
    }

    #[test]
    fn it_learns_a_product_that_weighted_sums_cannot() {
        let (matrix, outcomes) = curve(4_000, 3);
        let model = Boosted::fit(&matrix, &outcomes, 1, &BoostedOptions::default());
        let (fresh, truth) = curve(4_000, 4);
        let auc = |score: &dyn Fn(&[f64]) -> f64| {
            let scores: Vec<f64> = (0..fresh.rows).map(|row| score(fresh.row(row))).collect();
            roc_auc(&truth, &scores).unwrap()
        };
        let (found, ideal) = (auc(&|x| model.log_odds(x)), auc(&|x| x[0] * x[1]));
        assert!(found > ideal - 0.02 && found < ideal + 0.01, "{found} of {ideal}");
    }

    #[test]
    fn noise_stops_early_and_the_same_seed_gives_the_same_trees() {
        let (matrix, _) = curve(1_000, 5);
        let outcomes: Vec<bool> = (0..1_000).map(|row| (row * 7919) % 10 < 3).collect();
        let options = BoostedOptions::default();
        let model = Boosted::fit(&matrix, &outcomes, 9, &options);
        assert!(model.trees.len() < 40, "{}", model.trees.len());
        assert_eq!(model, Boosted::fit(&matrix, &outcomes, 9, &options));
    }

    #[test]
    fn one_class_and_no_features_do_not_fail() {
        let matrix = Matrix { rows: 50, columns: 0, values: Vec::new() };
        let model = Boosted::fit(&matrix, &[true; 50], 1, &BoostedOptions::default());
        assert!(model.log_odds(&[]).is_finite());
    }
}

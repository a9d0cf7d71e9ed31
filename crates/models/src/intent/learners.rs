//! The three models behind one door.

use serde::{Deserialize, Serialize};

use super::boosted::{Boosted, BoostedOptions};
use super::features::Matrix;
use super::logistic::{Logistic, LogisticOptions};
use super::solve::sigmoid;
use super::tree::{Tree, TreeOptions};

/// Which model. Simplest first: this is the order in which near-equals are preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnerKind {
    /// Logistic regression: one weight for each feature.
    Logistic,
    /// One decision tree.
    Tree,
    /// Gradient-boosted trees.
    Boosted,
}

impl LearnerKind {
    /// All, simplest first.
    pub const ALL: [Self; 3] = [Self::Logistic, Self::Tree, Self::Boosted];
}

/// How each is fitted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LearnerOptions {
    /// Logistic regression.
    pub logistic: LogisticOptions,
    /// Decision tree.
    pub tree: TreeOptions,
    /// Gradient-boosted trees.
    pub boosted: BoostedOptions,
}

/// A fitted model on features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learner {
    /// Logistic regression.
    Logistic(Logistic),
    /// One decision tree, whose values are log-odds.
    Tree(Tree),
    /// Gradient-boosted trees.
    Boosted(Boosted),
}

impl Learner {
    /// Fits the model `kind` to `outcomes`, one for each row of `matrix`. The same for the same seed.
    #[must_use]
    pub fn fit(
        kind: LearnerKind,
        matrix: &Matrix,
        outcomes: &[bool],
        seed: u64,
        options: &LearnerOptions,
    ) -> Self {
        match kind {
            LearnerKind::Logistic => {
                Self::Logistic(Logistic::fit(matrix, outcomes, &options.logistic))
            }
            LearnerKind::Tree => Self::Tree(Tree::fit(matrix, outcomes, &options.tree)),
            LearnerKind::Boosted => {
                Self::Boosted(Boosted::fit(matrix, outcomes, seed, &options.boosted))
            }
        }
    }

    /// Which it is.
    #[must_use]
    pub fn kind(&self) -> LearnerKind {
        match self {
            Self::Logistic(_) => LearnerKind::Logistic,
            Self::Tree(_) => LearnerKind::Tree,
            Self::Boosted(_) => LearnerKind::Boosted,
        }
    }

    /// Log-odds of a row of features.
    #[must_use]
    pub fn log_odds(&self, features: &[f64]) -> f64 {
        match self {
            Self::Logistic(model) => model.log_odds(features),
            Self::Tree(tree) => tree.value(features),
            Self::Boosted(model) => model.log_odds(features),
        }
    }

    /// The probability of each row, as the model gives it, 0 to 1.
    #[must_use]
    pub fn probabilities(&self, matrix: &Matrix) -> Vec<f64> {
        (0..matrix.rows).map(|row| sigmoid(self.log_odds(matrix.row(row)))).collect()
    }

    /// Log-odds before anything is known of a row, and what each feature adds. They sum to the row's
    /// log-odds. Exact for logistic regression, counted from the mean of the training; by path for trees:
    /// what each question changed. Source of the latter: Saabas (2014); it favours questions near the
    /// leaves and is no Shapley value.
    #[must_use]
    pub fn contributions(&self, features: &[f64]) -> (f64, Vec<f64>) {
        let mut parts = vec![0.0; features.len()];
        match self {
            Self::Logistic(model) => model.contributions(features),
            Self::Tree(tree) => {
                let base = tree.add_contributions(features, &mut parts);
                (base, parts)
            }
            Self::Boosted(model) => {
                let mut base = model.base;
                for tree in &model.trees {
                    base += tree.add_contributions(features, &mut parts);
                }
                (base, parts)
            }
        }
    }

    /// Whether what was read from a file can be used with that many features.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        match self {
            Self::Logistic(model) => {
                model.intercept.is_finite()
                    && model.weights.len() == features
                    && model.means.len() == features
                    && model.weights.iter().chain(&model.means).all(|value| value.is_finite())
            }
            Self::Tree(tree) => tree.is_sound(features),
            Self::Boosted(model) => {
                model.base.is_finite() && model.trees.iter().all(|tree| tree.is_sound(features))
            }
        }
    }
}

//! A decision tree, and the growing that boosting shares with it.

use serde::{Deserialize, Serialize};

use super::bins::Binned;
use super::features::Matrix;
use super::solve::logit;

/// Deepest tree there is; also what a stored tree may have.
pub(crate) const MAX_DEPTH: usize = 32;

/// How a tree of its own is grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreeOptions {
    /// Questions from the root to a leaf.
    pub depth: usize,
    /// Fewest rows of a leaf; also at least half a percent of all rows.
    pub leaf_rows: usize,
    /// Log-likelihood, in nats, that each leaf must be worth; as a multiple of ln(rows).
    pub leaf_cost: f64,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { depth: 6, leaf_rows: 20, leaf_cost: 0.5 }
    }
}

/// A question or, if `left` is 0, a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The feature asked about.
    pub feature: u32,
    /// Values up to this one go left.
    pub threshold: f64,
    /// Node below for small values, behind this one; 0 in a leaf.
    pub left: u32,
    /// Node below for large values.
    pub right: u32,
    /// Log-odds (of a tree of its own) or what is added to them (in boosting) for the rows that come here.
    pub value: f64,
    /// Rows of the training that came here.
    pub rows: u32,
}

/// Questions that lead to a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The first is the root.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// Grows by log-likelihood (entropy), then takes back leaves that are not worth their cost.
    ///
    /// A leaf's chance is (positives + share) / (rows + 1), `share` being that of all rows, so that none is
    /// 0 or 1. Source: Breiman, Friedman, Olshen and Stone (1984), "Classification and Regression Trees":
    /// entropy §4.3, cost-complexity §3.3, with the cost of a leaf ½ ln(rows) as in Schwarz (1978).
    #[must_use]
    pub fn fit(matrix: &Matrix, outcomes: &[bool], options: &TreeOptions) -> Self {
        let binned = Binned::of(matrix);
        let positives: Vec<f64> = outcomes.iter().map(|&o| f64::from(u8::from(o))).collect();
        let share = positives.iter().sum::<f64>() / (matrix.rows as f64).max(1.0);
        let likelihood = |sum: Sum| {
            let part = |x: f64| if x > 0.0 { x * (x / sum.rows).ln() } else { 0.0 };
            part(sum.first) + part(sum.rows - sum.first)
        };
        let leaf = |sum: Sum| logit((sum.first + share) / (sum.rows + 1.0));
        let growth = Growth {
            depth: options.depth.min(MAX_DEPTH),
            leaf_rows: options.leaf_rows.max(matrix.rows / 200).max(1) as f64,
            leaf_second: 0.0,
            gain: 1e-9,
            // At the leaves of a full tree a gain is luck; the root must pay for them all.
            leaf_cost: options.leaf_cost * (matrix.rows as f64).max(1.0).ln(),
        };
        grow(&binned, &positives, &positives, &growth, likelihood, leaf)
    }

    /// The value for a row of features.
    #[must_use]
    pub fn value(&self, features: &[f64]) -> f64 {
        self.path(features).last().map_or(0.0, |node| node.value)
    }

    /// The nodes a row passes, root first.
    pub(crate) fn path<'a>(&'a self, features: &'a [f64]) -> impl Iterator<Item = &'a Node> {
        let next = |node: &&'a Node| {
            if node.left == 0 {
                return None;
            }
            let value = features.get(node.feature as usize).copied().unwrap_or(0.0);
            let place = if value <= node.threshold { node.left } else { node.right };
            self.nodes.get(place as usize)
        };
        std::iter::successors(self.nodes.first(), next)
    }

    /// Adds to `out` what each question changed; gives the value of the root.
    pub(crate) fn add_contributions(&self, features: &[f64], out: &mut [f64]) -> f64 {
        let mut before: Option<&Node> = None;
        for node in self.path(features) {
            if let Some(asked) = before {
                out[asked.feature as usize] += node.value - asked.value;
            }
            before = Some(node);
        }
        self.nodes.first().map_or(0.0, |root| root.value)
    }

    /// Whether a stored tree ends and asks only about features there are.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        let count = self.nodes.len();
        !self.nodes.is_empty()
            && self.nodes.iter().enumerate().all(|(place, node)| {
                let inside = |child: u32| child as usize > place && (child as usize) < count;
                let leaf = node.left == 0 && node.right == 0;
                let question = inside(node.left)
                    && inside(node.right)
                    && (node.feature as usize) < features
                    && node.threshold.is_finite();
                node.value.is_finite() && (leaf || question)
            })
    }
}

/// What is known of a set of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) first: f64,
    pub(crate) second: f64,
    pub(crate) rows: f64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.first += other.first;
        self.second += other.second;
        self.rows += other.rows;
    }

    fn minus(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
            rows: self.rows - other.rows,
        }
    }
}

/// Where growing ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) depth: usize,
    pub(crate) leaf_rows: f64,
    pub(crate) leaf_second: f64,
    /// Least gain of a question.
    pub(crate) gain: f64,
    /// What a leaf must be worth; 0 takes none back.
    pub(crate) leaf_cost: f64,
}

/// Sums by feature and bin.
struct Histogram(Vec<Sum>);

struct Grower<'a, S, L> {
    binned: &'a Binned,
    first: &'a [f64],
    second: &'a [f64],
    growth: &'a Growth,
    score: S,
    leaf: L,
    offsets: Vec<usize>,
    nodes: Vec<Node>,
}

/// Grows a tree on the rows of `binned`, of which `first` and `second` are summed; `score` says how good a
/// set of rows is, `leaf` which value it has.
pub(crate) fn grow(
    binned: &Binned,
    first: &[f64],
    second: &[f64],
    growth: &Growth,
    score: impl Fn(Sum) -> f64,
    leaf: impl Fn(Sum) -> f64,
) -> Tree {
    let mut offsets = vec![0];
    for feature in 0..binned.features() {
        offsets.push(offsets[feature] + binned.cuts(feature).len() + 1);
    }
    let mut grower =
        Grower { binned, first, second, growth, score, leaf, offsets, nodes: Vec::new() };
    let mut rows: Vec<u32> = (0..first.len() as u32).collect();
    let histogram = grower.histogram(&rows);
    let total = grower.total(&rows);
    grower.node(&mut rows, histogram, total, 0);
    Tree { nodes: grower.nodes }
}

struct Split {
    feature: usize,
    bin: usize,
    left: Sum,
    gain: f64,
}

impl<S: Fn(Sum) -> f64, L: Fn(Sum) -> f64> Grower<'_, S, L> {
    fn total(&self, rows: &[u32]) -> Sum {
        let mut total = Sum::default();
        for &row in rows {
            total.add(self.of_row(row as usize));
        }
        total
    }

    fn of_row(&self, row: usize) -> Sum {
        Sum { first: self.first[row], second: self.second[row], rows: 1.0 }
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        let mut sums = vec![Sum::default(); self.offsets[self.binned.features()]];
        for feature in 0..self.binned.features() {
            // A feature with one value has nothing to ask.
            if self.binned.cuts(feature).is_empty() {
                continue;
            }
            let bins = self.binned.feature(feature);
            let sums = &mut sums[self.offsets[feature]..self.offsets[feature + 1]];
            for &row in rows {
                let row = row as usize;
                sums[bins[row] as usize].add(self.of_row(row));
            }
        }
        Histogram(sums)
    }

    fn best(&self, histogram: &Histogram, total: Sum) -> Option<Split> {
        let whole = (self.score)(total);
        let mut best: Option<Split> = None;
        let fits = |part: &Sum| {
            part.rows >= self.growth.leaf_rows && part.second >= self.growth.leaf_second
        };
        for feature in 0..self.binned.features() {
            let sums = &histogram.0[self.offsets[feature]..self.offsets[feature + 1]];
            let mut left = Sum::default();
            for (bin, &sum) in sums.iter().enumerate().take(sums.len() - 1) {
                left.add(sum);
                if sum.rows == 0.0 || !fits(&left) {
                    continue;
                }
                let right = total.minus(left);
                if !fits(&right) {
                    continue;
                }
                let gain = (self.score)(left) + (self.score)(right) - whole;
                let least = best.as_ref().map_or(self.growth.gain, |best| best.gain);
                if gain > least {
                    best = Some(Split { feature, bin, left, gain });
                }
            }
        }
        best
    }

    /// Adds the node of `rows`; gives what its leaves gain together and how many they are.
    fn node(
        &mut self,
        rows: &mut [u32],
        histogram: Histogram,
        total: Sum,
        depth: usize,
    ) -> (f64, usize) {
        let place = self.nodes.len();
        let value = (self.leaf)(total);
        self.nodes.push(Node {
            feature: 0,
            threshold: 0.0,
            left: 0,
            right: 0,
            value,
            rows: rows.len() as u32,
        });
        if depth >= self.growth.depth {
            return (0.0, 1);
        }
        let Some(split) = self.best(&histogram, total) else { return (0.0, 1) };
        let bins = self.binned.feature(split.feature);
        let (left_rows, right_rows) =
            partition(rows, |row| usize::from(bins[row as usize]) <= split.bin);
        let right_total = total.minus(split.left);
        let small_is_left = left_rows.len() <= right_rows.len();
        let small = self.histogram(if small_is_left { left_rows } else { right_rows });
        // The other side is what remains, so only the smaller one is counted.
        let Histogram(mut large) = histogram;
        for (sum, part) in large.iter_mut().zip(&small.0) {
            *sum = sum.minus(*part);
        }
        let large = Histogram(large);
        let (left_histogram, right_histogram) =
            if small_is_left { (small, large) } else { (large, small) };
        let left = self.nodes.len();
        let (left_gain, left_leaves) = self.node(left_rows, left_histogram, split.left, depth + 1);
        let right = self.nodes.len();
        let (right_gain, right_leaves) =
            self.node(right_rows, right_histogram, right_total, depth + 1);
        let (gain, leaves) = (split.gain + left_gain + right_gain, left_leaves + right_leaves);
        if gain < self.growth.leaf_cost * (leaves - 1) as f64 {
            self.nodes.truncate(place + 1);
            return (0.0, 1);
        }
        let node = &mut self.nodes[place];
        node.feature = split.feature as u32;
        node.threshold = self.binned.cuts(split.feature)[split.bin];
        node.left = left as u32;
        node.right = right as u32;
        (gain, leaves)
    }
}

/// Rows for which `left` holds come first; both sides keep their order.
fn partition(rows: &mut [u32], left: impl Fn(u32) -> bool) -> (&mut [u32], &mut [u32]) {
    let mut behind = Vec::new();
    let mut count = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        if left(row) {
            rows[count] = row;
            count += 1;
        } else {
            behind.push(row);
        }
    }
    rows[count..].copy_from_slice(&behind);
    rows.split_at_mut(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rng::Rng;
    use super::*;

    fn noise(rows: usize, columns: usize, seed: u64) -> Matrix {
        let mut rng = Rng::new(seed, 0);
        Matrix { rows, columns, values: (0..rows * columns).map(|_| rng.unit()).collect() }
    }

    #[test]
    fn it_finds_an_interaction_that_no_single_feature_shows() {
        let matrix = noise(4_000, 3, 1);
        // Not quite symmetric, so that the first question gains something.
        let outcomes: Vec<bool> = (0..4_000)
            .map(|row| (matrix.row(row)[0] > 0.4) != (matrix.row(row)[1] > 0.55))
            .collect();
        let tree = Tree::fit(&matrix, &outcomes, &TreeOptions::default());
        let right = (0..4_000).filter(|&row| (tree.value(matrix.row(row)) > 0.0) == outcomes[row]);
        assert!(right.count() > 3_900, "{tree:?}");
        assert!(tree.nodes.iter().all(|node| node.left == 0 || node.feature < 2));
    }

    #[test]
    fn noise_gives_a_single_leaf_with_the_share() {
        let matrix = noise(2_000, 5, 2);
        let outcomes: Vec<bool> = (0..2_000).map(|row| (row * 7919) % 10 < 3).collect();
        let tree =
            Tree::fit(&matrix, &outcomes, &TreeOptions { leaf_cost: 2.0, ..Default::default() });
        assert_eq!(tree.nodes.len(), 1);
        assert!((tree.value(&[0.5; 5]) - logit(0.3)).abs() < 1e-9);
    }

    #[test]
    fn a_stored_tree_that_loops_or_points_outside_is_not_sound() {
        let leaf = Node { feature: 0, threshold: 0.0, left: 0, right: 0, value: 0.1, rows: 1 };
        let sound = |nodes: Vec<Node>| Tree { nodes }.is_sound(2);
        assert!(sound(vec![Node { left: 1, right: 2, ..leaf }, leaf, leaf]));
        assert!(!sound(vec![]));
        assert!(!sound(vec![Node { left: 1, right: 9, ..leaf }, leaf]));
        assert!(!sound(vec![
            Node { left: 1, right: 2, ..leaf },
            Node { left: 1, right: 1, ..leaf },
            leaf
        ]));
        assert!(!sound(vec![Node { left: 1, right: 2, feature: 2, ..leaf }, leaf, leaf]));
        assert!(!sound(vec![Node { value: f64::NAN, ..leaf }]));
    }

    proptest! {
        #[test]
        fn limits_hold_and_every_row_arrives(seed in 0u64..500, depth in 1usize..6) {
            let matrix = noise(400, 3, seed);
            let outcomes: Vec<bool> =
                (0..400).map(|row| matrix.row(row)[0] + matrix.row(row)[2] * 0.5 > 0.7).collect();
            let options = TreeOptions { depth, leaf_rows: 15, leaf_cost: 0.0 };
            let tree = Tree::fit(&matrix, &outcomes, &options);
            prop_assert!(tree.is_sound(3));
            let mut arrived = 0;
            for node in tree.nodes.iter().filter(|node| node.left == 0) {
                prop_assert!(node.rows >= 15);
                arrived += node.rows;
            }
            prop_assert_eq!(arrived, 400);
            for row in 0..400 {
                let features = matrix.row(row);
                prop_assert!(tree.path(features).count() <= depth + 1);
                let mut parts = vec![0.0; 3];
                let base = tree.add_contributions(features, &mut parts);
                let sum = base + parts.iter().sum::<f64>();
                prop_assert!((sum - tree.value(features)).abs() < 1e-9);
            }
        }
    }
}

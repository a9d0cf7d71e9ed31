//! Features cut into at most 256 steps, so that trees count instead of sorting.

use super::features::Matrix;

/// Most steps of one feature.
const MAX_BINS: usize = 256;

/// Features as small numbers, one feature after another.
#[derive(Debug, Clone)]
pub(crate) struct Binned {
    rows: usize,
    bins: Vec<u8>,
    /// Ascending bounds of each feature; bin `b` holds what is above bound `b − 1` and not above bound `b`.
    cuts: Vec<Vec<f64>>,
}

impl Binned {
    /// Cuts between neighbouring values, or at quantiles where there are more than 256 values.
    pub(crate) fn of(matrix: &Matrix) -> Self {
        let mut bins = Vec::with_capacity(matrix.values.len());
        let mut cuts = Vec::with_capacity(matrix.columns);
        for feature in 0..matrix.columns {
            let values: Vec<f64> =
                (0..matrix.rows).map(|row| matrix.values[row * matrix.columns + feature]).collect();
            let bounds = bounds(&values);
            bins.extend(values.iter().map(|value| bounds.partition_point(|cut| cut < value) as u8));
            cuts.push(bounds);
        }
        Self { rows: matrix.rows, bins, cuts }
    }

    pub(crate) fn feature(&self, feature: usize) -> &[u8] {
        &self.bins[feature * self.rows..(feature + 1) * self.rows]
    }

    pub(crate) fn cuts(&self, feature: usize) -> &[f64] {
        &self.cuts[feature]
    }

    pub(crate) fn features(&self) -> usize {
        self.cuts.len()
    }
}

/// Bounds between the steps of `values`.
fn bounds(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= MAX_BINS {
        return distinct.windows(2).map(|pair| middle(pair[0], pair[1])).collect();
    }
    let mut cuts = Vec::with_capacity(MAX_BINS - 1);
    for cut in 1..MAX_BINS {
        let at = sorted[sorted.len() * cut / MAX_BINS];
        let above = distinct.partition_point(|value| *value <= at);
        if let Some(&next) = distinct.get(above) {
            let bound = middle(at, next);
            if cuts.last().is_none_or(|&last| last < bound) {
                cuts.push(bound);
            }
        }
    }
    cuts
}

/// Between two numbers and below the larger, also where nothing lies between.
fn middle(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bin_says_on_which_side_of_each_cut_a_value_lies(
            values in proptest::collection::vec(-1e3..1e3f64, 1..900),
        ) {
            let matrix = Matrix { rows: values.len(), columns: 1, values: values.clone() };
            let binned = Binned::of(&matrix);
            prop_assert!(binned.cuts(0).len() < MAX_BINS);
            prop_assert!(binned.cuts(0).windows(2).all(|pair| pair[0] < pair[1]));
            for (value, &bin) in values.iter().zip(binned.feature(0)) {
                for (place, cut) in binned.cuts(0).iter().enumerate() {
                    prop_assert_eq!(*value <= *cut, usize::from(bin) <= place);
                }
            }
        }
    }

    #[test]
    fn neighbouring_floats_are_parted() {
        let next = f64::from_bits(1f64.to_bits() + 1);
        let cuts = bounds(&[1.0, next]);
        assert!(cuts.len() == 1 && cuts[0] >= 1.0 && cuts[0] < next);
        assert!(bounds(&[2.0; 9]).is_empty());
    }
}

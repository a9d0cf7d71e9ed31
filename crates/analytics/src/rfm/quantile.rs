//! Type-7 quantiles as exact fractions.

/// A bound between two bins: `numerator / denominator`, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) numerator: i128,
    pub(crate) denominator: i128,
}

impl Bound {
    /// The least whole number not below the bound; held within 64 bits.
    pub(crate) fn ceiling(self) -> i64 {
        let floor = self.numerator.div_euclid(self.denominator);
        let exact = self.numerator.rem_euclid(self.denominator) == 0;
        let ceiling = if exact { floor } else { floor + 1 };
        ceiling.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The bound in units of `unit` values.
    pub(crate) fn in_units(self, unit: i64) -> f64 {
        // Both sides are exact in any amount people pay, so the quotient is the nearest double.
        self.numerator as f64 / (self.denominator as f64 * unit as f64)
    }
}

/// Quantiles at `k / bins` for `k` in `1..bins` of `n` values, each plus `plus`; empty for no values. `nth` gives
/// the value of a rank, from 0.
///
/// Type 7 of Hyndman and Fan (1996), "Sample quantiles in statistical packages", the default of R:
/// with `h = (n - 1) k / bins`, the value at `floor(h)` and the fraction of `h` of the way to the
/// next. The fraction is a multiple of `1 / bins`, so the result is exact.
pub(crate) fn bounds(n: usize, bins: u8, plus: i64, nth: impl Fn(usize) -> i64) -> Vec<Bound> {
    if n == 0 {
        return Vec::new();
    }
    let parts = usize::from(bins);
    (1..parts)
        .map(|k| {
            let (at, rest) = ((n - 1) * k / parts, (n - 1) * k % parts);
            let low = i128::from(nth(at));
            let high = if at + 1 < n { i128::from(nth(at + 1)) } else { low };
            let (denominator, rest) = (parts as i128, rest as i128);
            let numerator =
                low * (denominator - rest) + high * rest + i128::from(plus) * denominator;
            Bound { numerator, denominator }
        })
        .collect()
}

/// The ranks that [`bounds`] asks for, rising.
pub(crate) fn ranks(n: usize, bins: u8) -> Vec<usize> {
    let parts = usize::from(bins);
    let mut ranks: Vec<usize> = (1..parts)
        .filter(|_| n > 0)
        .flat_map(|k| [(n - 1) * k / parts, (n - 1) * k / parts + 1])
        .filter(|rank| *rank < n)
        .collect();
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_r() {
        // quantile(c(1, 2, 4, 8), c(1/3, 2/3)) of R 4.2: 2 and 4.
        let sorted = [1, 2, 4, 8];
        let found = bounds(4, 3, 0, |rank| sorted[rank]);
        assert_eq!(found.iter().map(|b| b.in_units(1)).collect::<Vec<_>>(), [2.0, 4.0]);
        // quantile(c(1, 2, 4, 8, 9), 1/2 and so on) with fractions: 1.75 at 0.2 of (1, 2, 4, 8).
        let found = bounds(4, 5, 1, |rank| sorted[rank]);
        let found: Vec<f64> = found.iter().map(|b| b.in_units(1)).collect();
        assert_eq!(found, [2.6, 3.4, 4.6, 6.6]);
        assert!(bounds(0, 5, 1, |_| 0).is_empty());
    }

    proptest! {
        #[test]
        fn equals_the_sorted_definition(
            mut values in prop::collection::vec(-1_000_i64..1_000, 1..60), bins in 2_u8..=10,
        ) {
            values.sort_unstable();
            let wanted = ranks(values.len(), bins);
            prop_assert!(wanted.is_sorted());
            let found = bounds(values.len(), bins, 1, |rank| {
                assert!(wanted.contains(&rank));
                values[rank]
            });
            for (k, bound) in (1..).zip(found) {
                let scaled = (values.len() - 1) * k;
                let (at, rest) = (scaled / usize::from(bins), (scaled % usize::from(bins)) as i128);
                let low = i128::from(values[at]);
                let high = i128::from(values[(at + 1).min(values.len() - 1)]);
                let expected = low * i128::from(bins) + (high - low) * rest + i128::from(bins);
                prop_assert_eq!(bound.numerator, expected);
                prop_assert!(i128::from(bound.ceiling()) * bound.denominator >= bound.numerator);
                prop_assert!(
                    (i128::from(bound.ceiling()) - 1) * bound.denominator < bound.numerator
                );
            }
        }
    }
}

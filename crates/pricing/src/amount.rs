//! Rounding: half up for rates, largest remainder for shares. Nothing else rounds.

use crate::FULL_BPS;

/// What is paid of `amount` at `pay_bps` of it, rounded half up to the minor unit.
///
/// `0 <= amount <= MAX_AMOUNT_MINOR`, `pay_bps <= 10_000`. Grows by 0 or 1 where `amount` grows by
/// 1, so that what is taken off never falls as the amount rises.
pub(crate) fn pay(amount: i64, pay_bps: u32) -> i64 {
    let full = i64::from(FULL_BPS);
    (amount * i64::from(pay_bps) + full / 2) / full
}

/// `amount * numerator / denominator`, rounded down; `denominator > 0`, nothing negative.
pub(crate) fn share_down(amount: i64, numerator: i64, denominator: i64) -> i64 {
    match amount.checked_mul(numerator) {
        Some(product) => product / denominator,
        None => {
            let wide = i128::from(amount) * i128::from(numerator) / i128::from(denominator);
            i64::try_from(wide).unwrap_or(i64::MAX)
        }
    }
}

/// Splits `total` by `weights` with the largest remainder (Hamilton's method): each share is its
/// exact one rounded down, and what is left over goes, one unit each, to the largest remainders,
/// the first of equal ones.
///
/// `0 <= total <= sum of weights` keeps each share at or below its weight. `out` gets as many shares as
/// there are weights; their sum is `total` unless all weights are 0.
pub(crate) fn split(total: i64, weights: &[i64], out: &mut Vec<i64>) {
    out.clear();
    let sum: i64 = weights.iter().sum();
    if sum <= 0 || total <= 0 {
        out.resize(weights.len(), 0);
        return;
    }
    if let [_] = weights {
        out.push(total);
        return;
    }
    let mut remainders: Vec<(i64, usize)> = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, weight) in weights.iter().enumerate() {
        let (share, remainder) = match total.checked_mul(*weight) {
            Some(product) => (product / sum, product % sum),
            None => {
                let product = i128::from(total) * i128::from(*weight);
                let narrow = |wide: i128| i64::try_from(wide).unwrap_or(i64::MAX);
                (narrow(product / i128::from(sum)), narrow(product % i128::from(sum)))
            }
        };
        out.push(share);
        left -= share;
        remainders.push((-remainder, index));
    }
    remainders.sort_unstable();
    for (_, index) in remainders.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        out[index] += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_is_rounded_up() {
        assert_eq!(pay(10, 8_500), 9);
        assert_eq!(pay(999, 9_500), 949);
        assert_eq!(pay(1, 4_999), 0);
        assert_eq!(pay(crate::MAX_AMOUNT_MINOR, FULL_BPS), crate::MAX_AMOUNT_MINOR);
    }

    #[test]
    fn thirds_give_the_rest_to_the_first() {
        let mut out = Vec::new();
        split(100, &[50, 50, 50], &mut out);
        assert_eq!(out, [34, 33, 33]);
        split(5, &[0, 0], &mut out);
        assert_eq!(out, [0, 0]);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_stay_below_their_weights(
            weights in proptest::collection::vec(0..=crate::MAX_AMOUNT_MINOR / 8, 1..8),
            part in 0..=10_000_i64,
        ) {
            let sum: i64 = weights.iter().sum();
            let total = share_down(sum, part, 10_000);
            let mut out = Vec::new();
            split(total, &weights, &mut out);
            prop_assert_eq!(out.iter().sum::<i64>(), total);
            for (share, weight) in out.iter().zip(&weights) {
                prop_assert!(0 <= *share && share <= weight);
            }
        }

        #[test]
        fn what_is_taken_off_never_falls_as_the_amount_rises(amount in 0..1_000_000_i64, bps in 0..=10_000_u32) {
            let off = |amount| amount - pay(amount, bps);
            prop_assert!(off(amount) <= off(amount + 1));
        }
    }
}

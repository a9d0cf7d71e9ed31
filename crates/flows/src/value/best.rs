//! The greatest of many.

use std::cmp::Reverse;

/// The `most` of `count` places that are greatest by `order`, the greatest first, without those about whom nothing may
/// be decided by machine.
pub(super) fn best<K: Ord>(
    count: usize,
    most: usize,
    order: impl Fn(&usize) -> K,
    is_withheld: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let mut looked_at = most.min(count);
    loop {
        let mut best: Vec<usize> = (0..count).collect();
        if looked_at > 0 && looked_at < count {
            best.select_nth_unstable_by_key(looked_at - 1, |index| Reverse(order(index)));
        }
        best.truncate(looked_at);
        best.sort_unstable_by_key(|index| Reverse(order(index)));
        best.retain(|index| !is_withheld(*index));
        if best.len() >= most || looked_at >= count {
            best.truncate(most);
            return best;
        }
        // Few refuse, so that more rounds are rare.
        looked_at = looked_at.saturating_mul(4).min(count);
    }
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn whoever_is_withheld_gives_way_to_the_next() {
        let values: Vec<u64> = (0..100).map(|n| n * 37 % 101).collect();
        for withheld in [0, 1, 3, 50, 100] {
            let is_withheld = |index: usize| values[index] > 100 - withheld;
            let found = best(values.len(), 5, |index| values[*index], is_withheld);
            let mut wanted: Vec<u64> =
                values.iter().copied().filter(|value| *value <= 100 - withheld).collect();
            wanted.sort_unstable_by_key(|value| std::cmp::Reverse(*value));
            wanted.truncate(5);
            let found: Vec<u64> = found.into_iter().map(|index| values[index]).collect();
            assert_eq!(found, wanted, "{withheld}");
        }
        assert!(best(3, 0, |index| *index, |_| false).is_empty());
        assert!(best(0, 5, |index| *index, |_| false).is_empty());
    }
}

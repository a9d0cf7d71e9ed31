//! Which rows are held back.

use super::rng::Rng;

/// Most parts.
pub(crate) const MAX_FOLDS: usize = 20;
/// Fewest rows of either outcome in the part that is learned from.
const MIN_TRAIN: usize = 10;

/// One way to hold rows back. Both lists are places in the outcomes handed in, ascending and disjoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Learned from.
    pub train: Vec<u32>,
    /// Judged on.
    pub test: Vec<u32>,
}

/// `folds` parts (2 to 20) with as equal as possible numbers of rows and of positives; each row is held
/// back once. The same for the same seed.
#[must_use]
pub fn stratified_folds(outcomes: &[bool], folds: usize, seed: u64) -> Vec<Fold> {
    let folds = folds.clamp(2, MAX_FOLDS);
    let part = stratified_parts(outcomes, folds, seed);
    let rows = 0..outcomes.len() as u32;
    (0..folds)
        .map(|fold| {
            let (test, train) = rows.clone().partition(|&row| part[row as usize] as usize == fold);
            Fold { train, test }
        })
        .collect()
}

/// The part in which each row is held back.
pub(crate) fn stratified_parts(outcomes: &[bool], folds: usize, seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed, 1);
    let mut part = vec![0u8; outcomes.len()];
    // The second outcome goes on where the first ended, so that parts differ by one row at most.
    let mut next = 0;
    for class in [true, false] {
        let mut rows: Vec<usize> =
            (0..outcomes.len()).filter(|&row| outcomes[row] == class).collect();
        rng.shuffle(&mut rows);
        for row in rows {
            part[row] = next as u8;
            next = (next + 1) % folds;
        }
    }
    part
}

/// Up to `folds` windows that learn from the past and are judged on what came next. The rows are cut by
/// `times` into `folds + 1` stretches of about equal size; window `i` learns from the stretches before `i`
/// and is judged on stretch `i`. Rows of one time are never parted, so everything judged is strictly later
/// than everything learned from. Windows without enough of both outcomes are left out.
#[must_use]
pub fn expanding_windows(outcomes: &[bool], times: &[f64], folds: usize) -> Vec<Fold> {
    let folds = folds.clamp(2, MAX_FOLDS);
    let rows = outcomes.len();
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_by(|&a, &b| times[a as usize].total_cmp(&times[b as usize]).then(a.cmp(&b)));
    let cut = |stretch: usize| {
        let mut at = rows * stretch / (folds + 1);
        while at > 0 && at < rows && times[order[at] as usize] == times[order[at - 1] as usize] {
            at += 1;
        }
        at
    };
    let both = |part: &[u32], least: usize| {
        let positives = part.iter().filter(|&&row| outcomes[row as usize]).count();
        positives >= least && part.len() - positives >= least
    };
    let sorted = |part: &[u32]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part
    };
    (1..=folds)
        .filter_map(|stretch| {
            let (begin, end) = (cut(stretch), cut(stretch + 1));
            let (train, test) = (order.get(..begin)?, order.get(begin..end)?);
            (both(train, MIN_TRAIN) && both(test, 1))
                .then(|| Fold { train: sorted(train), test: sorted(test) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_is_held_back_once_and_outcomes_are_spread(
            outcomes in proptest::collection::vec(any::<bool>(), 20..300), folds in 2usize..8, seed: u64,
        ) {
            let parts = stratified_folds(&outcomes, folds, seed);
            let mut seen: Vec<u32> = parts.iter().flat_map(|fold| fold.test.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..outcomes.len() as u32).collect::<Vec<_>>());
            let counts = |class: bool| -> Vec<usize> {
                parts.iter().map(|fold| {
                    fold.test.iter().filter(|&&row| outcomes[row as usize] == class).count()
                }).collect()
            };
            for class in [true, false] {
                let counts = counts(class);
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            }
            for fold in &parts {
                prop_assert_eq!(fold.train.len() + fold.test.len(), outcomes.len());
                prop_assert!(fold.train.iter().all(|row| fold.test.binary_search(row).is_err()));
            }
            prop_assert_eq!(parts, stratified_folds(&outcomes, folds, seed));
        }

        #[test]
        fn windows_learn_only_from_the_past(
            rows in proptest::collection::vec((any::<bool>(), 0u32..30), 60..300), folds in 2usize..6,
        ) {
            let (outcomes, times): (Vec<bool>, Vec<f64>) =
                rows.into_iter().map(|(outcome, time)| (outcome, f64::from(time))).unzip();
            for fold in expanding_windows(&outcomes, &times, folds) {
                let time = |row: &u32| times[*row as usize];
                let latest = fold.train.iter().map(time).fold(f64::MIN, f64::max);
                let earliest = fold.test.iter().map(time).fold(f64::MAX, f64::min);
                prop_assert!(latest < earliest, "{latest} {earliest}");
            }
        }
    }

    #[test]
    fn windows_grow_and_one_time_gives_none() {
        let outcomes: Vec<bool> = (0..600).map(|row| row % 3 == 0).collect();
        let times: Vec<f64> = (0..600).map(|row| f64::from(599 - row)).collect();
        let windows = expanding_windows(&outcomes, &times, 5);
        let sizes: Vec<_> = windows.iter().map(|w| (w.train.len(), w.test.len())).collect();
        assert_eq!(sizes, [(100, 100), (200, 100), (300, 100), (400, 100), (500, 100)]);
        assert_eq!(expanding_windows(&outcomes, &[7.0; 600], 5), []);
    }
}

//! Columns that know the outcome because they were written after it.

use super::bins::Binned;
use super::error::shown;
use super::features::Matrix;
use super::folds::stratified_parts;
use super::frame::{Column, ColumnData, Frame, MISSING};
use super::metrics::roc_auc;
use super::report::{Excluded, ExclusionCode, Warning};

/// Parts by which a single column is judged.
const PARTS: usize = 5;
/// Rows of a value in the other parts before anything is believed of it.
const VALUE_ROWS: f64 = 5.0;
/// Share of the most frequent number from which it counts as "nothing happened", mostly a 0.
const COMMON_SHARE: f64 = 0.2;

/// From where a column is suspected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeakOptions {
    /// Area under the curve of the column alone, on held-back rows, from which it is left out.
    pub auc: f64,
    /// The same, from which it is kept but named.
    pub warn_auc: f64,
    /// Share of the rarer outcome among the rows of a value from which the value knows it.
    pub purity: f64,
    /// Fewest rows for that.
    pub support: usize,
    /// Least part of the rarer outcome that these rows must hold.
    pub coverage: f64,
}

impl Default for LeakOptions {
    fn default() -> Self {
        Self { auc: 0.995, warn_auc: 0.95, purity: 0.99, support: 30, coverage: 0.05 }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Leaks {
    pub(crate) excluded: Vec<(usize, Excluded)>,
    pub(crate) warnings: Vec<Warning>,
}

/// Judges each of the columns `places` alone, by `rows` and their `outcomes`. The same for the same seed.
pub(crate) fn find_leaks(
    frame: &Frame,
    places: &[usize],
    rows: &[u32],
    outcomes: &[bool],
    seed: u64,
    options: &LeakOptions,
) -> Leaks {
    let parts = stratified_parts(outcomes, PARTS, seed ^ 0x6C65_616B);
    let positives = outcomes.iter().filter(|&&outcome| outcome).count();
    // What is common can be had by luck; only the rarer outcome tells.
    let rare_is_positive = positives * 2 <= outcomes.len();
    let rare: Vec<bool> = outcomes.iter().map(|&outcome| outcome == rare_is_positive).collect();
    let judge = Judge { rows, outcomes, rare: &rare, rare_is_positive, parts: &parts, options };
    let mut leaks = Leaks::default();
    for &place in places {
        let column = &frame.columns()[place];
        let name = column.name.clone();
        match judge.column(column) {
            Some(Finding::Leak(code, reason)) => {
                leaks.excluded.push((place, Excluded { column: name, reason, code }));
            }
            Some(Finding::Suspicion(reason)) => {
                leaks.warnings.push(Warning { column: name, reason });
            }
            None => {}
        }
    }
    leaks
}

enum Finding {
    Leak(ExclusionCode, String),
    Suspicion(String),
}

struct Judge<'a> {
    rows: &'a [u32],
    outcomes: &'a [bool],
    rare: &'a [bool],
    rare_is_positive: bool,
    parts: &'a [u8],
    options: &'a LeakOptions,
}

/// Each row's value as a small number, below `count`.
struct Groups {
    of_row: Vec<u32>,
    count: usize,
}

impl Judge<'_> {
    fn column(&self, column: &Column) -> Option<Finding> {
        let groups = self.groups(column);
        if self.says_the_same(&groups) {
            let reason =
                "it is the target in other words: each of its two values goes with one outcome";
            return Some(Finding::Leak(ExclusionCode::SameAsTarget, reason.to_owned()));
        }
        let auc = self.auc(column, &groups);
        if auc >= self.options.auc {
            let reason = format!(
                "alone it foretells the outcome almost without fault (area under the curve {auc:.4}); \
                 it was probably written after the outcome"
            );
            return Some(Finding::Leak(ExclusionCode::PredictsTarget, reason));
        }
        self.presence(column).or_else(|| self.values(column, &groups)).or_else(|| {
            (auc >= self.options.warn_auc).then(|| {
                Finding::Suspicion(format!(
                    "alone it foretells the outcome very well (area under the curve {auc:.4}); \
                     is it known before the outcome?"
                ))
            })
        })
    }

    /// Categories by their code, numbers by their step; no value is a group of its own, the last.
    fn groups(&self, column: &Column) -> Groups {
        if let ColumnData::Categorical { codes, labels } = &column.data {
            let none = labels.len() as u32;
            let of_row = self.rows.iter().map(|&row| codes[row as usize].min(none)).collect();
            return Groups { of_row, count: labels.len() + 1 };
        }
        let numbers: Vec<f64> = self.rows.iter().map(|&row| column.number(row as usize)).collect();
        let known: Vec<f64> = numbers.iter().copied().filter(|value| !value.is_nan()).collect();
        let binned = Binned::of(&Matrix { rows: known.len(), columns: 1, values: known });
        let none = binned.cuts(0).len() as u32 + 1;
        let mut bins = binned.feature(0).iter();
        let of_row = numbers
            .iter()
            .map(|value| {
                if value.is_nan() { none } else { bins.next().map_or(none, |&bin| u32::from(bin)) }
            })
            .collect();
        Groups { of_row, count: none as usize + 1 }
    }

    fn says_the_same(&self, groups: &Groups) -> bool {
        let mut counts = vec![[0usize; 2]; groups.count];
        for (&group, &outcome) in groups.of_row.iter().zip(self.outcomes) {
            counts[group as usize][usize::from(outcome)] += 1;
        }
        let mut used = counts.iter().filter(|count| count[0] + count[1] > 0);
        match (used.next(), used.next(), used.next()) {
            (Some(a), Some(b), None) => (a[0] == 0 && b[1] == 0) || (a[1] == 0 && b[0] == 0),
            _ => false,
        }
    }

    /// Positives and rows of each group and part.
    fn sums(&self, groups: &Groups, outcomes: &[bool]) -> Vec<[(f64, f64); PARTS]> {
        let mut sums = vec![[(0.0, 0.0); PARTS]; groups.count];
        for ((&group, &part), &outcome) in groups.of_row.iter().zip(self.parts).zip(outcomes) {
            let sum = &mut sums[group as usize][part as usize];
            sum.0 += f64::from(u8::from(outcome));
            sum.1 += 1.0;
        }
        sums
    }

    /// Positives and rows of a group in all parts but one.
    fn elsewhere(sums: &[(f64, f64); PARTS], part: u8) -> (f64, f64) {
        let others = sums.iter().enumerate().filter(|(other, _)| *other != part as usize);
        others.fold((0.0, 0.0), |sum, (_, other)| (sum.0 + other.0, sum.1 + other.1))
    }

    /// The better of: the number as a score, in either direction, with missing at either end; and the share
    /// of positives among rows of the same value in the other parts as a score.
    fn auc(&self, column: &Column, groups: &Groups) -> f64 {
        let prior = self.outcomes.iter().filter(|&&outcome| outcome).count() as f64
            / self.rows.len().max(1) as f64;
        let sums = self.sums(groups, self.outcomes);
        let held_back: Vec<f64> = groups
            .of_row
            .iter()
            .zip(self.parts)
            .map(|(&group, &part)| {
                let (positives, count) = Self::elsewhere(&sums[group as usize], part);
                (positives + prior) / (count + 1.0)
            })
            .collect();
        let mut best = roc_auc(self.outcomes, &held_back).unwrap_or(0.5);
        if !matches!(column.data, ColumnData::Categorical { .. }) {
            for missing in [f64::NEG_INFINITY, f64::INFINITY] {
                let scores: Vec<f64> = self
                    .rows
                    .iter()
                    .map(|&row| column.number(row as usize))
                    .map(|value| if value.is_nan() { missing } else { value })
                    .collect();
                let auc = roc_auc(self.outcomes, &scores).unwrap_or(0.5);
                best = best.max(auc).max(1.0 - auc);
            }
        }
        best
    }

    /// A column that has a value (or a number other than the usual one) only where the rarer outcome is.
    fn presence(&self, column: &Column) -> Option<Finding> {
        let missing: Vec<bool> =
            self.rows.iter().map(|&row| column.is_missing(row as usize)).collect();
        if let Some(text) = self.pure(&binary(&missing)) {
            return Some(Finding::Leak(
                ExclusionCode::OnlyForOutcome,
                format!("whether it has a value tells the outcome: {text}"),
            ));
        }
        let common = self.common(column)?;
        let usual: Vec<bool> =
            self.rows.iter().map(|&row| column.number(row as usize) == common).collect();
        let text = self.pure(&binary(&usual))?;
        let reason = format!("whether it is {common} tells the outcome: {text}");
        Some(Finding::Leak(ExclusionCode::OnlyForOutcome, reason))
    }

    /// Categories that go with the rarer outcome only.
    fn values(&self, column: &Column, groups: &Groups) -> Option<Finding> {
        let ColumnData::Categorical { codes, labels } = &column.data else { return None };
        let text = self.pure(groups)?;
        let mut counts = vec![[0usize; 2]; labels.len()];
        for (&row, &rare) in self.rows.iter().zip(self.rare) {
            let code = codes[row as usize];
            if code != MISSING {
                counts[code as usize][usize::from(rare)] += 1;
            }
        }
        let pure = |count: &[usize; 2]| {
            count[1] as f64 >= self.options.purity * (count[0] + count[1]) as f64
        };
        let example = (0..labels.len())
            .filter(|&code| pure(&counts[code]))
            .max_by_key(|&code| (counts[code][1], std::cmp::Reverse(code)))
            .map(|code| format!(", such as `{}`", shown(&labels[code])))
            .unwrap_or_default();
        let reason = format!("some of its values{example} go with one outcome only: {text}");
        Some(Finding::Leak(ExclusionCode::OnlyForOutcome, reason))
    }

    /// The most frequent number, if it is frequent.
    fn common(&self, column: &Column) -> Option<f64> {
        if !matches!(column.data, ColumnData::Numeric(_)) {
            return None;
        }
        let mut numbers: Vec<f64> = self
            .rows
            .iter()
            .map(|&row| column.number(row as usize))
            .filter(|value| !value.is_nan())
            .collect();
        numbers.sort_by(f64::total_cmp);
        let longest = numbers.chunk_by(|a, b| a == b).max_by_key(|run| run.len())?;
        (longest.len() as f64 >= COMMON_SHARE * self.rows.len() as f64).then_some(longest[0])
    }

    /// Rows whose value goes with the rarer outcome in the other parts, and what they are in their own. That
    /// a value is pure by luck elsewhere does not help it where it is judged.
    fn pure(&self, groups: &Groups) -> Option<String> {
        let sums = self.sums(groups, self.rare);
        let (mut hits, mut count) = (0usize, 0usize);
        for ((&group, &part), &rare) in groups.of_row.iter().zip(self.parts).zip(self.rare) {
            let (rare_elsewhere, rows) = Self::elsewhere(&sums[group as usize], part);
            if rows >= VALUE_ROWS && rare_elsewhere >= self.options.purity * rows {
                count += 1;
                hits += usize::from(rare);
            }
        }
        let all = self.rare.iter().filter(|&&rare| rare).count();
        let enough = count >= self.options.support
            && hits as f64 >= self.options.purity * count as f64
            && hits as f64 >= self.options.coverage * all as f64;
        let words =
            if self.rare_is_positive { "have the outcome" } else { "do not have the outcome" };
        enough.then(|| format!("{hits} of {count} such rows {words}"))
    }
}

fn binary(values: &[bool]) -> Groups {
    Groups { of_row: values.iter().map(|&value| u32::from(value)).collect(), count: 2 }
}

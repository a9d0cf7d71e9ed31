//! What was measured, and whether it is good enough.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::cli::say;

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// What `value` should not exceed, or reach at least where it is so many a second.
    pub(super) goal: Option<f64>,
    /// Whether it does not; absent without a goal.
    pub(super) ok: Option<bool>,
    /// How often it was measured.
    pub(super) rounds: usize,
    /// What the value belongs to, where the name does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

/// All figures so far; each is told as it comes.
#[derive(Debug, Default)]
pub(super) struct Figures {
    list: Vec<Figure>,
    left_out: Vec<String>,
    failed: bool,
}

impl Figures {
    /// Adds the median of `values`, one for each round; nothing if there is none.
    pub(super) fn median(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        goal: Option<f64>,
        values: &[f64],
    ) {
        if let Some(value) = median(values) {
            self.add(name.into(), unit, goal, value, values.len(), None);
        }
    }

    /// Adds the highest of `values`, for what must hold in every round.
    pub(super) fn highest(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        goal: Option<f64>,
        values: &[f64],
    ) {
        if let Some(value) = values.iter().copied().max_by(f64::total_cmp) {
            self.add(name.into(), unit, goal, value, values.len(), None);
        }
    }

    /// Adds the median of `values` with what they belong to.
    pub(super) fn noted(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        goal: Option<f64>,
        values: &[f64],
        note: Option<String>,
    ) {
        if let Some(value) = median(values) {
            self.add(name.into(), unit, goal, value, values.len(), note);
        }
    }

    /// Adds the median of `values`, of which the goal is the least that is enough.
    pub(super) fn at_least(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        goal: f64,
        values: &[f64],
    ) {
        if let Some(value) = median(values) {
            self.put(name.into(), unit, Some(goal), Some(value >= goal), value, values.len(), None);
        }
    }

    fn add(
        &mut self,
        name: String,
        unit: &'static str,
        goal: Option<f64>,
        value: f64,
        rounds: usize,
        note: Option<String>,
    ) {
        let ok = goal.map(|goal| value <= goal);
        self.put(name, unit, goal, ok, value, rounds, note);
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a figure")]
    fn put(
        &mut self,
        name: String,
        unit: &'static str,
        goal: Option<f64>,
        ok: Option<bool>,
        value: f64,
        rounds: usize,
        note: Option<String>,
    ) {
        let figure = Figure { name, value, unit, goal, ok, rounds, note };
        say(&format!("  {}", figure.line()));
        self.list.push(figure);
    }

    /// Says what could not be measured, and why.
    pub(super) fn leave_out(&mut self, what: impl Into<String>) {
        let what = what.into();
        say(&format!("  left out: {what}"));
        self.left_out.push(what);
    }

    /// Goes on without `what` if it broke off: an hour of other figures is not lost with it.
    pub(super) fn keep(&mut self, what: &str, done: Result<()>) {
        if let Err(error) = done {
            self.failed = true;
            self.leave_out(format!("{what} broke off: {error:#}"));
        }
    }

    /// Whether nothing broke off and every goal is kept.
    pub(super) fn are_ok(&self) -> bool {
        !self.failed && self.list.iter().all(|figure| figure.ok != Some(false))
    }

    pub(super) fn list(&self) -> &[Figure] {
        &self.list
    }

    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// One line for each figure.
    pub(super) fn text(&self) -> String {
        self.list.iter().map(Figure::line).collect::<Vec<_>>().join("\n")
    }
}

impl Figure {
    fn line(&self) -> String {
        let Self { name, value, unit, rounds, .. } = self;
        let mut line = format!("{name:<48} {value:>10.2} {unit:<5}");
        // Writing into a String cannot fail.
        if let Some(goal) = self.goal {
            let verdict = if self.ok == Some(true) { "kept" } else { "MISSED" };
            let _ = write!(line, " goal {goal} {verdict}");
        }
        let plural = if *rounds == 1 { "" } else { "s" };
        let _ = write!(line, " ({rounds} round{plural})");
        if let Some(note) = &self.note {
            let _ = write!(line, " {note}");
        }
        line
    }
}

/// The middle of `values`, the lower one of two; `None` of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile(&sorted, 50)
}

/// The value below or at which so many percent of `sorted` are.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// How many, short enough for a name: `1m`, `250k`, `1500`.
pub(super) fn size_name(count: u32) -> String {
    match count {
        1_000_000.. if count.is_multiple_of(1_000_000) => format!("{}m", count / 1_000_000),
        1_000.. if count.is_multiple_of(1_000) => format!("{}k", count / 1_000),
        _ => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_seen_and_one_bad_round_of_five_is_not() {
        let mut figures = Figures::default();
        figures.median("a", "ms", Some(10.0), &[1.0, 2.0, 900.0, 3.0, 4.0]);
        figures.median("free", "ms", None, &[1e9]);
        figures.median("nothing", "ms", Some(1.0), &[]);
        assert!(figures.are_ok());
        assert_eq!(figures.list().len(), 2);
        assert_eq!((figures.list()[0].value, figures.list()[0].ok), (3.0, Some(true)));
        assert_eq!(figures.list()[1].ok, None);
        figures.highest("peak", "MiB", Some(400.0), &[1.0, 401.0, 2.0]);
        assert!(!figures.are_ok());
    }

    #[test]
    fn what_broke_off_is_named_and_fails() {
        let mut figures = Figures::default();
        figures.keep("imports", Ok(()));
        assert!(figures.are_ok());
        figures.keep("lists", Err(anyhow::anyhow!("no answer")));
        assert!(!figures.are_ok());
        assert_eq!(figures.left_out(), ["lists broke off: no answer"]);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!(percentile(&values, 95), Some(950.0));
        assert_eq!(percentile(&values, 100), Some(1000.0));
        assert_eq!(percentile(&[7.0], 1), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn sizes_have_short_names() {
        let names = [1_000_000, 250_000, 1_500_000, 1_999].map(size_name);
        assert_eq!(names, ["1m", "250k", "1500k", "1999"]);
    }
}

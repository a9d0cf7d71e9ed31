//! The outcome to be foretold: which column, which value, which rows.

use std::collections::BTreeMap;

use super::error::{IntentError, shown, suggestion};
use super::frame::{ColumnData, Frame};

/// Fewest rows to learn from.
pub(crate) const MIN_ROWS: usize = 100;
/// Fewest rows of either outcome.
pub(crate) const MIN_CLASS: usize = 20;
/// Different values beyond which none is counted any more.
const MAX_VALUES: usize = 1_000;
/// Values that a message names.
const EXAMPLES: usize = 5;
/// What of two values is the outcome when nobody says.
const POSITIVE_WORDS: [&str; 14] = [
    "1",
    "true",
    "yes",
    "y",
    "t",
    "是",
    "bought",
    "buyer",
    "purchased",
    "converted",
    "won",
    "churned",
    "成交",
    "已购买",
];

/// The outcome of every row that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Place of its column.
    pub column: usize,
    /// The value that counts as the outcome, as it is written.
    pub positive: String,
    /// Rows with an outcome, ascending.
    pub rows: Vec<u32>,
    /// Whether each of these rows has the value.
    pub outcomes: Vec<bool>,
}

impl Target {
    /// Rows with the outcome.
    #[must_use]
    pub fn positives(&self) -> usize {
        self.outcomes.iter().filter(|&&outcome| outcome).count()
    }

    /// Finds the outcome in `column`. Without `positive`, of two values the one that says yes is taken, or
    /// else the rarer. All spellings of `positive` in small and capital letters are the outcome.
    ///
    /// # Errors
    /// No such column; one value only; more than two and none chosen; the chosen one not there; fewer than
    /// 100 rows or than 20 of either outcome.
    pub fn find(frame: &Frame, column: &str, positive: Option<&str>) -> Result<Self, IntentError> {
        let place = frame.named(column, "the target")?;
        let data = &frame.columns()[place];
        let column = shown(column);
        if let ColumnData::Text { distinct, .. } = data.data {
            let examples = "free text".to_owned();
            return Err(IntentError::ManyClasses { column, classes: distinct, examples });
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in 0..frame.rows() {
            if let Some(label) = data.label(row) {
                if let Some(count) = counts.get_mut(label.as_ref()) {
                    *count += 1;
                } else if counts.len() < MAX_VALUES {
                    counts.insert(label.into_owned(), 1);
                }
            }
        }
        let is_said = positive.is_some();
        let positive = choose(&column, &counts, positive)?;
        let folded = positive.to_lowercase();
        let mut target = Self { column: place, positive, rows: Vec::new(), outcomes: Vec::new() };
        for row in 0..frame.rows() {
            if let Some(label) = data.label(row) {
                target.rows.push(row as u32);
                let is_outcome =
                    label == target.positive.as_str() || is_said && label.to_lowercase() == folded;
                target.outcomes.push(is_outcome);
            }
        }
        target.check(&column)?;
        Ok(target)
    }

    /// Whether there is enough of both outcomes.
    pub(crate) fn check(&self, column: &str) -> Result<(), IntentError> {
        let (found, value) = (self.rows.len(), shown(&self.positive));
        if found < MIN_ROWS {
            return Err(IntentError::TooFewRows { found, needed: MIN_ROWS });
        }
        let positives = self.positives();
        for (relation, found) in [("=", positives), ("other than", found - positives)] {
            if found < MIN_CLASS {
                let (column, needed) = (column.to_owned(), MIN_CLASS);
                return Err(IntentError::TooFewOfClass { column, relation, value, found, needed });
            }
        }
        Ok(())
    }
}

fn choose(
    column: &str,
    counts: &BTreeMap<String, usize>,
    wanted: Option<&str>,
) -> Result<String, IntentError> {
    let column = column.to_owned();
    let mut by_count: Vec<(&String, usize)> = counts.iter().map(|(k, &v)| (k, v)).collect();
    by_count.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let examples = || {
        let mut text: Vec<String> = by_count
            .iter()
            .take(EXAMPLES)
            .map(|(label, _)| format!("`{}`", shown(label)))
            .collect();
        if by_count.len() > EXAMPLES {
            text.push("…".to_owned());
        }
        text.join(", ")
    };
    if counts.is_empty() {
        return Err(IntentError::TooFewRows { found: 0, needed: MIN_ROWS });
    }
    if let Some(wanted) = wanted {
        let wanted = wanted.trim();
        let found = counts.keys().find(|label| *label == wanted).or_else(|| {
            let folded = wanted.to_lowercase();
            counts.keys().find(|label| label.to_lowercase() == folded)
        });
        let Some(found) = found else {
            return Err(IntentError::NoPositive {
                column,
                value: shown(wanted),
                examples: examples(),
                suggestion: suggestion(wanted, counts.keys().map(String::as_str)),
            });
        };
        if counts.len() == 1 {
            return Err(IntentError::OneClass { column, value: shown(found) });
        }
        return Ok(found.clone());
    }
    match by_count.as_slice() {
        [(only, _)] => Err(IntentError::OneClass { column, value: shown(only) }),
        [(common, _), (rare, _)] => {
            let says_yes = |label: &str| POSITIVE_WORDS.contains(&label.to_lowercase().as_str());
            let yes = if says_yes(common) && !says_yes(rare) { common } else { rare };
            Ok((*yes).clone())
        }
        _ => {
            let examples = examples();
            Err(IntentError::ManyClasses { column, classes: counts.len(), examples })
        }
    }
}

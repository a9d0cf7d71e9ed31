//! Why no model comes out: what is wrong, where, and what to do about it.

/// Characters of a name that a message shows.
const SHOWN_CHARS: usize = 60;

/// A name from outside as a message shows it: control characters escaped, cut to a line.
pub(crate) fn shown(name: &str) -> String {
    let mut out = String::new();
    for (index, character) in name.chars().enumerate() {
        if index == SHOWN_CHARS {
            out.push('…');
            break;
        }
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// The one of `names` that is nearest to `wanted`, if any is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().take(SHOWN_CHARS).collect();
    names
        .map(|name| {
            let other: Vec<char> = name.to_lowercase().chars().take(SHOWN_CHARS).collect();
            (distance(&wanted, &other), name)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (wanted.len() / 3).max(2))
        .map(|(_, name)| name)
}

/// Levenshtein distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

/// `; did you mean X?` or nothing.
pub(crate) fn suggestion<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    nearest(wanted, names)
        .map(|name| format!("; did you mean `{}`?", shown(name)))
        .unwrap_or_default()
}

/// Why no model can be trained on a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntentError {
    /// A header and nothing below it.
    #[error("the table has no rows below its header; export it again with its data")]
    Empty,
    /// One name for two columns.
    #[error("columns {first} and {second} are both called `{name}`; give one of them another name")]
    DuplicateColumn {
        /// The name.
        name: String,
        /// Place of the first, from 1.
        first: usize,
        /// Place of the second, from 1.
        second: usize,
    },
    /// A name of unreasonable length.
    #[error(
        "the name of column {place} is longer than {limit} bytes; is the first row the header?"
    )]
    LongName {
        /// Place of the column, from 1.
        place: usize,
        /// The limit.
        limit: usize,
    },
    /// A column of another length than the others.
    #[error("column `{column}` has {found} values, the frame has {expected} rows")]
    Length {
        /// The column.
        column: String,
        /// Values it has.
        found: usize,
        /// Rows of the frame.
        expected: usize,
    },
    /// A categorical column with a code beyond its labels.
    #[error("column `{column}`, row {row}: code {code} has no label")]
    Code {
        /// The column.
        column: String,
        /// The row, from 1.
        row: usize,
        /// The code.
        code: u32,
    },
    /// A limit is exceeded.
    #[error("the table has more than {limit} {what}; {remedy}")]
    TooLarge {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// Many rows cannot be read.
    #[error(
        "{broken} of {rows} rows cannot be read, the first at line {line}: {reason}; \
         mend the file or choose its encoding and delimiter"
    )]
    BrokenRows {
        /// Rows that cannot be read.
        broken: u64,
        /// Rows seen.
        rows: u64,
        /// Line of the first.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A column that is named but not there.
    #[error("there is no column `{column}`, which {role} names{suggestion}")]
    NoColumn {
        /// The name given.
        column: String,
        /// What named it: the target, the time, the list to drop or to keep.
        role: &'static str,
        /// The nearest name, as a question.
        suggestion: String,
    },
    /// Only one value, so nothing to learn.
    #[error("every row has {column} = `{value}`; a model needs rows of both outcomes")]
    OneClass {
        /// The target.
        column: String,
        /// Its only value.
        value: String,
    },
    /// More than two values and no word which is meant.
    #[error(
        "`{column}` has {classes} different values ({examples}); say which of them is the outcome (`positive`)"
    )]
    ManyClasses {
        /// The target.
        column: String,
        /// How many values.
        classes: usize,
        /// Some of them.
        examples: String,
    },
    /// No row has the value that is to be the outcome.
    #[error("no row has {column} = `{value}`; its values are {examples}{suggestion}")]
    NoPositive {
        /// The target.
        column: String,
        /// The value asked for.
        value: String,
        /// Some values there are.
        examples: String,
        /// The nearest value, as a question.
        suggestion: String,
    },
    /// Too little to learn from.
    #[error("{found} rows with an outcome are too few; at least {needed} are needed")]
    TooFewRows {
        /// Rows there are.
        found: usize,
        /// Rows needed.
        needed: usize,
    },
    /// Too few of one outcome.
    #[error(
        "{found} rows with {column} {relation} `{value}` are too few; at least {needed} are needed"
    )]
    TooFewOfClass {
        /// The target.
        column: String,
        /// `=` or `other than`.
        relation: &'static str,
        /// The value of the outcome.
        value: String,
        /// Rows there are.
        found: usize,
        /// Rows needed.
        needed: usize,
    },
    /// Nothing is left to learn from.
    #[error(
        "no column is left to learn from: {reasons}; add columns, or keep one of these by name"
    )]
    NoFeatures {
        /// Why each was left out.
        reasons: String,
    },
    /// Fewer than two or too many parts.
    #[error("{found} folds cannot be made; choose 2 to {limit}")]
    Folds {
        /// The number asked for.
        found: usize,
        /// The most.
        limit: usize,
    },
    /// The column of times is no time.
    #[error(
        "column `{column}` holds {kind}, not times; name a column of dates or of numbers that grow with time"
    )]
    NotTime {
        /// The column.
        column: String,
        /// What it holds.
        kind: &'static str,
    },
    /// Whoever asked does not wait any more.
    #[error("training was stopped before it ended")]
    Stopped,
    /// Not enough windows with both outcomes.
    #[error(
        "split by `{column}`, only {usable} of {folds} windows have both outcomes before and after; \
         use fewer folds or no time column"
    )]
    Windows {
        /// The column of times.
        column: String,
        /// Windows that can be used.
        usable: usize,
        /// Windows asked for.
        folds: usize,
    },
    /// A column cannot be encoded.
    #[error(transparent)]
    Encode(#[from] ScoreError),
}

/// Why a stored model cannot be read or a frame cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// Columns the model learned from are not there.
    #[error(
        "the model needs the columns {columns}, which are not there; hand in the same columns as in training"
    )]
    MissingColumns {
        /// Their names.
        columns: String,
    },
    /// A column holds something else than in training.
    #[error(
        "column `{column}` held {expected} in training and holds {found} now; hand it in as {expected}"
    )]
    WrongKind {
        /// The column.
        column: String,
        /// Its kind in training.
        expected: &'static str,
        /// Its kind now.
        found: &'static str,
    },
    /// No row of that number.
    #[error("there is no row {row}; the frame has {rows}")]
    NoRow {
        /// The row asked for, from 0.
        row: usize,
        /// Rows of the frame.
        rows: usize,
    },
    /// The text is no model.
    #[error("this is not a model of purchase intent: {reason}; train it again")]
    NotAModel {
        /// What is wrong.
        reason: String,
    },
    /// A model of another version.
    #[error("the model has format {found}, this program reads {expected}; train it again")]
    Version {
        /// Its version.
        found: u32,
        /// The version read.
        expected: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_far_ones_are_not() {
        let names = ["customerID", "Churn", "tenure"];
        assert_eq!(nearest("churm", names.into_iter()), Some("Churn"));
        assert_eq!(nearest("CHURN", names.into_iter()), Some("Churn"));
        assert_eq!(nearest("bought_something", names.into_iter()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }

    #[test]
    fn hostile_names_are_shown_on_one_short_line() {
        let name = shown(&format!("a\u{1b}[31m\n{}", "长".repeat(500)));
        assert!(!name.contains(['\u{1b}', '\n']), "{name}");
        assert!(name.chars().count() < 80, "{name}");
    }
}

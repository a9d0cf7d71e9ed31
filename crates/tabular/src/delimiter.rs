//! Which character stands between cells.

use crate::evidence::Evidence;
use crate::limits::Limits;
use crate::split::{Cells, Dialect, Split, split_row};

/// What stands between the cells of a row of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// Tab
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Pipe,
    /// Runs of blanks and tabs; no quoting.
    Whitespace,
}

impl Delimiter {
    /// The byte, except for runs of white space.
    pub(crate) const fn byte(self) -> Option<u8> {
        match self {
            Self::Comma => Some(b','),
            Self::Tab => Some(b'\t'),
            Self::Semicolon => Some(b';'),
            Self::Pipe => Some(b'|'),
            Self::Whitespace => None,
        }
    }

    /// The name used in mappings and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Tab => "tab",
            Self::Semicolon => "semicolon",
            Self::Pipe => "pipe",
            Self::Whitespace => "whitespace",
        }
    }
}

impl std::fmt::Display for Delimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Delimiter {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "comma" | "," => Self::Comma,
            "tab" | "\t" => Self::Tab,
            "semicolon" | ";" => Self::Semicolon,
            "pipe" | "|" => Self::Pipe,
            "whitespace" | " " => Self::Whitespace,
            other => {
                return Err(format!(
                    "`{other}` is not a delimiter; use comma, tab, semicolon, pipe or whitespace"
                ));
            }
        })
    }
}

const ROWS_LOOKED_AT: usize = 50;

/// Column counts of the first rows of `sample` under `dialect`.
fn column_counts(sample: &str, whole: bool, dialect: Dialect, limits: &Limits) -> Vec<usize> {
    let mut counts = Vec::new();
    let mut cells = Cells::default();
    let mut rest = sample;
    while counts.len() < ROWS_LOOKED_AT && !rest.is_empty() {
        match split_row(rest, dialect, whole, false, limits, &mut cells) {
            Split::Row { consumed, .. } => {
                let blank = rest[..consumed].trim().is_empty();
                rest = &rest[consumed..];
                if !blank {
                    counts.push(cells.len());
                }
            }
            Split::NeedMore | Split::Broken(_) => break,
        }
    }
    counts
}

/// Share of rows, in percent, that have as many cells as the first (or one more, for a trailing comma).
fn agreement(counts: &[usize]) -> usize {
    let Some(first) = counts.first() else { return 0 };
    let agreeing = counts.iter().filter(|count| *count == first || **count == first + 1).count();
    agreeing * 100 / counts.len()
}

/// Chooses the delimiter under which the rows of `sample` agree best; `whole` says that the sample is
/// the whole file. Gives the evidence, too.
pub(crate) fn sniff(
    sample: &str,
    whole: bool,
    terminator: u8,
    limits: &Limits,
) -> (Delimiter, Evidence) {
    let mut best: Option<(usize, usize, Delimiter, usize)> = None;
    for delimiter in [
        Delimiter::Comma,
        Delimiter::Tab,
        Delimiter::Semicolon,
        Delimiter::Pipe,
        Delimiter::Whitespace,
    ] {
        let counts = column_counts(sample, whole, Dialect { delimiter, terminator }, limits);
        let columns = counts.first().copied().unwrap_or(0);
        let agreement = agreement(&counts);
        if columns < 2 || (delimiter == Delimiter::Whitespace && (agreement < 90 || best.is_some()))
        {
            continue;
        }
        // Agreement first, in steps of ten: a title with a comma must not lose to a rarer character.
        let rank = (agreement / 10, columns);
        if best.is_none_or(|(a, c, _, _)| rank > (a, c)) {
            best = Some((rank.0, rank.1, delimiter, counts.len()));
        }
    }
    match best {
        Some((_, columns, delimiter, rows)) => {
            (delimiter, Evidence::ColumnsAgree { delimiter, columns, rows })
        }
        None => (Delimiter::Comma, Evidence::OneColumn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(sample: &str) -> Delimiter {
        sniff(sample, true, b'\n', &Limits::default()).0
    }

    #[test]
    fn the_delimiter_under_which_rows_agree_wins() {
        assert_eq!(sniffed("a,b\n1,2;3\n"), Delimiter::Comma);
        assert_eq!(sniffed("a\tb\tc\n1\t2,5\t3\n"), Delimiter::Tab);
        assert_eq!(sniffed("a;b\n\"1,0;0\";2,0\n3,0;4\n"), Delimiter::Semicolon);
        assert_eq!(sniffed("a|b\n1|2\n"), Delimiter::Pipe);
        assert_eq!(
            sniffed(" 00001 19970101  1   11.77\n 00002 19970112 1 12.00\n"),
            Delimiter::Whitespace
        );
        assert_eq!(sniffed("one\ntwo\n"), Delimiter::Comma);
        assert_eq!(sniffed(""), Delimiter::Comma);
    }
}

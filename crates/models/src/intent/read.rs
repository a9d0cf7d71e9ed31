//! A frame from a file: one pass, the kind of every column found out, memory bounded whatever the file.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use chrono::NaiveDate;
use tabular::Table;

use super::error::{IntentError, shown};
use super::frame::{ColumnData, Frame, FrameLimits, Kind, LARGEST, MISSING, check_size};

/// After that many values a reading that fits fewer than half of them is given up.
const TRIAL: usize = 1_000;
/// Bytes that a text costs beside its own.
const TEXT_OVERHEAD: usize = 64;
/// Bytes of the different texts of all columns together.
const ALL_TEXT_BYTES: usize = 256 << 20;
/// Longer runs of digits are numbers of orders and phones, which a float cannot hold.
const DIGITS: usize = 15;
/// How no and yes are written.
const YES_NO: [[&str; 2]; 6] =
    [["no", "yes"], ["false", "true"], ["0", "1"], ["n", "y"], ["f", "t"], ["否", "是"]];

/// How a file is read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// How much is held.
    pub limits: FrameLimits,
    /// Share of the values that must be numbers (or dates) for a column to be of numbers (or dates).
    pub number_share: f64,
    /// Share of rows that may be unreadable before the file is refused.
    pub broken_share: f64,
    /// Kinds known beforehand, by name, as [`super::Model::kinds`] gives them.
    pub kinds: BTreeMap<String, Kind>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            limits: FrameLimits::default(),
            number_share: 0.95,
            broken_share: 0.05,
            kinds: BTreeMap::new(),
        }
    }
}

/// Rows passed over because they cannot be read or have another number of cells than the header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Irregularities {
    /// How many.
    pub rows: u64,
    /// Line and fault of the first.
    pub first: Option<(u64, String)>,
}

/// What a file held.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadTable {
    /// Its columns.
    pub frame: Frame,
    /// Its unreadable rows.
    pub irregularities: Irregularities,
}

/// Reads an open table to its end.
///
/// Missing are blank cells, `NA`, `N/A`, `#N/A`, `NaN`, `null` and `\N` in any case; infinite numbers are
/// missing too and counted ([`super::Column::not_finite`]). Whole numbers with a leading zero or more than
/// 15 digits are texts. Dates are `2011-05-01` and `2011/5/1`, with or without a time of day. A column with
/// a blank name is called `column N`.
///
/// # Errors
/// No rows, two columns of one name, too many unreadable rows, or a limit exceeded.
pub fn read_table(table: &mut Table, options: &ReadOptions) -> Result<ReadTable, IntentError> {
    let limits = options.limits;
    let names = column_names(table.header(), &limits)?;
    let mut columns: Vec<Reading> =
        names.iter().map(|name| Reading::new(options.kinds.get(name).copied())).collect();
    let mut budget = ALL_TEXT_BYTES;
    let mut rows = 0usize;
    let mut irregularities = Irregularities::default();
    while let Some(next) = table.next_row() {
        match next {
            Ok(row) if row.len() == names.len() => {
                check_size(names.len(), rows + 1, &limits)?;
                rows += 1;
                for (column, cell) in columns.iter_mut().zip(row.iter()) {
                    column.push(cell.trim(), &limits, &mut budget);
                }
            }
            Ok(row) => {
                let what = format!("it has {} cells, the header {}", row.len(), names.len());
                irregularities.note(row.line(), what);
            }
            Err(error) => {
                let fatal = error.kind.is_fatal();
                irregularities.note(error.line, error.kind.to_string());
                if fatal {
                    return Err(broken(&irregularities, rows as u64));
                }
            }
        }
        if table.bytes_read() > limits.bytes {
            let remedy = "take a sample; it teaches as much";
            return Err(IntentError::TooLarge { what: "bytes", limit: limits.bytes, remedy });
        }
    }
    let all = rows as u64 + irregularities.rows;
    if all == 0 {
        return Err(IntentError::Empty);
    }
    if irregularities.rows as f64 > options.broken_share * all as f64 {
        return Err(broken(&irregularities, rows as u64));
    }
    let mut frame = Frame::new(rows);
    for (name, column) in names.into_iter().zip(columns) {
        let (data, not_finite) = column.finish(rows, options.number_share);
        frame.push_counted(name, data, not_finite, &limits)?;
    }
    Ok(ReadTable { frame, irregularities })
}

/// Names of the columns, none blank and none twice.
fn column_names(header: &[String], limits: &FrameLimits) -> Result<Vec<String>, IntentError> {
    check_size(header.len(), 0, limits)?;
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::with_capacity(header.len());
    for (index, name) in header.iter().enumerate() {
        let place = index + 1;
        if name.len() > limits.name_bytes {
            return Err(IntentError::LongName { place, limit: limits.name_bytes });
        }
        let name = if name.is_empty() { format!("column {place}") } else { name.clone() };
        if let Some(first) = places.insert(name.clone(), place) {
            let name = shown(&name);
            return Err(IntentError::DuplicateColumn { name, first, second: place });
        }
        names.push(name);
    }
    Ok(names)
}

fn broken(irregularities: &Irregularities, good: u64) -> IntentError {
    let (line, reason) = irregularities.first.clone().unwrap_or_default();
    IntentError::BrokenRows {
        broken: irregularities.rows,
        rows: good + irregularities.rows,
        line,
        reason,
    }
}

impl Irregularities {
    fn note(&mut self, line: u64, what: String) {
        self.rows += 1;
        self.first.get_or_insert((line, what));
    }
}

/// One way to understand a column, and how often it fitted.
#[derive(Debug, Default)]
struct Attempt {
    values: Option<Vec<f64>>,
    fitted: usize,
}

impl Attempt {
    fn push(&mut self, value: Option<f64>) {
        if let Some(values) = &mut self.values {
            self.fitted += usize::from(value.is_some());
            values.push(value.unwrap_or(f64::NAN));
        }
    }

    fn give_up_unless_likely(&mut self, present: usize) {
        if self.fitted * 2 < present {
            self.values = None;
        }
    }

    fn fits(&self, present: usize, share: f64) -> bool {
        self.values.is_some() && self.fitted as f64 >= share * present as f64
    }
}

/// A column while it is read: as numbers, as dates and as texts, until all but one are given up.
#[derive(Debug)]
struct Reading {
    forced: Option<Kind>,
    numbers: Attempt,
    dates: Attempt,
    codes: Option<Vec<u32>>,
    dictionary: HashMap<Rc<str>, u32>,
    labels: Vec<Rc<str>>,
    text_bytes: usize,
    given_up_at: usize,
    present: usize,
    infinite: usize,
}

impl Reading {
    fn new(forced: Option<Kind>) -> Self {
        let attempt = |kinds: &[Kind]| Attempt {
            values: forced.is_none_or(|kind| kinds.contains(&kind)).then(Vec::new),
            fitted: 0,
        };
        Self {
            numbers: attempt(&[Kind::Numeric]),
            dates: attempt(&[Kind::Date]),
            codes: attempt(&[Kind::Categorical, Kind::Boolean]).values.map(|_| Vec::new()),
            forced,
            dictionary: HashMap::new(),
            labels: Vec::new(),
            text_bytes: 0,
            given_up_at: 0,
            present: 0,
            infinite: 0,
        }
    }

    fn push(&mut self, cell: &str, limits: &FrameLimits, budget: &mut usize) {
        let infinite = is_infinite(cell);
        if infinite || is_missing(cell) {
            self.infinite += usize::from(infinite);
            self.numbers.push(None);
            self.dates.push(None);
            if let Some(codes) = &mut self.codes {
                codes.push(MISSING);
            }
            return;
        }
        self.present += 1;
        if self.numbers.values.is_some() {
            self.numbers.push(parse_number(cell));
        }
        if self.dates.values.is_some() {
            self.dates.push(parse_date(cell));
        }
        self.push_text(cell, limits, budget);
        if self.present == TRIAL && self.forced.is_none() {
            self.numbers.give_up_unless_likely(self.present);
            self.dates.give_up_unless_likely(self.present);
        }
    }

    fn push_text(&mut self, cell: &str, limits: &FrameLimits, budget: &mut usize) {
        let Some(codes) = &mut self.codes else { return };
        if let Some(&code) = self.dictionary.get(cell) {
            codes.push(code);
            return;
        }
        let cost = cell.len() + TEXT_OVERHEAD;
        let full = self.labels.len() >= limits.distinct
            || self.text_bytes + cost > limits.distinct_bytes
            || cost > *budget;
        // Where the column must be of categories, what exceeds the limit is one more category, called by
        // the blank text that no cell can have.
        let text = if !full {
            cell
        } else if self.forced.is_some() {
            ""
        } else {
            *budget += self.text_bytes;
            self.codes = None;
            self.given_up_at = self.labels.len();
            self.dictionary = HashMap::new();
            self.labels = Vec::new();
            return;
        };
        let next = self.labels.len() as u32;
        let code = *self.dictionary.entry(Rc::from(text)).or_insert_with_key(|text| {
            self.labels.push(Rc::clone(text));
            self.text_bytes += cost;
            *budget = budget.saturating_sub(cost);
            next
        });
        codes.push(code);
    }

    /// The values and how many were no numbers.
    fn finish(self, rows: usize, share: f64) -> (ColumnData, usize) {
        let present = self.present;
        let may_be = |kind| self.forced.is_none_or(|forced| forced == kind);
        if let (true, Some(codes), Some(labels)) =
            (may_be(Kind::Boolean), &self.codes, self.yes_no())
        {
            let yes = u32::from(!labels[1].eq_ignore_ascii_case(&self.labels[0]));
            let values = codes.iter().map(|&code| (code != MISSING).then_some(code == yes));
            return (ColumnData::Boolean { values: values.collect(), labels }, self.infinite);
        }
        let forced = |kind| self.forced == Some(kind);
        if forced(Kind::Numeric) || self.numbers.fits(present, share) {
            let unread = present - self.numbers.fitted + self.infinite;
            return (ColumnData::Numeric(self.numbers.values.unwrap_or_default()), unread);
        }
        if forced(Kind::Date) || self.dates.fits(present, share) {
            let unread = present - self.dates.fitted + self.infinite;
            return (ColumnData::Date(self.dates.values.unwrap_or_default()), unread);
        }
        let distinct = self.given_up_at;
        match self.codes {
            Some(codes) => {
                let labels = self.labels.iter().map(|label| label.to_string()).collect();
                (ColumnData::Categorical { codes, labels }, self.infinite)
            }
            None => (ColumnData::Text { rows, present, distinct }, self.infinite),
        }
    }

    /// How no and yes are written, if these two are the texts.
    fn yes_no(&self) -> Option<[String; 2]> {
        let [first, second] = self.labels.as_slice() else { return None };
        let texts = [first.to_lowercase(), second.to_lowercase()];
        let (no, yes) = YES_NO.iter().find_map(|[no, yes]| {
            let straight = texts[0] == *no && texts[1] == *yes;
            let crossed = texts[0] == *yes && texts[1] == *no;
            if straight { Some((first, second)) } else { crossed.then_some((second, first)) }
        })?;
        Some([no.to_string(), yes.to_string()])
    }
}

/// Which side of yes and no a text says; for columns that were yes or no in training.
pub(crate) fn says_yes(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    YES_NO.iter().find_map(
        |[no, yes]| {
            if text == *yes { Some(true) } else { (text == *no).then_some(false) }
        },
    )
}

fn is_missing(cell: &str) -> bool {
    const WORDS: [&str; 6] = ["na", "n/a", "#n/a", "nan", "null", "\\n"];
    cell.is_empty() || WORDS.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

fn is_infinite(cell: &str) -> bool {
    let bare = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    let is_word = ["inf", "infinity", "∞", "#div/0!", "#num!"]
        .iter()
        .any(|word| bare.eq_ignore_ascii_case(word));
    // A long row of digits is a code.
    let is_code = bare.bytes().all(|byte| byte.is_ascii_digit());
    is_word || !is_code && cell.parse().is_ok_and(|value: f64| value.abs() > LARGEST)
}

/// A number as people and programs write it; `None` for anything that only looks like one.
pub(crate) fn parse_number(cell: &str) -> Option<f64> {
    let bare = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    let first = bare.bytes().next()?;
    if !first.is_ascii_digit() && first != b'.' {
        return None;
    }
    let whole = bare.bytes().take_while(u8::is_ascii_digit).count();
    let only_digits = whole == bare.len();
    if only_digits && (whole > DIGITS || (first == b'0' && whole > 1)) {
        return None;
    }
    let value: f64 = if bare.contains(',') { thousands(cell)? } else { cell.parse().ok()? };
    (value.abs() <= LARGEST).then_some(value)
}

/// `1,234,567.8`: groups of three.
fn thousands(cell: &str) -> Option<f64> {
    let (whole, rest) = cell.split_at(cell.find('.').unwrap_or(cell.len()));
    let mut groups = whole.trim_start_matches(['+', '-']).split(',');
    let first = groups.next()?;
    let of_three = |group: &str| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit());
    ((1..=3).contains(&first.len()) && groups.all(of_three))
        .then(|| format!("{}{rest}", whole.replace(',', "")).parse().ok())?
}

/// Days since 1970-01-01 of `2011-05-01`, `2011/5/1`, with or without `08:26[:00[.5]]`, `T` and `Z`.
fn parse_date(cell: &str) -> Option<f64> {
    let bytes = cell.as_bytes();
    let mark = *bytes.get(4).filter(|&&mark| mark == b'-' || mark == b'/')?;
    let (day, time) = match cell.find([' ', 'T']) {
        Some(at) => (cell.get(..at)?, cell.get(at + 1..)?.trim_end_matches('Z')),
        None => (cell, ""),
    };
    let mut parts = day.split(char::from(mark));
    let year = parts.next()?.parse().ok().filter(|year| (1900..=2200).contains(year))?;
    let (month, dom) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year, month, dom)?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days() as f64;
    Some(days + if time.is_empty() { 0.0 } else { seconds(time)? / 86_400.0 })
}

fn seconds(time: &str) -> Option<f64> {
    let mut parts = time.split(':');
    let hours: u32 = parts.next()?.parse().ok().filter(|hours| *hours < 24)?;
    let minutes: u32 = parts.next()?.parse().ok().filter(|minutes| *minutes < 60)?;
    let seconds: f64 = match parts.next() {
        Some(text) => text.parse().ok().filter(|seconds| (0.0..61.0).contains(seconds))?,
        None => 0.0,
    };
    parts.next().is_none().then_some(f64::from(hours * 3_600 + minutes * 60) + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_all_bounds_are_not_finite_and_codes_are_texts() {
        for text in ["inf", "-Infinity", "1e400", "-1e400", "1e101", "#DIV/0!"] {
            assert!(is_infinite(text), "{text}");
        }
        let long = "9".repeat(120);
        for text in ["1e99", "12", "nan", "x1e400", "", long.as_str()] {
            assert!(!is_infinite(text), "{text}");
        }
    }

    #[test]
    fn numbers_are_numbers_and_codes_are_not() {
        for (text, value) in [("1", 1.0), ("-2.5", -2.5), (".5", 0.5), ("1e3", 1000.0), ("0", 0.0)]
        {
            assert_eq!(parse_number(text), Some(value), "{text}");
        }
        assert_eq!(parse_number("1,234,567.8"), Some(1_234_567.8));
        assert_eq!(parse_number("0.50"), Some(0.5));
        for text in
            ["007", "1234567890123456", "1,23", "12a", "inf", "nan", "", "-", "1e400", "0x1"]
        {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_days() {
        assert_eq!(parse_date("1970-01-02"), Some(1.0));
        assert_eq!(parse_date("2011/5/1"), parse_date("2011-05-01"));
        assert_eq!(parse_date("1970-01-01T12:00:00Z"), Some(0.5));
        assert_eq!(parse_date("1970-01-01 06:00"), Some(0.25));
        for text in ["2011-13-01", "2011-02-30", "20110501", "2011-05", "2011-05-01 25:00", "日期"]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}

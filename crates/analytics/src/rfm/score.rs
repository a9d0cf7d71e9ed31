//! Scores, and the rules that give them.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use kernel::{ShopId, Timestamp, Zone};

use super::tier::Tier;
use crate::daily::{day_number, end_of};

/// Scores of one customer, 1 to the number of bins; higher is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score {
    /// Recency: the most recent have the highest.
    pub r: u8,
    /// Frequency.
    pub f: u8,
    /// Monetary value.
    pub m: u8,
}

impl Score {
    /// Codes are below this; 0 stands for "no score".
    pub(crate) const CODES: usize = 1 << 12;

    /// Four bits a score.
    pub(crate) const fn code(self) -> u16 {
        (self.r as u16) << 8 | (self.f as u16) << 4 | self.m as u16
    }

    pub(crate) const fn from_code(code: u16) -> Option<Self> {
        if code == 0 {
            return None;
        }
        Some(Self { r: (code >> 8) as u8 & 15, f: (code >> 4) as u8 & 15, m: code as u8 & 15 })
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{}F{}M{}", self.r, self.f, self.m)
    }
}

/// Not the name of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cell such as `R5F4M5`, each score 1 to 10")]
pub struct ScoreParseError;

impl FromStr for Score {
    type Err = ScoreParseError;
    fn from_str(text: &str) -> Result<Self, ScoreParseError> {
        let upper = text.trim().to_ascii_uppercase();
        let read = || {
            let (r, rest) = upper.strip_prefix('R')?.split_once('F')?;
            let (f, m) = rest.split_once('M')?;
            Some(Self { r: read_score(r)?, f: read_score(f)?, m: read_score(m)? })
        };
        read().ok_or(ScoreParseError)
    }
}

/// A cell, or several: a score that is absent may be any. Written `R5F*M*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellPattern {
    /// Recency.
    pub r: Option<u8>,
    /// Frequency.
    pub f: Option<u8>,
    /// Monetary value.
    pub m: Option<u8>,
}

impl CellPattern {
    /// Whether `score` is one of these cells.
    #[must_use]
    pub fn has(self, score: Score) -> bool {
        [(self.r, score.r), (self.f, score.f), (self.m, score.m)]
            .into_iter()
            .all(|(wanted, own)| wanted.is_none_or(|wanted| wanted == own))
    }
}

impl From<Score> for CellPattern {
    fn from(score: Score) -> Self {
        Self { r: Some(score.r), f: Some(score.f), m: Some(score.m) }
    }
}

impl fmt::Display for CellPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |score: Option<u8>| score.map_or_else(|| "*".to_owned(), |s| s.to_string());
        write!(f, "R{}F{}M{}", text(self.r), text(self.f), text(self.m))
    }
}

/// Not the name of one cell or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cell such as `R5F4M5`, each score 1 to 10 or `*` for any")]
pub struct CellPatternError;

impl FromStr for CellPattern {
    type Err = CellPatternError;
    fn from_str(text: &str) -> Result<Self, CellPatternError> {
        let upper = text.trim().to_ascii_uppercase();
        let read = || {
            let (r, rest) = upper.strip_prefix('R')?.split_once('F')?;
            let (f, m) = rest.split_once('M')?;
            let score = |text: &str| match text {
                "*" => Some(None),
                text => read_score(text).map(Some),
            };
            Some(Self { r: score(r)?, f: score(f)?, m: score(m)? })
        };
        read().ok_or(CellPatternError)
    }
}

fn read_score(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u8>().ok().filter(|score| plain && (1..=10).contains(score))
}

/// How the values of a dimension become scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins(pub(crate) BinsKind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BinsKind {
    Quantile(u8),
    Fixed { r_days: Vec<i64>, f_orders: Vec<i64>, m_minor: Vec<i64> },
}

/// Why bins cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BinsError {
    /// Fewer than 2 bins or more than 10.
    #[error("must be 2 to 10 bins")]
    Count,
    /// Bounds that do not rise.
    #[error("bounds must rise")]
    Order,
}

impl Bins {
    /// `bins` bins of about equally many customers.
    ///
    /// # Errors
    /// `Count` outside 2 to 10.
    pub const fn quantile(bins: u8) -> Result<Self, BinsError> {
        if bins < 2 || bins > 10 {
            Err(BinsError::Count)
        } else {
            Ok(Self(BinsKind::Quantile(bins)))
        }
    }

    /// Bins between given bounds, each the least value of the next bin: days since the last order,
    /// orders, and revenue in minor units.
    ///
    /// # Errors
    /// `Count` without 1 to 9 bounds a dimension, `Order` if they do not rise.
    pub fn fixed(
        r_days: Vec<i64>,
        f_orders: Vec<i64>,
        m_minor: Vec<i64>,
    ) -> Result<Self, BinsError> {
        for bounds in [&r_days, &f_orders, &m_minor] {
            if !(1..=9).contains(&bounds.len()) {
                return Err(BinsError::Count);
            }
            if bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(BinsError::Order);
            }
        }
        Ok(Self(BinsKind::Fixed { r_days, f_orders, m_minor }))
    }

    /// Bins of R, F and M.
    #[must_use]
    pub fn counts(&self) -> [u8; 3] {
        match &self.0 {
            BinsKind::Quantile(bins) => [*bins; 3],
            BinsKind::Fixed { r_days, f_orders, m_minor } => {
                [r_days, f_orders, m_minor].map(|bounds| bounds.len() as u8 + 1)
            }
        }
    }
}

/// Recency, frequency and monetary value of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) recency_days: i64,
    pub(crate) orders: u32,
    pub(crate) revenue_minor: i64,
}

/// Which orders are looked at, and from when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) shop: Option<ShopId>,
    /// The first millisecond after the as-of day.
    pub(crate) end_ms: i64,
    as_of_day: i64,
    zone: Zone,
}

impl Window {
    pub(crate) fn new(as_of: NaiveDate, zone: Zone, shop: Option<ShopId>) -> Self {
        let start = Timestamp::start_of(as_of, zone).millis();
        Self { shop, end_ms: end_of(as_of, zone), as_of_day: day_number(start, zone), zone }
    }

    pub(crate) fn recency_days(&self, last_ms: i64) -> i64 {
        self.as_of_day - day_number(last_ms, self.zone)
    }
}

/// Bounds found for one set of customers, by which any customer can be scored.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) window: Window,
    /// Bounds of R, F and M in days, orders and minor units, brought up to whole numbers: an
    /// integer is below a bound exactly if it is below its ceiling.
    pub(crate) bounds: [Vec<i64>; 3],
    pub(crate) bins: [u8; 3],
}

impl Rules {
    pub(crate) fn score(&self, values: Values) -> Score {
        let bin = |dimension: usize, value: i64| {
            self.bounds[dimension].iter().filter(|bound| **bound <= value).count() as u8
        };
        Score {
            r: self.bins[0] - bin(0, values.recency_days),
            f: 1 + bin(1, i64::from(values.orders)),
            m: 1 + bin(2, values.revenue_minor),
        }
    }
}

/// A score with its names in both schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The cell.
    pub score: Score,
    /// The tier of the 11-name scheme.
    pub tier: Tier,
    /// The classic class.
    pub classic: Tier,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back() {
        let score = Score { r: 10, f: 1, m: 5 };
        assert_eq!(score.to_string().parse(), Ok(score));
        assert_eq!(Score::from_code(score.code()), Some(score));
        for text in ["R0F1M1", "R11F1M1", "R5F5", "R+5F5M5", ""] {
            assert_eq!(text.parse::<Score>(), Err(ScoreParseError), "{text}");
        }
    }

    #[test]
    fn patterns_leave_scores_open() {
        let score = Score { r: 5, f: 2, m: 10 };
        for (text, has) in [
            ("R5F2M10", true),
            ("r5f*m*", true),
            (" R*F*M* ", true),
            ("R*F2M9", false),
            ("R4F*M*", false),
        ] {
            let pattern: CellPattern = text.parse().unwrap();
            assert_eq!(pattern.has(score), has, "{text}");
            assert_eq!(pattern.to_string(), text.trim().to_ascii_uppercase());
        }
        assert_eq!(CellPattern::from(score).to_string(), score.to_string());
        for text in ["R**F1M1", "R5", "R0F*M*", "*", "R F*M*", ""] {
            assert_eq!(text.parse::<CellPattern>(), Err(CellPatternError), "{text}");
        }
    }

    #[test]
    fn bins_are_bounded_and_rise() {
        assert_eq!(Bins::quantile(1), Err(BinsError::Count));
        assert_eq!(Bins::quantile(11), Err(BinsError::Count));
        assert_eq!(Bins::fixed(vec![30, 30], vec![2], vec![100]), Err(BinsError::Order));
        assert_eq!(Bins::fixed(vec![], vec![2], vec![100]), Err(BinsError::Count));
        assert_eq!(Bins::fixed(vec![30, 90], vec![2], vec![100]).unwrap().counts(), [3, 2, 2]);
    }
}

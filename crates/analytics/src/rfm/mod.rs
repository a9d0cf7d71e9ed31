//! Recency, frequency and monetary value: scores, cells and tiers as of a day.

mod bounds;
mod compute;
mod flow;
mod quantile;
mod score;
mod tier;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use kernel::{CustomerId, ShopId, Zone};

pub use flow::{Movement, MovementFlow, TierFlow, movement};
pub use score::{Bins, BinsError, CellPattern, CellPatternError, Score, ScoreParseError, Standing};
pub use tier::{Scheme, Tier, TierParseError};

use compute::CellColumn;

pub(crate) use compute::{base_cell, base_cells, compute, within};
pub(crate) use score::{Rules, Values, Window};

/// What is scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RfmQuery {
    /// Orders up to the end of this day count, and recency is measured from it.
    pub as_of: NaiveDate,
    /// The zone of days.
    pub zone: Zone,
    /// How values become scores.
    pub bins: Bins,
    /// Only orders of this shop.
    pub shop: Option<ShopId>,
    /// Minor units in one major unit of the currency, 1 or more.
    pub minor_per_major: i64,
}

/// Lower ends of the bins above the first, rising: a value below the first is in the first bin.
/// Empty when quantiles of no customers were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    /// Days since the last order.
    pub r: Vec<f64>,
    /// Orders.
    pub f: Vec<f64>,
    /// Revenue in major units.
    pub m: Vec<f64>,
}

/// Customers by score: the first entry is score 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoreCounts {
    /// By recency.
    pub r: Vec<u64>,
    /// By frequency.
    pub f: Vec<u64>,
    /// By monetary value.
    pub m: Vec<u64>,
}

/// One cell of the cube that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellSum {
    /// The cell.
    pub score: Score,
    /// Customers in it.
    pub customers: u64,
    /// Their counted orders up to the as-of day.
    pub orders: u64,
    /// Revenue of these orders.
    pub revenue_minor: i64,
}

/// One tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierSum {
    /// The tier.
    pub tier: Tier,
    /// Customers in it.
    pub customers: u64,
    /// Their counted orders up to the as-of day.
    pub orders: u64,
    /// Revenue of these orders.
    pub revenue_minor: i64,
}

/// Scores of all customers with a counted order up to a day.
#[derive(Debug)]
pub struct Rfm {
    query: RfmQuery,
    version: u64,
    /// No two of one process have the same.
    stamp: u64,
    rules: Rules,
    thresholds: Thresholds,
    cells: Vec<CellSum>,
    customers: u64,
    column: CellColumn,
    /// Both tiers of every cell code.
    names: Vec<[Tier; 2]>,
}

impl Rfm {
    /// What was asked.
    #[must_use]
    pub const fn query(&self) -> &RfmQuery {
        &self.query
    }

    /// Of the engine's orders that were scored, to tell whether they changed since.
    #[must_use]
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Customers scored.
    #[must_use]
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// The bounds between bins.
    #[must_use]
    pub const fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Cells that are not empty, by score.
    #[must_use]
    pub fn cells(&self) -> &[CellSum] {
        &self.cells
    }

    /// Customers by score in each dimension.
    #[must_use]
    pub fn score_counts(&self) -> ScoreCounts {
        let [r, f, m] = self.rules.bins.map(|bins| vec![0; usize::from(bins)]);
        let mut counts = ScoreCounts { r, f, m };
        for cell in &self.cells {
            counts.r[usize::from(cell.score.r) - 1] += cell.customers;
            counts.f[usize::from(cell.score.f) - 1] += cell.customers;
            counts.m[usize::from(cell.score.m) - 1] += cell.customers;
        }
        counts
    }

    /// Every tier of `scheme`, empty ones too, in the order of the interface.
    #[must_use]
    pub fn tiers(&self, scheme: Scheme) -> Vec<TierSum> {
        let mut sums: Vec<TierSum> = scheme
            .tiers()
            .iter()
            .map(|&tier| TierSum { tier, customers: 0, orders: 0, revenue_minor: 0 })
            .collect();
        for cell in &self.cells {
            let tier = self.tier(cell.score, scheme);
            if let Some(sum) = sums.iter_mut().find(|sum| sum.tier == tier) {
                sum.customers += cell.customers;
                sum.orders += cell.orders;
                sum.revenue_minor = sum.revenue_minor.saturating_add(cell.revenue_minor);
            }
        }
        sums
    }

    /// Customers at risk or not to be lost, but for those about whom nothing may be decided by machine:
    /// `withheld` is what [`crate::Engine::withheld`] told of these scores.
    #[must_use]
    pub fn slipping_away(&self, withheld: &BTreeMap<Score, u64>) -> u64 {
        let slips = |score: Score| {
            matches!(self.tier(score, Scheme::Eleven), Tier::AtRisk | Tier::CantLose)
        };
        let cells = self.cells.iter().filter(|cell| slips(cell.score));
        let left = cells.map(|cell| {
            cell.customers.saturating_sub(withheld.get(&cell.score).copied().unwrap_or(0))
        });
        left.sum()
    }

    /// The tier of a cell in `scheme`.
    #[must_use]
    pub fn tier(&self, score: Score, scheme: Scheme) -> Tier {
        self.names[usize::from(score.code()) % Score::CODES][scheme as usize]
    }

    /// The score of a customer; `None` without a counted order up to the day.
    #[must_use]
    pub fn score_of(&self, id: CustomerId) -> Option<Score> {
        self.column.get(id)
    }

    /// All customers scored, by id.
    pub fn scores(&self) -> impl Iterator<Item = (CustomerId, Score)> + '_ {
        self.column.iter()
    }

    /// A cell with its names.
    #[must_use]
    pub fn standing(&self, score: Score) -> Standing {
        Standing {
            score,
            tier: self.tier(score, Scheme::Eleven),
            classic: self.tier(score, Scheme::Classic),
        }
    }

    pub(crate) const fn stamp(&self) -> u64 {
        self.stamp
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Cells of the base these scores were made from, if it is the one with `ids`.
    pub(crate) fn base_cells(&self, ids: &Arc<Vec<CustomerId>>) -> Option<Arc<Vec<u16>>> {
        self.column.base_cells(ids)
    }

    /// Bytes of the column of cells, not counting ids shared with the engine.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.column.memory_bytes() + self.names.capacity() * 2
    }
}

//! Scoring all customers.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{CustomerId, Reach};

use super::bounds::quantile_bounds;
use super::quantile::Bound;
use super::score::BinsKind;
use super::whole::Whole;
use super::{CellSum, Rfm, RfmQuery, Rules, Score, Thresholds, Tier, Values, Window};
use crate::base::Base;
use crate::bits::Bits;
use crate::blocks;
use crate::engine::View;
use crate::list::Within;

/// Far above what an engine counts by itself, so that both can stamp what is remembered.
static NEXT_STAMP: AtomicU64 = AtomicU64::new(1 << 32);

/// Cells of all customers at one moment. Shares the ids with the base it was made from.
#[derive(Debug)]
pub(crate) struct CellColumn {
    ids: Arc<Vec<CustomerId>>,
    /// By ordinal; 0 for customers without a score and for those in `changed`.
    cells: Arc<Vec<u16>>,
    /// Customers changed since the base was made, by id.
    changed: Vec<(CustomerId, u16)>,
}

impl CellColumn {
    pub(crate) fn get(&self, id: CustomerId) -> Option<Score> {
        let code = match self.changed.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => self.changed[at].1,
            Err(_) => self.cells[self.ids.binary_search(&id).ok()?],
        };
        Score::from_code(code)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (CustomerId, Score)> + '_ {
        let of = |(id, code): (CustomerId, u16)| Score::from_code(code).map(|score| (id, score));
        let mut base = self.ids.iter().copied().zip(self.cells.iter().copied()).filter_map(of);
        let mut changed = self.changed.iter().copied().filter_map(of);
        let (mut a, mut b) = (base.next(), changed.next());
        std::iter::from_fn(move || {
            let first = match (&a, &b) {
                (Some((a_id, _)), Some((b_id, _))) => a_id < b_id,
                (a, _) => a.is_some(),
            };
            if first {
                std::mem::replace(&mut a, base.next())
            } else {
                std::mem::replace(&mut b, changed.next())
            }
        })
    }

    pub(crate) fn base_cells(&self, ids: &Arc<Vec<CustomerId>>) -> Option<Arc<Vec<u16>>> {
        Arc::ptr_eq(ids, &self.ids).then(|| Arc::clone(&self.cells))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.cells.capacity() * 2 + self.changed.capacity() * size_of::<(CustomerId, u16)>()
    }
}

/// Scores what `view` sees.
pub(crate) fn compute(view: View<'_>, query: &RfmQuery, version: u64) -> Rfm {
    let window = Window::new(query.as_of, query.zone, query.shop);
    let unit = query.minor_per_major.max(1);
    let found = match &query.bins.0 {
        BinsKind::Quantile(bins) => quantile_bounds(view, &window, *bins, unit),
        BinsKind::Fixed { r_days, f_orders, m_minor } => [r_days, f_orders, m_minor].map(|fixed| {
            let whole = |bound: &i64| Bound { numerator: i128::from(*bound), denominator: 1 };
            fixed.iter().map(whole).collect()
        }),
    };
    let in_units = |bounds: &[Bound], unit| bounds.iter().map(|b| b.in_units(unit)).collect();
    let thresholds = Thresholds {
        r: in_units(&found[0], 1),
        f: in_units(&found[1], 1),
        m: in_units(&found[2], unit),
    };
    let rules = Rules {
        window,
        bounds: found.map(|bounds| bounds.into_iter().map(Bound::ceiling).collect()),
        bins: query.bins.counts(),
    };
    let scored = score_all(view, &Within::new(view, &Reach::ALL), &rules);
    let names = names(&rules, &scored.sums, scored.customers());
    scored.finish(query, version, rules, thresholds, names)
}

/// Of `rfm`, which was made of `view`, what customers in `reach` have part in.
pub(crate) fn within(view: View<'_>, rfm: &Rfm, reach: &Reach) -> Rfm {
    let scored = score_all(view, &Within::new(view, reach), &rfm.rules);
    let (rules, thresholds) = (rfm.rules.clone(), rfm.thresholds.clone());
    scored.finish(&rfm.query, rfm.version, rules, thresholds, rfm.names.clone())
}

/// Customers by cell.
struct Scored {
    sums: Vec<CellSum>,
    column: CellColumn,
}

impl Scored {
    fn customers(&self) -> u64 {
        self.sums.iter().map(|sum| sum.customers).sum()
    }

    fn finish(
        self,
        query: &RfmQuery,
        version: u64,
        rules: Rules,
        thresholds: Thresholds,
        names: Vec<[Tier; 2]>,
    ) -> Rfm {
        Rfm {
            query: query.clone(),
            version,
            stamp: NEXT_STAMP.fetch_add(1, Ordering::Relaxed),
            rules,
            thresholds,
            customers: self.customers(),
            cells: self.sums,
            column: self.column,
            names,
        }
    }
}

fn score_all(view: View<'_>, within: &Within<'_>, rules: &Rules) -> Scored {
    let base = view.base;
    let mut cells = vec![0; base.len()];
    let parts = match Whole::new(view, &rules.window) {
        Some(whole) => whole.score(within, rules, &mut cells),
        None => blocks::fill(&mut cells, Sums::new, |sums, start, cells| {
            let block = start..start + cells.len();
            each_of_block(base, Some(view.dead), &rules.window, block, |ordinal, values| {
                if within.holds(ordinal) {
                    cells[ordinal - start] = sums.add(rules.score(values).code(), values);
                }
            });
        }),
    };
    let mut sums = Sums::new();
    parts.iter().for_each(|part| sums.join(part));
    let mut changed = Vec::with_capacity(view.delta.len());
    for (id, row, _) in view.delta.rows() {
        let values = row.values(&rules.window).filter(|_| within.holds_row(row));
        let code = values.map_or(0, |values| sums.add(rules.score(values).code(), values));
        changed.push((id, code));
    }
    let column = CellColumn { ids: Arc::clone(&base.ids), cells: Arc::new(cells), changed };
    Scored { sums: sums.cells(), column }
}

/// What the customers of each cell come to, by code.
pub(super) struct Sums(Vec<(u64, u64, i64)>);

impl Sums {
    pub(super) fn new() -> Self {
        Self(vec![(0, 0, 0); Score::CODES])
    }

    /// Adds a customer; gives the code.
    #[inline]
    pub(super) fn add(&mut self, code: u16, values: Values) -> u16 {
        self.add_amounts(code, values.orders, values.revenue_minor)
    }

    #[inline]
    pub(super) fn add_amounts(&mut self, code: u16, own_orders: u32, own_revenue: i64) -> u16 {
        let (customers, orders, revenue) = &mut self.0[usize::from(code) % Score::CODES];
        *customers += 1;
        *orders += u64::from(own_orders);
        *revenue = revenue.saturating_add(own_revenue);
        code
    }

    fn join(&mut self, other: &Self) {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            sum.0 += other.0;
            sum.1 += other.1;
            sum.2 = sum.2.saturating_add(other.2);
        }
    }

    fn cells(self) -> Vec<CellSum> {
        let cell = |(code, (customers, orders, revenue_minor))| {
            let score = Score::from_code(code).filter(|_| customers > 0)?;
            Some(CellSum { score, customers, orders, revenue_minor })
        };
        (0..).zip(self.0).filter_map(cell).collect()
    }
}

/// Both tiers of every cell. Classic: a score is high above the mean score of all customers.
fn names(rules: &Rules, cells: &[CellSum], customers: u64) -> Vec<[Tier; 2]> {
    let mut totals = [0_u64; 3];
    for cell in cells {
        for (total, score) in totals.iter_mut().zip([cell.score.r, cell.score.f, cell.score.m]) {
            *total += cell.customers * u64::from(score);
        }
    }
    let name = |code: u16| {
        let score = Score::from_code(code).unwrap_or(Score { r: 1, f: 1, m: 1 });
        let high = |dimension: usize, score: u8| u64::from(score) * customers > totals[dimension];
        let classic = Tier::classic(high(0, score.r), high(1, score.f), high(2, score.m));
        [Tier::eleven(score, rules.bins), classic]
    };
    (0..Score::CODES as u16).map(name).collect()
}

/// Cells of a base under given rules; 0 for the dead and for those without a score.
pub(crate) fn base_cells(base: &Base, dead: Option<&Bits>, rules: &Rules) -> Vec<u16> {
    let mut cells = vec![0; base.len()];
    blocks::fill(
        &mut cells,
        || (),
        |(), start, cells| {
            let block = start..start + cells.len();
            each_of_block(base, dead, &rules.window, block, |ordinal, values| {
                cells[ordinal - start] = rules.score(values).code();
            });
        },
    );
    cells
}

/// The cell of one customer of a base under given rules; 0 without a score.
pub(crate) fn base_cell(base: &Base, ordinal: usize, rules: &Rules) -> u16 {
    let values = shop_number(base, &rules.window)
        .and_then(|shop| values_at(base, &rules.window, shop, ordinal));
    values.map_or(0, |values| rules.score(values).code())
}

/// The number of the window's shop in this base; `None` if it has no orders of that shop.
fn shop_number(base: &Base, window: &Window) -> Option<Option<u32>> {
    match window.shop {
        None => Some(None),
        Some(id) => base.facts.shops.find(&id).map(Some),
    }
}

/// Calls `each` for every customer of a block of the base with an order in the window.
pub(super) fn each_of_block(
    base: &Base,
    dead: Option<&Bits>,
    window: &Window,
    block: Range<usize>,
    mut each: impl FnMut(usize, Values),
) {
    let Some(shop) = shop_number(base, window) else { return };
    for ordinal in block {
        if dead.is_some_and(|dead| dead.has(ordinal)) {
            continue;
        }
        if let Some(values) = values_at(base, window, shop, ordinal) {
            each(ordinal, values);
        }
    }
}

/// What a customer of the base ordered in the window; `None` for nothing.
#[inline]
fn values_at(base: &Base, window: &Window, shop: Option<u32>, ordinal: usize) -> Option<Values> {
    let facts = &base.facts;
    let range = facts.range(ordinal);
    if range.is_empty() {
        return None;
    }
    if shop.is_none() && base.last.get(ordinal) < window.end_ms {
        let recency_days = window.recency_days(base.last.get(ordinal));
        let revenue_minor = base.revenue.get(ordinal);
        return Some(Values { recency_days, orders: range.len() as u32, revenue_minor });
    }
    let (mut orders, mut revenue_minor, mut last) = (0, 0_i64, 0);
    for index in range {
        if facts.time.get(index) >= window.end_ms {
            break;
        }
        if shop.is_none_or(|shop| facts.shop.get(index) == shop) {
            orders += 1;
            revenue_minor = revenue_minor.saturating_add(facts.revenue.get(index));
            last = facts.time.get(index);
        }
    }
    let recency_days = window.recency_days(last);
    (orders > 0).then_some(Values { recency_days, orders, revenue_minor })
}

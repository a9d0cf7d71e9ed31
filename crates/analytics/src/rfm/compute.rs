//! Scoring all customers.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{CustomerId, Reach};

use super::quantile::{Bound, bounds, ranks};
use super::score::BinsKind;
use super::{CellSum, Rfm, RfmQuery, Rules, Score, Thresholds, Tier, Values, Window};
use crate::base::Base;
use crate::bits::Bits;
use crate::blocks;
use crate::engine::View;
use crate::facts::NO_ORDER;
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

fn quantile_bounds(view: View<'_>, window: &Window, bins: u8, unit: i64) -> [Vec<Bound>; 3] {
    let base = view.base;
    let earliest = if base.earliest == NO_ORDER { 0 } else { base.earliest };
    let latest = if base.latest == NO_ORDER { 0 } else { base.latest };
    // More slots than customers would only cost time.
    let slots = base.len().next_power_of_two().clamp(64, Scale::SLOTS_MAX);
    let r = Scale::new(window.recency_days(latest), window.recency_days(earliest), slots);
    let m = Scale::new(base.revenues.0, base.revenues.1, slots);
    let scales = [r, Scale::new(0, slots as i64 - 1, slots), m];
    let of = |values: Values| [values.recency_days, i64::from(values.orders), values.revenue_minor];
    let each = |block: Range<usize>, add: &mut dyn FnMut([i64; 3])| {
        each_of_block(base, Some(view.dead), window, block, |_, values| add(of(values)));
    };
    let rows = |add: &mut dyn FnMut([i64; 3])| {
        let values = view.delta.rows().filter_map(|(_, row, _)| row.values(window));
        values.for_each(|values| add(of(values)));
    };
    // How many customers are in each slot of each dimension …
    let mut counted = blocks::sums(
        base.len(),
        || [(); 3].map(|()| vec![0_u32; slots]),
        |slots, block| {
            each(block, &mut |values| {
                for ((slots, scale), value) in slots.iter_mut().zip(&scales).zip(values) {
                    slots[scale.slot(value)] += 1;
                }
            });
        },
    );
    let mut slots = counted.pop().unwrap_or_default();
    for others in &counted {
        for (slots, others) in slots.iter_mut().zip(others) {
            slots.iter_mut().zip(others).for_each(|(slot, other)| *slot += other);
        }
    }
    rows(&mut |values| {
        for ((slots, scale), value) in slots.iter_mut().zip(&scales).zip(values) {
            slots[scale.slot(value)] += 1;
        }
    });
    // … and the values themselves where a slot that holds a rank is wider than one value.
    let n = slots[0].iter().map(|count| *count as usize).sum();
    let ranks = ranks(n, bins);
    let wanted: [Wanted; 3] = std::array::from_fn(|d| Wanted::new(&slots[d], &ranks, scales[d]));
    let mut found = vec![[(); 3].map(|()| Vec::new())];
    if wanted.iter().any(|wanted| wanted.any) {
        let pick = |found: &mut [Vec<i64>; 3], values: [i64; 3]| {
            for ((found, wanted), value) in found.iter_mut().zip(&wanted).zip(values) {
                if wanted.has(value) {
                    found.push(value);
                }
            }
        };
        let add = |found: &mut [Vec<i64>; 3], block| each(block, &mut |values| pick(found, values));
        found = blocks::sums(base.len(), || [(); 3].map(|()| Vec::new()), add);
        rows(&mut |values| pick(&mut found[0], values));
    }
    std::array::from_fn(|d| {
        let mut own: Vec<i64> = found.iter_mut().flat_map(|f| std::mem::take(&mut f[d])).collect();
        own.sort_unstable();
        let unit = if d == 2 { unit } else { 1 };
        bounds(n, bins, unit, |rank| wanted[d].value(rank, &own))
    })
}

/// Slots of equal width over a range of values; what lies outside is in the first or the last.
#[derive(Clone, Copy)]
struct Scale {
    least: i64,
    shift: u32,
    slots: usize,
}

impl Scale {
    const SLOTS_MAX: usize = 1 << 14;

    fn new(least: i64, greatest: i64, slots: usize) -> Self {
        let width = greatest.saturating_sub(least).max(0) as u64 / slots as u64 + 1;
        Self { least, shift: width.next_power_of_two().trailing_zeros(), slots }
    }

    #[inline]
    fn slot(self, value: i64) -> usize {
        let above = value.saturating_sub(self.least).max(0) >> self.shift;
        (above as usize).min(self.slots - 1)
    }

    /// The value of a slot that holds one value only.
    fn only(self, slot: usize) -> Option<i64> {
        let inside = slot > 0 && slot < self.slots - 1;
        (inside && self.shift == 0).then(|| self.least + slot as i64)
    }
}

/// Where the values of some ranks are.
struct Wanted {
    scale: Scale,
    /// Of each slot: customers in the slots before it.
    before: Vec<usize>,
    /// Of each slot: whether its values are collected.
    collected: Vec<bool>,
    /// Of each slot: values collected of the slots before it.
    collected_before: Vec<usize>,
    any: bool,
}

impl Wanted {
    fn new(slots: &[u32], ranks: &[usize], scale: Scale) -> Self {
        let mut wanted = Self {
            scale,
            before: Vec::with_capacity(slots.len()),
            collected: vec![false; slots.len()],
            collected_before: Vec::with_capacity(slots.len()),
            any: false,
        };
        let mut before = 0;
        for count in slots {
            wanted.before.push(before);
            before += *count as usize;
        }
        for rank in ranks {
            let slot = wanted.slot_of(*rank);
            wanted.collected[slot] |= scale.only(slot).is_none();
        }
        let mut collected = 0;
        for (is_collected, count) in wanted.collected.iter().zip(slots) {
            wanted.collected_before.push(collected);
            collected += if *is_collected { *count as usize } else { 0 };
        }
        wanted.any = collected > 0;
        wanted
    }

    #[inline]
    fn has(&self, value: i64) -> bool {
        self.any && self.collected[self.scale.slot(value)]
    }

    /// The slot that holds a rank.
    fn slot_of(&self, rank: usize) -> usize {
        self.before.partition_point(|before| *before <= rank).saturating_sub(1)
    }

    /// The value of a rank, from those collected, sorted.
    fn value(&self, rank: usize, collected: &[i64]) -> i64 {
        let slot = self.slot_of(rank);
        self.scale
            .only(slot)
            .unwrap_or_else(|| collected[self.collected_before[slot] + rank - self.before[slot]])
    }
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
    let none = || vec![(0_u64, 0_u64, 0_i64); Score::CODES];
    let add = |sums: &mut Vec<(u64, u64, i64)>, values: Values| {
        let code = rules.score(values).code();
        let (customers, orders, revenue) = &mut sums[usize::from(code)];
        *customers += 1;
        *orders += u64::from(values.orders);
        *revenue = revenue.saturating_add(values.revenue_minor);
        code
    };
    let base = view.base;
    let parts = blocks::each(base.len(), |block| {
        let (start, mut cells, mut sums) = (block.start, vec![0_u16; block.len()], none());
        each_of_block(base, Some(view.dead), &rules.window, block, |ordinal, values| {
            if within.holds(ordinal) {
                cells[ordinal - start] = add(&mut sums, values);
            }
        });
        (cells, sums)
    });
    let mut sums = none();
    let mut cells = Vec::with_capacity(base.len());
    for (own, of_block) in parts {
        cells.extend_from_slice(&own);
        for (sum, other) in sums.iter_mut().zip(of_block) {
            sum.0 += other.0;
            sum.1 += other.1;
            sum.2 = sum.2.saturating_add(other.2);
        }
    }
    let mut changed = Vec::with_capacity(view.delta.len());
    for (id, row, _) in view.delta.rows() {
        let values = row.values(&rules.window).filter(|_| within.holds_row(row));
        changed.push((id, values.map_or(0, |values| add(&mut sums, values))));
    }
    let cell = |(code, (customers, orders, revenue_minor))| {
        let score = Score::from_code(code).filter(|_| customers > 0)?;
        Some(CellSum { score, customers, orders, revenue_minor })
    };
    let column = CellColumn { ids: Arc::clone(&base.ids), cells: Arc::new(cells), changed };
    Scored { sums: (0..).zip(sums).filter_map(cell).collect(), column }
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
    let parts = blocks::each(base.len(), |block| {
        let (start, mut cells) = (block.start, vec![0; block.len()]);
        each_of_block(base, dead, &rules.window, block, |ordinal, values| {
            cells[ordinal - start] = rules.score(values).code();
        });
        cells
    });
    parts.concat()
}

/// The cell of one customer of a base under given rules; 0 without a score.
pub(crate) fn base_cell(base: &Base, ordinal: usize, rules: &Rules) -> u16 {
    let values = shop_number(base, &rules.window)
        .and_then(|shop| values_at(base, &rules.window, shop, ordinal));
    values.map_or(0, |values| rules.score(values).code())
}

/// The number of the window's shop in this base; `None` if it has no orders of that shop.
fn shop_number(base: &Base, window: &Window) -> Option<Option<u16>> {
    match window.shop {
        None => Some(None),
        Some(id) => base.facts.shops.find(&id).map(|number| Some(number as u16)),
    }
}

/// Calls `each` for every customer of a block of the base with an order in the window.
fn each_of_block(
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
fn values_at(base: &Base, window: &Window, shop: Option<u16>, ordinal: usize) -> Option<Values> {
    let facts = &base.facts;
    let range = facts.range(ordinal);
    if range.is_empty() {
        return None;
    }
    if shop.is_none() && base.last[ordinal] < window.end_ms {
        let recency_days = window.recency_days(base.last[ordinal]);
        let revenue_minor = base.revenue[ordinal];
        return Some(Values { recency_days, orders: range.len() as u32, revenue_minor });
    }
    let (mut orders, mut revenue_minor, mut last) = (0, 0_i64, 0);
    for index in range {
        if facts.time[index] >= window.end_ms {
            break;
        }
        if shop.is_none_or(|shop| facts.shop[index] == shop) {
            orders += 1;
            revenue_minor = revenue_minor.saturating_add(facts.revenue.get(index));
            last = facts.time[index];
        }
    }
    let recency_days = window.recency_days(last);
    (orders > 0).then_some(Values { recency_days, orders, revenue_minor })
}

//! Who passes a plan: columns of the base at a time, the overlay row by row.

use std::ops::Range;
use std::sync::Arc;

use kernel::{CustomerId, Reach, TypedId as _};
use sha2::{Digest as _, Sha256};

use super::plan::{AsOf, AudienceError, Definitions, Lot, Plan, Planner};
use super::subject::{BaseOrders, Chosen, OrdersOf};
use super::tree::{Measure, Node};
use crate::base::{Base, NEVER, NO_RATING};
use crate::bits::Bits;
use crate::delta::Row;
use crate::engine::{Engine, View};
use crate::facts::NO_ORDER;
use crate::list::{Span, Within, retain_span, retain_text};
use crate::rfm::Score;

/// Who belongs to an audience, as of one state of the engine.
#[derive(Debug, Clone)]
pub struct Members {
    ids: Arc<Vec<CustomerId>>,
    base: Bits,
    /// Of the overlay, by id.
    overlay: Vec<CustomerId>,
    version: u64,
}

impl Members {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.base.count() + self.overlay.len() as u64
    }

    /// The engine's version that was asked.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether a customer is one of them.
    #[must_use]
    pub fn has(&self, id: CustomerId) -> bool {
        self.overlay.binary_search(&id).is_ok()
            || self.ids.binary_search(&id).is_ok_and(|ordinal| self.base.has(ordinal))
    }

    /// All of them, by id.
    pub fn ids(&self) -> impl Iterator<Item = CustomerId> + '_ {
        let mut overlay = self.overlay.iter().copied().peekable();
        let mut base = self.base.iter_from(0).map(|ordinal| self.ids[ordinal]).peekable();
        std::iter::from_fn(move || match (base.peek(), overlay.peek()) {
            (Some(a), Some(b)) if b < a => overlay.next(),
            (Some(_), _) => base.next(),
            (None, _) => overlay.next(),
        })
    }

    /// Up to `count` of them, spread evenly over all, by id.
    #[must_use]
    pub fn sample(&self, count: usize) -> Vec<CustomerId> {
        let all = self.count() as usize;
        if all == 0 || count == 0 {
            return Vec::new();
        }
        let step = all.div_ceil(count);
        self.ids().step_by(step).take(count).collect()
    }

    /// How many are in both; quick if both are of the same state of the engine.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> u64 {
        if !Arc::ptr_eq(&self.ids, &other.ids) || self.version != other.version {
            return self.ids().filter(|id| other.has(*id)).count() as u64;
        }
        let mut both = self.base.clone();
        both.and(&other.base);
        let own = self.overlay.iter().filter(|id| other.overlay.binary_search(id).is_ok());
        both.count() + own.count() as u64
    }
}

impl Engine {
    /// Who of those in `reach` belongs to an audience.
    ///
    /// # Errors
    /// If `root` names audiences that are not in `named`, or in a circle, or is too large.
    pub fn audience(
        &self,
        root: &Node,
        named: &Definitions,
        as_of: AsOf,
        reach: &Reach,
    ) -> Result<Members, AudienceError> {
        let view = self.view();
        let plan = plan(view, root, named, as_of)?;
        let mut bits = Bits::all(view.base.len());
        bits.and_not(view.dead);
        let within = Within::new(view, reach);
        within.retain(&mut bits);
        retain(view, &plan, &mut bits);
        let overlay = view
            .delta
            .rows()
            .filter(|(id, row, cell)| within.holds_row(row) && passes(&plan, *id, row, *cell))
            .map(|(id, ..)| id)
            .collect();
        Ok(Members {
            ids: Arc::clone(&view.base.ids),
            base: bits,
            overlay,
            version: self.version(),
        })
    }
}

pub(super) fn plan(
    view: View<'_>,
    root: &Node,
    named: &Definitions,
    as_of: AsOf,
) -> Result<Plan, AudienceError> {
    Planner { view, as_of, named, inside: Vec::new(), conditions: 0 }.plan(root)
}

/// Keeps those of `bits` who pass.
fn retain(view: View<'_>, plan: &Plan, bits: &mut Bits) {
    let base = view.base;
    match plan {
        Plan::All(of) => {
            let mut of: Vec<&Plan> = of.iter().collect();
            of.sort_by_key(|plan| plan.rank());
            of.into_iter().for_each(|plan| retain(view, plan, bits));
        }
        Plan::Any(of) => {
            let mut of: Vec<&Plan> = of.iter().collect();
            of.sort_by_key(|plan| plan.rank());
            // Who passed one is not asked again.
            let mut left = bits.clone();
            for plan in of {
                let mut some = left.clone();
                retain(view, plan, &mut some);
                left.and_not(&some);
            }
            bits.and_not(&left);
        }
        Plan::Not(of) => {
            let mut some = bits.clone();
            retain(view, of, &mut some);
            bits.and_not(&some);
        }
        Plan::Name(name) => retain_text(bits, base, &name.0),
        Plan::Province(wanted) => bits.retain_by(&base.province, |own| wanted.1[own as usize]),
        Plan::Rating(bounds) => {
            let wanted = ratings(*bounds);
            bits.retain_by(&base.rating, |rating| wanted[usize::from(rating)]);
        }
        Plan::Owner(wanted) => bits.retain_by(&base.owner, |own| wanted.1[own as usize]),
        Plan::Tag(tag) => match base.tags.get(tag) {
            Some(members) => members.retain(bits),
            None => *bits = Bits::none(bits.len()),
        },
        Plan::Cells(wanted) => match (wanted, view.scores) {
            (Some(wanted), Some((_, cells))) => {
                bits.retain_by(cells, |cell| wanted[usize::from(cell) % Score::CODES]);
            }
            _ => *bits = Bits::none(bits.len()),
        },
        Plan::Created(_, span) => retain_range(bits, span, &base.created),
        Plan::Refuses(end) => bits.retain_by(&base.refused, |from| from < *end),
        Plan::Figure(measure, _, chosen, bounds) => figure(base, bits, *measure, chosen, *bounds),
        Plan::First(_, chosen, _, span) if whole(base, chosen) => {
            retain_range(bits, span, &base.first);
        }
        Plan::Last(_, chosen, _, span) if whole(base, chosen) => {
            retain_range(bits, span, &base.last);
        }
        Plan::First(_, chosen, _, span) => {
            keep_active(base, bits, chosen);
            keep(base, bits, |orders| orders.first(chosen).is_some_and(|at| span.contains(&at)));
        }
        Plan::Last(_, chosen, _, span) => {
            keep_active(base, bits, chosen);
            keep(base, bits, |orders| orders.last(chosen).is_some_and(|at| span.contains(&at)));
        }
        Plan::Sequence(both, within_days, _, span) => {
            keep_within(base, bits, span);
            keep(base, bits, |orders| orders.follows(&both.0, &both.1, *within_days, span));
        }
        Plan::Bucket(lot) => {
            let drawn: Vec<usize> =
                bits.iter_from(0).filter(|ordinal| lot.draws(base.ids[*ordinal])).collect();
            *bits = Bits::none(bits.len());
            drawn.into_iter().for_each(|ordinal| bits.set(ordinal));
        }
    }
}

/// Whether the columns of features answer: every order is meant, and none lies after the span.
fn whole(base: &Base, chosen: &Chosen) -> bool {
    chosen.is_whole() && chosen.span.start == i64::MIN + 1 && base.latest < chosen.span.end
}

fn figure(base: &Base, bits: &mut Bits, measure: Measure, chosen: &Chosen, bounds: Span) {
    if whole(base, chosen) {
        match measure {
            Measure::Count => {
                base.facts.retain_by_orders(bits, |n| bounds.contains(i64::from(n)));
                return;
            }
            Measure::Revenue => return retain_span(bits, bounds, &base.revenue),
            _ => {}
        }
    }
    // Whoever has no such order has the figure 0, and need not be looked at.
    let mut active = bits.clone();
    keep_active(base, &mut active, chosen);
    let idle_pass = measure != Measure::AverageOrder && bounds.contains(0);
    bits.and_not(&active);
    keep(base, &mut active, |orders| {
        orders.figure(measure, chosen).is_some_and(|figure| bounds.contains(figure))
    });
    if idle_pass {
        bits.or(&active);
    } else {
        *bits = active;
    }
}

/// Leaves out who surely has no order that is chosen.
fn keep_active(base: &Base, bits: &mut Bits, chosen: &Chosen) {
    if let Some(shop) = chosen.shop {
        match shop.number {
            Some(number) => base.by_shop[usize::from(number)].retain(bits),
            None => *bits = Bits::none(bits.len()),
        }
    }
    keep_within(base, bits, &chosen.span);
}

/// Leaves out who surely has no order in the span.
fn keep_within(base: &Base, bits: &mut Bits, span: &Range<i64>) {
    let start = span.start.max(NO_ORDER + 1);
    bits.retain_by(&base.last, |last| last >= start);
    bits.retain_by(&base.first, |first| first < span.end);
}

fn keep(base: &Base, bits: &mut Bits, passes: impl Fn(&BaseOrders<'_>) -> bool) {
    let facts = &base.facts;
    bits.retain_each(|ordinal| passes(&BaseOrders { facts, range: facts.range(ordinal) }));
}

fn retain_range(bits: &mut Bits, range: &Range<i64>, column: &[i64]) {
    if range.is_empty() {
        *bits = Bits::none(bits.len());
        return;
    }
    let (start, width) = (range.start, range.end.wrapping_sub(range.start) as u64);
    bits.retain_by(column, |value| (value.wrapping_sub(start) as u64) < width);
}

fn ratings(bounds: Span) -> [bool; 256] {
    std::array::from_fn(|rating| rating != usize::from(NO_RATING) && bounds.contains(rating as i64))
}

/// Whether a customer of the overlay passes.
pub(super) fn passes(plan: &Plan, id: CustomerId, row: &Row, cell: u16) -> bool {
    match plan {
        Plan::All(of) => of.iter().all(|plan| passes(plan, id, row, cell)),
        Plan::Any(of) => of.iter().any(|plan| passes(plan, id, row, cell)),
        Plan::Not(of) => !passes(of, id, row, cell),
        Plan::Name(name) => name.1.find(&row.text).is_some(),
        Plan::Province(wanted) => wanted.0.iter().any(|province| **province == *row.province),
        Plan::Rating(bounds) => ratings(*bounds)[usize::from(row.rating)],
        Plan::Owner(wanted) => wanted.0.contains(&row.owner),
        Plan::Tag(tag) => row.tags.contains(tag),
        Plan::Cells(wanted) => wanted
            .as_ref()
            .is_some_and(|wanted| wanted.get(usize::from(cell)).copied().unwrap_or(false)),
        Plan::Created(_, span) => span.contains(&row.created),
        Plan::Refuses(end) => row.refused != NEVER && row.refused < *end,
        Plan::Bucket(lot) => lot.draws(id),
        of_orders => of_orders.holds(row),
    }
}

impl Plan {
    /// Whether a customer with these orders passes a condition on orders; false for any other.
    pub(super) fn holds(&self, orders: &impl OrdersOf) -> bool {
        match self {
            Self::Figure(measure, _, chosen, bounds) => {
                orders.figure(*measure, chosen).is_some_and(|figure| bounds.contains(figure))
            }
            Self::First(_, chosen, _, span) => {
                orders.first(chosen).is_some_and(|at| span.contains(&at))
            }
            Self::Last(_, chosen, _, span) => {
                orders.last(chosen).is_some_and(|at| span.contains(&at))
            }
            Self::Sequence(both, within_days, _, span) => {
                orders.follows(&both.0, &both.1, *within_days, span)
            }
            _ => false,
        }
    }
}

impl Lot {
    /// 1 + (first 8 bytes of SHA-256 of seed and id, big-endian) mod buckets.
    pub(super) fn bucket(&self, id: CustomerId) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.seed.as_bytes())
            .chain_update(id.uuid().as_bytes())
            .finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        1 + u64::from_be_bytes(first) % self.buckets
    }

    fn draws(&self, id: CustomerId) -> bool {
        (self.from..=self.to).contains(&self.bucket(id))
    }
}

//! Who passes a plan: columns of the base a block at a time, the overlay row by row.

use std::ops::Range;
use std::sync::Arc;

use kernel::{CustomerId, Reach, TypedId as _};
use sha2::{Digest as _, Sha256};

use super::plan::{AsOf, AudienceError, Definitions, Lot, Plan, Planner};
use super::subject::{BaseOrders, Chosen, OrdersOf, ProductPlan};
use super::tree::{Measure, Node};
use crate::base::{Base, NEVER, NO_RATING};
use crate::bits::Bits;
use crate::blocks;
use crate::contact;
use crate::delta::Row;
use crate::engine::{Snapshot, View};
use crate::list::{SortKey, Span, Within};
use crate::rfm::Score;

/// Who belongs to an audience, as of one state of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// Whether a customer is one of them.
    #[must_use]
    pub fn has(&self, id: CustomerId) -> bool {
        self.overlay.binary_search(&id).is_ok()
            || self.ids.binary_search(&id).is_ok_and(|ordinal| self.base.has(ordinal))
    }

    /// The ids of the base, who of them belongs, and who of the overlay does, by id.
    pub(crate) fn parts(&self) -> (&Arc<Vec<CustomerId>>, &Bits, &[CustomerId]) {
        (&self.ids, &self.base, &self.overlay)
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

impl Snapshot {
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
        let plan = plan(view, root, named, as_of)?.ranked();
        let within = Within::new(view, reach);
        let mut bits = passing(view, &plan, &within);
        bits.and_not(view.dead);
        Ok(self.members(bits, &plan, &within))
    }

    /// Who of all customers belongs to an audience, for [`crate::Filter::members`]. What is true of the base is
    /// remembered with it, so that the pages of a list cost no more than what changed since, whatever changes.
    ///
    /// # Errors
    /// As [`Snapshot::audience`].
    pub fn audience_of_list(
        &self,
        root: &Node,
        named: &Arc<Definitions>,
        as_of: AsOf,
    ) -> Result<Members, AudienceError> {
        let view = self.view();
        let plan = plan(view, root, named, as_of)?.ranked();
        let all = Reach::ALL;
        let within = Within::new(view, &all);
        // What others are is all the same to a definition that names none.
        let alone = root.audiences().is_empty();
        let named = if alone { Arc::default() } else { Arc::clone(named) };
        let wanted = (root.clone(), named, as_of);
        let ask = || passing(view, &plan, &within);
        let mut bits = view.base.filters.audience(wanted, view.scores_stamp, ask).bits.clone();
        bits.and_not(view.dead);
        Ok(self.members(bits, &plan, &within))
    }

    /// Those of the base, and who passes of the overlay.
    fn members(&self, base: Bits, plan: &Plan, within: &Within<'_>) -> Members {
        let view = self.view();
        let overlay = view
            .delta
            .rows()
            .filter(|(id, row, cell)| within.holds_row(row) && passes(plan, *id, row, *cell))
            .map(|(id, ..)| id)
            .collect();
        Members { ids: Arc::clone(&view.base.ids), base, overlay, version: self.version() }
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

/// Those of the base, the dead too, who are in reach and pass. A block in which nobody is left is not read further.
fn passing(view: View<'_>, plan: &Plan, within: &Within<'_>) -> Bits {
    Bits::joined(blocks::each(view.base.len(), |Range { start, end }| {
        let mut bits = Bits::all(end - start);
        within.retain_part(&mut bits, start);
        Block { view, start, end }.retain(plan, &mut bits);
        bits
    }))
}

/// A part of the base; its bits count from `start`, a multiple of 64.
#[derive(Clone, Copy)]
struct Block<'a> {
    view: View<'a>,
    start: usize,
    end: usize,
}

impl<'a> Block<'a> {
    fn column<T>(&self, column: &'a [T]) -> &'a [T] {
        &column[self.start..self.end]
    }

    /// Keeps those of `bits` who pass.
    fn retain(&self, plan: &Plan, bits: &mut Bits) {
        let base = self.view.base;
        match plan {
            Plan::All(of) => {
                for plan in of {
                    if bits.is_empty() {
                        return;
                    }
                    self.retain(plan, bits);
                }
            }
            Plan::Any(of) => {
                // Who passed one is not asked again.
                let mut left = bits.clone();
                for plan in of {
                    let mut some = left.clone();
                    self.retain(plan, &mut some);
                    left.and_not(&some);
                }
                bits.and_not(&left);
            }
            Plan::Not(of) => {
                let mut some = bits.clone();
                self.retain(of, &mut some);
                bits.and_not(&some);
            }
            Plan::Name(name) => bits.and_part(&name.found, self.start),
            Plan::Province(wanted) => {
                base.province.retain_part(bits, self.start, |own| wanted.1[own as usize]);
            }
            Plan::Rating(bounds) => {
                let wanted = ratings(*bounds);
                bits.retain_by(self.column(&base.rating), |own| wanted[usize::from(own)]);
            }
            Plan::Owner(wanted) => {
                base.owner.retain_part(bits, self.start, |own| wanted.1[own as usize]);
            }
            Plan::Tag(tag) => match base.tags.get(tag) {
                Some(members) => members.retain_part(bits, self.start),
                None => *bits = Bits::none(bits.len()),
            },
            Plan::Cells(wanted) => match (wanted, self.view.scores) {
                (Some(wanted), Some((_, cells))) => {
                    let wanted_cell = |cell| wanted[usize::from(cell) % Score::CODES];
                    bits.retain_by(&cells[self.start..self.end], wanted_cell);
                }
                _ => *bits = Bits::none(bits.len()),
            },
            Plan::Level(scheme, is) => {
                let wanted = ranks(is);
                let passes = |rank: i64| wanted[usize::from(rank as u8)];
                base.loyalty.levels.retain_part(*scheme, bits, self.start, passes);
            }
            Plan::Points(programme, bounds) => {
                let passes = |points| bounds.contains(points);
                base.loyalty.points.retain_part(*programme, bits, self.start, passes);
            }
            Plan::Created(_, span) => self.retain_range(bits, span, SortKey::CreatedAt),
            Plan::Refuses(end) => {
                base.refused.retain_part(bits, self.start, |from| from < *end);
            }
            Plan::MayContact(pair, end) => {
                base.contacts.retain_part(*pair, bits, self.start, *end);
            }
            Plan::Figure(measure, _, chosen, bounds) if measure.is_of_refunds() => {
                self.refunds(bits, *measure, chosen, *bounds);
            }
            Plan::Figure(measure, _, chosen, bounds) => {
                self.figure(bits, *measure, chosen, *bounds);
            }
            Plan::First(_, chosen, _, span) if whole(base, chosen) => {
                self.retain_range(bits, span, SortKey::FirstOrderAt);
            }
            Plan::Last(_, chosen, _, span) if whole(base, chosen) => {
                self.retain_range(bits, span, SortKey::LastOrderAt);
            }
            Plan::First(_, chosen, _, span) => {
                self.keep_active(bits, chosen);
                self.keep(bits, |orders| orders.first(chosen).is_some_and(|at| span.contains(&at)));
            }
            Plan::Last(_, chosen, _, span) => {
                self.keep_active(bits, chosen);
                self.keep(bits, |orders| orders.last(chosen).is_some_and(|at| span.contains(&at)));
            }
            Plan::Sequence(both, within_days, _, span) => {
                self.keep_buyers(bits, &both.0);
                self.keep_buyers(bits, &both.1);
                self.keep_within(bits, span);
                self.keep(bits, |orders| orders.follows(&both.0, &both.1, *within_days, span));
            }
            Plan::Bucket(lot) => bits.retain_each(|at| lot.draws(base.ids[self.start + at])),
        }
    }

    fn figure(&self, bits: &mut Bits, measure: Measure, chosen: &Chosen, bounds: Span) {
        let base = self.view.base;
        if whole(base, chosen) {
            let key = match measure {
                Measure::Count => Some(SortKey::Orders),
                Measure::Revenue => Some(SortKey::Revenue),
                Measure::AverageOrder => Some(SortKey::AverageOrder),
                Measure::Items | Measure::Refunds | Measure::Refunded => None,
            };
            if let Some(key) = key {
                // A bound that is open does not let in who has no average.
                let least = bounds.min.or(key.needs_order().then_some(i64::MIN));
                let span = Span { min: least, ..bounds };
                return base.retain_span(bits, self.start, key, span);
            }
        }
        // Whoever has no such order has the figure 0, and need not be looked at.
        let mut active = bits.clone();
        self.keep_active(&mut active, chosen);
        let idle_pass = measure != Measure::AverageOrder && bounds.contains(0);
        bits.and_not(&active);
        self.keep(&mut active, |orders| {
            orders.figure(measure, chosen).is_some_and(|figure| bounds.contains(figure))
        });
        if idle_pass {
            bits.or(&active);
        } else {
            *bits = active;
        }
    }

    /// Whoever has no refund has the figure 0, and need not be looked at.
    fn refunds(&self, bits: &mut Bits, measure: Measure, chosen: &Chosen, bounds: Span) {
        let facts = &self.view.base.refunds;
        let idle_pass = bounds.contains(0);
        bits.retain_each(|at| {
            let range = facts.range(self.start + at);
            if range.is_empty() {
                return idle_pass;
            }
            let figure = BaseOrders { facts, range }.figure(measure, chosen);
            figure.is_some_and(|figure| bounds.contains(figure))
        });
    }

    /// Leaves out who surely has no order that is chosen.
    fn keep_active(&self, bits: &mut Bits, chosen: &Chosen) {
        if let Some(shop) = chosen.shop {
            match shop.number {
                Some(number) => {
                    self.view.base.by_shop[number as usize].retain_part(bits, self.start);
                }
                None => *bits = Bits::none(bits.len()),
            }
        }
        if let Some(product) = &chosen.product {
            self.keep_buyers(bits, product);
        }
        self.keep_within(bits, &chosen.span);
    }

    /// Leaves out who surely never bought a product.
    fn keep_buyers(&self, bits: &mut Bits, product: &ProductPlan) {
        if let Some(buyers) = &product.buyers {
            bits.and_part(buyers, self.start);
        }
    }

    /// Leaves out who surely has no order in the span.
    fn keep_within(&self, bits: &mut Bits, span: &Range<i64>) {
        let base = self.view.base;
        let last = Span { min: Some(span.start), max: None };
        base.retain_span(bits, self.start, SortKey::LastOrderAt, last);
        if base.latest >= span.end {
            let first = Span { min: None, max: Some(span.end - 1) };
            base.retain_span(bits, self.start, SortKey::FirstOrderAt, first);
        }
    }

    fn keep(&self, bits: &mut Bits, passes: impl Fn(&BaseOrders<'_>) -> bool) {
        let facts = &self.view.base.facts;
        bits.retain_each(|at| passes(&BaseOrders { facts, range: facts.range(self.start + at) }));
    }

    fn retain_range(&self, bits: &mut Bits, range: &Range<i64>, key: SortKey) {
        if range.is_empty() {
            *bits = Bits::none(bits.len());
            return;
        }
        let span = Span { min: Some(range.start), max: Some(range.end - 1) };
        self.view.base.retain_span(bits, self.start, key, span);
    }
}

/// Whether the columns of features answer: every order is meant, and none lies after the span.
fn whole(base: &Base, chosen: &Chosen) -> bool {
    chosen.is_whole() && chosen.span.start == i64::MIN + 1 && base.latest < chosen.span.end
}

fn ratings(bounds: Span) -> [bool; 256] {
    std::array::from_fn(|rating| rating != usize::from(NO_RATING) && bounds.contains(rating as i64))
}

/// Whether each rank of a level is wanted.
fn ranks(is: &[u8]) -> [bool; 256] {
    let mut wanted = [false; 256];
    is.iter().for_each(|rank| wanted[usize::from(*rank)] = true);
    wanted
}

/// Whether a customer of the overlay passes.
pub(super) fn passes(plan: &Plan, id: CustomerId, row: &Row, cell: u16) -> bool {
    match plan {
        Plan::All(of) => of.iter().all(|plan| passes(plan, id, row, cell)),
        Plan::Any(of) => of.iter().any(|plan| passes(plan, id, row, cell)),
        Plan::Not(of) => !passes(of, id, row, cell),
        Plan::Name(name) => name.finder.find(&row.text).is_some(),
        Plan::Province(wanted) => wanted.0.iter().any(|province| **province == *row.province),
        Plan::Rating(bounds) => ratings(*bounds)[usize::from(row.rating)],
        Plan::Owner(wanted) => wanted.0.contains(&row.owner),
        Plan::Tag(tag) => row.tags.contains(tag),
        Plan::Cells(wanted) => wanted
            .as_ref()
            .is_some_and(|wanted| wanted.get(usize::from(cell)).copied().unwrap_or(false)),
        Plan::Level(scheme, is) => is.contains(&row.loyalty.level(*scheme)),
        Plan::Points(programme, bounds) => bounds.contains(row.loyalty.points(*programme)),
        Plan::Created(_, span) => span.contains(&row.created),
        Plan::Refuses(end) => row.refused != NEVER && row.refused < *end,
        Plan::MayContact(pair, end) => {
            let own = row.contact.iter().filter(|span| span.pair() == *pair);
            let differs = own.clone().any(|span| contact::holds(span.stretch(), *end));
            contact::may(pair.1, differs)
        }
        Plan::Bucket(lot) => lot.draws(id),
        of_orders => of_orders.holds(row),
    }
}

impl Plan {
    /// Whether a customer passes a condition on orders or refunds; false for any other.
    fn holds(&self, row: &Row) -> bool {
        let orders = &row.bought;
        match self {
            Self::Figure(measure, _, chosen, bounds) => row
                .orders_of(*measure)
                .figure(*measure, chosen)
                .is_some_and(|figure| bounds.contains(figure)),
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

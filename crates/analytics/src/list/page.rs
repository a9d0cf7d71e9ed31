//! One page: the base in its order, the overlay beside it.

use std::cmp::Ordering;

use kernel::{CustomerId, ShopId};

use super::filter::{Hits, base_hits};
use super::query::{ListCursor, ListPage, ListQuery, Sort};
use super::{RowFilter, by_cell};
use crate::base::Base;
use crate::bits::Bits;
use crate::engine::View;

/// A customer with its sort value.
type Placed = (Option<i64>, CustomerId);

/// So few hits, out of many more customers, are looked at without trying anything else.
const FEW: u64 = 2048;

/// Steps along the built order that cost as much as looking at one hit.
const STEPS_PER_HIT: usize = 8;

/// The page of what `view` sees.
pub(crate) fn list(view: View<'_>, query: &ListQuery) -> ListPage {
    let limit = query.limit.clamp(1, ListQuery::MAX_LIMIT);
    let sort = query.sort;
    let after = query.after.filter(|cursor| cursor.sort == sort);
    let hits = base_hits(view, &query.filter);
    let (mut placed, mut total) = changed(view, query, after);
    total += live_count(view, hits.as_deref());
    let amounts_of = query.filter.amounts_of.filter(|_| sort.key.is_amount());
    let walk = Walk { amounts_of, ..Walk::new(view, hits.as_deref(), sort, after) };
    placed.extend(walk.first(limit + 1));
    placed.sort_unstable_by(|a, b| compare(sort, *a, *b));
    let more = placed.len() > limit;
    placed.truncate(limit);
    let next = placed.last().filter(|_| more);
    ListPage {
        next: next.map(|(value, id)| ListCursor { sort, value: *value, id: *id }),
        ids: placed.into_iter().map(|(_, id)| id).collect(),
        total,
    }
}

/// The order of a list: values and ids in the direction of the sort, no value last.
fn compare(sort: Sort, a: Placed, b: Placed) -> Ordering {
    let directed = |order: Ordering| if sort.descending { order.reverse() } else { order };
    match (a.0, b.0) {
        (Some(x), Some(y)) => directed(x.cmp(&y).then(a.1.cmp(&b.1))),
        (None, None) => directed(a.1.cmp(&b.1)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

/// The first of the overlay's customers after the cursor, and how many pass in all.
fn changed(view: View<'_>, query: &ListQuery, after: Option<ListCursor>) -> (Vec<Placed>, u64) {
    let mut total = 0;
    let mut first = Firsts::new(query.limit.clamp(1, ListQuery::MAX_LIMIT) + 1);
    if view.delta.live() == 0 {
        return (Vec::new(), 0);
    }
    let filter = RowFilter::new(&query.filter, view.scores.map(|(rfm, _)| rfm));
    let rules = view.scored_apart.filter(|_| by_cell(&query.filter));
    for (id, row, cell) in view.delta.rows() {
        let cell = rules.map_or(cell, |rules| row.cell(rules));
        if !filter.passes(id, row, cell) {
            continue;
        }
        total += 1;
        let placed = (row.value_in(query.sort.key, query.filter.amounts_of), id);
        let shown = after.is_some_and(|cursor| {
            compare(query.sort, placed, (cursor.value, cursor.id)) != Ordering::Greater
        });
        if !shown {
            first.add(placed, |a, b| compare(query.sort, *a, *b));
        }
    }
    (first.finish(|a, b| compare(query.sort, *a, *b)), total)
}

fn live_count(view: View<'_>, hits: Option<&Hits>) -> u64 {
    match hits {
        None => (view.base.len() - view.dead_count) as u64,
        Some(hits) if view.dead_count == 0 => hits.count,
        Some(hits) => {
            let mut live = hits.bits.clone();
            live.and_not(view.dead);
            live.count()
        }
    }
}

/// The least few of many, in memory for twice as many.
struct Firsts<T> {
    kept: Vec<T>,
    want: usize,
    /// The last of those wanted, once there are enough: nothing after it can be among them.
    bar: Option<T>,
}

impl<T: Copy> Firsts<T> {
    fn new(want: usize) -> Self {
        Self { kept: Vec::new(), want, bar: None }
    }

    fn add(&mut self, item: T, compare: impl Fn(&T, &T) -> Ordering) {
        if self.bar.is_some_and(|bar| compare(&item, &bar).is_gt()) {
            return;
        }
        self.kept.push(item);
        // Cutting only when twice full costs a constant for each item, in whatever order they come.
        if self.kept.len() >= self.want * 2 {
            self.cut(&compare);
        }
    }

    fn cut(&mut self, compare: &impl Fn(&T, &T) -> Ordering) {
        let (_, last, _) = self.kept.select_nth_unstable_by(self.want - 1, compare);
        self.bar = Some(*last);
        self.kept.truncate(self.want);
    }

    fn finish(mut self, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
        self.kept.sort_unstable_by(&compare);
        self.kept.truncate(self.want);
        self.kept
    }
}

/// Place of a base customer in the list: compares as the list is ordered. No value, the value
/// turned by the direction, the ordinal turned likewise.
type Place = (bool, i64, usize);

/// The base's customers who pass, in order after the cursor.
struct Walk<'a> {
    base: &'a Base,
    dead: &'a Bits,
    hits: Option<&'a Hits>,
    sort: Sort,
    /// The least place after the cursor.
    start: Option<Place>,
    /// The shop whose amounts are sorted by, if not those of all.
    amounts_of: Option<ShopId>,
}

impl<'a> Walk<'a> {
    fn new(view: View<'a>, hits: Option<&'a Hits>, sort: Sort, after: Option<ListCursor>) -> Self {
        let base = view.base;
        let start = after.map(|cursor| {
            let ordinal = if sort.descending {
                // The greatest ordinal below the cursor's id comes next among equals.
                base.len() - base.ids.partition_point(|id| *id < cursor.id)
            } else {
                base.ids.partition_point(|id| *id <= cursor.id)
            };
            (cursor.value.is_none(), turned(sort, cursor.value.unwrap_or(0)), ordinal)
        });
        Self { base, dead: view.dead, hits, sort, start, amounts_of: None }
    }

    fn first(&self, want: usize) -> Vec<Placed> {
        let few = FEW.min(self.base.len() as u64 / 16);
        let ordinals = match self.hits {
            // No order of these is built ahead.
            Some(hits) if self.amounts_of.is_some() => self.select(&hits.bits, want),
            None if self.amounts_of.is_some() => self.select(&Bits::all(self.base.len()), want),
            Some(hits) if hits.count <= few => self.select(&hits.bits, want),
            // Hits may all lie at the far end of the order. Giving up after half the price of
            // looking at them all bounds the cost by about twice the cheaper way.
            Some(hits) => self
                .walk(want, (hits.count as usize).saturating_mul(STEPS_PER_HIT))
                .unwrap_or_else(|| self.select(&hits.bits, want)),
            None => self.walk(want, usize::MAX).unwrap_or_default(),
        };
        let placed = |ordinal: usize| (self.value(ordinal), self.base.ids[ordinal]);
        ordinals.into_iter().map(placed).collect()
    }

    fn value(&self, ordinal: usize) -> Option<i64> {
        match self.amounts_of {
            None => self.base.value(self.sort.key, ordinal),
            Some(shop) => self.base.value_in(self.sort.key, ordinal, shop),
        }
    }

    fn place(&self, ordinal: usize) -> Place {
        let value = self.value(ordinal);
        let turned_ordinal =
            if self.sort.descending { self.base.len() - 1 - ordinal } else { ordinal };
        (value.is_none(), turned(self.sort, value.unwrap_or(0)), turned_ordinal)
    }

    fn passes(&self, ordinal: usize) -> bool {
        self.hits.is_none_or(|hits| hits.bits.has(ordinal)) && !self.dead.has(ordinal)
    }

    /// Looks at every hit and keeps the first.
    fn select(&self, hits: &Bits, want: usize) -> Vec<usize> {
        let mut first = Firsts::new(want);
        for ordinal in hits.iter_from(0).filter(|ordinal| !self.dead.has(*ordinal)) {
            let place = self.place(ordinal);
            if self.start.is_none_or(|start| place >= start) {
                first.add((place, ordinal), Ord::cmp);
            }
        }
        first.finish(Ord::cmp).into_iter().map(|(_, ordinal)| ordinal).collect()
    }

    /// Goes along the built order from the cursor, then along those without a value; `None` if
    /// `steps` were not enough.
    fn walk(&self, want: usize, steps: usize) -> Option<Vec<usize>> {
        let order = self.base.sorted(self.sort.key);
        let at = |step: usize| {
            order[if self.sort.descending { order.len() - 1 - step } else { step }] as usize
        };
        let begin = self
            .start
            .map_or(0, |start| partition_point(order.len(), |step| self.place(at(step)) < start));
        let end = order.len().min(begin.saturating_add(steps));
        let mut found: Vec<usize> =
            (begin..end).map(at).filter(|ordinal| self.passes(*ordinal)).take(want).collect();
        if found.len() < want && end < order.len() {
            return None;
        }
        if self.sort.key.needs_order() && found.len() < want {
            found.extend(self.without_value(want - found.len()));
        }
        Some(found)
    }

    fn without_value(&self, want: usize) -> Vec<usize> {
        let none = &self.base.without_orders;
        let begin = self.start.filter(|(no_value, ..)| *no_value).map_or(0, |start| start.2);
        let passing = |ordinal: &usize| self.passes(*ordinal);
        if self.sort.descending {
            let end = self.base.len() - begin.min(self.base.len());
            none.iter_below(end).filter(passing).take(want).collect()
        } else {
            none.iter_from(begin).filter(passing).take(want).collect()
        }
    }
}

/// Turns values so that ascending order of the result is the direction of the sort.
const fn turned(sort: Sort, value: i64) -> i64 {
    if sort.descending { !value } else { value }
}

/// The first of `0..len` for which `before` is false; `before` holds up to some point only.
fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

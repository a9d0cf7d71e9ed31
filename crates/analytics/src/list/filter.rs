//! Which customers pass a filter: columns at a time in the base, row by row in the overlay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{CustomerId, Reach};
use memchr::memmem::Finder;

use super::query::{Filter, SortKey, Span};
use crate::audience::{AsOf, Definitions, Members, Node};
use crate::base::Base;
use crate::bits::Bits;
use crate::delta::Row;
use crate::engine::View;
use crate::facts::NO_ORDER;
use crate::rfm::{Rfm, Scheme, Score};
use crate::text;

/// Bytes that remembered filters of one base may take.
const REMEMBERED_BYTES: usize = 4 << 20;

/// Customers of the base who pass, the dead included.
#[derive(Debug)]
pub(crate) struct Hits {
    pub(crate) bits: Bits,
    pub(crate) count: u64,
}

impl Hits {
    fn new(bits: Bits) -> Arc<Self> {
        let count = bits.count();
        Arc::new(Self { bits, count })
    }
}

/// What was answered lately of one base, which never changes: only other scores make an answer stale.
#[derive(Debug, Default)]
pub(crate) struct FilterCache {
    filters: Recent<Filter>,
    audiences: Recent<Wanted>,
}

/// A definition asked as of a moment.
pub(crate) type Wanted = (Node, Arc<Definitions>, AsOf);

impl FilterCache {
    /// Who of the base passes an audience.
    pub(crate) fn audience(
        &self,
        wanted: Wanted,
        scores_stamp: u64,
        ask: impl FnOnce() -> Bits,
    ) -> Arc<Hits> {
        self.audiences.get(&wanted, scores_stamp).unwrap_or_else(|| {
            let hits = Hits::new(ask());
            self.audiences.put(wanted, scores_stamp, Arc::clone(&hits));
            hits
        })
    }

    pub(crate) fn clear(&self) {
        self.filters.entries().clear();
        self.audiences.entries().clear();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.filters.memory_bytes() + self.audiences.memory_bytes()
    }
}

/// Answers by question and stamp of the scores, the one used last in front.
type Answers<K> = VecDeque<(K, u64, Arc<Hits>)>;

#[derive(Debug)]
struct Recent<K>(Mutex<Answers<K>>);

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq> Recent<K> {
    fn entries(&self) -> MutexGuard<'_, Answers<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &K, stamp: u64) -> Option<Arc<Hits>> {
        let mut entries = self.entries();
        let at = entries.iter().position(|(k, s, _)| *s == stamp && k == key)?;
        let entry = entries.remove(at)?;
        let hits = Arc::clone(&entry.2);
        entries.push_front(entry);
        Some(hits)
    }

    fn put(&self, key: K, stamp: u64, hits: Arc<Hits>) {
        let size = hits.bits.memory_bytes().max(1);
        let mut entries = self.entries();
        entries.truncate((REMEMBERED_BYTES / size).clamp(4, 64) - 1);
        entries.push_front((key, stamp, hits));
    }

    fn memory_bytes(&self) -> usize {
        self.entries().iter().map(|(_, _, hits)| hits.bits.memory_bytes()).sum()
    }
}

/// Customers of the base who pass `filter`; `None` stands for all of them.
pub(crate) fn base_hits(view: View<'_>, filter: &Filter) -> Option<Arc<Hits>> {
    let base = view.base;
    let needle = filter.q.as_deref().map(text::needle).filter(|needle| !needle.is_empty());
    let plain = Filter { q: needle, also: Vec::new(), ids: None, members: None, ..filter.clone() };
    let mut hits = if filter.also.is_empty() || plain.q.is_none() {
        remembered(view, plain)
    } else {
        let rest = Filter { q: None, ..plain.clone() };
        let by_text = Filter { q: plain.q, ..Filter::default() };
        let mut bits = remembered(view, by_text).map_or(Bits::all(base.len()), |h| h.bits.clone());
        bits.or(&bits_of(base, filter.also.iter().copied()));
        if let Some(rest) = remembered(view, rest) {
            bits.and(&rest.bits);
        }
        Some(Hits::new(bits))
    };
    let given = filter.ids.as_ref().map(|ids| bits_of(base, ids.iter().copied()));
    let members = filter.members.as_ref().map(|members| members_of(base, members));
    for mut bits in given.into_iter().chain(members) {
        if let Some(hits) = hits {
            bits.and(&hits.bits);
        }
        hits = Some(Hits::new(bits));
    }
    hits
}

fn bits_of(base: &Base, ids: impl Iterator<Item = CustomerId>) -> Bits {
    let mut bits = Bits::none(base.len());
    ids.filter_map(|id| base.ordinal(id)).for_each(|ordinal| bits.set(ordinal));
    bits
}

/// Members found in the same state are bits already; those of another one are looked up one by one.
fn members_of(base: &Base, members: &Members) -> Bits {
    let (ids, bits, _) = members.parts();
    if Arc::ptr_eq(ids, &base.ids) { bits.clone() } else { bits_of(base, members.ids()) }
}

fn remembered(view: View<'_>, mut filter: Filter) -> Option<Arc<Hits>> {
    if filter.revenue.is_open() {
        filter.amounts_of = None;
    }
    if filter == Filter::default() {
        return None;
    }
    let stamp = if by_cell(&filter) { view.scores_stamp } else { 0 };
    Some(view.base.filters.filters.get(&filter, stamp).unwrap_or_else(|| {
        let hits = Hits::new(evaluate(view, &filter));
        view.base.filters.filters.put(filter, stamp, Arc::clone(&hits));
        hits
    }))
}

pub(crate) fn by_cell(filter: &Filter) -> bool {
    !filter.tier.is_empty() || !filter.classic.is_empty() || filter.cell.is_some()
}

/// The conditions of `filter`, cheap and narrow columns first: what they leave out costs the
/// others little. `q` is folded already.
fn evaluate(view: View<'_>, filter: &Filter) -> Bits {
    let base = view.base;
    let len = base.len();
    let members = [
        filter.tag.map(|tag| base.tags.get(&tag)),
        filter.shop.map(|shop| base.facts.shops.find(&shop).map(|n| &base.by_shop[n as usize])),
    ];
    let mut bits = Bits::all(len);
    for members in members.into_iter().flatten() {
        match members {
            Some(members) => members.retain(&mut bits),
            None => return Bits::none(len),
        }
    }
    if let Some(rating) = filter.rating {
        bits.retain_by(&base.rating, |given| given == rating);
    }
    if let Some(province) = &filter.province {
        match base.provinces.find(province.as_str()) {
            Some(number) => base.province.retain_part(&mut bits, 0, |own| own == number),
            None => return Bits::none(len),
        }
    }
    if let Some(owner) = &filter.owner {
        match base.owners.find(owner) {
            Some(number) => base.owner.retain_part(&mut bits, 0, |own| own == number),
            None => return Bits::none(len),
        }
    }
    retain_reach(&mut bits, base, &filter.reach);
    if by_cell(filter) {
        let Some((rfm, cells)) = view.scores else { return Bits::none(len) };
        let wanted = wanted_cells(rfm, filter);
        bits.retain_by(cells, |cell| wanted[usize::from(cell) % Score::CODES]);
    }
    base.retain_span(&mut bits, 0, SortKey::Orders, filter.orders);
    match filter.amounts_of {
        None => base.retain_span(&mut bits, 0, SortKey::Revenue, filter.revenue),
        Some(_) if filter.revenue.is_open() => {}
        Some(shop) => {
            let passes =
                |ordinal: &usize| filter.revenue.contains(base.amounts_of(*ordinal, shop).0);
            let mut kept = Bits::none(len);
            bits.iter_from(0).filter(passes).for_each(|ordinal| kept.set(ordinal));
            bits = kept;
        }
    }
    if !filter.refused_from.is_open() {
        base.refused.retain_part(&mut bits, 0, |from| filter.refused_from.contains(from));
    }
    base.retain_span(&mut bits, 0, SortKey::LastOrderAt, filter.last_order);
    base.retain_span(&mut bits, 0, SortKey::FirstOrderAt, filter.first_order);
    if let Some(needle) = &filter.q {
        retain_text(&mut bits, base, needle);
    }
    bits
}

/// Keeps those whose name or accounts have `needle`, folded.
pub(crate) fn retain_text(bits: &mut Bits, base: &Base, needle: &str) {
    if base.letters.retain(bits, needle) {
        return;
    }
    // Looking up one entry costs about as much as searching past forty.
    if bits.count() < base.len() as u64 / 40 {
        base.text.retain(bits, needle);
    } else {
        bits.and(&base.text.search(needle));
    }
}

/// Who is in a reach, for sums that are not lists.
pub(crate) struct Within<'a> {
    /// Of the base; `None` stands for all.
    hits: Option<Arc<Hits>>,
    reach: &'a Reach,
}

impl<'a> Within<'a> {
    pub(crate) fn new(view: View<'_>, reach: &'a Reach) -> Self {
        let filter = Filter { reach: reach.clone(), ..Filter::default() };
        Self { hits: base_hits(view, &filter), reach }
    }

    /// Keeps those who are in it of `bits` that begin with customer `start`, a multiple of 64.
    pub(crate) fn retain_part(&self, bits: &mut Bits, start: usize) {
        if let Some(hits) = &self.hits {
            bits.and_part(&hits.bits, start);
        }
    }

    #[inline]
    pub(crate) fn holds(&self, ordinal: usize) -> bool {
        self.hits.as_ref().is_none_or(|hits| hits.bits.has(ordinal))
    }

    pub(crate) fn holds_row(&self, row: &Row) -> bool {
        self.reach.holds(row.owner, region(&row.province))
    }
}

/// Keeps those who are in `reach`.
fn retain_reach(bits: &mut Bits, base: &Base, reach: &Reach) {
    for part in reach.parts() {
        let owners = base.owners.mark(|owner| part.holds(*owner, None));
        let regions = base.provinces.mark(|province| part.holds(None, region(province)));
        if regions.contains(&true) {
            let mut placed = bits.clone();
            base.province.retain_part(&mut placed, 0, |own| regions[own as usize]);
            base.owner.retain_part(bits, 0, |own| owners[own as usize]);
            bits.or(&placed);
        } else {
            base.owner.retain_part(bits, 0, |own| owners[own as usize]);
        }
    }
}

/// A province as a region; an unknown one is none.
fn region(province: &str) -> Option<&str> {
    (!province.is_empty()).then_some(province)
}

/// Leaves out who has no order as soon as there is a bound.
fn moments(span: Span) -> Span {
    if span.is_open() {
        return span;
    }
    Span { min: Some(span.min.map_or(NO_ORDER + 1, |min| min.max(NO_ORDER + 1))), max: span.max }
}

/// Whether each cell code passes the tiers and the cell of `filter`.
fn wanted_cells(rfm: &Rfm, filter: &Filter) -> Box<[bool; Score::CODES]> {
    let wanted = |score: Score| {
        let named = |tiers: &[crate::Tier], scheme| {
            tiers.is_empty() || tiers.contains(&rfm.tier(score, scheme))
        };
        filter.cell.is_none_or(|cell| cell.has(score))
            && named(&filter.tier, Scheme::Eleven)
            && named(&filter.classic, Scheme::Classic)
    };
    Box::new(std::array::from_fn(|code| Score::from_code(code as u16).is_some_and(wanted)))
}

/// A filter made ready for rows.
pub(crate) struct RowFilter<'a> {
    filter: &'a Filter,
    needle: Option<Finder<'static>>,
    also: Vec<CustomerId>,
    ids: Option<Vec<CustomerId>>,
    cells: Option<Box<[bool; Score::CODES]>>,
}

impl<'a> RowFilter<'a> {
    pub(crate) fn new(filter: &'a Filter, scores: Option<&Rfm>) -> Self {
        let sorted = |ids: &[CustomerId]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids
        };
        let needle = filter.q.as_deref().map(text::needle).filter(|needle| !needle.is_empty());
        let nobody = || Box::new([false; Score::CODES]);
        Self {
            filter,
            needle: needle.map(|needle| Finder::new(needle.as_bytes()).into_owned()),
            also: sorted(&filter.also),
            ids: filter.ids.as_deref().map(sorted),
            cells: by_cell(filter)
                .then(|| scores.map_or_else(nobody, |rfm| wanted_cells(rfm, filter))),
        }
    }

    pub(crate) fn passes(&self, id: CustomerId, row: &Row, cell: u16) -> bool {
        let filter = self.filter;
        filter.rating.is_none_or(|rating| row.rating == rating)
            && filter.province.as_deref().is_none_or(|province| *row.province == *province)
            && filter.owner.is_none_or(|owner| row.owner == owner)
            && filter.reach.holds(row.owner, region(&row.province))
            && filter.orders.contains(i64::from(row.orders()))
            && filter.revenue.contains(match filter.amounts_of {
                None => row.revenue,
                Some(shop) => row.amounts_of(shop).0,
            })
            && filter.refused_from.contains(row.refused)
            && moments(filter.last_order).contains(row.last)
            && moments(filter.first_order).contains(row.first)
            && filter.tag.is_none_or(|tag| row.tags.contains(&tag))
            && filter.shop.is_none_or(|shop| row.facts_of(Some(shop)).next().is_some())
            && self.cells.as_ref().is_none_or(|wanted| wanted[usize::from(cell)])
            && self.ids.as_ref().is_none_or(|ids| ids.binary_search(&id).is_ok())
            && filter.members.as_ref().is_none_or(|members| members.has(id))
            && self.needle.as_ref().is_none_or(|needle| {
                needle.find(&row.text).is_some() || self.also.binary_search(&id).is_ok()
            })
    }
}

//! The overlay: customers changed since the base was made, row by row.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{CustomerId, ShopId, TagId, Timestamp, UserId};

use crate::base::{Base, NEVER, NO_RATING};
use crate::contact::ContactSpan;
use crate::facts::{Facts, NO_ORDER};
use crate::feed::{CustomerFeed, LineFact, OrderFact, OrdersFed, average_minor};
use crate::lines::{link, product_key};
use crate::list::SortKey;
use crate::loyalty::LoyaltyFeed;
use crate::rfm::{Rules, Values, Window};
use crate::text;

/// A customer as last fed.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) text: Box<[u8]>,
    pub(crate) province: Box<str>,
    pub(crate) rating: u8,
    pub(crate) owner: Option<UserId>,
    pub(crate) created: i64,
    /// [`NEVER`] where nothing was refused.
    pub(crate) refused: i64,
    /// Sorted.
    pub(crate) contact: Box<[ContactSpan]>,
    /// Tidy.
    pub(crate) loyalty: LoyaltyFeed,
    pub(crate) tags: Box<[TagId]>,
    pub(crate) bought: RowOrders,
    /// Orders of which something was refunded; amounts are what was.
    pub(crate) refunds: RowOrders,
    pub(crate) revenue: i64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Row {
    pub(crate) fn new(feed: &CustomerFeed, bought: OrdersFed<'_>, refunds: OrdersFed<'_>) -> Self {
        let bought = RowOrders::new(bought);
        let facts = &bought.facts;
        let mut contact: Box<[ContactSpan]> = feed.contact.as_slice().into();
        contact.sort_unstable();
        let at = |fact: Option<&OrderFact>| fact.map_or(NO_ORDER, |fact| fact.ordered_at.millis());
        Self {
            text: text::entry(&feed.name, &feed.accounts).into_bytes().into(),
            province: feed.province.as_str().into(),
            rating: feed.rating.unwrap_or(NO_RATING),
            owner: feed.owner,
            created: feed.created_at.millis(),
            refused: feed.refused_from.map_or(NEVER, Timestamp::millis),
            contact,
            loyalty: feed.loyalty.clone().tidy(),
            tags: feed.tags.as_slice().into(),
            revenue: facts.iter().fold(0, |sum, fact| sum.saturating_add(fact.revenue_minor)),
            first: at(facts.first()),
            last: at(facts.last()),
            bought,
            refunds: RowOrders::new(refunds),
        }
    }

    /// A customer of a base.
    pub(crate) fn of_base(base: &Base, at: usize) -> Self {
        let tags = base.tags.iter().filter(|(_, members)| members.has(at));
        Self {
            text: base.text.entry(at).into(),
            province: base.provinces.value(base.province.get(at)).as_str().into(),
            rating: base.rating[at],
            owner: *base.owners.value(base.owner.get(at)),
            created: base.created.get(at),
            refused: base.refused.get(at),
            contact: base.contacts.of(at).collect(),
            loyalty: base.loyalty.of(at),
            tags: tags.map(|(tag, _)| *tag).collect(),
            bought: RowOrders::of_base(&base.facts, at),
            refunds: RowOrders::of_base(&base.refunds, at),
            revenue: base.revenue.get(at),
            first: base.first.get(at),
            last: base.last.get(at),
        }
    }

    pub(crate) fn orders(&self) -> u32 {
        self.bought.facts.len() as u32
    }

    pub(crate) fn value(&self, key: SortKey) -> Option<i64> {
        let at = |moment: i64| (moment != NO_ORDER).then_some(moment);
        match key {
            SortKey::LastOrderAt => at(self.last),
            SortKey::FirstOrderAt => at(self.first),
            SortKey::Orders => Some(i64::from(self.orders())),
            SortKey::Revenue => Some(self.revenue),
            SortKey::AverageOrder => average_minor(self.revenue, self.orders()),
            SortKey::CreatedAt => Some(self.created),
        }
    }

    /// Revenue and counted orders in one shop.
    pub(crate) fn amounts_of(&self, shop: ShopId) -> (i64, u32) {
        self.facts_of(Some(shop)).fold((0, 0), |(sum, orders), fact| {
            (i64::saturating_add(sum, fact.revenue_minor), orders + 1)
        })
    }

    /// As [`Row::value`], with the amounts of one shop where one is given.
    pub(crate) fn value_in(&self, key: SortKey, shop: Option<ShopId>) -> Option<i64> {
        let of_shop = shop.and_then(|shop| key.of_amounts(self.amounts_of(shop)));
        of_shop.unwrap_or_else(|| self.value(key))
    }

    /// Orders in `shop`, or all.
    pub(crate) fn facts_of(&self, shop: Option<ShopId>) -> impl Iterator<Item = &OrderFact> {
        self.bought.facts.iter().filter(move |fact| shop.is_none_or(|shop| fact.shop == shop))
    }

    pub(crate) fn values(&self, window: &Window) -> Option<Values> {
        let mut values = None;
        let before_end = |fact: &&OrderFact| fact.ordered_at.millis() < window.end_ms;
        for fact in self.facts_of(window.shop).take_while(before_end) {
            let Values { orders, revenue_minor, .. } =
                values.unwrap_or(Values { recency_days: 0, orders: 0, revenue_minor: 0 });
            values = Some(Values {
                recency_days: window.recency_days(fact.ordered_at.millis()),
                orders: orders + 1,
                revenue_minor: revenue_minor.saturating_add(fact.revenue_minor),
            });
        }
        values
    }

    /// Code of the cell under `rules`; 0 without an order in their window.
    pub(crate) fn cell(&self, rules: &Rules) -> u16 {
        self.values(&rules.window).map_or(0, |values| rules.score(values).code())
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.text.len()
            + self.province.len()
            + self.tags.len() * 16
            + size_of_val(&*self.contact)
            + self.loyalty.memory_bytes()
            + self.bought.memory_bytes()
            + self.refunds.memory_bytes()
    }
}

/// Orders of one customer of the overlay with their lines.
#[derive(Debug, Clone)]
pub(crate) struct RowOrders {
    /// Sorted by time.
    pub(crate) facts: Box<[OrderFact]>,
    /// By order, those of order `o` at `line_ends[o - 1]..line_ends[o]`.
    lines: Box<[RowLine]>,
    line_ends: Box<[u32]>,
}

impl RowOrders {
    fn new(fed: OrdersFed<'_>) -> Self {
        let mut facts: Box<[OrderFact]> = fed.orders.into();
        facts.sort_unstable();
        let (lines, line_ends) = RowLine::of(&facts, fed.lines);
        Self { facts, lines, line_ends }
    }

    fn of_base(facts: &Facts, at: usize) -> Self {
        let range = facts.range(at);
        let (mut lines, mut line_ends) = (Vec::new(), Vec::with_capacity(range.len()));
        let columns = &facts.lines;
        for order in range.clone() {
            lines.extend(columns.range(order).map(|line| RowLine {
                product: columns.products.value(columns.product.get(line)).as_str().into(),
                quantity: columns.quantity.get(line),
                amount_minor: columns.amount.get(line),
            }));
            line_ends.push(lines.len() as u32);
        }
        Self {
            facts: range.map(|order| facts.fact(order)).collect(),
            lines: lines.into(),
            line_ends: line_ends.into(),
        }
    }

    /// Where the lines of an order are, by its index.
    pub(crate) fn line_range(&self, order: usize) -> std::ops::Range<usize> {
        let start = if order == 0 { 0 } else { self.line_ends[order - 1] as usize };
        start..self.line_ends[order] as usize
    }

    /// The lines of an order, by its index.
    pub(crate) fn lines_of(&self, order: usize) -> &[RowLine] {
        &self.lines[self.line_range(order)]
    }

    pub(crate) fn line_count(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn line(&self, index: usize) -> &RowLine {
        &self.lines[index]
    }

    fn memory_bytes(&self) -> usize {
        size_of_val(&*self.facts)
            + size_of_val(&*self.line_ends)
            + self.lines.iter().map(|line| size_of::<RowLine>() + line.product.len()).sum::<usize>()
    }
}

/// A line of an order in the overlay.
#[derive(Debug, Clone)]
pub(crate) struct RowLine {
    /// See [`product_key`].
    pub(crate) product: Box<str>,
    pub(crate) quantity: i64,
    pub(crate) amount_minor: i64,
}

impl RowLine {
    fn of(facts: &[OrderFact], lines: &[LineFact]) -> (Box<[Self]>, Box<[u32]>) {
        let mut sorted: Vec<&LineFact> = lines.iter().collect();
        let place = |line: &LineFact| (line.ordered_at.millis(), line.shop, line.order);
        sorted.sort_by_key(|line| place(line));
        let places: Vec<_> = sorted.iter().map(|line| place(line)).collect();
        let mut own = Vec::with_capacity(lines.len());
        let orders = facts.iter().map(|fact| (fact.ordered_at.millis(), fact.shop));
        let ends = link(orders, &places).map(|range| {
            own.extend(sorted[range].iter().map(|line| Self {
                product: product_key(&line.code, &line.title).into(),
                quantity: line.quantity,
                amount_minor: line.amount_minor,
            }));
            own.len() as u32
        });
        let ends = ends.collect();
        (own.into(), ends)
    }
}

/// A change: a new row, or a removal.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The engine's version after the change, by which a compaction knows what it has seen.
    pub(crate) version: u64,
    pub(crate) row: Option<Arc<Row>>,
    /// Cell under the scores set.
    pub(crate) cell: u16,
}

/// All changes since the base, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delta {
    entries: BTreeMap<CustomerId, Entry>,
    live: usize,
    row_bytes: usize,
}

impl Delta {
    pub(crate) fn put(&mut self, id: CustomerId, entry: Entry) {
        let bytes = |row: &Option<Arc<Row>>| row.as_deref().map_or(0, Row::memory_bytes);
        self.live += usize::from(entry.row.is_some());
        self.row_bytes += bytes(&entry.row);
        if let Some(old) = self.entries.insert(id, entry) {
            self.live -= usize::from(old.row.is_some());
            self.row_bytes -= bytes(&old.row);
        }
    }

    pub(crate) fn get(&self, id: CustomerId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// Changes, removals included.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Customers.
    pub(crate) const fn live(&self) -> usize {
        self.live
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = CustomerId> + '_ {
        self.entries.keys().copied()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (CustomerId, &Arc<Row>, u16)> {
        self.entries.iter().filter_map(|(id, entry)| Some((*id, entry.row.as_ref()?, entry.cell)))
    }

    pub(crate) fn rescore(&mut self, rules: &Rules) {
        for entry in self.entries.values_mut() {
            entry.cell = entry.row.as_ref().map_or(0, |row| row.cell(rules));
        }
    }

    /// Changes after `version`.
    pub(crate) fn after(&self, version: u64) -> Self {
        let mut rest = Self::default();
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.version > version) {
            rest.put(*id, entry.clone());
        }
        rest
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        // A B-tree node is about two thirds full.
        self.row_bytes + self.entries.len() * (size_of::<(CustomerId, Entry)>() * 3 / 2)
    }
}

//! The engine of one organisation: reads share it, changes own it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{CustomerId, Reach, Timestamp};

use crate::base::{Base, Profiles};
use crate::bits::Bits;
use crate::compact::{Compacted, Compaction, Retired};
use crate::daily::{self, DaySum, DaysQuery};
use crate::delta::{Delta, Entry, Row};
use crate::facts::Facts;
use crate::feed::{CustomerFacts, CustomerFeed, LineFact, OrderFact, OrdersFed};
use crate::list::{ListPage, ListQuery, SortKey};
use crate::load::CustomerLoader;
use crate::rfm::{self, Rfm, RfmQuery, Score};
pub(crate) use crate::view::View;

/// Results of RFM remembered: today's, the day compared with, and those of one or two others.
const RFM_REMEMBERED: usize = 4;

/// Below this many changes an overlay is not worth compacting.
const SMALL_DELTA: usize = 4096;

/// Everything about the customers of one organisation, in columns.
///
/// Reads take `&self` and run side by side; changes take `&mut self`. The owner keeps it in an
/// `RwLock`.
#[derive(Debug)]
pub struct Engine {
    base: Arc<Base>,
    /// Customers of the base that the overlay replaces or removes.
    dead: Bits,
    dead_count: usize,
    delta: Delta,
    version: u64,
    /// Rises with changes of orders alone: what tags and names have no part in is remembered longer.
    facts_version: u64,
    scores: Option<SetScores>,
    /// Rises when scores are set or move to a new base.
    scores_stamp: u64,
    /// Changes at which a change compacts by itself, because nobody does it in the background.
    forced_at: usize,
    remembered: Mutex<VecDeque<Arc<Rfm>>>,
}

#[derive(Debug)]
struct SetScores {
    rfm: Arc<Rfm>,
    base_cells: Arc<Vec<u16>>,
}

/// An engine as it was at one moment, to be asked for as long as it takes while the engine goes on. Taking one
/// costs the changes since the last compaction; it keeps the base of that moment in memory.
#[derive(Debug, Clone)]
pub struct Snapshot {
    base: Arc<Base>,
    dead: Bits,
    dead_count: usize,
    delta: Delta,
    version: u64,
    scores: Option<(Arc<Rfm>, Arc<Vec<u16>>)>,
    scores_stamp: u64,
}

impl Snapshot {
    /// The engine's version then.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What it answers.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            base: &self.base,
            dead: &self.dead,
            dead_count: self.dead_count,
            delta: &self.delta,
            scores: self.scores.as_ref().map(|(rfm, cells)| (&**rfm, cells.as_slice())),
            scores_stamp: self.scores_stamp,
            scored_apart: None,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine without customers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_base(Base::new(Profiles::default(), Facts::default(), Facts::default()))
    }

    /// Loads many customers at once.
    #[must_use]
    pub fn builder() -> CustomerLoader {
        CustomerLoader::default()
    }

    pub(crate) fn with_base(base: Base) -> Self {
        Self::over(Arc::new(base))
    }

    fn over(base: Arc<Base>) -> Self {
        Self {
            dead: Bits::none(base.len()),
            dead_count: 0,
            delta: Delta::default(),
            version: 0,
            facts_version: 0,
            scores: None,
            scores_stamp: 0,
            forced_at: forced_at(&base),
            remembered: Mutex::default(),
            base,
        }
    }

    /// Replaces everything known of a customer to whom nothing was refunded. `lines` are those of the orders
    /// `facts`: an order without any has bought nothing that conditions on products see, and a line without its
    /// order is not kept.
    pub fn upsert(&mut self, feed: &CustomerFeed, facts: &[OrderFact], lines: &[LineFact]) {
        self.put(feed, OrdersFed { orders: facts, lines }, OrdersFed::default());
    }

    /// Replaces everything known of a customer. `refunds` are all orders of which something was refunded, counted
    /// or not: their revenue, and the amounts of their lines, are what was refunded.
    pub fn put(&mut self, feed: &CustomerFeed, bought: OrdersFed<'_>, refunds: OrdersFed<'_>) {
        let row = Row::new(feed, bought, refunds);
        self.facts_version += u64::from(!self.has_facts(feed.id, &row.bought.facts));
        let cell = self.scores.as_ref().map_or(0, |scores| row.cell(scores.rfm.rules()));
        self.change(feed.id, Some(Arc::new(row)), cell);
    }

    /// Forgets a customer; false if there is none of this id.
    pub fn remove(&mut self, id: CustomerId) -> bool {
        let known = self.customer(id).is_some();
        if known {
            self.facts_version += u64::from(!self.has_facts(id, &[]));
            self.change(id, None, 0);
        }
        known
    }

    /// Takes a row as it is; its cell is that of no score.
    pub(crate) fn put_row(&mut self, id: CustomerId, row: Option<Arc<Row>>) {
        self.change(id, row, 0);
    }

    fn change(&mut self, id: CustomerId, row: Option<Arc<Row>>, cell: u16) {
        self.version += 1;
        self.bury(id);
        self.delta.put(id, Entry { version: self.version, row, cell });
        if self.delta.len() > self.forced_at {
            match self.take_compaction().run() {
                Ok(done) => drop(self.install(done)),
                // The base is full; trying again at each change would only cost time.
                Err(_) => self.forced_at = usize::MAX,
            }
        }
    }

    /// Whether a customer, known or not, has these orders, sorted by time.
    fn has_facts(&self, id: CustomerId, facts: &[OrderFact]) -> bool {
        match self.delta.get(id) {
            Some(entry) => entry.row.as_ref().map_or(&[][..], |row| &*row.bought.facts) == facts,
            None => match self.base.ordinal(id) {
                Some(at) => self.base.facts.are(at, facts),
                None => facts.is_empty(),
            },
        }
    }

    fn bury(&mut self, id: CustomerId) {
        if let Some(ordinal) = self.base.ordinal(id)
            && !self.dead.has(ordinal)
        {
            self.dead.set(ordinal);
            self.dead_count += 1;
        }
    }

    /// Customers known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.base.len() - self.dead_count + self.delta.live()
    }

    /// Whether no customer is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rises with every change; a new engine begins at 0.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What is known of a customer; `None` if there is none of this id.
    #[must_use]
    pub fn customer(&self, id: CustomerId) -> Option<CustomerFacts> {
        self.view().customer(id)
    }

    /// One page of customers.
    #[must_use]
    pub fn list(&self, query: &ListQuery) -> ListPage {
        self.view().list(query)
    }

    /// Scores all customers; remembered until orders change.
    #[must_use]
    pub fn rfm(&self, query: &RfmQuery) -> Arc<Rfm> {
        if let Some(known) = self.recall(query) {
            return known;
        }
        let rfm = Arc::new(rfm::compute(self.view(), query, self.facts_version));
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|old| old.version() == self.facts_version && old.query() != query);
        remembered.truncate(RFM_REMEMBERED - 1);
        remembered.push_front(Arc::clone(&rfm));
        rfm
    }

    /// As [`Engine::rfm`], telling only of customers in `reach`: their scores and tiers are those they
    /// have among all customers, and so are the thresholds.
    #[must_use]
    pub fn rfm_within(&self, query: &RfmQuery, reach: &Reach) -> Arc<Rfm> {
        self.within(&self.rfm(query), reach)
    }

    /// Of scores, what customers in `reach` have part in as of now.
    #[must_use]
    pub fn within(&self, scores: &Arc<Rfm>, reach: &Reach) -> Arc<Rfm> {
        if reach.is_all() {
            return Arc::clone(scores);
        }
        Arc::new(rfm::within(self.view(), scores, reach))
    }

    /// Of those whom `scores` tell of, how many in each cell nothing may be decided about by machine at `now`.
    /// Who is there is as of now, cells are those of `scores`.
    #[must_use]
    pub fn withheld(&self, scores: &Rfm, now: Timestamp) -> BTreeMap<Score, u64> {
        let (base, now) = (&self.base, now.millis());
        let of_base = base.refused.iter().filter(|(at, from)| *from <= now && !self.dead.has(*at));
        let of_base = of_base.map(|(at, _)| base.ids[at]);
        let of_delta = self.delta.rows().filter(|(_, row, _)| row.refused <= now).map(|row| row.0);
        let mut found = BTreeMap::new();
        for score in of_base.chain(of_delta).filter_map(|id| scores.score_of(id)) {
            *found.entry(score).or_insert(0) += 1;
        }
        found
    }

    fn recall(&self, query: &RfmQuery) -> Option<Arc<Rfm>> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let at = remembered
            .iter()
            .position(|rfm| rfm.version() == self.facts_version && rfm.query() == query)?;
        let rfm = remembered.remove(at)?;
        remembered.push_front(Arc::clone(&rfm));
        Some(rfm)
    }

    /// Sets the scores by which lists filter tiers and cells, usually [`Engine::rfm`] of today.
    ///
    /// Customers who change later are scored by the bounds of these scores at once; the bounds
    /// stay until scores are set again.
    pub fn set_scores(&mut self, scores: Arc<Rfm>) {
        let base_cells = scores
            .base_cells(&self.base.ids)
            .unwrap_or_else(|| Arc::new(rfm::base_cells(&self.base, None, scores.rules())));
        self.delta.rescore(scores.rules());
        self.scores = Some(SetScores { rfm: scores, base_cells });
        self.scores_stamp += 1;
    }

    /// The scores set.
    #[must_use]
    pub fn scores(&self) -> Option<&Arc<Rfm>> {
        self.scores.as_ref().map(|scores| &scores.rfm)
    }

    /// Orders, revenue and new customers of each day, of customers in `reach`.
    #[must_use]
    pub fn days(&self, query: &DaysQuery, reach: &Reach) -> Vec<DaySum> {
        daily::days(self.view(), query, reach)
    }

    /// Builds what lists need ahead of the first one, about 80 ms a sort key at a million
    /// customers. Without it the first list of each sort does.
    pub fn warm(&self) {
        self.base.prepare(&SortKey::ALL);
    }

    /// Drops remembered filters, so that a benchmark measures what a new filter costs.
    pub(crate) fn forget_filters(&self) {
        self.base.filters.clear();
    }

    /// An engine over the same base without changes.
    pub(crate) fn clone_base(&self) -> Self {
        Self::over(Arc::clone(&self.base))
    }

    /// What follows from orders, made again and dropped; how many values that is.
    pub(crate) fn features_again(&self) -> usize {
        self.base.features_again()
    }

    /// Work to do in the background when many customers have changed; `None` when few have.
    ///
    /// Take it under a read lock, run it without a lock, install the result under a write lock.
    #[must_use]
    pub fn compaction(&self) -> Option<Compaction> {
        let due = self.delta.len() > SMALL_DELTA.max(self.base.len() / 128);
        due.then(|| self.take_compaction())
    }

    pub(crate) fn take_compaction(&self) -> Compaction {
        let scores = self.scores.as_ref().map(|scores| &scores.rfm);
        Compaction::new(&self.base, &self.dead, &self.delta, self.version, scores)
    }

    /// Takes the result of a compaction of this engine; changes made meanwhile remain. Without
    /// effect if another compaction was installed first. No answer of the engine changes.
    ///
    /// Gives what it replaced; drop that without the lock, for freeing it takes milliseconds.
    pub fn install(&mut self, done: Compacted) -> Retired {
        if !Arc::ptr_eq(&self.base, &done.from) {
            return Retired { _base: Arc::new(done.base), _delta: Delta::default() };
        }
        let rest = self.delta.after(done.version);
        drop(done.from);
        let retired = Retired {
            _base: std::mem::replace(&mut self.base, Arc::new(done.base)),
            _delta: std::mem::replace(&mut self.delta, rest),
        };
        self.dead = Bits::none(self.base.len());
        self.dead_count = 0;
        for id in self.delta.ids().collect::<Vec<_>>() {
            self.bury(id);
        }
        self.forced_at = forced_at(&self.base);
        // They hold cells of the base before, and keep its ids in memory.
        self.remembered.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let ready = done.scores;
        if let Some(scores) = &mut self.scores {
            scores.base_cells = match ready {
                Some((rfm, cells)) if Arc::ptr_eq(&rfm, &scores.rfm) => cells,
                _ => Arc::new(rfm::base_cells(&self.base, None, scores.rfm.rules())),
            };
            self.scores_stamp += 1;
        }
        retired
    }

    /// Bytes held, results remembered included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let scores = self.scores.as_ref();
        let set_apart = scores
            .filter(|scores| !remembered.iter().any(|rfm| Arc::ptr_eq(rfm, &scores.rfm)))
            .map_or(0, |scores| scores.base_cells.capacity() * 2);
        self.base.memory_bytes()
            + self.dead.memory_bytes()
            + self.delta.memory_bytes()
            + remembered.iter().map(|rfm| rfm.memory_bytes()).sum::<usize>()
            + set_apart
    }

    /// The engine as it is now, for questions that take longer than a lock should be held.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let scores = self.scores.as_ref();
        Snapshot {
            base: Arc::clone(&self.base),
            dead: self.dead.clone(),
            dead_count: self.dead_count,
            delta: self.delta.clone(),
            version: self.version,
            scores: scores.map(|set| (Arc::clone(&set.rfm), Arc::clone(&set.base_cells))),
            scores_stamp: self.scores_stamp,
        }
    }

    /// What it answers, as of now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            base: &self.base,
            dead: &self.dead,
            dead_count: self.dead_count,
            delta: &self.delta,
            scores: self.scores.as_ref().map(|scores| (&*scores.rfm, scores.base_cells.as_slice())),
            scores_stamp: self.scores_stamp,
            scored_apart: None,
        }
    }
}

/// Changes at which waiting for the background costs lists more than compacting at once.
fn forced_at(base: &Base) -> usize {
    (2 * SMALL_DELTA).max(base.len() / 4)
}

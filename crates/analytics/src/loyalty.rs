//! Member levels and points of customers: a column for each scheme of levels and each programme of points in which
//! somebody has any, and nothing where there is none.

use std::collections::BTreeMap;
use std::ops::Range;

use kernel::{LevelSchemeId, ProgrammeId};

use crate::bits::Bits;
use crate::narrow::{Narrow, Small};

/// Where a customer stands in schemes of levels, and what can be spent in programmes of points. In any order, each
/// scheme and programme once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoyaltyFeed {
    /// Ranks of levels, 1 for the lowest of a scheme. In a scheme that is not named the customer has no level, which
    /// is rank 0.
    pub levels: Vec<(LevelSchemeId, u8)>,
    /// Points that can be spent; 0 in a programme that is not named.
    pub points: Vec<(ProgrammeId, i64)>,
}

impl LoyaltyFeed {
    /// The same in order and without what says nothing.
    pub(crate) fn tidy(mut self) -> Self {
        self.levels.retain(|(_, rank)| *rank != 0);
        self.levels.sort_unstable();
        self.levels.dedup_by_key(|(scheme, _)| *scheme);
        self.points.retain(|(_, points)| *points != 0);
        self.points.sort_unstable();
        self.points.dedup_by_key(|(programme, _)| *programme);
        self
    }

    /// The rank in a scheme; 0 for no level.
    pub(crate) fn level(&self, scheme: LevelSchemeId) -> u8 {
        self.levels.iter().find(|(own, _)| *own == scheme).map_or(0, |(_, rank)| *rank)
    }

    /// Points that can be spent in a programme.
    pub(crate) fn points(&self, programme: ProgrammeId) -> i64 {
        self.points.iter().find(|(own, _)| *own == programme).map_or(0, |(_, points)| *points)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.levels) + size_of_val(&*self.points)
    }
}

/// Levels and points of all customers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loyalty {
    /// One byte a customer for each scheme.
    pub(crate) levels: Columns<LevelSchemeId, u8>,
    /// Four bytes a customer for each programme.
    pub(crate) points: Columns<ProgrammeId, i32>,
}

impl Loyalty {
    /// Adds what the customer `ordinal` has, who comes after all others.
    pub(crate) fn push(&mut self, ordinal: usize, feed: &LoyaltyFeed) {
        for (scheme, rank) in &feed.levels {
            self.levels.push(ordinal, *scheme, i64::from(*rank));
        }
        for (programme, points) in &feed.points {
            self.points.push(ordinal, *programme, *points);
        }
    }

    /// Adds some customers of another base behind the `len` that there are.
    pub(crate) fn push_range(&mut self, len: usize, from: &Self, customers: Range<usize>) {
        self.levels.push_range(len, &from.levels, customers.clone());
        self.points.push_range(len, &from.points, customers);
    }

    /// The same customers, those of `order` in turn, of the `len` that there are.
    pub(crate) fn gather(mut self, len: usize, order: &[u32]) -> Self {
        self.fill(len);
        Self { levels: self.levels.gather(order), points: self.points.gather(order) }
    }

    /// Makes every column as long as there are customers; those in which nobody has anything go.
    pub(crate) fn fill(&mut self, customers: usize) {
        self.levels.fill(customers);
        self.points.fill(customers);
    }

    /// What a customer has.
    pub(crate) fn of(&self, ordinal: usize) -> LoyaltyFeed {
        let rank = |rank: i64| u8::try_from(rank).unwrap_or(u8::MAX);
        LoyaltyFeed {
            levels: self.levels.of(ordinal).map(|(scheme, value)| (scheme, rank(value))).collect(),
            points: self.points.of(ordinal).collect(),
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.levels.memory_bytes() + self.points.memory_bytes()
    }
}

/// Numbers of customers by what they are of; who has none there has 0. While customers are added a column ends with
/// the last who has any.
#[derive(Debug, Clone)]
pub(crate) struct Columns<K, T>(pub(crate) BTreeMap<K, Narrow<T>>);

impl<K, T> Default for Columns<K, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Copy + Ord, T: Small> Columns<K, T> {
    fn push(&mut self, ordinal: usize, key: K, value: i64) {
        let column = self.0.entry(key).or_default();
        column.pad(ordinal);
        column.push(value);
    }

    fn push_range(&mut self, len: usize, from: &Self, customers: Range<usize>) {
        for (key, column) in &from.0 {
            let own = self.0.entry(*key).or_default();
            own.pad(len);
            own.push_range(column, customers.clone());
        }
    }

    fn gather(&self, order: &[u32]) -> Self {
        Self(self.0.iter().map(|(key, column)| (*key, column.gather(order))).collect())
    }

    fn fill(&mut self, customers: usize) {
        self.0.retain(|_, column| !column.is_zero());
        for column in self.0.values_mut() {
            column.pad(customers);
            column.shrink();
        }
    }

    /// What is not 0 of a customer.
    fn of(&self, ordinal: usize) -> impl Iterator<Item = (K, i64)> + '_ {
        let all = self.0.iter().map(move |(key, column)| (*key, column.get(ordinal)));
        all.filter(|(_, value)| *value != 0)
    }

    /// Keeps those of `bits`, which begin with the ordinal `start`, whose number of `key` passes.
    pub(crate) fn retain_part(
        &self,
        key: K,
        bits: &mut Bits,
        start: usize,
        passes: impl Fn(i64) -> bool,
    ) {
        match self.0.get(&key) {
            Some(column) => column.retain_part(bits, start, passes),
            None if passes(0) => {}
            None => *bits = Bits::none(bits.len()),
        }
    }

    fn memory_bytes(&self) -> usize {
        self.0.values().map(Narrow::memory_bytes).sum()
    }
}

//! Numbers of customers that stay when ordinals move.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::CustomerId;
use roaring::RoaringBitmap;

use crate::audience::Members;

/// Customers by number: given once, never to another. The ordinals of the base when it began, which are by
/// id, and then one after the other, so that a compaction moves nothing and a set of customers is one of numbers.
#[derive(Debug, Default)]
pub(super) struct Roll {
    /// Rising; shared with the engine as long as it has the same base.
    sorted: Arc<Vec<CustomerId>>,
    /// Those who came later.
    more: Vec<CustomerId>,
    /// Numbers of those.
    numbers: HashMap<CustomerId, u32>,
}

impl Roll {
    /// As it was kept.
    pub(super) fn of(mut ids: Vec<CustomerId>) -> Self {
        let rising = 1 + ids.windows(2).take_while(|pair| pair[0] < pair[1]).count();
        let more = if rising < ids.len() { ids.split_off(rising) } else { Vec::new() };
        let numbers = more.iter().enumerate().map(|(at, id)| (*id, (ids.len() + at) as u32));
        Self { numbers: numbers.collect(), sorted: Arc::new(ids), more }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.more.len()
    }

    /// Shares the ids of a base, if it has the same, or if nobody has a number yet.
    pub(super) fn share(&mut self, ids: &Arc<Vec<CustomerId>>) {
        if self.len() == 0 || (!Arc::ptr_eq(&self.sorted, ids) && self.sorted == *ids) {
            self.sorted = Arc::clone(ids);
        }
    }

    /// Whether ordinals of a base with these ids are the numbers.
    pub(super) fn is_of(&self, ids: &Arc<Vec<CustomerId>>) -> bool {
        Arc::ptr_eq(&self.sorted, ids)
    }

    pub(super) fn id(&self, number: u32) -> Option<CustomerId> {
        let at = number as usize;
        self.sorted.get(at).or_else(|| self.more.get(at - self.sorted.len())).copied()
    }

    pub(super) fn number(&self, id: CustomerId) -> Option<u32> {
        let known = self.sorted.binary_search(&id).ok().map(|at| at as u32);
        known.or_else(|| self.numbers.get(&id).copied())
    }

    pub(super) fn number_or_new(&mut self, id: CustomerId) -> u32 {
        if let Some(number) = self.number(id) {
            return number;
        }
        let number = self.len() as u32;
        self.more.push(id);
        self.numbers.insert(id, number);
        number
    }

    /// Everybody from a number on.
    pub(super) fn from(&self, number: usize) -> impl Iterator<Item = CustomerId> + '_ {
        let later = number.saturating_sub(self.sorted.len());
        let sorted = &self.sorted[number.min(self.sorted.len())..];
        sorted.iter().chain(&self.more[later.min(self.more.len())..]).copied()
    }

    /// The numbers of customers by their ordinals in a base with these ids; each is asked for in rising order.
    pub(super) fn numbers_of<'a>(
        &'a mut self,
        ids: &'a Arc<Vec<CustomerId>>,
    ) -> impl FnMut(usize) -> u32 + 'a {
        let same = self.is_of(ids);
        let mut at = 0;
        move |ordinal| {
            if same {
                return ordinal as u32;
            }
            let id = ids[ordinal];
            // Most stand right behind the one before.
            while at < self.sorted.len() && self.sorted[at] < id {
                at += 1;
            }
            if self.sorted.get(at) == Some(&id) {
                return at as u32;
            }
            self.number_or_new(id)
        }
    }

    pub(super) fn members(&mut self, members: &Members) -> RoaringBitmap {
        let (ids, base, overlay) = members.parts();
        let mut found = if self.is_of(ids) {
            let bytes: Vec<u8> = base.words().iter().flat_map(|word| word.to_le_bytes()).collect();
            RoaringBitmap::from_lsb0_bytes(0, &bytes)
        } else {
            let mut number = self.numbers_of(ids);
            base.iter_from(0).map(&mut number).collect()
        };
        for id in overlay {
            found.insert(self.number_or_new(*id));
        }
        found
    }

    /// Bytes held, those shared with the engine included.
    pub(super) fn memory_bytes(&self) -> usize {
        self.len() * 16 + self.numbers.capacity() * 28
    }
}

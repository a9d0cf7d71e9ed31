//! Bulk load: customers first, then their orders.

use kernel::{CustomerId, Timestamp};

use crate::base::{Base, NEVER, NO_RATING, Profile, Profiles};
use crate::engine::Engine;
use crate::facts::LooseFacts;
use crate::feed::{CapacityError, CustomerFeed, LineFact, OrderFact};
use crate::lines::LooseLines;
use crate::text;

/// First step of a bulk load: customers in any order, quickest by id. The last of an id wins.
#[derive(Debug, Default)]
pub struct CustomerLoader {
    profiles: Profiles,
    overflow: Option<CapacityError>,
}

impl CustomerLoader {
    /// Adds a customer.
    pub fn customer(&mut self, feed: &CustomerFeed) {
        let entry = text::entry(&feed.name, &feed.accounts);
        let mut contact = feed.contact.clone();
        contact.sort_unstable();
        let loyalty = feed.loyalty.clone().tidy();
        let profile = Profile {
            id: feed.id,
            text: entry.as_bytes(),
            province: &feed.province,
            rating: feed.rating.unwrap_or(NO_RATING),
            owner: feed.owner,
            created: feed.created_at.millis(),
            refused: feed.refused_from.map_or(NEVER, Timestamp::millis),
            contact: &contact,
            loyalty: &loyalty,
        };
        match self.profiles.push(&profile) {
            Ok(()) => feed.tags.iter().for_each(|tag| self.profiles.tag_last(*tag)),
            Err(error) => self.overflow = Some(error),
        }
    }

    /// Goes on to the orders.
    #[must_use]
    pub fn facts(self) -> FactLoader {
        let profiles = self.profiles.sorted();
        let index = IdIndex::new(&profiles.ids);
        FactLoader {
            profiles,
            index,
            facts: LooseFacts::default(),
            lines: LooseLines::default(),
            refunds: LooseFacts::default(),
            refund_lines: LooseLines::default(),
            overflow: self.overflow,
            at: 0,
        }
    }
}

/// Second step of a bulk load: orders and their lines in any order, quickest by customer.
#[derive(Debug)]
pub struct FactLoader {
    profiles: Profiles,
    index: IdIndex,
    facts: LooseFacts,
    lines: LooseLines,
    refunds: LooseFacts,
    refund_lines: LooseLines,
    overflow: Option<CapacityError>,
    /// The customer of the order before.
    at: usize,
}

impl FactLoader {
    /// Adds an order; false, without adding it, if its customer was not loaded.
    pub fn fact(&mut self, customer: CustomerId, fact: OrderFact) -> bool {
        let Some(ordinal) = self.ordinal(customer) else { return false };
        self.facts.push(ordinal as u32, fact);
        true
    }

    /// Adds a line of an order that is added too; false, without adding it, if its customer was not
    /// loaded.
    pub fn line(&mut self, customer: CustomerId, line: &LineFact) -> bool {
        let Some(ordinal) = self.ordinal(customer) else { return false };
        self.lines.push(ordinal as u32, line);
        true
    }

    /// Adds an order of which something was refunded: its revenue is what was. False, without adding it, if its
    /// customer was not loaded.
    pub fn refund(&mut self, customer: CustomerId, refund: OrderFact) -> bool {
        let Some(ordinal) = self.ordinal(customer) else { return false };
        self.refunds.push(ordinal as u32, refund);
        true
    }

    /// Adds a line of such an order: its amount is what was refunded of it. False, without adding it, if its
    /// customer was not loaded.
    pub fn refund_line(&mut self, customer: CustomerId, line: &LineFact) -> bool {
        let Some(ordinal) = self.ordinal(customer) else { return false };
        self.refund_lines.push(ordinal as u32, line);
        true
    }

    fn ordinal(&mut self, customer: CustomerId) -> Option<usize> {
        let ids = &self.profiles.ids;
        // Orders read by customer name the same customer again or the one after.
        let near = (self.at..ids.len()).take(2).find(|ordinal| ids[*ordinal] == customer);
        let ordinal = near.or_else(|| self.index.find(ids, customer))?;
        self.at = ordinal;
        Some(ordinal)
    }

    /// The engine with all that was added.
    ///
    /// # Errors
    /// More than it can hold.
    pub fn build(self) -> Result<Engine, CapacityError> {
        if let Some(error) = self.overflow {
            return Err(error);
        }
        drop(self.index);
        let customers = self.profiles.ids.len();
        let facts = self.facts.settle(self.lines, customers)?;
        let refunds = self.refunds.settle(self.refund_lines, customers)?;
        Ok(Engine::with_base(Base::new(self.profiles, facts, refunds)))
    }
}

/// Ordinals by id, while loading: open addressing, half full at most, ids not repeated.
#[derive(Debug)]
struct IdIndex {
    slots: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;

impl IdIndex {
    fn new(ids: &[CustomerId]) -> Self {
        let mut slots = vec![EMPTY; (ids.len() * 2).next_power_of_two()];
        let mask = slots.len() - 1;
        for (ordinal, id) in ids.iter().enumerate() {
            let mut slot = Self::hash(*id) & mask;
            while slots[slot] != EMPTY {
                slot = (slot + 1) & mask;
            }
            slots[slot] = ordinal as u32;
        }
        Self { slots }
    }

    fn find(&self, ids: &[CustomerId], id: CustomerId) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut slot = Self::hash(id) & mask;
        while self.slots[slot] != EMPTY {
            let ordinal = self.slots[slot] as usize;
            if ids[ordinal] == id {
                return Some(ordinal);
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    /// Both halves of the id, mixed by the finaliser of `SplitMix64`: ids made for tests or from
    /// other systems may differ in any part.
    fn hash(id: CustomerId) -> usize {
        use kernel::TypedId as _;
        let (high, low) = id.uuid().as_u64_pair();
        let mut x = low ^ high.rotate_left(32);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) as usize
    }
}

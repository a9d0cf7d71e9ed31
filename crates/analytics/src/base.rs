//! The base: the columns of all customers as of the last load or compaction, never changed after.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use kernel::{CustomerId, ShopId, TagId, UserId};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::blocks;
use crate::contact::{ContactSpan, Contacts};
use crate::dictionary::Dictionary;
use crate::facts::{Facts, Features, NO_ORDER};
use crate::feed::{CapacityError, average_minor};
use crate::letters::Letters;
use crate::list::{FilterCache, SortKey, Span};
use crate::loyalty::{Loyalty, LoyaltyFeed};
use crate::members::Members;
use crate::moments::Moments;
use crate::narrow::Narrow;
use crate::numbers::Numbers;
use crate::refused::Refused;
use crate::sketch::{EMPTY, Sketch};
use crate::text::TextArena;

/// In the column of ratings: none.
pub(crate) const NO_RATING: u8 = u8::MAX;

/// As a moment of refusal: none.
pub(crate) const NEVER: i64 = i64::MAX;

const TOO_MANY_CUSTOMERS: CapacityError =
    CapacityError { what: "customers", limit: u32::MAX as u64 - 1 };
const TOO_MUCH_TEXT: CapacityError =
    CapacityError { what: "bytes of names", limit: u32::MAX as u64 };

/// What is known of customers apart from orders, in columns.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    pub(crate) ids: Vec<CustomerId>,
    pub(crate) text: TextArena,
    pub(crate) province: Numbers,
    pub(crate) provinces: Dictionary<String>,
    pub(crate) rating: Vec<u8>,
    pub(crate) owner: Numbers,
    pub(crate) owners: Dictionary<Option<UserId>>,
    pub(crate) created: Moments,
    pub(crate) refused: Refused,
    pub(crate) contacts: Contacts,
    pub(crate) loyalty: Loyalty,
    pub(crate) tags: BTreeMap<TagId, Vec<u32>>,
}

/// One customer on the way into [`Profiles`].
pub(crate) struct Profile<'a> {
    pub(crate) id: CustomerId,
    pub(crate) text: &'a [u8],
    pub(crate) province: &'a str,
    pub(crate) rating: u8,
    pub(crate) owner: Option<UserId>,
    pub(crate) created: i64,
    /// [`NEVER`] where nothing was refused.
    pub(crate) refused: i64,
    /// By moment within one way and purpose.
    pub(crate) contact: &'a [ContactSpan],
    /// Tidy.
    pub(crate) loyalty: &'a LoyaltyFeed,
}

impl Profiles {
    pub(crate) fn push(&mut self, profile: &Profile<'_>) -> Result<(), CapacityError> {
        // One below the maximum, so that offsets with one entry more have 32 bits too.
        if self.ids.len() >= u32::MAX as usize - 1 {
            return Err(TOO_MANY_CUSTOMERS);
        }
        if !self.text.push(profile.text) {
            return Err(TOO_MUCH_TEXT);
        }
        self.ids.push(profile.id);
        self.province.push(self.provinces.number(profile.province));
        self.rating.push(profile.rating);
        self.owner.push(self.owners.number(&profile.owner));
        self.created.push(profile.created);
        let ordinal = self.ids.len() as u32 - 1;
        self.refused.push(ordinal, profile.refused);
        self.contacts.push(ordinal, profile.contact);
        self.loyalty.push(ordinal as usize, profile.loyalty);
        Ok(())
    }

    /// Nobody yet, with provinces and owners numbered as in `base`.
    pub(crate) fn like(base: &Base, customers: usize) -> Self {
        Self {
            ids: Vec::with_capacity(customers),
            provinces: base.provinces.clone(),
            owners: base.owners.clone(),
            ..Self::default()
        }
    }

    /// Adds customers of the base that these are like, without tags, refusals and contacts.
    pub(crate) fn push_customers(
        &mut self,
        from: &Base,
        customers: Range<usize>,
    ) -> Result<(), CapacityError> {
        if !self.text.push_range(&from.text, customers.clone()) {
            return Err(TOO_MUCH_TEXT);
        }
        if self.ids.len() + customers.len() >= u32::MAX as usize {
            return Err(TOO_MANY_CUSTOMERS);
        }
        self.loyalty.push_range(self.ids.len(), &from.loyalty, customers.clone());
        self.ids.extend_from_slice(&from.ids[customers.clone()]);
        self.province.push_range(&from.province, customers.clone());
        self.rating.extend_from_slice(&from.rating[customers.clone()]);
        self.owner.push_range(&from.owner, customers.clone());
        self.created.push_range(&from.created, customers);
        Ok(())
    }

    /// Tags the customer pushed last.
    pub(crate) fn tag_last(&mut self, tag: TagId) {
        let ordinal = self.ids.len() as u32 - 1;
        let tagged = self.tags.entry(tag).or_default();
        if tagged.last() != Some(&ordinal) {
            tagged.push(ordinal);
        }
    }

    /// Sorted by id; of customers given twice the last remains.
    pub(crate) fn sorted(self) -> Self {
        if self.ids.windows(2).all(|pair| pair[0] < pair[1]) {
            return self;
        }
        let mut order: Vec<u32> = (0..self.ids.len() as u32).collect();
        let id = |ordinal: u32| self.ids[ordinal as usize];
        order.sort_unstable_by_key(|ordinal| (id(*ordinal), std::cmp::Reverse(*ordinal)));
        order.dedup_by_key(|ordinal| id(*ordinal));
        let mut place = vec![u32::MAX; self.ids.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old as usize] = new as u32;
        }
        let refused = self.refused.0.into_iter().map(|(old, from)| (place[old as usize], from));
        let mut refused: Vec<(u32, i64)> = refused.filter(|(new, _)| *new != u32::MAX).collect();
        refused.sort_unstable();
        let mut contacts = Contacts::default();
        contacts.join(
            self.contacts.moved(|old| Some(place[old as usize]).filter(|new| *new != u32::MAX)),
        );
        let tags = self.tags.into_iter().map(|(tag, tagged)| {
            let mut tagged: Vec<u32> = tagged
                .into_iter()
                .map(|old| place[old as usize])
                .filter(|new| *new != u32::MAX)
                .collect();
            tagged.sort_unstable();
            (tag, tagged)
        });
        Self {
            tags: tags.collect(),
            loyalty: self.loyalty.gather(self.ids.len(), &order),
            ids: gather(&self.ids, &order),
            text: self.text.gather(&order),
            province: self.province.gather(&order),
            provinces: self.provinces,
            rating: gather(&self.rating, &order),
            owner: self.owner.gather(&order),
            owners: self.owners,
            created: self.created.gather(&order),
            refused: Refused(refused),
            contacts,
        }
    }
}

fn gather<T: Copy>(column: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|ordinal| column[*ordinal as usize]).collect()
}

/// All columns. Ordinals follow ids, so comparing ordinals compares ids.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) ids: Arc<Vec<CustomerId>>,
    pub(crate) text: TextArena,
    pub(crate) letters: Letters,
    pub(crate) province: Numbers,
    pub(crate) provinces: Dictionary<String>,
    pub(crate) rating: Vec<u8>,
    pub(crate) owner: Numbers,
    pub(crate) owners: Dictionary<Option<UserId>>,
    pub(crate) created: Moments,
    pub(crate) refused: Refused,
    pub(crate) contacts: Contacts,
    pub(crate) loyalty: Loyalty,
    pub(crate) tags: BTreeMap<TagId, Members>,
    pub(crate) facts: Facts,
    /// Orders of which something was refunded, counted or not: their revenue, and the amounts of their lines, are
    /// what was refunded.
    pub(crate) refunds: Facts,
    pub(crate) by_shop: Vec<Members>,
    pub(crate) by_product: Vec<Members>,
    pub(crate) revenue: Narrow<i32>,
    pub(crate) first: Moments,
    pub(crate) last: Moments,
    /// Moment of the last order of all; [`NO_ORDER`] without one.
    pub(crate) latest: i64,
    /// Moment of the first order of all; [`NO_ORDER`] without one.
    pub(crate) earliest: i64,
    pub(crate) without_orders: Bits,
    sorted: [OnceLock<Vec<u32>>; SortKey::ALL.len()],
    sketches: [OnceLock<Sketch>; SortKey::ALL.len()],
    pub(crate) filters: FilterCache,
}

impl Base {
    /// Joins sorted profiles with the orders and refunds of the same ordinals.
    pub(crate) fn new(mut profiles: Profiles, facts: Facts, refunds: Facts) -> Self {
        let Features { revenue, first, last, earliest, latest } = facts.features();
        profiles.ids.shrink_to_fit();
        profiles.text.shrink();
        profiles.province.shrink();
        profiles.rating.shrink_to_fit();
        profiles.owner.shrink();
        profiles.created.shrink();
        profiles.refused.0.shrink_to_fit();
        profiles.contacts.shrink();
        let customers = profiles.ids.len();
        profiles.loyalty.fill(customers);
        let members = |set| Members::new(set, customers);
        let tags = profiles
            .tags
            .into_iter()
            .map(|(tag, tagged)| (tag, members(RoaringBitmap::from_iter(tagged))));
        Self {
            tags: tags.collect(),
            ids: Arc::new(profiles.ids),
            letters: Letters::new(&profiles.text),
            text: profiles.text,
            province: profiles.province,
            provinces: profiles.provinces,
            rating: profiles.rating,
            owner: profiles.owner,
            owners: profiles.owners,
            created: profiles.created,
            refused: profiles.refused,
            contacts: profiles.contacts,
            loyalty: profiles.loyalty,
            by_shop: facts.customers_by_shop().into_iter().map(members).collect(),
            by_product: facts.customers_by_product().into_iter().map(members).collect(),
            without_orders: facts.without_orders(),
            facts,
            refunds,
            revenue,
            latest,
            earliest,
            first,
            last,
            sorted: Default::default(),
            sketches: Default::default(),
            filters: FilterCache::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn ordinal(&self, id: CustomerId) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// The sort value of a customer; `None` comes last.
    pub(crate) fn value(&self, key: SortKey, ordinal: usize) -> Option<i64> {
        let at = |moment: i64| (moment != NO_ORDER).then_some(moment);
        match key {
            SortKey::LastOrderAt => at(self.last.get(ordinal)),
            SortKey::FirstOrderAt => at(self.first.get(ordinal)),
            SortKey::Orders => Some(i64::from(self.facts.orders(ordinal))),
            SortKey::Revenue => Some(self.revenue.get(ordinal)),
            SortKey::AverageOrder => {
                average_minor(self.revenue.get(ordinal), self.facts.orders(ordinal))
            }
            SortKey::CreatedAt => Some(self.created.get(ordinal)),
        }
    }

    /// Revenue and counted orders of a customer in one shop.
    pub(crate) fn amounts_of(&self, ordinal: usize, shop: ShopId) -> (i64, u32) {
        let Some(shop) = self.facts.shops.find(&shop) else {
            return (0, 0);
        };
        let range = self.facts.range(ordinal);
        range
            .filter(|index| self.facts.shop.get(*index) == shop)
            .fold((0, 0), |(sum, orders), index| {
                (sum.saturating_add(self.facts.revenue.get(index)), orders + 1)
            })
    }

    /// As [`Base::value`], with the amounts of one shop.
    pub(crate) fn value_in(&self, key: SortKey, ordinal: usize, shop: ShopId) -> Option<i64> {
        key.of_amounts(self.amounts_of(ordinal, shop)).unwrap_or_else(|| self.value(key, ordinal))
    }

    /// Ordinals with a value, by value and then by ordinal. Built when first asked for.
    pub(crate) fn sorted(&self, key: SortKey) -> &[u32] {
        self.sorted[key as usize].get_or_init(|| {
            let value = |ordinal| self.value(key, ordinal).unwrap_or(i64::MIN);
            self.sketch(key).sorted(value)
        })
    }

    /// The column of a key in one byte a customer. Built when first asked for.
    pub(crate) fn sketch(&self, key: SortKey) -> &Sketch {
        self.sketches[key as usize]
            .get_or_init(|| Sketch::new(self.len(), |ordinal| self.value(key, ordinal)))
    }

    /// The least and the greatest revenue of a customer.
    pub(crate) fn revenues(&self) -> (i64, i64) {
        let ranges = self.sketch(SortKey::Revenue).ranges.iter();
        let all = ranges.fold(EMPTY, |all, range| (all.0.min(range.0), all.1.max(range.1)));
        if all.0 > all.1 { (0, 0) } else { all }
    }

    /// Keeps those of `bits`, which begin with `start`, whose value of a key is within `span`.
    pub(crate) fn retain_span(&self, bits: &mut Bits, start: usize, key: SortKey, span: Span) {
        if span.is_open() {
            return;
        }
        let passes = |ordinal| self.value(key, ordinal).is_some_and(|value| span.contains(value));
        let bounds = (span.min.unwrap_or(i64::MIN), span.max.unwrap_or(i64::MAX));
        self.sketch(key).retain_part(bits, start, bounds, passes);
    }

    /// Builds the orders and sketches of some keys ahead of the first list.
    pub(crate) fn prepare(&self, keys: &[SortKey]) {
        blocks::for_all(self.len(), keys, |key| _ = self.sorted(*key));
    }

    /// Makes everything that follows from orders again: features, sets by shop and product, sketches and orders of
    /// all keys. Gives how many values that is, for a benchmark.
    pub(crate) fn features_again(&self) -> usize {
        let features = self.facts.features();
        let sets = [self.facts.customers_by_shop(), self.facts.customers_by_product()];
        let sets: usize = sets.into_iter().flatten().map(|set| set.len() as usize).sum();
        let made = AtomicUsize::new(features.last.len() + sets);
        blocks::for_all(self.len(), &SortKey::ALL, |key| {
            let sketch = Sketch::new(self.len(), |ordinal| self.value(*key, ordinal));
            let sorted = sketch.sorted(|ordinal| self.value(*key, ordinal).unwrap_or(i64::MIN));
            made.fetch_add(sketch.codes.len() + sorted.len(), Ordering::Relaxed);
        });
        made.into_inner()
    }

    /// Keys whose order has been built.
    pub(crate) fn warm_keys(&self) -> Vec<SortKey> {
        let built = |key: &SortKey| self.sorted[*key as usize].get().is_some();
        SortKey::ALL.into_iter().filter(built).collect()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.ids.capacity() * 16
            + self.text.memory_bytes()
            + self.letters.memory_bytes()
            + self.province.memory_bytes()
            + self.provinces.memory_bytes()
            + self.rating.capacity()
            + self.owner.memory_bytes()
            + self.owners.memory_bytes()
            + self.created.memory_bytes()
            + self.refused.memory_bytes()
            + self.contacts.memory_bytes()
            + self.loyalty.memory_bytes()
            + self.revenue.memory_bytes()
            + self.first.memory_bytes()
            + self.last.memory_bytes()
            + self
                .tags
                .values()
                .chain(&self.by_shop)
                .chain(&self.by_product)
                .map(Members::memory_bytes)
                .sum::<usize>()
            + self.facts.memory_bytes()
            + self.refunds.memory_bytes()
            + self.without_orders.memory_bytes()
            + self.sorted.iter().filter_map(OnceLock::get).map(|o| o.capacity() * 4).sum::<usize>()
            + self
                .sketches
                .iter()
                .filter_map(OnceLock::get)
                .map(Sketch::memory_bytes)
                .sum::<usize>()
            + self.filters.memory_bytes()
    }
}

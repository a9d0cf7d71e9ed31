//! Which promotions name the same things: found once for all, since lists are long and pairs are many.

use std::collections::{HashMap, HashSet};

use crate::catalogue::{Bits, has, set};
use crate::promotion::Promotion;

/// What one list of each promotion (its shops, say) has in common with those of the others.
pub(super) struct Named {
    is_empty: Vec<bool>,
    /// For each: those with a name of its list.
    shares: Vec<Bits>,
    /// For each: those with all names of its list.
    covered: Vec<Bits>,
    /// For each: a number that equal lists share.
    number: Vec<usize>,
}

impl Named {
    pub(super) fn new(
        promotions: &[&Promotion],
        list: impl for<'a> Fn(&'a Promotion) -> &'a [String],
    ) -> Self {
        let mut whose: HashMap<&str, Bits> = HashMap::new();
        let mut numbers: HashMap<&[String], usize> = HashMap::new();
        let mut number = Vec::with_capacity(promotions.len());
        for (index, promotion) in promotions.iter().enumerate() {
            let names = list(promotion);
            for name in names {
                set(whose.entry(name).or_default(), index);
            }
            let next = numbers.len();
            number.push(*numbers.entry(names).or_insert(next));
        }
        let mut named = Self {
            is_empty: Vec::with_capacity(promotions.len()),
            shares: Vec::with_capacity(promotions.len()),
            covered: Vec::with_capacity(promotions.len()),
            number,
        };
        for promotion in promotions {
            let names = list(promotion);
            let (mut any, mut all) = (Bits::default(), Bits::default().map(|_| u64::MAX));
            for bits in names.iter().filter_map(|name| whose.get(name.as_str())) {
                for ((any, all), word) in any.iter_mut().zip(&mut all).zip(bits) {
                    *any |= word;
                    *all &= word;
                }
            }
            named.is_empty.push(names.is_empty());
            named.shares.push(any);
            named.covered.push(all);
        }
        named
    }

    /// Whether both lists have a name in common.
    pub(super) fn is_shared(&self, a: usize, b: usize) -> bool {
        has(&self.shares[a], b)
    }

    /// Whether something may be in both lists, an empty one being for all.
    pub(super) fn may_meet(&self, a: usize, b: usize) -> bool {
        self.is_empty[a] || self.is_empty[b] || self.is_shared(a, b)
    }

    /// Whether all that is in the list of `narrow` is in that of `wide`, an empty one being for all.
    pub(super) fn is_wider(&self, wide: usize, narrow: usize) -> bool {
        self.is_empty[wide] || (!self.is_empty[narrow] && has(&self.covered[narrow], wide))
    }

    /// Whether both lists are the same.
    pub(super) fn is_same(&self, a: usize, b: usize) -> bool {
        self.number[a] == self.number[b]
    }
}

/// The lists of all promotions.
pub(super) struct Lists {
    pub(super) products: Named,
    pub(super) categories: Named,
    pub(super) excluded_products: Named,
    pub(super) excluded_categories: Named,
    pub(super) shops: Named,
    pub(super) levels: Named,
    pub(super) tiers: Named,
    pub(super) audiences: Named,
}

impl Lists {
    /// Of up to [`crate::MAX_PROMOTIONS`].
    pub(super) fn new(promotions: &[&Promotion]) -> Self {
        Self {
            products: Named::new(promotions, |p| &p.conditions.products),
            categories: Named::new(promotions, |p| &p.conditions.categories),
            excluded_products: Named::new(promotions, |p| &p.conditions.excluded_products),
            excluded_categories: Named::new(promotions, |p| &p.conditions.excluded_categories),
            shops: Named::new(promotions, |p| &p.conditions.shops),
            levels: Named::new(promotions, |p| &p.conditions.levels),
            tiers: Named::new(promotions, |p| &p.conditions.tiers),
            audiences: Named::new(promotions, |p| &p.conditions.audiences),
        }
    }
}

/// Whether all of `names` are among `others`.
pub(super) fn is_all_in(names: &[String], others: &[String]) -> bool {
    let others: HashSet<&String> = others.iter().collect();
    names.iter().all(|name| others.contains(name))
}

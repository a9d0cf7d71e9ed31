//! Movement of customers between tiers from one day to another.

use std::collections::BTreeMap;

use kernel::CustomerId;

use super::{Rfm, Scheme, Tier};

/// Customers who went from one tier to another; `None` stands for "no counted order yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovementFlow {
    /// Where they were.
    pub from: Option<Tier>,
    /// Where they are.
    pub to: Option<Tier>,
    /// How many.
    pub customers: u64,
}

/// One tier before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierFlow {
    /// The tier.
    pub tier: Tier,
    /// Customers before.
    pub before: u64,
    /// Customers after.
    pub after: u64,
    /// Customers in it after who were elsewhere, or nowhere, before.
    pub entered: u64,
    /// Customers in it before who are elsewhere, or nowhere, after.
    pub left: u64,
}

/// Who moved where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Flows that are not empty, those who stayed included, by `from` and `to`.
    pub flows: Vec<MovementFlow>,
    /// Every tier of the scheme.
    pub tiers: Vec<TierFlow>,
}

/// Compares two results customer by customer under `scheme`.
#[must_use]
pub fn movement(from: &Rfm, to: &Rfm, scheme: Scheme) -> Movement {
    let mut counts: BTreeMap<(Option<Tier>, Option<Tier>), u64> = BTreeMap::new();
    let mut pairs = [[0_u64; Tier::ALL.len() + 1]; Tier::ALL.len() + 1];
    const NOWHERE: usize = Tier::ALL.len();
    let named = |rfm: &'_ Rfm, entry: Option<(CustomerId, super::Score)>| {
        entry.map(|(id, score)| (id, rfm.tier(score, scheme) as usize))
    };
    let (mut left, mut right) = (from.scores(), to.scores());
    let (mut a, mut b) = (named(from, left.next()), named(to, right.next()));
    while a.is_some() || b.is_some() {
        let a_first = b.is_none_or(|(b_id, _)| a.is_some_and(|(a_id, _)| a_id <= b_id));
        let b_first = a.is_none_or(|(a_id, _)| b.is_some_and(|(b_id, _)| b_id <= a_id));
        let old = if a_first { a.map_or(NOWHERE, |(_, tier)| tier) } else { NOWHERE };
        let new = if b_first { b.map_or(NOWHERE, |(_, tier)| tier) } else { NOWHERE };
        pairs[old][new] += 1;
        if a_first {
            a = named(from, left.next());
        }
        if b_first {
            b = named(to, right.next());
        }
    }
    let tier_at = |index: usize| Tier::ALL.get(index).copied();
    for (old, row) in pairs.iter().enumerate() {
        for (new, customers) in row.iter().enumerate().filter(|(_, customers)| **customers > 0) {
            counts.insert((tier_at(old), tier_at(new)), *customers);
        }
    }
    let flows: Vec<MovementFlow> = counts
        .into_iter()
        .map(|((from, to), customers)| MovementFlow { from, to, customers })
        .collect();
    let tiers = scheme.tiers().iter().map(|&tier| tier_flow(&flows, tier)).collect();
    Movement { flows, tiers }
}

fn tier_flow(flows: &[MovementFlow], tier: Tier) -> TierFlow {
    let mut sum = TierFlow { tier, before: 0, after: 0, entered: 0, left: 0 };
    for flow in flows {
        let (was, is) = (flow.from == Some(tier), flow.to == Some(tier));
        sum.before += if was { flow.customers } else { 0 };
        sum.after += if is { flow.customers } else { 0 };
        sum.entered += if is && !was { flow.customers } else { 0 };
        sum.left += if was && !is { flow.customers } else { 0 };
    }
    sum
}

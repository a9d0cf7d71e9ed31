//! Shops without any order after a moment: their orders were not brought in, or they were closed. Neither says that
//! their customers did not want to buy.

use std::collections::{BTreeMap, BTreeSet};

use analytics::{Buyer, Snapshot};
use kernel::{ShopId, Zone};

/// Which shops were silent after which moments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Silent(BTreeSet<(ShopId, i64)>);

impl Silent {
    /// Shops that had an order by one of `moments`, which are `horizon` days apart, and none in the `horizon` days after
    /// it.
    pub(super) fn of(snapshot: &Snapshot, zone: Zone, moments: &[i64], horizon: i64) -> Self {
        let end = moments.last().map(|last| last + horizon);
        let ends: Vec<i64> = moments.iter().copied().chain(end).collect();
        let stretches = snapshot.shops_by_stretch(zone, &ends);
        let mut known = BTreeSet::new();
        let mut silent = BTreeSet::new();
        for (moment, both) in moments.iter().zip(stretches.windows(2)) {
            known.extend(both[0].iter().copied());
            silent.extend(known.difference(&both[1]).map(|shop| (*shop, *moment)));
        }
        Self(silent)
    }

    /// Whether all shops that `buyer` had bought in by `moment` were silent after it.
    pub(super) fn has(&self, buyer: &Buyer, moment: i64) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut known = buyer.orders.iter().filter(|order| order.day <= moment).peekable();
        known.peek().is_some() && known.all(|order| self.0.contains(&(order.shop, moment)))
    }

    /// The moments of each shop.
    pub(super) fn told(self) -> BTreeMap<ShopId, Vec<i64>> {
        let mut told: BTreeMap<ShopId, Vec<i64>> = BTreeMap::new();
        for (shop, moment) in self.0 {
            told.entry(shop).or_default().push(moment);
        }
        told
    }
}

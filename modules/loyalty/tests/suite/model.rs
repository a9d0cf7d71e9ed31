//! The rules of docs/loyalty.md once more, as plainly as can be: lists of lots and no database.

use crate::tools::DAY;

/// Points of one origin.
#[derive(Debug, Clone)]
pub struct Lot {
    owner: usize,
    order: Option<usize>,
    pending: i64,
    pub available: i64,
    lapsed: i64,
    from: i64,
    pub ends: i64,
}

#[derive(Debug, Clone)]
pub struct Spend {
    order: usize,
    /// Lot, points, came back, of it too late.
    parts: Vec<[i64; 4]>,
    open: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Order {
    pub owner: usize,
    pub paid_at: i64,
    pub paid: i64,
    pub refunded: i64,
    earned: i64,
    forgiven: i64,
}

/// A programme of one point a yuan, seven days of waiting and thirty of life, in China.
#[derive(Debug, Clone)]
pub struct Model {
    pub now: i64,
    pub lots: Vec<Lot>,
    pub debts: Vec<i64>,
    pub orders: Vec<Option<Order>>,
    pub spends: Vec<Spend>,
    pub forgives: bool,
    pub grace_days: i64,
}

fn end_of_day(at: i64) -> i64 {
    let zone = 8 * 3_600_000;
    ((at + zone).div_euclid(DAY) + 1) * DAY - zone
}

impl Model {
    pub fn new(now: i64, customers: usize, orders: usize, forgives: bool, grace_days: i64) -> Self {
        let (lots, spends) = (Vec::new(), Vec::new());
        let (debts, orders) = (vec![0; customers], vec![None; orders]);
        Self { now, lots, debts, orders, spends, forgives, grace_days }
    }

    pub fn catch_up(&mut self) {
        for lot in &mut self.lots {
            if lot.from <= self.now {
                let pays = lot.pending.min(self.debts[lot.owner]);
                self.debts[lot.owner] -= pays;
                lot.available += lot.pending - pays;
                lot.pending = 0;
            }
            if lot.ends <= self.now {
                lot.lapsed += lot.available;
                lot.available = 0;
            }
        }
    }

    pub fn sums(&self, owner: usize) -> [i64; 4] {
        let own = || self.lots.iter().filter(|lot| lot.owner == owner);
        let pending = own().map(|lot| lot.pending).sum();
        [pending, own().map(|lot| lot.available).sum(), 0, -self.debts[owner]]
    }

    pub fn spendable(&self, members: &[usize]) -> i64 {
        let sum: i64 = members.iter().map(|m| self.sums(*m)[1] - self.debts[*m]).sum();
        sum.max(0)
    }

    fn ranked(&self, members: &[usize]) -> Vec<usize> {
        let mut found: Vec<usize> =
            (0..self.lots.len()).filter(|lot| members.contains(&self.lots[*lot].owner)).collect();
        found.sort_by_key(|lot| (self.lots[*lot].ends, self.lots[*lot].from, *lot));
        found
    }

    pub fn spend(&mut self, members: &[usize], order: usize, points: i64) -> bool {
        self.catch_up();
        if self.spendable(members) < points {
            return false;
        }
        let mut left = points;
        let mut parts = Vec::new();
        for lot in self.ranked(members) {
            let part = self.lots[lot].available.min(left);
            if part > 0 {
                self.lots[lot].available -= part;
                left -= part;
                parts.push([lot as i64, part, 0, 0]);
            }
        }
        self.spends.push(Spend { order, parts, open: true });
        true
    }

    pub fn cancel(&mut self, spend: usize) {
        self.catch_up();
        if !self.spends[spend].open {
            return;
        }
        self.spends[spend].open = false;
        for at in 0..self.spends[spend].parts.len() {
            let [lot, points, returned, _] = self.spends[spend].parts[at];
            self.put_back(lot as usize, points - returned);
        }
        self.catch_up();
    }

    /// Gives what lapsed on the way.
    fn put_back(&mut self, lot: usize, points: i64) -> i64 {
        let Lot { owner, order, ends, .. } = self.lots[lot];
        let pays = points.min(self.debts[owner]);
        self.debts[owner] -= pays;
        let rest = points - pays;
        if ends > self.now {
            self.lots[lot].available += rest;
        } else if self.grace_days > 0 {
            let ends = end_of_day(self.now + self.grace_days * DAY);
            let (from, available) = (self.now, 0);
            self.lots.push(Lot { owner, order, pending: rest, available, lapsed: 0, from, ends });
        } else {
            return rest;
        }
        0
    }

    /// Gives what was forgiven.
    fn take_back(&mut self, owner: usize, points: i64, own: impl Fn(usize, &Lot) -> bool) -> i64 {
        let mut left = points;
        let mut take = |has: &mut i64| {
            let part = left.min(*has);
            *has -= part;
            left -= part;
        };
        let mine: Vec<usize> = (0..self.lots.len())
            .rev()
            .filter(|at| self.lots[*at].owner == owner && own(*at, &self.lots[*at]))
            .collect();
        for at in &mine {
            take(&mut self.lots[*at].pending);
            take(&mut self.lots[*at].available);
        }
        for at in &mine {
            take(&mut self.lots[*at].lapsed);
        }
        for at in self.ranked(&[owner]) {
            take(&mut self.lots[at].available);
        }
        if self.forgives {
            return left;
        }
        self.debts[owner] += left;
        0
    }

    /// An order is reported; `None`: it is gone.
    pub fn report(&mut self, at: usize, facts: Option<(usize, i64, i64, i64)>) {
        self.catch_up();
        let known = self.orders[at].is_some();
        if let Some((owner, paid_at, paid, refunded)) = facts {
            let order = self.orders[at].get_or_insert_default();
            (order.owner, order.paid_at, order.paid, order.refunded) =
                (owner, paid_at, paid, refunded);
        } else if !known && !self.spends.iter().any(|spend| spend.open && spend.order == at) {
            return;
        }
        let mut order = self.orders[at].clone().unwrap_or_default();
        let void = facts.is_none();
        let target = if void { 0 } else { (order.paid - order.refunded).max(0) / 100 };
        if target < order.earned {
            let points = order.earned - target;
            order.forgiven += self.take_back(order.owner, points, |_, lot| lot.order == Some(at));
        }
        self.settle_spends(at, &mut order, void);
        if target > order.earned {
            let points = target - order.earned;
            let recovered = points.min(order.forgiven);
            order.forgiven -= recovered;
            let from = order.paid_at + 7 * DAY;
            let (pending, ends) = (points - recovered, end_of_day(from + 30 * DAY));
            if pending > 0 {
                let (owner, order) = (order.owner, Some(at));
                self.lots.push(Lot { owner, order, pending, available: 0, lapsed: 0, from, ends });
            }
        }
        order.earned = target;
        self.orders[at] = Some(order);
        self.catch_up();
    }

    fn settle_spends(&mut self, at: usize, order: &mut Order, void: bool) {
        let mine: Vec<usize> = (0..self.spends.len())
            .filter(|spend| self.spends[*spend].open && self.spends[*spend].order == at)
            .collect();
        let sum = |model: &Self, which: usize| -> i64 {
            mine.iter().flat_map(|s| &model.spends[*s].parts).map(|part| part[which]).sum()
        };
        let spent = sum(self, 1);
        let wanted = if void {
            spent
        } else if order.paid == 0 {
            0
        } else {
            spent * order.refunded.min(order.paid) / order.paid
        };
        let had = sum(self, 2);
        let mut more = (wanted - had).max(0);
        let mut less = (had - wanted).max(0);
        let places: Vec<(usize, usize)> = mine
            .iter()
            .flat_map(|s| (0..self.spends[*s].parts.len()).map(|part| (*s, part)))
            .collect();
        for (s, part) in places.iter().rev() {
            let [lot, points, returned, _] = self.spends[*s].parts[*part];
            let points = (points - returned).min(more);
            more -= points;
            let recovered = points.min(order.forgiven);
            order.forgiven -= recovered;
            let lapsed = self.put_back(lot as usize, points - recovered);
            self.spends[*s].parts[*part][2] += points;
            self.spends[*s].parts[*part][3] += lapsed;
        }
        for (s, part) in places {
            let [lot, _, returned, lapsed] = self.spends[s].parts[part];
            let points = returned.min(less);
            less -= points;
            let unlapsed = points.min(lapsed);
            let owner = self.lots[lot as usize].owner;
            order.forgiven += self.take_back(owner, points - unlapsed, |at, _| at == lot as usize);
            self.spends[s].parts[part][2] -= points;
            self.spends[s].parts[part][3] -= unlapsed;
        }
    }
}

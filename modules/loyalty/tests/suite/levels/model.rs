//! The rules of docs/loyalty.md once more, as plainly as can be: every four hours from the beginning, all orders are
//! added up anew.

use loyalty::levels::rules::{Downgrade, Fall, Measure, Refunds, Rules};

use super::tools::DAY;

/// Everything happens at a multiple of this.
pub const TICK: i64 = 4 * 3_600_000;
const ZONE: i64 = 8 * 3_600_000;

#[derive(Debug, Clone)]
pub struct Order {
    pub owner: usize,
    pub at: i64,
    pub paid: i64,
    pub refunded: i64,
    pub void: bool,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub began: i64,
    pub now: i64,
    pub orders: Vec<Option<Order>>,
    /// From when on, what.
    pub rules: Vec<(i64, Rules)>,
    /// By whom, when, what.
    pub deeds: Vec<(usize, i64, Option<usize>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    pub rank: usize,
    pub since: i64,
    pub valid_until: Option<i64>,
    pub pinned: bool,
    pub earned: usize,
    pub amount: i64,
    pub orders: i64,
}

fn day(at: i64) -> i64 {
    (at + ZONE).div_euclid(DAY)
}

/// The first moment of a day.
fn begin(day: i64) -> i64 {
    day * DAY - ZONE
}

impl Model {
    fn rules_at(&self, at: i64) -> &Rules {
        &self.rules.iter().rev().find(|(from, _)| *from <= at).unwrap().1
    }

    fn measure(&self, family: &[usize], at: i64) -> (i64, i64, i64) {
        let rules = self.rules_at(at);
        let (mut amount, mut count) = (0, 0);
        for order in self.orders.iter().flatten() {
            let old =
                rules.window_days.is_some_and(|days| day(order.at) <= day(at) - i64::from(days));
            if order.void || !family.contains(&order.owner) || order.at > at || old {
                continue;
            }
            let kept = match rules.refunds {
                Refunds::TakeBack => (order.paid - order.refunded).max(0),
                Refunds::Keep => order.paid,
            };
            amount += kept;
            count += i64::from(kept > 0);
        }
        (amount, count, if rules.measure == Measure::Amount { amount } else { count })
    }

    pub fn stand(&self, family: &[usize]) -> Stand {
        let mut rank = 0;
        let (mut since, mut valid, mut pinned) = (self.began, None, false);
        let mut at = self.began;
        loop {
            let rules = self.rules_at(at).clone();
            let (amount, orders, measured) = self.measure(family, at);
            let earned = rules.levels.iter().filter(|level| level.bound <= measured).count();
            let was = rank;
            rank = rank.min(rules.levels.len());
            for (_, _, deed) in
                self.deeds.iter().filter(|deed| family.contains(&deed.0) && deed.1 == at)
            {
                pinned = deed.is_some();
                let before = rank;
                rank = deed.unwrap_or(earned).min(rules.levels.len());
                valid = None;
                if before != rank {
                    since = at;
                }
            }
            if was != rank {
                (since, valid) = (at, None);
            }
            let before = rank;
            if pinned {
                valid = None;
            } else {
                if earned > rank {
                    (rank, valid) = (earned, None);
                }
                match rules.downgrade {
                    Downgrade::Never | Downgrade::Hand => valid = None,
                    Downgrade::AtOnce => {
                        rank = rank.min(earned);
                        valid = None;
                    }
                    Downgrade::Validity { validity_days, grace_days, fall } => {
                        if let Some(end) = valid.filter(|end| *end <= at) {
                            if earned >= rank {
                                let days = i64::from(validity_days) + i64::from(at > end);
                                valid = Some(begin(day(at) + days));
                            } else if at >= end + i64::from(grace_days) * DAY {
                                rank = if fall == Fall::OneLevel {
                                    earned.max(rank - 1)
                                } else {
                                    earned
                                };
                                valid = None;
                            }
                        }
                        if rank == 0 {
                            valid = None;
                        } else {
                            let end = begin(day(at) + i64::from(validity_days) + 1);
                            valid = valid.or(Some(end));
                        }
                    }
                }
            }
            if before != rank {
                since = at;
            }
            if at + TICK > self.now {
                return Stand { rank, since, valid_until: valid, pinned, earned, amount, orders };
            }
            at += TICK;
        }
    }
}

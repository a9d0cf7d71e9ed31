//! What follows from a scheme, the orders of one family and what was done by hand: where the family stands now, and by
//! which steps it came there. Pure: time only enters as moments, so it does not matter when anybody looks.
//!
//! A scheme begins at `since`, with no level. From then on the replay stops at each moment at which something can
//! change: an order is paid or leaves the window, a version begins, somebody does something by hand, a validity or its
//! grace ends.

use chrono::{Days, NaiveDate};
use kernel::{Timestamp, Zone};
use serde::{Deserialize, Serialize};

use super::rules::{Downgrade, Fall, Measure, Refunds, Rules};
use super::scheme::Scheme;

/// The most minor units of one order; beyond, it counts as that.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// An order that was paid and not closed, in a shop and currency of the scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paid {
    /// When.
    pub at: Timestamp,
    /// Minor units, before refunds.
    pub paid_minor: i64,
    /// Given back so far.
    pub refunded_minor: i64,
}

/// Something done by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Pinned to this rank; none: released to what is earned.
    pub rank: Option<usize>,
}

/// Why a rank changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LevelCause)]
pub enum Cause {
    /// Orders were paid.
    Orders,
    /// Money was given back, or an order was closed or is gone.
    Refund,
    /// By hand.
    Hand,
    /// The scheme was changed.
    Scheme,
    /// Orders left the window, or the validity ended.
    Expiry,
    /// The customer was merged, or is alone again.
    Merge,
}

impl Cause {
    /// As it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Refund => "refund",
            Self::Hand => "hand",
            Self::Scheme => "scheme",
            Self::Expiry => "expiry",
            Self::Merge => "merge",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Orders, Self::Refund, Self::Hand, Self::Scheme, Self::Expiry, Self::Merge]
            .into_iter()
            .find(|cause| cause.name() == name)
    }
}

/// A change of the rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// From this moment on.
    pub at: Timestamp,
    /// The rank before.
    pub from: usize,
    /// The rank after.
    pub to: usize,
    /// Why.
    pub cause: Cause,
}

/// Where a family stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its rank; 0 is no level.
    pub rank: usize,
    /// Since when.
    pub since: Timestamp,
    /// Until when it is valid at least; in the past while its grace runs. Only by [`Downgrade::Validity`].
    pub valid_until: Option<Timestamp>,
    /// Whether the rank was pinned by hand.
    pub pinned: bool,
    /// The rank that what is measured reaches.
    pub earned: usize,
    /// What bounds are compared with: the amount, or the number of orders.
    pub measured: i64,
    /// Minor units that count.
    pub amount_minor: i64,
    /// Orders that count.
    pub orders: i64,
    /// The version that holds.
    pub version: i64,
    /// The next moment at which any of this may change by itself.
    pub next_at: Option<Timestamp>,
    /// How it came there, from the scheme's beginning.
    pub steps: Vec<Step>,
}

/// The first moment of the day `days` after `day`.
fn start(day: NaiveDate, days: u32, zone: Zone) -> Timestamp {
    Timestamp::start_of(day.checked_add_days(Days::new(days.into())).unwrap_or(day), zone)
}

/// Orders by time, with sums of those before each.
struct Ledger<'a> {
    zone: Zone,
    at: Vec<Timestamp>,
    /// Amount and number before refunds, then after them.
    sums: Vec<[i64; 4]>,
    scheme: &'a Scheme,
}

impl<'a> Ledger<'a> {
    fn new(scheme: &'a Scheme, orders: &[Paid]) -> Self {
        let mut sorted = orders.to_vec();
        sorted.sort_unstable_by_key(|order| order.at);
        let mut sum = [0_i64; 4];
        let mut sums = vec![sum];
        for order in &sorted {
            let paid = order.paid_minor.clamp(0, AMOUNT_MAX);
            let net = (paid - order.refunded_minor.clamp(0, AMOUNT_MAX)).max(0);
            let more = [paid, i64::from(paid > 0), net, i64::from(net > 0)];
            sum = std::array::from_fn(|at| sum[at].saturating_add(more[at]));
            sums.push(sum);
        }
        let at = sorted.iter().map(|order| order.at).collect();
        Self { zone: scheme.zone, at, sums, scheme }
    }

    /// Which orders are in the window at `now`.
    fn window(&self, rules: &Rules, now: Timestamp) -> (usize, usize) {
        let to = self.at.partition_point(|at| *at <= now);
        let Some(days) = rules.window_days else { return (0, to) };
        let before = Days::new(u64::from(days.saturating_sub(1)));
        let Some(first) = now.day(self.zone).checked_sub_days(before) else { return (0, to) };
        let first = Timestamp::start_of(first, self.zone);
        (self.at.partition_point(|at| *at < first).min(to), to)
    }

    /// Amount and number of orders that count at `now`.
    fn measure(&self, rules: &Rules, now: Timestamp) -> (i64, i64) {
        let (from, to) = self.window(rules, now);
        let side = if rules.refunds == Refunds::Keep { 0 } else { 2 };
        let of = |place: usize| match (self.sums.get(from), self.sums.get(to)) {
            (Some(from), Some(to)) => to[place] - from[place],
            _ => 0,
        };
        (of(side), of(side + 1))
    }

    /// The next moment after `now` at which an order is paid, leaves the window, or a version begins.
    fn next(&self, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
        let (from, to) = self.window(rules, now);
        let paid = self.at.get(to).copied();
        let leaves = match (rules.window_days, self.at.get(from)) {
            (Some(days), Some(at)) if from < to => Some(start(at.day(self.zone), days, self.zone)),
            _ => None,
        };
        let version = self.scheme.versions.iter().map(|v| v.from).find(|from| *from > now);
        [paid, leaves, version].into_iter().flatten().min()
    }
}

/// What the replay knows at one moment.
struct State {
    rank: usize,
    since: Timestamp,
    valid_until: Option<Timestamp>,
    pinned: bool,
    steps: Vec<Step>,
}

impl State {
    fn set(&mut self, rank: usize, at: Timestamp, cause: Cause) {
        self.valid_until = None;
        if rank != self.rank {
            self.steps.push(Step { at, from: self.rank, to: rank, cause });
            (self.rank, self.since) = (rank, at);
        }
    }

    /// What the policy makes of what is `earned` at `at`.
    fn follow(&mut self, rules: &Rules, earned: usize, at: Timestamp, cause: Cause, zone: Zone) {
        if self.pinned {
            self.valid_until = None;
            return;
        }
        if earned > self.rank {
            self.set(earned, at, cause);
        }
        match rules.downgrade {
            Downgrade::Never | Downgrade::Hand => self.valid_until = None,
            Downgrade::AtOnce => {
                self.valid_until = None;
                if earned < self.rank {
                    self.set(earned, at, cause);
                }
            }
            Downgrade::Validity { validity_days, grace_days, fall } => {
                match self.valid_until {
                    Some(end) if at >= end && earned >= self.rank => {
                        // Kept without a gap, a year follows a year; in the grace it is earned anew on its day.
                        let days = if at == end { validity_days } else { validity_days + 1 };
                        self.valid_until = Some(start(at.day(zone), days, zone));
                    }
                    Some(end) if at >= start(end.day(zone), grace_days, zone) => match fall {
                        Fall::ToEarned => self.set(earned, at, cause),
                        Fall::OneLevel => self.set(earned.max(self.rank - 1), at, cause),
                    },
                    _ => {}
                }
                if self.rank == 0 {
                    self.valid_until = None;
                } else if self.valid_until.is_none() {
                    self.valid_until = Some(start(at.day(zone), validity_days + 1, zone));
                }
            }
        }
    }

    /// When its validity, or its grace, ends next.
    fn deadline(&self, rules: &Rules, now: Timestamp, zone: Zone) -> Option<Timestamp> {
        let end = self.valid_until?;
        match rules.downgrade {
            Downgrade::Validity { grace_days, .. } if now >= end => {
                Some(start(end.day(zone), grace_days, zone))
            }
            _ => Some(end),
        }
    }
}

/// Where a family stands at `now`, by its orders and by what was done by hand to any of it.
#[must_use]
pub fn evaluate(scheme: &Scheme, orders: &[Paid], deeds: &[Deed], now: Timestamp) -> Standing {
    let zone = scheme.zone;
    let ledger = Ledger::new(scheme, orders);
    let mut deeds = deeds.to_vec();
    deeds.sort_by_key(|deed| deed.at);
    let mut deeds = deeds.into_iter().peekable();
    let mut at = scheme.since;
    let mut state =
        State { rank: 0, since: at, valid_until: None, pinned: false, steps: Vec::new() };
    loop {
        let (version, rules) = scheme.at(at);
        let begins = scheme.versions.iter().skip(1).any(|version| version.from == at);
        let (amount_minor, orders) = ledger.measure(rules, at);
        let measured = if rules.measure == Measure::Amount { amount_minor } else { orders };
        let earned = rules.rank_of(measured);
        if state.rank > rules.levels.len() {
            state.set(rules.levels.len(), at, Cause::Scheme);
        }
        while let Some(deed) = deeds.next_if(|deed| deed.at <= at) {
            let rank = deed.rank.unwrap_or(earned).min(rules.levels.len());
            state.pinned = deed.rank.is_some();
            state.set(rank, at, Cause::Hand);
        }
        let cause = match (begins, earned > state.rank) {
            (true, _) => Cause::Scheme,
            (false, true) => Cause::Orders,
            (false, false) => Cause::Expiry,
        };
        state.follow(rules, earned, at, cause, zone);
        let deed = deeds.peek().map(|deed| deed.at);
        let next = [ledger.next(rules, at), state.deadline(rules, at, zone), deed];
        // What may come is strictly later: deadlines and windows end with days, and all else was taken above.
        let next = next.into_iter().flatten().filter(|next| *next > at).min();
        match next {
            Some(next) if next <= now => at = next,
            next_at => {
                let State { rank, since, valid_until, pinned, steps } = state;
                return Standing {
                    rank,
                    since,
                    valid_until,
                    pinned,
                    earned,
                    measured,
                    amount_minor,
                    orders,
                    version,
                    next_at,
                    steps,
                };
            }
        }
    }
}

//! Who orders when: a few bytes for each order, so that millions fit in memory.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};

use crate::calendar::{self, Demand};
use crate::dice::{Dice, Topic};
use crate::plan::ShopPlan;

/// How an account behaves; nobody sees this but the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Buys again and again, at about equal distances, to this day.
    Loyal,
    /// Buys once.
    OneOff,
    /// Buys when there is a sale.
    BargainHunter,
    /// Bought a few times long ago.
    Sleeping,
    /// Bought often, then stopped.
    Lapsed,
}

/// One order to come: when and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    /// Seconds since the first midnight of the plan.
    pub(crate) second: u32,
    /// The account.
    pub(crate) account: u32,
    /// Which of the account's orders, counted from 0 for the first.
    pub(crate) nth: u32,
}

/// The life of an account in the shop, in days from the plan's first.
struct Life {
    behaviour: Behaviour,
    first: u32,
    last: u32,
    appetite: u64,
}

const BEHAVIOURS: [(Behaviour, u64); 5] = [
    (Behaviour::Loyal, 15),
    (Behaviour::OneOff, 42),
    (Behaviour::BargainHunter, 16),
    (Behaviour::Sleeping, 12),
    (Behaviour::Lapsed, 15),
];

/// The behaviour of `account`.
pub(crate) fn behaviour(seed: u64, account: u32) -> Behaviour {
    *Dice::new(seed, Topic::Behaviour, u64::from(account)).weighted(&BEHAVIOURS)
}

fn life(plan: &ShopPlan, arrivals: &Demand, account: u32) -> Life {
    let days = u64::from(plan.days());
    let mut dice = Dice::new(plan.seed, Topic::Behaviour, u64::from(account));
    let behaviour = *dice.weighted(&BEHAVIOURS);
    // Shares of the whole time in thousandths: latest first day, shortest and longest stay.
    let (latest, shortest, longest, hunger) = match behaviour {
        Behaviour::Loyal => (1000, 1000, 1000, 60),
        Behaviour::OneOff => (1000, 0, 0, 0),
        Behaviour::BargainHunter => (940, 1000, 1000, 26),
        Behaviour::Sleeping => (550, 30, 200, 60),
        Behaviour::Lapsed => (640, 120, 420, 78),
    };
    let open_days = (days * latest / 1000).max(1) as u32;
    let first = arrivals.day_at(dice.below(arrivals.before(open_days)));
    let stay = days * dice.within(shortest, longest) / 1000;
    let mut end = u64::from(first) + stay;
    if behaviour == Behaviour::Lapsed {
        end = end.min(days * 860 / 1000);
    }
    let last = end.clamp(u64::from(first), days - 1) as u32;
    // Few are hungry: the product of two dice leans to the small.
    let appetite =
        hunger * dice.within(2, 10) * dice.within(1, 10) * (u64::from(last - first) + 20);
    Life { behaviour, first, last, appetite }
}

/// Every order of the plan up to the moment of the report, newest first.
pub(crate) fn slots(plan: &ShopPlan) -> Vec<Slot> {
    let days = plan.days();
    // New accounts come 2.2 times as fast at the end as at the beginning.
    let arrivals = Demand::new(plan.from, days, |index, day| {
        calendar::demand(day) * (1000 + 1200 * u64::from(index) / u64::from(days))
    });
    let ordinary = Demand::new(plan.from, days, |_, day| calendar::demand(day));
    let bargains = Demand::new(plan.from, days, |_, day| calendar::bargain_demand(day));

    let counts = counts(plan, &arrivals);
    let mut slots = Vec::with_capacity(plan.orders as usize);
    for (account, &count) in counts.iter().enumerate() {
        let account = account as u32;
        let life = life(plan, &arrivals, account);
        let demand = if life.behaviour == Behaviour::BargainHunter { &bargains } else { &ordinary };
        let mut dice = Dice::new(plan.seed, Topic::Moments, u64::from(account));
        for nth in 0..count {
            let day =
                if nth == 0 { life.first } else { later_day(&life, demand, nth, count, &mut dice) };
            slots.push(Slot { second: second_of(plan.from, day, &mut dice), account, nth });
        }
    }
    let horizon = (plan.taken_at - midnight(plan.from)).num_seconds();
    slots.retain(|slot| i64::from(slot.second) <= horizon);
    slots.sort_unstable_by(|a, b| b.cmp(a));
    slots
}

/// How many orders each account gets: one, and a share of the rest by appetite.
fn counts(plan: &ShopPlan, arrivals: &Demand) -> Vec<u32> {
    let mut total = 0;
    let ends: Vec<u64> = (0..plan.customers)
        .map(|account| {
            total += life(plan, arrivals, account).appetite;
            total
        })
        .collect();
    let mut counts = vec![1u32; plan.customers as usize];
    let mut dice = Dice::new(plan.seed, Topic::Share, 0);
    for _ in plan.customers..plan.orders {
        let account = if total == 0 {
            dice.below(u64::from(plan.customers)) as usize
        } else {
            let mark = dice.below(total);
            ends.partition_point(|end| *end <= mark)
        };
        counts[account] += 1;
    }
    counts
}

fn later_day(life: &Life, demand: &Demand, nth: u32, count: u32, dice: &mut Dice) -> u32 {
    let first = (life.first + 4).min(life.last);
    let low = u128::from(demand.before(first));
    let span = u128::from(demand.before(life.last + 1)) - low;
    let chance = u128::from(dice.below(1 << 20));
    let mark = if life.behaviour == Behaviour::Loyal {
        // One order in each of the equal parts: a habit, not a coincidence.
        (span * ((u128::from(nth - 1) << 20) + chance) / u128::from(count - 1)) >> 20
    } else {
        (span * chance) >> 20
    };
    demand.day_at((low + mark) as u64)
}

fn second_of(from: NaiveDate, day: u32, dice: &mut Dice) -> u32 {
    let date = from.checked_add_days(Days::new(u64::from(day))).unwrap_or(from);
    let hours = calendar::hours(date);
    let mut left = dice.below(hours.iter().sum());
    let mut hour = 0;
    while left >= hours[hour] {
        left -= hours[hour];
        hour += 1;
    }
    day * 86_400 + hour as u32 * 3_600 + dice.below(3_600) as u32
}

fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN)
}

/// The moment `second` seconds after the plan's first midnight.
pub(crate) fn moment(plan: &ShopPlan, second: u32) -> NaiveDateTime {
    midnight(plan.from) + TimeDelta::seconds(i64::from(second))
}

//! Past orders, priced with what runs now and with a draft.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::FULL_BPS;
use crate::cart::{Cart, Context};
use crate::catalogue::Catalogue;
use crate::effect::State;
use crate::promotion::Promotion;
use crate::search::Search;
use crate::world::World;

/// Leaks that are told one by one; all are counted.
const MAX_LEAKS: usize = 100;

/// An order of the past as a cart at list prices, with the context of its moment.
#[derive(Debug, Clone)]
pub struct PastOrder {
    /// What was ordered.
    pub cart: Cart,
    /// For whom and when. `used`, `stock_left` and coupons are as the caller believes them to have been.
    pub context: Context,
}

/// Beyond what a reduction is a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The deepest reduction that is meant, in basis points of the list price.
    pub deepest_off_bps: u32,
    /// The least of the list price that the platform lets be paid, in basis points.
    pub floor_bps: u32,
}

/// What a catalogue does with past orders. Amounts are minor units; orders of several currencies are for the caller to
/// keep apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Orders priced.
    pub orders: u64,
    /// Those from which something was taken off.
    pub touched: u64,
    /// Goods and shipping at list price.
    pub list_minor: i128,
    /// What promotions take off: what they cost the shop.
    pub discount_minor: i128,
    /// What is paid for goods of lines with a cost, less that cost.
    pub margin_minor: i128,
    /// Lines with a cost.
    pub costed: u64,
    /// Orders whose goods are reduced by more than is meant.
    pub deep: u64,
    /// Orders whose goods cost less than the platform's floor.
    pub below_floor: u64,
    /// Orders whose price is the best found and not proven to be the best.
    pub inexact: u64,
}

/// What runs now and the draft, over the same orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// With what runs now.
    pub now: Totals,
    /// With the draft.
    pub draft: Totals,
}

/// The draft and what runs now, over the same orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Simulation {
    /// All orders.
    pub all: Compared,
    /// By tier of the customer; without a tier under the empty name.
    pub by_tier: BTreeMap<String, Compared>,
    /// By day of the shop's clock.
    pub by_day: BTreeMap<NaiveDate, Compared>,
    /// With the draft, what each promotion takes off and in how many orders it applies, gifts too.
    pub by_promotion: BTreeMap<String, PromotionTotals>,
    /// Lines on which two or more promotions of the draft together go below cost or too deep.
    pub leaks: u64,
    /// The first of them, in the order of the input.
    pub first_leaks: Vec<Leak>,
    /// The first orders of [`Totals::deep`] or [`Totals::below_floor`] with the draft, in the order of the input.
    pub first_deep: Vec<DeepOrder>,
    /// Orders that could not be priced; they are in no total.
    pub refused: u64,
}

/// What one promotion does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromotionTotals {
    /// Orders in which it applies.
    pub orders: u64,
    /// What it takes off.
    pub discount_minor: i128,
}

/// A line on which promotions together give more than was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leak {
    /// Position of the order in the input.
    pub order: u64,
    /// Id of the line.
    pub line: String,
    /// The promotions that apply to it.
    pub promotions: Vec<String>,
    /// The line at list price.
    pub list_minor: i64,
    /// What is left to pay.
    pub paid_minor: i64,
    /// What the pieces cost the shop, if known.
    pub cost_minor: Option<i64>,
}

/// An order whose goods are reduced by more than was meant, by one promotion or by several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeepOrder {
    /// Position in the input.
    pub order: u64,
    /// The promotions that apply, in order of application.
    pub promotions: Vec<String>,
    /// Goods at list price.
    pub list_minor: i64,
    /// What is left to pay for them with the draft.
    pub paid_minor: i64,
    /// What is left to pay for them with what runs now.
    pub paid_now_minor: i64,
    /// Whether that is below the platform's floor.
    pub is_below_floor: bool,
}

/// Prices `orders` with `now` and with `draft`, in parts on `threads` threads, and adds up.
///
/// A line leaks if two or more promotions apply to it and together it costs less than the shop paid for it, or more than
/// the deepest reduction of `bounds` is taken off its list price. Points are left aside. The answer does not depend on `threads`.
#[must_use]
pub fn simulate(
    orders: &[PastOrder],
    now: &Catalogue,
    draft: &Catalogue,
    bounds: Bounds,
    threads: NonZeroUsize,
) -> Simulation {
    let replay =
        Replay { now, draft, bounds, is_new: unlike(draft, now), is_gone: unlike(now, draft) };
    let part = orders.len().div_ceil(threads.get()).max(1);
    let parts: Vec<Simulation> = std::thread::scope(|scope| {
        let replay = &replay;
        let running: Vec<_> = orders
            .chunks(part)
            .enumerate()
            .map(|(index, chunk)| scope.spawn(move || replay.run(chunk, index * part)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut all = Simulation::default();
    for part in parts {
        all.add(part);
    }
    all
}

/// For each promotion of `some`, whether `others` has no such promotion.
fn unlike(some: &Catalogue, others: &Catalogue) -> Vec<bool> {
    let others: BTreeMap<&str, &Promotion> =
        others.promotions().iter().map(|other| (other.id.as_str(), other)).collect();
    let known = |promotion: &Promotion| others.get(promotion.id.as_str()) == Some(&promotion);
    some.promotions().iter().map(|promotion| !known(promotion)).collect()
}

/// What orders are replayed through.
struct Replay<'a> {
    now: &'a Catalogue,
    draft: &'a Catalogue,
    bounds: Bounds,
    /// For each promotion of the draft, whether it does not run now as it is.
    is_new: Vec<bool>,
    /// For each promotion that runs now, whether the draft has it not or otherwise.
    is_gone: Vec<bool>,
}

impl Replay<'_> {
    fn run(&self, orders: &[PastOrder], first: usize) -> Simulation {
        let mut sum = Simulation::default();
        let mut by_promotion = vec![PromotionTotals::default(); self.draft.promotions().len()];
        let mut by_tier: BTreeMap<&str, Compared> = BTreeMap::new();
        for (index, order) in orders.iter().enumerate() {
            let worlds = (
                World::new(self.now, &order.cart, &order.context),
                World::new(self.draft, &order.cart, &order.context),
            );
            let (Ok(now), Ok(draft)) = worlds else {
                sum.refused += 1;
                continue;
            };
            let meets = |world: &World<'_>, which: &[bool]| {
                world.offers.iter().any(|offer| which[offer.promotion()])
            };
            let is_other = meets(&now, &self.is_gone) || meets(&draft, &self.is_new);
            let after = run(draft);
            let draft = after.totals(self.bounds);
            // Where nothing differs that could apply, the price is the same.
            let (paid_now, now) = if is_other {
                let before = run(now);
                (before.paid(), before.totals(self.bounds))
            } else {
                (after.paid(), draft.clone())
            };
            let both = Compared { now, draft };
            sum.all.add(&both);
            let context = &order.context;
            by_tier.entry(context.customer.tier.as_deref().unwrap_or("")).or_default().add(&both);
            let day = context.now.local(context.zone()).date();
            sum.by_day.entry(day).or_default().add(&both);
            for applied in &after.state.applied {
                let promotion = &mut by_promotion[applied.offer.promotion()];
                promotion.discount_minor += i128::from(applied.effect.minor);
                promotion.orders += u64::from(after.is_first(applied.index));
            }
            let order = (first + index) as u64;
            if (both.draft.deep > 0 || both.draft.below_floor > 0)
                && sum.first_deep.len() < MAX_LEAKS
            {
                sum.first_deep.push(after.deep(order, paid_now, both.draft.below_floor > 0));
            }
            after.leaks(order, self.bounds.deepest_off_bps, &mut sum);
        }
        sum.by_tier = by_tier.into_iter().map(|(tier, both)| (tier.to_owned(), both)).collect();
        let promotions = self.draft.promotions().iter().map(|promotion| promotion.id.clone());
        sum.by_promotion = promotions.zip(by_promotion).collect();
        sum
    }
}

/// One order, priced without an explanation.
struct Run<'a> {
    world: World<'a>,
    state: State,
    is_exact: bool,
}

fn run(world: World<'_>) -> Run<'_> {
    let found = Search::run(&world);
    let mut state = State::new(&world);
    for index in &found.chosen {
        let offer = world.offers[*index];
        state.enter(world.stage(offer));
        if let Ok(effect) = state.effect(&world, offer) {
            state.apply(&world, *index, offer, effect);
        }
    }
    Run { world, state, is_exact: found.is_exact }
}

impl Run<'_> {
    /// The goods at list price.
    fn goods(&self) -> i64 {
        self.world.lines.iter().map(|line| line.list).sum()
    }

    /// What is left to pay for them.
    fn paid(&self) -> i64 {
        self.state.run.iter().sum()
    }

    fn totals(&self, bounds: Bounds) -> Totals {
        let (goods, paid) = (self.goods(), self.paid());
        let list = goods + self.world.cart.shipping_minor;
        let margin = self.world.lines.iter().zip(&self.state.run).map(|(line, paid)| {
            let cost =
                line.line.cost_minor.map(|cost| i128::from(cost) * i128::from(line.quantity));
            cost.map_or(0, |cost| i128::from(*paid) - cost)
        });
        let costed = self.world.lines.iter().filter(|line| line.line.cost_minor.is_some());
        let of_list = |bps: u32| i128::from(goods) * i128::from(bps);
        let in_bps = |minor: i64| i128::from(minor) * i128::from(FULL_BPS);
        Totals {
            orders: 1,
            touched: u64::from(!self.state.applied.is_empty()),
            list_minor: i128::from(list),
            discount_minor: i128::from(list - self.state.payable()),
            margin_minor: margin.sum(),
            costed: costed.count() as u64,
            deep: u64::from(in_bps(goods - paid) > of_list(bounds.deepest_off_bps)),
            below_floor: u64::from(in_bps(paid) < of_list(bounds.floor_bps)),
            inexact: u64::from(!self.is_exact),
        }
    }

    fn deep(&self, order: u64, paid_now_minor: i64, is_below_floor: bool) -> DeepOrder {
        let mut promotions: Vec<String> = Vec::new();
        for applied in &self.state.applied {
            let id = &self.world.promotion(applied.offer).id;
            if !promotions.contains(id) {
                promotions.push(id.clone());
            }
        }
        let (list_minor, paid_minor) = (self.goods(), self.paid());
        DeepOrder { order, promotions, list_minor, paid_minor, paid_now_minor, is_below_floor }
    }

    /// Whether the offer at `index` is the first of its promotion that applies.
    fn is_first(&self, index: usize) -> bool {
        let promotion = self.world.offers[index].promotion;
        let first = self.state.applied.iter().find(|other| other.offer.promotion == promotion);
        first.is_some_and(|first| first.index == index)
    }

    fn leaks(&self, order: u64, deepest_off_bps: u32, sum: &mut Simulation) {
        if self.state.applied.len() < 2 {
            return;
        }
        for (index, (line, paid)) in self.world.lines.iter().zip(&self.state.run).enumerate() {
            let off = i128::from(line.list - paid) * i128::from(FULL_BPS);
            let is_deep = off > i128::from(line.list) * i128::from(deepest_off_bps);
            let cost_minor = line.line.cost_minor.map(|cost| cost.saturating_mul(line.quantity));
            if !is_deep && cost_minor.is_none_or(|cost| *paid >= cost) {
                continue;
            }
            let mut promotions = Vec::new();
            for (at, applied) in self.state.applied.iter().enumerate() {
                let end = self.state.applied.get(at + 1).map(|next| next.shares);
                let end = end.unwrap_or(self.state.shares.len());
                if self.state.shares[applied.shares..end].iter().any(|(line, _)| *line == index) {
                    promotions.push(self.world.promotion(applied.offer).id.clone());
                }
            }
            if promotions.len() < 2 {
                continue;
            }
            sum.leaks += 1;
            if sum.first_leaks.len() < MAX_LEAKS {
                sum.first_leaks.push(Leak {
                    order,
                    line: line.line.id.clone(),
                    promotions,
                    list_minor: line.list,
                    paid_minor: *paid,
                    cost_minor,
                });
            }
        }
    }
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.touched += other.touched;
        self.list_minor += other.list_minor;
        self.discount_minor += other.discount_minor;
        self.margin_minor += other.margin_minor;
        self.costed += other.costed;
        self.deep += other.deep;
        self.below_floor += other.below_floor;
        self.inexact += other.inexact;
    }
}

impl Compared {
    fn add(&mut self, other: &Self) {
        self.now.add(&other.now);
        self.draft.add(&other.draft);
    }
}

impl Simulation {
    /// Adds what other orders, behind those of this one, came to. Positions of leaks stay as they are.
    pub fn add(&mut self, other: Self) {
        self.all.add(&other.all);
        for (tier, both) in &other.by_tier {
            self.by_tier.entry(tier.clone()).or_default().add(both);
        }
        for (day, both) in &other.by_day {
            self.by_day.entry(*day).or_default().add(both);
        }
        for (promotion, totals) in other.by_promotion {
            let sum = self.by_promotion.entry(promotion).or_default();
            sum.orders += totals.orders;
            sum.discount_minor += totals.discount_minor;
        }
        self.leaks += other.leaks;
        let room = MAX_LEAKS - self.first_leaks.len();
        self.first_leaks.extend(other.first_leaks.into_iter().take(room));
        let room = MAX_LEAKS - self.first_deep.len();
        self.first_deep.extend(other.first_deep.into_iter().take(room));
        self.refused += other.refused;
    }
}

//! Past orders, priced with what runs now and with a draft.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cart::{Cart, Context};
use crate::catalogue::Catalogue;
use crate::effect::State;
use crate::search::Search;
use crate::world::World;
use crate::{FULL_BPS, PricingError};

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
    /// Orders whose price is the best found and not proven to be the best.
    pub inexact: u64,
}

/// The draft and what runs now, over the same orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Simulation {
    /// With what runs now.
    pub now: Totals,
    /// With the draft.
    pub draft: Totals,
    /// With the draft, by tier of the customer; without a tier under the empty name.
    pub by_tier: BTreeMap<String, Totals>,
    /// With the draft, what each promotion takes off and in how many orders it applies, gifts too.
    pub by_promotion: BTreeMap<String, PromotionTotals>,
    /// Lines on which two or more promotions of the draft together go below cost or too deep.
    pub leaks: u64,
    /// The first of them, in the order of the input.
    pub first_leaks: Vec<Leak>,
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

/// Prices `orders` with `now` and with `draft`, in parts on `threads` threads, and adds up.
///
/// A line leaks if two or more promotions apply to it and together it costs less than the shop paid for it, or more than
/// `deepest_off_bps` of its list price is taken off. Points are left aside. The answer does not depend on `threads`.
#[must_use]
pub fn simulate(
    orders: &[PastOrder],
    now: &Catalogue,
    draft: &Catalogue,
    deepest_off_bps: u32,
    threads: NonZeroUsize,
) -> Simulation {
    let part = orders.len().div_ceil(threads.get()).max(1);
    let parts: Vec<Simulation> = std::thread::scope(|scope| {
        let running: Vec<_> = orders
            .chunks(part)
            .enumerate()
            .map(|(index, chunk)| {
                scope.spawn(move || replay(chunk, index * part, now, draft, deepest_off_bps))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    parts.into_iter().fold(Simulation::default(), Simulation::plus)
}

fn replay(
    orders: &[PastOrder],
    first: usize,
    now: &Catalogue,
    draft: &Catalogue,
    deepest_off_bps: u32,
) -> Simulation {
    let mut sum = Simulation::default();
    let mut by_promotion = vec![PromotionTotals::default(); draft.promotions().len()];
    let mut by_tier: BTreeMap<&str, Totals> = BTreeMap::new();
    for (index, order) in orders.iter().enumerate() {
        let (Ok(before), Ok(after)) = (run(order, now), run(order, draft)) else {
            sum.refused += 1;
            continue;
        };
        sum.now.add(&before.totals());
        let totals = after.totals();
        sum.draft.add(&totals);
        by_tier
            .entry(order.context.customer.tier.as_deref().unwrap_or(""))
            .or_default()
            .add(&totals);
        for applied in &after.state.applied {
            let promotion = &mut by_promotion[applied.offer.promotion()];
            promotion.discount_minor += i128::from(applied.effect.minor);
            promotion.orders += u64::from(after.is_first(applied.index));
        }
        after.leaks((first + index) as u64, deepest_off_bps, &mut sum);
    }
    sum.by_tier = by_tier.into_iter().map(|(tier, totals)| (tier.to_owned(), totals)).collect();
    sum.by_promotion = draft
        .promotions()
        .iter()
        .zip(by_promotion)
        .map(|(promotion, totals)| (promotion.id.clone(), totals))
        .collect();
    sum
}

/// One order, priced without an explanation.
struct Run<'a> {
    world: World<'a>,
    state: State,
    is_exact: bool,
}

fn run<'a>(order: &'a PastOrder, catalogue: &'a Catalogue) -> Result<Run<'a>, PricingError> {
    let world = World::new(catalogue, &order.cart, &order.context)?;
    let found = Search::run(&world);
    let mut state = State::new(&world);
    for index in &found.chosen {
        let offer = world.offers[*index];
        state.enter(world.stage(offer));
        if let Ok(effect) = state.effect(&world, offer) {
            state.apply(&world, *index, offer, effect);
        }
    }
    Ok(Run { world, state, is_exact: found.is_exact })
}

impl Run<'_> {
    fn totals(&self) -> Totals {
        let goods: i64 = self.world.lines.iter().map(|line| line.list).sum();
        let list = goods + self.world.cart.shipping_minor;
        let margin = self.world.lines.iter().zip(&self.state.run).map(|(line, paid)| {
            let cost =
                line.line.cost_minor.map(|cost| i128::from(cost) * i128::from(line.quantity));
            cost.map_or(0, |cost| i128::from(*paid) - cost)
        });
        Totals {
            orders: 1,
            touched: u64::from(!self.state.applied.is_empty()),
            list_minor: i128::from(list),
            discount_minor: i128::from(list - self.state.payable()),
            margin_minor: margin.sum(),
            inexact: u64::from(!self.is_exact),
        }
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
        self.inexact += other.inexact;
    }
}

impl Simulation {
    fn plus(mut self, other: Self) -> Self {
        self.now.add(&other.now);
        self.draft.add(&other.draft);
        for (tier, totals) in other.by_tier {
            self.by_tier.entry(tier).or_default().add(&totals);
        }
        for (promotion, totals) in other.by_promotion {
            let sum = self.by_promotion.entry(promotion).or_default();
            sum.orders += totals.orders;
            sum.discount_minor += totals.discount_minor;
        }
        self.leaks += other.leaks;
        let room = MAX_LEAKS - self.first_leaks.len();
        self.first_leaks.extend(other.first_leaks.into_iter().take(room));
        self.refused += other.refused;
        self
    }
}

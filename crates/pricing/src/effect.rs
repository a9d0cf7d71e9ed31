//! What an offer takes off in a certain state of the cart, and the cart after it.

use crate::amount::{pay, split};
use crate::pieces::{self, Class};
use crate::priced::{Reason, Stage};
use crate::promotion::{Kind, Measure, PriceChange, StepOff};
use crate::world::{Offer, WHOLE, World};

/// What an offer gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// Taken off lines or shipping.
    pub(crate) minor: i64,
    /// How many times its gifts are given.
    pub(crate) times: i64,
    /// Pieces at the price of a flash sale.
    pub(crate) pieces: i64,
}

/// Why an offer gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    Discounted,
    BelowAmount { needed_minor: i64, have_minor: i64 },
    BelowPieces { needed: u64, have: u64 },
    SoldOut,
    Budget { left_minor: i64, needed_minor: i64 },
    NotLower,
    NoShipping,
}

impl From<Miss> for Reason {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Discounted => Self::Discounted,
            Miss::BelowAmount { needed_minor, have_minor } => {
                Self::BelowAmount { needed_minor, have_minor }
            }
            Miss::BelowPieces { needed, have } => Self::BelowPieces { needed, have },
            Miss::SoldOut => Self::SoldOut,
            Miss::Budget { left_minor, needed_minor } => Self::Budget { left_minor, needed_minor },
            Miss::NotLower => Self::NotLower,
            Miss::NoShipping => Self::NoShipping,
        }
    }
}

/// An offer that was applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applied {
    /// Its position among the offers.
    pub(crate) index: usize,
    pub(crate) offer: Offer,
    pub(crate) effect: Effect,
    /// Where its shares begin.
    pub(crate) shares: usize,
}

/// The cart after some offers.
pub(crate) struct State {
    /// What each line costs now.
    pub(crate) run: Vec<i64>,
    /// Whether a price rule lowered it.
    discounted: Vec<bool>,
    pub(crate) shipping: i64,
    pub(crate) gift_value: i64,
    /// For each stage, what each line cost at its beginning.
    bases: Vec<i64>,
    stage: Option<Stage>,
    /// For each promotion: what it gave so far of its budget, or how many pieces of its stock.
    given: Vec<i64>,
    pub(crate) applied: Vec<Applied>,
    /// Line and amount, of `applied` in turn.
    pub(crate) shares: Vec<(usize, i64)>,
    classes: Vec<Class>,
    weights: Vec<i64>,
    parts: Vec<i64>,
    /// Another number after every change of what pools are made of.
    version: u64,
    /// For each set of lines, with and without those that are discounted: what it came to, and in which version.
    pools: Vec<(u64, Pool)>,
}

/// What the lines of an offer come to.
#[derive(Debug, Clone, Copy, Default)]
struct Pool {
    run: i64,
    base: i64,
    pieces: i64,
}

impl State {
    pub(crate) fn new(world: &World<'_>) -> Self {
        let lines = world.lines.len();
        Self {
            run: world.lines.iter().map(|line| line.list).collect(),
            discounted: vec![false; lines],
            shipping: world.cart.shipping_minor,
            gift_value: 0,
            bases: vec![0; lines * Stage::COUNT],
            stage: None,
            given: vec![0; world.figures.len()],
            applied: Vec::new(),
            shares: Vec::new(),
            classes: Vec::new(),
            weights: Vec::new(),
            parts: Vec::new(),
            version: 1,
            pools: vec![(0, Pool::default()); world.set_count() * 2],
        }
    }

    pub(crate) fn payable(&self) -> i64 {
        self.run.iter().sum::<i64>() + self.shipping
    }

    /// Begins `stage`, unless it has begun: thresholds are measured on what lines cost now.
    pub(crate) fn enter(&mut self, stage: Stage) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.version += 1;
            let begin = stage as usize * self.run.len();
            self.bases[begin..begin + self.run.len()].copy_from_slice(&self.run);
        }
    }

    /// Goes back into `stage`, as it began when it was entered last.
    pub(crate) fn back_to(&mut self, stage: Stage) {
        self.stage = Some(stage);
        self.version += 1;
    }

    /// What `offer` gives now, in its stage.
    pub(crate) fn effect(&mut self, world: &World<'_>, offer: Offer) -> Result<Effect, Miss> {
        let effect = self.raw(world, offer, false)?;
        let Some(budget) = world.promotion(offer).budget_left_minor else { return Ok(effect) };
        let left_minor = budget - self.given[offer.promotion()];
        if effect.minor > left_minor {
            return Err(Miss::Budget { left_minor, needed_minor: effect.minor });
        }
        Ok(effect)
    }

    /// At least what `offer` takes off after any further offers.
    ///
    /// Everything taken off rises with what lines cost, and lines only become cheaper. The one exception,
    /// the cheapest pieces when cheap lines drop out, is bounded by the dearest pieces.
    pub(crate) fn upper(&mut self, world: &World<'_>, offer: Offer) -> Effect {
        let mut effect = self.raw(world, offer, true).unwrap_or_default();
        if let Some(budget) = world.promotion(offer).budget_left_minor {
            effect.minor = effect.minor.min(budget - self.given[offer.promotion()]);
        }
        effect
    }

    fn raw(&mut self, world: &World<'_>, offer: Offer, is_bound: bool) -> Result<Effect, Miss> {
        match world.stage(offer) {
            Stage::Price => self.price_effect(world, offer),
            stage => self.pool_effect(world, offer, stage, is_bound),
        }
    }

    fn price_effect(&self, world: &World<'_>, offer: Offer) -> Result<Effect, Miss> {
        let line = &world.lines[usize::from(offer.line)];
        let unit = line.line.unit_price_minor;
        let index = offer.promotion();
        let mut pieces = line.quantity;
        let price = match &world.promotion(offer).kind {
            Kind::LevelDiscount { .. } => {
                pay(unit, u32::try_from(world.figures[index]).unwrap_or(crate::FULL_BPS))
            }
            Kind::TimedDiscount { price } => match *price {
                PriceChange::Rate { pay_bps } => pay(unit, pay_bps),
                PriceChange::Less { off_minor } => (unit - off_minor).max(0),
                PriceChange::Fixed { unit_price_minor } => unit_price_minor,
            },
            Kind::FlashSale { unit_price_minor, .. } => {
                pieces = pieces.min(world.figures[index] - self.given[index]);
                *unit_price_minor
            }
            _ => unit,
        };
        if price >= unit {
            return Err(Miss::NotLower);
        }
        if pieces <= 0 {
            return Err(Miss::SoldOut);
        }
        let minor = (unit - price) * pieces;
        let floor = &world.promotion(offer).conditions;
        check_floor(floor, line.list, line.quantity)?;
        Ok(Effect { minor, times: 0, pieces })
    }

    fn pool_effect(
        &mut self,
        world: &World<'_>,
        offer: Offer,
        stage: Stage,
        is_bound: bool,
    ) -> Result<Effect, Miss> {
        let promotion = world.promotion(offer);
        let pool = self.pool(world, offer, stage)?;
        check_floor(&promotion.conditions, pool.base, pool.pieces)?;
        let reaches = |threshold_minor: i64| {
            let have_minor = pool.base;
            if have_minor < threshold_minor {
                Err(Miss::BelowAmount { needed_minor: threshold_minor, have_minor })
            } else {
                Ok(have_minor.checked_div(threshold_minor).unwrap_or(1))
            }
        };
        let needs_pieces = |needed: u32| {
            if pool.pieces < i64::from(needed) {
                let have = pool.pieces.unsigned_abs();
                return Err(Miss::BelowPieces { needed: u64::from(needed), have });
            }
            Ok(pool.pieces / i64::from(needed))
        };
        let capped = |off: i64, cap: &Option<i64>| off.min(cap.unwrap_or(i64::MAX)).min(pool.run);
        let minor = match &promotion.kind {
            Kind::AmountOff { threshold_minor, off_minor, repeat, cap_minor } => {
                let reached = reaches(*threshold_minor)?;
                let times = if *repeat { reached } else { 1 };
                capped(off_minor.saturating_mul(times), cap_minor)
            }
            Kind::PercentOff { pay_bps, cap_minor } => {
                capped(pool.run - pay(pool.run, *pay_bps), cap_minor)
            }
            Kind::Tiered { by, steps, cap_minor } => {
                let have = match by {
                    Measure::Amount => pool.base,
                    Measure::Pieces => pool.pieces,
                };
                let first = steps.first().map_or(0, |step| step.from);
                let step = steps.iter().rev().find(|step| step.from <= have).ok_or(match by {
                    Measure::Amount => Miss::BelowAmount { needed_minor: first, have_minor: have },
                    Measure::Pieces => Miss::BelowPieces {
                        needed: first.unsigned_abs(),
                        have: have.unsigned_abs(),
                    },
                })?;
                let off = match step.off {
                    StepOff::Amount { off_minor } => off_minor,
                    StepOff::Rate { pay_bps } => pool.run - pay(pool.run, pay_bps),
                };
                capped(off, cap_minor)
            }
            Kind::Gift { threshold_minor, repeat, times, .. } => {
                let reached = reaches(*threshold_minor)?;
                let most = times.map_or(i64::MAX, i64::from);
                let times = if *repeat { reached.min(most) } else { 1 };
                return Ok(Effect { times, ..Effect::default() });
            }
            Kind::FreeShipping { cap_minor } => {
                if self.shipping == 0 {
                    return Err(Miss::NoShipping);
                }
                self.shipping.min(cap_minor.unwrap_or(i64::MAX))
            }
            Kind::NForPrice { pieces, .. } => {
                needs_pieces(*pieces)?;
                self.pieces_effect(world, offer, is_bound, |_, _| {})
            }
            Kind::BuyNPayM { buy: every, .. } | Kind::NthPiece { every, .. } => {
                needs_pieces(*every)?;
                self.pieces_effect(world, offer, is_bound, |_, _| {})
            }
            Kind::LevelDiscount { .. } | Kind::TimedDiscount { .. } | Kind::FlashSale { .. } => 0,
        };
        if minor <= 0 {
            return Err(Miss::NotLower);
        }
        Ok(Effect { minor, times: 0, pieces: 0 })
    }

    fn is_eligible(&self, world: &World<'_>, offer: Offer, line: usize) -> bool {
        !(self.discounted[line] && world.promotion(offer).conditions.exclude_discounted)
    }

    /// What the lines of `offer` come to. Many promotions have the same lines, and the search asks for all of them
    /// after each step: what they come to is added up once.
    fn pool(&mut self, world: &World<'_>, offer: Offer, stage: Stage) -> Result<Pool, Miss> {
        let mut pool = if offer.line == WHOLE {
            let is_partial = world.promotion(offer).conditions.exclude_discounted;
            let place = world.set(offer) * 2 + usize::from(is_partial);
            if self.pools[place].0 != self.version {
                self.pools[place] = (self.version, self.sum(world, offer));
            }
            self.pools[place].1
        } else {
            self.sum(world, offer)
        };
        if self.stage != Some(stage) {
            pool.base = pool.run;
        }
        if pool.pieces == 0 { Err(Miss::Discounted) } else { Ok(pool) }
    }

    /// What the lines of `offer` cost now and at the beginning of the stage that has begun.
    fn sum(&self, world: &World<'_>, offer: Offer) -> Pool {
        let begin = self.stage.map_or(0, |stage| stage as usize * self.run.len());
        let base = &self.bases[begin..begin + self.run.len()];
        let mut pool = Pool::default();
        for line in world.lines_of(offer) {
            if self.is_eligible(world, offer, line) {
                pool.run += self.run[line];
                pool.base += base[line];
                pool.pieces += world.lines[line].quantity;
            }
        }
        pool
    }

    /// What a promotion of pieces takes off; `taken` gets, line by line, by what it is to be split.
    fn pieces_effect(
        &mut self,
        world: &World<'_>,
        offer: Offer,
        is_bound: bool,
        taken: impl FnMut(usize, i64),
    ) -> i64 {
        let mut classes = std::mem::take(&mut self.classes);
        classes.clear();
        let mut count = 0;
        for line in world.lines_of(offer) {
            if self.is_eligible(world, offer, line) {
                let quantity = world.lines[line].quantity;
                pieces::add(&mut classes, self.run[line], quantity, line);
                count += quantity;
            }
        }
        pieces::sort(&mut classes);
        let promotion = world.promotion(offer);
        let may_drop = is_bound && promotion.conditions.exclude_discounted;
        let (off, pay_bps) = match &promotion.kind {
            Kind::BuyNPayM { buy, pay } => {
                (count / i64::from(*buy) * i64::from(buy - pay), Some(0))
            }
            Kind::NthPiece { every, pay_bps } => (count / i64::from(*every), Some(*pay_bps)),
            _ => (0, None),
        };
        let minor = match (&promotion.kind, pay_bps) {
            (_, Some(pay_bps)) if may_drop => pieces::dearest(&classes, off, pay_bps),
            (_, Some(pay_bps)) => pieces::cheapest(&classes, off, pay_bps, taken),
            (Kind::NForPrice { pieces, price_minor, sets }, None) => {
                let most = sets.map_or(i64::MAX, i64::from);
                pieces::sets(&classes, i64::from(*pieces), *price_minor, most, taken)
            }
            _ => 0,
        };
        self.classes = classes;
        minor
    }

    /// Takes `effect` of `offer`, the `index`th, off the lines by largest remainder.
    pub(crate) fn apply(&mut self, world: &World<'_>, index: usize, offer: Offer, effect: Effect) {
        self.version += 1;
        let shares = self.shares.len();
        self.applied.push(Applied { index, offer, effect, shares });
        let promotion = world.promotion(offer);
        self.given[offer.promotion()] +=
            if effect.pieces > 0 && matches!(promotion.kind, Kind::FlashSale { .. }) {
                effect.pieces
            } else {
                effect.minor
            };
        match &promotion.kind {
            Kind::FreeShipping { .. } => {
                self.shipping -= effect.minor;
                return;
            }
            Kind::Gift { gifts, .. } => {
                self.gift_value += gift_value(gifts, effect.times);
                return;
            }
            _ => {}
        }
        if offer.line != WHOLE {
            self.shares.push((usize::from(offer.line), effect.minor));
        } else {
            self.share_out(world, offer, effect);
        }
        for (line, minor) in &self.shares[shares..] {
            self.run[*line] -= minor;
        }
        if world.stage(offer) == Stage::Price {
            self.discounted[usize::from(offer.line)] = true;
        }
    }

    fn share_out(&mut self, world: &World<'_>, offer: Offer, effect: Effect) {
        let lines = world.lines.len();
        let mut weights = std::mem::take(&mut self.weights);
        let mut parts = std::mem::take(&mut self.parts);
        weights.clear();
        weights.resize(lines, 0);
        match &world.promotion(offer).kind {
            Kind::NForPrice { .. } | Kind::BuyNPayM { .. } | Kind::NthPiece { .. } => {
                self.pieces_effect(world, offer, false, |line, weight| weights[line] += weight);
            }
            _ => {
                for line in world.lines_of(offer) {
                    if self.is_eligible(world, offer, line) {
                        weights[line] = self.run[line];
                    }
                }
            }
        }
        split(effect.minor, &weights, &mut parts);
        self.shares.extend(parts.iter().copied().enumerate().filter(|(_, minor)| *minor > 0));
        (self.weights, self.parts) = (weights, parts);
    }

    /// Takes back what was applied last. Without any, no stage has begun: what the next combination finds as
    /// its bases are list prices, not those which another combination left.
    pub(crate) fn undo(&mut self, world: &World<'_>) {
        let Some(Applied { offer, effect, shares, .. }) = self.applied.pop() else { return };
        self.version += 1;
        let promotion = world.promotion(offer);
        self.given[offer.promotion()] -=
            if effect.pieces > 0 && matches!(promotion.kind, Kind::FlashSale { .. }) {
                effect.pieces
            } else {
                effect.minor
            };
        match &promotion.kind {
            Kind::FreeShipping { .. } => self.shipping += effect.minor,
            Kind::Gift { gifts, .. } => {
                self.gift_value -= gift_value(gifts, effect.times);
            }
            _ => {}
        }
        for (line, minor) in self.shares.drain(shares..) {
            self.run[line] += minor;
        }
        if world.stage(offer) == Stage::Price {
            self.discounted[usize::from(offer.line)] = false;
        }
        if self.applied.is_empty() {
            self.stage = None;
        }
    }
}

/// What `times` rounds of `gifts` are worth, held so far below the end of the range that the sum over all
/// offers of a quote is exact.
pub(crate) fn gift_value(gifts: &[crate::GiftItem], times: i64) -> i64 {
    let round = gifts.iter().fold(0_i64, |sum, gift| {
        sum.saturating_add(gift.value_minor.saturating_mul(i64::from(gift.quantity)))
    });
    round.saturating_mul(times).min(crate::MAX_AMOUNT_MINOR)
}

fn check_floor(conditions: &crate::Conditions, have_minor: i64, pieces: i64) -> Result<(), Miss> {
    let needed_minor = conditions.minimum_amount_minor;
    if have_minor < needed_minor {
        return Err(Miss::BelowAmount { needed_minor, have_minor });
    }
    let (needed, have) = (conditions.minimum_pieces, pieces.unsigned_abs());
    if have < needed {
        return Err(Miss::BelowPieces { needed, have });
    }
    Ok(())
}

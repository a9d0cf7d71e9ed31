//! The rules of docs/loyalty.md once more, as plainly as possible: every allowed combination is tried, every piece is
//! one number. Shares no code with the room.

use pricing::{
    Cart, Context, Kind, Line, Measure, PriceChange, Promotion, Scope, Stage, Step, StepOff,
};

/// What is to be paid before points, and what the gifts are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Best {
    pub payable: i64,
    pub gifts: i64,
}

#[derive(Clone)]
struct State {
    amounts: Vec<i64>,
    at_stage: Vec<i64>,
    stage: Option<Stage>,
    discounted: Vec<bool>,
    shipping: i64,
    gifts: i64,
    chosen: Vec<(usize, Option<usize>)>,
    given: Vec<i64>,
}

struct Quote<'a> {
    lines: Vec<&'a Line>,
    promotions: Vec<&'a Promotion>,
    context: &'a Context,
    offers: Vec<(usize, Option<usize>)>,
}

/// The best of all allowed combinations. Knows level, coupons and stock of the context, nothing else of it.
pub fn best(cart: &Cart, context: &Context, promotions: &[Promotion]) -> Best {
    let mut lines: Vec<&Line> = cart.lines.iter().collect();
    lines.sort_by_key(|line| &line.id);
    let mut sorted: Vec<&Promotion> = promotions.iter().collect();
    sorted.sort_by_key(|p| (p.stage(), -p.priority, p.id.clone()));
    let mut quote = Quote { lines, promotions: sorted, context, offers: Vec::new() };
    for stage in
        [Stage::Price, Stage::Item, Stage::Order, Stage::Coupon, Stage::Gift, Stage::Shipping]
    {
        let of_stage: Vec<usize> =
            (0..quote.promotions.len()).filter(|p| quote.promotions[*p].stage() == stage).collect();
        for line in 0..quote.lines.len() {
            for p in &of_stage {
                if quote.is_by_line(*p) && quote.matches(*p, line) {
                    quote.offers.push((*p, Some(line)));
                }
            }
        }
        for p in of_stage {
            let is_met = (0..quote.lines.len()).any(|line| quote.matches(p, line));
            if is_met && !quote.is_by_line(p) {
                quote.offers.push((p, None));
            }
        }
    }
    let amounts: Vec<i64> =
        quote.lines.iter().map(|line| line.unit_price_minor * i64::from(line.quantity)).collect();
    let state = State {
        at_stage: amounts.clone(),
        discounted: vec![false; amounts.len()],
        amounts,
        stage: None,
        shipping: cart.shipping_minor,
        gifts: 0,
        chosen: Vec::new(),
        given: vec![0; quote.promotions.len()],
    };
    let mut best = None;
    quote.walk(0, state, &mut best);
    best.unwrap()
}

impl Quote<'_> {
    fn walk(&self, at: usize, mut state: State, best: &mut Option<Best>) {
        let Some(offer) = self.offers.get(at) else {
            let payable = state.amounts.iter().sum::<i64>() + state.shipping;
            let found = Best { payable, gifts: state.gifts };
            if best.is_none_or(|best| (payable, -state.gifts) < (best.payable, -best.gifts)) {
                *best = Some(found);
            }
            return;
        };
        let stage = self.promotions[offer.0].stage();
        if state.stage != Some(stage) {
            state.stage = Some(stage);
            state.at_stage = state.amounts.clone();
        }
        if !state.chosen.iter().any(|other| self.is_conflict(*other, *offer)) {
            let mut with = state.clone();
            if self.apply(&mut with, *offer) {
                with.chosen.push(*offer);
                self.walk(at + 1, with, best);
            }
        }
        self.walk(at + 1, state, best);
    }

    fn is_by_line(&self, p: usize) -> bool {
        let promotion = self.promotions[p];
        match promotion.stage() {
            Stage::Price | Stage::Item => true,
            Stage::Gift => promotion.scope == Scope::Item,
            _ => false,
        }
    }

    fn matches(&self, p: usize, line: usize) -> bool {
        let (c, line) = (&self.promotions[p].conditions, self.lines[line]);
        let product = |list: &[String]| {
            list.contains(&line.product) || line.sku.as_ref().is_some_and(|sku| list.contains(sku))
        };
        let category = |list: &[String]| line.categories.iter().any(|name| list.contains(name));
        let is_named = c.products.is_empty() && c.categories.is_empty()
            || product(&c.products)
            || category(&c.categories);
        is_named && !product(&c.excluded_products) && !category(&c.excluded_categories)
    }

    fn lines_of(&self, offer: (usize, Option<usize>)) -> Vec<usize> {
        match offer.1 {
            Some(line) => vec![line],
            None => (0..self.lines.len()).filter(|line| self.matches(offer.0, *line)).collect(),
        }
    }

    fn is_conflict(&self, a: (usize, Option<usize>), b: (usize, Option<usize>)) -> bool {
        if a.0 == b.0 {
            return false;
        }
        let (p, q) = (self.promotions[a.0], self.promotions[b.0]);
        if p.exclusive_group.is_some() && p.exclusive_group == q.exclusive_group {
            return true;
        }
        if p.stage() != q.stage() {
            return false;
        }
        if p.stage() != Stage::Price
            && p.stacking_group.is_some()
            && p.stacking_group == q.stacking_group
        {
            return false;
        }
        let of_b = self.lines_of(b);
        p.stage() == Stage::Shipping || self.lines_of(a).iter().any(|line| of_b.contains(line))
    }

    /// Applies the offer; whether it gave anything.
    fn apply(&self, state: &mut State, offer: (usize, Option<usize>)) -> bool {
        let p = self.promotions[offer.0];
        if p.coupon && !self.context.coupons.contains(&p.id) {
            return false;
        }
        let lines: Vec<usize> = self
            .lines_of(offer)
            .into_iter()
            .filter(|line| !(p.conditions.exclude_discounted && state.discounted[*line]))
            .collect();
        let base: i64 = lines.iter().map(|line| state.at_stage[*line]).sum();
        let now: i64 = lines.iter().map(|line| state.amounts[*line]).sum();
        let pieces: u64 = lines.iter().map(|line| u64::from(self.lines[*line].quantity)).sum();
        if lines.is_empty()
            || base < p.conditions.minimum_amount_minor
            || pieces < p.conditions.minimum_pieces
        {
            return false;
        }
        let mut weights: Vec<i64> = lines.iter().map(|line| state.amounts[*line]).collect();
        let off = match &p.kind {
            Kind::LevelDiscount { .. } | Kind::TimedDiscount { .. } | Kind::FlashSale { .. } => {
                self.price_off(state, offer.0, lines[0])
            }
            Kind::AmountOff { threshold_minor, off_minor, repeat, cap_minor } => {
                if base < *threshold_minor {
                    return false;
                }
                let times = if *repeat { base / threshold_minor } else { 1 };
                least(times * off_minor, *cap_minor, now)
            }
            Kind::PercentOff { pay_bps, cap_minor } => {
                least(now - rate(now, *pay_bps), *cap_minor, now)
            }
            Kind::Tiered { by, steps, cap_minor } => {
                let have = if *by == Measure::Amount { base } else { pieces as i64 };
                let reached: Vec<&Step> = steps.iter().filter(|step| step.from <= have).collect();
                match reached.last().map(|step| step.off) {
                    None => return false,
                    Some(StepOff::Amount { off_minor }) => least(off_minor, *cap_minor, now),
                    Some(StepOff::Rate { pay_bps }) => {
                        least(now - rate(now, pay_bps), *cap_minor, now)
                    }
                }
            }
            Kind::NForPrice { .. } | Kind::BuyNPayM { .. } | Kind::NthPiece { .. } => {
                self.pieces_off(state, &p.kind, &lines, &mut weights)
            }
            Kind::Gift { threshold_minor, repeat, times, gifts } => {
                if base < *threshold_minor {
                    return false;
                }
                let reached = if *repeat { base / threshold_minor } else { 1 };
                let most = if *repeat { times.map_or(i64::MAX, i64::from) } else { 1 };
                let round: i64 = gifts.iter().map(|g| g.value_minor * i64::from(g.quantity)).sum();
                state.gifts += round * reached.min(most);
                return true;
            }
            Kind::FreeShipping { cap_minor } => {
                let off = least(state.shipping, *cap_minor, state.shipping);
                if off == 0 || p.budget_left_minor.is_some_and(|budget| off > budget) {
                    return false;
                }
                state.shipping -= off;
                return true;
            }
        };
        if off <= 0 || p.budget_left_minor.is_some_and(|left| off > left - state.given[offer.0]) {
            return false;
        }
        if p.stage() == Stage::Price {
            state.discounted[lines[0]] = true;
        }
        if !matches!(p.kind, Kind::FlashSale { .. }) {
            state.given[offer.0] += off;
        }
        for (line, share) in lines.iter().zip(shares(off, &weights)) {
            state.amounts[*line] -= share;
        }
        true
    }

    fn price_off(&self, state: &mut State, p: usize, line: usize) -> i64 {
        let unit = self.lines[line].unit_price_minor;
        let mut pieces = i64::from(self.lines[line].quantity);
        let promotion = self.promotions[p];
        let price = match &promotion.kind {
            Kind::LevelDiscount { levels } => levels
                .iter()
                .find(|level| Some(&level.level) == self.context.customer.level.as_ref())
                .map_or(unit, |level| rate(unit, level.pay_bps)),
            Kind::TimedDiscount { price: PriceChange::Rate { pay_bps } } => rate(unit, *pay_bps),
            Kind::TimedDiscount { price: PriceChange::Less { off_minor } } => {
                (unit - off_minor).max(0)
            }
            Kind::TimedDiscount { price: PriceChange::Fixed { unit_price_minor } } => {
                *unit_price_minor
            }
            Kind::FlashSale { unit_price_minor, pieces_per_order } => {
                let stock = self.context.stock_left.get(&promotion.id).copied().unwrap_or(0) as i64;
                let most = pieces_per_order.map_or(stock, |most| stock.min(i64::from(most)));
                pieces = pieces.min(most - state.given[p]);
                if *unit_price_minor < unit {
                    state.given[p] += pieces.max(0);
                }
                *unit_price_minor
            }
            _ => unit,
        };
        (unit - price) * pieces
    }

    fn pieces_off(&self, state: &State, kind: &Kind, lines: &[usize], weights: &mut [i64]) -> i64 {
        // Every piece: its price and the position of its line, the dearest first.
        let mut pieces: Vec<(i64, usize)> = Vec::new();
        for (position, line) in lines.iter().enumerate() {
            let quantity = i64::from(self.lines[*line].quantity);
            let amount = state.amounts[*line];
            for n in 0..quantity {
                pieces.push((amount / quantity + i64::from(n < amount % quantity), position));
            }
        }
        pieces.sort_by_key(|(price, position)| (-price, *position));
        weights.fill(0);
        let mut off = 0;
        match kind {
            Kind::NForPrice { pieces: size, price_minor, sets } => {
                let sets = sets.map_or(usize::MAX, |sets| sets as usize);
                for set in pieces.chunks_exact(*size as usize).take(sets) {
                    let cost: i64 = set.iter().map(|piece| piece.0).sum();
                    if cost > *price_minor {
                        off += cost - price_minor;
                        set.iter().for_each(|piece| weights[piece.1] += piece.0);
                    }
                }
            }
            Kind::BuyNPayM { buy, pay } => {
                let free = pieces.len() / *buy as usize * (buy - pay) as usize;
                for piece in pieces.iter().rev().take(free) {
                    off += piece.0;
                    weights[piece.1] += piece.0;
                }
            }
            Kind::NthPiece { every, pay_bps } => {
                for piece in pieces.iter().rev().take(pieces.len() / *every as usize) {
                    let less = piece.0 - rate(piece.0, *pay_bps);
                    off += less;
                    weights[piece.1] += less;
                }
            }
            _ => unreachable!(),
        }
        off
    }
}

fn least(off: i64, cap: Option<i64>, most: i64) -> i64 {
    off.min(cap.unwrap_or(off)).min(most)
}

/// Half up.
fn rate(amount: i64, pay_bps: u32) -> i64 {
    let exact = amount * i64::from(pay_bps);
    exact / 10_000 + i64::from(exact % 10_000 >= 5_000)
}

/// Largest remainder, one unit at a time.
fn shares(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i64 = weights.iter().sum();
    let mut shares: Vec<i64> = weights.iter().map(|weight| total * weight / sum).collect();
    let mut is_served = vec![false; weights.len()];
    for _ in 0..total - shares.iter().sum::<i64>() {
        let next = (0..weights.len())
            .filter(|line| !is_served[*line])
            .max_by_key(|line| (total * weights[*line] % sum, usize::MAX - *line))
            .unwrap();
        is_served[next] = true;
        shares[next] += 1;
    }
    shares
}

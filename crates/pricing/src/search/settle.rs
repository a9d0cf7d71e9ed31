//! Lines about which nothing has to be searched: the cheapest that promotions of single lines can make them is best.
//!
//! A line is settled when no promotion of several lines that meets it can lose a threshold by it. What such
//! promotions leave to pay then never falls as a line becomes dearer: each leaves an amount that rises with the sum of its
//! lines, and each that applies later has all lines of those before it, so that it sees nothing but their sum.

use super::Search;
use crate::effect::Effect;
use crate::priced::Stage;
use crate::promotion::{Kind, Measure};
use crate::world::Offer;

/// Choices of one line that are tried out; a line with more is searched.
const MAX_CHOICES: usize = 1_000;
/// Promotions of several lines that are compared in pairs; with more, all lines are searched.
const MAX_PAIRED: usize = 200;

impl Search<'_, '_> {
    /// Drops the offers of settled lines but the best of each, which are forced from now on. `initial` is what each
    /// live offer could give at list prices.
    pub(super) fn settle(&mut self, initial: &mut Vec<Effect>) {
        let lines = self.world.lines.len();
        let mut of_line: Vec<[Vec<usize>; 2]> = vec![Default::default(); lines];
        let mut whole = Vec::new();
        for at in 0..self.live.len() {
            let offer = self.offer(at);
            match self.world.stage(offer) {
                Stage::Price => of_line[usize::from(offer.line)][0].push(at),
                Stage::Item => of_line[usize::from(offer.line)][1].push(at),
                Stage::Order | Stage::Coupon | Stage::Shipping => whole.push(at),
                Stage::Gift => {}
            }
        }
        if of_line.iter().all(|offers| offers.iter().all(Vec::is_empty)) || whole.len() > MAX_PAIRED
        {
            return;
        }
        let mut least = Vec::with_capacity(lines);
        let mut picks = Vec::with_capacity(lines);
        for (line, [price, item]) in of_line.iter().enumerate() {
            let (amount, pick) = self.cheapest(line, price, item);
            least.push(amount);
            picks.push(pick);
        }
        let has_price: Vec<bool> = of_line.iter().map(|[price, _]| !price.is_empty()).collect();
        let mut is_open = self.open_lines(&whole, &least, &has_price, initial);
        for (line, pick) in picks.iter().enumerate() {
            is_open[line] |= pick.is_none();
        }
        let mut is_forced = vec![false; self.live.len()];
        for at in picks.iter().flatten().flatten() {
            is_forced[*at] = !is_open[usize::from(self.offer(*at).line)];
        }
        let keeps: Vec<bool> = (0..self.live.len())
            .map(|at| {
                let offer = self.offer(at);
                let is_single = matches!(self.world.stage(offer), Stage::Price | Stage::Item);
                !is_single || is_open[usize::from(offer.line)] || is_forced[at]
            })
            .collect();
        let mut keep = keeps.iter();
        self.live.retain(|_| *keep.next().unwrap_or(&true));
        let mut keep = keeps.iter();
        initial.retain(|_| *keep.next().unwrap_or(&true));
        let mut keep = keeps.iter();
        is_forced.retain(|_| *keep.next().unwrap_or(&true));
        self.forced = is_forced;
        self.chains = least
            .iter()
            .zip(&self.world.lines)
            .map(|(least, line)| (line.list - least, usize::MAX))
            .collect();
        for at in (0..self.live.len()).rev() {
            let offer = self.offer(at);
            if matches!(self.world.stage(offer), Stage::Price | Stage::Item) {
                self.chains[usize::from(offer.line)].1 = at;
            }
        }
        for chain in &mut self.chains {
            if chain.1 == usize::MAX {
                chain.0 = 0;
            }
        }
        self.cover();
    }

    /// The least that price rules and promotions of the line alone can make of `line`, and by which of them; without them if
    /// others could need what they use up, or if there are too many choices.
    fn cheapest(
        &mut self,
        line: usize,
        price: &[usize],
        item: &[usize],
    ) -> (i64, Option<Vec<usize>>) {
        let mut bundles: Vec<Vec<usize>> = Vec::new();
        for at in item {
            match bundles.last_mut() {
                Some(last) if self.bundles[last[0]] == self.bundles[*at] => last.push(*at),
                _ => match bundles.iter().position(|b| self.bundles[b[0]] == self.bundles[*at]) {
                    Some(index) => bundles[index].push(*at),
                    None => bundles.push(vec![*at]),
                },
            }
        }
        bundles.push(Vec::new());
        let list = self.world.lines[line].list;
        if (price.len() + 1) * bundles.len() > MAX_CHOICES {
            return (0, None);
        }
        let mut best = (list, Vec::new());
        for rule in price.iter().map(Some).chain([None]) {
            for bundle in &bundles {
                self.state.back_to(Stage::Price);
                if let Some(at) = rule {
                    self.put(*at);
                }
                self.state.enter(Stage::Item);
                for at in bundle {
                    self.put(*at);
                }
                if self.state.run[line] < best.0 {
                    let applied = self.state.applied.iter().map(|applied| applied.index);
                    best = (self.state.run[line], applied.collect());
                }
                self.undo_all();
            }
        }
        self.work += (price.len() + 1) * bundles.len();
        let is_free = best.1.iter().all(|at| self.is_unconstrained(self.offer(*at)));
        (best.0, is_free.then_some(best.1))
    }

    fn put(&mut self, at: usize) {
        let offer = self.offer(at);
        if let Ok(effect) = self.state.effect(self.world, offer) {
            self.state.apply(self.world, at, offer, effect);
        }
    }

    fn undo_all(&mut self) {
        while !self.state.applied.is_empty() {
            self.state.undo(self.world);
        }
    }

    /// Whether `offer` takes nothing that another line or promotion could need.
    fn is_unconstrained(&self, offer: Offer) -> bool {
        !self.is_scarce(offer) && self.world.promotion(offer).exclusive_group.is_none()
    }

    /// For each line, whether a promotion of several lines could fare better if the line were dearer.
    fn open_lines(
        &self,
        whole: &[usize],
        least: &[i64],
        has_price: &[bool],
        initial: &[Effect],
    ) -> Vec<bool> {
        let mut is_open = vec![false; least.len()];
        let mut open = |offer: Offer| {
            for line in self.world.lines_of(offer) {
                is_open[line] = true;
            }
        };
        let off_order = self.most_of(Stage::Order, initial);
        let off_coupon = self.most_of(Stage::Coupon, initial);
        for at in whole {
            let offer = self.offer(*at);
            let before = match self.world.stage(offer) {
                Stage::Order => 0,
                Stage::Coupon => off_order,
                _ => off_order.saturating_add(off_coupon),
            };
            let lines = || self.world.lines_of(offer);
            let low = lines().map(|line| least[line]).sum::<i64>().saturating_sub(before).max(0);
            let high = lines().map(|line| self.world.lines[line].list).sum();
            let is_shifting = self.world.promotion(offer).conditions.exclude_discounted
                && lines().any(|line| has_price[line]);
            if is_shifting || self.has_step(offer, low, high) {
                open(offer);
            }
        }
        for (index, first) in whole.iter().enumerate() {
            for second in &whole[index + 1..] {
                let (a, b) = (self.offer(*first), self.offer(*second));
                if self.world.stage(b) == Stage::Shipping
                    || self.world.is_conflict(a, b)
                    || !self.world.is_shared(a, b)
                {
                    continue;
                }
                let counts_pieces = matches!(
                    self.world.promotion(b).kind,
                    Kind::NForPrice { .. } | Kind::BuyNPayM { .. } | Kind::NthPiece { .. }
                );
                if counts_pieces || !self.world.is_within(a, b) {
                    open(a);
                    open(b);
                }
            }
        }
        is_open
    }

    /// The most that offers of `stage` can take off together.
    fn most_of(&self, stage: Stage, initial: &[Effect]) -> i64 {
        let mut sums = vec![0_i64; self.cliques.len()];
        for (at, effect) in initial.iter().enumerate() {
            if self.world.stage(self.offer(at)) == stage {
                sums[self.bundles[at]] += effect.minor;
            }
        }
        let mut most = vec![0_i64; self.clique_count];
        for (bundle, sum) in sums.into_iter().enumerate() {
            let clique = &mut most[self.cliques[bundle]];
            *clique = sum.max(*clique);
        }
        most.into_iter().sum()
    }

    /// Whether what `offer` gives has a step for amounts above `low` and up to `high`.
    fn has_step(&self, offer: Offer, low: i64, high: i64) -> bool {
        let promotion = self.world.promotion(offer);
        let crosses = |threshold: i64| low < threshold && threshold <= high;
        crosses(promotion.conditions.minimum_amount_minor)
            || match &promotion.kind {
                Kind::AmountOff { threshold_minor, repeat: true, off_minor, cap_minor } => {
                    let times = low / threshold_minor.max(&1);
                    let is_capped =
                        cap_minor.is_some_and(|cap| off_minor.saturating_mul(times) >= cap);
                    !is_capped && high / threshold_minor.max(&1) > times
                }
                Kind::AmountOff { threshold_minor, .. } => crosses(*threshold_minor),
                Kind::Tiered { by: Measure::Amount, steps, .. } => {
                    steps.iter().any(|step| crosses(step.from))
                }
                _ => false,
            }
    }
}

//! When the search does not come to its end: each promotion by itself, and what exchanging single offers gives.
//!
//! Offers of one promotion may share a stock (a flash sale) or a budget that is too small for all of them. Then it
//! matters on which lines it applies: the best choice is that of a knapsack, filled line by line.

use super::Search;
use crate::priced::Stage;
use crate::promotion::Kind;
use crate::world::{Offer, WHOLE};

/// Looks at offers that the exchange may take.
const REPAIR_LIMIT: usize = 4_000;
/// States that the knapsacks of a quote may look at, about two milliseconds.
const PACK_LIMIT: usize = 100_000;
/// States that knapsacks may look at beyond that where a promotion by itself could still be the cheapest.
const ALONE_LIMIT: usize = 2_000_000;
/// States kept of one knapsack: enough for all choices among twelve lines, and for any stock of as many pieces. With
/// more the choice is a good one, not proven to be the best.
const STATES_MAX: usize = 4_096;
/// States kept even when the quote has looked at many.
const STATES_MIN: usize = 16;

/// An offer that takes of what is scarce.
struct Piece {
    at: usize,
    /// Pieces of a stock, or minor units of a budget.
    size: i64,
    /// What each of them takes off.
    unit_minor: i64,
}

/// What was chosen of some pieces.
#[derive(Clone, Copy)]
struct State {
    left: i64,
    minor: i64,
    /// The last piece of it, among those that were taken.
    last: Option<usize>,
}

impl Search<'_, '_> {
    /// Each promotion by itself, on the lines on which it takes most off: the answer is never worse than any of them.
    pub(super) fn singles(&mut self) {
        let mut promotions: Vec<(u16, usize)> =
            (0..self.live.len()).map(|at| (self.offer(at).promotion, at)).collect();
        promotions.sort_unstable();
        let forced: Vec<usize> = (0..self.live.len()).filter(|at| self.forced[*at]).collect();
        let limits = (self.work + PACK_LIMIT, self.work + ALONE_LIMIT);
        for group in promotions.chunk_by(|a, b| a.0 == b.0) {
            let all: Vec<usize> = group.iter().map(|(_, at)| *at).collect();
            self.try_union(&all, &forced);
            let Some(best) = self.pack(&all, limits) else { continue };
            self.try_union(&best, &forced);
            let others: Vec<usize> = self
                .chosen
                .iter()
                .copied()
                .filter(|other| !all.contains(other))
                .filter(|other| !best.iter().any(|at| self.is_conflict(*at, *other)))
                .collect();
            self.try_union(&best, &others);
        }
    }

    fn try_union(&mut self, some: &[usize], others: &[usize]) {
        let mut wanted = [some, others].concat();
        wanted.sort_unstable();
        wanted.dedup();
        self.try_out(&wanted);
    }

    /// Of `group`, all live offers of one promotion, those that take most off together; `None` if there is enough for all
    /// of them. `limits`: work after which the choice becomes coarser, where the promotion alone would not be the
    /// cheapest anyway, and where it might be.
    fn pack(&mut self, group: &[usize], limits: (usize, usize)) -> Option<Vec<usize>> {
        let first = self.offer(*group.first()?);
        if first.line == WHOLE || !self.is_scarce(first) {
            return None;
        }
        let promotion = self.world.promotion(first);
        let is_stock = matches!(promotion.kind, Kind::FlashSale { .. });
        let enough = match promotion.budget_left_minor {
            Some(budget) if !is_stock => budget,
            _ => self.world.figures[first.promotion()],
        };
        let mut pieces = Vec::with_capacity(group.len());
        self.state.enter(self.world.stage(first));
        for at in group {
            let offer = self.offer(*at);
            self.work += 1;
            let Ok(effect) = self.state.effect(self.world, offer) else { continue };
            let size = self.world.lines[usize::from(offer.line)].quantity;
            pieces.push(if is_stock {
                Piece { at: *at, size, unit_minor: effect.minor / effect.pieces.max(1) }
            } else {
                Piece { at: *at, size: effect.minor, unit_minor: 1 }
            });
        }
        let wanted: i64 = pieces.iter().map(|piece| piece.size).sum();
        if wanted <= enough {
            return None;
        }
        let off: i64 = pieces.iter().map(|piece| piece.size.min(enough) * piece.unit_minor).sum();
        let off = if is_stock { off } else { off.min(enough) };
        let may_be_best = self.state.payable() - off < self.best.payable;
        let limit = if may_be_best { limits.1 } else { limits.0 };
        let room = limit.saturating_sub(self.work) / (2 * pieces.len());
        let most = room.clamp(STATES_MIN, STATES_MAX);
        let mut states = vec![State { left: enough, minor: 0, last: None }];
        let mut taken: Vec<(Option<usize>, usize)> = Vec::new();
        for piece in &pieces {
            self.work += states.len();
            for index in 0..states.len() {
                let State { left, minor, last } = states[index];
                let is_whole = piece.size <= left;
                if left == 0 || !is_stock && !is_whole {
                    continue;
                }
                let size = piece.size.min(left);
                taken.push((last, piece.at));
                states.push(State {
                    left: left - size,
                    minor: minor + size * piece.unit_minor,
                    last: Some(taken.len() - 1),
                });
            }
            // Who has less left must have taken more off.
            states.sort_unstable_by_key(|state| (-state.left, -state.minor));
            let mut best = -1;
            states.retain(|state| {
                let is_better = state.minor > best;
                best = best.max(state.minor);
                is_better
            });
            if states.len() > most {
                let (step, last) = (states.len().div_ceil(most), states.len() - 1);
                let mut index = 0;
                states.retain(|_| {
                    index += 1;
                    (index - 1) % step == 0 || index - 1 == last
                });
            }
        }
        let mut next = states.last()?.last;
        let mut best = Vec::new();
        while let Some((last, at)) = next.and_then(|index| taken.get(index)) {
            best.push(*at);
            next = *last;
        }
        best.reverse();
        Some(best)
    }

    /// Whether the lines of the promotion of `offer` may take from each other: its stock or its budget may be too small.
    pub(super) fn is_scarce(&self, offer: Offer) -> bool {
        let promotion = self.world.promotion(offer);
        let is_short = match &promotion.kind {
            Kind::FlashSale { .. } => {
                let lines = self.world.lines_of(Offer { line: WHOLE, ..offer });
                let needed: i64 = lines.map(|line| self.world.lines[line].quantity).sum();
                needed > self.world.figures[offer.promotion()]
            }
            _ => false,
        };
        is_short || promotion.budget_left_minor.is_some()
    }

    /// Puts single offers in, in place of what conflicts with them or has used up what they need, and takes single
    /// ones out, as long as that helps and work is left.
    pub(super) fn repair(&mut self) {
        let limit = self.work + REPAIR_LIMIT;
        let mut is_better = true;
        while is_better {
            is_better = false;
            for at in 0..self.live.len() {
                if self.work > limit {
                    return;
                }
                let is_chosen = self.chosen.binary_search(&at).is_ok();
                let mut wanted: Vec<usize> = self
                    .chosen
                    .iter()
                    .copied()
                    .filter(|other| *other != at && (is_chosen || !self.is_conflict(*other, at)))
                    .collect();
                if !is_chosen {
                    wanted.push(at);
                    wanted.sort_unstable();
                }
                is_better |= self.try_out(&wanted);
                if !is_chosen {
                    is_better |= self.displace(at, limit);
                }
            }
        }
    }

    /// Puts the offer at `at` in, in place of one more of its promotion, if that has too little for both.
    fn displace(&mut self, at: usize, limit: usize) -> bool {
        let offer = self.offer(at);
        let is_single = matches!(self.world.stage(offer), Stage::Price | Stage::Item);
        if !is_single || offer.line == WHOLE || !self.is_scarce(offer) {
            return false;
        }
        let of_same = |other: &usize| self.offer(*other).promotion == offer.promotion;
        let rivals: Vec<usize> = self.chosen.iter().copied().filter(of_same).collect();
        for rival in rivals {
            if self.work > limit || self.chosen.binary_search(&at).is_ok() {
                break;
            }
            let mut wanted: Vec<usize> = self
                .chosen
                .iter()
                .copied()
                .filter(|other| *other != rival && !self.is_conflict(*other, at))
                .collect();
            wanted.push(at);
            wanted.sort_unstable();
            if self.try_out(&wanted) {
                return true;
            }
        }
        false
    }
}

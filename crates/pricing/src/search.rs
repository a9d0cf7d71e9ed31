//! The best allowed combination for the customer: branch and bound over offers in order of application.
//!
//! Offers are decided one after the other in the order in which they apply, so that the state of the cart is
//! exact at every step. A branch is left when even the most that the remaining offers could take off
//! (for offers of which only one may apply, the largest) would not beat what was found.

mod settle;
mod singles;

use crate::effect::{Effect, State};
use crate::priced::Stage;
use crate::promotion::Kind;
use crate::world::{Offer, World};

/// Looks at offers that the search may take, about a millisecond. Beyond it the best found so far is compared with
/// every single promotion, improved by exchanging single offers, and for its prices of lines the best promotions of
/// several lines are searched.
const WORK_LIMIT: usize = 10_000;
/// Looks at offers that the search for given prices of lines may take.
const REST_LIMIT: usize = 4_000;

/// The offers to apply.
pub(crate) struct Found {
    /// Positions among the offers of the world, rising.
    pub(crate) chosen: Vec<usize>,
    /// Whether the search ended by itself.
    pub(crate) is_exact: bool,
}

/// What a combination is worth: less to pay first, then more gifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Worth {
    payable: i64,
    gifts: i64,
}

impl Worth {
    fn is_better(self, other: Self) -> bool {
        (self.payable, -self.gifts) < (other.payable, -other.gifts)
    }
}

/// What was decided about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// Not applied.
    Out,
    /// Applied, and could still be left out.
    In,
    /// Applied in any case.
    Forced,
}

pub(crate) struct Search<'w, 'a> {
    world: &'w World<'a>,
    state: State,
    /// Positions of the offers that can take something off at all.
    live: Vec<usize>,
    /// For each live offer: its bundle, offers that may apply together though each conflicts with others.
    bundles: Vec<usize>,
    /// For each bundle: its clique; of the bundles of a clique one at most applies.
    cliques: Vec<usize>,
    clique_count: usize,
    /// For each live offer, whether it applies in any case.
    forced: Vec<bool>,
    /// For each line: the most that price rules and promotions of the line alone take off together, where that
    /// is known, and the first live offer of them.
    chains: Vec<(i64, usize)>,
    /// For each live offer, how many chosen ones it conflicts with.
    blocked: Vec<u32>,
    work: usize,
    best: Worth,
    chosen: Vec<usize>,
    sums: Vec<i64>,
    most: Vec<i64>,
}

impl<'w, 'a> Search<'w, 'a> {
    /// Finds the best allowed combination.
    pub(crate) fn run(world: &'w World<'a>) -> Found {
        let mut state = State::new(world);
        let mut initial = Vec::new();
        let mut live = Vec::new();
        for (index, offer) in world.offers.iter().enumerate() {
            let effect = state.upper(world, *offer);
            if effect.minor > 0 || effect.times > 0 {
                live.push(index);
                initial.push(effect);
            }
        }
        let best = Worth { payable: state.payable(), gifts: 0 };
        let mut search = Self {
            world,
            state,
            chains: Vec::new(),
            blocked: Vec::new(),
            forced: vec![false; live.len()],
            bundles: Vec::with_capacity(live.len()),
            live,
            cliques: Vec::new(),
            clique_count: 0,
            work: 0,
            best,
            chosen: Vec::new(),
            sums: Vec::new(),
            most: Vec::new(),
        };
        if search.live.is_empty() {
            return Found { chosen: Vec::new(), is_exact: true };
        }
        search.cover();
        search.settle(&mut initial);
        search.blocked.resize(search.live.len(), 0);
        search.greedy(&initial);
        let is_exact = search.branch(WORK_LIMIT);
        if !is_exact {
            search.singles();
            search.repair();
            search.search_rest();
        }
        let live = &search.live;
        let chosen = search.chosen.iter().map(|at| live[*at]).collect();
        Found { chosen, is_exact }
    }

    fn offer(&self, at: usize) -> Offer {
        self.world.offers[self.live[at]]
    }

    fn is_conflict(&self, a: usize, b: usize) -> bool {
        self.world.is_conflict(self.offer(a), self.offer(b))
    }

    /// Gathers offers into bundles and bundles into cliques: each into the first clique with all of whose
    /// members all of its own conflict.
    fn cover(&mut self) {
        self.bundles.clear();
        self.cliques.clear();
        // Offers of one place (a stage, and where it is about single lines the line) stand together.
        let place = |offer: Offer| (self.world.stage(offer), offer.line);
        let mut members: Vec<Vec<usize>> = Vec::new();
        for at in 0..self.live.len() {
            let offer = self.offer(at);
            let stacking = |offer: Offer| self.world.catalogue.traits[offer.promotion()].stacking;
            let is_together = |bundle: &Vec<usize>| {
                let first = self.offer(bundle[0]);
                stacking(first) == stacking(offer)
            };
            let same_place = |bundle: &&Vec<usize>| place(self.offer(bundle[0])) == place(offer);
            let here = members.iter().rev().take_while(same_place).count();
            let begin = members.len() - here;
            let found = if stacking(offer) == 0 {
                None
            } else {
                members[begin..].iter().position(is_together).map(|index| begin + index)
            };
            let bundle = found.unwrap_or_else(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[bundle].push(at);
            self.bundles.push(bundle);
        }
        let mut cliques: Vec<Vec<usize>> = Vec::new();
        let mut begin = 0;
        for (bundle, own) in members.iter().enumerate() {
            let is_new = bundle == 0
                || place(self.offer(members[bundle - 1][0])) != place(self.offer(own[0]));
            if is_new {
                begin = cliques.len();
            }
            let fits = |clique: &Vec<usize>| {
                clique.iter().all(|other| {
                    members[*other].iter().all(|a| own.iter().all(|b| self.is_conflict(*a, *b)))
                })
            };
            let found = cliques[begin..].iter().position(fits).map(|index| begin + index);
            let clique = found.unwrap_or_else(|| {
                cliques.push(Vec::new());
                cliques.len() - 1
            });
            cliques[clique].push(bundle);
            self.cliques.push(clique);
        }
        self.clique_count = cliques.len();
    }

    /// At least what the offers from `from` on, that are not blocked, could still give.
    fn bound(&mut self, from: usize) -> Worth {
        self.sums.clear();
        self.sums.resize(self.cliques.len(), 0);
        self.most.clear();
        self.most.resize(self.clique_count, 0);
        let mut gifts = 0_i64;
        let chained = self.chains.iter().filter(|(_, first)| *first >= from);
        let mut off: i64 = chained.map(|(most, _)| most).sum();
        for at in from..self.live.len() {
            let offer = self.offer(at);
            let chain = self.chains.get(usize::from(offer.line));
            let is_single = matches!(self.world.stage(offer), Stage::Price | Stage::Item);
            if self.blocked[at] > 0 || is_single && chain.is_some_and(|(_, first)| *first >= from) {
                continue;
            }
            self.work += 1;
            let effect = self.state.upper(self.world, offer);
            self.sums[self.bundles[at]] += effect.minor;
            if effect.times > 0 {
                gifts += self.gift_value(offer, effect);
            }
        }
        for (bundle, sum) in self.sums.iter().enumerate() {
            let most = &mut self.most[self.cliques[bundle]];
            *most = (*most).max(*sum);
        }
        off += self.most.iter().sum::<i64>();
        Worth {
            payable: self.state.payable() - off,
            gifts: self.state.gift_value.saturating_add(gifts),
        }
    }

    fn gift_value(&self, offer: Offer, effect: Effect) -> i64 {
        match &self.world.promotion(offer).kind {
            Kind::Gift { gifts, .. } => crate::effect::gift_value(gifts, effect.times),
            _ => 0,
        }
    }

    fn worth(&self) -> Worth {
        Worth { payable: self.state.payable(), gifts: self.state.gift_value }
    }

    /// Applies those of `wanted` (positions among the live ones, rising) that give something, and keeps
    /// them if they are better than the best.
    fn try_out(&mut self, wanted: &[usize]) -> bool {
        self.work += wanted.len();
        for at in wanted {
            let offer = self.offer(*at);
            self.state.enter(self.world.stage(offer));
            if let Ok(effect) = self.state.effect(self.world, offer) {
                self.state.apply(self.world, *at, offer, effect);
            }
        }
        let is_better = self.worth().is_better(self.best);
        if is_better {
            self.keep();
        }
        while !self.state.applied.is_empty() {
            self.state.undo(self.world);
        }
        is_better
    }

    fn keep(&mut self) {
        self.best = self.worth();
        self.chosen.clear();
        self.chosen.extend(self.state.applied.iter().map(|applied| applied.index));
    }

    /// A first answer: the offers that could give most, as far as they go together.
    fn greedy(&mut self, initial: &[Effect]) {
        let mut order: Vec<usize> = (0..initial.len()).collect();
        order.sort_by_key(|at| -initial[*at].minor);
        let mut wanted: Vec<usize> = Vec::new();
        for at in order {
            if !wanted.iter().any(|other| self.is_conflict(*other, at)) {
                wanted.push(at);
            }
        }
        wanted.sort_unstable();
        self.try_out(&wanted);
    }

    /// Whether the choices made so far, of offers before `at`, come before those of the best in the tie-break:
    /// of equal combinations the one that applies the first offer in which they differ.
    fn is_preferred(&self, at: usize) -> bool {
        let mut chosen = self.chosen.iter().copied();
        for applied in &self.state.applied {
            match chosen.next() {
                Some(other) if other == applied.index => {}
                Some(other) => return applied.index < other,
                None => return true,
            }
        }
        chosen.next().is_none_or(|other| other >= at)
    }

    /// Walks the tree; whether to its end within `limit` more looks.
    fn branch(&mut self, limit: usize) -> bool {
        let limit = self.work + limit;
        let mut decided: Vec<Decision> = Vec::with_capacity(self.live.len());
        loop {
            if decided.len() < self.live.len() {
                let at = decided.len();
                let offer = self.offer(at);
                self.state.enter(self.world.stage(offer));
                let effect = if self.blocked[at] > 0 {
                    None
                } else {
                    self.work += 1;
                    self.state.effect(self.world, offer).ok()
                };
                let Some(effect) = effect else {
                    decided.push(Decision::Out);
                    continue;
                };
                self.state.apply(self.world, at, offer, effect);
                decided.push(if self.forced[at] { Decision::Forced } else { Decision::In });
                if !self.block(at, true) || self.is_promising(at + 1) {
                    continue;
                }
            } else if self.worth().is_better(self.best)
                || (self.worth() == self.best && self.is_preferred(self.live.len()))
            {
                self.keep();
            }
            // Back to the last offer that was applied, now without it.
            loop {
                if self.work > limit {
                    self.clear();
                    return false;
                }
                match decided.pop() {
                    None => return true,
                    Some(Decision::Out) => {}
                    Some(decision) => {
                        let at = decided.len();
                        self.state.undo(self.world);
                        self.state.back_to(self.world.stage(self.offer(at)));
                        self.block(at, false);
                        if decision == Decision::In && self.is_promising(at + 1) {
                            decided.push(Decision::Out);
                            break;
                        }
                    }
                }
            }
        }
    }

    fn is_promising(&mut self, from: usize) -> bool {
        let bound = self.bound(from);
        bound.is_better(self.best) || (bound == self.best && self.is_preferred(from))
    }

    /// Blocks what conflicts with the offer at `at`, or frees it; whether there is any.
    fn block(&mut self, at: usize, is_on: bool) -> bool {
        let mut is_any = false;
        for other in at + 1..self.live.len() {
            if self.is_conflict(at, other) {
                is_any = true;
                if is_on {
                    self.blocked[other] += 1;
                } else {
                    self.blocked[other] -= 1;
                }
            }
        }
        is_any
    }

    fn clear(&mut self) {
        while !self.state.applied.is_empty() {
            self.state.undo(self.world);
        }
        self.blocked.fill(0);
    }

    /// With the promotions of single lines as they were chosen, searches all others anew.
    fn search_rest(&mut self) {
        let is_single = |search: &Self, at: usize| {
            matches!(search.world.stage(search.offer(at)), Stage::Price | Stage::Item)
        };
        let is_chosen = |search: &Self, at: usize| search.chosen.binary_search(&at).is_ok();
        let kept: Vec<usize> = (0..self.live.len())
            .filter(|at| !is_single(self, *at) || is_chosen(self, *at))
            .collect();
        self.forced = kept.iter().map(|at| is_single(self, *at)).collect();
        self.chosen = self.chosen.iter().filter_map(|at| kept.binary_search(at).ok()).collect();
        self.live = kept.iter().map(|at| self.live[*at]).collect();
        self.chains.clear();
        self.blocked = vec![0; self.live.len()];
        self.cover();
        self.branch(REST_LIMIT);
    }
}

//! The priced cart with its explanation, from the offers that were found best.

use crate::amount::{share_down, split};
use crate::cart::PointsToSpend;
use crate::effect::{Applied, Effect, Miss, State};
use crate::priced::{
    Gift, LineOutcome, Outcome, PointsUsed, Priced, PricedLine, Reason, Share, ShippingPriced,
    Tried,
};
use crate::promotion::Kind;
use crate::search::Found;
use crate::world::{Offer, WHOLE, World};

/// Applies what was found and tells of every promotion what became of it.
pub(crate) fn priced(world: &World<'_>, found: &Found) -> Priced {
    let mut state = State::new(world);
    let mut tried = blank(world);
    for (index, offer) in world.offers.iter().enumerate() {
        state.enter(world.stage(*offer));
        let effect = state.effect(world, *offer);
        if found.chosen.binary_search(&index).is_ok() {
            if let Ok(effect) = effect {
                state.apply(world, index, *offer, effect);
            }
            continue;
        }
        let reason = refusal(world, found, *offer, effect);
        let entry = &mut tried[offer.promotion()];
        for line in world.lines_of(*offer) {
            let refused = Outcome::Refused { reason: reason.clone() };
            entry
                .lines
                .push(LineOutcome { line: world.lines[line].line.id.clone(), outcome: refused });
        }
        if offer.line == WHOLE {
            entry.reason = Some(reason);
        }
    }
    let mut lines: Vec<PricedLine> = world
        .lines
        .iter()
        .zip(&state.run)
        .map(|(line, run)| PricedLine {
            id: line.line.id.clone(),
            quantity: line.line.quantity,
            list_minor: line.list,
            shares: Vec::new(),
            points_minor: 0,
            paid_minor: *run,
        })
        .collect();
    let mut shipping = ShippingPriced {
        list_minor: world.cart.shipping_minor,
        shares: Vec::new(),
        paid_minor: state.shipping,
    };
    let mut gifts = Vec::new();
    for (at, applied) in state.applied.iter().enumerate() {
        let end = state.applied.get(at + 1).map_or(state.shares.len(), |next| next.shares);
        let shares = &state.shares[applied.shares..end];
        tell(world, applied, shares, &mut tried[applied.offer.promotion()]);
        let promotion = &world.promotion(applied.offer).id;
        for (line, minor) in shares {
            lines[*line].shares.push(Share { promotion: promotion.clone(), minor: *minor });
        }
        match &world.promotion(applied.offer).kind {
            Kind::FreeShipping { .. } => shipping
                .shares
                .push(Share { promotion: promotion.clone(), minor: applied.effect.minor }),
            Kind::Gift { gifts: items, .. } => {
                gifts.extend(
                    items.iter().map(|item| Gift {
                        promotion: promotion.clone(),
                        product: item.product.clone(),
                        sku: item.sku.clone(),
                        quantity: u64::from(item.quantity)
                            .saturating_mul(applied.effect.times.unsigned_abs()),
                        lines: ids(world, applied.offer),
                    }),
                )
            }
            _ => {}
        }
    }
    for entry in &mut tried {
        entry.lines.sort_by(|a, b| a.line.cmp(&b.line));
    }
    let points = world.context.points.as_ref().and_then(|wish| pay_points(wish, &mut lines));
    let goods: i64 = lines.iter().map(|line| line.list_minor).sum();
    let list_minor = goods + shipping.list_minor;
    Priced {
        currency: world.cart.currency,
        list_minor,
        discount_minor: list_minor - state.payable(),
        total_minor: state.payable() - points.map_or(0, |points| points.minor),
        lines,
        shipping,
        gifts,
        points,
        explanation: tried,
        is_exact: found.is_exact,
    }
}

fn blank(world: &World<'_>) -> Vec<Tried> {
    let promotions = world.catalogue.promotions().iter();
    promotions
        .zip(&world.refused)
        .map(|(promotion, refused)| Tried {
            promotion: promotion.id.clone(),
            stage: promotion.stage(),
            minor: 0,
            shipping_minor: 0,
            reason: refused.clone(),
            lines: Vec::new(),
        })
        .collect()
}

fn ids(world: &World<'_>, offer: Offer) -> Vec<String> {
    world.lines_of(offer).map(|line| world.lines[line].line.id.clone()).collect()
}

/// Why `offer` was left out: what it lacks by itself, else what applies in its place.
fn refusal(world: &World<'_>, found: &Found, offer: Offer, effect: Result<Effect, Miss>) -> Reason {
    match effect {
        Err(
            miss @ (Miss::BelowAmount { .. }
            | Miss::BelowPieces { .. }
            | Miss::Discounted
            | Miss::NoShipping),
        ) => miss.into(),
        _ => rival(world, found, offer)
            .unwrap_or_else(|| effect.map_or_else(Reason::from, |_| Reason::NotBest)),
    }
}

/// The first promotion that applies and with which `offer` may not.
fn rival(world: &World<'_>, found: &Found, offer: Offer) -> Option<Reason> {
    let mut chosen = found.chosen.iter().map(|index| world.offers[*index]);
    let other = chosen.find(|other| world.is_conflict(*other, offer))?;
    let (own, other) = (world.promotion(offer), world.promotion(other));
    let with = other.id.clone();
    Some(match &own.exclusive_group {
        Some(group) if own.exclusive_group == other.exclusive_group => {
            Reason::ExclusiveGroup { group: group.clone(), with }
        }
        _ => Reason::DoesNotStack { with },
    })
}

/// Enters what `applied` took off into the entry of its promotion.
fn tell(world: &World<'_>, applied: &Applied, shares: &[(usize, i64)], entry: &mut Tried) {
    entry.minor += applied.effect.minor;
    if matches!(world.promotion(applied.offer).kind, Kind::FreeShipping { .. }) {
        entry.shipping_minor += applied.effect.minor;
    }
    for line in world.lines_of(applied.offer) {
        let share = shares.iter().find(|(at, _)| *at == line);
        entry.lines.push(LineOutcome {
            line: world.lines[line].line.id.clone(),
            outcome: Outcome::Applied { minor: share.map_or(0, |(_, minor)| *minor) },
        });
    }
}

/// Pays a part of the goods with points: what they are worth, rounded down, at most the allowed part, rounded down,
/// split over the lines by largest remainder; and the fewest points that are worth it.
fn pay_points(wish: &PointsToSpend, lines: &mut [PricedLine]) -> Option<PointsUsed> {
    let weights: Vec<i64> = lines.iter().map(|line| line.paid_minor).collect();
    let goods: i64 = weights.iter().sum();
    let rate = i64::try_from(wish.points_per_worth).ok()?;
    let worth = share_down(i64::try_from(wish.points).ok()?, wish.worth_minor, rate);
    let most = share_down(goods, i64::from(wish.share_bps), i64::from(crate::FULL_BPS));
    let minor = worth.min(most);
    if minor <= 0 {
        return None;
    }
    let mut parts = Vec::new();
    split(minor, &weights, &mut parts);
    for (line, part) in lines.iter_mut().zip(parts) {
        line.points_minor = part;
        line.paid_minor -= part;
    }
    let needed = i128::from(minor) * i128::from(rate);
    let worth = i128::from(wish.worth_minor);
    let points = u64::try_from((needed + worth - 1) / worth).ok()?;
    Some(PointsUsed { points, minor })
}

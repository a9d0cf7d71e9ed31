//! Refunds of orders that were placed: amounts go back to budgets, pieces to the flash stock, and when the order is
//! refunded as a whole, coupons and uses as their rules say.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{CouponId, PromotionId, ReservationId, TypedId as _};
use platform::{Ctx, Tx, args, outbox};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::ReservationRefundedV1;
use super::hold::{self, Hold, What};
use super::{ReservationError, ReservationState, digest, lock};
use crate::counters::CounterKind;
use crate::coupons::using;
use crate::promotions::{self, stock::Move};
use crate::rules::{AMOUNT_MAX_MINOR, KEY_MAX_BYTES, json, unreadable};

/// Entries of one refund.
pub const ENTRIES_MAX: usize = 500;

/// What comes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Refund {
    /// What coupons took off and do not any more, in minor units.
    pub coupons: BTreeMap<CouponId, i64>,
    /// What promotions took off and do not any more, in minor units.
    pub promotions: BTreeMap<PromotionId, i64>,
    /// Pieces of flash sales that can be sold again.
    pub pieces: BTreeMap<PromotionId, Vec<super::Pieces>>,
    /// Whether nothing of the order is left: then coupons and uses come back as their rules say, and with them all
    /// that is left of the amounts.
    pub is_whole: bool,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refunded {
    /// Of which reservation.
    pub reservation: ReservationId,
    /// Coupons that their customer has again.
    pub returned: Vec<CouponId>,
    /// Coupons that stay used.
    pub kept: Vec<CouponId>,
    /// Whether nothing of the order is left.
    pub is_whole: bool,
}

fn check(key: &str, asked: &Refund) -> Result<(), ReservationError> {
    let mut errors = kernel::FieldErrors::default();
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        errors.push("key", format!("must be 1 to {KEY_MAX_BYTES} bytes"));
    }
    let pieces: usize = asked.pieces.values().map(Vec::len).sum();
    if asked.coupons.len() + asked.promotions.len() + pieces > ENTRIES_MAX {
        errors.push("refund", format!("at most {ENTRIES_MAX} entries"));
    }
    let mut amounts = asked.coupons.values().chain(asked.promotions.values());
    if amounts.any(|minor| !(0..=AMOUNT_MAX_MINOR).contains(minor)) {
        errors.push("minor", format!("must be 0 to {AMOUNT_MAX_MINOR}"));
    }
    Ok(errors.finish(|| Some(()))?)
}

/// Gives back what `asked` names. The same `key` again gives the same answer and changes nothing; another refund
/// with it is refused.
///
/// # Errors
/// `NoReservation`, `WrongState` unless the order was placed, `TooMuch`, `KeyReused`, `Fields`.
pub async fn refund(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
    key: &str,
    asked: &Refund,
) -> Result<Refunded, ReservationError> {
    check(key, asked)?;
    let reservation = lock(tx, cx.scope, id).await?;
    let seal = digest(cx, &json(asked)?);
    let known: Option<(Vec<u8>, String)> = tx
        .fetch_optional(
            "SELECT digest, answer FROM loyalty_refunds
              WHERE org_id = $1 AND reservation_id = $2 AND key = $3",
            args![cx.scope.org_arg(), id.uuid(), key],
        )
        .await?;
    if let Some((known, answer)) = known {
        let answer = serde_json::from_str(&answer).map_err(unreadable)?;
        return if known == seal { Ok(answer) } else { Err(ReservationError::KeyReused) };
    }
    if reservation.state != ReservationState::Committed {
        return Err(ReservationError::WrongState(reservation.state));
    }
    let holds = hold::read(tx, cx.scope, id).await?;
    let mut answer =
        Refunded { reservation: id, returned: vec![], kept: vec![], is_whole: asked.is_whole };
    let mut came_back: BTreeSet<Uuid> = BTreeSet::new();
    if asked.is_whole {
        for coupon in holds.iter().filter_map(Hold::coupon_id) {
            if using::refund(tx, cx, coupon.uuid(), id.uuid()).await? {
                came_back.insert(coupon.uuid());
                answer.returned.push(coupon);
            } else {
                answer.kept.push(coupon);
            }
        }
        came_back.extend(promotions_that_return(tx, cx, &holds).await?);
    }
    let parts = parts(&holds, asked, &came_back)?;
    for hold in &holds {
        if let Some(quantity) = parts.get(&hold.line).filter(|quantity| **quantity > 0) {
            hold::give_back(tx, cx, id, hold, (*quantity, Move::SoldToRemaining)).await?;
        }
    }
    if asked.is_whole {
        tx.execute(
            "UPDATE loyalty_reservations SET state = 'refunded', refunded_at = $3
              WHERE org_id = $1 AND id = $2",
            args![cx.scope.org_arg(), id.uuid(), cx.now()],
        )
        .await?;
        let customer = reservation.customer;
        outbox::push(tx, cx, &ReservationRefundedV1 { reservation: id, customer }).await?;
    }
    tx.execute(
        "INSERT INTO loyalty_refunds (org_id, reservation_id, key, digest, answer, at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![cx.scope.org_arg(), id.uuid(), key, seal, json(&answer)?, cx.now()],
    )
    .await?;
    Ok(answer)
}

async fn promotions_that_return(
    tx: &mut Tx,
    cx: &Ctx,
    holds: &[Hold],
) -> Result<Vec<Uuid>, ReservationError> {
    let sources = holds.iter().filter(|hold| hold.what == What::Promotion).map(|hold| hold.owner);
    let mut returning = Vec::new();
    for source in sources {
        let found = promotions::get(tx, cx.scope, PromotionId::from_uuid(source)).await?;
        if found.is_some_and(|found| !found.rules.keeps_uses) {
            returning.push(source);
        }
    }
    Ok(returning)
}

/// How much of each line comes back.
fn parts(
    holds: &[Hold],
    asked: &Refund,
    came_back: &BTreeSet<Uuid>,
) -> Result<BTreeMap<i64, i64>, ReservationError> {
    let mut parts = BTreeMap::new();
    let mut ask = |found: Option<&Hold>, quantity: i64, what: &str| {
        let too_much = || ReservationError::TooMuch(what.to_owned());
        let hold = found.ok_or_else(too_much)?;
        let part = parts.entry(hold.line).or_insert(0_i64);
        *part = part.saturating_add(quantity);
        if *part > hold.left() { Err(too_much()) } else { Ok(()) }
    };
    let budget = What::Counter(CounterKind::Budget);
    let coupons = asked.coupons.iter().map(|(id, minor)| (id.uuid(), id.to_string(), minor));
    let promotions = asked.promotions.iter().map(|(id, minor)| (id.uuid(), id.to_string(), minor));
    for (source, name, minor) in coupons.chain(promotions) {
        if !holds.iter().any(|hold| hold.source == source) {
            return Err(ReservationError::TooMuch(format!("{name} was not used")));
        }
        // What has no budget has none to give back to.
        let found = holds.iter().find(|hold| hold.what == budget && hold.source == source);
        if found.is_some() {
            ask(found, *minor, &name)?;
        }
    }
    for (promotion, pieces) in &asked.pieces {
        for super::Pieces { sku, pieces } in pieces {
            let is_it = |hold: &&Hold| {
                hold.what == What::Stock && hold.owner == promotion.uuid() && hold.key == *sku
            };
            ask(holds.iter().find(is_it), i64::from(*pieces), sku)?;
        }
    }
    if asked.is_whole {
        for hold in holds {
            let comes_back = match hold.what {
                What::Coupon | What::Promotion => came_back.contains(&hold.owner),
                What::Counter(CounterKind::Budget) => true,
                What::Counter(_) => came_back.contains(&hold.source),
                // Whether goods can be sold again, only the shop knows.
                What::Stock => false,
            };
            if comes_back {
                parts.insert(hold.line, hold.left());
            }
        }
    }
    Ok(parts)
}

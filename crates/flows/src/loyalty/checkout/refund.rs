//! Pieces of an order come back: each gives back the share that was paid for it.

use std::collections::BTreeMap;

use kernel::{CouponId, PromotionId, ReservationId, ShopId};
use loyalty::coupons;
use loyalty::points::spend;
use loyalty::reservations::{
    self, Before, Refund, Reservation, ReservationError, ReservationState,
};
use platform::{Ctx, DbError, Tx};
use pricing::{Gift, Priced, RefundPolicy, Returned, Share, ShippingRefund};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CheckoutError, Quote, ending};

/// Pieces of one line that come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnedLine {
    /// Id of the line in the cart.
    pub line: String,
    /// How many pieces, at least 1.
    pub quantity: u32,
}

/// What comes back of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// Of which shop.
    pub shop: ShopId,
    /// By which the shop knows its order.
    pub order_key: String,
    /// By which the shop knows this return; once in an order. The same return with it again gives the same answer.
    pub refund_key: String,
    /// The pieces.
    pub lines: Vec<ReturnedLine>,
    /// When shipping goes back.
    #[serde(default)]
    pub shipping: ShippingRefund,
}

/// What is given back. All amounts are minor units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RefundAnswer {
    /// Of which reservation.
    pub reservation: ReservationId,
    /// By which the shop knows the return.
    pub refund_key: String,
    /// The pieces.
    pub lines: Vec<ReturnedLine>,
    /// Money for goods, for the shop to pay.
    pub money_minor: i64,
    /// Money for shipping, for the shop to pay.
    pub shipping_minor: i64,
    /// What the points were worth that come back.
    pub points_minor: i64,
    /// Points that came back.
    pub points: u64,
    /// Gifts that are due back by now.
    pub gifts_due: Vec<Gift>,
    /// Coupons that their customer has again, now that nothing of the order is left.
    pub coupons_returned: Vec<CouponId>,
    /// Coupons that stay used.
    pub coupons_kept: Vec<CouponId>,
    /// Whether nothing of the order is left.
    pub is_whole: bool,
}

/// Gives back what the pieces named were worth: points to their lots, amounts to budgets, and with the last piece
/// coupons and uses as their rules say. Reductions of the pieces that stay are kept (按分摊金额退).
///
/// # Errors
/// `NoReservation`; `WrongState` unless the order was placed; pieces that did not go out; `KeyReused`.
pub async fn refund(
    tx: &mut Tx,
    cx: &Ctx,
    body: &RefundBody,
) -> Result<RefundAnswer, CheckoutError> {
    let asked = pieces(body)?;
    let id = reservations::id_of_order(tx, cx.scope, body.shop, &body.order_key).await?;
    let id = id.ok_or(ReservationError::NoReservation)?;
    let held = reservations::lock(tx, cx.scope, id).await?;
    let request = json(body)?;
    let earlier = match reservations::before(tx, cx, id, &body.refund_key, &request).await? {
        Before::Again(answer) => return read(answer),
        Before::Earlier(answers) => answers.into_iter().map(read).collect::<Result<Vec<_>, _>>()?,
    };
    if held.state != ReservationState::Committed {
        return Err(ReservationError::WrongState(held.state).into());
    }
    let quote: Quote = read(held.priced.clone())?;
    let returned = returned(&earlier);
    let policy = RefundPolicy { shipping: body.shipping, ..RefundPolicy::default() };
    let back = pricing::refund(&quote.priced, &returned, &asked, policy, None)?;
    let mut now_back = returned.pieces.clone();
    for (line, quantity) in &asked {
        *now_back.entry(line.clone()).or_default() += quantity;
    }
    let is_left = |line: &pricing::PricedLine| now_back.get(&line.id) != Some(&line.quantity);
    let is_whole = !quote.priced.lines.iter().any(is_left);
    give_points_back(tx, cx, &held, back.points).await?;
    let refund =
        amounts(tx, cx, &held, &quote.priced, (&returned.pieces, &now_back), is_whole).await?;
    let done = reservations::refund(tx, cx, id, &body.refund_key, &refund).await?;
    let answer = RefundAnswer {
        reservation: id,
        refund_key: body.refund_key.clone(),
        lines: body.lines.clone(),
        money_minor: back.money_minor,
        shipping_minor: back.shipping_minor,
        points_minor: back.points_minor,
        points: back.points,
        gifts_due: back.gifts_due,
        coupons_returned: done.returned,
        coupons_kept: done.kept,
        is_whole,
    };
    reservations::keep(tx, cx, id, (&body.refund_key, &request), &json(&answer)?).await?;
    Ok(answer)
}

fn pieces(body: &RefundBody) -> Result<BTreeMap<String, u32>, CheckoutError> {
    let mut errors = kernel::FieldErrors::default();
    if body.lines.is_empty() || body.lines.len() > pricing::MAX_LINES {
        errors.push("lines", format!("must be 1 to {}", pricing::MAX_LINES));
    }
    let mut asked = BTreeMap::new();
    for (place, ReturnedLine { line, quantity }) in body.lines.iter().enumerate() {
        if asked.insert(line.clone(), *quantity).is_some() {
            errors.push(format!("lines[{place}].line"), "is there twice");
        }
    }
    errors.finish(|| Some(asked)).map_err(CheckoutError::Fields)
}

/// What earlier returns came to.
fn returned(earlier: &[RefundAnswer]) -> Returned {
    let mut sum = Returned::default();
    for answer in earlier {
        for ReturnedLine { line, quantity } in &answer.lines {
            *sum.pieces.entry(line.clone()).or_default() += quantity;
        }
        sum.money_minor += answer.money_minor;
        sum.points_minor += answer.points_minor;
        sum.points += answer.points;
    }
    sum
}

async fn give_points_back(
    tx: &mut Tx,
    cx: &Ctx,
    held: &Reservation,
    points: u64,
) -> Result<(), CheckoutError> {
    let points = i64::try_from(points).unwrap_or(i64::MAX);
    if points == 0 {
        return Ok(());
    }
    // A reservation spends points of one programme.
    for (programme, id) in ending::spends(tx, cx, held).await?.into_iter().take(1) {
        spend::give_back(tx, cx, &programme, id, points).await?;
    }
    Ok(())
}

/// What promotions and coupons took off the pieces that come back, which their budgets have again.
async fn amounts(
    tx: &mut Tx,
    cx: &Ctx,
    held: &Reservation,
    priced: &Priced,
    (before, after): (&BTreeMap<String, u32>, &BTreeMap<String, u32>),
    is_whole: bool,
) -> Result<Refund, CheckoutError> {
    let mut back = Refund { is_whole, ..Refund::default() };
    if is_whole {
        // All that is left of every amount comes back with it.
        return Ok(back);
    }
    let mut by_id: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &priced.lines {
        let count = |of: &BTreeMap<String, u32>| of.get(&line.id).copied().unwrap_or(0);
        for Share { promotion, minor } in &line.shares {
            let part = |count: u32| part(*minor, count, line.quantity);
            *by_id.entry(promotion).or_default() += part(count(after)) - part(count(before));
        }
    }
    let definitions = coupons::definitions_of(tx, cx.scope, &held.coupons).await?;
    let coupon_of: BTreeMap<String, CouponId> =
        definitions.into_iter().map(|(coupon, of)| (of.to_string(), coupon)).collect();
    for (id, minor) in by_id.into_iter().filter(|(_, minor)| *minor > 0) {
        if let Some(coupon) = coupon_of.get(id) {
            back.coupons.insert(*coupon, minor);
        } else if let Ok(promotion) = id.parse::<PromotionId>() {
            back.promotions.insert(promotion, minor);
        }
    }
    Ok(back)
}

/// The part of `minor` that the first `count` of `quantity` pieces have, rounded down as refunds are.
fn part(minor: i64, count: u32, quantity: u32) -> i64 {
    let whole = i128::from(minor) * i128::from(count) / i128::from(quantity.max(1));
    i64::try_from(whole).unwrap_or(minor)
}

fn json(value: &impl Serialize) -> Result<serde_json::Value, DbError> {
    serde_json::to_value(value)
        .map_err(|error| DbError::Refused(format!("a refund cannot be kept: {error}")))
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, CheckoutError> {
    let unreadable = |error| DbError::Refused(format!("a kept checkout is unreadable: {error}"));
    Ok(serde_json::from_value(value).map_err(unreadable)?)
}

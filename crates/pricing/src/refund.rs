//! What goes back when pieces come back.
//!
//! Whatever the policy and the order of returns: no refund is negative, and when every piece is back, the refunds add
//! up to exactly what was paid (shipping apart, where the policy keeps it).

use std::collections::BTreeMap;

use kernel::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::amount::share_down;
use crate::priced::{Gift, Priced, PricedLine};

/// How refunds of parts of an order are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefundPolicy {
    /// What becomes of reductions whose threshold the remaining pieces no longer reach.
    pub recalculation: Recalculation,
    /// When shipping goes back.
    pub shipping: ShippingRefund,
}

/// What becomes of reductions whose threshold is no longer met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recalculation {
    /// They stay: a piece gives back what was paid for it (按分摊金额退), as the platforms do.
    #[default]
    KeepShares,
    /// They are taken back: what remains is priced anew, and the customer gets the difference.
    ClawBack,
}

/// When shipping goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShippingRefund {
    /// With the last piece of the order.
    #[default]
    WithLastPiece,
    /// Never: the goods were sent.
    Never,
}

/// What came back and was given back before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Returned {
    /// Pieces by line id.
    pub pieces: BTreeMap<String, u32>,
    /// Money given back for goods, in minor units.
    pub money_minor: i64,
    /// What the points given back were worth when they paid.
    pub points_minor: i64,
    /// Points given back.
    pub points: u64,
}

/// What one return gives back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refund {
    /// Money for goods.
    pub money_minor: i64,
    /// Money for shipping.
    pub shipping_minor: i64,
    /// What the points are worth that go back.
    pub points_minor: i64,
    /// Points that go back.
    pub points: u64,
    /// Gifts that are due back by now, those of earlier returns among them.
    pub gifts_due: Vec<Gift>,
}

/// Why nothing can be given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The order has no such line.
    #[error("the order has no line {line:?}")]
    UnknownLine {
        /// Its id.
        line: String,
    },
    /// More pieces than are left.
    #[error("line {line:?}: {asked} pieces asked for, {left} left")]
    TooMany {
        /// Id of the line.
        line: String,
        /// Pieces asked for.
        asked: u32,
        /// Pieces not returned yet.
        left: u32,
    },
    /// No piece of a line.
    #[error("line {line:?}: at least one piece must come back; leave the line out")]
    NoPieces {
        /// Id of the line.
        line: String,
    },
    /// What is said to have been given back does not fit the order.
    #[error("more is said to have been given back than was paid, or less than nothing")]
    Inconsistent,
    /// The rest of the order, priced anew, is not that rest.
    #[error("the rest of the order must have exactly the pieces that were not returned")]
    WrongRest,
}

/// What `quantity` more pieces of `line` give back in money, when `returned` of it are back: the share of all pieces
/// up to the last of them less that of all before, each rounded down. Points that paid a part are not in it.
///
/// # Errors
/// `UnknownLine`; `TooMany` pieces.
pub fn refund_share(
    priced: &Priced,
    returned: &BTreeMap<String, u32>,
    line: &str,
    quantity: u32,
) -> Result<Money, RefundError> {
    let line = find(priced, line)?;
    let (before, after) = pieces(line, returned, quantity)?;
    let minor = part(line.paid_minor, after, line) - part(line.paid_minor, before, line);
    Ok(Money::new(minor, priced.currency))
}

/// What the return of `asked` pieces (by line id) gives back under `policy`.
///
/// `rest` is asked for under [`Recalculation::ClawBack`] alone: the cart without all pieces returned, these too
/// ([`crate::Cart::without`]), priced with the catalogue and the context of the order but without points;
/// `None` when nothing remains.
///
/// # Errors
/// `UnknownLine`, `NoPieces`, `TooMany`, `Inconsistent` with what was paid, `WrongRest`.
pub fn refund(
    priced: &Priced,
    returned: &Returned,
    asked: &BTreeMap<String, u32>,
    policy: RefundPolicy,
    rest: Option<&Priced>,
) -> Result<Refund, RefundError> {
    let mut back = returned.pieces.clone();
    for (id, quantity) in asked {
        // It would be the last return a second time, and pay the shipping again.
        if *quantity == 0 {
            return Err(RefundError::NoPieces { line: id.clone() });
        }
        let (_, after) = pieces(find(priced, id)?, &returned.pieces, *quantity)?;
        back.insert(id.clone(), after);
    }
    for (id, quantity) in &returned.pieces {
        pieces(find(priced, id)?, &BTreeMap::new(), *quantity)?;
    }
    let count = |line: &PricedLine| back.get(&line.id).copied().unwrap_or(0);
    let is_last = priced.lines.iter().all(|line| count(line) == line.quantity);
    let paid: i64 = priced.lines.iter().map(|line| line.paid_minor).sum();
    let by_points: i64 = priced.lines.iter().map(|line| line.points_minor).sum();
    let is_part = |part: i64, whole: i64| (0..=whole).contains(&part);
    if !is_part(returned.money_minor, paid)
        || !is_part(returned.points_minor, by_points)
        || returned.points > priced.points.map_or(0, |points| points.points)
    {
        return Err(RefundError::Inconsistent);
    }
    let (money_minor, points_minor, gifts_due) = match policy.recalculation {
        Recalculation::KeepShares => {
            let sum = |amount: fn(&PricedLine) -> i64| {
                let parts = priced.lines.iter().map(|line| part(amount(line), count(line), line));
                parts.sum::<i64>()
            };
            let money = sum(|line| line.paid_minor) - returned.money_minor;
            let points = sum(|line| line.points_minor) - returned.points_minor;
            // What was given back before may have been more by another policy.
            (money.max(0), points.max(0), gifts_of_returned(priced, &count))
        }
        Recalculation::ClawBack => {
            let remaining = remaining_worth(priced, rest, &count)?;
            let given = returned.money_minor + returned.points_minor;
            let worth = (paid + by_points - given - remaining).max(0);
            let points = if paid + by_points == 0 {
                0
            } else {
                share_down(by_points, given + worth, paid + by_points)
            };
            let points = (points - returned.points_minor).clamp(0, worth);
            (worth - points, points, gifts_lost(priced, rest))
        }
    };
    let points = points_for(priced, by_points, returned, points_minor);
    let shipping_minor = match policy.shipping {
        ShippingRefund::WithLastPiece if is_last && !asked.is_empty() => priced.shipping.paid_minor,
        _ => 0,
    };
    Ok(Refund { money_minor, shipping_minor, points_minor, points, gifts_due })
}

fn find<'p>(priced: &'p Priced, id: &str) -> Result<&'p PricedLine, RefundError> {
    let found = priced.lines.iter().find(|line| line.id == id);
    found.ok_or_else(|| RefundError::UnknownLine { line: id.to_owned() })
}

/// Pieces of `line` that are back before and after `asked` more.
fn pieces(
    line: &PricedLine,
    returned: &BTreeMap<String, u32>,
    asked: u32,
) -> Result<(u32, u32), RefundError> {
    let before = returned.get(&line.id).copied().unwrap_or(0);
    match before.checked_add(asked) {
        Some(after) if after <= line.quantity => Ok((before, after)),
        _ => Err(RefundError::TooMany {
            line: line.id.clone(),
            asked,
            left: line.quantity.saturating_sub(before),
        }),
    }
}

/// The part of `amount` that the first `count` pieces of `line` have.
fn part(amount: i64, count: u32, line: &PricedLine) -> i64 {
    share_down(amount, i64::from(count), i64::from(line.quantity.max(1)))
}

/// Points for `points_minor` more: all up to now, rounded down, less those before.
fn points_for(priced: &Priced, by_points: i64, returned: &Returned, points_minor: i64) -> u64 {
    let Some(used) = priced.points.filter(|_| by_points > 0) else { return 0 };
    let all = i64::try_from(used.points).unwrap_or(i64::MAX);
    let due = share_down(all, returned.points_minor + points_minor, by_points);
    due.unsigned_abs().saturating_sub(returned.points)
}

/// What the pieces that remain cost when they are priced by themselves.
fn remaining_worth(
    priced: &Priced,
    rest: Option<&Priced>,
    back: &impl Fn(&PricedLine) -> u32,
) -> Result<i64, RefundError> {
    let lines: &[PricedLine] = rest.map_or(&[], |rest| &rest.lines);
    let wanted = priced.lines.iter().filter(|line| back(line) < line.quantity);
    let is_rest = wanted.clone().count() == lines.len()
        && wanted
            .zip(lines)
            .all(|(line, rest)| line.id == rest.id && line.quantity - back(line) == rest.quantity);
    if !is_rest {
        return Err(RefundError::WrongRest);
    }
    Ok(lines.iter().map(|line| line.paid_minor + line.points_minor).sum())
}

/// Gifts all of whose lines are back.
fn gifts_of_returned(priced: &Priced, back: &impl Fn(&PricedLine) -> u32) -> Vec<Gift> {
    let is_back = |id: &String| find(priced, id).is_ok_and(|line| back(line) == line.quantity);
    priced.gifts.iter().filter(|gift| gift.lines.iter().all(is_back)).cloned().collect()
}

/// Gifts that the rest no longer earns.
fn gifts_lost(priced: &Priced, rest: Option<&Priced>) -> Vec<Gift> {
    let kept = |gift: &Gift| {
        let gifts = rest.map_or(&[][..], |rest| &rest.gifts);
        let same = gifts.iter().filter(|other| {
            (&other.promotion, &other.product, &other.sku)
                == (&gift.promotion, &gift.product, &gift.sku)
        });
        same.map(|other| other.quantity).sum::<u64>()
    };
    let lost = priced
        .gifts
        .iter()
        .map(|gift| Gift { quantity: gift.quantity.saturating_sub(kept(gift)), ..gift.clone() });
    lost.filter(|gift| gift.quantity > 0).collect()
}

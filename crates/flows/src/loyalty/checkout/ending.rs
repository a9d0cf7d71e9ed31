//! How a reservation ends: its order is placed, or given up.

use kernel::{ReservationId, SpendId, TypedId as _};
use loyalty::points::{PointsError, Programme, programme, spend};
use loyalty::reservations::{self, Reservation, ReservationError, ReservationState};
use platform::{Ctx, Tx};

use super::{CheckoutError, ReservationView};

/// A reservation as it is now.
///
/// # Errors
/// `NoReservation`.
pub async fn get(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
) -> Result<ReservationView, CheckoutError> {
    let found = reservations::get(tx, cx.scope, id).await?;
    Ok(ReservationView::of(found.ok_or(ReservationError::NoReservation)?)?)
}

/// The order is placed: coupons are redeemed, points are spent, pieces are sold. A second time it gives the same
/// answer.
///
/// # Errors
/// `NoReservation`; `TimedOut`; `WrongState` for one that was cancelled.
pub async fn commit(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
) -> Result<ReservationView, CheckoutError> {
    let held = reservations::lock(tx, cx.scope, id).await?;
    if held.state == ReservationState::Held && held.until > cx.now() {
        for (programme, spend) in spends(tx, cx, &held).await? {
            spend::commit(tx, cx, &programme, spend).await?;
        }
    }
    Ok(ReservationView::of(reservations::commit(tx, cx, id).await?)?)
}

/// The order is given up: all that was held is free. A second time, or when its time was over, it does nothing more.
///
/// # Errors
/// `NoReservation`; `WrongState` for one whose order was placed, which is refunded instead.
pub async fn cancel(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
) -> Result<ReservationView, CheckoutError> {
    let held = reservations::lock(tx, cx.scope, id).await?;
    let is_open = matches!(held.state, ReservationState::Held | ReservationState::TimedOut);
    if is_open {
        for (programme, spend) in spends(tx, cx, &held).await? {
            spend::cancel(tx, cx, &programme, spend).await?;
        }
    }
    Ok(ReservationView::of(reservations::cancel(tx, cx, id).await?)?)
}

/// The points that are held for a reservation, with their programmes.
pub(super) async fn spends(
    tx: &mut Tx,
    cx: &Ctx,
    of: &Reservation,
) -> Result<Vec<(Programme, SpendId)>, CheckoutError> {
    let mut found = Vec::with_capacity(of.besides.len());
    for id in &of.besides {
        let spend = SpendId::from_uuid(*id);
        let programme = spend::programme_of(tx, cx.scope, spend).await?;
        let programme = programme.ok_or(PointsError::NoSpend)?;
        let programme = programme::get(tx, cx.scope, programme).await?;
        found.push((programme.ok_or(PointsError::NoProgramme)?, spend));
    }
    Ok(found)
}

//! How a reservation ends: its order is placed, it is given up, or its time is over.

use kernel::{ReservationId, TypedId as _};
use platform::{Ctx, DbError, Tx, args, outbox};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::events::{ReservationCommittedV1, ReservationReleasedV1};
use super::hold::{self, What};
use super::{Reservation, ReservationError, ReservationState, lock};
use crate::coupons::using;
use crate::promotions::stock::{self, Move};

async fn set_state(
    tx: &mut Tx,
    cx: &Ctx,
    reservation: &mut Reservation,
    next: ReservationState,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_reservations SET state = $3, ended_at = $4 WHERE org_id = $1 AND id = $2",
        args![cx.scope.org_arg(), reservation.id.uuid(), next.name(), cx.now()],
    )
    .await?;
    reservation.state = next;
    reservation.ended_at = Some(cx.now());
    Ok(())
}

/// The order is placed: what was held is used. A second time it gives the same answer.
///
/// # Errors
/// `NoReservation`; `TimedOut`; `WrongState` for one that was cancelled.
pub async fn commit(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
) -> Result<Reservation, ReservationError> {
    let mut reservation = lock(tx, cx.scope, id).await?;
    match reservation.state {
        ReservationState::Committed | ReservationState::Refunded => return Ok(reservation),
        ReservationState::TimedOut => return Err(ReservationError::TimedOut),
        ReservationState::Held if reservation.until <= cx.now() => {
            return Err(ReservationError::TimedOut);
        }
        ReservationState::Held => {}
        state => return Err(ReservationError::WrongState(state)),
    }
    set_state(tx, cx, &mut reservation, ReservationState::Committed).await?;
    for hold in hold::read(tx, cx.scope, id).await? {
        match hold.what {
            What::Coupon => using::redeem(tx, cx, hold.owner, id.uuid()).await?,
            What::Promotion | What::Counter(_) => {}
            What::Stock => {
                let place = (hold.owner, hold.key.as_str());
                stock::shift(tx, cx.scope, place, hold.quantity, Move::HeldToSold).await?;
            }
        }
    }
    outbox::push(tx, cx, &ReservationCommittedV1::from(&reservation)).await?;
    Ok(reservation)
}

/// The order is given up: what was held is free. A second time, or when its time was over, it does nothing.
///
/// # Errors
/// `NoReservation`; `WrongState` for one whose order was placed, which is refunded instead.
pub async fn cancel(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
) -> Result<Reservation, ReservationError> {
    let mut reservation = lock(tx, cx.scope, id).await?;
    match reservation.state {
        ReservationState::Held => {
            release(tx, cx, &mut reservation, ReservationState::Cancelled).await?;
        }
        ReservationState::Cancelled | ReservationState::TimedOut => {}
        state => return Err(ReservationError::WrongState(state)),
    }
    Ok(reservation)
}

/// Ends a reservation whose time is over; gives whether it was still to be ended.
pub(super) async fn time_out(tx: &mut Tx, cx: &Ctx, id: ReservationId) -> Result<bool, DbError> {
    let mut reservation = match lock(tx, cx.scope, id).await {
        Ok(reservation) => reservation,
        Err(ReservationError::Db(error)) => return Err(error),
        Err(_) => return Ok(false),
    };
    let is_due = reservation.state == ReservationState::Held && reservation.until <= cx.now();
    if is_due {
        release(tx, cx, &mut reservation, ReservationState::TimedOut).await?;
    }
    Ok(is_due)
}

async fn release(
    tx: &mut Tx,
    cx: &Ctx,
    reservation: &mut Reservation,
    next: ReservationState,
) -> Result<(), DbError> {
    set_state(tx, cx, reservation, next).await?;
    let id = reservation.id;
    for hold in hold::read(tx, cx.scope, id).await? {
        if hold.what == What::Coupon {
            using::release(tx, cx, hold.owner, id.uuid()).await?;
        }
        hold::give_back(tx, cx, id, &hold, (hold.left(), Move::HeldToRemaining)).await?;
    }
    let event = ReservationReleasedV1 {
        reservation: id,
        shop: reservation.shop,
        order_key: reservation.order_key.clone(),
        timed_out: next == ReservationState::TimedOut,
    };
    outbox::push(tx, cx, &event).await?;
    Ok(())
}

/// Ends one reservation whose time is over; gives whether there was one. One transaction ends one: what several
/// hold is in no one order, and two that end several might wait for each other.
///
/// # Errors
/// As the database says.
pub async fn time_out_next(tx: &mut Tx, cx: &Ctx) -> Result<bool, DbError> {
    let lock = if tx.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT id FROM loyalty_reservations
          WHERE org_id = $1 AND state = 'held' AND until <= $2 ORDER BY until, id LIMIT 1{lock}"
    ));
    let next: Option<(Uuid,)> = tx.fetch_optional(sql, args![cx.scope.org_arg(), cx.now()]).await?;
    match next {
        Some((id,)) => time_out(tx, cx, ReservationId::from_uuid(id)).await,
        None => Ok(false),
    }
}

/// Milliseconds for which a reservation is kept that was given up, so that its order key says so; 90 days.
pub const GIVEN_UP_MILLIS: i64 = 90 * platform::retention::DAY_MILLIS;
/// Reservations forgotten in one transaction.
const FORGOTTEN_MAX: i64 = 500;

/// Forgets reservations, with their lines, that were cancelled or timed out 90 days ago: they hold nothing, so no sum
/// changes. What was used is kept, since limits and returns rest on it. Gives how many.
///
/// # Errors
/// As the database says.
pub async fn prune(tx: &mut Tx, cx: &Ctx) -> Result<u64, DbError> {
    let given_up = "SELECT id FROM loyalty_reservations
         WHERE org_id = $1 AND state IN ('cancelled', 'timed_out') AND ended_at <= $2
         ORDER BY ended_at, id LIMIT $3";
    let values = args![cx.scope.org_arg(), cx.now().plus_millis(-GIVEN_UP_MILLIS), FORGOTTEN_MAX];
    // States of these are final, so both statements mean the same.
    let sql =
        format!("DELETE FROM loyalty_holds WHERE org_id = $1 AND reservation_id IN ({given_up})");
    tx.execute(AssertSqlSafe(sql), values.clone()).await?;
    let sql = format!("DELETE FROM loyalty_reservations WHERE org_id = $1 AND id IN ({given_up})");
    tx.execute(AssertSqlSafe(sql), values).await
}

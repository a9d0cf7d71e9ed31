//! How one coupon goes from hand to order and back: each step is one conditional statement.

mod look;

pub use look::{Looked, definitions_of, look};

use kernel::{CouponDefinitionId, CouponId, Timestamp, TypedId as _};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, DbError, Tx, args};
use uuid::Uuid;

use super::claim::{Claimant, claim_found, find_code};
use super::{CouponError, Definition, State, code, definition};
use crate::counters::broken;
use crate::reservations::{Brought, ReservationError};
use crate::rules::{OfferState, RefundRule};

/// A coupon that shall be locked.
pub(crate) struct Wanted {
    pub id: Uuid,
    /// Whose it is, and whose uses it counts to.
    pub customer: Uuid,
    pub definition: Definition,
    /// A use of a public code, which makes the coupon.
    pub is_new: bool,
}

/// Finds what was brought, and claims it if it is a code that nobody has.
pub(crate) async fn find(
    tx: &mut Tx,
    cx: &Ctx,
    brought: &Brought,
    claimant: Claimant<'_>,
) -> Result<Wanted, ReservationError> {
    match brought {
        Brought::Coupon(id) => of_id(tx, cx, *id, claimant).await,
        Brought::Code(entered) => {
            let code = code::normalise(entered).ok_or(CouponError::UnknownCode)?;
            let digest = code::digest(&cx.keys(), &code);
            if let Some(found) = definition::of_code(tx, cx.scope, &digest).await? {
                return public(cx, found, claimant);
            }
            let found = find_code(tx, cx, entered).await?;
            may_be_used(&found.definition)?;
            let id = claim_found(tx, cx, &found, claimant).await?;
            let customer = found.customer.unwrap_or_else(|| claimant.holder.root());
            Ok(Wanted { id: id.uuid(), customer, definition: found.definition, is_new: false })
        }
    }
}

fn public(
    cx: &Ctx,
    definition: Definition,
    claimant: Claimant<'_>,
) -> Result<Wanted, ReservationError> {
    let rules = &definition.rules;
    if definition.state != OfferState::Live {
        return Err(CouponError::WrongState(definition.state.name()).into());
    }
    let (from, until) = rules.validity.of_claim(cx.now());
    let is_valid = from <= cx.now() && until.is_none_or(|until| cx.now() < until);
    if !(is_valid && rules.window.has(cx.now())) {
        return Err(
            CouponError::NotNow { from: rules.window.from, until: rules.window.until }.into()
        );
    }
    let is_allowed = |level: &String| rules.levels.contains(level);
    if !rules.levels.is_empty() && !claimant.levels.iter().any(is_allowed) {
        return Err(CouponError::Level(rules.levels.clone()).into());
    }
    let id = cx.fresh::<CouponId>().uuid();
    Ok(Wanted { id, customer: claimant.holder.root(), definition, is_new: true })
}

async fn of_id(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponId,
    claimant: Claimant<'_>,
) -> Result<Wanted, ReservationError> {
    let row: Option<(Uuid, Option<Uuid>)> = tx
        .fetch_optional(
            "SELECT definition_id, customer_id FROM loyalty_coupons WHERE org_id = $1 AND id = $2",
            args![cx.scope.org_arg(), id.uuid()],
        )
        .await?;
    let (definition, customer) = row.ok_or(ReservationError::NoCoupon(id))?;
    let is_own = |customer: &Uuid| claimant.holder.members().contains(customer);
    let customer = customer.filter(is_own).ok_or(ReservationError::NoCoupon(id))?;
    let found = definition::get(tx, cx.scope, CouponDefinitionId::from_uuid(definition)).await?;
    let definition = found.ok_or(CouponError::NoDefinition)?;
    may_be_used(&definition)?;
    Ok(Wanted { id: id.uuid(), customer, definition, is_new: false })
}

/// Stopped, those who have a coupon may use it; ended, nobody may.
fn may_be_used(definition: &Definition) -> Result<(), CouponError> {
    if matches!(definition.state, OfferState::Draft | OfferState::Ended) {
        return Err(CouponError::WrongState(definition.state.name()));
    }
    Ok(())
}

/// Locks a coupon for a reservation.
pub(crate) async fn lock(
    tx: &mut Tx,
    cx: &Ctx,
    wanted: &Wanted,
    (reservation, until): (Uuid, Timestamp),
) -> Result<(), ReservationError> {
    let org = cx.scope.org_arg();
    if wanted.is_new {
        let (valid_from, valid_until) = wanted.definition.rules.validity.of_claim(cx.now());
        tx.execute(
            "INSERT INTO loyalty_coupons (org_id, id, definition_id, origin, state, customer_id,
                 claimed_at, reservation_id, lock_until, valid_from, valid_until, returned)
             VALUES ($1, $2, $3, 'public', 'locked', $4, $5, $6, $7, $8, $9, 0)",
            args![
                org,
                wanted.id,
                wanted.definition.id.uuid(),
                wanted.customer,
                cx.now(),
                reservation,
                until,
                valid_from,
                valid_until
            ],
        )
        .await?;
        return Ok(());
    }
    let locked = tx
        .execute(
            "UPDATE loyalty_coupons SET state = 'locked', reservation_id = $3, lock_until = $4
              WHERE org_id = $1 AND id = $2 AND state = 'claimed'
                AND valid_from <= $5 AND (valid_until IS NULL OR valid_until > $5)",
            args![org, wanted.id, reservation, until, cx.now()],
        )
        .await?;
    if locked == 1 { Ok(()) } else { Err(why_not(tx, cx, wanted.id).await?) }
}

async fn why_not(tx: &mut Tx, cx: &Ctx, id: Uuid) -> Result<ReservationError, DbError> {
    let (state, from, until, lock_until): (String, Option<i64>, Option<i64>, Option<i64>) = tx
        .fetch_one(
            "SELECT state, valid_from, valid_until, lock_until FROM loyalty_coupons
              WHERE org_id = $1 AND id = $2",
            args![cx.scope.org_arg(), id],
        )
        .await?;
    let coupon = CouponId::from_uuid(id);
    let now = cx.now().millis();
    Ok(match State::parse(&state)? {
        State::Locked => ReservationError::CouponLocked {
            coupon,
            until: Timestamp::from_millis(lock_until.unwrap_or(now)),
        },
        State::Claimed if from.is_some_and(|from| from > now) => ReservationError::CouponTooEarly {
            coupon,
            from: Timestamp::from_millis(from.unwrap_or(now)),
        },
        State::Claimed if until.is_some_and(|until| until <= now) => {
            ReservationError::CouponExpired(coupon)
        }
        State::Expired => ReservationError::CouponExpired(coupon),
        _ => ReservationError::CouponUsed(coupon),
    })
}

async fn moved(
    tx: &mut Tx,
    sql: &'static str,
    arguments: Vec<platform::Arg>,
) -> Result<(), DbError> {
    match tx.execute(sql, arguments).await? {
        1 => Ok(()),
        _ => Err(broken("a coupon is not where its reservation left it")),
    }
}

/// The order is placed: what was locked is used.
pub(crate) async fn redeem(tx: &mut Tx, cx: &Ctx, id: Uuid, by: Uuid) -> Result<(), DbError> {
    let sql = "UPDATE loyalty_coupons SET state = 'redeemed', lock_until = NULL
          WHERE org_id = $1 AND id = $2 AND state = 'locked' AND reservation_id = $3";
    moved(tx, sql, args![cx.scope.org_arg(), id, by]).await
}

/// The order is not placed: the coupon is there again, if its time is not over.
pub(crate) async fn release(tx: &mut Tx, cx: &Ctx, id: Uuid, by: Uuid) -> Result<(), DbError> {
    let sql = "UPDATE loyalty_coupons
            SET state = CASE WHEN origin = 'public' THEN 'void'
                             WHEN valid_until <= $4 THEN 'expired' ELSE 'claimed' END,
                reservation_id = NULL, lock_until = NULL
          WHERE org_id = $1 AND id = $2 AND state = 'locked' AND reservation_id = $3";
    moved(tx, sql, args![cx.scope.org_arg(), id, by, cx.now()]).await
}

/// The order is refunded as a whole. Gives whether the coupon came back, so that it was not used after all.
pub(crate) async fn refund(tx: &mut Tx, cx: &Ctx, id: Uuid, by: Uuid) -> Result<bool, DbError> {
    let row: Option<(Uuid, Option<i64>)> = tx
        .fetch_optional(
            "SELECT definition_id, valid_until FROM loyalty_coupons
              WHERE org_id = $1 AND id = $2 AND state = 'redeemed' AND reservation_id = $3",
            args![cx.scope.org_arg(), id, by],
        )
        .await?;
    let (definition, valid_until) =
        row.ok_or_else(|| broken("a coupon is not where its reservation left it"))?;
    let found = definition::get(tx, cx.scope, CouponDefinitionId::from_uuid(definition)).await?;
    let rule = found.map_or(RefundRule::KeepUsed, |found| found.rules.refund);
    let now = cx.now();
    let is_over = valid_until.is_some_and(|until| until <= now.millis());
    let until = match rule {
        RefundRule::KeepUsed => None,
        RefundRule::ReturnIfValid if is_over => None,
        RefundRule::Return { grace_days } if is_over => {
            let grace = now.plus_millis(i64::from(grace_days) * DAY_MILLIS);
            // Without grace it is over since it was.
            Some(if grace_days == 0 { valid_until } else { Some(grace.millis()) })
        }
        _ => Some(valid_until),
    };
    let Some(until) = until else {
        let sql = "UPDATE loyalty_coupons SET state = 'kept'
              WHERE org_id = $1 AND id = $2 AND state = 'redeemed' AND reservation_id = $3";
        moved(tx, sql, args![cx.scope.org_arg(), id, by]).await?;
        return Ok(false);
    };
    let sql = "UPDATE loyalty_coupons
            SET state = CASE WHEN origin = 'public' THEN 'void'
                             WHEN $5 <= $4 THEN 'expired' ELSE 'claimed' END,
                valid_until = $5, reservation_id = NULL, returned = returned + 1
          WHERE org_id = $1 AND id = $2 AND state = 'redeemed' AND reservation_id = $3";
    moved(tx, sql, args![cx.scope.org_arg(), id, by, now, until]).await?;
    Ok(true)
}

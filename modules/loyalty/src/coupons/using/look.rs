//! What a brought coupon is, for a quote: nothing is claimed, locked or written.

use std::collections::BTreeMap;

use kernel::{CouponDefinitionId, CouponId, TypedId as _};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Brought, Claimant, CouponError, Definition, State, code, definition, find_code};
use super::{ReservationError, may_be_used, of_id, public, why_not};

/// A coupon that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// What it gives.
    pub definition: Definition,
    /// Which it is; none for a code that everybody may know.
    pub coupon: Option<CouponId>,
}

/// What `brought` is, if it could be used now as far as one can see without taking it: limits are left to the
/// reservation.
///
/// # Errors
/// Why it could not.
pub async fn look(
    tx: &mut Tx,
    cx: &Ctx,
    brought: &Brought,
    claimant: Claimant<'_>,
) -> Result<Looked, ReservationError> {
    match brought {
        Brought::Coupon(id) => {
            let found = of_id(tx, cx, *id, claimant).await?;
            usable(tx, cx, found.id).await?;
            Ok(Looked { definition: found.definition, coupon: Some(*id) })
        }
        Brought::Code(entered) => {
            let normalised = code::normalise(entered).ok_or(CouponError::UnknownCode)?;
            let digest = code::digest(&cx.keys(), &normalised);
            if let Some(found) = definition::of_code(tx, cx.scope, &digest).await? {
                let found = public(cx, found, claimant)?;
                return Ok(Looked { definition: found.definition, coupon: None });
            }
            let found = find_code(tx, cx, entered).await?;
            let id = CouponId::from_uuid(found.id);
            if found.state == State::Issued {
                // To be claimed it takes what a use of a public code takes.
                public(cx, found.definition.clone(), claimant)?;
            } else {
                let is_own = |owner: Uuid| claimant.holder.members().contains(&owner);
                if !found.customer.is_some_and(is_own) {
                    return Err(CouponError::AlreadyClaimed.into());
                }
                may_be_used(&found.definition)?;
                usable(tx, cx, found.id).await?;
            }
            Ok(Looked { definition: found.definition, coupon: Some(id) })
        }
    }
}

async fn usable(tx: &mut Tx, cx: &Ctx, id: Uuid) -> Result<(), ReservationError> {
    // One that a reservation holds whose time is over can be had: that one is ended for it.
    let found: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT id FROM loyalty_coupons
              WHERE org_id = $1 AND id = $2 AND valid_from <= $3
                AND (valid_until IS NULL OR valid_until > $3)
                AND (state = 'claimed' OR state = 'locked' AND lock_until <= $3)",
            args![cx.scope.org_arg(), id, cx.now()],
        )
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(why_not(tx, cx, id).await?),
    }
}

/// The definitions of `coupons`, at most 512.
///
/// # Errors
/// As the database says.
pub async fn definitions_of(
    tx: &mut Tx,
    scope: Scope,
    coupons: &[CouponId],
) -> Result<BTreeMap<CouponId, CouponDefinitionId>, DbError> {
    if coupons.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = coupons.iter().take(512).map(|id| Arg::from(id.uuid())).collect();
    let (list, values) = in_list(2, ids);
    let mut arguments = args![scope.org_arg()];
    arguments.extend(values);
    let sql = AssertSqlSafe(format!(
        "SELECT id, definition_id FROM loyalty_coupons WHERE org_id = $1 AND id IN ({list})"
    ));
    let rows: Vec<(Uuid, Uuid)> = tx.fetch_all(sql, arguments).await?;
    let pair =
        |(id, of): (Uuid, Uuid)| (CouponId::from_uuid(id), CouponDefinitionId::from_uuid(of));
    Ok(rows.into_iter().map(pair).collect())
}

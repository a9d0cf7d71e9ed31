//! A customer takes a coupon, by button or by code.

use kernel::{CouponDefinitionId, CouponId, TypedId as _, Zone};
use platform::{Ctx, Tx, args, outbox};
use uuid::Uuid;

use super::events::CouponsChangedV1;
use super::{CouponError, Definition, State, code, definition};
use crate::Holder;
use crate::counters::{self, CounterKind, Take};
use crate::rules::OfferState;

/// Who claims, as the flow knows it.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// The customer with its family. The coupon is the root's.
    pub holder: &'a Holder,
    /// The names of its levels, one of each scheme at most.
    pub levels: &'a [String],
    /// In which days are told.
    pub zone: Zone,
}

/// Takes a coupon of a definition whose coupons are there to be claimed. The same `key` again gives the same coupon.
///
/// # Errors
/// `NoDefinition`, `WrongState`, `NotClaimable`, `NotNow`, `Level`, `Full`.
pub async fn claim(
    tx: &mut Tx,
    cx: &Ctx,
    definition: CouponDefinitionId,
    claimant: Claimant<'_>,
    key: &str,
) -> Result<CouponId, CouponError> {
    let found = definition::get(tx, cx.scope, definition).await?;
    let found = found.ok_or(CouponError::NoDefinition)?;
    if key.is_empty() || key.len() > crate::rules::KEY_MAX_BYTES {
        let mut errors = kernel::FieldErrors::default();
        errors.push("key", format!("must be 1 to {} bytes", crate::rules::KEY_MAX_BYTES));
        return Err(errors.into());
    }
    // A key of a claim is never that of a gift.
    let key = format!("claim:{key}");
    let id: CouponId = cx.fresh();
    let (from, until) = found.rules.validity.of_claim(cx.now());
    let root = claimant.holder.root();
    let made = tx
        .execute(
            "INSERT INTO loyalty_coupons (org_id, id, definition_id, run_key, origin, state,
                 customer_id, claimed_at, valid_from, valid_until, returned)
             VALUES ($1, $2, $3, $4, 'claim', 'claimed', $5, $6, $7, $8, 0)
             ON CONFLICT (org_id, definition_id, customer_id, run_key) WHERE run_key IS NOT NULL
             DO NOTHING",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                definition.uuid(),
                key.as_str(),
                root,
                cx.now(),
                from,
                until
            ],
        )
        .await?;
    if made == 0 {
        let (id,): (Uuid,) = tx
            .fetch_one(
                "SELECT id FROM loyalty_coupons WHERE org_id = $1 AND definition_id = $2
                    AND customer_id = $3 AND run_key = $4",
                args![cx.scope.org_arg(), definition.uuid(), root, key],
            )
            .await?;
        return Ok(CouponId::from_uuid(id));
    }
    if !found.rules.is_claimable {
        return Err(CouponError::NotClaimable);
    }
    admit(tx, cx, &found, claimant).await?;
    Ok(id)
}

/// Checks what a definition asks of who claims, and counts the claim.
pub(crate) async fn admit(
    tx: &mut Tx,
    cx: &Ctx,
    definition: &Definition,
    claimant: Claimant<'_>,
) -> Result<(), CouponError> {
    let rules = &definition.rules;
    if definition.state != OfferState::Live {
        return Err(CouponError::WrongState(definition.state.name()));
    }
    if !rules.window.has(cx.now()) {
        return Err(CouponError::NotNow { from: rules.window.from, until: rules.window.until });
    }
    let is_allowed = |level: &String| rules.levels.contains(level);
    if !rules.levels.is_empty() && !claimant.levels.iter().any(is_allowed) {
        return Err(CouponError::Level(rules.levels.clone()));
    }
    let owner = definition.id.uuid();
    let root = claimant.holder.root();
    let limits = &rules.claims;
    let mut takes = vec![Take::new(CounterKind::ClaimTotal, owner, String::new(), limits.total)];
    if limits.per_day.is_some() {
        let day = day_number(cx.now(), claimant.zone).to_string();
        takes.push(Take::new(CounterKind::ClaimDay, owner, day, limits.per_day));
    }
    if let Some(limit) = limits.per_person {
        let kind = CounterKind::ClaimPerson;
        takes.push(Take::of_person(kind, owner, (root, ""), claimant.holder, limit));
    }
    counters::take(tx, cx.scope, &mut takes).await?;
    outbox::push(tx, cx, &CouponsChangedV1::of(owner, [root])).await?;
    Ok(())
}

/// Days since 1970 in `zone`.
pub(crate) fn day_number(now: kernel::Timestamp, zone: Zone) -> i64 {
    let local = now.millis() + i64::from(zone.offset_seconds()) * 1_000;
    local.div_euclid(platform::retention::DAY_MILLIS)
}

/// A coupon as it is found by its code.
pub(crate) struct OfCode {
    pub id: Uuid,
    pub state: State,
    pub customer: Option<Uuid>,
    pub definition: Definition,
}

/// Finds the coupon of a unique code.
pub(crate) async fn find_code(tx: &mut Tx, cx: &Ctx, entered: &str) -> Result<OfCode, CouponError> {
    let code = code::normalise(entered).ok_or(CouponError::UnknownCode)?;
    let row: Option<(Uuid, Uuid, String, Option<Uuid>)> = tx
        .fetch_optional(
            "SELECT id, definition_id, state, customer_id FROM loyalty_coupons
              WHERE org_id = $1 AND digest = $2",
            args![cx.scope.org_arg(), code::digest(&cx.keys(), &code)],
        )
        .await?;
    let (id, definition, state, customer) = row.ok_or(CouponError::UnknownCode)?;
    let definition =
        definition::get(tx, cx.scope, CouponDefinitionId::from_uuid(definition)).await?;
    let definition = definition.ok_or(CouponError::NoDefinition)?;
    Ok(OfCode { id, state: State::parse(&state)?, customer, definition })
}

/// Takes the coupon of a unique code. Again by the same customer it gives the same coupon. For codes that people enter
/// see [`super::tries::enter`].
///
/// # Errors
/// `UnknownCode`, `AlreadyClaimed`, `WrongState`, `NotNow`, `Level`, `Full`.
pub async fn claim_code(
    tx: &mut Tx,
    cx: &Ctx,
    entered: &str,
    claimant: Claimant<'_>,
) -> Result<CouponId, CouponError> {
    let found = find_code(tx, cx, entered).await?;
    let claimed = claim_found(tx, cx, &found, claimant).await;
    if found.state == State::Issued && matches!(claimed, Err(CouponError::AlreadyClaimed)) {
        // Somebody was faster, perhaps the same customer by the same click.
        let found = find_code(tx, cx, entered).await?;
        return claim_found(tx, cx, &found, claimant).await;
    }
    claimed
}

pub(crate) async fn claim_found(
    tx: &mut Tx,
    cx: &Ctx,
    found: &OfCode,
    claimant: Claimant<'_>,
) -> Result<CouponId, CouponError> {
    if found.state != State::Issued {
        let is_own = found.customer.is_some_and(|id| claimant.holder.members().contains(&id));
        return if is_own {
            Ok(CouponId::from_uuid(found.id))
        } else {
            Err(CouponError::AlreadyClaimed)
        };
    }
    let (from, until) = found.definition.rules.validity.of_claim(cx.now());
    let taken = tx
        .execute(
            "UPDATE loyalty_coupons
                SET state = 'claimed', customer_id = $3, claimed_at = $4, valid_from = $5, valid_until = $6
              WHERE org_id = $1 AND id = $2 AND state = 'issued'",
            args![cx.scope.org_arg(), found.id, claimant.holder.root(), cx.now(), from, until],
        )
        .await?;
    if taken != 1 {
        return Err(CouponError::AlreadyClaimed);
    }
    admit(tx, cx, &found.definition, claimant).await?;
    Ok(CouponId::from_uuid(found.id))
}

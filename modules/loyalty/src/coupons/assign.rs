//! Coupons are given to many customers.

use std::collections::BTreeSet;

use kernel::{CouponDefinitionId, CouponId, CustomerId, TypedId as _};
use platform::audit::{self, Entry};
use platform::db::args::in_list;
use platform::{Arg, BulkRows, Ctx, Tx, args, outbox};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::events::CouponsChangedV1;
use super::{CouponError, definition};
use crate::rules::{KEY_MAX_BYTES, OfferState};

/// Customers of one call; the list of an audience comes in so many parts.
pub const ASSIGN_MAX: usize = 2_000;

/// Gives each of `customers` a coupon, once for each `key`: a customer who has one by this key gets none, so a call
/// that was cut off, or a part of an audience that comes again, changes nothing. Limits of claims do not count
/// gifts. Gives how many were given.
///
/// # Errors
/// `NoDefinition`, `WrongState`, `Fields`.
pub async fn assign(
    tx: &mut Tx,
    cx: &Ctx,
    definition: CouponDefinitionId,
    key: &str,
    customers: &[CustomerId],
) -> Result<u64, CouponError> {
    let mut errors = kernel::FieldErrors::default();
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        errors.push("key", format!("must be 1 to {KEY_MAX_BYTES} bytes"));
    }
    if customers.len() > ASSIGN_MAX {
        errors.push("customers", format!("at most {ASSIGN_MAX} at once"));
    }
    errors.finish(|| Some(()))?;
    let given = give(tx, cx, definition, key, customers).await?;
    if given > 0 {
        let entry = Entry::new("loyalty.coupon.assign")
            .on("coupon", definition)
            .with("run", key)
            .with("given", given);
        audit::record(tx, cx, entry).await?;
    }
    Ok(given)
}

/// As [`assign`], for a list that is recorded as a whole.
pub(super) async fn give(
    tx: &mut Tx,
    cx: &Ctx,
    definition: CouponDefinitionId,
    key: &str,
    customers: &[CustomerId],
) -> Result<u64, CouponError> {
    let found = definition::get(tx, cx.scope, definition).await?;
    let found = found.ok_or(CouponError::NoDefinition)?;
    if found.state != OfferState::Live {
        return Err(CouponError::WrongState(found.state.name()));
    }
    let org = cx.scope.org_arg();
    let key = format!("gift:{key}");
    // Two parts of one run wait for each other here.
    let run = args![org, definition.uuid(), key.as_str()];
    tx.execute(
        "INSERT INTO loyalty_coupon_runs (org_id, definition_id, key, given) VALUES ($1, $2, $3, 0)
         ON CONFLICT (org_id, definition_id, key) DO UPDATE SET given = loyalty_coupon_runs.given",
        run.clone(),
    )
    .await?;
    let mut wanted: BTreeSet<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let all: Vec<Uuid> = wanted.iter().copied().collect();
    for part in all.chunks(512) {
        let (list, values) = in_list(4, part.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = run.clone();
        arguments.extend(values);
        let sql = AssertSqlSafe(format!(
            "SELECT customer_id FROM loyalty_coupons WHERE org_id = $1 AND definition_id = $2
                AND run_key = $3 AND customer_id IN ({list})"
        ));
        for (has,) in tx.fetch_all::<(Uuid,)>(sql, arguments).await? {
            wanted.remove(&has);
        }
    }
    if wanted.is_empty() {
        return Ok(0);
    }
    let now = cx.now();
    let (from, until) = found.rules.validity.of_claim(now);
    let mut rows = BulkRows::new(
        "loyalty_coupons",
        &[
            "org_id",
            "id",
            "definition_id",
            "run_key",
            "origin",
            "state",
            "customer_id",
            "claimed_at",
            "valid_from",
            "valid_until",
            "returned",
        ],
    );
    for customer in &wanted {
        rows.push([
            org.into(),
            cx.ids.fresh::<CouponId>(now).uuid().into(),
            definition.uuid().into(),
            key.as_str().into(),
            "gift".into(),
            "claimed".into(),
            (*customer).into(),
            now.into(),
            from.into(),
            until.into(),
            0_i64.into(),
        ]);
    }
    tx.bulk_insert(rows).await?;
    let given = wanted.len() as u64;
    let mut arguments = run;
    arguments.push((given as i64).into());
    tx.execute(
        "UPDATE loyalty_coupon_runs SET given = given + $4
          WHERE org_id = $1 AND definition_id = $2 AND key = $3",
        arguments,
    )
    .await?;
    outbox::push(tx, cx, &CouponsChangedV1::of(definition.uuid(), wanted)).await?;
    Ok(given)
}

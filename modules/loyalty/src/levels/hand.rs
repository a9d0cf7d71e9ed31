//! Levels set by hand, for a reason.

use kernel::{AuditId, CustomerId, FieldErrors, Timestamp, TypedId as _, UserId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

use super::rules::Downgrade;
use super::{LevelsError, Scheme, store};

/// Name under which reasons are sealed.
pub(crate) const FIELD: &str = "loyalty.level";
/// Longest reason, in characters.
pub const REASON_MAX: usize = 500;
/// Changes by hand of one customer in one scheme.
pub const DEEDS_MAX: i64 = 1_000;

/// Something done by hand to a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LevelDeed)]
pub struct HandDeed {
    /// The rank that was pinned; null when it was released.
    pub rank: Option<usize>,
    /// Why; null once it was erased with the person.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// By whom; null for the program itself.
    pub actor: Option<UserId>,
}

/// Pins the level of `customer`: whatever is measured, it stays until it is released. Of several who are one family the
/// last deed counts. Rank 0 is no level.
///
/// # Errors
/// `Fields`, `NoLevel`, `TooManyDeeds`.
pub async fn pin(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    customer: CustomerId,
    rank: usize,
    reason: &str,
) -> Result<(), LevelsError> {
    if rank > scheme.rules.levels.len() {
        return Err(LevelsError::NoLevel(scheme.rules.levels.len()));
    }
    act(tx, cx, scheme, customer, Some(rank), reason).await
}

/// Sets the level to what is earned now, and leaves it to the scheme from now on. What is not pinned can be lowered so
/// only where the scheme lowers levels by hand.
///
/// # Errors
/// `Fields`, `NotByHand`, `TooManyDeeds`.
pub async fn release(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    customer: CustomerId,
    reason: &str,
) -> Result<(), LevelsError> {
    act(tx, cx, scheme, customer, None, reason).await
}

async fn act(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    customer: CustomerId,
    rank: Option<usize>,
    reason: &str,
) -> Result<(), LevelsError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let mut errors = FieldErrors::default();
        errors.push("reason", format!("must have 1 to {REASON_MAX} characters"));
        errors.finish(|| Some(()))?;
    }
    let people = store::lock(tx, cx.scope, &BTreeSet::from([customer.uuid()])).await?;
    let root = people.get(&customer.uuid()).copied().unwrap_or(customer.uuid());
    store::lock(tx, cx.scope, &BTreeSet::from([root])).await?;
    if rank.is_none() && scheme.rules.downgrade != Downgrade::Hand {
        let grounds = store::grounds(tx, cx.scope, &[root]).await?;
        if !grounds.standing(scheme, root, cx.now()).pinned {
            return Err(LevelsError::NotByHand);
        }
    }
    let id: AuditId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_level_deeds (org_id, id, scheme_id, customer_id, rank, sealed, at, actor)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, CAST($5 AS BIGINT), $6, $7, $8
              WHERE (SELECT COUNT(*) FROM loyalty_level_deeds
                      WHERE org_id = $1 AND customer_id = $4 AND scheme_id = $3) < $9",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                scheme.id.uuid(),
                customer,
                rank.map(|rank| rank as i64),
                cx.keys().seal(&*cx.ids, FIELD, reason.as_bytes()),
                cx.now(),
                cx.scope.user_id(),
                DEEDS_MAX
            ],
        )
        .await?;
    if made != 1 {
        return Err(LevelsError::TooManyDeeds(DEEDS_MAX));
    }
    let schemes = std::slice::from_ref(scheme);
    store::bring_up(tx, cx, schemes, &BTreeSet::from([root]), &BTreeSet::new()).await?;
    let deed = if rank.is_some() { "loyalty.level.pin" } else { "loyalty.level.release" };
    let entry = Entry::new(deed)
        .on("customer", customer)
        .with("scheme", scheme.id)
        .with("rank", rank)
        .personal("reason", reason);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

type DeedRow = (Option<i64>, Option<Vec<u8>>, i64, Option<Uuid>);

/// What was done by hand to the level of `customer` in `scheme`, the newest first.
///
/// # Errors
/// As the database says.
pub async fn deeds(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    scheme: &Scheme,
    customer: CustomerId,
) -> Result<Vec<HandDeed>, DbError> {
    let rows: Vec<DeedRow> = tx
        .fetch_all(
            "SELECT rank, sealed, at, actor FROM loyalty_level_deeds
              WHERE org_id = $1 AND customer_id = $2 AND scheme_id = $3 ORDER BY at DESC, id DESC",
            args![scope.org_arg(), customer, scheme.id.uuid()],
        )
        .await?;
    let open = |sealed: Vec<u8>| {
        keys.open_text(FIELD, &sealed)
            .map_err(|error| DbError::Refused(format!("the reason of a level: {error}")))
    };
    rows.into_iter()
        .map(|(rank, sealed, at, actor)| {
            Ok(HandDeed {
                rank: rank.and_then(|rank| usize::try_from(rank).ok()),
                reason: sealed.map(open).transpose()?,
                at: Timestamp::from_millis(at),
                actor: actor.map(UserId::from_uuid),
            })
        })
        .collect()
}

/// Forgets why levels of `customers` were set by hand. The levels stay. Gives how many reasons went.
///
/// # Errors
/// As the database says.
pub async fn erase(tx: &mut Tx, scope: Scope, customers: &[CustomerId]) -> Result<u64, DbError> {
    let mut erased = 0;
    for customer in customers {
        erased += tx
            .execute(
                "UPDATE loyalty_level_deeds SET sealed = NULL
                  WHERE org_id = $1 AND customer_id = $2 AND sealed IS NOT NULL",
                args![scope.org_arg(), *customer],
            )
            .await?;
    }
    Ok(erased)
}

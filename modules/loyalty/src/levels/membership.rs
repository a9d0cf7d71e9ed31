//! Who stands where: for the card of a customer, for prices, and for points.

use std::collections::BTreeMap;

use kernel::{CustomerId, Limit, Timestamp, TypedId as _, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use uuid::Uuid;

use super::replay::Cause;
use super::{Scheme, store};
use crate::points::store::by_ids;

/// Where a customer stands in a scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LevelMembership)]
pub struct Membership {
    /// Whose level it is: the customer, or the one into whom it was merged.
    pub customer: CustomerId,
    /// Its rank; 0 is no level.
    pub rank: usize,
    /// Since when.
    pub since: Timestamp,
    /// Until when it is valid at least; in the past while the grace runs.
    pub valid_until: Option<Timestamp>,
    /// Whether it was pinned by hand.
    pub pinned: bool,
    /// The rank that is earned now; below `rank` where the scheme lets a level be kept.
    pub earned: usize,
    /// Minor units that count now.
    pub amount_minor: i64,
    /// Orders that count now.
    pub orders: i64,
    /// How much is missing to the next level, in minor units or orders; none at the highest.
    pub to_next: Option<i64>,
}

/// Where `customer` stands now, whether or not the job has run. Nobody is nowhere: rank 0.
///
/// # Errors
/// As the database says.
pub async fn of(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    customer: CustomerId,
) -> Result<Membership, DbError> {
    let people = store::people(tx, cx.scope, "customer_id", &[customer.uuid()], false).await?;
    let root = people.first().map_or(customer.uuid(), |(_, root)| *root);
    let grounds = store::grounds(tx, cx.scope, &[root]).await?;
    let standing = grounds.standing(scheme, root, cx.now());
    let (_, rules) = scheme.at(cx.now());
    let next = rules.levels.get(standing.rank.max(standing.earned));
    Ok(Membership {
        customer: CustomerId::from_uuid(root),
        rank: standing.rank,
        since: standing.since,
        valid_until: standing.valid_until,
        pinned: standing.pinned,
        earned: standing.earned,
        amount_minor: standing.amount_minor,
        orders: standing.orders,
        to_next: next.map(|level| (level.bound - standing.measured).max(0)),
    })
}

/// A change of a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LevelChange)]
pub struct Change {
    /// 1, 2, 3 … of this customer and scheme.
    pub revision: i64,
    /// The rank before.
    pub from: usize,
    /// The rank after.
    pub to: usize,
    /// When it was known. What was done in between rested on the rank before.
    pub at: Timestamp,
    /// From when the new rank counts.
    pub since: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The version of the scheme that held then.
    pub version: i64,
    /// By whom; null for the program itself.
    pub actor: Option<UserId>,
}

type ChangeRow = (i64, i64, i64, i64, i64, String, i64, Option<Uuid>);

/// The history of a level, the newest first; before a revision if one is given.
///
/// # Errors
/// As the database says.
pub async fn history(
    tx: &mut Tx,
    scope: Scope,
    scheme: &Scheme,
    customer: CustomerId,
    before: Option<i64>,
    limit: Limit,
) -> Result<Vec<Change>, DbError> {
    let rows: Vec<ChangeRow> = tx
        .fetch_all(
            "SELECT revision, from_rank, to_rank, at, since, cause, version, actor FROM loyalty_level_history
              WHERE org_id = $1 AND scheme_id = $2 AND customer_id = $3 AND revision < $4
              ORDER BY revision DESC LIMIT $5",
            args![
                scope.org_arg(),
                scheme.id.uuid(),
                customer,
                before.unwrap_or(i64::MAX),
                i64::try_from(limit.get()).unwrap_or(i64::MAX)
            ],
        )
        .await?;
    let rank = |rank: i64| usize::try_from(rank).unwrap_or(0);
    rows.into_iter()
        .map(|(revision, from, to, at, since, cause, version, actor)| {
            let cause = Cause::of_name(&cause).ok_or_else(|| {
                DbError::Refused(format!("a level changed by unknown cause {cause}"))
            })?;
            Ok(Change {
                revision,
                from: rank(from),
                to: rank(to),
                at: Timestamp::from_millis(at),
                since: Timestamp::from_millis(since),
                cause,
                version,
                actor: actor.map(UserId::from_uuid),
            })
        })
        .collect()
}

/// How many customers have each rank, from 0 (those who once had a level or an order, and have none) on.
///
/// # Errors
/// As the database says.
pub async fn counts(
    tx: &mut Tx,
    scope: Scope,
    scheme: &Scheme,
) -> Result<BTreeMap<usize, i64>, DbError> {
    let rows: Vec<(i64, i64)> = tx
        .fetch_all(
            "SELECT m.rank, COUNT(*) FROM loyalty_memberships m JOIN loyalty_level_people p
                 ON p.org_id = m.org_id AND p.customer_id = m.customer_id AND p.root_id = m.customer_id
              WHERE m.org_id = $1 AND m.scheme_id = $2 GROUP BY m.rank ORDER BY m.rank",
            args![scope.org_arg(), scheme.id.uuid()],
        )
        .await?;
    Ok(rows.into_iter().filter_map(|(rank, n)| Some((usize::try_from(rank).ok()?, n))).collect())
}

/// The ranks of `roots` as they were settled last; who has none is not named.
///
/// # Errors
/// As the database says.
pub async fn ranks(
    tx: &mut Tx,
    scope: Scope,
    scheme: &Scheme,
    roots: &[Uuid],
) -> Result<BTreeMap<Uuid, usize>, DbError> {
    let first = args![scope.org_arg(), scheme.id.uuid()];
    let select = "SELECT customer_id, rank FROM loyalty_memberships
                   WHERE org_id = $1 AND scheme_id = $2 AND rank > 0 AND customer_id";
    let rows: Vec<(Uuid, i64)> = by_ids(tx, select, &first, roots, "").await?;
    Ok(rows.into_iter().map(|(id, rank)| (id, usize::try_from(rank).unwrap_or(0))).collect())
}

/// What customers had been known to be, for the multiplier of points at a moment.
#[derive(Debug, Clone, Default)]
pub struct Multipliers {
    known: BTreeMap<Uuid, Vec<(i64, usize)>>,
}

impl Multipliers {
    /// Reads the histories of `roots` in `scheme`.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(
        tx: &mut Tx,
        scope: Scope,
        scheme: &Scheme,
        roots: &[CustomerId],
    ) -> Result<Self, DbError> {
        let ids: Vec<Uuid> = roots.iter().map(|id| id.uuid()).collect();
        let first = args![scope.org_arg(), scheme.id.uuid()];
        let select = "SELECT customer_id, revision, at, to_rank FROM loyalty_level_history
                       WHERE org_id = $1 AND scheme_id = $2 AND customer_id";
        let mut rows: Vec<(Uuid, i64, i64, i64)> = by_ids(tx, select, &first, &ids, "").await?;
        rows.sort_unstable_by_key(|(id, revision, ..)| (*id, *revision));
        let mut known: BTreeMap<Uuid, Vec<(i64, usize)>> = BTreeMap::new();
        for (id, _, at, rank) in rows {
            known.entry(id).or_default().push((at, usize::try_from(rank).unwrap_or(0)));
        }
        Ok(Self { known })
    }

    /// The multiplier of `root` at `at`, in thousandths: by the level that was known then and what the scheme said of
    /// it then. What is learned later changes nothing of it, so points that were earned stay.
    #[must_use]
    pub fn permille(&self, scheme: &Scheme, root: CustomerId, at: Timestamp) -> i64 {
        let history = self.known.get(&root.uuid()).map_or(&[][..], Vec::as_slice);
        // Known before, not in the same moment: the order that lifts a level is not yet of it.
        let past = history.partition_point(|(known, _)| *known < at.millis());
        let rank =
            past.checked_sub(1).and_then(|last| history.get(last)).map_or(0, |(_, rank)| *rank);
        scheme.at(at).1.multiplier_permille(rank)
    }
}

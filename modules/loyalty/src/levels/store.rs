//! SQL of levels: who belongs to whom, what is measured, where customers stand; and writing what changed.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{ShopId, Timestamp, TypedId as _};
use platform::{Arg, BulkRows, Ctx, DbError, Scope, Tx, args, outbox};
use uuid::Uuid;

use super::events::LevelChangedV1;
use super::replay::{Cause, Deed, Paid, Standing, evaluate};
use super::scheme::Scheme;
use crate::points::store::by_ids;

/// A row of `loyalty_memberships`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) customer_id: Uuid,
    pub(crate) rank: i64,
    pub(crate) since: i64,
    pub(crate) valid_until: Option<i64>,
    pub(crate) pinned: i64,
    pub(crate) earned: i64,
    pub(crate) measured: i64,
    pub(crate) amount_minor: i64,
    pub(crate) orders: i64,
    pub(crate) version: i64,
    pub(crate) measured_at: i64,
    pub(crate) next_at: Option<i64>,
    pub(crate) changed_at: i64,
    pub(crate) revision: i64,
}

pub(crate) const ROW: &str =
    "SELECT customer_id, rank, since, valid_until, pinned, earned, measured, amount_minor,
    orders, version, measured_at, next_at, changed_at, revision FROM loyalty_memberships
    WHERE org_id = $1 AND scheme_id = $2";

/// Orders and deeds of some customers, each with its own.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    /// By root: all whose orders count for it.
    members: BTreeMap<Uuid, Vec<Uuid>>,
    orders: BTreeMap<Uuid, Vec<OrderRow>>,
    /// With their place among all, since two can be of one moment.
    deeds: BTreeMap<(Uuid, Uuid), Vec<(usize, Deed)>>,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct OrderRow {
    pub(crate) order_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) shop_id: Uuid,
    pub(crate) currency: String,
    pub(crate) paid_at: i64,
    pub(crate) paid_minor: i64,
    pub(crate) refunded_minor: i64,
}

pub(crate) const ORDER: &str =
    "SELECT order_id, customer_id, shop_id, currency, paid_at, paid_minor, refunded_minor
    FROM loyalty_level_orders WHERE org_id = $1";

/// Makes rows for those who have none, and locks those of all, in the order of their ids. Gives whose level counts
/// for each.
pub(crate) async fn lock(
    tx: &mut Tx,
    scope: Scope,
    customers: &BTreeSet<Uuid>,
) -> Result<BTreeMap<Uuid, Uuid>, DbError> {
    let ids: Vec<Uuid> = customers.iter().copied().collect();
    let found: Vec<(Uuid, Uuid)> = people(tx, scope, "customer_id", &ids, false).await?;
    let known: BTreeSet<Uuid> = found.into_iter().map(|(id, _)| id).collect();
    for id in customers.difference(&known) {
        tx.execute(
            "INSERT INTO loyalty_level_people (org_id, customer_id, root_id) VALUES ($1, $2, $2)
             ON CONFLICT (org_id, customer_id) DO NOTHING",
            args![scope.org_arg(), *id],
        )
        .await?;
    }
    Ok(people(tx, scope, "customer_id", &ids, true).await?.into_iter().collect())
}

/// Customers and whose level counts for them, by one of the two columns.
pub(crate) async fn people(
    tx: &mut Tx,
    scope: Scope,
    column: &str,
    ids: &[Uuid],
    lock: bool,
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let select = format!(
        "SELECT customer_id, root_id FROM loyalty_level_people WHERE org_id = $1 AND {column}"
    );
    let tail = if lock && tx.is_postgres() { "ORDER BY customer_id FOR UPDATE" } else { "" };
    by_ids(tx, &select, &args![scope.org_arg()], ids, tail).await
}

pub(crate) async fn grounds(tx: &mut Tx, scope: Scope, roots: &[Uuid]) -> Result<Grounds, DbError> {
    let mut grounds = Grounds::default();
    for (customer, root) in people(tx, scope, "root_id", roots, false).await? {
        grounds.members.entry(root).or_default().push(customer);
    }
    let everybody: Vec<Uuid> = grounds.members.values().flatten().copied().collect();
    let first = args![scope.org_arg()];
    for row in
        by_ids::<OrderRow>(tx, &format!("{ORDER} AND customer_id"), &first, &everybody, "").await?
    {
        grounds.orders.entry(row.customer_id).or_default().push(row);
    }
    let select = "SELECT customer_id, scheme_id, rank, at, id FROM loyalty_level_deeds
                   WHERE org_id = $1 AND customer_id";
    let mut deeds: Vec<(Uuid, Uuid, Option<i64>, i64, Uuid)> =
        by_ids(tx, select, &first, &everybody, "").await?;
    deeds.sort_unstable_by_key(|(.., at, id)| (*at, *id));
    for (place, (customer, scheme, rank, at, _)) in deeds.into_iter().enumerate() {
        let rank = rank.map(|rank| usize::try_from(rank).unwrap_or(0));
        let deed = Deed { at: Timestamp::from_millis(at), rank };
        grounds.deeds.entry((scheme, customer)).or_default().push((place, deed));
    }
    Ok(grounds)
}

impl Grounds {
    /// Whether there are any for `root`, whatever a scheme makes of them.
    fn are_of(&self, root: Uuid) -> bool {
        self.members.get(&root).is_some_and(|members| {
            let has_deeds = |member| self.deeds.keys().any(|(_, customer)| customer == member);
            members.iter().any(|member| self.orders.contains_key(member) || has_deeds(member))
        })
    }

    /// Where `root` stands. Who was merged into somebody has no orders here, hence no level.
    pub(crate) fn standing(&self, scheme: &Scheme, root: Uuid, now: Timestamp) -> Standing {
        let members = self.members.get(&root).map_or(&[][..], Vec::as_slice);
        let orders: Vec<Paid> = members
            .iter()
            .filter_map(|member| self.orders.get(member))
            .flatten()
            .filter(|row| {
                row.currency
                    .parse()
                    .is_ok_and(|currency| scheme.covers(ShopId::from_uuid(row.shop_id), currency))
            })
            .map(|row| Paid {
                at: Timestamp::from_millis(row.paid_at),
                paid_minor: row.paid_minor,
                refunded_minor: row.refunded_minor,
            })
            .collect();
        let mut deeds: Vec<(usize, Deed)> = members
            .iter()
            .filter_map(|member| self.deeds.get(&(scheme.id.uuid(), *member)))
            .flatten()
            .copied()
            .collect();
        deeds.sort_unstable_by_key(|(place, _)| *place);
        let deeds: Vec<Deed> = deeds.into_iter().map(|(_, deed)| deed).collect();
        evaluate(scheme, &orders, &deeds, now)
    }
}

/// Brings the memberships of `customers`, who are locked, to where they stand now, in each of `schemes`. `moved` are
/// those who were merged, or are alone again.
pub(crate) async fn bring_up(
    tx: &mut Tx,
    cx: &Ctx,
    schemes: &[Scheme],
    customers: &BTreeSet<Uuid>,
    moved: &BTreeSet<Uuid>,
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = customers.iter().copied().collect();
    let grounds = grounds(tx, cx.scope, &ids).await?;
    for scheme in schemes {
        let first = args![cx.scope.org_arg(), scheme.id.uuid()];
        let rows: Vec<Row> =
            by_ids(tx, &format!("{ROW} AND customer_id"), &first, &ids, "").await?;
        let mut rows: BTreeMap<Uuid, Row> =
            rows.into_iter().map(|row| (row.customer_id, row)).collect();
        let mut writing = Writing::new(cx, scheme);
        for id in &ids {
            let standing = grounds.standing(scheme, *id, cx.now());
            let stored = rows.remove(id);
            // Who has orders is kept even without a level: a new version may count what this one does not.
            if stored.is_some() || grounds.are_of(*id) {
                writing.take(*id, stored, &standing, moved.contains(id));
            }
        }
        writing.write(tx).await?;
    }
    Ok(())
}

/// What is to be written of one scheme.
struct Writing<'a> {
    cx: &'a Ctx,
    scheme: &'a Scheme,
    replaced: Vec<Uuid>,
    rows: BulkRows,
    history: BulkRows,
    changed: BTreeSet<Uuid>,
}

impl<'a> Writing<'a> {
    fn new(cx: &'a Ctx, scheme: &'a Scheme) -> Self {
        Self {
            cx,
            scheme,
            replaced: Vec::new(),
            rows: membership_rows(),
            history: history_rows(),
            changed: BTreeSet::new(),
        }
    }

    fn take(&mut self, id: Uuid, stored: Option<Row>, standing: &Standing, moved: bool) {
        let now = self.cx.now();
        let int = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let mut row = Row {
            customer_id: id,
            rank: int(standing.rank),
            since: standing.since.millis(),
            valid_until: standing.valid_until.map(Timestamp::millis),
            pinned: i64::from(standing.pinned),
            earned: int(standing.earned),
            measured: standing.measured,
            amount_minor: standing.amount_minor,
            orders: standing.orders,
            version: standing.version,
            measured_at: now.millis(),
            next_at: standing.next_at.map(Timestamp::millis),
            changed_at: self.scheme.since.millis(),
            revision: 0,
        };
        let (mut was, mut as_of) = (0, i64::MIN);
        if let Some(stored) = &stored {
            (row.changed_at, row.revision) = (stored.changed_at, stored.revision);
            (was, as_of) = (stored.rank, stored.measured_at);
        }
        // What comes of the moment of the last look may have happened behind it.
        let behind = |from: i64| {
            let first = standing.steps.partition_point(|step| step.at.millis() < from);
            let new = standing.steps.get(first..).unwrap_or_default();
            new.first().filter(|step| !moved && int(step.from) == was).map(|_| new)
        };
        if let Some(new) = behind(as_of).or_else(|| behind(as_of.saturating_add(1))) {
            for step in new {
                let known = match step.cause {
                    Cause::Orders | Cause::Refund | Cause::Merge => now,
                    Cause::Hand | Cause::Scheme | Cause::Expiry => step.at,
                };
                self.note(&mut row, int(step.from), int(step.to), known, step.at, step.cause);
            }
        } else if was != row.rank {
            // The past is seen otherwise now.
            let cause = match (moved, row.rank > was) {
                (true, _) => Cause::Merge,
                (false, true) => Cause::Orders,
                (false, false) => Cause::Refund,
            };
            let to = row.rank;
            self.note(&mut row, was, to, now, standing.since, cause);
        }
        if let Some(stored) = stored {
            // When it was looked at is no change, unless something would be written anyway.
            if (Row { measured_at: stored.measured_at, ..row.clone() }) == stored {
                return;
            }
            self.replaced.push(id);
        }
        self.push(&row);
    }

    fn note(
        &mut self,
        row: &mut Row,
        from: i64,
        to: i64,
        known: Timestamp,
        since: Timestamp,
        cause: Cause,
    ) {
        row.revision += 1;
        row.changed_at = row.changed_at.max(known.millis());
        self.changed.insert(row.customer_id);
        self.history.push([
            self.cx.scope.org_arg().into(),
            self.scheme.id.uuid().into(),
            row.customer_id.into(),
            row.revision.into(),
            from.into(),
            to.into(),
            row.changed_at.into(),
            since.into(),
            cause.name().into(),
            self.scheme.at(since).0.into(),
            Arg::Uuid(self.cx.scope.user_id().map(|user| user.uuid())),
        ]);
    }

    fn push(&mut self, row: &Row) {
        self.rows.push([
            self.cx.scope.org_arg().into(),
            self.scheme.id.uuid().into(),
            row.customer_id.into(),
            row.rank.into(),
            row.since.into(),
            row.valid_until.into(),
            row.pinned.into(),
            row.earned.into(),
            row.measured.into(),
            row.amount_minor.into(),
            row.orders.into(),
            row.version.into(),
            row.measured_at.into(),
            row.next_at.into(),
            row.changed_at.into(),
            row.revision.into(),
        ]);
    }

    async fn write(self, tx: &mut Tx) -> Result<(), DbError> {
        let first = args![self.cx.scope.org_arg(), self.scheme.id.uuid()];
        let delete =
            "DELETE FROM loyalty_memberships WHERE org_id = $1 AND scheme_id = $2 AND customer_id";
        by_ids::<(i64,)>(tx, delete, &first, &self.replaced, "RETURNING rank").await?;
        tx.bulk_insert(self.rows).await?;
        tx.bulk_insert(self.history).await?;
        if !self.changed.is_empty() {
            let event = LevelChangedV1::of(self.scheme.id, &self.changed);
            outbox::push(tx, self.cx, &event).await?;
        }
        Ok(())
    }
}

const fn membership_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_memberships",
        &[
            "org_id",
            "scheme_id",
            "customer_id",
            "rank",
            "since",
            "valid_until",
            "pinned",
            "earned",
            "measured",
            "amount_minor",
            "orders",
            "version",
            "measured_at",
            "next_at",
            "changed_at",
            "revision",
        ],
    )
}

const fn history_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_level_history",
        &[
            "org_id",
            "scheme_id",
            "customer_id",
            "revision",
            "from_rank",
            "to_rank",
            "at",
            "since",
            "cause",
            "version",
            "actor",
        ],
    )
}

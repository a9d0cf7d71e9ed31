//! What the ledger has of some orders, and what it should have.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{CustomerId, OrderId, Timestamp, TypedId as _};
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use super::{Extent, OrderFacts};
use crate::points::programme::Programme;
use crate::points::rules::{Amounts, capped, returned_of};
use crate::points::spend::{self, SpendLot, SpendRow};
use crate::points::store;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct OrderRow {
    pub(super) order_id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) version: i64,
    pub(super) paid_at: i64,
    pub(super) day: i64,
    pub(super) raw: i64,
    pub(super) target: i64,
    pub(super) written_off: i64,
    pub(super) revision: i64,
    pub(super) level_permille: i64,
    #[sqlx(skip)]
    pub(super) is_new: bool,
}

const ROW: &str =
    "SELECT order_id, customer_id, version, paid_at, day, raw, target, written_off, revision, level_permille
    FROM loyalty_orders WHERE org_id = $1 AND programme_id = $2";

/// What is to be posted for one order.
pub(super) struct Work {
    pub(super) row: OrderRow,
    pub(super) before: OrderRow,
    pub(super) spends: Vec<(SpendRow, Vec<SpendLot>)>,
    /// What of its spends should have come back.
    pub(super) returned: i64,
}

/// What the ledger has of some orders, and what they are compared with.
pub(super) struct Books {
    pub(super) rows: BTreeMap<Uuid, OrderRow>,
    pub(super) spends: BTreeMap<Uuid, Vec<(SpendRow, Vec<SpendLot>)>>,
    /// Whose orders earn by the facts.
    pub(super) earners: BTreeSet<Uuid>,
}

fn earns(programme: &Programme, fact: &OrderFacts) -> bool {
    !fact.void
        && programme.covers(fact.shop, fact.currency)
        && fact.paid_at.is_some_and(|at| at >= programme.since)
}

pub(super) async fn read(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    customers: &[CustomerId],
    facts: &[OrderFacts],
    extent: Extent,
) -> Result<Books, DbError> {
    let first = args![scope.org_arg(), programme.id.uuid()];
    let orders: Vec<Uuid> = facts.iter().map(|fact| fact.order.uuid()).collect();
    let mut rows: Vec<OrderRow> =
        store::by_ids(tx, &format!("{ROW} AND order_id"), &first, &orders, "").await?;
    let mut owners: BTreeSet<Uuid> = rows.iter().map(|row| row.customer_id).collect();
    let earners: BTreeSet<Uuid> = facts
        .iter()
        .filter(|fact| earns(programme, fact))
        .map(|fact| fact.customer.uuid())
        .collect();
    // Those of the same customers: they share the limits of their days.
    let limited = programme.versions.iter().any(|version| version.rules.day_cap.is_some());
    owners.extend(earners.iter().copied());
    if !limited {
        owners.clear();
    }
    if extent == Extent::All {
        owners.extend(customers.iter().map(|id| id.uuid()));
    }
    let owners: Vec<Uuid> = owners.into_iter().collect();
    rows.extend(
        store::by_ids::<OrderRow>(tx, &format!("{ROW} AND customer_id"), &first, &owners, "")
            .await?,
    );
    let rows: BTreeMap<Uuid, OrderRow> = rows.into_iter().map(|row| (row.order_id, row)).collect();
    let orders: Vec<Uuid> = orders
        .into_iter()
        .chain(rows.keys().copied())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut spends: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for (row, parts) in spend::of_orders(tx, scope, programme, &orders).await? {
        spends.entry(row.order_id).or_default().push((row, parts));
    }
    Ok(Books { rows, spends, earners })
}

impl Books {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.spends.is_empty() && self.earners.is_empty()
    }

    pub(super) fn spend_lots(&self) -> impl Iterator<Item = &SpendLot> {
        self.spends.values().flatten().flat_map(|(_, parts)| parts)
    }

    /// All whose books can change.
    pub(super) fn customers(&self) -> BTreeSet<Uuid> {
        let owners = self.rows.values().map(|row| row.customer_id);
        let spenders = self.spend_lots().map(|part| part.customer_id);
        owners.chain(spenders).chain(self.earners.iter().copied()).collect()
    }

    /// What each order should have earned and given back.
    pub(super) fn plan(
        mut self,
        programme: &Programme,
        customers: &[CustomerId],
        facts: &[OrderFacts],
        extent: Extent,
    ) -> Vec<Work> {
        let named: BTreeMap<Uuid, &OrderFacts> =
            facts.iter().map(|fact| (fact.order.uuid(), fact)).collect();
        let customers: BTreeSet<Uuid> = customers.iter().map(|id| id.uuid()).collect();
        let before = self.rows.clone();
        // Of somebody who is not named, the facts do not have all orders.
        let is_gone = |id: &Uuid| {
            extent == Extent::All
                && !named.contains_key(id)
                && before.get(id).is_some_and(|row| customers.contains(&row.customer_id))
        };
        for fact in facts {
            let id = fact.order.uuid();
            let earning = earns(programme, fact);
            if !earning && !self.rows.contains_key(&id) && !self.spends.contains_key(&id) {
                continue;
            }
            let paid_at = fact.paid_at.unwrap_or(programme.since);
            let (version, rules) = programme.at(paid_at);
            let row = self.rows.entry(id).or_insert_with(|| OrderRow {
                order_id: id,
                customer_id: fact.customer.uuid(),
                version,
                paid_at: paid_at.millis(),
                day: 0,
                raw: 0,
                target: 0,
                written_off: 0,
                revision: 0,
                level_permille: fact.level_permille,
                is_new: true,
            });
            let is_same =
                (row.customer_id, row.paid_at) == (fact.customer.uuid(), paid_at.millis());
            row.customer_id = fact.customer.uuid();
            row.raw = 0;
            if earning {
                if !is_same {
                    row.level_permille = fact.level_permille;
                }
                (row.version, row.paid_at) = (version, paid_at.millis());
                row.raw = rules.points_of(Amounts {
                    paid_minor: fact.paid_minor,
                    refunded_minor: fact.refunded_minor,
                    lines: &fact.lines,
                    level_permille: row.level_permille,
                });
            }
            row.day =
                i64::from(Timestamp::from_millis(row.paid_at).day(programme.zone).to_epoch_days());
        }
        for row in self.rows.values_mut().filter(|row| is_gone(&row.order_id)) {
            row.raw = 0;
        }
        self.limit_days(programme);
        let mut works = Vec::new();
        for (id, row) in self.rows {
            let spends = self.spends.remove(&id).unwrap_or_default();
            let spent: i64 = spends.iter().map(|(spend, _)| spend.points).sum();
            let returned = match named.get(&id) {
                Some(fact) => returned_of(spent, fact.paid_minor, fact.refunded_minor, fact.void),
                None if is_gone(&id) => spent,
                None => spends.iter().map(|(spend, _)| spend.returned).sum(),
            };
            let was = before.get(&id).cloned().unwrap_or_else(|| row.clone());
            works.push(Work { row, before: was, spends, returned });
        }
        // What is taken comes before what is given, and both in one order, whoever reported what first.
        works.sort_by_key(|work| (work.row.target >= work.before.target, work.row.order_id));
        works
    }

    fn limit_days(&mut self, programme: &Programme) {
        let mut days: BTreeMap<(Uuid, i64), Vec<(i64, Uuid)>> = BTreeMap::new();
        for row in self.rows.values() {
            let day = days.entry((row.customer_id, row.day)).or_default();
            day.push((row.paid_at, row.order_id));
        }
        for orders in days.values_mut() {
            orders.sort_unstable();
            let of = |id: &Uuid| self.rows.get(id).map_or(0, |row| row.raw);
            let raw: Vec<i64> = orders.iter().map(|(_, id)| of(id)).collect();
            // The limit is that of the version by which the last order that counts is judged.
            let last = orders.iter().zip(&raw).rev().find(|(_, raw)| **raw > 0);
            let cap =
                last.and_then(|((at, _), _)| programme.at(Timestamp::from_millis(*at)).1.day_cap);
            let targets = capped(&raw, cap);
            for ((_, id), target) in orders.iter().zip(targets) {
                if let Some(row) = self.rows.get_mut(id) {
                    row.target = target;
                }
            }
        }
    }
}

impl Work {
    /// Whether there is anything to post.
    fn is_due(&self) -> bool {
        let had: i64 = self.spends.iter().map(|(spend, _)| spend.returned).sum();
        let (row, before) = (&self.row, &self.before);
        (row.is_new && row.target > 0)
            || (row.target, row.customer_id) != (before.target, before.customer_id)
            || self.returned != had
    }
}

/// The orders of `customers`, and those of `facts`, for which the ledger has something else than they come to. Posts
/// nothing.
///
/// # Errors
/// As the database says.
pub async fn differences(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    customers: &[CustomerId],
    facts: &[OrderFacts],
) -> Result<Vec<OrderId>, DbError> {
    let books = read(tx, scope, programme, customers, facts, Extent::All).await?;
    let works = books.plan(programme, customers, facts, Extent::All);
    let due = works.iter().filter(|work| work.is_due());
    Ok(due.map(|work| OrderId::from_uuid(work.row.order_id)).collect())
}

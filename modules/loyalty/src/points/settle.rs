//! Orders settle by their state, not by what changed: what an order should have earned and given back is computed from
//! what it comes to now, and the difference to what the ledger has is posted. So reports may come late, twice, and in
//! any order.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, CustomerId, OrderId, ShopId, Timestamp, TypedId as _};
use platform::retention::DAY_MILLIS;
use platform::{BulkRows, Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::desk::{Account, Desk, Head, Kind, other};
use super::programme::Programme;
use super::rules::{Amounts, LineFact, capped, returned_of};
use super::spend::{self, SpendLot, SpendRow};
use super::store;

/// What an order comes to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// Which one.
    pub order: OrderId,
    /// Whose it is: the customer itself, not the one into which it was merged.
    pub customer: CustomerId,
    /// Where it was placed.
    pub shop: ShopId,
    /// Of its amounts.
    pub currency: Currency,
    /// When it was paid; unpaid orders earn nothing.
    pub paid_at: Option<Timestamp>,
    /// Paid, in minor units, before refunds.
    pub paid_minor: i64,
    /// Given back so far.
    pub refunded_minor: i64,
    /// Its lines; none if they are not known.
    pub lines: Vec<LineFact>,
    /// Multiplier of the customer's level when it was paid, in thousandths; 1000 without levels.
    pub level_permille: i64,
    /// Whether it does not count at all: closed, or taken back with its import.
    pub void: bool,
}

/// What the facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those of some orders; the others stay as they are.
    Some,
    /// Those of all orders of the customers named: one that is not among them is there no more.
    All,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct OrderRow {
    order_id: Uuid,
    customer_id: Uuid,
    version: i64,
    paid_at: i64,
    day: i64,
    raw: i64,
    target: i64,
    written_off: i64,
    revision: i64,
    #[sqlx(skip)]
    is_new: bool,
}

const ROW: &str =
    "SELECT order_id, customer_id, version, paid_at, day, raw, target, written_off, revision
    FROM loyalty_orders WHERE org_id = $1 AND programme_id = $2";

/// What is to be posted for one order.
struct Work {
    row: OrderRow,
    before: OrderRow,
    spends: Vec<(SpendRow, Vec<SpendLot>)>,
    /// What of its spends should have come back.
    returned: i64,
}

/// Brings the ledger to what the orders of `customers` come to. Gives whose points changed.
///
/// # Errors
/// As the database says.
pub async fn settle(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    customers: &[CustomerId],
    facts: &[OrderFacts],
    extent: Extent,
) -> Result<BTreeSet<Uuid>, DbError> {
    let mut books = read(tx, cx.scope, programme, customers, facts, extent).await?;
    if books.is_empty() {
        return Ok(BTreeSet::new());
    }
    loop {
        let locked = books.customers();
        let mut desk =
            store::open(tx, cx, programme, &locked.iter().copied().collect::<Vec<_>>()).await?;
        // What was read before the lock may have changed.
        books = read(tx, cx.scope, programme, customers, facts, extent).await?;
        if !books.customers().is_subset(&locked) {
            continue;
        }
        let lots: Vec<Uuid> = books.spend_lots().map(|part| part.lot_id).collect();
        store::fetch_lots(tx, &mut desk, &lots).await?;
        let orders: Vec<Uuid> = books.rows.keys().copied().collect();
        store::fetch_lapsed(tx, &mut desk, &orders).await?;
        let works = books.plan(programme, facts, extent);
        let written = post(&mut desk, works)?;
        write(tx, cx.scope, programme, &written).await?;
        let changed = store::close(tx, desk).await?;
        store::tell(tx, cx, programme, &changed).await?;
        return Ok(changed);
    }
}

/// What the ledger has of some orders, and what they are compared with.
struct Books {
    rows: BTreeMap<Uuid, OrderRow>,
    spends: BTreeMap<Uuid, Vec<(SpendRow, Vec<SpendLot>)>>,
    /// Whose orders earn by the facts.
    earners: BTreeSet<Uuid>,
}

fn earns(programme: &Programme, fact: &OrderFacts) -> bool {
    !fact.void
        && programme.covers(fact.shop, fact.currency)
        && fact.paid_at.is_some_and(|at| at >= programme.since)
}

async fn read(
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
    let owners: Vec<Uuid> = match extent {
        Extent::All => customers.iter().map(|id| id.uuid()).chain(owners).collect(),
        Extent::Some if limited => owners.into_iter().collect(),
        Extent::Some => Vec::new(),
    };
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
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.spends.is_empty() && self.earners.is_empty()
    }

    fn spend_lots(&self) -> impl Iterator<Item = &SpendLot> {
        self.spends.values().flatten().flat_map(|(_, parts)| parts)
    }

    /// All whose books can change.
    fn customers(&self) -> BTreeSet<Uuid> {
        let owners = self.rows.values().map(|row| row.customer_id);
        let spenders = self.spend_lots().map(|part| part.customer_id);
        owners.chain(spenders).chain(self.earners.iter().copied()).collect()
    }

    /// What each order should have earned and given back.
    fn plan(mut self, programme: &Programme, facts: &[OrderFacts], extent: Extent) -> Vec<Work> {
        let named: BTreeMap<Uuid, &OrderFacts> =
            facts.iter().map(|fact| (fact.order.uuid(), fact)).collect();
        let before = self.rows.clone();
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
                is_new: true,
            });
            row.customer_id = fact.customer.uuid();
            row.raw = 0;
            if earning {
                (row.version, row.paid_at) = (version, paid_at.millis());
                row.raw = rules.points_of(Amounts {
                    paid_minor: fact.paid_minor,
                    refunded_minor: fact.refunded_minor,
                    lines: &fact.lines,
                    level_permille: fact.level_permille,
                });
            }
            row.day =
                i64::from(Timestamp::from_millis(row.paid_at).day(programme.zone).to_epoch_days());
        }
        if extent == Extent::All {
            for row in self.rows.values_mut().filter(|row| !named.contains_key(&row.order_id)) {
                row.raw = 0;
            }
        }
        self.limit_days(programme);
        let mut works = Vec::new();
        for (id, row) in self.rows {
            let spends = self.spends.remove(&id).unwrap_or_default();
            let spent: i64 = spends.iter().map(|(spend, _)| spend.points).sum();
            let returned = match (named.get(&id), extent) {
                (Some(fact), _) => {
                    returned_of(spent, fact.paid_minor, fact.refunded_minor, fact.void)
                }
                (None, Extent::All) => spent,
                (None, Extent::Some) => spends.iter().map(|(spend, _)| spend.returned).sum(),
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

/// Posts the differences; gives the orders with what the ledger has for them then.
fn post(desk: &mut Desk<'_>, mut works: Vec<Work>) -> Result<Vec<Work>, DbError> {
    for work in &mut works {
        if work.row.customer_id != work.before.customer_id {
            // It was somebody else's: all of it goes back there first.
            let (mover, target) = (work.row.customer_id, work.row.target);
            (work.row.customer_id, work.row.target) = (work.before.customer_id, 0);
            take(desk, &mut work.row, work.before.target)?;
            (work.row.customer_id, work.row.target) = (mover, target);
            work.row.written_off = 0;
            work.before.target = 0;
        }
        let had = if work.row.is_new { 0 } else { work.before.target };
        if had > work.row.target {
            let points = had - work.row.target;
            take(desk, &mut work.row, points)?;
        }
        give_back(desk, work)?;
        if had < work.row.target {
            give(desk, &mut work.row, had)?;
        }
    }
    works.retain(|work| work.row.is_new || work.row != work.before);
    Ok(works)
}

fn head(row: &mut OrderRow, kind: Kind) -> Head {
    row.revision += 1;
    let key = format!("{}:{}:{}", kind.name(), row.order_id, row.revision);
    Head::new(kind, row.customer_id, key).of("order", row.order_id)
}

/// Takes `points` back that the order does not earn any more.
fn take(desk: &mut Desk<'_>, row: &mut OrderRow, points: i64) -> Result<(), DbError> {
    let order = row.order_id;
    let own = |lot: &super::desk::Lot| lot.source_id == Some(order);
    let (mut postings, forgiven) = desk.take_back(row.customer_id, points, own)?;
    postings.push(other(Account::Issued, points));
    row.written_off += forgiven;
    let version = row.version;
    desk.post(head(row, Kind::ReverseEarn), version, postings).map(drop)
}

/// Gives the points that the order earns beyond `had`; what was forgiven for it is taken up first.
fn give(desk: &mut Desk<'_>, row: &mut OrderRow, had: i64) -> Result<(), DbError> {
    let points = row.target - had;
    let recovered = points.min(row.written_off);
    row.written_off -= recovered;
    let (_, rules) = desk.programme.at(Timestamp::from_millis(row.paid_at));
    let from =
        Timestamp::from_millis(row.paid_at).plus_millis(i64::from(rules.pending_days) * DAY_MILLIS);
    let expires = rules.expires_at(from, desk.programme.zone);
    let lot = desk.new_lot(row.customer_id, Some(row.order_id), points - recovered, from, expires);
    let postings =
        vec![lot, other(Account::WrittenOff, recovered), other(Account::Issued, -points)];
    let version = row.version;
    desk.post(head(row, Kind::Earn), version, postings).map(drop)
}

/// Brings what came back of the order's spends to what should have. The last lot that was taken from is the first
/// to get back: it lives longest.
fn give_back(desk: &mut Desk<'_>, work: &mut Work) -> Result<(), DbError> {
    let Work { row, spends, returned, .. } = work;
    let had: i64 = spends.iter().map(|(spend, _)| spend.returned).sum();
    let mut more = (*returned - had).max(0);
    let mut less = (had - *returned).max(0);
    for (spend, parts) in spends.iter_mut().rev() {
        for part in parts.iter_mut().rev() {
            let points = (part.points - part.returned).min(more);
            if points == 0 {
                continue;
            }
            more -= points;
            let recovered = points.min(row.written_off);
            row.written_off -= recovered;
            let (mut postings, lapsed) = desk.give_back(part.lot_id, points - recovered)?;
            postings.push(other(Account::WrittenOff, recovered));
            postings.push(other(Account::Redeemed, -points));
            let mut head = head(row, Kind::CancelSpend);
            head.customer = Some(part.customer_id);
            desk.post(head, desk.programme.version, postings)?;
            part.returned += points;
            part.lapsed += lapsed;
            spend.returned += points;
        }
    }
    for (spend, parts) in spends.iter_mut() {
        for part in parts.iter_mut() {
            let points = part.returned.min(less);
            if points == 0 {
                continue;
            }
            less -= points;
            let unlapsed = points.min(part.lapsed);
            let lot = part.lot_id;
            let (mut postings, forgiven) =
                desk.take_back(part.customer_id, points - unlapsed, |own| own.id == lot)?;
            postings.push(other(Account::Expired, -unlapsed));
            postings.push(other(Account::Redeemed, points));
            row.written_off += forgiven;
            let mut head = head(row, Kind::Respend);
            head.customer = Some(part.customer_id);
            desk.post(head, desk.programme.version, postings)?;
            part.returned -= points;
            part.lapsed -= unlapsed;
            spend.returned -= points;
        }
    }
    Ok(())
}

async fn write(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    works: &[Work],
) -> Result<(), DbError> {
    let mut made = BulkRows::new(
        "loyalty_orders",
        &[
            "org_id",
            "programme_id",
            "order_id",
            "customer_id",
            "version",
            "paid_at",
            "day",
            "raw",
            "target",
            "written_off",
            "revision",
        ],
    );
    let (org, id) = (scope.org_arg(), programme.id.uuid());
    for Work { row, spends, .. } in works {
        let OrderRow { order_id, customer_id, .. } = *row;
        if row.is_new {
            made.push([
                org.into(),
                id.into(),
                order_id.into(),
                customer_id.into(),
                row.version.into(),
                row.paid_at.into(),
                row.day.into(),
                row.raw.into(),
                row.target.into(),
                row.written_off.into(),
                row.revision.into(),
            ]);
        } else {
            tx.execute(
                "UPDATE loyalty_orders
                    SET customer_id = $4, version = $5, paid_at = $6, day = $7, raw = $8, target = $9,
                        written_off = $10, revision = $11
                  WHERE org_id = $1 AND programme_id = $2 AND order_id = $3",
                args![
                    org,
                    id,
                    order_id,
                    customer_id,
                    row.version,
                    row.paid_at,
                    row.day,
                    row.raw,
                    row.target,
                    row.written_off,
                    row.revision
                ],
            )
            .await?;
        }
        for (spend, parts) in spends {
            spend::write_returned(tx, scope, spend.id, spend.returned).await?;
            spend::write_parts(tx, scope, parts).await?;
        }
    }
    tx.bulk_insert(made).await
}

/// The customers whose orders the ledger knows, in any programme.
///
/// # Errors
/// As the database says.
pub async fn customers(tx: &mut Tx, scope: Scope) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT customer_id FROM loyalty_orders WHERE org_id = $1",
            args![scope.org_arg()],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

//! Orders settle by their state, not by what changed: what an order should have earned and given back is computed from
//! what it comes to now, and the difference to what the ledger has is posted. So reports may come late, twice, and in
//! any order.

mod books;

use std::collections::BTreeSet;

use kernel::{Currency, CustomerId, OrderId, ShopId, Timestamp, TypedId as _};
use platform::retention::DAY_MILLIS;
use platform::{BulkRows, Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::account::{Account, Kind};
use super::desk::{Desk, Head, other};
use super::programme::Programme;
use super::rules::LineFact;
use super::{spend, store};
pub use books::differences;
use books::{OrderRow, Work, read};

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
    /// Multiplier of the customer's level when it was paid, in thousandths; 1000 without levels. What it is when the
    /// order is settled first is kept with the order, as long as customer and moment stay the same.
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

/// Waits until nobody else settles orders of the organisation, and keeps it so until `tx` ends. Whoever reads facts
/// does so behind this: facts that were read before could be older than what another one has posted meanwhile, and
/// would be posted over it.
///
/// # Errors
/// As the database says.
pub async fn take_turn(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    // First what a batch of all customers holds, so that nobody waits for it who holds the turn.
    store::enter(tx, scope, false).await?;
    store::enter_settling(tx, scope).await
}

/// Brings the ledger to what the orders of `customers` come to by `facts`, which were read behind [`take_turn`]. Gives
/// whose points changed. Under [`Extent::All`] an order that the ledger has for one of `customers` and that is not among
/// the facts is there no more; what others have stays as it is, but for orders that the facts name.
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
        let orders = books.rows.keys().copied().collect();
        let owners = books.rows.values().map(|row| row.customer_id).collect();
        store::fetch_lapsed(tx, &mut desk, &owners, &orders).await?;
        let works = books.plan(programme, customers, facts, extent);
        let written = post(&mut desk, works)?;
        write(tx, cx.scope, programme, &written).await?;
        let changed = store::close(tx, desk).await?;
        store::tell(tx, cx, programme, &changed).await?;
        return Ok(changed);
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
            "level_permille",
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
                row.level_permille.into(),
            ]);
        } else {
            tx.execute(
                "UPDATE loyalty_orders
                    SET customer_id = $4, version = $5, paid_at = $6, day = $7, raw = $8, target = $9,
                        written_off = $10, revision = $11, level_permille = $12
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
                    row.revision,
                    row.level_permille
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

/// The next `limit` customers whose ids come after `after` and whose points the ledger knows, in any programme, by id.
///
/// # Errors
/// As the database says.
pub async fn customers_after(
    tx: &mut Tx,
    scope: Scope,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    // Whoever's order is in the books has a balance, which has the index for this.
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT customer_id FROM loyalty_balances WHERE org_id = $1 AND customer_id > $2
              ORDER BY customer_id LIMIT $3",
            args![scope.org_arg(), after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

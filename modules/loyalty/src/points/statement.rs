//! What a customer has, and how it came to it.

use kernel::{
    Cursor, CursorError, CustomerId, Limit, OrderId, Page, PointsEntryId, Timestamp, TypedId as _,
};
use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::Holder;
use super::desk::Balance;
use super::programme::Programme;
use super::store;

/// What one entry did to the points of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsStatementLine)]
pub struct Line {
    /// The entry.
    pub entry: PointsEntryId,
    /// What it is about: `earn`, `release`, `spend`, `reserve`, `commit`, `cancel_spend`, `respend`,
    /// `reverse_earn`, `expire`, `adjust`.
    pub kind: String,
    /// When it was posted.
    pub at: Timestamp,
    /// The version of the programme by which it was judged.
    pub version: i64,
    /// Of what it came: `order`, `spend`, `lot`, `adjustment`, `batch`, or an activity.
    pub source: String,
    /// The order, if it came of one.
    pub order: Option<OrderId>,
    /// The customer whose points moved.
    pub customer: CustomerId,
    /// Change of what waits.
    pub pending: i64,
    /// Change of what can be spent.
    pub available: i64,
    /// Change of what is held.
    pub reserved: i64,
    /// Change of what is owed.
    pub debt: i64,
}

/// What a family has, and how it came to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsStatement)]
pub struct Statement {
    /// What each has now, as posted.
    pub balance: Balance,
    /// What can be spent now: what is due to expire is not in it.
    pub spendable: i64,
    /// The entries, the newest first.
    pub lines: Page<Line>,
}

#[derive(sqlx::FromRow)]
struct Row {
    entry_id: Uuid,
    kind: String,
    at: i64,
    version: i64,
    source_kind: String,
    source_id: Option<Uuid>,
    customer_id: Uuid,
    pending: i64,
    available: i64,
    reserved: i64,
    debt: i64,
}

/// What `holder` has at `now`, and a page of how it came to it, the newest entry first.
///
/// # Errors
/// As the database says; `Refused` where `after` is no cursor of this list.
pub async fn statement(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    holder: &Holder,
    now: Timestamp,
    after: Option<&str>,
    limit: Limit,
) -> Result<Result<Statement, CursorError>, DbError> {
    let position: Option<(Uuid, Uuid)> = match after.map(Cursor::decode).transpose() {
        Ok(position) => position,
        Err(error) => return Ok(Err(error)),
    };
    let Standing { balance, spendable } = standing(tx, scope, programme, holder, now).await?;
    let lines = lines(tx, scope, programme, holder, position, limit).await?;
    Ok(Ok(Statement { balance, spendable, lines }))
}

/// What a family has at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// As posted.
    pub balance: Balance,
    /// What can be spent: what is due to expire is not in it.
    pub spendable: i64,
}

/// What `holder` has at `now`.
///
/// # Errors
/// As the database says.
pub async fn standing(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    holder: &Holder,
    now: Timestamp,
) -> Result<Standing, DbError> {
    let first = args![scope.org_arg(), programme.id.uuid()];
    let select = "SELECT pending, available, reserved, debt FROM loyalty_balances
                   WHERE org_id = $1 AND programme_id = $2 AND customer_id";
    let rows: Vec<(i64, i64, i64, i64)> =
        store::by_ids(tx, select, &first, holder.members(), "").await?;
    let mut balance = Balance::default();
    for (pending, available, reserved, debt) in rows {
        balance.pending += pending;
        balance.available += available;
        balance.reserved += reserved;
        balance.debt += debt;
    }
    let mut arguments = first.clone();
    arguments.push(now.into());
    let select = "SELECT CAST(COALESCE(SUM(CASE WHEN available_from <= $3 AND (expires_at IS NULL OR expires_at > $3)
                              THEN available + pending ELSE 0 END), 0) AS BIGINT)
                    FROM loyalty_lots
                   WHERE org_id = $1 AND programme_id = $2 AND pending + available + reserved > 0 AND customer_id";
    let usable: Vec<(i64,)> = store::by_ids(tx, select, &arguments, holder.members(), "").await?;
    let usable: i64 = usable.into_iter().map(|(points,)| points).sum();
    let spendable = (usable + balance.debt).max(0);
    Ok(Standing { balance, spendable })
}

async fn lines(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    holder: &Holder,
    position: Option<(Uuid, Uuid)>,
    limit: Limit,
) -> Result<Page<Line>, DbError> {
    let mut arguments = args![scope.org_arg(), programme.id.uuid(), limit.get() as i64 + 1];
    let behind = match position {
        Some((entry, customer)) => {
            arguments.push(entry.into());
            arguments.push(customer.into());
            "AND (p.entry_id < $4 OR p.entry_id = $4 AND p.customer_id < $5)"
        }
        None => "",
    };
    let members = holder.members().iter().map(|id| Arg::from(*id)).collect();
    let (list, members) = in_list(arguments.len() + 1, members);
    arguments.extend(members);
    let sum = |account: &str| {
        format!(
            "CAST(SUM(CASE WHEN p.account = '{account}' THEN p.points ELSE 0 END) AS BIGINT) AS {account}"
        )
    };
    let sums = ["pending", "available", "reserved", "debt"].map(sum).join(", ");
    let sql = AssertSqlSafe(format!(
        "SELECT p.entry_id, e.kind, e.at, e.version, e.source_kind, e.source_id, p.customer_id, {sums}
           FROM loyalty_postings p JOIN loyalty_entries e ON e.org_id = p.org_id AND e.id = p.entry_id
          WHERE p.org_id = $1 AND p.programme_id = $2 AND p.customer_id IN ({list}) {behind}
          GROUP BY p.entry_id, e.kind, e.at, e.version, e.source_kind, e.source_id, p.customer_id
          ORDER BY p.entry_id DESC, p.customer_id DESC LIMIT $3"
    ));
    let mut rows: Vec<Row> = tx.fetch_all(sql, arguments).await?;
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let last = rows.last().filter(|_| more).map(|row| (row.entry_id, row.customer_id));
    let items = rows.into_iter().map(line).collect();
    Ok(Page { items, next: last.map(|position| Cursor::encode(&position)) })
}

fn line(row: Row) -> Line {
    let order = row.source_id.filter(|_| row.source_kind == "order").map(OrderId::from_uuid);
    Line {
        entry: PointsEntryId::from_uuid(row.entry_id),
        kind: row.kind,
        at: Timestamp::from_millis(row.at),
        version: row.version,
        source: row.source_kind,
        order,
        customer: CustomerId::from_uuid(row.customer_id),
        pending: row.pending,
        available: row.available,
        reserved: row.reserved,
        debt: row.debt,
    }
}

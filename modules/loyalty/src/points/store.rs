//! SQL of the ledger and its projections: opening the books of some customers, and writing what was posted.

use std::collections::{BTreeMap, BTreeSet};

use kernel::TypedId as _;
use platform::db::args::in_list;
use platform::{Arg, Args, BulkRows, Ctx, DbError, Scope, Tx, args, outbox};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::desk::{Balance, Desk, Lot};
use super::programme::Programme;
use crate::events::PointsChangedV1;

/// Keys looked up by one statement.
const LOOKUP_MAX: usize = 512;

#[derive(sqlx::FromRow)]
struct LotRow {
    id: Uuid,
    customer_id: Uuid,
    source_id: Option<Uuid>,
    points: i64,
    pending: i64,
    available: i64,
    reserved: i64,
    lapsed: i64,
    available_from: i64,
    expires_at: Option<i64>,
}

impl From<LotRow> for Lot {
    fn from(row: LotRow) -> Self {
        Self {
            id: row.id,
            customer: row.customer_id,
            source_id: row.source_id,
            points: row.points,
            pending: row.pending,
            available: row.available,
            reserved: row.reserved,
            lapsed: row.lapsed,
            available_from: row.available_from,
            expires_at: row.expires_at,
            is_new: false,
        }
    }
}

const LOT_COLUMNS: &str =
    "SELECT id, customer_id, source_id, points, pending, available, reserved, lapsed,
    available_from, expires_at FROM loyalty_lots WHERE org_id = $1";

/// Rows of `select … AND column IN (…)`, whose first arguments are `first`.
pub(crate) async fn by_ids<T: platform::db::AnyRow>(
    tx: &mut Tx,
    select: &str,
    first: &Args,
    ids: &[Uuid],
    tail: &str,
) -> Result<Vec<T>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(LOOKUP_MAX) {
        let values = chunk.iter().map(|id| Arg::from(*id)).collect();
        let (list, values) = in_list(first.len() + 1, values);
        let mut arguments = first.clone();
        arguments.extend(values);
        let sql = AssertSqlSafe(format!("{select} IN ({list}) {tail}"));
        found.extend(tx.fetch_all::<T>(sql, arguments).await?);
    }
    Ok(found)
}

/// Lets work on some customers go on side by side, and work on many at once (`alone`) by itself. SQLite has one
/// writer anyway. Without this, a batch that takes lots and then balances would meet, lock against lock, who takes
/// balances and then lots.
pub(crate) async fn enter(tx: &mut Tx, scope: Scope, alone: bool) -> Result<(), DbError> {
    if tx.is_postgres() {
        let sql = if alone {
            "SELECT pg_advisory_xact_lock(4730, CAST($1 AS INTEGER))"
        } else {
            "SELECT pg_advisory_xact_lock_shared(4730, CAST($1 AS INTEGER))"
        };
        tx.execute(sql, args![scope.org_arg()]).await?;
    }
    Ok(())
}

/// Lets one at a time settle orders; behind [`enter`].
pub(crate) async fn enter_settling(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    if tx.is_postgres() {
        let sql = "SELECT pg_advisory_xact_lock(4731, CAST($1 AS INTEGER))";
        tx.execute(sql, args![scope.org_arg()]).await?;
    }
    Ok(())
}

/// Locks the books of `customers`, in the order of their ids, reads them and brings them up to now.
pub(crate) async fn open<'a>(
    tx: &mut Tx,
    cx: &'a Ctx,
    programme: &'a Programme,
    customers: &[Uuid],
) -> Result<Desk<'a>, DbError> {
    enter(tx, cx.scope, false).await?;
    let distinct: Vec<Uuid> =
        customers.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let first = args![cx.scope.org_arg(), programme.id.uuid()];
    let mut balances = BTreeMap::new();
    let mut lots = BTreeMap::new();
    for id in &distinct {
        tx.execute(
            "INSERT INTO loyalty_balances
                 (org_id, programme_id, customer_id, pending, available, reserved, debt)
             VALUES ($1, $2, $3, 0, 0, 0, 0) ON CONFLICT (org_id, programme_id, customer_id) DO NOTHING",
            args![cx.scope.org_arg(), programme.id.uuid(), *id],
        )
        .await?;
    }
    let select = "SELECT customer_id, pending, available, reserved, debt FROM loyalty_balances
                   WHERE org_id = $1 AND programme_id = $2 AND customer_id";
    let lock = if tx.is_postgres() { "ORDER BY customer_id FOR UPDATE" } else { "" };
    let rows: Vec<(Uuid, i64, i64, i64, i64)> = by_ids(tx, select, &first, &distinct, lock).await?;
    for (id, pending, available, reserved, debt) in rows {
        balances.insert(id, Balance { pending, available, reserved, debt });
    }
    let select = format!(
        "{LOT_COLUMNS} AND programme_id = $2 AND pending + available + reserved > 0 AND customer_id"
    );
    for row in by_ids::<LotRow>(tx, &select, &first, &distinct, "").await? {
        lots.insert(row.id, row.into());
    }
    let now = cx.now();
    let touched = Default::default();
    let mut desk = Desk { cx, programme, now, balances, lots, entries: Vec::new(), touched };
    desk.catch_up()?;
    Ok(desk)
}

/// Reads lots that may have nothing left, because something comes back to them.
pub(crate) async fn fetch_lots(
    tx: &mut Tx,
    desk: &mut Desk<'_>,
    ids: &[Uuid],
) -> Result<(), DbError> {
    let missing: Vec<Uuid> =
        ids.iter().filter(|id| !desk.lots.contains_key(*id)).copied().collect();
    let first = args![desk.cx.scope.org_arg()];
    for row in by_ids::<LotRow>(tx, &format!("{LOT_COLUMNS} AND id"), &first, &missing, "").await? {
        desk.lots.insert(row.id, row.into());
    }
    Ok(())
}

/// Reads lots that `customers` earned by `orders` and that expired, because a refund takes those first.
pub(crate) async fn fetch_lapsed(
    tx: &mut Tx,
    desk: &mut Desk<'_>,
    customers: &BTreeSet<Uuid>,
    orders: &BTreeSet<Uuid>,
) -> Result<(), DbError> {
    let first = args![desk.cx.scope.org_arg(), desk.programme.id.uuid()];
    let select = format!("{LOT_COLUMNS} AND programme_id = $2 AND lapsed > 0 AND customer_id");
    let customers: Vec<Uuid> = customers.iter().copied().collect();
    for row in by_ids::<LotRow>(tx, &select, &first, &customers, "").await? {
        if row.source_id.is_some_and(|order| orders.contains(&order)) {
            desk.lots.entry(row.id).or_insert_with(|| row.into());
        }
    }
    Ok(())
}

/// Brings the books up to now once more, and writes what was posted. Gives whose points changed; see [`tell`].
pub(crate) async fn close(tx: &mut Tx, mut desk: Desk<'_>) -> Result<BTreeSet<Uuid>, DbError> {
    desk.catch_up()?;
    let Desk { cx, programme, now, balances, lots, entries, touched: (touched_lots, customers) } =
        desk;
    if entries.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (org, programme_id) = (cx.scope.org_arg(), programme.id.uuid());
    let actor = cx.scope.user_id().map(|user| user.uuid());
    let mut entry_rows = entry_rows();
    let mut posting_rows = posting_rows();
    for entry in &entries {
        let head = &entry.head;
        entry_rows.push([
            org.into(),
            entry.id.into(),
            programme_id.into(),
            entry.version.into(),
            head.kind.name().into(),
            head.customer.into(),
            head.source_kind.as_str().into(),
            head.source_id.into(),
            head.key.as_str().into(),
            now.into(),
            actor.into(),
            head.reverses.into(),
        ]);
        for (line, posting) in entry.postings.iter().enumerate() {
            posting_rows.push([
                org.into(),
                entry.id.into(),
                (line as i64).into(),
                programme_id.into(),
                posting.account.name().into(),
                posting.customer.into(),
                posting.lot.into(),
                posting.points.into(),
                now.into(),
            ]);
        }
    }
    tx.bulk_insert(entry_rows).await?;
    tx.bulk_insert(posting_rows).await?;
    let mut new_lots = lot_rows();
    for lot in touched_lots.iter().filter_map(|id| lots.get(id)) {
        if lot.is_new {
            new_lots.push([
                org.into(),
                lot.id.into(),
                programme_id.into(),
                lot.customer.into(),
                lot.source_id.into(),
                lot.points.into(),
                lot.pending.into(),
                lot.available.into(),
                lot.reserved.into(),
                lot.lapsed.into(),
                lot.available_from.into(),
                lot.expires_at.into(),
            ]);
        } else {
            tx.execute(
                "UPDATE loyalty_lots SET pending = $3, available = $4, reserved = $5, lapsed = $6
                  WHERE org_id = $1 AND id = $2 AND programme_id = $7 AND customer_id = $8",
                args![
                    org,
                    lot.id,
                    lot.pending,
                    lot.available,
                    lot.reserved,
                    lot.lapsed,
                    programme_id,
                    lot.customer
                ],
            )
            .await?;
        }
    }
    tx.bulk_insert(new_lots).await?;
    for customer in &customers {
        let Some(balance) = balances.get(customer) else { continue };
        tx.execute(
            "UPDATE loyalty_balances SET pending = $4, available = $5, reserved = $6, debt = $7
              WHERE org_id = $1 AND programme_id = $2 AND customer_id = $3",
            args![
                org,
                programme_id,
                *customer,
                balance.pending,
                balance.available,
                balance.reserved,
                balance.debt
            ],
        )
        .await?;
    }
    Ok(customers)
}

/// Tells of what [`close`] wrote.
pub(crate) async fn tell(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    customers: &BTreeSet<Uuid>,
) -> Result<(), DbError> {
    if customers.is_empty() {
        return Ok(());
    }
    for event in PointsChangedV1::of(programme.id, customers) {
        outbox::push(tx, cx, &event).await?;
    }
    Ok(())
}

const fn entry_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_entries",
        &[
            "org_id",
            "id",
            "programme_id",
            "version",
            "kind",
            "customer_id",
            "source_kind",
            "source_id",
            "idempotency_key",
            "at",
            "actor",
            "reverses",
        ],
    )
}

const fn posting_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_postings",
        &[
            "org_id",
            "entry_id",
            "line",
            "programme_id",
            "account",
            "customer_id",
            "lot_id",
            "points",
            "at",
        ],
    )
}

const fn lot_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_lots",
        &[
            "org_id",
            "id",
            "programme_id",
            "customer_id",
            "source_id",
            "points",
            "pending",
            "available",
            "reserved",
            "lapsed",
            "available_from",
            "expires_at",
        ],
    )
}

/// The entry that was made with a key: id, kind, source.
pub(crate) async fn entry_of_key(
    tx: &mut Tx,
    scope: Scope,
    programme: Uuid,
    key: &str,
) -> Result<Option<(Uuid, String, Option<Uuid>)>, DbError> {
    tx.fetch_optional(
        "SELECT id, kind, source_id FROM loyalty_entries
          WHERE org_id = $1 AND programme_id = $2 AND idempotency_key = $3",
        args![scope.org_arg(), programme, key],
    )
    .await
}

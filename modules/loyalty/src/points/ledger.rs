//! The ledger as the accountant browses it: entries by what they are about, and the postings of one.

use kernel::{
    AdjustmentId, Cursor, CustomerId, Limit, LotId, OrderId, Page, PointsEntryId, ProgrammeId,
    Timestamp, TypedId as _, UserId,
};
use platform::db::args::in_list;
use platform::{Arg, DbError, ListError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::account::{Account, Kind};
use super::store;

/// Ids begin with the moment at which they were made, which may differ by this from what an entry says.
const SLACK_MILLIS: i64 = 3_600_000;

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Of this programme.
    pub programme: Option<ProgrammeId>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Posted at this moment or later.
    pub from: Option<Timestamp>,
    /// Posted before this moment.
    pub until: Option<Timestamp>,
    /// Of points of one of these; those of batches over many customers are not among them.
    pub customers: Option<Vec<CustomerId>>,
    /// Which came of this order.
    pub order: Option<OrderId>,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsEntry)]
pub struct Entry {
    /// Its id.
    pub id: PointsEntryId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The version by which it was judged.
    pub version: i64,
    /// What it is about.
    pub kind: Kind,
    /// Whose points moved; null for a batch over many customers.
    pub customer: Option<CustomerId>,
    /// Of what it came: `order`, `spend`, `lot`, `adjustment`, `batch`, or an activity.
    pub source: String,
    /// The order, if it came of one.
    pub order: Option<OrderId>,
    /// The adjustment, if it came of one.
    pub adjustment: Option<AdjustmentId>,
    /// When it was posted.
    pub at: Timestamp,
    /// By whom; null for the program itself.
    pub actor: Option<UserId>,
    /// So many points moved from one account to another.
    pub moved: i64,
    /// By so many all points of customers changed, what is owed included.
    pub change: i64,
}

/// A line of an entry; all lines of one sum to zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsPosting)]
pub struct Posting {
    /// 0, 1, 2 …: its place in the entry.
    pub line: i64,
    /// On which account.
    pub account: Account,
    /// Whose account; null for those of the shop.
    pub customer: Option<CustomerId>,
    /// Of which lot.
    pub lot: Option<LotId>,
    /// The order by which the points of that lot were earned.
    pub lot_order: Option<OrderId>,
    /// Until when that lot lives; null: for ever, or there is no lot.
    pub expires_at: Option<Timestamp>,
    /// Signed points.
    pub points: i64,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: Uuid,
    programme_id: Uuid,
    version: i64,
    kind: String,
    customer_id: Option<Uuid>,
    source_kind: String,
    source_id: Option<Uuid>,
    at: i64,
    actor: Option<Uuid>,
}

const ENTRY: &str =
    "SELECT id, programme_id, version, kind, customer_id, source_kind, source_id, at, actor
    FROM loyalty_entries WHERE org_id = $1";

/// The entries that `filter` lets through, the newest first.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn entries(
    tx: &mut Tx,
    scope: Scope,
    filter: &EntryFilter,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<Entry>, ListError> {
    let after: Option<Uuid> = after.map(Cursor::decode).transpose()?;
    let (sql, arguments) = query(scope, filter, after, limit);
    let mut rows: Vec<EntryRow> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| more).map(|row| Cursor::encode(&row.id));
    Ok(Page { items: with_sums(tx, scope, rows).await?, next })
}

fn query(
    scope: Scope,
    filter: &EntryFilter,
    after: Option<Uuid>,
    limit: Limit,
) -> (String, platform::Args) {
    let mut arguments = args![scope.org_arg(), limit.get() as i64 + 1];
    let mut wanted = String::new();
    let mut add = |condition: &str, value: Arg| {
        arguments.push(value);
        wanted.push_str(&format!(" AND {condition} ${}", arguments.len()));
    };
    if let Some(after) = after {
        add("id <", after.into());
    }
    if let Some(programme) = filter.programme {
        add("programme_id =", programme.uuid().into());
    }
    if let Some(kind) = filter.kind {
        add("kind =", kind.name().into());
    }
    if let Some(order) = filter.order {
        add("source_id =", order.uuid().into());
    }
    if let Some(from) = filter.from {
        add("at >=", from.into());
        add("id >=", first_id(from.plus_millis(-SLACK_MILLIS)).into());
    }
    if let Some(until) = filter.until {
        add("at <", until.into());
        add("id <", first_id(until.plus_millis(SLACK_MILLIS)).into());
    }
    if let Some(customers) = &filter.customers {
        let values = customers.iter().map(|id| Arg::from(id.uuid())).collect();
        let (list, values) = in_list(arguments.len() + 1, values);
        arguments.extend(values);
        wanted.push_str(&format!(" AND customer_id IN ({list})"));
    }
    (format!("{ENTRY}{wanted} ORDER BY id DESC LIMIT $2"), arguments)
}

/// The least UUIDv7 of a moment: its first 48 bits are milliseconds (RFC 9562, 5.7).
fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.millis()).unwrap_or(0) & 0xffff_ffff_ffff;
    Uuid::from_u128(millis << 80)
}

/// One entry.
///
/// # Errors
/// As the database says.
pub async fn entry(tx: &mut Tx, scope: Scope, id: PointsEntryId) -> Result<Option<Entry>, DbError> {
    let sql = AssertSqlSafe(format!("{ENTRY} AND id = $2"));
    let row: Option<EntryRow> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    Ok(with_sums(tx, scope, row.into_iter().collect()).await?.pop())
}

async fn with_sums(tx: &mut Tx, scope: Scope, rows: Vec<EntryRow>) -> Result<Vec<Entry>, DbError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let select =
        "SELECT entry_id, CAST(SUM(CASE WHEN points > 0 THEN points ELSE 0 END) AS BIGINT),
            CAST(SUM(CASE WHEN customer_id IS NOT NULL THEN points ELSE 0 END) AS BIGINT)
        FROM loyalty_postings WHERE org_id = $1 AND entry_id";
    let sums: Vec<(Uuid, i64, i64)> =
        store::by_ids(tx, select, &args![scope.org_arg()], &ids, "GROUP BY entry_id").await?;
    rows.into_iter()
        .map(|row| {
            let sum = sums.iter().find(|(id, ..)| *id == row.id);
            let of = |kind: &str| row.source_id.filter(|_| row.source_kind == kind);
            Ok(Entry {
                id: PointsEntryId::from_uuid(row.id),
                programme: ProgrammeId::from_uuid(row.programme_id),
                version: row.version,
                kind: Kind::of_name(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
                customer: row.customer_id.map(CustomerId::from_uuid),
                order: of("order").map(OrderId::from_uuid),
                adjustment: of("adjustment").map(AdjustmentId::from_uuid),
                at: Timestamp::from_millis(row.at),
                actor: row.actor.map(UserId::from_uuid),
                moved: sum.map_or(0, |sum| sum.1),
                change: sum.map_or(0, |sum| sum.2),
                source: row.source_kind,
            })
        })
        .collect()
}

fn unknown(what: &str, name: &str) -> DbError {
    DbError::Refused(format!("an entry of points has the unknown {what} {name}"))
}

#[derive(sqlx::FromRow)]
struct PostingRow {
    line: i64,
    account: String,
    customer_id: Option<Uuid>,
    lot_id: Option<Uuid>,
    source_id: Option<Uuid>,
    expires_at: Option<i64>,
    points: i64,
}

/// The postings of an entry by their lines, from behind `after` on; those of accounts of `customers` alone, if some are
/// named.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn postings(
    tx: &mut Tx,
    scope: Scope,
    id: PointsEntryId,
    customers: Option<&[CustomerId]>,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<Posting>, ListError> {
    let after: Option<i64> = after.map(Cursor::decode).transpose()?;
    let mut arguments =
        args![scope.org_arg(), id.uuid(), after.unwrap_or(-1), limit.get() as i64 + 1];
    let mut whose = String::new();
    if let Some(customers) = customers {
        let values = customers.iter().map(|id| Arg::from(id.uuid())).collect();
        let (list, values) = in_list(arguments.len() + 1, values);
        arguments.extend(values);
        whose = format!("AND p.customer_id IN ({list})");
    }
    let sql = AssertSqlSafe(format!(
        "SELECT p.line, p.account, p.customer_id, p.lot_id, l.source_id, l.expires_at, p.points
           FROM loyalty_postings p LEFT JOIN loyalty_lots l ON l.org_id = p.org_id AND l.id = p.lot_id
          WHERE p.org_id = $1 AND p.entry_id = $2 AND p.line > $3 {whose} ORDER BY p.line LIMIT $4"
    ));
    let mut rows: Vec<PostingRow> = tx.fetch_all(sql, arguments).await?;
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| more).map(|row| Cursor::encode(&row.line));
    let items = rows.into_iter().map(posting).collect::<Result<_, DbError>>()?;
    Ok(Page { items, next })
}

fn posting(row: PostingRow) -> Result<Posting, DbError> {
    Ok(Posting {
        line: row.line,
        account: Account::of_name(&row.account).ok_or_else(|| unknown("account", &row.account))?,
        customer: row.customer_id.map(CustomerId::from_uuid),
        lot: row.lot_id.map(LotId::from_uuid),
        lot_order: row.source_id.map(OrderId::from_uuid),
        expires_at: row.expires_at.map(Timestamp::from_millis),
        points: row.points,
    })
}

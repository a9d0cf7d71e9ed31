//! SQL that changes customers themselves, and tells it to their history.

use kernel::{Timestamp, TypedId as _, UserId};
use platform::db::args::in_list;
use platform::{Arg, BulkRows, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};
use crate::history::Change;
use crate::{reach, roots};

/// A customer whose row this transaction holds.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Locked {
    pub id: Uuid,
    pub name: String,
    pub rating: Option<i64>,
    pub merged_into: Option<Uuid>,
    pub owner: Option<Uuid>,
    pub province: Option<String>,
    pub version: i64,
}

impl Locked {
    pub(crate) fn owner(&self) -> Option<UserId> {
        self.owner.map(UserId::from_uuid)
    }
}

/// Holds the rows of `ids` until the transaction ends; those that are not there, and those that whoever
/// asks does not see, are left out.
pub(crate) async fn lock(tx: &mut Tx, cx: &Ctx, ids: &[Uuid]) -> Result<Vec<Locked>, DbError> {
    let scope = cx.scope;
    let select = "SELECT id, name, rating, merged_into, owner, province, version
         FROM customers_customers WHERE org_id = $1 AND id";
    // On SQLite there is one writer at a time.
    let tail = if tx.is_postgres() { "ORDER BY id FOR UPDATE" } else { "ORDER BY id" };
    let mut rows: Vec<Locked> = by_ids(tx, scope, select, &roots::distinct(ids), tail).await?;
    if !cx.access.reach().is_all() {
        // After the rows are held, so that nobody gives them away meanwhile.
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let within = reach::within(tx, cx, &ids).await?;
        rows.retain(|row| within.contains(&row.id));
    }
    Ok(rows)
}

/// Holds the root of `id`; `None` if there is no such customer, or whoever asks does not see it.
pub(crate) async fn lock_root(tx: &mut Tx, cx: &Ctx, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let mut place = roots::root(tx, cx.scope, id).await?;
    // The root may have been merged while we waited for its row.
    for _ in 0..roots::FAMILY_MAX {
        match lock(tx, cx, &[place]).await?.pop() {
            Some(Locked { merged_into: Some(next), .. }) => place = next,
            found => return Ok(found.map(|row| row.id)),
        }
    }
    Err(DbError::Unavailable("the customer is being merged".to_owned()))
}

/// Counts a change of each of `ids`.
pub(crate) async fn bump_versions(
    tx: &mut Tx,
    scope: Scope,
    now: Timestamp,
    ids: &[Uuid],
) -> Result<(), DbError> {
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg(), now];
        arguments.extend(values);
        let sql = format!(
            "UPDATE customers_customers SET version = version + 1, updated_at = $2
             WHERE org_id = $1 AND id IN ({list})"
        );
        tx.execute(AssertSqlSafe(sql), arguments).await?;
    }
    Ok(())
}

/// Sets name and rating if the version is still `version`; gives whether it was.
pub(crate) async fn edit(
    tx: &mut Tx,
    cx: &Ctx,
    id: Uuid,
    version: i64,
    name: &str,
    rating: Option<i64>,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE customers_customers SET name = $4, rating = $5, version = version + 1,
                    updated_at = $6 WHERE org_id = $1 AND id = $2 AND version = $3",
            args![cx.scope.org_arg(), id, version, name, rating, cx.now()],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn set_merged_into(
    tx: &mut Tx,
    cx: &Ctx,
    id: Uuid,
    keeper: Option<Uuid>,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE customers_customers SET merged_into = $3 WHERE org_id = $1 AND id = $2",
        args![cx.scope.org_arg(), id, keeper],
    )
    .await
    .map(drop)
}

/// Writes down what happened to whom.
pub(crate) async fn tell(
    tx: &mut Tx,
    cx: &Ctx,
    happened: Vec<(Uuid, Change)>,
) -> Result<(), DbError> {
    let now = cx.now();
    let mut rows = BulkRows::new(
        "customers_history",
        &["org_id", "customer_id", "id", "kind", "detail", "actor", "created_at"],
    );
    for (customer, change) in happened {
        let detail = serde_json::to_string(&change)
            .map_err(|error| DbError::Other(sqlx::Error::Encode(Box::new(error))))?;
        rows.push([
            Arg::from(cx.scope.org_arg()),
            Arg::from(customer),
            Arg::from(cx.ids.uuid(now)),
            Arg::from(change.kind().name()),
            Arg::from(detail),
            Arg::from(cx.scope.user_id()),
            Arg::from(now),
        ]);
    }
    tx.bulk_insert(rows).await
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct HistoryRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub detail: String,
    pub actor: Option<Uuid>,
    pub created_at: i64,
}

/// What happened to `family` before a place in time, the latest first.
pub(crate) async fn history(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
    kinds: &[&'static str],
    before: (i64, Uuid),
    limit: i64,
) -> Result<Vec<HistoryRow>, DbError> {
    if family.is_empty() || kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = args![scope.org_arg(), before.0, before.1, limit];
    let (kinds, values) = in_list(5, kinds.iter().map(|kind| Arg::from(*kind)).collect());
    arguments.extend(values);
    let (list, values) =
        in_list(arguments.len() + 1, family.iter().map(|id| Arg::from(*id)).collect());
    arguments.extend(values);
    let sql = format!(
        "SELECT id, customer_id, detail, actor, created_at FROM customers_history
         WHERE org_id = $1 AND customer_id IN ({list}) AND kind IN ({kinds})
           AND (created_at, id) < ($2, $3)
         ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    tx.fetch_all(AssertSqlSafe(sql), arguments).await
}

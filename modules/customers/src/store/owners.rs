//! SQL of owners.

use kernel::{TypedId as _, UserId};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};
use crate::reach::Place;

/// Owner and province of some customers.
pub(crate) async fn places(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Place)>, DbError> {
    let select = "SELECT id, owner, province FROM customers_customers WHERE org_id = $1 AND id";
    let rows: Vec<(Uuid, Option<Uuid>, Option<String>)> =
        by_ids(tx, scope, select, ids, "").await?;
    let place = |(id, owner, province): (Uuid, Option<Uuid>, Option<String>)| {
        (id, Place { owner: owner.map(UserId::from_uuid), province })
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Makes `owner` the owner of `ids`.
pub(crate) async fn set(
    tx: &mut Tx,
    cx: &Ctx,
    ids: &[Uuid],
    owner: Option<UserId>,
) -> Result<(), DbError> {
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(4, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![cx.scope.org_arg(), owner, cx.now()];
        arguments.extend(values);
        let sql = format!(
            "UPDATE customers_customers SET owner = $2, version = version + 1, updated_at = $3
             WHERE org_id = $1 AND id IN ({list})"
        );
        tx.execute(AssertSqlSafe(sql), arguments).await?;
    }
    Ok(())
}

/// Customers of `owner` by id, merged ones included, at most `most`.
pub(crate) async fn owned(
    tx: &mut Tx,
    scope: Scope,
    owner: UserId,
    most: usize,
) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT id FROM customers_customers WHERE org_id = $1 AND owner = $2
             ORDER BY id LIMIT $3",
            args![scope.org_arg(), owner, most as i64],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

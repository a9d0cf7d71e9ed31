//! SQL of birthdays.

use std::collections::HashMap;

use platform::crypto::INDEX_LEN;
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{LOOKUP_MAX, by_ids};
use crate::reach;

pub(crate) async fn put(
    tx: &mut Tx,
    scope: Scope,
    customer: Uuid,
    kept: [u8; INDEX_LEN],
    sealed: Vec<u8>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_birthdays (org_id, customer_id, kept, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, customer_id) DO UPDATE SET kept = excluded.kept, sealed = excluded.sealed",
        args![scope.org_arg(), customer, kept, sealed],
    )
    .await
    .map(drop)
}

pub(crate) async fn remove(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    let mut removed = 0;
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "DELETE FROM customers_birthdays WHERE org_id = $1 AND customer_id IN ({list})"
        );
        removed += tx.execute(AssertSqlSafe(sql), arguments).await?;
    }
    Ok(removed)
}

/// What is sealed of each of `ids` who has a birthday.
pub(crate) async fn of(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Vec<u8>)>, DbError> {
    let select = "SELECT customer_id, sealed FROM customers_birthdays
         WHERE org_id = $1 AND customer_id";
    by_ids(tx, scope, select, ids, "").await
}

/// Of each of `indexes` the first `most` customers behind `after`, by id, whom the caller sees.
pub(crate) async fn kept(
    tx: &mut Tx,
    cx: &Ctx,
    indexes: &[[u8; INDEX_LEN]],
    after: Uuid,
    most: usize,
) -> Result<HashMap<[u8; INDEX_LEN], Vec<Uuid>>, DbError> {
    let (org, most) = (cx.scope.org_arg(), most as i64);
    let mut found: HashMap<[u8; INDEX_LEN], Vec<Uuid>> = HashMap::new();
    let Some(condition) = reach::condition(cx, "customer_id") else {
        for index in indexes {
            let rows: Vec<(Uuid,)> = tx
                .fetch_all(
                    "SELECT customer_id FROM customers_birthdays
                     WHERE org_id = $1 AND kept = $2 AND customer_id > $3
                     ORDER BY customer_id LIMIT $4",
                    args![org, *index, after, most],
                )
                .await?;
            found.insert(*index, rows.into_iter().map(|(id,)| id).collect());
        }
        return Ok(found);
    };
    // Whom the caller sees is found once, and not once for each index.
    let mut arguments = args![org, after, most];
    let (list, values) = in_list(4, indexes.iter().map(|index| Arg::from(*index)).collect());
    arguments.extend(values);
    let condition = condition.append_to(&mut arguments);
    let sql = format!(
        "SELECT kept, customer_id FROM (
           SELECT kept, customer_id,
                  ROW_NUMBER() OVER (PARTITION BY kept ORDER BY customer_id) AS place
             FROM customers_birthdays
            WHERE org_id = $1 AND customer_id > $2 AND kept IN ({list}) AND {condition}) AS placed
         WHERE place <= $3 ORDER BY customer_id"
    );
    let rows: Vec<(Vec<u8>, Uuid)> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    for (index, customer) in rows {
        let Ok(index) = index.try_into() else { continue };
        found.entry(index).or_default().push(customer);
    }
    Ok(found)
}

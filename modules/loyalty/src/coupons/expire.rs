//! Coupons whose time is over.

use std::collections::BTreeMap;

use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Tx, args, outbox};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::events::CouponsChangedV1;

/// Coupons ended in one transaction.
pub const BATCH_MAX: u32 = 500;

/// Ends up to [`BATCH_MAX`] coupons whose time is over; gives how many. Nothing depends on when this runs: who would
/// use one looks at its time as well.
///
/// # Errors
/// As the database says.
pub async fn expire_due(tx: &mut Tx, cx: &Ctx) -> Result<u64, DbError> {
    let now = cx.now();
    let due: Vec<(Uuid, Uuid, Option<Uuid>)> = tx
        .fetch_all(
            "SELECT id, definition_id, customer_id FROM loyalty_coupons
              WHERE org_id = $1 AND state = 'claimed' AND valid_until <= $2
              ORDER BY valid_until, id LIMIT $3",
            args![cx.scope.org_arg(), now, BATCH_MAX],
        )
        .await?;
    if due.is_empty() {
        return Ok(0);
    }
    let (list, values) = in_list(3, due.iter().map(|(id, ..)| Arg::from(*id)).collect());
    let mut arguments = args![cx.scope.org_arg(), now];
    arguments.extend(values);
    let sql = AssertSqlSafe(format!(
        "UPDATE loyalty_coupons SET state = 'expired'
          WHERE org_id = $1 AND id IN ({list}) AND state = 'claimed' AND valid_until <= $2"
    ));
    tx.execute(sql, arguments).await?;
    let mut of_definition: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for (_, definition, customer) in &due {
        of_definition.entry(*definition).or_default().extend(*customer);
    }
    for (definition, customers) in of_definition {
        outbox::push(tx, cx, &CouponsChangedV1::of(definition, customers)).await?;
    }
    Ok(due.len() as u64)
}

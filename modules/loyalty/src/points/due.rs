//! Releasing and expiring what is due, many lots at once. Whether and when this runs changes no balance that anybody
//! acts on: whoever opens the books of a customer does the same for it first.

use std::collections::BTreeSet;

use kernel::{PointsEntryId, TypedId as _};
use platform::{Arg, Ctx, DbError, Tx, args};
use uuid::Uuid;

use super::account::Kind;
use super::programme::Programme;
use super::store;
use crate::events::PointsChangedV1;

/// Lots of one batch, which is one transaction: less than a second, in which nobody else moves points.
pub const BATCH_MAX: u32 = 10_000;
/// Customers with debts are few; each is taken by itself.
const DEBTORS_MAX: i64 = 200;

/// Releases up to `limit` lots whose return window has ended, and those of up to 200 customers with debts. Gives how
/// many lots and such customers; fewer than `limit` means that nothing is left.
///
/// # Errors
/// As the database says.
pub async fn release_due(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    limit: u32,
) -> Result<u64, DbError> {
    store::enter(tx, cx.scope, true).await?;
    let entry = cx.fresh::<PointsEntryId>().uuid();
    let lots = tx
        .execute(
            "INSERT INTO loyalty_postings
                 (org_id, entry_id, line, programme_id, account, customer_id, lot_id, points, at)
             SELECT due.org_id, $3, 2 * ROW_NUMBER() OVER (ORDER BY due.available_from, due.id),
                    due.programme_id, 'pending', due.customer_id, due.id, -due.pending, $4
               FROM (SELECT l.org_id, l.programme_id, l.customer_id, l.id, l.pending, l.available_from
                       FROM loyalty_lots l JOIN loyalty_balances b ON b.org_id = l.org_id
                            AND b.programme_id = l.programme_id AND b.customer_id = l.customer_id
                      WHERE l.org_id = $1 AND l.programme_id = $2 AND l.pending > 0
                        AND l.available_from <= $4 AND b.debt = 0
                      ORDER BY l.available_from, l.id LIMIT $5) due",
            args![cx.scope.org_arg(), programme.id.uuid(), entry, cx.now(), limit],
        )
        .await?;
    if lots > 0 {
        tx.execute(
            "INSERT INTO loyalty_postings
                 (org_id, entry_id, line, programme_id, account, customer_id, lot_id, points, at)
             SELECT org_id, entry_id, line + 1, programme_id, 'available', customer_id, lot_id, -points, at
               FROM loyalty_postings WHERE org_id = $1 AND entry_id = $2",
            args![cx.scope.org_arg(), entry],
        )
        .await?;
        tx.execute(
            "UPDATE loyalty_lots SET available = available + pending, pending = 0
               FROM loyalty_postings p
              WHERE p.org_id = $1 AND p.entry_id = $2 AND p.account = 'pending'
                AND loyalty_lots.org_id = p.org_id AND loyalty_lots.programme_id = p.programme_id
                AND loyalty_lots.customer_id = p.customer_id AND loyalty_lots.id = p.lot_id",
            args![cx.scope.org_arg(), entry],
        )
        .await?;
        finish(tx, cx, programme, entry, Kind::Release).await?;
    }
    if lots >= u64::from(limit) {
        return Ok(lots);
    }
    let debtors: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT l.customer_id
               FROM loyalty_lots l JOIN loyalty_balances b ON b.org_id = l.org_id
                    AND b.programme_id = l.programme_id AND b.customer_id = l.customer_id
              WHERE l.org_id = $1 AND l.programme_id = $2 AND l.pending > 0
                AND l.available_from <= $3 AND b.debt < 0 LIMIT $4",
            args![cx.scope.org_arg(), programme.id.uuid(), cx.now(), DEBTORS_MAX],
        )
        .await?;
    let debtors: Vec<Uuid> = debtors.into_iter().map(|(id,)| id).collect();
    if debtors.is_empty() {
        return Ok(lots);
    }
    let desk = store::open(tx, cx, programme, &debtors).await?;
    let changed = store::close(tx, desk).await?;
    store::tell(tx, cx, programme, &changed).await?;
    let done = lots + debtors.len() as u64;
    // There may be more of them.
    Ok(if debtors.len() as i64 == DEBTORS_MAX { done.max(limit.into()) } else { done })
}

/// Expires up to `limit` lots whose time is over. Gives how many; fewer than `limit` means that nothing is left.
///
/// # Errors
/// As the database says.
pub async fn expire_due(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    limit: u32,
) -> Result<u64, DbError> {
    store::enter(tx, cx.scope, true).await?;
    let entry = cx.fresh::<PointsEntryId>().uuid();
    let lots = tx
        .execute(
            "INSERT INTO loyalty_postings
                 (org_id, entry_id, line, programme_id, account, customer_id, lot_id, points, at)
             SELECT due.org_id, $3, ROW_NUMBER() OVER (ORDER BY due.expires_at, due.customer_id, due.id),
                    due.programme_id, 'available', due.customer_id, due.id, -due.available, $4
               FROM (SELECT org_id, programme_id, customer_id, id, available, expires_at FROM loyalty_lots
                      WHERE org_id = $1 AND programme_id = $2 AND available > 0
                        AND expires_at IS NOT NULL AND expires_at <= $4
                      ORDER BY expires_at, customer_id, id LIMIT $5) due",
            args![cx.scope.org_arg(), programme.id.uuid(), entry, cx.now(), limit],
        )
        .await?;
    if lots == 0 {
        return Ok(0);
    }
    tx.execute(
        "INSERT INTO loyalty_postings (org_id, entry_id, line, programme_id, account, points, at)
         SELECT CAST($1 AS BIGINT), $2, 0, $3, 'expired', CAST(-SUM(points) AS BIGINT), $4
           FROM loyalty_postings WHERE org_id = $1 AND entry_id = $2",
        args![cx.scope.org_arg(), entry, programme.id.uuid(), cx.now()],
    )
    .await?;
    tx.execute(
        "UPDATE loyalty_lots SET lapsed = lapsed + available, available = 0 FROM loyalty_postings p
          WHERE p.org_id = $1 AND p.entry_id = $2 AND p.account = 'available'
            AND loyalty_lots.org_id = p.org_id AND loyalty_lots.programme_id = p.programme_id
                AND loyalty_lots.customer_id = p.customer_id AND loyalty_lots.id = p.lot_id",
        args![cx.scope.org_arg(), entry],
    )
    .await?;
    finish(tx, cx, programme, entry, Kind::Expire).await?;
    Ok(lots)
}

/// Brings balances to the postings of a batch, writes its entry and tells whose points changed.
async fn finish(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    entry: Uuid,
    kind: Kind,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_balances
            SET pending = pending + moved.waiting, available = available + moved.usable
           FROM (SELECT customer_id,
                        CAST(SUM(CASE account WHEN 'pending' THEN points ELSE 0 END) AS BIGINT) AS waiting,
                        CAST(SUM(CASE account WHEN 'available' THEN points ELSE 0 END) AS BIGINT) AS usable
                   FROM loyalty_postings
                  WHERE org_id = $1 AND entry_id = $3 AND customer_id IS NOT NULL
                  GROUP BY customer_id) moved
          WHERE loyalty_balances.org_id = $1 AND loyalty_balances.programme_id = $2
            AND loyalty_balances.customer_id = moved.customer_id",
        args![cx.scope.org_arg(), programme.id.uuid(), entry],
    )
    .await?;
    tx.execute(
        "INSERT INTO loyalty_entries (org_id, id, programme_id, version, kind, source_kind, idempotency_key, at, actor)
         VALUES ($1, $2, $3, $4, $5, 'batch', $6, $7, $8)",
        args![
            cx.scope.org_arg(),
            entry,
            programme.id.uuid(),
            programme.version,
            kind.name(),
            format!("{}:batch:{entry}", kind.name()),
            cx.now(),
            Arg::Uuid(cx.scope.user_id().map(|user| user.uuid()))
        ],
    )
    .await?;
    let named = PointsChangedV1::NAMED_MAX as i64 + 1;
    let customers: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT customer_id FROM loyalty_postings
              WHERE org_id = $1 AND entry_id = $2 AND customer_id IS NOT NULL LIMIT $3",
            args![cx.scope.org_arg(), entry, named],
        )
        .await?;
    let customers: BTreeSet<Uuid> = customers.into_iter().map(|(id,)| id).collect();
    store::tell(tx, cx, programme, &customers).await
}

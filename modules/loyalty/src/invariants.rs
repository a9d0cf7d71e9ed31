//! What must hold of coupons, promotions and reservations whatever happened; for `guanxi verify`.

use platform::{DbError, Scope, Tx, args};

/// Counts the exceptions from each invariant.
///
/// # Errors
/// As the database says.
pub async fn check(tx: &mut Tx, scope: Scope) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut found = Vec::new();
    for (name, sql) in INVARIANTS {
        let (count,): (i64,) = tx.fetch_one(sql, args![scope.org_arg()]).await?;
        found.push((name, count));
    }
    Ok(found)
}

const INVARIANTS: [(&str, &str); 9] = [
    (
        // What reservations hold and used is what counters and budgets say.
        "offers_counters_are_their_holds",
        "SELECT COUNT(*) FROM (
           SELECT owner_id, kind, key FROM (
             SELECT owner_id, kind, key, used FROM loyalty_counters
              WHERE org_id = $1 AND kind NOT IN ('claim_total', 'claim_day', 'claim_person')
             UNION ALL
             SELECT owner_id, kind, key, returned - quantity FROM loyalty_holds
              WHERE org_id = $1 AND kind NOT IN ('coupon', 'promotion', 'stock')
           ) told GROUP BY owner_id, kind, key HAVING SUM(used) <> 0) wrong",
    ),
    (
        "coupons_used_are_their_counters",
        "SELECT COUNT(*) FROM (
           SELECT id FROM (
             SELECT owner_id AS id, used FROM loyalty_counters c WHERE org_id = $1 AND kind = 'use_total'
                AND EXISTS (SELECT 1 FROM loyalty_coupon_definitions d
                             WHERE d.org_id = c.org_id AND d.id = c.owner_id)
             UNION ALL
             SELECT definition_id, -COUNT(*) FROM loyalty_coupons
              WHERE org_id = $1 AND state IN ('locked', 'redeemed', 'kept') GROUP BY definition_id
           ) told GROUP BY id HAVING SUM(used) <> 0) wrong",
    ),
    (
        "coupons_claimed_are_their_counters",
        "SELECT COUNT(*) FROM (
           SELECT id FROM (
             SELECT owner_id AS id, used FROM loyalty_counters WHERE org_id = $1 AND kind = 'claim_total'
             UNION ALL
             SELECT definition_id, -COUNT(*) FROM loyalty_coupons
              WHERE org_id = $1 AND origin IN ('claim', 'code') AND claimed_at IS NOT NULL
              GROUP BY definition_id
           ) told GROUP BY id HAVING SUM(used) <> 0) wrong",
    ),
    (
        "offers_counters_are_within_their_limits",
        "SELECT COUNT(*) FROM loyalty_counters WHERE org_id = $1 AND (used < 0 OR used > bound)",
    ),
    (
        "coupons_locked_belong_to_held_reservations",
        "SELECT COUNT(*) FROM loyalty_coupons c WHERE c.org_id = $1 AND c.state = 'locked' AND NOT EXISTS
         (SELECT 1 FROM loyalty_reservations r JOIN loyalty_holds h
              ON h.org_id = r.org_id AND h.reservation_id = r.id
           WHERE r.org_id = c.org_id AND r.id = c.reservation_id AND r.state = 'held'
             AND h.kind = 'coupon' AND h.owner_id = c.id)",
    ),
    (
        "reservations_have_their_coupons",
        "SELECT COUNT(*) FROM loyalty_reservations r JOIN loyalty_holds h
             ON h.org_id = r.org_id AND h.reservation_id = r.id
          WHERE r.org_id = $1 AND h.kind = 'coupon' AND r.state IN ('held', 'committed') AND NOT EXISTS
         (SELECT 1 FROM loyalty_coupons c WHERE c.org_id = h.org_id AND c.id = h.owner_id
             AND c.reservation_id = r.id
             AND c.state = CASE r.state WHEN 'held' THEN 'locked' ELSE 'redeemed' END)",
    ),
    (
        "reservations_given_up_hold_nothing",
        "SELECT COUNT(*) FROM loyalty_reservations r JOIN loyalty_holds h
             ON h.org_id = r.org_id AND h.reservation_id = r.id
          WHERE r.org_id = $1 AND r.state IN ('cancelled', 'timed_out') AND h.returned <> h.quantity",
    ),
    (
        "flash_stock_is_there_held_or_sold",
        "SELECT COUNT(*) FROM (
           SELECT id, key FROM (
             SELECT promotion_id AS id, sku AS key, held, sold, stocked - remaining - held - sold AS missing
               FROM loyalty_flash_stock WHERE org_id = $1
             UNION ALL
             SELECT h.owner_id, h.key,
                    CASE WHEN r.state = 'held' THEN h.returned - h.quantity ELSE 0 END,
                    CASE WHEN r.state = 'held' THEN 0 ELSE h.returned - h.quantity END, 0
               FROM loyalty_holds h JOIN loyalty_reservations r
                 ON r.org_id = h.org_id AND r.id = h.reservation_id
              WHERE h.org_id = $1 AND h.kind = 'stock'
           ) told GROUP BY id, key
           HAVING SUM(held) <> 0 OR SUM(sold) <> 0 OR SUM(missing) <> 0) wrong",
    ),
    (
        "coupon_batches_have_their_codes",
        "SELECT COUNT(*) FROM loyalty_coupon_batches b WHERE b.org_id = $1 AND b.made <>
         (SELECT COUNT(*) FROM loyalty_coupons c WHERE c.org_id = b.org_id AND c.batch_id = b.id)",
    ),
];

//! What must hold of the books whatever happened; for `guanxi verify`.

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

const INVARIANTS: [(&str, &str); 8] = [
    (
        "points_entries_sum_to_zero",
        "SELECT COUNT(*) FROM (SELECT entry_id FROM loyalty_postings WHERE org_id = $1
          GROUP BY entry_id HAVING SUM(points) <> 0) uneven",
    ),
    (
        "points_debits_equal_credits",
        "SELECT CASE WHEN COALESCE(SUM(CASE WHEN points > 0 THEN points ELSE 0 END), 0)
                        = COALESCE(SUM(CASE WHEN points < 0 THEN -points ELSE 0 END), 0)
                     THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END
           FROM loyalty_postings WHERE org_id = $1",
    ),
    (
        "points_entries_and_postings_belong_together",
        "SELECT (SELECT COUNT(*) FROM loyalty_entries e WHERE e.org_id = $1 AND NOT EXISTS
                   (SELECT 1 FROM loyalty_postings p WHERE p.org_id = e.org_id AND p.entry_id = e.id))
              + (SELECT COUNT(*) FROM loyalty_postings p WHERE p.org_id = $1 AND NOT EXISTS
                   (SELECT 1 FROM loyalty_entries e WHERE e.org_id = p.org_id AND e.id = p.entry_id))",
    ),
    (
        "points_balances_are_their_postings",
        "SELECT COUNT(*) FROM (
           SELECT programme_id, customer_id FROM (
             SELECT programme_id, customer_id, account, points FROM loyalty_postings
              WHERE org_id = $1 AND customer_id IS NOT NULL
             UNION ALL SELECT programme_id, customer_id, 'pending', -pending FROM loyalty_balances WHERE org_id = $1
             UNION ALL SELECT programme_id, customer_id, 'available', -available FROM loyalty_balances WHERE org_id = $1
             UNION ALL SELECT programme_id, customer_id, 'reserved', -reserved FROM loyalty_balances WHERE org_id = $1
             UNION ALL SELECT programme_id, customer_id, 'debt', -debt FROM loyalty_balances WHERE org_id = $1
           ) told GROUP BY programme_id, customer_id, account HAVING SUM(points) <> 0) wrong",
    ),
    (
        "points_lots_are_their_postings",
        "SELECT COUNT(*) FROM (
           SELECT lot_id FROM (
             SELECT lot_id, account, points FROM loyalty_postings
              WHERE org_id = $1 AND lot_id IS NOT NULL AND account <> 'expired'
             UNION ALL SELECT p.lot_id, 'lapsed', -p.points
               FROM loyalty_postings p JOIN loyalty_entries e ON e.org_id = p.org_id AND e.id = p.entry_id
              WHERE p.org_id = $1 AND p.lot_id IS NOT NULL AND p.account = 'available' AND e.kind = 'expire'
             UNION ALL SELECT lot_id, 'lapsed', points FROM loyalty_postings
              WHERE org_id = $1 AND lot_id IS NOT NULL AND account = 'expired'
             UNION ALL SELECT id, 'lapsed', -lapsed FROM loyalty_lots WHERE org_id = $1
             UNION ALL SELECT id, 'pending', -pending FROM loyalty_lots WHERE org_id = $1
             UNION ALL SELECT id, 'available', -available FROM loyalty_lots WHERE org_id = $1
             UNION ALL SELECT id, 'reserved', -reserved FROM loyalty_lots WHERE org_id = $1
           ) told GROUP BY lot_id, account HAVING SUM(points) <> 0) wrong",
    ),
    (
        "points_lots_are_not_below_zero",
        "SELECT COUNT(*) FROM loyalty_lots
          WHERE org_id = $1 AND (pending < 0 OR available < 0 OR reserved < 0)",
    ),
    (
        "points_of_orders_are_their_targets",
        "SELECT COUNT(*) FROM (
           SELECT programme_id, order_id FROM (
             SELECT e.programme_id, e.source_id AS order_id, -p.points AS points
               FROM loyalty_entries e JOIN loyalty_postings p ON p.org_id = e.org_id AND p.entry_id = e.id
              WHERE e.org_id = $1 AND e.source_kind = 'order' AND p.account = 'issued'
             UNION ALL SELECT programme_id, order_id, -target FROM loyalty_orders WHERE org_id = $1
           ) told GROUP BY programme_id, order_id HAVING SUM(points) <> 0) wrong",
    ),
    (
        "points_spends_are_their_lots",
        "SELECT COUNT(*) FROM (
           SELECT spend_id FROM (
             SELECT spend_id, points, returned FROM loyalty_spend_lots WHERE org_id = $1
             UNION ALL SELECT id, -points, -returned FROM loyalty_spends WHERE org_id = $1
           ) told GROUP BY spend_id HAVING SUM(points) <> 0 OR SUM(returned) <> 0) wrong",
    ),
];

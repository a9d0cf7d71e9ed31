//! What must hold of levels whatever happened; for `guanxi verify`.

use std::collections::BTreeMap;

use kernel::TypedId as _;
use platform::{DbError, Scope, Tx, args};

use super::rules::{Downgrade, Measure};
use super::{Scheme, scheme};

/// Counts the exceptions from each invariant. The rules of a scheme are asked of the members that its newest version
/// has seen.
///
/// # Errors
/// As the database says.
pub async fn check(tx: &mut Tx, scope: Scope) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut found = BTreeMap::new();
    for (name, sql) in ALWAYS {
        let (count,): (i64,) = tx.fetch_one(sql, args![scope.org_arg()]).await?;
        found.insert(name, count);
    }
    let mut ranks = 0;
    let mut validity = 0;
    for scheme in scheme::all(tx, scope).await? {
        ranks += ranks_that_do_not_follow(tx, scope, &scheme).await?;
        validity += wrong_validity(tx, scope, &scheme).await?;
    }
    found.insert("levels_ranks_follow_from_what_is_measured", ranks);
    found.insert("levels_validity_is_set_where_it_must_be", validity);
    Ok(found.into_iter().collect())
}

async fn ranks_that_do_not_follow(
    tx: &mut Tx,
    scope: Scope,
    scheme: &Scheme,
) -> Result<i64, DbError> {
    let rules = &scheme.rules;
    let by_amount = i64::from(rules.measure == Measure::Amount);
    let at_once = i64::from(rules.downgrade == Downgrade::AtOnce);
    let mut wrong = 0;
    for earned in 0..=rules.levels.len() {
        let from = earned.checked_sub(1).map_or(0, |at| rules.levels[at].bound);
        let to = rules.levels.get(earned).map_or(i64::MAX, |above| above.bound);
        let (count,): (i64,) = tx
            .fetch_one(
                "SELECT COUNT(*) FROM loyalty_memberships
                  WHERE org_id = $1 AND scheme_id = $2 AND version = $3
                    AND ((earned = $4 AND (measured < $5 OR measured >= $6))
                      OR (earned = $4 AND pinned = 0 AND (rank < earned OR ($7 = 1 AND rank > earned)))
                      OR (earned = $4 AND measured <> CASE WHEN $8 = 1 THEN amount_minor ELSE orders END))",
                args![
                    scope.org_arg(),
                    scheme.id.uuid(),
                    scheme.version,
                    earned as i64,
                    from,
                    to,
                    at_once,
                    by_amount
                ],
            )
            .await?;
        wrong += count;
    }
    Ok(wrong)
}

async fn wrong_validity(tx: &mut Tx, scope: Scope, scheme: &Scheme) -> Result<i64, DbError> {
    let has = i64::from(matches!(scheme.rules.downgrade, Downgrade::Validity { .. }));
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM loyalty_memberships
              WHERE org_id = $1 AND scheme_id = $2 AND version = $3
                AND CASE WHEN $4 = 1 AND pinned = 0 AND rank > 0 THEN 1 ELSE 0 END
                 <> CASE WHEN valid_until IS NOT NULL THEN 1 ELSE 0 END",
            args![scope.org_arg(), scheme.id.uuid(), scheme.version, has],
        )
        .await?;
    Ok(count)
}

const ALWAYS: [(&str, &str); 4] = [
    (
        "levels_are_the_last_of_their_history",
        "SELECT COUNT(*) FROM loyalty_memberships m
           LEFT JOIN loyalty_level_history h ON h.org_id = m.org_id AND h.scheme_id = m.scheme_id
                AND h.customer_id = m.customer_id AND h.revision = m.revision
          WHERE m.org_id = $1 AND (COALESCE(h.to_rank, 0) <> m.rank OR COALESCE(h.at, m.changed_at) <> m.changed_at
                OR (h.revision IS NULL AND m.revision <> 0))",
    ),
    (
        "levels_histories_have_no_gap",
        "SELECT (SELECT COUNT(*) FROM loyalty_level_history h
                   LEFT JOIN loyalty_level_history p ON p.org_id = h.org_id AND p.scheme_id = h.scheme_id
                        AND p.customer_id = h.customer_id AND p.revision = h.revision - 1
                  WHERE h.org_id = $1 AND (h.from_rank <> COALESCE(p.to_rank, 0) OR h.from_rank = h.to_rank
                        OR h.at < COALESCE(p.at, h.at) OR (p.revision IS NULL AND h.revision <> 1)))
              + (SELECT COUNT(*) FROM loyalty_level_history h WHERE h.org_id = $1 AND NOT EXISTS
                   (SELECT 1 FROM loyalty_memberships m WHERE m.org_id = h.org_id AND m.scheme_id = h.scheme_id
                       AND m.customer_id = h.customer_id AND m.revision >= h.revision))",
    ),
    (
        "levels_are_those_of_roots",
        "SELECT COUNT(*) FROM loyalty_memberships m JOIN loyalty_level_people p
             ON p.org_id = m.org_id AND p.customer_id = m.customer_id
          WHERE m.org_id = $1 AND p.root_id <> p.customer_id AND (m.rank <> 0 OR m.measured <> 0)",
    ),
    (
        "levels_roots_are_their_own",
        "SELECT COUNT(*) FROM loyalty_level_people p JOIN loyalty_level_people r
             ON r.org_id = p.org_id AND r.customer_id = p.root_id
          WHERE p.org_id = $1 AND r.root_id <> r.customer_id",
    ),
];

//! How many would move if a bound were another.

use kernel::{FieldErrors, TypedId as _};
use platform::{Ctx, DbError, Tx, args};
use serde::Serialize;

use super::rules::BOUND_MAX;
use super::{LevelsError, Scheme};

/// How many would move if the bound of a level were another; counted exactly, from an index over what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LevelWhatIf)]
pub struct WhatIf {
    /// So many would have the level at once, and have a lower one now.
    pub rise: i64,
    /// So many who have the level would not earn it any more. When they fall is the scheme's policy.
    pub lose: i64,
    /// So many have not been measured since something changed for them: until the job has been there (a minute), the
    /// figures are those of before. 0: they are those of now.
    pub not_yet_measured: i64,
}

/// Counts who would move if level `rank` of `scheme` had `bound`. It must stay between those below and above.
///
/// # Errors
/// `NoLevel`; `Fields` if the bound is out of place.
pub async fn what_if(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    rank: usize,
    bound: i64,
) -> Result<WhatIf, LevelsError> {
    let (version, rules) = scheme.at(cx.now());
    let levels = &rules.levels;
    let at = rank.checked_sub(1).filter(|at| *at < levels.len());
    let at = at.ok_or(LevelsError::NoLevel(levels.len()))?;
    let least = at.checked_sub(1).map_or(1, |below| levels[below].bound + 1);
    let most = levels.get(rank).map_or(BOUND_MAX, |above| above.bound - 1);
    if !(least..=most).contains(&bound) {
        let mut errors = FieldErrors::default();
        errors.push("bound", format!("must be between {least} and {most}"));
        errors.finish(|| Some(()))?;
    }
    let now = levels[at].bound;
    let (from, to) = (bound.min(now), bound.max(now));
    let which = if bound < now { "rank < $5" } else { "rank = $5" };
    let (moved,): (i64,) = tx
        .fetch_one(
            sqlx::AssertSqlSafe(format!(
                "SELECT COUNT(*) FROM loyalty_memberships
                  WHERE org_id = $1 AND scheme_id = $2 AND measured >= $3 AND measured < $4
                    AND {which} AND pinned = 0"
            )),
            args![cx.scope.org_arg(), scheme.id.uuid(), from, to, rank as i64],
        )
        .await?;
    let (rise, lose) = if bound < now { (moved, 0) } else { (0, moved) };
    let not_yet_measured = stale(tx, cx, scheme, version).await?;
    Ok(WhatIf { rise, lose, not_yet_measured })
}

async fn stale(tx: &mut Tx, cx: &Ctx, scheme: &Scheme, version: i64) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT (SELECT COUNT(*) FROM loyalty_memberships
                      WHERE org_id = $1 AND scheme_id = $2 AND next_at IS NOT NULL AND next_at <= $3)
                  + (SELECT COUNT(*) FROM loyalty_memberships
                      WHERE org_id = $1 AND scheme_id = $2 AND version < $4)",
            args![cx.scope.org_arg(), scheme.id.uuid(), cx.now(), version],
        )
        .await?;
    Ok(count)
}

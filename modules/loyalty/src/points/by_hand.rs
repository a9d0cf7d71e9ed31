//! What one person changes by hand in a day: beyond the programme's bound it takes a second person, in parts as well.

use chrono::NaiveDate;
use kernel::TypedId as _;
use platform::{Ctx, DbError, Tx, args};

use super::programme::Programme;

/// Counts `points` (either way) to what the actor changed today, in the zone of `programme`, if all of it together is
/// within `approve_above`; gives whether it was. What the program does itself has no bound. Of two who ask at once for
/// what is left, one gets it.
///
/// # Errors
/// As the database says.
pub(crate) async fn count(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    points: i64,
) -> Result<bool, DbError> {
    let (bound, points) = (programme.rules.approve_above, points.saturating_abs());
    let Some(user) = cx.scope.user_id() else {
        return Ok(points <= bound);
    };
    let day = cx.now().day(programme.zone).signed_duration_since(NaiveDate::default()).num_days();
    let counted = tx
        .execute(
            "INSERT INTO loyalty_hand_sums (org_id, programme_id, user_id, day, points)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, CAST($5 AS BIGINT) WHERE CAST($5 AS BIGINT) <= $6
             ON CONFLICT (org_id, programme_id, user_id, day) DO UPDATE
                SET points = loyalty_hand_sums.points + excluded.points
              WHERE loyalty_hand_sums.points + excluded.points <= $6",
            args![cx.scope.org_arg(), programme.id.uuid(), user, day, points, bound],
        )
        .await?;
    Ok(counted == 1)
}

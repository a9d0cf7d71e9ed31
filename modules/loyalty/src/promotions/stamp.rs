//! Whether what quotes keep in memory is still true.

use platform::{DbError, Scope, Tx, args};

/// By which it is known that promotions, schemes of levels and programmes of points are as they were: each number
/// rises with every change and never falls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    promotions: i64,
    schemes: i64,
    programmes: i64,
}

/// The stamp of now. What is read after it in one transaction is as new or newer.
///
/// # Errors
/// As the database says.
pub async fn stamp(tx: &mut Tx, scope: Scope) -> Result<Stamp, DbError> {
    let (promotions, schemes, programmes): (i64, i64, i64) = tx
        .fetch_one(
            "SELECT COALESCE((SELECT stamp FROM loyalty_promotion_stamps WHERE org_id = $1), 0),
                    (SELECT CAST(COALESCE(SUM(version), 0) AS BIGINT) FROM loyalty_schemes
                      WHERE org_id = $1),
                    (SELECT CAST(COALESCE(SUM(version), 0) AS BIGINT) FROM loyalty_programmes
                      WHERE org_id = $1)",
            args![scope.org_arg()],
        )
        .await?;
    Ok(Stamp { promotions, schemes, programmes })
}

/// Says that what is live changed.
pub(super) async fn turn(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO loyalty_promotion_stamps (org_id, stamp) VALUES ($1, 1)
         ON CONFLICT (org_id) DO UPDATE SET stamp = loyalty_promotion_stamps.stamp + 1",
        args![scope.org_arg()],
    )
    .await
    .map(drop)
}

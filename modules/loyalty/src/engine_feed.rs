//! Levels and points as the analytics engine wants them: as they are stored. What only the passing of time changes,
//! the jobs write and tell of, so nobody has to look at a clock to know it.

use kernel::{CustomerId, LevelSchemeId, ProgrammeId, TypedId as _};
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use crate::points::store::by_ids;

type LevelRow = (Uuid, Uuid, i64);
type PointsRow = (Uuid, Uuid, i64);

const LEVELS: &str = "SELECT customer_id, scheme_id, rank FROM loyalty_memberships
    WHERE org_id = $1 AND rank > 0";
const POINTS: &str = "SELECT customer_id, programme_id, available + debt FROM loyalty_balances
    WHERE org_id = $1 AND available + debt <> 0";

/// A customer's rank in a scheme, 1 for the lowest level. Of a family the root's is the one that counts.
pub type Level = (CustomerId, LevelSchemeId, u8);

/// What a customer adds to the points that the family can spend in a programme; negative if it owes some. A family
/// can spend the sum, and nothing if that is negative.
pub type Points = (CustomerId, ProgrammeId, i64);

fn level((customer, scheme, rank): LevelRow) -> Level {
    let rank = u8::try_from(rank).unwrap_or(u8::MAX);
    (CustomerId::from_uuid(customer), LevelSchemeId::from_uuid(scheme), rank)
}

fn points((customer, programme, points): PointsRow) -> Points {
    (CustomerId::from_uuid(customer), ProgrammeId::from_uuid(programme), points)
}

/// Gives every level to `take`, in no order; who has none is not among them.
///
/// # Errors
/// As the database says.
pub async fn each_level(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(Level) + Send,
) -> Result<(), DbError> {
    tx.for_each::<LevelRow>(LEVELS, args![scope.org_arg()], |row| take(level(row))).await
}

/// Gives what every customer adds to the points of a family to `take`, in no order; who adds 0 is not among them.
///
/// # Errors
/// As the database says.
pub async fn each_points(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(Points) + Send,
) -> Result<(), DbError> {
    tx.for_each::<PointsRow>(POINTS, args![scope.org_arg()], |row| take(points(row))).await
}

/// As [`each_level`], of some customers.
///
/// # Errors
/// As the database says.
pub async fn levels_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<Level>, DbError> {
    let select = format!("{LEVELS} AND customer_id");
    let rows = by_ids::<LevelRow>(tx, &select, &args![scope.org_arg()], customers, "").await?;
    Ok(rows.into_iter().map(level).collect())
}

/// As [`each_points`], of some customers.
///
/// # Errors
/// As the database says.
pub async fn points_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<Points>, DbError> {
    let select = format!("{POINTS} AND customer_id");
    let rows = by_ids::<PointsRow>(tx, &select, &args![scope.org_arg()], customers, "").await?;
    Ok(rows.into_iter().map(points).collect())
}

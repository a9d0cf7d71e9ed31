//! A part of a spend comes back, because pieces of its order did.

use kernel::{ProgrammeId, SpendId, TypedId as _};
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::{Account, Kind, PointsError, Programme, head, open, other, store};
use super::{write_parts, write_returned};

/// The programme of a spend.
///
/// # Errors
/// As the database says.
pub async fn programme_of(
    tx: &mut Tx,
    scope: Scope,
    id: SpendId,
) -> Result<Option<ProgrammeId>, DbError> {
    let row: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT programme_id FROM loyalty_spends WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id.uuid()],
        )
        .await?;
    Ok(row.map(|(id,)| ProgrammeId::from_uuid(id)))
}

/// Gives back `points` of a spend into the lots they came from, the last one first, which lives longest. Each call
/// gives back more: who may ask twice keeps that apart.
///
/// # Errors
/// `NoSpend`; `WrongState` unless it was committed; `Insufficient` if less is left of it.
pub async fn give_back(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    id: SpendId,
    points: i64,
) -> Result<(), PointsError> {
    let (mut desk, row, mut parts) = open(tx, cx, programme, id).await?;
    if row.state != "committed" {
        return Err(PointsError::WrongState(row.state));
    }
    let left = row.points - row.returned;
    if !(0..=left).contains(&points) {
        return Err(PointsError::Insufficient { available: left, wanted: points });
    }
    let mut more = points;
    for part in parts.iter_mut().rev() {
        let back = (part.points - part.returned).min(more);
        if back == 0 {
            continue;
        }
        more -= back;
        let (mut postings, lapsed) = desk.give_back(part.lot_id, back)?;
        postings.push(other(Account::Redeemed, -back));
        // What came back before only rises, so no key is used twice.
        let what = format!("return:{}:{}", row.returned, part.line);
        let head = head(&desk, Kind::CancelSpend, std::slice::from_ref(part), id, &what);
        desk.post(head, programme.version, postings)?;
        part.returned += back;
        part.lapsed += lapsed;
    }
    write_parts(tx, cx.scope, &parts).await?;
    write_returned(tx, cx.scope, id.uuid(), row.returned + points).await?;
    let changed = store::close(tx, desk).await?;
    Ok(store::tell(tx, cx, programme, &changed).await?)
}

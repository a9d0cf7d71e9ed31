//! Who tells, and what it needs to go on where another ended.

use kernel::{AudienceId, CustomerId, Timestamp, TypedId};
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

/// For so long nobody takes over from a process that has told something.
pub const LEASE_MILLIS: i64 = 60_000;
/// Customers of a part of the roll.
const PART: usize = 4_096;

/// Takes over: from now on nobody but `owner` tells.
///
/// # Errors
/// As the database says.
pub async fn take_over(tx: &mut Tx, cx: &Ctx, owner: Uuid) -> Result<(), DbError> {
    let sql = "INSERT INTO insight_live_teller (org_id, owner, until, seq) VALUES ($1, $2, $3, 0)
               ON CONFLICT (org_id) DO UPDATE SET owner = excluded.owner, until = excluded.until";
    let until = cx.now().plus_millis(LEASE_MILLIS);
    tx.execute(sql, args![cx.scope.org_arg(), owner, until]).await.map(drop)
}

/// Whether nobody else is about to tell at `now`.
///
/// # Errors
/// As the database says.
pub async fn free_to_tell(
    tx: &mut Tx,
    scope: Scope,
    owner: Uuid,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "SELECT owner, until FROM insight_live_teller WHERE org_id = $1";
    let row: Option<(Uuid, i64)> = tx.fetch_optional(sql, args![scope.org_arg()]).await?;
    Ok(row.is_none_or(|(other, until)| other == owner || until < now.millis()))
}

/// Reserves the numbers of `count` transitions and holds on to telling; the last number before them. `None` if
/// another process has taken over: then nothing may be told.
///
/// # Errors
/// As the database says.
pub async fn advance(
    tx: &mut Tx,
    cx: &Ctx,
    owner: Uuid,
    count: usize,
) -> Result<Option<i64>, DbError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let until = cx.now().plus_millis(LEASE_MILLIS);
    let done = tx
        .execute(
            "UPDATE insight_live_teller SET seq = seq + $3, until = $4
              WHERE org_id = $1 AND owner = $2",
            args![cx.scope.org_arg(), owner, count, until],
        )
        .await?;
    if done != 1 {
        return Ok(None);
    }
    let sql = "SELECT seq FROM insight_live_teller WHERE org_id = $1";
    let (seq,): (i64,) = tx.fetch_one(sql, args![cx.scope.org_arg()]).await?;
    Ok(Some(seq - count))
}

/// The number of the last transition told, of whatever audience; 0 where nobody ever told.
///
/// # Errors
/// As the database says.
pub async fn last_seq(tx: &mut Tx, scope: Scope) -> Result<i64, DbError> {
    let sql = "SELECT seq FROM insight_live_teller WHERE org_id = $1";
    let row: Option<(i64,)> = tx.fetch_optional(sql, args![scope.org_arg()]).await?;
    Ok(row.map_or(0, |(seq,)| seq))
}

/// Waits until whoever tells is between two transactions, and holds them off until `tx` ends: what is deleted then
/// is not written down again. Nothing where nobody ever told.
pub(super) async fn hold_off(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    let sql = "UPDATE insight_live_teller SET seq = seq WHERE org_id = $1";
    tx.execute(sql, args![scope.org_arg()]).await.map(drop)
}

/// The customers by number.
///
/// # Errors
/// `Refused` if what is stored is no roll.
pub async fn roll(tx: &mut Tx, scope: Scope) -> Result<Vec<CustomerId>, DbError> {
    let mut roll = Vec::new();
    let mut is_whole = true;
    let sql = "SELECT part, ids FROM insight_live_roll WHERE org_id = $1 ORDER BY part";
    tx.for_each(sql, args![scope.org_arg()], |(part, ids): (i64, Vec<u8>)| {
        let (ids, rest) = ids.as_chunks::<16>();
        is_whole &= rest.is_empty() && usize::try_from(part) == Ok(roll.len() / PART);
        is_whole &= roll.len() % PART == 0;
        roll.extend(ids.iter().map(|id| CustomerId::from_uuid(Uuid::from_bytes(*id))));
    })
    .await?;
    if is_whole {
        return Ok(roll);
    }
    Err(DbError::Refused("the roll of live audiences is damaged; turn them off and on".to_owned()))
}

/// Adds to the roll, which has `known` customers, those after them.
///
/// # Errors
/// As the database says.
pub async fn add_to_roll(
    tx: &mut Tx,
    scope: Scope,
    known: usize,
    from_part: &[CustomerId],
) -> Result<(), DbError> {
    let first = known / PART;
    for (nth, ids) in from_part.chunks(PART).enumerate() {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.uuid().as_bytes()).collect();
        tx.execute(
            "INSERT INTO insight_live_roll (org_id, part, ids) VALUES ($1, $2, $3)
             ON CONFLICT (org_id, part) DO UPDATE SET ids = excluded.ids",
            args![scope.org_arg(), (first + nth) as i64, bytes],
        )
        .await?;
    }
    Ok(())
}

/// Where the part of the roll begins that the `known`-th customer stands in: from there [`add_to_roll`] wants
/// customers.
#[must_use]
pub const fn part_start(known: usize) -> usize {
    known / PART * PART
}

/// Keeps who was told to belong to an audience after the transition `seq`.
///
/// # Errors
/// As the database says.
pub async fn keep_set(
    tx: &mut Tx,
    scope: Scope,
    id: AudienceId,
    seq: i64,
    members: Vec<u8>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO insight_live_sets (org_id, audience_id, seq, members) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, audience_id)
         DO UPDATE SET seq = excluded.seq, members = excluded.members",
        args![scope.org_arg(), id.uuid(), seq, members],
    )
    .await?;
    // Of whoever was erased the set knows now.
    tx.execute(
        "DELETE FROM insight_transitions
          WHERE org_id = $1 AND audience_id = $2 AND seq <= $3 AND erased = $4",
        args![scope.org_arg(), id.uuid(), seq, true],
    )
    .await
    .map(drop)
}

/// Moves the sets of audiences of which nothing was told since to the transition `seq`, and gives those that must be
/// kept anew.
///
/// # Errors
/// As the database says.
pub async fn move_sets(tx: &mut Tx, scope: Scope, seq: i64) -> Result<Vec<AudienceId>, DbError> {
    tx.execute(
        "UPDATE insight_live_sets SET seq = $2 WHERE org_id = $1 AND seq < $2 AND NOT EXISTS (
             SELECT 1 FROM insight_transitions t WHERE t.org_id = $1
                AND t.audience_id = insight_live_sets.audience_id
                AND t.seq > insight_live_sets.seq)",
        args![scope.org_arg(), seq],
    )
    .await?;
    let sql = "SELECT audience_id FROM insight_live_sets WHERE org_id = $1 AND seq < $2";
    let rows: Vec<(Uuid,)> = tx.fetch_all(sql, args![scope.org_arg(), seq]).await?;
    Ok(rows.into_iter().map(|(id,)| AudienceId::from_uuid(id)).collect())
}

/// Who was told to belong to an audience, and after which transition.
///
/// # Errors
/// As the database says.
pub async fn set(
    tx: &mut Tx,
    scope: Scope,
    id: AudienceId,
) -> Result<Option<(i64, Vec<u8>)>, DbError> {
    let sql = "SELECT seq, members FROM insight_live_sets WHERE org_id = $1 AND audience_id = $2";
    tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await
}

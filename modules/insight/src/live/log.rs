//! The log of who entered and left.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::{AudienceId, CustomerId, Timestamp, TypedId};
use platform::db::args::in_list;
use platform::{Ctx, DbError, Scope, Tx, args, outbox};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::events::AudienceChangedV1;

/// Days for which transitions are kept; their number by day is kept on.
pub const KEPT_DAYS: i64 = 90;
/// Transitions deleted in one transaction.
const PRUNE_BATCH: i64 = 5_000;

const COLUMNS: [&str; 8] =
    ["org_id", "seq", "audience_id", "customer_id", "entered", "cause", "at", "erased"];

/// Why somebody entered or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Something of the customer changed.
    Changed,
    /// A day passed.
    Day,
    /// The scores of all were computed again.
    Scores,
    /// The definition was changed, and that was to be told.
    Definition,
    /// Something changed while nobody looked, or so much that everything was read again.
    Found,
}

impl Cause {
    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Day => "day",
            Self::Scores => "scores",
            Self::Definition => "definition",
            Self::Found => "found",
        }
    }

    fn of(name: &str) -> Self {
        let all = [Self::Changed, Self::Day, Self::Scores, Self::Definition];
        all.into_iter().find(|cause| cause.name() == name).unwrap_or(Self::Found)
    }
}

/// Who entered or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The audience.
    pub audience: AudienceId,
    /// The customer.
    pub customer: CustomerId,
    /// Entered, or left.
    pub entered: bool,
}

/// Writes down the transitions after `seq`, which [`super::advance`] reserved, in the order given, those of one
/// audience together; notes the `sizes` that the audiences have then, and pushes one event for each.
/// `day` is today.
///
/// # Errors
/// As the database says.
pub async fn append(
    tx: &mut Tx,
    cx: &Ctx,
    seq: i64,
    told: &[Told],
    cause: Cause,
    day: NaiveDate,
    sizes: &BTreeMap<AudienceId, u64>,
) -> Result<(), DbError> {
    // Owned, for a closure over references would not be `Send` for every lifetime.
    let rows = (seq + 1..).zip(told.iter().copied()).map(|(seq, one)| {
        [
            cx.scope.org_arg().into(),
            seq.into(),
            one.audience.uuid().into(),
            one.customer.into(),
            one.entered.into(),
            cause.name().into(),
            cx.now().into(),
            false.into(),
        ]
    });
    tx.bulk_insert_each("insight_transitions", &COLUMNS, rows).await?;
    let mut first = seq + 1;
    for some in told.chunk_by(|a, b| a.audience == b.audience) {
        let to_seq = first + some.len() as i64 - 1;
        let audience = some[0].audience;
        let of = |entered: bool| some.iter().filter(move |one| one.entered == entered);
        let (entered, gone) = (of(true).count() as i64, of(false).count() as i64);
        let many = some.len() > AudienceChangedV1::NAMED_MAX;
        let named = |entered| {
            let all = of(entered).map(|one| one.customer).filter(|_| !many);
            all.collect()
        };
        let event = AudienceChangedV1 {
            audience,
            from_seq: first,
            to_seq,
            entered: named(true),
            left: named(false),
            many,
        };
        first = to_seq + 1;
        tx.execute(
            "INSERT INTO insight_live_days (org_id, audience_id, day, entered, gone)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (org_id, audience_id, day) DO UPDATE SET
                 entered = insight_live_days.entered + excluded.entered,
                 gone = insight_live_days.gone + excluded.gone",
            args![
                cx.scope.org_arg(),
                audience.uuid(),
                i64::from(day.to_epoch_days()),
                entered,
                gone
            ],
        )
        .await?;
        if let Some(size) = sizes.get(&audience) {
            let size = i64::try_from(*size).unwrap_or(i64::MAX);
            tx.execute(
                "UPDATE insight_live SET size = $3, told_at = $4
                  WHERE org_id = $1 AND audience_id = $2",
                args![cx.scope.org_arg(), audience.uuid(), size, cx.now()],
            )
            .await?;
        }
        outbox::push(tx, cx, &event).await?;
    }
    Ok(())
}

/// What was told of an audience after the transition `seq`, in order, whoever was erased since included.
///
/// # Errors
/// As the database says.
pub async fn told_since(
    tx: &mut Tx,
    scope: Scope,
    audience: AudienceId,
    seq: i64,
) -> Result<Vec<Told>, DbError> {
    let sql = "SELECT customer_id, entered FROM insight_transitions
                WHERE org_id = $1 AND audience_id = $2 AND seq > $3 ORDER BY seq";
    let rows: Vec<(Uuid, bool)> =
        tx.fetch_all(sql, args![scope.org_arg(), audience.uuid(), seq]).await?;
    let read =
        |(customer, entered)| Told { audience, customer: CustomerId::from_uuid(customer), entered };
    Ok(rows.into_iter().map(read).collect())
}

/// What was told last of some customers and an audience: entered, or left. Those of whom the log has nothing are left
/// out.
///
/// # Errors
/// As the database says.
pub async fn last_of(
    tx: &mut Tx,
    scope: Scope,
    audience: AudienceId,
    customers: &[CustomerId],
) -> Result<BTreeMap<CustomerId, bool>, DbError> {
    let mut last: BTreeMap<CustomerId, (i64, bool)> = BTreeMap::new();
    for some in customers.chunks(500) {
        let (list, mut ids) = in_list(3, some.iter().map(|id| (*id).into()).collect());
        let mut values = args![scope.org_arg(), audience.uuid()];
        values.append(&mut ids);
        let sql = format!(
            "SELECT customer_id, seq, entered FROM insight_transitions
              WHERE org_id = $1 AND audience_id = $2 AND customer_id IN ({list})"
        );
        let rows: Vec<(Uuid, i64, bool)> = tx.fetch_all(AssertSqlSafe(sql), values).await?;
        for (customer, seq, entered) in rows {
            let known = last.entry(CustomerId::from_uuid(customer)).or_insert((seq, entered));
            *known = (*known).max((seq, entered));
        }
    }
    Ok(last.into_iter().map(|(customer, (_, entered))| (customer, entered)).collect())
}

/// A transition as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// Its number.
    pub seq: i64,
    /// The audience.
    pub audience: AudienceId,
    /// The customer.
    pub customer: CustomerId,
    /// Entered, or left.
    pub entered: bool,
    /// Why.
    pub cause: Cause,
    /// When it was told.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    audience_id: Uuid,
    customer_id: Uuid,
    entered: bool,
    cause: String,
    at: i64,
}

impl From<Row> for Logged {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            audience: AudienceId::from_uuid(row.audience_id),
            customer: CustomerId::from_uuid(row.customer_id),
            entered: row.entered,
            cause: Cause::of(&row.cause),
            at: Timestamp::from_millis(row.at),
        }
    }
}

/// The latest transitions of an audience, the last first.
///
/// # Errors
/// As the database says.
pub async fn latest(
    tx: &mut Tx,
    scope: Scope,
    audience: AudienceId,
    limit: u32,
) -> Result<Vec<Logged>, DbError> {
    let sql = "SELECT seq, audience_id, customer_id, entered, cause, at FROM insight_transitions
                WHERE org_id = $1 AND audience_id = $2 AND erased = $3
                ORDER BY seq DESC LIMIT $4";
    let rows: Vec<Row> =
        tx.fetch_all(sql, args![scope.org_arg(), audience.uuid(), false, limit]).await?;
    Ok(rows.into_iter().map(Logged::from).collect())
}

/// The transitions of all audiences after `seq`, at most `limit`, in order: what an event that names nobody
/// ([`AudienceChangedV1::many`]) is about, and what a reader that keeps its own place reads.
///
/// # Errors
/// As the database says.
pub async fn read_after(
    tx: &mut Tx,
    scope: Scope,
    seq: i64,
    limit: u32,
) -> Result<Vec<Logged>, DbError> {
    let sql = "SELECT seq, audience_id, customer_id, entered, cause, at FROM insight_transitions
                WHERE org_id = $1 AND seq > $2 AND erased = $3 ORDER BY seq LIMIT $4";
    let rows: Vec<Row> = tx.fetch_all(sql, args![scope.org_arg(), seq, false, limit]).await?;
    Ok(rows.into_iter().map(Logged::from).collect())
}

/// What the log tells of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfPerson {
    /// The name of the audience; `None` if it is gone.
    pub audience: Option<String>,
    /// Entered, or left.
    pub entered: bool,
    /// Why.
    pub cause: Cause,
    /// When it was told.
    pub at: Timestamp,
}

/// What the log tells of some customers who are one person, in order; the last `limit` of it.
///
/// # Errors
/// As the database says.
pub async fn of_person(
    tx: &mut Tx,
    scope: Scope,
    family: &[CustomerId],
    limit: u32,
) -> Result<Vec<OfPerson>, DbError> {
    let mut found: Vec<(i64, OfPerson)> = Vec::new();
    for some in family.chunks(500) {
        let (list, mut ids) = in_list(4, some.iter().map(|id| (*id).into()).collect());
        let mut values = args![scope.org_arg(), false, limit];
        values.append(&mut ids);
        let sql = format!(
            "SELECT t.seq, a.name, t.entered, t.cause, t.at FROM insight_transitions t
               LEFT JOIN insight_audiences a ON a.org_id = t.org_id AND a.id = t.audience_id
              WHERE t.org_id = $1 AND t.erased = $2 AND t.customer_id IN ({list})
              ORDER BY t.seq DESC LIMIT $3"
        );
        let rows: Vec<(i64, Option<String>, bool, String, i64)> =
            tx.fetch_all(AssertSqlSafe(sql), values).await?;
        found.extend(rows.into_iter().map(|(seq, audience, entered, cause, at)| {
            let (cause, at) = (Cause::of(&cause), Timestamp::from_millis(at));
            (seq, OfPerson { audience, entered, cause, at })
        }));
    }
    found.sort_unstable_by_key(|(seq, _)| *seq);
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

/// How many entered and left an audience on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DayTally {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub day: NaiveDate,
    /// Who entered.
    pub entered: u64,
    /// Who left.
    pub left: u64,
}

/// How many entered and left, by day, from `from` on; days on which nobody did are left out.
///
/// # Errors
/// As the database says.
pub async fn days(
    tx: &mut Tx,
    scope: Scope,
    audience: AudienceId,
    from: NaiveDate,
) -> Result<Vec<DayTally>, DbError> {
    let sql = "SELECT day, entered, gone FROM insight_live_days
                WHERE org_id = $1 AND audience_id = $2 AND day >= $3 ORDER BY day LIMIT 400";
    let from = i64::from(from.to_epoch_days());
    let rows: Vec<(i64, i64, i64)> =
        tx.fetch_all(sql, args![scope.org_arg(), audience.uuid(), from]).await?;
    let read = |(day, entered, left): (i64, i64, i64)| {
        Some(DayTally {
            day: NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?,
            entered: u64::try_from(entered).ok()?,
            left: u64::try_from(left).ok()?,
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Takes erased customers out of the log. What the sets do not know yet is only hidden, for else it would be told
/// again, and goes with the next set.
///
/// # Errors
/// As the database says.
pub async fn erase(tx: &mut Tx, scope: Scope, customers: &[CustomerId]) -> Result<(), DbError> {
    for some in customers.chunks(500) {
        let (list, mut ids) = in_list(3, some.iter().map(|id| (*id).into()).collect());
        let mut values = args![scope.org_arg(), true];
        values.append(&mut ids);
        let hide = format!(
            "UPDATE insight_transitions SET erased = $2 WHERE org_id = $1 AND customer_id IN ({list})"
        );
        tx.execute(AssertSqlSafe(hide), values.clone()).await?;
        let remove = format!(
            "DELETE FROM insight_transitions
              WHERE org_id = $1 AND erased = $2 AND customer_id IN ({list})
                AND NOT EXISTS (SELECT 1 FROM insight_live WHERE org_id = $1
                    AND insight_live.audience_id = insight_transitions.audience_id
                    AND insight_transitions.seq > COALESCE((SELECT s.seq FROM insight_live_sets s
                        WHERE s.org_id = $1
                          AND s.audience_id = insight_transitions.audience_id), 0))"
        );
        tx.execute(AssertSqlSafe(remove), values).await?;
    }
    Ok(())
}

/// Deletes some transitions older than [`KEPT_DAYS`] of each audience that its own set knows, or that is not live;
/// gives how many. An audience whose set does not move on holds up no other.
///
/// # Errors
/// As the database says.
pub async fn prune(tx: &mut Tx, cx: &Ctx) -> Result<u64, DbError> {
    let cutoff = platform::retention::cutoff(cx.now(), KEPT_DAYS as u32);
    let org = cx.scope.org_arg();
    // A process that told of an audience while somebody deleted it.
    let orphans = "DELETE FROM insight_live_days WHERE org_id = $1 AND audience_id NOT IN
                       (SELECT id FROM insight_audiences WHERE org_id = $1)";
    tx.execute(orphans, args![org]).await?;
    // From one audience of the index to the next: a DISTINCT would read the whole log, for each batch again.
    let sql = "WITH RECURSIVE t(audience_id) AS (
                   SELECT (SELECT f.audience_id FROM insight_transitions f WHERE f.org_id = $1
                            ORDER BY f.audience_id LIMIT 1)
                    UNION ALL
                   SELECT (SELECT n.audience_id FROM insight_transitions n
                            WHERE n.org_id = $1 AND n.audience_id > t.audience_id
                            ORDER BY n.audience_id LIMIT 1)
                     FROM t WHERE t.audience_id IS NOT NULL)
               SELECT t.audience_id, MAX(COALESCE(s.seq, 0)), COUNT(l.audience_id)
                 FROM t
                 LEFT JOIN insight_live l ON l.org_id = $1 AND l.audience_id = t.audience_id
                 LEFT JOIN insight_live_sets s ON s.org_id = $1 AND s.audience_id = t.audience_id
                WHERE t.audience_id IS NOT NULL
                GROUP BY t.audience_id";
    let audiences: Vec<(Uuid, i64, i64)> = tx.fetch_all(sql, args![org]).await?;
    let mut gone = 0;
    for (audience, set, is_live) in audiences {
        let known = if is_live == 1 { set } else { i64::MAX };
        // Numbers and moments rise together.
        let sql =
            "DELETE FROM insight_transitions WHERE org_id = $1 AND audience_id = $2 AND seq <= (
                       SELECT MAX(seq) FROM (
                           SELECT seq, at FROM insight_transitions
                            WHERE org_id = $1 AND audience_id = $2 AND seq <= $3
                            ORDER BY seq LIMIT $4) AS batch
                        WHERE at < $5)";
        gone += tx.execute(sql, args![org, audience, known, PRUNE_BATCH, cutoff]).await?;
        if gone >= PRUNE_BATCH as u64 {
            break;
        }
    }
    Ok(gone)
}

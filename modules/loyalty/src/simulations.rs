//! Replays of past orders through drafts of promotions, as they are kept. What is asked and what came out are texts here:
//! a flow replays.

use kernel::{Cursor, Limit, Page, SimulationId, Timestamp, TypedId as _, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, ListError, Problem, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Simulations kept of one organisation; the oldest that ended go.
pub const KEPT_MAX: i64 = 200;
/// Simulations that wait or run at once in one organisation.
pub const OPEN_MAX: i64 = 5;

/// Where a simulation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SimulationState {
    /// For its turn.
    Waiting,
    /// At work.
    Running,
    /// All orders were replayed.
    Done,
    /// Somebody ended it; what was replayed until then is told.
    Cancelled,
    /// Nothing came out.
    Failed,
}

impl SimulationState {
    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    fn parse(name: &str) -> Self {
        [Self::Waiting, Self::Running, Self::Done, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Failed)
    }

    /// Whether it may still change.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// A simulation without its long texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: SimulationId,
    /// What somebody called it.
    pub name: String,
    /// Where it stands.
    pub state: SimulationState,
    /// Orders replayed so far.
    pub done: i64,
    /// Orders of the period; unknown before it began.
    pub total: Option<i64>,
    /// Who asked.
    pub asked_by: Option<UserId>,
    /// When.
    pub asked_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why nothing came out.
    pub failure: Option<String>,
}

/// Why a simulation was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// There is none of this id.
    #[error("there is no simulation {0}")]
    Unknown(SimulationId),
    /// So many are at work.
    #[error("{OPEN_MAX} simulations are at work already; wait until one is done, or cancel one")]
    Busy,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<SimulationError> for Problem {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Unknown(_) => Self::not_found("simulation"),
            SimulationError::Busy => Self::conflict("simulations_at_work", error.to_string()),
            SimulationError::Db(error) => error.into(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    state: String,
    done: i64,
    total: Option<i64>,
    asked_by: Option<Uuid>,
    asked_at: i64,
    finished_at: Option<i64>,
    failure: Option<String>,
}

impl From<Row> for Head {
    fn from(row: Row) -> Self {
        Self {
            id: SimulationId::from_uuid(row.id),
            name: row.name,
            state: SimulationState::parse(&row.state),
            done: row.done,
            total: row.total,
            asked_by: row.asked_by.map(UserId::from_uuid),
            asked_at: Timestamp::from_millis(row.asked_at),
            finished_at: row.finished_at.map(Timestamp::from_millis),
            failure: row.failure,
        }
    }
}

const HEADS: &str = "SELECT id, name, state, done, total, asked_by, asked_at, finished_at, failure
    FROM loyalty_simulations WHERE org_id = $1";

/// Keeps a new one that waits; ended ones beyond [`KEPT_MAX`] go.
///
/// # Errors
/// `Busy` while [`OPEN_MAX`] wait or run.
pub async fn ask(
    tx: &mut Tx,
    cx: &Ctx,
    name: &str,
    request: &str,
) -> Result<SimulationId, SimulationError> {
    let id = cx.fresh::<SimulationId>();
    let made = tx
        .execute(
            "INSERT INTO loyalty_simulations (org_id, id, name, state, request, done, asked_by, asked_at)
             SELECT CAST($1 AS BIGINT), $2, $3, 'waiting', $4, 0, $5, $6
              WHERE (SELECT COUNT(*) FROM loyalty_simulations
                      WHERE org_id = $1 AND state IN ('waiting', 'running')) < $7",
            args![cx.scope.org_arg(), id.uuid(), name, request, cx.scope.user_id(), cx.now(), OPEN_MAX],
        )
        .await?;
    if made != 1 {
        return Err(SimulationError::Busy);
    }
    tx.execute(
        "DELETE FROM loyalty_simulations WHERE org_id = $1 AND state NOT IN ('waiting', 'running')
            AND id <= (SELECT id FROM loyalty_simulations WHERE org_id = $1
                        ORDER BY id DESC LIMIT 1 OFFSET $2)",
        args![cx.scope.org_arg(), KEPT_MAX],
    )
    .await?;
    let entry = Entry::new("loyalty.simulation.ask").on("simulation", id).with("name", name);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

/// A page of simulations, the newest first.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn page(
    tx: &mut Tx,
    scope: Scope,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<Head>, ListError> {
    let after = match after {
        Some(cursor) => Cursor::decode::<SimulationId>(cursor)?.uuid(),
        None => Uuid::max(),
    };
    let sql = format!("{HEADS} AND id < $2 ORDER BY id DESC LIMIT $3");
    let arguments = args![scope.org_arg(), after, limit.get() as i64 + 1];
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let mut items: Vec<Head> = rows.into_iter().map(Head::from).collect();
    let more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items.last().filter(|_| more).map(|last| Cursor::encode(&last.id));
    Ok(Page { items, next })
}

/// One simulation.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: SimulationId) -> Result<Option<Head>, DbError> {
    let sql = format!("{HEADS} AND id = $2");
    let row: Option<Row> =
        tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id.uuid()]).await?;
    Ok(row.map(Head::from))
}

/// What was asked and what came out so far, both as JSON.
///
/// # Errors
/// As the database says.
pub async fn texts(
    tx: &mut Tx,
    scope: Scope,
    id: SimulationId,
) -> Result<Option<(String, Option<String>)>, DbError> {
    tx.fetch_optional(
        "SELECT request, result FROM loyalty_simulations WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), id.uuid()],
    )
    .await
}

/// Notes that one is at work on `total` orders, from the first on; false if it ended meanwhile.
///
/// # Errors
/// As the database says.
pub async fn begin(
    tx: &mut Tx,
    scope: Scope,
    id: SimulationId,
    total: i64,
) -> Result<bool, DbError> {
    let begun = tx
        .execute(
            "UPDATE loyalty_simulations SET state = 'running', done = 0, total = $3, result = NULL
              WHERE org_id = $1 AND id = $2 AND state IN ('waiting', 'running')",
            args![scope.org_arg(), id.uuid(), total],
        )
        .await?;
    Ok(begun == 1)
}

/// Notes how far one came, with what came out; with a `last` state it ends. False if it ended meanwhile.
///
/// # Errors
/// As the database says.
pub async fn note(
    tx: &mut Tx,
    cx: &Ctx,
    id: SimulationId,
    done: i64,
    result: &str,
    last: Option<SimulationState>,
) -> Result<bool, DbError> {
    let finished_at = last.map(|_| cx.now());
    let noted = tx
        .execute(
            "UPDATE loyalty_simulations SET done = $3, result = $4, state = $5, finished_at = $6
              WHERE org_id = $1 AND id = $2 AND state = 'running'",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                done,
                result,
                last.unwrap_or(SimulationState::Running).name(),
                finished_at
            ],
        )
        .await?;
    Ok(noted == 1)
}

/// Ends one of which nothing comes.
///
/// # Errors
/// As the database says.
pub async fn fail(tx: &mut Tx, cx: &Ctx, id: SimulationId, why: &str) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_simulations SET state = 'failed', failure = $3, finished_at = $4
          WHERE org_id = $1 AND id = $2 AND state IN ('waiting', 'running')",
        args![cx.scope.org_arg(), id.uuid(), why, cx.now()],
    )
    .await
    .map(drop)
}

/// Ends one that waits or runs; what was replayed until then stays. One that ended stays as it is.
///
/// # Errors
/// `Unknown`.
pub async fn cancel(tx: &mut Tx, cx: &Ctx, id: SimulationId) -> Result<(), SimulationError> {
    let ended = tx
        .execute(
            "UPDATE loyalty_simulations SET state = 'cancelled', finished_at = $3
              WHERE org_id = $1 AND id = $2 AND state IN ('waiting', 'running')",
            args![cx.scope.org_arg(), id.uuid(), cx.now()],
        )
        .await?;
    if ended == 0 {
        return match get(tx, cx.scope, id).await? {
            Some(_) => Ok(()),
            None => Err(SimulationError::Unknown(id)),
        };
    }
    audit::record(tx, cx, Entry::new("loyalty.simulation.cancel").on("simulation", id)).await?;
    Ok(())
}

//! Models of purchase intent as they are kept: versions, of which one is active. What a model and its report
//! hold is made elsewhere; here they are texts.

use kernel::{ModelId, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Trained versions kept of one organisation beside the active one; older ones go.
pub const VERSIONS_MAX: i64 = 20;
/// Versions kept of which nothing came.
pub const FAILED_MAX: i64 = 3;
/// A version that waits longer than this was forgotten by its job.
const FORGOTTEN_MILLIS: i64 = 6 * 3_600_000;

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// To be trained, or being trained.
    Waiting,
    /// Its scores are shown.
    Active,
    /// Another one is active.
    Old,
    /// Nothing came out.
    Failed,
}

impl ModelState {
    fn from_name(name: &str) -> Self {
        match name {
            "waiting" => Self::Waiting,
            "active" => Self::Active,
            "old" => Self::Old,
            _ => Self::Failed,
        }
    }
}

/// A version without its long texts.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelHead {
    /// Its id.
    pub id: ModelId,
    /// Counts from 1.
    pub version: i64,
    /// Where it stands.
    pub state: ModelState,
    /// Which kind of model was the best; `None` before it was trained.
    pub kind: Option<String>,
    /// Days after a moment in which an order counts.
    pub horizon_days: i64,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Who asked; `None` for the program itself.
    pub trained_by: Option<UserId>,
    /// When it was trained.
    pub trained_at: Option<Timestamp>,
    /// Figures on held-back rows, as JSON.
    pub figures: Option<String>,
    /// How customers moved since, as JSON.
    pub drift: Option<String>,
    /// Why nothing came out.
    pub failure: Option<String>,
}

/// What training gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainedModel {
    /// Kind of the best model.
    pub kind: String,
    /// Days in the past whose customers were learned from, as JSON.
    pub moments: String,
    /// SHA-256 of the table that was learned from.
    pub fingerprint: String,
    /// Figures, as JSON.
    pub figures: String,
    /// The report, as JSON.
    pub report: String,
    /// The model, as JSON.
    pub model: String,
    /// How today's customers differ from those learned from, as JSON.
    pub drift: String,
}

/// Why a model was not kept.
#[derive(Debug, thiserror::Error)]
pub enum ModelStoreError {
    /// There is none of this id.
    #[error("there is no model {0}")]
    Unknown(ModelId),
    /// One is being trained.
    #[error("a model is being trained already; wait until it is done")]
    Busy,
    /// It has no scores to give.
    #[error("only a model that was trained can be made active")]
    NotTrained,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    version: i64,
    state: String,
    kind: Option<String>,
    horizon_days: i64,
    asked_at: i64,
    trained_by: Option<Uuid>,
    trained_at: Option<i64>,
    figures: Option<String>,
    drift: Option<String>,
    failure: Option<String>,
}

const HEADS: &str = "SELECT id, version, state, kind, horizon_days, asked_at, trained_by, trained_at, \
     figures, drift, failure FROM insight_models WHERE org_id = $1";

impl From<Row> for ModelHead {
    fn from(row: Row) -> Self {
        Self {
            id: ModelId::from_uuid(row.id),
            version: row.version,
            state: ModelState::from_name(&row.state),
            kind: row.kind,
            horizon_days: row.horizon_days,
            asked_at: Timestamp::from_millis(row.asked_at),
            trained_by: row.trained_by.map(UserId::from_uuid),
            trained_at: row.trained_at.map(Timestamp::from_millis),
            figures: row.figures,
            drift: row.drift,
            failure: row.failure,
        }
    }
}

/// All versions, the newest first; at most [`VERSIONS_MAX`] and [`FAILED_MAX`], the active one and one that waits.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<ModelHead>, DbError> {
    let sql = format!("{HEADS} ORDER BY version DESC");
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), args![scope.org_arg()]).await?;
    Ok(rows.into_iter().map(ModelHead::from).collect())
}

/// One version.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: ModelId) -> Result<Option<ModelHead>, DbError> {
    let sql = format!("{HEADS} AND id = $2");
    let row: Option<Row> =
        tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id.uuid()]).await?;
    Ok(row.map(ModelHead::from))
}

/// The version whose scores are shown.
///
/// # Errors
/// As the database says.
pub async fn active(tx: &mut Tx, scope: Scope) -> Result<Option<ModelHead>, DbError> {
    let sql = format!("{HEADS} AND state = 'active'");
    let row: Option<Row> = tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg()]).await?;
    Ok(row.map(ModelHead::from))
}

/// The report of a version; `None` without one.
///
/// # Errors
/// As the database says.
pub async fn report(tx: &mut Tx, scope: Scope, id: ModelId) -> Result<Option<String>, DbError> {
    text(tx, scope, id, "report").await
}

/// The stored form of a version; `None` without one.
///
/// # Errors
/// As the database says.
pub async fn model(tx: &mut Tx, scope: Scope, id: ModelId) -> Result<Option<String>, DbError> {
    text(tx, scope, id, "model").await
}

async fn text(
    tx: &mut Tx,
    scope: Scope,
    id: ModelId,
    column: &'static str,
) -> Result<Option<String>, DbError> {
    let sql = format!("SELECT {column} FROM insight_models WHERE org_id = $1 AND id = $2");
    let row: Option<(Option<String>,)> =
        tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id.uuid()]).await?;
    Ok(row.and_then(|(text,)| text))
}

/// A new version that waits to be trained.
///
/// # Errors
/// `Busy` if one waits already.
pub async fn ask(tx: &mut Tx, cx: &Ctx, horizon_days: i64) -> Result<ModelId, ModelStoreError> {
    tx.execute(
        "UPDATE insight_models SET state = 'failed', failure = 'its training never ended'
         WHERE org_id = $1 AND state = 'waiting' AND asked_at < $2",
        args![cx.scope.org_arg(), cx.now().plus_millis(-FORGOTTEN_MILLIS)],
    )
    .await?;
    let id = cx.fresh::<ModelId>();
    tx.execute(
        "INSERT INTO insight_models (org_id, id, version, state, horizon_days, asked_at, trained_by)
         SELECT CAST($1 AS BIGINT), $2, COALESCE(MAX(version), 0) + 1, 'waiting', $3, $4, $5
           FROM insight_models WHERE org_id = $1",
        args![
            cx.scope.org_arg(),
            id.uuid(),
            horizon_days,
            cx.now(),
            cx.scope.user_id().map(TypedId::uuid)
        ],
    )
    .await
    .map_err(|error| match error {
        DbError::Duplicate { .. } => ModelStoreError::Busy,
        error => error.into(),
    })?;
    let entry =
        Entry::new("insight.model.train").on("model", id).with("horizon_days", horizon_days);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

/// Keeps what training gave, if the version still waits; says whether it did. Trained versions beyond
/// [`VERSIONS_MAX`] go.
///
/// # Errors
/// As the database says.
pub async fn put(
    tx: &mut Tx,
    cx: &Ctx,
    id: ModelId,
    trained: &TrainedModel,
) -> Result<bool, DbError> {
    let put = tx
        .execute(
            "UPDATE insight_models SET state = 'old', kind = $3, trained_at = $4, moments = $5,
                 fingerprint = $6, figures = $7, report = $8, model = $9, drift = $10
             WHERE org_id = $1 AND id = $2 AND state = 'waiting'",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                trained.kind.as_str(),
                cx.now(),
                trained.moments.as_str(),
                trained.fingerprint.as_str(),
                trained.figures.as_str(),
                trained.report.as_str(),
                trained.model.as_str(),
                trained.drift.as_str()
            ],
        )
        .await?;
    prune(tx, cx.scope, "old", VERSIONS_MAX).await?;
    Ok(put == 1)
}

/// Deletes the versions of a state but for the newest `kept`.
async fn prune(tx: &mut Tx, scope: Scope, state: &str, kept: i64) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM insight_models WHERE org_id = $1 AND state = $2 AND version < (
             SELECT MIN(version) FROM (
                 SELECT version FROM insight_models WHERE org_id = $1 AND state = $2
                  ORDER BY version DESC LIMIT $3) AS newest)",
        args![scope.org_arg(), state, kept],
    )
    .await
    .map(drop)
}

/// Notes that nothing came out of a version that waits. Failed versions beyond [`FAILED_MAX`] go.
///
/// # Errors
/// As the database says.
pub async fn fail(tx: &mut Tx, scope: Scope, id: ModelId, why: &str) -> Result<(), DbError> {
    tx.execute(
        "UPDATE insight_models SET state = 'failed', failure = $3
         WHERE org_id = $1 AND id = $2 AND state = 'waiting'",
        args![scope.org_arg(), id.uuid(), why],
    )
    .await?;
    prune(tx, scope, "failed", FAILED_MAX).await
}

/// Shows the scores of this version from now on.
///
/// # Errors
/// `Unknown`; `NotTrained` if it waits or failed.
pub async fn activate(tx: &mut Tx, cx: &Ctx, id: ModelId) -> Result<(), ModelStoreError> {
    let head = get(tx, cx.scope, id).await?.ok_or(ModelStoreError::Unknown(id))?;
    match head.state {
        ModelState::Active => return Ok(()),
        ModelState::Old => {}
        ModelState::Waiting | ModelState::Failed => return Err(ModelStoreError::NotTrained),
    }
    tx.execute(
        "UPDATE insight_models SET state = 'old' WHERE org_id = $1 AND state = 'active'",
        args![cx.scope.org_arg()],
    )
    .await?;
    tx.execute(
        "UPDATE insight_models SET state = 'active' WHERE org_id = $1 AND id = $2 AND state = 'old'",
        args![cx.scope.org_arg(), id.uuid()],
    )
    .await?;
    let entry = Entry::new("insight.model.activate").on("model", id).with("version", head.version);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Notes how customers moved since a version was trained.
///
/// # Errors
/// As the database says.
pub async fn note_drift(
    tx: &mut Tx,
    scope: Scope,
    id: ModelId,
    drift: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE insight_models SET drift = $3 WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), id.uuid(), drift],
    )
    .await
    .map(drop)
}

//! Codes by the million: made by a job that can be killed, and told once more when they are exported.

use kernel::{CouponBatchId, CouponDefinitionId, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CouponError, State, code, definition};
use crate::rules::OfferState;

/// Codes of one batch.
pub const SIZE_MAX: u32 = 1_000_000;
/// Batches of one definition.
pub const BATCHES_MAX: i64 = 200;
/// Codes made in one transaction.
pub const STEP: i64 = 10_000;
/// The kind of the job that makes them.
pub const MAKE: &str = "loyalty.make_codes";

/// Codes that are made at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CouponBatch)]
pub struct Batch {
    /// Its id.
    pub id: CouponBatchId,
    /// Of which definition.
    pub definition: CouponDefinitionId,
    /// Codes it shall have.
    pub size: i64,
    /// Codes it has.
    pub made: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// What the job is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub batch: CouponBatchId,
}

/// Asks for a batch of `size` codes, which a job makes.
///
/// # Errors
/// `NoDefinition`, `WrongState` for one that has ended, `TooMany`, `Fields`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    definition: CouponDefinitionId,
    size: u32,
) -> Result<CouponBatchId, CouponError> {
    if !(1..=SIZE_MAX).contains(&size) {
        let mut errors = kernel::FieldErrors::default();
        errors.push("size", format!("must be 1 to {SIZE_MAX}"));
        return Err(errors.into());
    }
    let found = definition::get(tx, cx.scope, definition).await?;
    let found = found.ok_or(CouponError::NoDefinition)?;
    if found.state == OfferState::Ended {
        return Err(CouponError::WrongState(found.state.name()));
    }
    let id: CouponBatchId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_coupon_batches
                 (org_id, id, definition_id, size, made, created_by, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, 0, $5, $6
              WHERE (SELECT COUNT(*) FROM loyalty_coupon_batches
                      WHERE org_id = $1 AND definition_id = $3) < $7",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                definition.uuid(),
                size,
                cx.scope.user_id(),
                cx.now(),
                BATCHES_MAX
            ],
        )
        .await?;
    if made != 1 {
        return Err(CouponError::TooMany(BATCHES_MAX));
    }
    jobs::enqueue(tx, cx, MAKE, &Payload { batch: id }, JobOptions::default()).await?;
    let entry = Entry::new("loyalty.coupon.batch")
        .on("coupon", definition)
        .with("batch", id)
        .with("size", size);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    definition_id: Uuid,
    size: i64,
    made: i64,
    created_at: i64,
}

impl From<Row> for Batch {
    fn from(row: Row) -> Self {
        Self {
            id: CouponBatchId::from_uuid(row.id),
            definition: CouponDefinitionId::from_uuid(row.definition_id),
            size: row.size,
            made: row.made,
            created_at: Timestamp::from_millis(row.created_at),
        }
    }
}

/// The batch of an id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: CouponBatchId) -> Result<Option<Batch>, DbError> {
    let row: Option<Row> = tx
        .fetch_optional(
            "SELECT id, definition_id, size, made, created_at FROM loyalty_coupon_batches
              WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id.uuid()],
        )
        .await?;
    Ok(row.map(Batch::from))
}

/// The batches of a definition, the newest first.
///
/// # Errors
/// As the database says.
pub async fn of_definition(
    tx: &mut Tx,
    scope: Scope,
    definition: CouponDefinitionId,
) -> Result<Vec<Batch>, DbError> {
    let rows: Vec<Row> = tx
        .fetch_all(
            "SELECT id, definition_id, size, made, created_at FROM loyalty_coupon_batches
              WHERE org_id = $1 AND definition_id = $2 ORDER BY id DESC LIMIT 200",
            args![scope.org_arg(), definition.uuid()],
        )
        .await?;
    Ok(rows.into_iter().map(Batch::from).collect())
}

const COLUMNS: [&str; 9] = [
    "org_id",
    "id",
    "definition_id",
    "batch_id",
    "number",
    "digest",
    "origin",
    "state",
    "returned",
];

/// Makes up to `limit` more codes of a batch; gives how many are left to make. Two that do it at once make none
/// twice.
///
/// # Errors
/// `NoBatch`.
pub async fn make_more(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponBatchId,
    limit: i64,
) -> Result<i64, CouponError> {
    let batch = get(tx, cx.scope, id).await?.ok_or(CouponError::NoBatch)?;
    let count = (batch.size - batch.made).min(limit).max(0);
    if count == 0 {
        return Ok(0);
    }
    let taken = tx
        .execute(
            "UPDATE loyalty_coupon_batches SET made = made + $3
              WHERE org_id = $1 AND id = $2 AND made = $4",
            args![cx.scope.org_arg(), id.uuid(), count, batch.made],
        )
        .await?;
    if taken == 0 {
        // Another one is at it, and has made others since.
        return Ok(batch.size - batch.made);
    }
    let keys = cx.keys();
    let (org, now) = (cx.scope.org_arg(), cx.now());
    let rows = (batch.made..batch.made + count).map(|number| {
        let made = code::make(&keys, id, number.unsigned_abs());
        [
            org.into(),
            cx.ids.fresh::<kernel::CouponId>(now).uuid().into(),
            batch.definition.uuid().into(),
            id.uuid().into(),
            number.into(),
            code::digest(&keys, &made).into(),
            "code".into(),
            State::Issued.name().into(),
            0_i64.into(),
        ]
    });
    tx.bulk_insert_each("loyalty_coupons", &COLUMNS, rows).await?;
    Ok(batch.size - batch.made - count)
}

/// The codes of a batch, in the clear: made again one by one as they are asked for, so that memory does not grow
/// with their number. That somebody took them is recorded first; its right is one of its own.
///
/// # Errors
/// `NoBatch`; `WrongState` while the job still makes them.
pub async fn export(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponBatchId,
) -> Result<impl Iterator<Item = String> + Send + use<>, CouponError> {
    let batch = get(tx, cx.scope, id).await?.ok_or(CouponError::NoBatch)?;
    if batch.made < batch.size {
        return Err(CouponError::WrongState("not complete yet"));
    }
    let entry = Entry::new("loyalty.codes.export")
        .on("coupon", batch.definition)
        .with("batch", id)
        .with("codes", batch.size);
    audit::record(tx, cx, entry).await?;
    Ok(codes(cx.keys(), id, batch.made))
}

fn codes(keys: OrgKeys, id: CouponBatchId, made: i64) -> impl Iterator<Item = String> + Send {
    (0..made.unsigned_abs()).map(move |number| code::grouped(&code::make(&keys, id, number)))
}

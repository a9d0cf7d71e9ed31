//! Entries and heads as they are stored.

use kernel::{OrgId, Timestamp};
use uuid::Uuid;

use crate::{DbError, Scope, Tx, args};

/// Version of the bytes that are authenticated, and of the key.
pub(super) const VERSION: i64 = 1;

/// A statement that reads [`Row`]s of the organisation `$1`, ended by `$rest`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.org_id, a.id, a.version, a.at, a.actor, a.token, a.action, a.record_kind,
                 a.record_id, a.before_json, a.after_json, a.sealed_digest, a.peer, a.request_id, a.mac,
                 a.position, a.hash, s.sealed
             FROM platform_audit AS a
             LEFT JOIN platform_audit_sealed AS s ON s.org_id = a.org_id AND s.id = a.id
             WHERE a.org_id = $1 ",
            $rest
        )
    };
}
pub(super) use select;

/// An entry, with its personal part where that is still there.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct Row {
    pub org_id: i64,
    pub id: Uuid,
    pub version: i64,
    pub at: i64,
    pub actor: Option<Uuid>,
    pub token: Option<Uuid>,
    pub action: String,
    pub record_kind: Option<String>,
    pub record_id: Option<String>,
    pub before_json: Option<String>,
    pub after_json: Option<String>,
    pub sealed_digest: Option<Vec<u8>>,
    pub peer: Option<String>,
    pub request_id: Option<String>,
    pub mac: Vec<u8>,
    pub position: Option<i64>,
    pub hash: Option<Vec<u8>>,
    pub sealed: Option<Vec<u8>>,
}

impl Row {
    pub(super) const fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }
}

/// Inserts an entry, with its place if it has one; says whether that place was free. The personal part
/// is kept beside it.
pub(super) async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, DbError> {
    let inserted = tx
        .execute(
            "INSERT INTO platform_audit (org_id, id, version, at, actor, token, action, record_kind,
                 record_id, before_json, after_json, sealed_digest, peer, request_id, mac, position, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
             ON CONFLICT (org_id, position) DO NOTHING",
            args![
                row.org_id,
                row.id,
                row.version,
                row.at,
                row.actor,
                row.token,
                row.action.as_str(),
                row.record_kind.clone(),
                row.record_id.clone(),
                row.before_json.clone(),
                row.after_json.clone(),
                row.sealed_digest.clone(),
                row.peer.clone(),
                row.request_id.clone(),
                row.mac.as_slice(),
                row.position,
                row.hash.clone()
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(false);
    }
    if let Some(sealed) = &row.sealed {
        tx.execute(
            "INSERT INTO platform_audit_sealed (org_id, id, sealed) VALUES ($1, $2, $3)",
            args![row.org_id, row.id, sealed.as_slice()],
        )
        .await?;
    }
    Ok(true)
}

/// Gives every entry of an organisation to `take`: the chain in its order, then those that wait for their
/// place.
pub(super) async fn each(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(Row) + Send,
) -> Result<(), DbError> {
    for sql in [
        select!("AND a.position IS NOT NULL ORDER BY a.position"),
        select!("AND a.position IS NULL ORDER BY a.at, a.id"),
    ] {
        tx.for_each(sql, args![scope.org_arg()], &mut take).await?;
    }
    Ok(())
}

/// The end of a chain as it is stored.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct HeadRow {
    pub org_id: i64,
    pub count: i64,
    pub hash: Vec<u8>,
    pub mac: Vec<u8>,
}

/// The head of `org`; `None` before its first entry.
pub(super) async fn head(tx: &mut Tx, org: OrgId) -> Result<Option<HeadRow>, DbError> {
    tx.fetch_optional(
        "SELECT org_id, count, hash, mac FROM platform_audit_heads WHERE org_id = $1",
        args![org_arg(org)],
    )
    .await
}

/// The heads of all organisations.
pub(super) async fn heads(tx: &mut Tx) -> Result<Vec<HeadRow>, DbError> {
    tx.fetch_all("SELECT org_id, count, hash, mac FROM platform_audit_heads", vec![]).await
}

/// The head of a chain that goes on, held until the transaction ends. `first` is stored where there is
/// none, so that of two who begin a chain at once one waits.
pub(super) async fn hold_head(tx: &mut Tx, first: HeadRow) -> Result<HeadRow, DbError> {
    let org = first.org_id;
    tx.execute(
        "INSERT INTO platform_audit_heads (org_id, count, hash, mac) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id) DO NOTHING",
        args![org, first.count, first.hash, first.mac],
    )
    .await?;
    let sql = if tx.is_postgres() {
        "SELECT org_id, count, hash, mac FROM platform_audit_heads WHERE org_id = $1 FOR UPDATE"
    } else {
        "SELECT org_id, count, hash, mac FROM platform_audit_heads WHERE org_id = $1"
    };
    tx.fetch_one(sql, args![org]).await
}

pub(super) async fn move_head(tx: &mut Tx, head: HeadRow) -> Result<(), DbError> {
    tx.execute(
        "UPDATE platform_audit_heads SET count = $2, hash = $3, mac = $4 WHERE org_id = $1",
        args![head.org_id, head.count, head.hash, head.mac],
    )
    .await
    .map(drop)
}

/// Organisations with entries that have no place yet.
pub(super) async fn orgs_with_pending(tx: &mut Tx) -> Result<Vec<OrgId>, DbError> {
    let rows: Vec<(i64,)> = tx
        .fetch_all("SELECT DISTINCT org_id FROM platform_audit WHERE position IS NULL", vec![])
        .await?;
    Ok(rows.into_iter().map(|(org,)| OrgId::new(org as i32)).collect())
}

pub(super) fn org_arg(org: OrgId) -> i64 {
    i64::from(org.get())
}

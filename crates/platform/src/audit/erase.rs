//! Takes the personal part away from the entries of a record.

use kernel::{AuditId, Timestamp, TypedId as _};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::entry::Entry;
use super::personal::fields;
use super::record::record;
use crate::{Ctx, DbError, Tx, args};

/// The action of the entries that say what was erased.
pub const ERASE: &str = "platform.audit.erase";

/// The field of such an entry that names the erased ones.
pub(super) const ERASED: &str = "entries";

/// Entries that one such entry names.
const NAMED_MAX: usize = 1_000;

/// Erases what is personal in all entries on the record `id` of `kind`; gives how many had something. What
/// was done, when and by whom stays, and so does the chain. The erasure is recorded itself, and names the
/// entries, by which [`super::verify`] tells it from a removal.
///
/// # Errors
/// As the database says.
pub async fn erase(tx: &mut Tx, cx: &Ctx, kind: &'static str, id: &str) -> Result<usize, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT a.id FROM platform_audit AS a
             JOIN platform_audit_sealed AS s ON s.org_id = a.org_id AND s.id = a.id
             WHERE a.org_id = $1 AND a.record_id = $2 AND a.record_kind = $3 ORDER BY a.at, a.id",
            args![cx.scope.org_arg(), id, kind],
        )
        .await?;
    let ids: Vec<Uuid> = rows.into_iter().map(|(id,)| id).collect();
    erase_named(tx, cx, Some((kind, id)), &ids).await?;
    Ok(ids.len())
}

/// Takes the personal parts of the entries `ids` away, which are on one record (`on`) or on several, and says so.
async fn erase_named(
    tx: &mut Tx,
    cx: &Ctx,
    on: Option<(&'static str, &str)>,
    ids: &[Uuid],
) -> Result<(), DbError> {
    for chunk in ids.chunks(NAMED_MAX) {
        for entry in chunk {
            tx.execute(
                "DELETE FROM platform_audit_sealed WHERE org_id = $1 AND id = $2",
                args![cx.scope.org_arg(), *entry],
            )
            .await?;
        }
        let named: Vec<AuditId> = chunk.iter().map(|id| AuditId::from_uuid(*id)).collect();
        let mut entry = Entry::new(ERASE).with(ERASED, named);
        if let Some((kind, id)) = on {
            entry = entry.on(kind, id);
        }
        record(tx, cx, entry).await?;
    }
    Ok(())
}

/// As [`erase`], of those entries of `action` alone of which `is_meant` says so, given the fields of what was
/// asked for that are not personal.
///
/// # Errors
/// As the database says.
pub async fn erase_those(
    tx: &mut Tx,
    cx: &Ctx,
    (kind, id): (&'static str, &str),
    action: &'static str,
    is_meant: impl Fn(&Map<String, Value>) -> bool + Send,
) -> Result<usize, DbError> {
    let rows: Vec<(Uuid, Option<String>)> = tx
        .fetch_all(
            "SELECT a.id, a.after_json FROM platform_audit AS a
             JOIN platform_audit_sealed AS s ON s.org_id = a.org_id AND s.id = a.id
             WHERE a.org_id = $1 AND a.record_id = $2 AND a.record_kind = $3 AND a.action = $4
             ORDER BY a.at, a.id",
            args![cx.scope.org_arg(), id, kind, action],
        )
        .await?;
    let meant = rows.into_iter().filter(|(_, after)| is_meant(&fields(after.as_deref())));
    let ids: Vec<Uuid> = meant.map(|(id, _)| id).collect();
    erase_named(tx, cx, Some((kind, id)), &ids).await?;
    Ok(ids.len())
}

/// As [`erase`], of the entries of `action` that were made until `cutoff`, on whatever record; at most a
/// thousand. None are left when it gives 0.
///
/// # Errors
/// As the database says.
pub async fn erase_until(
    tx: &mut Tx,
    cx: &Ctx,
    action: &'static str,
    cutoff: Timestamp,
) -> Result<usize, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT a.id FROM platform_audit AS a
             JOIN platform_audit_sealed AS s ON s.org_id = a.org_id AND s.id = a.id
             WHERE a.org_id = $1 AND a.action = $2 AND a.at <= $3 ORDER BY a.at, a.id LIMIT $4",
            args![cx.scope.org_arg(), action, cutoff, NAMED_MAX as i64],
        )
        .await?;
    let ids: Vec<Uuid> = rows.into_iter().map(|(id,)| id).collect();
    erase_named(tx, cx, None, &ids).await?;
    Ok(ids.len())
}

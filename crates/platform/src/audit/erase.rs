//! Takes the personal part away from the entries of a record.

use kernel::{AuditId, TypedId as _};
use uuid::Uuid;

use super::entry::Entry;
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
    for chunk in rows.chunks(NAMED_MAX) {
        for (entry,) in chunk {
            tx.execute(
                "DELETE FROM platform_audit_sealed WHERE org_id = $1 AND id = $2",
                args![cx.scope.org_arg(), *entry],
            )
            .await?;
        }
        let named: Vec<AuditId> = chunk.iter().map(|(id,)| AuditId::from_uuid(*id)).collect();
        record(tx, cx, Entry::new(ERASE).on(kind, id).with(ERASED, named)).await?;
    }
    Ok(rows.len())
}

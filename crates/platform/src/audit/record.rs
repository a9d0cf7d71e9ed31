//! Writes an entry.

use kernel::{AuditId, TypedId as _};

use super::authenticity::{Head, entry_mac};
use super::entry::{self, Entry};
use super::store::{self, Row, VERSION};
use super::{chain, personal};
use crate::{Ctx, DbError, Tx};

/// Records `entry` as part of `tx`: it is there if, and only if, `tx` commits. Call it once for each
/// deed, bulk work included, in the use case and not in the handler, so that no other way to the same
/// deed leaves no trace.
///
/// On SQLite, where one transaction writes at a time, the entry takes its place in the chain at once.
/// On PostgreSQL that would have all writers of an organisation wait for one another; [`chain`] gives
/// the places afterwards.
///
/// # Errors
/// As the database says.
pub async fn record(tx: &mut Tx, cx: &Ctx, entry: Entry) -> Result<AuditId, DbError> {
    let keys = cx.keys();
    let id: AuditId = cx.fresh();
    let part = personal::seal(&keys, &*cx.ids, &entry.personal);
    let (record_kind, record_id) = entry.record.unzip();
    let mut row = Row {
        org_id: cx.scope.org_arg(),
        id: id.uuid(),
        version: VERSION,
        at: cx.now().millis(),
        actor: cx.scope.user_id().map(|user| user.uuid()),
        token: cx.origin.token.map(|token| token.uuid()),
        action: entry.action.to_owned(),
        record_kind: record_kind.map(str::to_owned),
        record_id,
        before_json: entry::text(&entry.open.before),
        after_json: entry::text(&entry.open.after),
        sealed_digest: part.as_ref().map(|part| part.digest.to_vec()),
        peer: cx.origin.peer.map(|peer| peer.to_canonical().to_string()),
        request_id: cx.origin.request.as_deref().map(str::to_owned),
        mac: Vec::new(),
        position: None,
        hash: None,
        sealed: part.map(|part| part.sealed),
    };
    row.mac = entry_mac(&keys, &row).to_vec();
    if !tx.is_postgres() && place(tx, cx, &mut row).await? {
        return Ok(id);
    }
    (row.position, row.hash) = (None, None);
    store::insert(tx, &row).await?;
    Ok(id)
}

/// Inserts `row` at the end of the chain. Gives `false`, with nothing inserted, if the chain cannot go
/// on because somebody changed its end: the deed is done all the same, and [`super::verify`] tells.
async fn place(tx: &mut Tx, cx: &Ctx, row: &mut Row) -> Result<bool, DbError> {
    let (keys, org) = (cx.keys(), cx.scope.org());
    let held = store::hold_head(tx, Head::EMPTY.row(&keys, org)).await?;
    let Some(head) = Head::open(&keys, &held) else {
        chain::warn_of_head(org);
        return Ok(false);
    };
    let next = head.next(&keys, row);
    (row.position, row.hash) = (Some(next.count), Some(next.hash.to_vec()));
    if !store::insert(tx, row).await? {
        chain::warn_of_head(org);
        return Ok(false);
    }
    store::move_head(tx, next.row(&keys, org)).await?;
    Ok(true)
}

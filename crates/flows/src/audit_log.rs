//! The audit log as people read it: with names beside ids, and masked where it is personal.

use customers::mask::mask_text;
use kernel::{AuditId, Cursor, Limit, Page, Person, Timestamp, TokenId, UserId};
use platform::audit::{self, AuditEntry, AuditFilter, Entry, Place, RecordRef};
use platform::{Ctx, DbError, ListError, Platform};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::people::People;

/// Entries read at once for a file.
const PAGE: u32 = 200;

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditEntryView {
    /// Its id.
    pub id: AuditId,
    /// Its place in the chain, from 1; null for the moment until it has one.
    pub position: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// Who; null for the program itself and the command line.
    pub actor: Option<UserId>,
    /// Name and e-mail address of that user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_person: Option<Person>,
    /// The API token by which they did it; null for a session.
    pub token: Option<TokenId>,
    /// What: `customers.note.delete`. New ones come with new releases.
    pub action: String,
    /// To what.
    pub record: Option<RecordRef>,
    /// Fields of what is no longer so; phone numbers and e-mail addresses are masked.
    #[schema(value_type = Object)]
    pub before: Map<String, Value>,
    /// Fields of what is so now, or of what was asked for.
    #[schema(value_type = Object)]
    pub after: Map<String, Value>,
    /// Whether there were personal fields that were erased.
    pub erased: bool,
    /// The address of the peer.
    pub peer: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
}

/// `value` with every text in it masked.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask_text(&text)),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, masked(value))).collect()
        }
        other => other,
    }
}

fn side(mut open: Map<String, Value>, personal: Map<String, Value>) -> Map<String, Value> {
    open.extend(personal.into_iter().map(|(name, value)| (name, masked(value))));
    open
}

impl AuditEntryView {
    fn of(entry: AuditEntry, people: &People) -> Self {
        Self {
            id: entry.id,
            position: entry.position,
            at: entry.at,
            actor: entry.actor,
            actor_person: people.get(entry.actor),
            token: entry.token,
            action: entry.action,
            record: entry.record,
            before: side(entry.before, entry.personal_before),
            after: side(entry.after, entry.personal_after),
            erased: entry.is_erased,
            peer: entry.peer,
            request_id: entry.request_id,
        }
    }
}

/// A page of the log, the latest first.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn audit_log(
    platform: &Platform,
    cx: &Ctx,
    filter: &AuditFilter,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<AuditEntryView>, ListError> {
    let after = after.map(Cursor::decode::<Place>).transpose()?;
    let (items, next) = page(platform, cx, filter, after, limit).await?;
    Ok(Page { items, next: next.as_ref().map(Cursor::encode) })
}

async fn page(
    platform: &Platform,
    cx: &Ctx,
    filter: &AuditFilter,
    after: Option<Place>,
    limit: Limit,
) -> Result<(Vec<AuditEntryView>, Option<Place>), DbError> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let (entries, next) = audit::list(&mut tx, cx.scope, &keys, filter, after, limit).await?;
    let actors = entries.iter().map(|entry| entry.actor);
    let people = People::look_up(&mut tx, cx, &keys, actors).await?;
    tx.rollback().await?;
    Ok((entries.into_iter().map(|entry| AuditEntryView::of(entry, &people)).collect(), next))
}

/// Records that the log is taken away as a file, before any of it is.
///
/// # Errors
/// As the database says; then nothing may be given out.
pub async fn record_export(
    platform: &Platform,
    cx: &Ctx,
    filter: &AuditFilter,
) -> Result<(), DbError> {
    let mut entry = Entry::new(audit::EXPORT);
    if let Some(actor) = filter.actor {
        entry = entry.with("actor", actor);
    }
    for (name, text) in [("action", &filter.action), ("record", &filter.record)] {
        if let Some(text) = text {
            entry = entry.with(name, text);
        }
    }
    for (name, time) in [("from", filter.from), ("to", filter.to)] {
        if let Some(time) = time {
            entry = entry.with(name, time);
        }
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await
}

/// Sends the entries that pass the filter to `out`, the latest first, one line of JSON each, as many at
/// once as a page has. Ends early when nobody takes them any more.
///
/// # Errors
/// As the database says.
pub async fn send_lines(
    platform: &Platform,
    cx: &Ctx,
    filter: &AuditFilter,
    out: &mpsc::Sender<Vec<u8>>,
) -> Result<(), DbError> {
    let limit = Limit::new(Some(PAGE)).map_err(DbError::Refused)?;
    let mut after = None;
    loop {
        let (entries, next) = page(platform, cx, filter, after, limit).await?;
        let mut piece = Vec::new();
        for entry in &entries {
            // Texts, numbers and maps of them: this cannot fail.
            piece.extend(serde_json::to_vec(entry).unwrap_or_default());
            piece.push(b'\n');
        }
        if out.send(piece).await.is_err() || next.is_none() {
            return Ok(());
        }
        after = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_text_is_masked_however_deep() {
        let value = json!({"q": "13912345678", "more": ["a@example.com", {"n": 3, "t": "张三"}]});
        assert_eq!(
            masked(value),
            json!({"q": "139****5678", "more": ["a***@example.com", {"n": 3, "t": "张三"}]})
        );
    }
}

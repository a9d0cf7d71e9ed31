//! The whole log of an organisation, as it is stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{AuditId, Timestamp, TokenId, TypedId as _, UserId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::authenticity::hex;
use super::personal;
use super::store::{self, Row};
use crate::{DbError, Scope, Tx};

/// The action that says that the log was taken away as a file.
pub const EXPORT: &str = "platform.audit.export";

/// One line: an entry. The personal part stays sealed, so that the file gives nobody away.
#[derive(Serialize)]
struct Line {
    position: Option<i64>,
    id: AuditId,
    version: i64,
    at: Timestamp,
    actor: Option<UserId>,
    token: Option<TokenId>,
    action: String,
    record_kind: Option<String>,
    record_id: Option<String>,
    before: Map<String, Value>,
    after: Map<String, Value>,
    sealed: Option<String>,
    sealed_digest: Option<String>,
    peer: Option<String>,
    request_id: Option<String>,
    mac: String,
    hash: Option<String>,
}

impl From<Row> for Line {
    fn from(row: Row) -> Self {
        Self {
            at: row.at(),
            position: row.position,
            id: AuditId::from_uuid(row.id),
            version: row.version,
            actor: row.actor.map(UserId::from_uuid),
            token: row.token.map(TokenId::from_uuid),
            action: row.action,
            record_kind: row.record_kind,
            record_id: row.record_id,
            before: personal::fields(row.before_json.as_deref()),
            after: personal::fields(row.after_json.as_deref()),
            sealed: row.sealed.map(|sealed| STANDARD.encode(sealed)),
            sealed_digest: row.sealed_digest.as_deref().map(hex),
            peer: row.peer,
            request_id: row.request_id,
            mac: hex(&row.mac),
            hash: row.hash.as_deref().map(hex),
        }
    }
}

/// The last line: the head.
#[derive(Serialize)]
struct Last {
    count: i64,
    head: String,
    mac: String,
}

/// Gives every entry as a line of JSON to `take`, those that wait for their place last, and then the
/// head; gives the number of entries.
///
/// # Errors
/// As the database says.
pub async fn export(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(&str) + Send,
) -> Result<u64, DbError> {
    let mut count = 0;
    store::each(tx, scope, |row| {
        count += 1;
        take(&serde_json::to_string(&Line::from(row)).unwrap_or_default());
    })
    .await?;
    if let Some(head) = store::head(tx, scope.org()).await? {
        let last = Last { count: head.count, head: hex(&head.hash), mac: hex(&head.mac) };
        take(&serde_json::to_string(&last).unwrap_or_default());
    }
    Ok(count)
}

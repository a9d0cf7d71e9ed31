//! Reading the log.

use kernel::{AuditId, Limit, Timestamp, TokenId, TypedId as _, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::personal;
use super::store::{Row, select};
use crate::crypto::OrgKeys;
use crate::{Arg, DbError, Scope, Tx, args};

/// Which entries are wanted; all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Done by this user, or by a token of theirs.
    pub actor: Option<UserId>,
    /// The beginning of the action: `customers.`, `identity.sign_in`.
    pub action: Option<String>,
    /// Done to the record with this id, as text.
    pub record: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// A place in the list: time and id of the last entry shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(Timestamp, AuditId);

/// A record that an entry is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RecordRef {
    /// What it is: `customer`, `import`, `user` …
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// Its place in the chain, from 1; `None` for the moment until it has one.
    pub position: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// Who; `None` for the program itself.
    pub actor: Option<UserId>,
    /// The API token by which they did it, if it was not a session.
    pub token: Option<TokenId>,
    /// What.
    pub action: String,
    /// To what.
    pub record: Option<RecordRef>,
    /// Fields of what is no longer so.
    pub before: Map<String, Value>,
    /// Fields of what is so now.
    pub after: Map<String, Value>,
    /// Personal fields before.
    pub personal_before: Map<String, Value>,
    /// Personal fields after.
    pub personal_after: Map<String, Value>,
    /// Whether there were personal fields that were erased.
    pub is_erased: bool,
    /// The address of the peer.
    pub peer: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
}

impl AuditEntry {
    /// Where the list goes on behind this one.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place(self.at, self.id)
    }

    fn open(row: Row, keys: &OrgKeys) -> Result<Self, DbError> {
        let at = row.at();
        let personal = row.sealed.as_deref().map(|sealed| personal::open(keys, sealed));
        let personal = personal.transpose()?.unwrap_or_default();
        Ok(Self {
            id: AuditId::from_uuid(row.id),
            position: row.position,
            at,
            actor: row.actor.map(UserId::from_uuid),
            token: row.token.map(TokenId::from_uuid),
            action: row.action,
            record: row.record_kind.zip(row.record_id).map(|(kind, id)| RecordRef { kind, id }),
            before: personal::fields(row.before_json.as_deref()),
            after: personal::fields(row.after_json.as_deref()),
            personal_before: personal.before,
            personal_after: personal.after,
            is_erased: row.sealed_digest.is_some() && row.sealed.is_none(),
            peer: row.peer,
            request_id: row.request_id,
        })
    }
}

/// The ids under `field` of a stored text.
pub(super) fn ids_in(text: Option<&str>, field: &str) -> Vec<Uuid> {
    let ids = personal::fields(text).remove(field);
    let ids: Vec<AuditId> =
        ids.and_then(|ids| serde_json::from_value(ids).ok()).unwrap_or_default();
    ids.into_iter().map(AuditId::uuid).collect()
}

/// A page of entries, the latest first, and where the next begins.
///
/// # Errors
/// As the database says.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    filter: &AuditFilter,
    after: Option<Place>,
    limit: Limit,
) -> Result<(Vec<AuditEntry>, Option<Place>), DbError> {
    let last = Place(Timestamp::from_millis(i64::MAX), AuditId::from_uuid(Uuid::max()));
    let Place(at, id) = after.unwrap_or(last);
    let mut arguments = args![scope.org_arg(), at, id, limit.get() as i64 + 1];
    let mut conditions = String::new();
    let mut and = |condition: &str, argument: Arg| {
        arguments.push(argument);
        conditions.push_str(&format!(" AND {condition} ${}", arguments.len()));
    };
    if let Some(actor) = filter.actor {
        and("a.actor =", actor.into());
    }
    if let Some(prefix) = &filter.action {
        and("a.action >=", prefix.into());
        // Behind everything that begins so: no action has a character as high.
        and("a.action <", format!("{prefix}\u{7f}").into());
    }
    if let Some(record) = &filter.record {
        and("a.record_id =", record.into());
    }
    if let Some(from) = filter.from {
        and("a.at >=", from.into());
    }
    if let Some(to) = filter.to {
        and("a.at <", to.into());
    }
    let sql = format!(
        "{}{conditions} ORDER BY a.at DESC, a.id DESC LIMIT $4",
        select!("AND (a.at, a.id) < ($2, $3)")
    );
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let has_more = rows.len() > limit.get();
    let shown = rows.into_iter().take(limit.get());
    let entries: Vec<AuditEntry> =
        shown.map(|row| AuditEntry::open(row, keys)).collect::<Result<_, _>>()?;
    let next = entries.last().filter(|_| has_more).map(AuditEntry::place);
    Ok((entries, next))
}

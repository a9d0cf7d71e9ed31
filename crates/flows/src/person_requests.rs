//! What people ask of us about their data, with the names of those concerned and the deeds that answer it.

use customers::mask::mask_text;
use customers::names;
use customers::person_requests::{
    self, Deed, PersonRequest, RequestError, RequestFilter, RequestKind, RequestState,
};
use kernel::{
    Cursor, CustomerId, Limit, Page, Person, PersonRequestId, Timestamp, TypedId as _, UserId,
};
use platform::audit::{self, AuditFilter};
use platform::{Ctx, DbError, ListError, Platform, Tx};
use serde::Serialize;
use uuid::Uuid;

use crate::people::People;

/// A request, as pages show it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PersonRequestView {
    /// Its id.
    pub id: PersonRequestId,
    /// Who asks.
    pub customer: CustomerId,
    /// What they are called; empty once they are erased.
    pub customer_name: String,
    /// What they ask for.
    pub kind: RequestKind,
    /// How far it is.
    pub state: RequestState,
    /// When it was received.
    pub received_at: Timestamp,
    /// By when it is due.
    pub due_at: Timestamp,
    /// Whether it is open and late.
    pub overdue: bool,
    /// Who handles it.
    pub handler: Option<UserId>,
    /// Name and e-mail address of that user.
    pub handler_person: Option<Person>,
    /// What they wrote, with numbers and addresses masked.
    pub text: Option<String>,
    /// What was answered.
    pub answer: Option<String>,
    /// What was done, from the audit log.
    pub deed: Option<Deed>,
    /// Who finished it.
    pub finished_by: Option<UserId>,
    /// Name and e-mail address of that user.
    pub finished_by_person: Option<Person>,
    /// When.
    pub finished_at: Option<Timestamp>,
}

async fn views(
    tx: &mut Tx,
    cx: &Ctx,
    found: Vec<PersonRequest>,
) -> Result<Vec<PersonRequestView>, DbError> {
    let ids: Vec<Uuid> = found.iter().map(|one| one.customer.uuid()).collect();
    let called = names::shown(tx, cx, &ids).await?;
    let users = found.iter().flat_map(|one| [one.handler, one.finished_by]);
    let people = People::look_up(tx, cx, &cx.keys(), users.collect::<Vec<_>>()).await?;
    let view = |one: PersonRequest| {
        let name = called.get(&one.customer.uuid()).map_or("", |(_, name)| name.as_str());
        PersonRequestView {
            id: one.id,
            customer: one.customer,
            customer_name: name.to_owned(),
            kind: one.kind,
            state: one.state,
            received_at: one.received_at,
            due_at: one.due_at,
            overdue: one.state == RequestState::Open && one.due_at < cx.now(),
            handler: one.handler,
            handler_person: people.get(one.handler),
            text: one.text.as_deref().map(mask_text),
            answer: one.answer.as_deref().map(mask_text),
            deed: one.deed,
            finished_by: one.finished_by,
            finished_by_person: people.get(one.finished_by),
            finished_at: one.finished_at,
        }
    };
    Ok(found.into_iter().map(view).collect())
}

/// One as pages show it.
///
/// # Errors
/// As the database says.
pub async fn view(
    tx: &mut Tx,
    cx: &Ctx,
    request: PersonRequest,
) -> Result<PersonRequestView, DbError> {
    let mut all = views(tx, cx, vec![request]).await?;
    all.pop().ok_or(DbError::NotFound)
}

/// A page of requests, by when they are due.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn list(
    platform: &Platform,
    cx: &Ctx,
    filter: &RequestFilter,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<PersonRequestView>, ListError> {
    let after = after.map(Cursor::decode::<(i64, Uuid)>).transpose()?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let (found, next) = person_requests::list(&mut tx, cx, filter, after, limit).await?;
    let items = views(&mut tx, cx, found).await?;
    tx.rollback().await?;
    Ok(Page { items, next: next.as_ref().map(Cursor::encode) })
}

/// Finishes a request, and links the newest deed of its kind that the audit log has of this person since it was
/// received.
///
/// # Errors
/// As [`person_requests::finish`].
pub async fn finish(
    tx: &mut Tx,
    cx: &Ctx,
    id: PersonRequestId,
    state: RequestState,
    answer: String,
) -> Result<PersonRequest, RequestError> {
    let before = person_requests::hold(tx, cx, id).await?;
    let deed = match state {
        RequestState::Done => deed_of(tx, cx, &before).await?,
        RequestState::Open | RequestState::Refused => None,
    };
    person_requests::finish(tx, cx, id, state, answer, deed.as_ref()).await
}

async fn deed_of(tx: &mut Tx, cx: &Ctx, request: &PersonRequest) -> Result<Option<Deed>, DbError> {
    let mut newest: Option<Deed> = None;
    for member in person_requests::family_of(tx, cx, request.customer).await? {
        for action in request.kind.deeds() {
            let filter = AuditFilter {
                record: Some(CustomerId::from_uuid(member).to_string()),
                action: Some((*action).to_owned()),
                from: Some(request.received_at),
                ..AuditFilter::default()
            };
            let mut after = None;
            loop {
                let limit = Limit::new(None).map_err(DbError::Refused)?;
                let (page, next) =
                    audit::list(tx, cx.scope, &cx.keys(), &filter, after, limit).await?;
                let deed = page.into_iter().find(|entry| request.kind.is_met_by(&entry.after));
                let deed = deed.map(|entry| Deed { action: entry.action, at: entry.at });
                let is_found = deed.is_some();
                newest = deed.into_iter().chain(newest).max_by_key(|deed| deed.at);
                if is_found || next.is_none() {
                    break;
                }
                after = next;
            }
        }
    }
    Ok(newest)
}

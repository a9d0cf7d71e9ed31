//! What people ask of us about their data (PIPL arts. 44 to 50): received, handled by somebody, finished by a
//! day that is told.

use kernel::{CustomerId, Limit, PersonRequestId, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::retention::DAY_MILLIS;
use platform::{Ctx, DbError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::consent::ConsentPurpose;
use crate::store::person_requests::{self as sql, RequestRow};
use crate::{roots, settings, store};

/// Name under which texts are sealed.
pub(crate) const FIELD: &str = "customers.person_request";
/// Longest text, in characters.
pub const TEXT_MAX: usize = 2_000;
/// How long ago something may have been received, in milliseconds.
const PAST_MILLIS: i64 = 366 * 24 * 3_600_000;

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// To see, or get a copy of, what is held.
    Access,
    /// To have something corrected.
    Correction,
    /// To be erased.
    Erasure,
    /// That nothing is decided about them by machine alone.
    Restriction,
    /// To take a consent back.
    Withdrawal,
}

impl RequestKind {
    const ALL: [Self; 5] =
        [Self::Access, Self::Correction, Self::Erasure, Self::Restriction, Self::Withdrawal];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Correction => "correction",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Withdrawal => "withdrawal",
        }
    }

    /// What the audit log calls the deeds that answer such a request, or how their names begin.
    #[must_use]
    pub const fn deeds(self) -> &'static [&'static str] {
        match self {
            Self::Access => &["customers.person_export"],
            Self::Correction => &["customers.customer.edit", "customers.identity"],
            Self::Erasure => &["customers.erase"],
            Self::Restriction | Self::Withdrawal => &["customers.consent.add"],
        }
    }

    /// Whether an entry of that name with these fields is the deed: a consent must be refused, and for a
    /// restriction that of automated decisions.
    #[must_use]
    pub fn is_met_by(self, after: &Map<String, Value>) -> bool {
        let is_refusal = after.get("granted") == Some(&Value::Bool(false));
        match self {
            Self::Access | Self::Correction | Self::Erasure => true,
            Self::Withdrawal => is_refusal,
            Self::Restriction => {
                let of = ConsentPurpose::AutomatedDecision.name();
                let purposes = after.get("purposes").and_then(Value::as_array);
                is_refusal && purposes.is_some_and(|all| all.iter().any(|one| one == of))
            }
        }
    }
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Not answered yet.
    Open,
    /// Done as it was asked.
    Done,
    /// Not done; the answer says why.
    Refused,
}

impl RequestState {
    const ALL: [Self; 3] = [Self::Open, Self::Done, Self::Refused];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// What was written, by them and by us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Texts {
    text: Option<String>,
    answer: Option<String>,
}

/// The entry of the audit log that a request led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deed {
    /// What was done.
    pub action: String,
    /// When.
    pub at: Timestamp,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct PersonRequest {
    pub id: PersonRequestId,
    pub customer: CustomerId,
    pub kind: RequestKind,
    pub state: RequestState,
    pub received_at: Timestamp,
    pub due_at: Timestamp,
    pub handler: Option<UserId>,
    pub text: Option<String>,
    pub answer: Option<String>,
    pub deed: Option<Deed>,
    pub created_at: Timestamp,
    pub finished_by: Option<UserId>,
    pub finished_at: Option<Timestamp>,
}

fn opened(keys: &OrgKeys, row: RequestRow) -> Result<PersonRequest, DbError> {
    let id = PersonRequestId::from_uuid(row.id);
    let wrong = |what: String| DbError::Refused(format!("request {id}: {what}"));
    let texts: Texts = match &row.sealed {
        Some(sealed) => {
            let plain = keys.open(FIELD, sealed).map_err(|error| wrong(error.to_string()))?;
            serde_json::from_slice(&plain).map_err(|error| wrong(error.to_string()))?
        }
        None => Texts::default(),
    };
    let kind = RequestKind::ALL.into_iter().find(|kind| kind.name() == row.kind);
    let state = RequestState::ALL.into_iter().find(|state| state.name() == row.state);
    Ok(PersonRequest {
        id,
        customer: CustomerId::from_uuid(row.customer_id),
        kind: kind.ok_or_else(|| wrong(format!("of the unknown kind {}", row.kind)))?,
        state: state.ok_or_else(|| wrong(format!("of the unknown state {}", row.state)))?,
        received_at: Timestamp::from_millis(row.received_at),
        due_at: Timestamp::from_millis(row.due_at),
        handler: row.handler.map(UserId::from_uuid),
        text: texts.text,
        answer: texts.answer,
        deed: row.deed.as_deref().and_then(|deed| serde_json::from_str(deed).ok()),
        created_at: Timestamp::from_millis(row.created_at),
        finished_by: row.finished_by.map(UserId::from_uuid),
        finished_at: row.finished_at.map(Timestamp::from_millis),
    })
}

fn sealed(cx: &Ctx, texts: &Texts) -> Result<Vec<u8>, DbError> {
    let plain = serde_json::to_vec(texts).map_err(|error| DbError::Refused(error.to_string()))?;
    Ok(cx.keys().seal(&*cx.ids, FIELD, &plain))
}

/// Why a request was not recorded or finished.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    UnknownCustomer(CustomerId),
    /// There is no such request.
    #[error("there is no request {0}")]
    Unknown(PersonRequestId),
    /// It was received in the future, or more than a year ago.
    #[error("must be a moment of the last year")]
    WrongTime,
    /// It is finished already.
    #[error("it is finished already: {}", .0.name())]
    Finished(RequestState),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Records what `customer` asks for, received at `at`; due after the days that are set, each of 24 hours,
/// weekends counted. Whoever records it handles it until somebody else takes it.
///
/// # Errors
/// `UnknownCustomer`, `WrongTime`, or as the database says.
pub async fn receive(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    kind: RequestKind,
    at: Option<Timestamp>,
    text: Option<String>,
) -> Result<PersonRequest, RequestError> {
    let at = at.unwrap_or(cx.now());
    if at > cx.now() || at < cx.now().plus_millis(-PAST_MILLIS) {
        return Err(RequestError::WrongTime);
    }
    let root = store::changes::lock_root(tx, cx, customer.uuid()).await?;
    let root = root.ok_or(RequestError::UnknownCustomer(customer))?;
    let days = settings::request_days(tx, cx.scope).await?;
    let row = RequestRow {
        id: cx.fresh::<PersonRequestId>().uuid(),
        customer_id: root,
        kind: kind.name().to_owned(),
        state: RequestState::Open.name().to_owned(),
        received_at: at.millis(),
        due_at: at.plus_millis(i64::from(days) * DAY_MILLIS).millis(),
        handler: cx.scope.user_id().map(TypedId::uuid),
        sealed: Some(sealed(cx, &Texts { text: text.clone(), answer: None })?),
        deed: None,
        created_at: cx.now().millis(),
        finished_by: None,
        finished_at: None,
    };
    sql::add(tx, cx, &row).await?;
    let request = opened(&cx.keys(), row)?;
    let entry = Entry::new("customers.person_request.receive")
        .on("customer", request.customer)
        .with("request", request.id)
        .with("kind", kind)
        .with("received_at", at)
        .with("due_at", request.due_at)
        .personal("text", text);
    audit::record(tx, cx, entry).await?;
    Ok(request)
}

/// One request.
///
/// # Errors
/// As the database says.
pub async fn get(
    tx: &mut Tx,
    cx: &Ctx,
    id: PersonRequestId,
) -> Result<Option<PersonRequest>, DbError> {
    sql::get(tx, cx.scope, id).await?.map(|row| opened(&cx.keys(), row)).transpose()
}

/// One request, whose customer nobody erases, merges or changes until the transaction ends; as it is then.
///
/// # Errors
/// `Unknown`, or as the database says.
pub async fn hold(
    tx: &mut Tx,
    cx: &Ctx,
    id: PersonRequestId,
) -> Result<PersonRequest, RequestError> {
    let found = get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))?;
    // Erasing holds the customer first, too: whichever comes second sees what the other did.
    let root = store::changes::lock_root(tx, cx, found.customer.uuid()).await?;
    root.ok_or(RequestError::Unknown(id))?;
    get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))
}

/// Which requests are listed.
#[derive(Debug, Clone, Default)]
pub struct RequestFilter {
    /// In this state.
    pub state: Option<RequestState>,
    /// Of this kind.
    pub kind: Option<RequestKind>,
    /// Open, and due before now.
    pub overdue: bool,
    /// Of this customer and of all who were merged with them.
    pub customer: Option<CustomerId>,
}

/// A page of requests, by when they are due, and where the next begins.
///
/// # Errors
/// As the database says.
pub async fn list(
    tx: &mut Tx,
    cx: &Ctx,
    filter: &RequestFilter,
    after: Option<(i64, Uuid)>,
    limit: Limit,
) -> Result<(Vec<PersonRequest>, Option<(i64, Uuid)>), DbError> {
    let mut family = Vec::new();
    if let Some(customer) = filter.customer {
        family = family_of(tx, cx, customer).await?;
        if family.is_empty() {
            return Ok((Vec::new(), None));
        }
    }
    let mut rows = sql::list(tx, cx, filter, &family, after, limit.get() as i64 + 1).await?;
    let more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| more).map(|row| (row.due_at, row.id));
    let keys = cx.keys();
    let found: Result<Vec<PersonRequest>, DbError> =
        rows.into_iter().map(|row| opened(&keys, row)).collect();
    Ok((found?, next))
}

/// The family of `customer`; nobody if there is no such customer.
///
/// # Errors
/// As the database says.
pub async fn family_of(tx: &mut Tx, cx: &Ctx, customer: CustomerId) -> Result<Vec<Uuid>, DbError> {
    match roots::name_of(tx, cx.scope, &[customer.uuid()]).await?.remove(&customer.uuid()) {
        Some((root, _)) => roots::family(tx, cx.scope, root).await,
        None => Ok(Vec::new()),
    }
}

/// Gives an open request to whoever asks.
///
/// # Errors
/// `Unknown`, `Finished`, or as the database says.
pub async fn take(
    tx: &mut Tx,
    cx: &Ctx,
    id: PersonRequestId,
) -> Result<PersonRequest, RequestError> {
    let before = get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))?;
    let Some(user) = cx.scope.user_id().filter(|user| before.handler != Some(*user)) else {
        return Ok(before);
    };
    if !sql::set_handler(tx, cx.scope, id, user).await? {
        let now = get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))?;
        return Err(RequestError::Finished(now.state));
    }
    let entry = Entry::new("customers.person_request.take")
        .on("customer", before.customer)
        .with("request", id)
        .change("handler", before.handler, Some(user));
    audit::record(tx, cx, entry).await?;
    get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))
}

/// Finishes an open request: done or refused, with what was answered, and what was done if the log has it.
///
/// # Errors
/// `Unknown`, `Finished`, or as the database says.
pub async fn finish(
    tx: &mut Tx,
    cx: &Ctx,
    id: PersonRequestId,
    state: RequestState,
    answer: String,
    deed: Option<&Deed>,
) -> Result<PersonRequest, RequestError> {
    let before = hold(tx, cx, id).await?;
    let texts = Texts { text: before.text, answer: Some(answer.clone()) };
    let told = deed.map(serde_json::to_string).transpose();
    let told = told.map_err(|error| DbError::Refused(error.to_string()))?;
    let sealed = sealed(cx, &texts)?;
    if !sql::finish(tx, cx, id, state.name(), sealed, told.as_deref()).await? {
        let now = get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))?;
        return Err(RequestError::Finished(now.state));
    }
    let entry = Entry::new("customers.person_request.finish")
        .on("customer", before.customer)
        .with("request", id)
        .with("kind", before.kind)
        .with("state", state)
        .with("deed", deed.map(|deed| deed.action.as_str()))
        .personal("answer", answer);
    audit::record(tx, cx, entry).await?;
    get(tx, cx, id).await?.ok_or(RequestError::Unknown(id))
}

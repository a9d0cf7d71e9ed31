//! Adds to the ledger of consents, and reads it.

use std::collections::{HashMap, HashSet};

use kernel::{
    ConsentId, ConsentTextId, CustomerId, FieldErrors, Person, Timestamp, TypedId, UserId,
};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, outbox};
use serde::Serialize;
use uuid::Uuid;

use super::rules::{ConsentChannel, ConsentPurpose, ConsentSource, Said, may_decide};
use crate::events::CustomersChangedV1;
use crate::store::consents::{self, ConsentRow, SaidRow};
use crate::{roots, store};

/// Longest evidence, in characters.
pub const EVIDENCE_MAX: usize = 1_000;
/// Entries of one customer.
pub const ENTRIES_MAX: i64 = 2_000;
/// Name under which evidence is sealed.
pub(crate) const FIELD: &str = "customers.consent";

/// What somebody said, as it is to be recorded: of each of these ways and purposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    channels: Vec<ConsentChannel>,
    purposes: Vec<ConsentPurpose>,
    granted: bool,
    at: Timestamp,
    expires_at: Option<Timestamp>,
    source: ConsentSource,
    text: Option<ConsentTextId>,
    evidence: Option<String>,
}

/// The fields of [`NewConsent`] as they come.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Wanted {
    pub channels: Vec<ConsentChannel>,
    pub purposes: Vec<ConsentPurpose>,
    pub granted: bool,
    pub at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub source: ConsentSource,
    pub text: Option<ConsentTextId>,
    pub evidence: Option<String>,
}

impl NewConsent {
    /// Reads what was said, at `now` if it does not say when.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn parse(wanted: Wanted, now: Timestamp) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let Wanted { mut channels, mut purposes, granted, at, expires_at, source, text, evidence } =
            wanted;
        channels.sort_unstable();
        channels.dedup();
        purposes.sort_unstable();
        purposes.dedup();
        if channels.is_empty() {
            errors.push("channels", "must name at least one");
        }
        if purposes.is_empty() {
            errors.push("purposes", "must name at least one");
        }
        let at = at.unwrap_or(now);
        if at > now {
            errors.push("at", "must not lie in the future");
        }
        if expires_at.is_some_and(|end| end <= at) {
            errors.push("expires_at", "must lie behind the moment at which it was said");
        }
        if !granted && expires_at.is_some() {
            errors.push("expires_at", "a refusal holds until it is taken back");
        }
        let evidence = evidence.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if evidence
            .as_ref()
            .is_some_and(|text| text.chars().count() > EVIDENCE_MAX || text.contains(is_bad))
        {
            errors.push("evidence", format!("must be at most {EVIDENCE_MAX} characters"));
        }
        errors.finish(|| {
            Some(Self { channels, purposes, granted, at, expires_at, source, text, evidence })
        })
    }
}

/// Why an entry was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    UnknownCustomer(CustomerId),
    /// There is no such version of a text.
    #[error("there is no text {0}")]
    UnknownText(ConsentTextId),
    /// The customer has as many entries as one may have.
    #[error("a customer has at most {ENTRIES_MAX} entries")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Records what `customer` said; gives how many entries are new. What was recorded before, of the same
/// moment, is not recorded again. It holds from its commit on.
///
/// # Errors
/// `UnknownCustomer`, `UnknownText`, `TooMany`.
pub async fn add(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    new: &NewConsent,
) -> Result<usize, ConsentError> {
    let (root, added) = write(tx, cx, customer, new).await?;
    if added == 0 {
        return Ok(0);
    }
    let root = CustomerId::from_uuid(root);
    outbox::push(tx, cx, &CustomersChangedV1::of(vec![root])).await?;
    let entry = Entry::new("customers.consent.add")
        .on("customer", root)
        .with("channels", &new.channels)
        .with("purposes", &new.purposes)
        .with("granted", new.granted)
        .with("at", new.at)
        .with("expires_at", new.expires_at)
        .with("source", new.source)
        .with("consent_text", new.text)
        .personal("evidence", &new.evidence);
    audit::record(tx, cx, entry).await?;
    Ok(added)
}

/// As [`add`], of bulk work that records itself; gives the root.
///
/// # Errors
/// As [`add`].
pub async fn write(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    new: &NewConsent,
) -> Result<(Uuid, usize), ConsentError> {
    let root = store::changes::lock_root(tx, cx, customer.uuid())
        .await?
        .ok_or(ConsentError::UnknownCustomer(customer))?;
    if let Some(text) = new.text
        && !consents::has_text(tx, cx.scope, text.uuid()).await?
    {
        return Err(ConsentError::UnknownText(text));
    }
    let wanted = (new.channels.len() * new.purposes.len()) as i64;
    if consents::count(tx, cx.scope, root).await? + wanted > ENTRIES_MAX {
        return Err(ConsentError::TooMany);
    }
    let mut added = 0;
    for channel in &new.channels {
        for purpose in &new.purposes {
            let id: ConsentId = cx.fresh();
            let evidence = new.evidence.as_ref();
            let row = ConsentRow {
                id: id.uuid(),
                customer_id: root,
                channel: channel.name().to_owned(),
                purpose: purpose.name().to_owned(),
                granted: new.granted,
                at: new.at.millis(),
                expires_at: new.expires_at.map(Timestamp::millis),
                source: new.source.name().to_owned(),
                text_id: new.text.map(TypedId::uuid),
                sealed: evidence.map(|text| cx.keys().seal(&*cx.ids, FIELD, text.as_bytes())),
                actor: cx.scope.user_id().map(TypedId::uuid),
                recorded_at: cx.now().millis(),
            };
            added += usize::from(consents::add(tx, cx.scope, &row).await?);
        }
    }
    Ok((root, added))
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConsentEntry {
    /// Its id.
    pub id: ConsentId,
    /// By which way.
    pub channel: ConsentChannel,
    /// What for.
    pub purpose: ConsentPurpose,
    /// Granted, or refused.
    pub granted: bool,
    /// When it was said.
    pub at: Timestamp,
    /// The first moment at which it no longer holds.
    pub expires_at: Option<Timestamp>,
    /// Through what.
    pub source: ConsentSource,
    /// By which version of which text.
    pub text: Option<ConsentTextId>,
    /// What shows it; null if there is none, or it was erased.
    pub evidence: Option<String>,
    /// Who recorded it; null for the program itself.
    pub actor: Option<UserId>,
    /// Name and e-mail address of that user, where they were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_person: Option<Person>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

fn word<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, DbError> {
    text.parse()
        .map_err(|_| DbError::Refused(format!("a consent says {text}, written by a newer Guanxi")))
}

pub(crate) fn said(row: &ConsentRow) -> Result<Said, DbError> {
    Ok(Said {
        channel: word(&row.channel)?,
        purpose: word(&row.purpose)?,
        granted: row.granted,
        at: Timestamp::from_millis(row.at),
        expires_at: row.expires_at.map(Timestamp::from_millis),
    })
}

/// What was said, of purposes that this program knows. A refusal by a way that a newer program knows is one by
/// every way.
fn heard(row: &SaidRow) -> Option<Said> {
    let way = row.channel.parse().ok();
    Some(Said {
        channel: way.or((!row.granted).then_some(ConsentChannel::Any))?,
        purpose: row.purpose.parse().ok()?,
        granted: row.granted,
        at: Timestamp::from_millis(row.at),
        expires_at: row.expires_at.map(Timestamp::from_millis),
    })
}

fn by_customer(rows: Vec<SaidRow>) -> HashMap<Uuid, Vec<Said>> {
    let mut found: HashMap<Uuid, Vec<Said>> = HashMap::new();
    for row in rows {
        found.entry(row.customer_id).or_default().extend(heard(&row));
    }
    found
}

/// What `customers` said of automated decisions, by who said it.
pub(crate) async fn decisions(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Said>>, DbError> {
    Ok(by_customer(consents::decisions_of(tx, scope, customers).await?))
}

/// What `customers` said, by who said it.
pub(crate) async fn heard_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Said>>, DbError> {
    Ok(by_customer(consents::said_of(tx, scope, customers).await?))
}

/// Gives all that was ever said to `take`, with who said it.
pub(crate) async fn each_heard(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(Uuid, Said) + Send,
) -> Result<(), DbError> {
    consents::each_said(tx, scope, |row: SaidRow| {
        if let Some(said) = heard(&row) {
            take(row.customer_id, said);
        }
    })
    .await
}

/// Those of `customers` about whom the program may not decide by itself at `at`; see [`super::may_decide`].
/// What any of a family refused, all of it did.
///
/// # Errors
/// As the database says.
pub async fn withheld(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
    at: Timestamp,
) -> Result<HashSet<CustomerId>, DbError> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let root_of = roots::roots(tx, scope, &ids).await?;
    let tops = roots::distinct(&root_of.values().copied().collect::<Vec<_>>());
    let families = roots::families(tx, scope, &tops).await?;
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let said = decisions(tx, scope, &roots::distinct(&members)).await?;
    let refused = |id: &&CustomerId| {
        let family = root_of.get(&id.uuid()).and_then(|root| families.get(root));
        !may_decide(&of_family(family.map_or(&[], Vec::as_slice), &said), at)
    };
    Ok(customers.iter().filter(refused).copied().collect())
}

/// What the members of a family said, together.
pub(crate) fn of_family(family: &[Uuid], said: &HashMap<Uuid, Vec<Said>>) -> Vec<Said> {
    family.iter().filter_map(|member| said.get(member)).flatten().copied().collect()
}

/// All that the family of each of `customers` said, for [`super::may_contact`] and [`super::standing`].
/// Gives one entry for each, empty if nothing was said.
///
/// # Errors
/// `Refused` if an entry was written by a newer program; otherwise as the database says.
pub async fn said_by(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<Said>>, DbError> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let root_of = roots::roots(tx, scope, &ids).await?;
    let tops = roots::distinct(&root_of.values().copied().collect::<Vec<_>>());
    let families = roots::families(tx, scope, &tops).await?;
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let mut of_member: HashMap<Uuid, Vec<Said>> = HashMap::new();
    for row in consents::of(tx, scope, &roots::distinct(&members)).await? {
        of_member.entry(row.customer_id).or_default().push(said(&row)?);
    }
    let of_family = |customer: &CustomerId| {
        let family = root_of.get(&customer.uuid()).and_then(|root| families.get(root));
        let rows = family.into_iter().flatten().filter_map(|member| of_member.get(member));
        (*customer, rows.flatten().copied().collect())
    };
    Ok(customers.iter().map(of_family).collect())
}

/// The entries of the family of `customer`, what was said last first.
///
/// # Errors
/// `Refused` if an entry cannot be read with `keys`; otherwise as the database says.
pub async fn entries(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    customer: CustomerId,
) -> Result<Vec<ConsentEntry>, DbError> {
    let root = roots::root(tx, scope, customer.uuid()).await?;
    let family = roots::family(tx, scope, root).await?;
    let mut rows = consents::of(tx, scope, &roots::distinct(&family)).await?;
    rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
    rows.into_iter()
        .map(|row| {
            let Said { channel, purpose, granted, at, expires_at } = said(&row)?;
            let open = |sealed: Vec<u8>| {
                let text = keys.open_text(FIELD, &sealed);
                text.map_err(|error| DbError::Refused(format!("a consent: {error}")))
            };
            Ok(ConsentEntry {
                id: ConsentId::from_uuid(row.id),
                channel,
                purpose,
                granted,
                at,
                expires_at,
                source: word(&row.source)?,
                text: row.text_id.map(ConsentTextId::from_uuid),
                evidence: row.sealed.map(open).transpose()?,
                actor: row.actor.map(UserId::from_uuid),
                actor_person: None,
                recorded_at: Timestamp::from_millis(row.recorded_at),
            })
        })
        .collect()
}

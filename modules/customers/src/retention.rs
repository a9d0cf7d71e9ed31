//! What of customers is older than it may be kept, and its removal. [`flows::retention`] runs it.

use std::collections::{HashMap, HashSet};

use kernel::{ConsentId, CustomerId, NoteId, PersonRequestId, Timestamp, TypedId as _};
use platform::{Ctx, DbError, Scope, Tx, audit, outbox};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::consent::{ConsentChannel, Said, ledger};
use crate::events::CustomersChangedV1;
use crate::roots;
use crate::store::{self, retention as sql};

/// A note that was written long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldNote {
    /// The member of a family to whom it was given.
    pub customer: CustomerId,
    /// The note.
    pub note: NoteId,
    /// When it was written.
    pub at: Timestamp,
}

/// Notes written until `cutoff`, behind `after`, at most `limit`.
///
/// # Errors
/// As the database says.
pub async fn old_notes(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<OldNote>, DbError> {
    let rows = sql::old_notes(tx, scope, cutoff.millis(), after, limit).await?;
    let note = |(customer, note, at)| OldNote {
        customer: CustomerId::from_uuid(customer),
        note: NoteId::from_uuid(note),
        at: Timestamp::from_millis(at),
    };
    Ok(rows.into_iter().map(note).collect())
}

/// Removes those of `notes` that were written until `cutoff`; gives how many.
///
/// # Errors
/// As the database says.
pub async fn forget_notes(
    tx: &mut Tx,
    cx: &Ctx,
    cutoff: Timestamp,
    notes: &[(CustomerId, NoteId)],
) -> Result<u64, DbError> {
    let mut removed = 0;
    for (customer, note) in notes {
        let note = (customer.uuid(), note.uuid());
        removed += sql::remove_note(tx, cx.scope, cutoff.millis(), note).await?;
    }
    tell(tx, cx, notes.iter().map(|(customer, _)| customer.uuid()).collect()).await?;
    Ok(removed)
}

/// Tells of changed customers by their roots.
async fn tell(tx: &mut Tx, cx: &Ctx, members: Vec<Uuid>) -> Result<(), DbError> {
    if members.is_empty() {
        return Ok(());
    }
    let tops = roots::roots(tx, cx.scope, &members).await?;
    let tops = roots::distinct(&tops.into_values().collect::<Vec<_>>());
    let tops = tops.into_iter().map(CustomerId::from_uuid).collect();
    outbox::push(tx, cx, &CustomersChangedV1::of(tops)).await.map(drop)
}

/// Takes the texts of notes that were written or deleted until `cutoff` out of the audit log, some of them;
/// gives how many. None are left when it gives 0.
///
/// # Errors
/// As the database says.
pub async fn forget_notes_in_audit(
    tx: &mut Tx,
    cx: &Ctx,
    cutoff: Timestamp,
) -> Result<usize, DbError> {
    let added = audit::erase_until(tx, cx, "customers.note.add", cutoff).await?;
    Ok(added + audit::erase_until(tx, cx, "customers.note.delete", cutoff).await?)
}

/// Somebody with whom nothing happened for long, as far as this module knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// The root.
    pub root: CustomerId,
    /// The root and all who were merged into it.
    pub family: Vec<CustomerId>,
    /// When something last happened with any of them: they became known, were written to or of, said what
    /// they consent to, were changed, merged, asked something of us.
    pub last: Timestamp,
    /// Whether they ask something that is not answered.
    pub is_asking: bool,
}

/// With whom nothing happened since `cutoff`, behind `after`, and up to where was looked; `None` at the end.
/// At most `limit` are looked at. Nobody who was erased is in it.
///
/// # Errors
/// As the database says.
pub async fn quiet(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    after: Uuid,
    limit: i64,
) -> Result<(Vec<Quiet>, Option<Uuid>), DbError> {
    let found = sql::old_roots(tx, scope, cutoff.millis(), after, limit).await?;
    let next = found.last().copied().filter(|_| found.len() as i64 == limit);
    Ok((quiet_among(tx, scope, cutoff, &found).await?, next))
}

/// Those of `tops` with whom nothing happened since `cutoff`, in their order.
///
/// # Errors
/// As the database says.
pub async fn quiet_among(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    tops: &[Uuid],
) -> Result<Vec<Quiet>, DbError> {
    let mut families = roots::families(tx, scope, tops).await?;
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let last = sql::last_seen(tx, scope, &members).await?;
    let asking: HashSet<Uuid> = sql::asking(tx, scope, &members).await?.into_iter().collect();
    let mut quiet = Vec::new();
    for root in tops {
        let Some(family) = families.remove(root) else { continue };
        let Some(at) = family.iter().filter_map(|member| last.get(member)).max() else { continue };
        if *at > cutoff.millis() {
            continue;
        }
        quiet.push(Quiet {
            root: CustomerId::from_uuid(*root),
            last: Timestamp::from_millis(*at),
            is_asking: family.iter().any(|member| asking.contains(member)),
            family: family.into_iter().map(CustomerId::from_uuid).collect(),
        });
    }
    Ok(quiet)
}

/// When what `one` says came to its end for good: it expired, or something that holds at least as long was said
/// later of the same way or of every way. `None` while it holds, or might hold again because what was said
/// later ends first. `all` are the entries of the same customer, in any order.
#[must_use]
pub fn ended_at(all: &[Said], one: &Said) -> Option<Timestamp> {
    let outlasts = |other: &Said| match (other.expires_at, one.expires_at) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(other), Some(own)) => other >= own,
    };
    let replaced = all.iter().filter(|other| {
        other.purpose == one.purpose
            && (other.channel == one.channel || other.channel == ConsentChannel::Any)
            && (other.at, !other.granted) > (one.at, !one.granted)
            && outlasts(other)
    });
    replaced.map(|other| other.at).chain(one.expires_at).min()
}

/// Evidence of a consent that ended long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldEvidence {
    /// Whose.
    pub customer: CustomerId,
    /// The entry.
    pub consent: ConsentId,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// Evidence of consents that ended until `cutoff`, of customers behind `after`, and up to whom was looked;
/// `None` at the end. At most `limit` customers are looked at.
///
/// # Errors
/// `Refused` if an entry was written by a newer program; otherwise as the database says.
pub async fn old_evidence(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    after: Uuid,
    limit: i64,
) -> Result<(Vec<OldEvidence>, Option<Uuid>), DbError> {
    let customers = sql::with_evidence(tx, scope, cutoff.millis(), after, limit).await?;
    let next = customers.last().copied().filter(|_| customers.len() as i64 == limit);
    Ok((old_evidence_of(tx, scope, cutoff, &customers).await?, next))
}

async fn old_evidence_of(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    customers: &[Uuid],
) -> Result<Vec<OldEvidence>, DbError> {
    let mut of_each: HashMap<Uuid, Vec<(Uuid, bool, Said)>> = HashMap::new();
    for row in store::consents::of(tx, scope, customers).await? {
        let entry = (row.id, row.sealed.is_some(), ledger::said(&row)?);
        of_each.entry(row.customer_id).or_default().push(entry);
    }
    let mut found = Vec::new();
    for customer in customers {
        let entries = of_each.remove(customer).unwrap_or_default();
        let all: Vec<Said> = entries.iter().map(|(_, _, said)| *said).collect();
        for (id, _, said) in entries.iter().filter(|(_, has_evidence, _)| *has_evidence) {
            let Some(ended_at) = ended_at(&all, said).filter(|at| *at <= cutoff) else { continue };
            let customer = CustomerId::from_uuid(*customer);
            found.push(OldEvidence { customer, consent: ConsentId::from_uuid(*id), ended_at });
        }
    }
    Ok(found)
}

/// Takes the evidence of all consents of `customers` away that ended until `cutoff`, in the audit log too; gives
/// of how many, and of how many entries of the log. That they were given, and refused, stays.
///
/// # Errors
/// As the database says.
pub async fn forget_evidence(
    tx: &mut Tx,
    cx: &Ctx,
    cutoff: Timestamp,
    customers: &[CustomerId],
) -> Result<(u64, u64), DbError> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let old = old_evidence_of(tx, cx.scope, cutoff, &ids).await?;
    let entries: Vec<(Uuid, Uuid)> =
        old.iter().map(|one| (one.customer.uuid(), one.consent.uuid())).collect();
    let forgotten = sql::forget_evidence(tx, cx.scope, &entries).await?;
    let mut in_audit = 0;
    for customer in customers {
        let rows = store::consents::of(tx, cx.scope, &[customer.uuid()]).await?;
        let held: Vec<Said> = rows
            .iter()
            .filter(|row| row.sealed.is_some())
            .map(ledger::said)
            .collect::<Result<_, _>>()?;
        // One deed records several entries; its words go with the last of them.
        let is_over = |fields: &Map<String, Value>| !held.iter().any(|said| tells_of(fields, said));
        let on = customer.to_string();
        in_audit +=
            audit::erase_those(tx, cx, ("customer", &on), "customers.consent.add", is_over).await?;
    }
    tell(tx, cx, ids).await?;
    Ok((forgotten, in_audit as u64))
}

/// Whether an entry of the audit log with these fields recorded `said`.
fn tells_of(fields: &Map<String, Value>, said: &Said) -> bool {
    let names = |field: &str, name: &str| {
        let all = fields.get(field).and_then(Value::as_array);
        all.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
    };
    names("channels", said.channel.name())
        && names("purposes", said.purpose.name())
        && fields.get("granted") == Some(&Value::Bool(said.granted))
        && fields.get("at").and_then(Value::as_str) == Some(said.at.to_string().as_str())
}

/// A request of a person that was finished long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedRequest {
    /// The request.
    pub id: PersonRequestId,
    /// Whose.
    pub customer: CustomerId,
    /// When it was finished.
    pub finished_at: Timestamp,
}

/// Requests that were finished until `cutoff` and have texts, behind `after`, at most `limit`.
///
/// # Errors
/// As the database says.
pub async fn closed_requests(
    tx: &mut Tx,
    scope: Scope,
    cutoff: Timestamp,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ClosedRequest>, DbError> {
    let rows = sql::closed_requests(tx, scope, cutoff.millis(), after, limit).await?;
    let request = |(id, customer, at)| ClosedRequest {
        id: PersonRequestId::from_uuid(id),
        customer: CustomerId::from_uuid(customer),
        finished_at: Timestamp::from_millis(at),
    };
    Ok(rows.into_iter().map(request).collect())
}

/// Takes the texts of requests away that were finished until `cutoff`, in the audit log too; gives of how many,
/// and of how many entries of the log. That they were made and answered stays.
///
/// # Errors
/// As the database says.
pub async fn forget_requests(
    tx: &mut Tx,
    cx: &Ctx,
    cutoff: Timestamp,
    requests: &[(PersonRequestId, CustomerId)],
) -> Result<(u64, u64), DbError> {
    let ids: Vec<Uuid> = requests.iter().map(|(id, _)| id.uuid()).collect();
    let forgotten = sql::forget_requests(tx, cx.scope, cutoff.millis(), &ids).await?;
    let mut in_audit = 0;
    for (id, customer) in requests {
        let (id, on) = (id.to_string(), customer.to_string());
        for action in ["customers.person_request.receive", "customers.person_request.finish"] {
            let is_it = |fields: &Map<String, Value>| {
                fields.get("request").and_then(Value::as_str) == Some(&id)
            };
            in_audit += audit::erase_those(tx, cx, ("customer", &on), action, is_it).await?;
        }
    }
    Ok((forgotten, in_audit as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::consent::{ConsentPurpose, newest};

    fn some() -> impl Strategy<Value = Said> {
        let way = prop::sample::select(vec![
            ConsentChannel::Any,
            ConsentChannel::Sms,
            ConsentChannel::Email,
        ]);
        let what = prop::sample::select(vec![ConsentPurpose::Marketing, ConsentPurpose::Survey]);
        (way, what, any::<bool>(), 0..20_i64, prop::option::of(1..15_i64)).prop_map(
            |(channel, purpose, granted, from, length)| Said {
                channel,
                purpose,
                granted,
                at: Timestamp::from_millis(from),
                expires_at: length
                    .filter(|_| granted)
                    .map(|length| Timestamp::from_millis(from + length)),
            },
        )
    }

    proptest! {
        #[test]
        fn what_ended_never_holds_again(all in prop::collection::vec(some(), 1..10)) {
            for one in &all {
                let Some(end) = ended_at(&all, one) else { continue };
                prop_assert!(end >= one.at);
                for when in end.millis()..45 {
                    for channel in ConsentChannel::ALL {
                        let holds = newest(&all, *channel, one.purpose, Timestamp::from_millis(when));
                        prop_assert!(holds.is_none_or(|holds| !std::ptr::eq(holds, one)),
                            "{one:?} ended at {end} and holds at {when} for {channel:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_may_hold_again_has_not_ended() {
        let said = |granted, from, until: Option<i64>| Said {
            channel: ConsentChannel::Sms,
            purpose: ConsentPurpose::Marketing,
            granted,
            at: Timestamp::from_millis(from),
            expires_at: until.map(Timestamp::from_millis),
        };
        let ends = |all: &[Said], place: usize| ended_at(all, &all[place]).map(Timestamp::millis);
        let withdrawn = [said(true, 10, None), said(false, 20, None)];
        assert_eq!((ends(&withdrawn, 0), ends(&withdrawn, 1)), (Some(20), None));
        let granted_for_a_while = [said(false, 10, None), said(true, 20, Some(30))];
        assert_eq!(ends(&granted_for_a_while, 0), None, "the refusal holds again from 30 on");
        assert_eq!(ends(&granted_for_a_while, 1), Some(30));
        let every = Said { channel: ConsentChannel::Any, ..said(true, 10, None) };
        assert_eq!(ends(&[every, said(false, 20, None)], 0), None, "it holds for other ways");
        let other = Said { purpose: ConsentPurpose::Survey, ..said(false, 20, None) };
        assert_eq!(ends(&[said(true, 10, None), other], 0), None);
    }
}

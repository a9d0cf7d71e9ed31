//! Suggestions that two customers are one, made when accounts share a phone or an e-mail address.

use std::collections::{HashMap, HashSet};

use kernel::{CustomerId, SuggestionId, Timestamp, TypedId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, outbox};
use serde::Serialize;
use uuid::Uuid;

use crate::consent::ledger;
use crate::events::CustomersChangedV1;
use crate::merge::{self, MergeError};
use crate::model::IdentityKind;
use crate::profiles::masked;
use crate::resolve::SHARED_BY_MAX;
use crate::store::suggestions::{DISMISSED, OPEN, SuggestionRow};
use crate::{roots, settings, store};

/// Suggestions of one customer that are shown.
const OF_CUSTOMER_MAX: usize = 50;
/// Suggestions looked at by one call of [`apply_open`].
const LOOKED_AT_MAX: usize = 2_000;
const PAGE: i64 = 200;

/// Kind and hash of what two customers share.
type Shared = (i64, Vec<u8>);

/// What two customers share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Evidence {
    /// What it is.
    pub kind: IdentityKind,
    /// The value, masked.
    pub value: String,
}

/// A suggestion that two customers are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Its id.
    pub id: SuggestionId,
    /// The root of the one customer.
    pub a: CustomerId,
    /// The root of the other.
    pub b: CustomerId,
    /// What they share.
    pub evidence: Vec<Evidence>,
    /// How likely, 0 to 100.
    pub score: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A place in the list: score and id of the last suggestion.
pub type Place = (i64, SuggestionId);

/// A page of suggestions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestions {
    /// The suggestions.
    pub items: Vec<Suggestion>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// Open suggestions, the highest score first; one for each pair of customers, so that a page may be
/// shorter than `limit` though more follow.
///
/// # Errors
/// `Refused` if evidence cannot be opened with `keys`; otherwise as the database says.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    after: Option<Place>,
    limit: u16,
) -> Result<Suggestions, DbError> {
    let after = after.map_or((i64::MAX, Uuid::max()), |(score, id)| (score, id.uuid()));
    let mut rows = store::suggestions::open(tx, scope, after, i64::from(limit) + 1).await?;
    let has_more = rows.len() > usize::from(limit);
    rows.truncate(limit.into());
    let last = rows.last().map(|row| (row.score, SuggestionId::from_uuid(row.id)));
    let items = with_evidence(tx, scope, keys, rows).await?;
    Ok(Suggestions { items, next: last.filter(|_| has_more) })
}

/// How many suggestions are open, counted no further than `most`.
///
/// # Errors
/// As the database says.
pub async fn count_open(tx: &mut Tx, scope: Scope, most: i64) -> Result<i64, DbError> {
    store::suggestions::count_open(tx, scope, most).await
}

/// Open suggestions of which one of `family` is a side, at most 50.
///
/// # Errors
/// As [`list`].
pub async fn of(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    family: &[Uuid],
) -> Result<Vec<Suggestion>, DbError> {
    let mut rows = store::suggestions::of(tx, scope, family).await?;
    rows.retain(|row| row.state == OPEN);
    // The weaker ones of these pairs are left out there.
    rows.truncate(2 * OF_CUSTOMER_MAX);
    let mut found = with_evidence(tx, scope, keys, rows).await?;
    found.truncate(OF_CUSTOMER_MAX);
    Ok(found)
}

/// Rows with their evidence. Of several open suggestions of a pair the strongest stays, and the
/// others come as its evidence.
async fn with_evidence(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    mut rows: Vec<SuggestionRow>,
) -> Result<Vec<Suggestion>, DbError> {
    let firsts: Vec<Uuid> = rows.iter().map(|row| row.a).collect();
    let firsts = roots::distinct(&firsts);
    let mut shared: HashMap<(Uuid, Uuid), Vec<Shared>> = HashMap::new();
    let mut strongest: HashMap<(Uuid, Uuid), Uuid> = HashMap::new();
    let wanted: HashSet<(Uuid, Uuid)> = rows.iter().map(|row| (row.a, row.b)).collect();
    for row in store::suggestions::of(tx, scope, &firsts).await? {
        let pair = (row.a, row.b);
        if row.state == OPEN && wanted.contains(&pair) {
            strongest.entry(pair).or_insert(row.id);
            shared.entry(pair).or_default().push((row.kind, row.hash));
        }
    }
    rows.retain(|row| strongest.get(&(row.a, row.b)) == Some(&row.id));
    let sides: Vec<Uuid> = rows.iter().flat_map(|row| [row.a, row.b]).collect();
    let root_of = roots::roots(tx, scope, &sides).await?;
    let hashes: Vec<Vec<u8>> = shared.values().flatten().map(|(_, hash)| hash.clone()).collect();
    let mut values: HashMap<Shared, String> = HashMap::new();
    for row in store::suggestions::evidence(tx, scope, &firsts, &hashes).await? {
        let Some(kind) = IdentityKind::from_code(row.kind) else { continue };
        debug_assert!(firsts.contains(&row.customer_id));
        let value = masked(kind, None, row.sealed.as_deref(), keys)?;
        values.insert((row.kind, row.hash), value);
    }
    let suggestions = rows.into_iter().filter_map(|row| {
        let (a, b) = (root_of.get(&row.a)?, root_of.get(&row.b)?);
        let facts = shared.get(&(row.a, row.b))?;
        let evidence = facts
            .iter()
            .filter_map(|fact| {
                let kind = IdentityKind::from_code(fact.0)?;
                Some(Evidence { kind, value: values.get(fact)?.clone() })
            })
            .collect();
        (a != b).then(|| Suggestion {
            id: SuggestionId::from_uuid(row.id),
            a: CustomerId::from_uuid(*a),
            b: CustomerId::from_uuid(*b),
            evidence,
            score: row.score,
            created_at: Timestamp::from_millis(row.created_at),
        })
    });
    Ok(suggestions.collect())
}

/// Why a suggestion cannot be dismissed.
#[derive(Debug, thiserror::Error)]
pub enum DismissError {
    /// There is no such suggestion.
    #[error("there is no suggestion {0}")]
    Unknown(SuggestionId),
    /// The two were merged meanwhile.
    #[error("the two were merged already; undo that merge instead")]
    Merged,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Says that the two are not one: this suggestion and its pair's others do not come again. Dismissing
/// twice is fine.
///
/// # Errors
/// `Unknown`, `Merged`.
pub async fn dismiss(tx: &mut Tx, cx: &Ctx, id: SuggestionId) -> Result<(), DismissError> {
    let row = store::suggestions::rows(tx, cx.scope, &[id.uuid()])
        .await?
        .pop()
        .ok_or(DismissError::Unknown(id))?;
    match row.state {
        OPEN => {}
        DISMISSED => return Ok(()),
        _ => return Err(DismissError::Merged),
    }
    store::suggestions::dismiss(tx, cx.scope, row.a, row.b).await?;
    let (a, b) = (CustomerId::from_uuid(row.a), CustomerId::from_uuid(row.b));
    outbox::push(tx, cx, &CustomersChangedV1::of(vec![a, b])).await?;
    let entry = Entry::new("customers.suggestion.dismiss")
        .on("customer", a)
        .with("other", b)
        .with("suggestion", id);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// What one call of [`apply_open`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Merges made.
    pub merged: usize,
    /// Where the next call goes on; `None` when all open suggestions were looked at.
    pub next: Option<Place>,
}

/// Merges the customers of open suggestions after a place, if the setting `merge_by_itself` is on; at
/// most `most` merges, so that a transaction stays short.
///
/// Left open for people: a phone or e-mail address in too many hands, two that somebody parted
/// before, those of whom one refused automated decisions, and families that would grow too large. The customer known longer is kept.
///
/// # Errors
/// As the database says.
pub async fn apply_open(
    tx: &mut Tx,
    cx: &Ctx,
    after: Option<Place>,
    most: usize,
) -> Result<Applied, DbError> {
    if !settings::merge_by_itself(tx, cx.scope).await? {
        return Ok(Applied { merged: 0, next: None });
    }
    let done = apply_page(tx, cx, after, most).await?;
    if done.merged > 0 {
        let entry = Entry::new("customers.merge.by_itself").with("count", done.merged);
        audit::record(tx, cx, entry).await?;
    }
    Ok(done)
}

async fn apply_page(
    tx: &mut Tx,
    cx: &Ctx,
    after: Option<Place>,
    most: usize,
) -> Result<Applied, DbError> {
    let mut done = Applied { merged: 0, next: None };
    let mut after = after.map_or((i64::MAX, Uuid::max()), |(score, id)| (score, id.uuid()));
    let mut looked_at = 0;
    loop {
        let rows = store::suggestions::open(tx, cx.scope, after, PAGE).await?;
        if rows.is_empty() {
            return Ok(done);
        }
        for row in rows {
            if done.merged == most || looked_at == LOOKED_AT_MAX {
                done.next = Some((after.0, SuggestionId::from_uuid(after.1)));
                return Ok(done);
            }
            after = (row.score, row.id);
            looked_at += 1;
            done.merged += usize::from(apply_one(tx, cx, &row).await?);
        }
    }
}

async fn apply_one(tx: &mut Tx, cx: &Ctx, row: &SuggestionRow) -> Result<bool, DbError> {
    let most = SHARED_BY_MAX as i64;
    if store::suggestions::hands(tx, cx.scope, &row.hash, most + 1).await? > most {
        return Ok(false);
    }
    let root_of = roots::roots(tx, cx.scope, &[row.a, row.b]).await?;
    let (a, b) = (root_of[&row.a], root_of[&row.b]);
    // A merge earlier in this call may have made them one.
    if a == b {
        return Ok(false);
    }
    let families = roots::families(tx, cx.scope, &[a, b]).await?;
    let (family_a, family_b) = (&families[&a], &families[&b]);
    let both: Vec<Uuid> = family_a.iter().chain(family_b).copied().collect();
    let merges = store::merges::that_absorbed(tx, cx.scope, &both).await?;
    let was_parted = merges.iter().filter(|merge| merge.undone_at.is_some()).any(|merge| {
        (family_a.contains(&merge.keep) && family_b.contains(&merge.absorb))
            || (family_b.contains(&merge.keep) && family_a.contains(&merge.absorb))
    });
    if was_parted {
        return Ok(false);
    }
    // Whoever refused that the program decides about them is left to people.
    let pair = [CustomerId::from_uuid(a), CustomerId::from_uuid(b)];
    if !ledger::withheld(tx, cx.scope, &pair, cx.now()).await?.is_empty() {
        return Ok(false);
    }
    // Ids ascend with time.
    let (keep, absorb) = (CustomerId::from_uuid(a.min(b)), CustomerId::from_uuid(a.max(b)));
    match merge::join(tx, cx, keep, absorb).await {
        Ok(_) => Ok(true),
        Err(MergeError::Db(error)) => Err(error),
        Err(refused) => {
            tracing::debug!(%refused, "a suggestion is left for people");
            Ok(false)
        }
    }
}

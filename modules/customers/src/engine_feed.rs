//! Customers as the analytics engine wants them: roots only, with the accounts and tags of their
//! whole family. Account names that are a phone number or an e-mail address stay out of it.

use std::collections::{BTreeSet, HashMap};

use kernel::{CustomerId, TagId, Timestamp, TypedId, UserId};
use platform::{DbError, Scope, Tx};
use uuid::Uuid;

use crate::consent::{self, ContactSpan, Said, ledger};
use crate::model::Rating;
use crate::store::engine::FeedRow;
use crate::{roots, store};

/// Accounts of one customer given to the engine.
const ACCOUNTS_MAX: usize = 50;

/// A root as the engine wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineProfile {
    /// The root.
    pub id: CustomerId,
    /// Name to show.
    pub name: String,
    /// Plain account names of the family, ascending, joined with blanks.
    pub accounts: String,
    /// Province.
    pub province: Option<String>,
    /// Rating given by hand.
    pub rating: Option<Rating>,
    /// Whose customer it is.
    pub owner: Option<UserId>,
    /// When the customer became known.
    pub created_at: Timestamp,
    /// From when on nothing may be decided about the family by machine; see [`consent::refused_from`].
    pub refused_from: Option<Timestamp>,
    /// When the family may be contacted, or may not, other than without a word; see [`consent::contact_spans`].
    pub contact: Vec<ContactSpan>,
}

/// A root with the rest of what the engine needs when a few customers changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyProfile {
    /// The root.
    pub profile: EngineProfile,
    /// Tags of the family, by id.
    pub tags: Vec<TagId>,
    /// The family, root first: whose orders belong to it.
    pub family: Vec<CustomerId>,
}

fn joined(accounts: &BTreeSet<String>) -> String {
    accounts.iter().take(ACCOUNTS_MAX).map(String::as_str).collect::<Vec<_>>().join(" ")
}

struct Gathering {
    row: FeedRow,
    accounts: BTreeSet<String>,
}

impl Gathering {
    fn begin(mut row: FeedRow, merged: &mut HashMap<Uuid, BTreeSet<String>>) -> Self {
        let mut accounts = merged.remove(&row.id).unwrap_or_default();
        accounts.extend(row.plain.take());
        Self { row, accounts }
    }

    /// `said` is by root.
    fn finish(self, said: &[(Uuid, Said)]) -> EngineProfile {
        let begin = said.partition_point(|(root, _)| *root < self.row.id);
        let own = said[begin..].iter().take_while(|(root, _)| *root == self.row.id);
        let own: Vec<Said> = own.map(|(_, said)| *said).collect();
        EngineProfile {
            id: CustomerId::from_uuid(self.row.id),
            name: self.row.name,
            accounts: joined(&self.accounts),
            province: self.row.province,
            rating: self.row.rating.and_then(Rating::from_code),
            owner: self.row.owner.map(UserId::from_uuid),
            created_at: Timestamp::from_millis(self.row.created_at),
            refused_from: consent::refused_from(&own),
            contact: consent::contact_spans(&own),
        }
    }
}

/// Gives every root to `take`, by id. Memory grows with the number of merges and of consents only.
///
/// # Errors
/// As the database says.
pub async fn each_profile_for_engine(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(EngineProfile) + Send,
) -> Result<(), DbError> {
    let root_of = roots::all_merged(tx, scope).await?;
    let mut merged: HashMap<Uuid, BTreeSet<String>> = HashMap::new();
    let members: Vec<Uuid> = root_of.keys().copied().collect();
    for (customer, account) in
        store::engine::accounts(tx, scope, &roots::distinct(&members)).await?
    {
        merged.entry(root_of[&customer]).or_default().insert(account);
    }
    let mut said: Vec<(Uuid, Said)> = Vec::new();
    ledger::each_heard(tx, scope, |customer, one| {
        said.push((*root_of.get(&customer).unwrap_or(&customer), one));
    })
    .await?;
    said.sort_unstable_by_key(|(root, _)| *root);
    let mut current: Option<Gathering> = None;
    store::engine::each_root(tx, scope, |row| match &mut current {
        Some(gathering) if gathering.row.id == row.id => gathering.accounts.extend(row.plain),
        current => {
            let next = Gathering::begin(row, &mut merged);
            if let Some(done) = current.replace(next) {
                take(done.finish(&said));
            }
        }
    })
    .await?;
    if let Some(done) = current {
        take(done.finish(&said));
    }
    Ok(())
}

/// Gives every tagging to `take`, as root and tag; the same pair comes more than once if more than
/// one of a family has the tag.
///
/// # Errors
/// As the database says.
pub async fn each_tagging(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(CustomerId, TagId) + Send,
) -> Result<(), DbError> {
    let root_of = roots::all_merged(tx, scope).await?;
    store::engine::each_tagging(tx, scope, |(customer, tag)| {
        let root = root_of.get(&customer).copied().unwrap_or(customer);
        take(CustomerId::from_uuid(root), TagId::from_uuid(tag));
    })
    .await
}

/// The roots of `ids`, each once. An id that is not among the answers has gone or was merged: remove
/// it from the engine.
///
/// # Errors
/// As the database says.
pub async fn profiles_for_engine(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<FamilyProfile>, DbError> {
    let roots: Vec<Uuid> = roots::roots(tx, scope, ids).await?.into_values().collect();
    let roots = roots::distinct(&roots);
    let families = roots::families(tx, scope, &roots).await?;
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let members = roots::distinct(&members);
    let mut accounts: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (customer, account) in store::engine::accounts(tx, scope, &members).await? {
        accounts.entry(customer).or_default().push(account);
    }
    let mut tags: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (customer, tag) in store::engine::taggings(tx, scope, &members).await? {
        tags.entry(customer).or_default().push(tag);
    }
    let said = ledger::heard_of(tx, scope, &members).await?;
    let mut profiles = Vec::with_capacity(roots.len());
    for row in store::profiles::customers(tx, scope, &roots).await? {
        let family = families.get(&row.id).cloned().unwrap_or_default();
        let of_family: BTreeSet<String> =
            family.iter().filter_map(|id| accounts.get(id)).flatten().cloned().collect();
        let tags: BTreeSet<TagId> = family
            .iter()
            .filter_map(|id| tags.get(id))
            .flatten()
            .map(|tag| TagId::from_uuid(*tag))
            .collect();
        let said = ledger::of_family(&family, &said);
        profiles.push(FamilyProfile {
            profile: EngineProfile {
                id: CustomerId::from_uuid(row.id),
                name: row.name,
                accounts: joined(&of_family),
                province: row.province,
                rating: row.rating.and_then(Rating::from_code),
                owner: row.owner.map(UserId::from_uuid),
                created_at: Timestamp::from_millis(row.created_at),
                refused_from: consent::refused_from(&said),
                contact: consent::contact_spans(&said),
            },
            tags: tags.into_iter().collect(),
            family: family.into_iter().map(CustomerId::from_uuid).collect(),
        });
    }
    Ok(profiles)
}

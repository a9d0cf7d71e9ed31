//! What is known of customers, as people may see it: personal data comes masked.

use std::collections::{HashMap, HashSet};

use kernel::{CustomerId, IdentityId, TagId, Timestamp, TypedId, UserId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};
use serde::Serialize;
use uuid::Uuid;

use crate::consent::{ledger, may_decide};
use crate::identities::id_of;
use crate::mask;
use crate::model::{AccountSpace, IdentityKind, Rating};
use crate::store::profiles::IdentityRow;
use crate::{names, reach, roots, store};

/// Identities of one kind shown of one customer.
pub const IDENTITIES_MAX: i64 = 50;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Tag {
    /// Its id.
    pub id: TagId,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Name of its colour.
    pub colour: String,
    /// Whether a rule puts it on and takes it off, and nobody by hand.
    pub automatic: bool,
}

/// One identity, masked where it is personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityShown {
    /// By which it is corrected.
    pub id: IdentityId,
    /// What it is.
    pub kind: IdentityKind,
    /// Where it is unique.
    pub space: AccountSpace,
    /// The value, masked.
    pub value: String,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// Whether a person put it there.
    pub by_hand: bool,
}

/// A customer with everything its family is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The customer.
    pub id: CustomerId,
    /// Name as whoever asks is shown it.
    pub name: String,
    /// Country.
    pub country: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Rating given by hand.
    pub rating: Option<Rating>,
    /// Whose customer it is.
    pub owner: Option<UserId>,
    /// For `If-Match`.
    pub version: i64,
    /// When the customer became known.
    pub created_at: Timestamp,
    /// The direct keeper, if merged.
    pub merged_into: Option<CustomerId>,
    /// Whether they refused that the program decides about them by itself.
    pub is_withheld: bool,
    /// The family, this customer first.
    pub family: Vec<CustomerId>,
    /// Tags of the family, by name.
    pub tags: Vec<Tag>,
    /// Identities of the family: by kind, the first seen first.
    pub identities: Vec<IdentityShown>,
}

impl Profile {
    /// The phone seen first, masked.
    #[must_use]
    pub fn phone(&self) -> Option<&str> {
        self.first(IdentityKind::Phone)
    }

    /// The e-mail address seen first, masked.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.first(IdentityKind::Email)
    }

    /// Accounts, the first seen first.
    pub fn accounts(&self) -> impl Iterator<Item = &IdentityShown> {
        self.identities.iter().filter(|identity| identity.kind == IdentityKind::Account)
    }

    fn first(&self, kind: IdentityKind) -> Option<&str> {
        let found = self.identities.iter().find(|identity| identity.kind == kind);
        found.map(|identity| identity.value.as_str())
    }
}

/// The profiles of `ids`, in that order; customers that are not there, and those that whoever asks does not
/// see, are left out. For a page: one statement a table whatever the number of customers.
///
/// # Errors
/// `Refused` if personal data cannot be opened; otherwise as the database says.
pub async fn profiles(tx: &mut Tx, cx: &Ctx, ids: &[CustomerId]) -> Result<Vec<Profile>, DbError> {
    let (scope, keys) = (cx.scope, &cx.keys());
    let asked: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let within = reach::within(tx, cx, &asked).await?;
    let tops: Vec<Uuid> = asked.into_iter().filter(|id| within.contains(id)).collect();
    let families = roots::families(tx, scope, &tops).await?;
    let top_of: Vec<(Uuid, Uuid)> = families
        .iter()
        .flat_map(|(top, family)| family.iter().map(move |member| (*member, *top)))
        .collect();
    let members = roots::distinct(&top_of.iter().map(|(member, _)| *member).collect::<Vec<_>>());
    let mut rows: HashMap<Uuid, store::profiles::CustomerRow> = HashMap::new();
    for row in store::profiles::customers(tx, scope, &roots::distinct(&tops)).await? {
        rows.insert(row.id, row);
    }
    let mut identities: HashMap<Uuid, Vec<IdentityRow>> = HashMap::new();
    for row in store::profiles::identities(tx, scope, &members, IDENTITIES_MAX).await? {
        identities.entry(row.customer_id).or_default().push(row);
    }
    let mut tags: HashMap<Uuid, Vec<Tag>> = HashMap::new();
    for (customer, id, name, colour, rule) in store::profiles::tags(tx, scope, &members).await? {
        let tag = Tag { id: TagId::from_uuid(id), name, colour, automatic: rule.is_some() };
        tags.entry(customer).or_default().push(tag);
    }
    let said = ledger::decisions(tx, scope, &members).await?;
    let merged: Vec<CustomerId> = rows
        .values()
        .filter(|row| row.merged_into.is_some())
        .map(|row| CustomerId::from_uuid(row.id))
        .collect();
    // What the rest of their family said is theirs too.
    let withheld = match merged.as_slice() {
        [] => HashSet::new(),
        merged => ledger::withheld(tx, scope, merged, cx.now()).await?,
    };
    let mut profiles = Vec::with_capacity(ids.len());
    for id in &tops {
        let (Some(row), Some(family)) = (rows.get(id), families.get(id)) else { continue };
        let of_family = family.iter().filter_map(|member| identities.get(member)).flatten();
        let identities = shown(*id, of_family, keys)?;
        profiles.push(Profile {
            id: CustomerId::from_uuid(*id),
            name: names::under(&row.name, identities.iter(), cx.access.fields()),
            country: row.country.clone(),
            province: row.province.clone(),
            city: row.city.clone(),
            rating: row.rating.and_then(Rating::from_code),
            owner: row.owner.map(UserId::from_uuid),
            version: row.version,
            created_at: Timestamp::from_millis(row.created_at),
            merged_into: row.merged_into.map(CustomerId::from_uuid),
            is_withheld: match row.merged_into {
                Some(_) => withheld.contains(&CustomerId::from_uuid(*id)),
                None => !may_decide(&ledger::of_family(family, &said), cx.now()),
            },
            family: family.iter().copied().map(CustomerId::from_uuid).collect(),
            tags: merged_tags(family, &tags),
            identities,
        });
    }
    Ok(profiles)
}

fn merged_tags(family: &[Uuid], tags: &HashMap<Uuid, Vec<Tag>>) -> Vec<Tag> {
    let mut merged: Vec<Tag> =
        family.iter().filter_map(|member| tags.get(member)).flatten().cloned().collect();
    merged.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    merged.dedup_by_key(|tag| tag.id);
    merged
}

fn shown<'a>(
    top: Uuid,
    rows: impl Iterator<Item = &'a IdentityRow>,
    keys: &OrgKeys,
) -> Result<Vec<IdentityShown>, DbError> {
    let mut rows: Vec<&IdentityRow> = rows.collect();
    rows.sort_by_key(|row| (row.kind, row.first_seen_at));
    // Two members of a family may have the same phone: it is shown once, as of the first time.
    let mut seen: HashSet<(i64, &[u8])> = HashSet::new();
    rows.retain(|row| seen.insert((row.kind, &row.hash)));
    rows.into_iter()
        .filter_map(|row| Some((row, IdentityKind::from_code(row.kind)?)))
        .map(|(row, kind)| {
            Ok(IdentityShown {
                id: id_of(keys, top, row.kind, &row.hash),
                kind,
                space: AccountSpace::new(row.space),
                value: masked(kind, row.plain.as_deref(), row.sealed.as_deref(), keys)?,
                first_seen_at: Timestamp::from_millis(row.first_seen_at),
                by_hand: row.by_hand,
            })
        })
        .collect()
}

/// A stored identity as people may see it.
pub(crate) fn masked(
    kind: IdentityKind,
    plain: Option<&str>,
    sealed: Option<&[u8]>,
    keys: &OrgKeys,
) -> Result<String, DbError> {
    let value = match (plain, sealed) {
        (Some(plain), _) => plain.to_owned(),
        (None, Some(sealed)) => keys
            .open_text(kind.field(), sealed)
            .map_err(|error| DbError::Refused(format!("an identity: {error}")))?,
        (None, None) => String::new(),
    };
    Ok(match kind {
        IdentityKind::Account => mask::mask_account(&value),
        IdentityKind::Phone => mask::mask_phone(&value),
        IdentityKind::Email => mask::mask_email(&value),
    })
}

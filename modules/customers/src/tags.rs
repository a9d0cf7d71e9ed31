//! Tags, and putting them on customers by hand; `automatic` puts on those that have a rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kernel::{CustomerId, TagId, TypedId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, outbox};
use serde::Serialize;
use uuid::Uuid;

use crate::events::CustomersChangedV1;
use crate::history::Change;
pub use crate::profiles::Tag;
use crate::{fields, reach, roots, settings, store};

/// Customers of one bulk change.
pub const BULK_MAX: usize = 1_000;
/// Longest name of a tag, in characters.
pub const NAME_MAX: usize = 30;
/// Names of colours, as the web shows them.
pub const COLOURS: [&str; 9] =
    ["blue", "cyan", "green", "gold", "orange", "red", "magenta", "purple", "default"];

/// The name of a tag: 1 to 30 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagName(String);

impl std::str::FromStr for TagName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > NAME_MAX {
            return Err(format!("must be 1 to {NAME_MAX} characters"));
        }
        if text.contains(char::is_control) {
            return Err("must not contain control characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// The colour of a tag, one of [`COLOURS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(&'static str);

impl std::str::FromStr for Colour {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = COLOURS.iter().find(|colour| **colour == text);
        known
            .map(|colour| Self(colour))
            .ok_or_else(|| format!("must be one of {}", COLOURS.join(", ")))
    }
}

/// A tag and how many have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TagWithCount {
    /// Its id.
    pub id: TagId,
    /// Its name.
    pub name: String,
    /// Name of its colour.
    pub colour: String,
    /// Whether a rule puts it on and takes it off, and nobody by hand.
    pub automatic: bool,
    /// Customers who have it; a family counts once.
    pub customers: i64,
}

/// Why a change of tags was refused.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// A tag of this name is there, whatever the case of its letters.
    #[error("there is a tag `{0}` already")]
    Taken(String),
    /// The organisation has as many tags as it may.
    #[error("there can be at most {0} tags; delete one first, or raise the limit in the settings")]
    TooMany(u32),
    /// Tags that rules put on and take off.
    #[error("{} by a rule: change the rule, or turn it off on the page of tags to put the tag on by hand", automatic(.0))]
    Automatic(Vec<String>),
    /// There are no such tags.
    #[error("there is no tag {}", list(.0))]
    Unknown(Vec<TagId>),
    /// There are no such customers.
    #[error("there is no customer {}", list(.0))]
    UnknownCustomers(Vec<CustomerId>),
    /// Whoever asks may not put tags on or take them off.
    #[error("your role cannot change `customers.tags`")]
    ReadOnly,
    /// A tag cannot be put on and taken off at once.
    #[error("tag {} is to be put on and taken off at once", list(.0))]
    Both(Vec<TagId>),
    /// More customers than one change may have.
    #[error("at most {BULK_MAX} customers at once")]
    TooManyCustomers,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn list<T: ToString>(ids: &[T]) -> String {
    ids.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn automatic(names: &[String]) -> String {
    let verb =
        if names.len() == 1 { "is put on and taken off" } else { "are put on and taken off" };
    format!("{names:?} {verb}")
}

fn tag_of((id, name, colour, rule): store::tags::TagRow) -> Tag {
    Tag { id: TagId::from_uuid(id), name, colour, automatic: rule.is_some() }
}

/// All tags by name, with how many have them of those whom whoever asks sees.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, cx: &Ctx) -> Result<Vec<TagWithCount>, DbError> {
    let scope = cx.scope;
    if cx.access.fields().hide(fields::TAGS) {
        return Ok(Vec::new());
    }
    let mut counts: HashMap<Uuid, i64> = store::tags::counts(tx, cx).await?.into_iter().collect();
    let mut root_of = roots::all_merged(tx, scope).await?;
    let merged: Vec<Uuid> = root_of.keys().copied().collect();
    let within = reach::within(tx, cx, &merged).await?;
    root_of.retain(|id, _| within.contains(id));
    if !root_of.is_empty() {
        // A family that has a tag twice counts once.
        let merged: Vec<Uuid> = root_of.keys().copied().collect();
        let tops: Vec<Uuid> = root_of.values().copied().collect();
        let mut seen: HashSet<(Uuid, Uuid)> =
            store::engine::taggings(tx, scope, &roots::distinct(&tops))
                .await?
                .into_iter()
                .collect();
        for (customer, tag) in store::engine::taggings(tx, scope, &roots::distinct(&merged)).await?
        {
            if !seen.insert((root_of[&customer], tag)) {
                *counts.entry(tag).or_default() -= 1;
            }
        }
    }
    let tags = store::tags::all(tx, scope).await?;
    Ok(tags
        .into_iter()
        .map(|row| {
            let customers = counts.get(&row.0).copied().unwrap_or(0);
            let Tag { id, name, colour, automatic } = tag_of(row);
            TagWithCount { id, name, colour, automatic, customers }
        })
        .collect())
}

/// All tags by name, without counting.
///
/// # Errors
/// As the database says.
pub async fn plain(tx: &mut Tx, cx: &Ctx) -> Result<Vec<Tag>, DbError> {
    if cx.access.fields().hide(fields::TAGS) {
        return Ok(Vec::new());
    }
    Ok(store::tags::all(tx, cx.scope).await?.into_iter().map(tag_of).collect())
}

/// Makes a tag.
///
/// # Errors
/// `Taken`, `TooMany`.
pub async fn create(tx: &mut Tx, cx: &Ctx, name: TagName, colour: Colour) -> Result<Tag, TagError> {
    let folded = kernel::text::fold(&name.0);
    let present = store::tags::all(tx, cx.scope).await?;
    if let Some(known) = present.iter().find(|tag| kernel::text::fold(&tag.1) == folded) {
        return Err(TagError::Taken(known.1.clone()));
    }
    let most = settings::tags_max(tx, cx.scope).await?;
    let id: TagId = cx.fresh();
    let made = store::tags::create(tx, cx, id.uuid(), &name.0, colour.0, most.into()).await;
    match made {
        Ok(true) => {
            let entry = Entry::new("customers.tag.create")
                .on("tag", id)
                .with("name", &name.0)
                .with("colour", colour.0);
            audit::record(tx, cx, entry).await?;
            Ok(Tag { id, name: name.0, colour: colour.0.to_owned(), automatic: false })
        }
        Ok(false) => Err(TagError::TooMany(most)),
        Err(DbError::Duplicate { .. }) => Err(TagError::Taken(name.0)),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a tag and takes it off everyone.
///
/// # Errors
/// `Unknown`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, tag: TagId) -> Result<(), TagError> {
    let most = CustomersChangedV1::NAMED_MAX as i64 + 1;
    let holders = store::tags::holders(tx, cx.scope, tag.uuid(), most).await?;
    let ((_, name, colour, _), taggings) = store::tags::delete(tx, cx.scope, tag.uuid())
        .await?
        .ok_or_else(|| TagError::Unknown(vec![tag]))?;
    let holders = holders.into_iter().map(CustomerId::from_uuid).collect();
    outbox::push(tx, cx, &CustomersChangedV1::of(holders)).await?;
    let entry = Entry::new("customers.tag.delete")
        .on("tag", tag)
        .without("name", name)
        .without("colour", colour)
        .without("customers", taggings);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// What to do with the tags of some customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkChange {
    /// The customers, at most 1,000.
    pub customers: Vec<CustomerId>,
    /// Tags to put on.
    pub add: Vec<TagId>,
    /// Tags to take off.
    pub remove: Vec<TagId>,
}

/// Puts tags on many customers and takes tags off them; gives how many pairs of customer and tag
/// changed. What was there already, or was not there, stays as it is and is not counted.
///
/// # Errors
/// `Unknown`, `UnknownCustomers`, `Both`, `TooManyCustomers`; `Automatic` if one of the tags has a rule.
pub async fn change(tx: &mut Tx, cx: &Ctx, change: &BulkChange) -> Result<u64, TagError> {
    if change.customers.len() > BULK_MAX {
        return Err(TagError::TooManyCustomers);
    }
    let add: BTreeSet<Uuid> = change.add.iter().map(|tag| tag.uuid()).collect();
    let remove: BTreeSet<Uuid> = change.remove.iter().map(|tag| tag.uuid()).collect();
    let both: Vec<TagId> = add.intersection(&remove).copied().map(TagId::from_uuid).collect();
    if !both.is_empty() {
        return Err(TagError::Both(both));
    }
    let all: Vec<Uuid> = add.union(&remove).copied().collect();
    check_rule(cx)?;
    let tags = hold(tx, cx.scope, &all).await?;
    refuse_automatic(tags.values())?;
    let ids: Vec<Uuid> = change.customers.iter().map(|customer| customer.uuid()).collect();
    let tops = lock_roots(tx, cx, &ids).await?;
    let families = roots::families(tx, cx.scope, &tops).await?;
    let changed = apply(tx, cx, &families, &tags, |_| (add.clone(), remove.clone())).await?;
    if changed > 0 {
        let entry = Entry::new("customers.bulk.tag")
            .with("customers", tops.into_iter().map(CustomerId::from_uuid).collect::<Vec<_>>())
            .with("added", names(&tags, |id| add.contains(id)))
            .with("removed", names(&tags, |id| remove.contains(id)))
            .with("changed", changed);
        audit::record(tx, cx, entry).await?;
    }
    Ok(changed)
}

/// Names of those of `tags` that are `wanted`.
fn names(tags: &BTreeMap<Uuid, Tag>, wanted: impl Fn(&Uuid) -> bool) -> Vec<&str> {
    tags.iter().filter(|(id, _)| wanted(id)).map(|(_, tag)| tag.name.as_str()).collect()
}

/// Sets the tags of the family of `customer`; gives them by name.
///
/// # Errors
/// `Unknown`, `UnknownCustomers`; `Automatic` if an automatic tag would come or go by it.
pub async fn set(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    tags: &[TagId],
) -> Result<Vec<Tag>, TagError> {
    let wanted: BTreeSet<Uuid> = tags.iter().map(|tag| tag.uuid()).collect();
    check_rule(cx)?;
    let held = hold(tx, cx.scope, &wanted.iter().copied().collect::<Vec<_>>()).await?;
    let tops = lock_roots(tx, cx, &[customer.uuid()]).await?;
    let families = roots::families(tx, cx.scope, &tops).await?;
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let present: BTreeMap<Uuid, Tag> = store::profiles::tags(tx, cx.scope, &members)
        .await?
        .into_iter()
        .map(|(_, id, name, colour, rule)| (id, tag_of((id, name, colour, rule))))
        .collect();
    let differ = |id: &&Uuid| held.contains_key(*id) != present.contains_key(*id);
    refuse_automatic(held.iter().chain(&present).filter(|(id, _)| differ(id)).map(|(_, tag)| tag))?;
    let mut known = held.clone();
    known.extend(present.iter().map(|(id, tag)| (*id, tag.clone())));
    let changed = apply(tx, cx, &families, &known, |had| {
        (wanted.difference(had).copied().collect(), had.difference(&wanted).copied().collect())
    })
    .await?;
    if changed > 0 {
        let root = families.keys().next().map_or(customer, |root| CustomerId::from_uuid(*root));
        let entry = Entry::new("customers.customer.tag").on("customer", root).change(
            "tags",
            names(&present, |_| true),
            names(&held, |_| true),
        );
        audit::record(tx, cx, entry).await?;
    }
    let mut tags: Vec<Tag> = held.into_values().collect();
    tags.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(tags)
}

/// Either a rule decides who has a tag or people do.
fn refuse_automatic<'a>(tags: impl Iterator<Item = &'a Tag>) -> Result<(), TagError> {
    let names: Vec<String> = tags.filter(|tag| tag.automatic).map(|tag| tag.name.clone()).collect();
    if names.is_empty() { Ok(()) } else { Err(TagError::Automatic(names)) }
}

pub(crate) fn check_rule(cx: &Ctx) -> Result<(), TagError> {
    if cx.access.fields().let_change(fields::TAGS) { Ok(()) } else { Err(TagError::ReadOnly) }
}

async fn hold(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Tag>, TagError> {
    let rows = store::tags::hold(tx, scope, ids).await?;
    let found: BTreeMap<Uuid, Tag> = rows.into_iter().map(|row| (row.0, tag_of(row))).collect();
    let unknown: Vec<TagId> =
        ids.iter().filter(|id| !found.contains_key(id)).copied().map(TagId::from_uuid).collect();
    if unknown.is_empty() { Ok(found) } else { Err(TagError::Unknown(unknown)) }
}

async fn lock_roots(tx: &mut Tx, cx: &Ctx, ids: &[Uuid]) -> Result<Vec<Uuid>, TagError> {
    let root_of = roots::roots(tx, cx.scope, ids).await?;
    let tops: Vec<Uuid> = root_of.values().copied().collect();
    let tops = roots::distinct(&tops);
    // A root that is merged just now keeps its tags, so it need not be followed.
    let locked: HashSet<Uuid> =
        store::changes::lock(tx, cx, &tops).await?.into_iter().map(|row| row.id).collect();
    let unknown: Vec<CustomerId> = ids
        .iter()
        .filter(|id| root_of.get(id).is_none_or(|root| !locked.contains(root)))
        .copied()
        .map(CustomerId::from_uuid)
        .collect();
    if unknown.is_empty() { Ok(tops) } else { Err(TagError::UnknownCustomers(unknown)) }
}

/// Changes tags of families; `plan` says from the tags a family has what to put on and take off.
async fn apply(
    tx: &mut Tx,
    cx: &Ctx,
    families: &HashMap<Uuid, Vec<Uuid>>,
    names: &BTreeMap<Uuid, Tag>,
    plan: impl Fn(&BTreeSet<Uuid>) -> (BTreeSet<Uuid>, BTreeSet<Uuid>),
) -> Result<u64, TagError> {
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let mut had: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
    for (customer, tag) in store::engine::taggings(tx, cx.scope, &members).await? {
        had.entry(customer).or_default().insert(tag);
    }
    let (mut puts, mut offs) = (Vec::new(), BTreeMap::<Uuid, Vec<Uuid>>::new());
    let (mut happened, mut changed) = (Vec::new(), Vec::new());
    let mut pairs = 0;
    let mut tops: Vec<&Uuid> = families.keys().collect();
    tops.sort_unstable();
    for root in tops {
        let family = &families[root];
        let of_family: BTreeSet<Uuid> =
            family.iter().filter_map(|member| had.get(member)).flatten().copied().collect();
        let (add, remove) = plan(&of_family);
        let add: Vec<Uuid> = add.difference(&of_family).copied().collect();
        let remove: Vec<Uuid> = remove.intersection(&of_family).copied().collect();
        if add.is_empty() && remove.is_empty() {
            continue;
        }
        pairs += (add.len() + remove.len()) as u64;
        changed.push(*root);
        let named = |ids: &[Uuid]| -> Vec<String> {
            ids.iter().filter_map(|id| names.get(id)).map(|tag| tag.name.clone()).collect()
        };
        if !add.is_empty() {
            happened.push((*root, Change::Tag { tags: named(&add) }));
        }
        if !remove.is_empty() {
            happened.push((*root, Change::Untag { tags: named(&remove) }));
        }
        puts.extend(add.into_iter().map(|tag| (*root, tag)));
        for tag in remove {
            offs.entry(tag).or_default().extend(family);
        }
    }
    if changed.is_empty() {
        return Ok(0);
    }
    store::tags::put(tx, cx, &puts).await?;
    for (tag, customers) in offs {
        store::tags::take_off(tx, cx.scope, tag, &customers).await?;
    }
    store::changes::bump_versions(tx, cx.scope, cx.now(), &changed).await?;
    store::changes::tell(tx, cx, happened).await?;
    let changed = changed.into_iter().map(CustomerId::from_uuid).collect();
    outbox::push(tx, cx, &CustomersChangedV1::of(changed)).await?;
    Ok(pairs)
}

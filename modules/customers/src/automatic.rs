//! Automatic tags: what a tag follows, and putting it on and taking it off accordingly.
//!
//! A rule names an audience, of which this module knows nothing but the id: `flows::settle_tags` says who belongs to
//! it. What a rule puts on stands with the customer of that id alone, and not with the family, because audiences have
//! the roots as members: so a merge, and parting, take the tag along by what the audience then says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kernel::{AudienceId, CustomerId, FieldErrors, TagId, Timestamp, TypedId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, outbox};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::events::CustomersChangedV1;
use crate::history::Change;
use crate::profiles::Tag;
use crate::store::automatic::RuleRow;
use crate::tags::{TagError, check_rule};
use crate::{roots, settings, store};

/// Longest name or code of a product, in characters.
pub const PRODUCT_MAX: usize = 500;
/// The most orders a rule may ask for.
pub const ORDERS_MAX: u32 = 1_000;
/// The longest time a rule may look back, in days.
pub const DAYS_MAX: u32 = 36_525;

/// What a tag by products asks for: so many orders with one of them at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bought {
    /// Codes or titles of products; as many as the setting `tag_products_max` says.
    pub products: Vec<String>,
    /// Orders with a line of any of them, 1 to 1,000.
    pub orders: u32,
    /// Of the last so many days, today included, 1 to 36,525; of all time if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

impl Bought {
    /// Checks it, with `most` products; each is there once, without blanks around.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn checked(self, most: u32) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut products: Vec<String> = Vec::new();
        for product in self.products.iter().map(|product| product.trim()) {
            let wrong = product.is_empty()
                || product.chars().count() > PRODUCT_MAX
                || product.contains(char::is_control);
            if wrong {
                let why = format!("a product is 1 to {PRODUCT_MAX} characters on one line");
                errors.push("bought.products", why);
                break;
            }
            if !products.iter().any(|known| known == product) {
                products.push(product.to_owned());
            }
        }
        if products.is_empty() && errors.is_empty() {
            errors.push("bought.products", "choose one product at least");
        }
        if products.len() > most as usize {
            let why = format!("at most {most} products; the limit is one of the settings");
            errors.push("bought.products", why);
        }
        if !(1..=ORDERS_MAX).contains(&self.orders) {
            errors.push("bought.orders", format!("must be between 1 and {ORDERS_MAX}"));
        }
        if self.days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
            errors.push("bought.days", format!("must be between 1 and {DAYS_MAX}"));
        }
        errors.finish(|| Some(Self { products, ..self }))
    }
}

/// A tag that has a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRule {
    /// The tag.
    pub tag: Tag,
    /// The audience that it follows.
    pub audience: AudienceId,
    /// What it asks for, if the audience was made of that for this tag alone.
    pub bought: Option<Bought>,
    /// How often its customers were to be brought up to date.
    pub wanted: i64,
    /// The last of these that ended.
    pub done: i64,
    /// When that was, under the present rule.
    pub settled_at: Option<Timestamp>,
}

fn rule_of(row: RuleRow) -> Option<TagRule> {
    let audience = AudienceId::from_uuid(row.audience_id?);
    let bought = row.bought.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let tag =
        Tag { id: TagId::from_uuid(row.id), name: row.name, colour: row.colour, automatic: true };
    let settled_at = row.settled_at.map(Timestamp::from_millis);
    Some(TagRule { tag, audience, bought, wanted: row.wanted, done: row.done, settled_at })
}

/// All tags that have a rule, by name.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<TagRule>, DbError> {
    Ok(store::automatic::all(tx, scope).await?.into_iter().filter_map(rule_of).collect())
}

/// The rule of a tag; `None` if it has none, or there is no such tag.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, tag: TagId) -> Result<Option<TagRule>, DbError> {
    Ok(store::automatic::get(tx, scope, tag.uuid()).await?.and_then(rule_of))
}

/// The same, and nobody else changes the rule or follows it until the transaction ends.
///
/// # Errors
/// As the database says.
pub async fn hold(tx: &mut Tx, scope: Scope, tag: TagId) -> Result<Option<TagRule>, DbError> {
    Ok(store::automatic::hold(tx, scope, tag.uuid()).await?.and_then(rule_of))
}

/// The tags that follow an audience, in order of their ids.
///
/// # Errors
/// As the database says.
pub async fn following(
    tx: &mut Tx,
    scope: Scope,
    audience: AudienceId,
) -> Result<Vec<Tag>, DbError> {
    let rules = all(tx, scope).await?.into_iter().filter(|rule| rule.audience == audience);
    let mut tags: Vec<Tag> = rules.map(|rule| rule.tag).collect();
    tags.sort_unstable_by_key(|tag| tag.id);
    Ok(tags)
}

/// Checks what a tag by products shall ask for against the limit of the organisation.
///
/// # Errors
/// All wrong fields; otherwise as the database says.
pub async fn check_bought(
    tx: &mut Tx,
    scope: Scope,
    bought: Bought,
) -> Result<Result<Bought, FieldErrors>, DbError> {
    Ok(bought.checked(settings::tag_products_max(tx, scope).await?))
}

/// Gives a tag a rule, or another one; gives it. Who has the tag does not change yet.
///
/// # Errors
/// `Unknown`, `ReadOnly`.
pub async fn set(
    tx: &mut Tx,
    cx: &Ctx,
    tag: TagId,
    audience: AudienceId,
    bought: Option<&Bought>,
) -> Result<TagRule, TagError> {
    check_rule(cx)?;
    let unknown = || TagError::Unknown(vec![tag]);
    let row = store::automatic::hold(tx, cx.scope, tag.uuid()).await?.ok_or_else(unknown)?;
    let name = row.name.clone();
    let old = rule_of(row);
    let text = bought.map(json).transpose()?;
    store::automatic::set(tx, cx.scope, tag.uuid(), Some(audience.uuid()), text).await?;
    let mut entry = Entry::new("customers.tag.rule").on("tag", tag).with("name", name);
    entry = match &old {
        Some(old) if old.audience == audience => entry,
        old => entry.change("audience", old.as_ref().map(|old| old.audience), audience),
    };
    let old_bought = old.and_then(|old| old.bought);
    if old_bought.as_ref() != bought {
        entry = entry.change("bought", old_bought, bought);
    }
    audit::record(tx, cx, entry).await?;
    get(tx, cx.scope, tag).await?.ok_or_else(unknown)
}

/// Makes an automatic tag one that is put on by hand; whoever has it keeps it. Gives the rule it had, if it had one.
///
/// # Errors
/// `Unknown`, `ReadOnly`.
pub async fn clear(tx: &mut Tx, cx: &Ctx, tag: TagId) -> Result<Option<TagRule>, TagError> {
    check_rule(cx)?;
    let row = store::automatic::hold(tx, cx.scope, tag.uuid()).await?;
    let Some(old) = rule_of(row.ok_or_else(|| TagError::Unknown(vec![tag]))?) else {
        return Ok(None);
    };
    store::automatic::set(tx, cx.scope, tag.uuid(), None, None).await?;
    let entry = Entry::new("customers.tag.by_hand")
        .on("tag", tag)
        .with("name", &old.tag.name)
        .without("audience", old.audience)
        .without("bought", &old.bought);
    audit::record(tx, cx, entry).await?;
    Ok(Some(old))
}

fn json(bought: &Bought) -> Result<String, DbError> {
    serde_json::to_string(bought)
        .map_err(|error| DbError::Refused(format!("a rule cannot be written: {error}")))
}

/// Notes that all who have a tag, and all who should, are to be looked at again; gives the rule then, if there is one.
///
/// # Errors
/// As the database says.
pub async fn want(tx: &mut Tx, scope: Scope, tag: TagId) -> Result<Option<TagRule>, DbError> {
    store::automatic::want(tx, scope, tag.uuid()).await?;
    get(tx, scope, tag).await
}

/// Notes that the `wanted`-th look at everybody ended.
///
/// # Errors
/// As the database says.
pub async fn settled(tx: &mut Tx, cx: &Ctx, tag: TagId, wanted: i64) -> Result<(), DbError> {
    store::automatic::settled(tx, cx, tag.uuid(), wanted).await
}

/// Who has a tag with greater ids than `after`, in order, at most `limit`.
///
/// # Errors
/// As the database says.
pub async fn holders_after(
    tx: &mut Tx,
    scope: Scope,
    tag: TagId,
    after: Option<CustomerId>,
    limit: u32,
) -> Result<Vec<CustomerId>, DbError> {
    let after = after.map_or(Uuid::nil(), |id| id.uuid());
    let found = store::automatic::holders_after(tx, scope, tag.uuid(), after, limit).await?;
    Ok(found.into_iter().map(CustomerId::from_uuid).collect())
}

/// Puts a tag on those of `members` who belong to its audience and takes it off the others; gives how many changed.
/// The caller holds the tag ([`hold`]). Customers that are not there are left out. What is so already stays, so doing
/// it twice changes nothing and tells nothing.
///
/// # Errors
/// As the database says.
pub async fn follow(
    tx: &mut Tx,
    cx: &Ctx,
    tag: &Tag,
    members: &BTreeMap<CustomerId, bool>,
) -> Result<u64, DbError> {
    let ids: Vec<Uuid> = members.keys().map(|id| id.uuid()).collect();
    // Whoever tags by hand, merges or takes an import back holds these rows too.
    let locked = store::changes::lock(tx, cx, &ids).await?;
    let there: HashSet<Uuid> = locked.into_iter().map(|row| row.id).collect();
    let has = store::automatic::holders_among(tx, cx.scope, tag.id.uuid(), &ids).await?;
    let has: HashSet<Uuid> = has.into_iter().collect();
    let (mut on, mut off) = (BTreeSet::new(), BTreeSet::new());
    for (customer, is_in) in members {
        let id = customer.uuid();
        match (is_in, has.contains(&id)) {
            (true, false) if there.contains(&id) => drop(on.insert(id)),
            (false, true) => drop(off.insert(id)),
            _ => {}
        }
    }
    if on.is_empty() && off.is_empty() {
        return Ok(0);
    }
    let happened = turned(tx, cx.scope, tag, &on, &off).await?;
    let pairs: Vec<(Uuid, Uuid)> = on.iter().map(|id| (*id, tag.id.uuid())).collect();
    store::tags::put(tx, cx, &pairs).await?;
    let gone: Vec<Uuid> = off.iter().copied().collect();
    store::tags::take_off(tx, cx.scope, tag.id.uuid(), &gone).await?;
    store::changes::tell(tx, cx, happened).await?;
    let changed: Vec<CustomerId> = on.union(&off).copied().map(CustomerId::from_uuid).collect();
    let count = changed.len() as u64;
    outbox::push(tx, cx, &CustomersChangedV1::of(changed)).await?;
    Ok(count)
}

/// What the histories tell: a family gets a tag, or loses it. That another member of it has the tag now is no news.
async fn turned(
    tx: &mut Tx,
    scope: Scope,
    tag: &Tag,
    on: &BTreeSet<Uuid>,
    off: &BTreeSet<Uuid>,
) -> Result<Vec<(Uuid, Change)>, DbError> {
    let changed: Vec<Uuid> = on.union(off).copied().collect();
    let root_of = roots::roots(tx, scope, &changed).await?;
    let tops: Vec<Uuid> = root_of.values().copied().collect();
    let families: HashMap<Uuid, Vec<Uuid>> =
        roots::families(tx, scope, &roots::distinct(&tops)).await?;
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let had = store::automatic::holders_among(tx, scope, tag.id.uuid(), &members).await?;
    let had: HashSet<Uuid> = had.into_iter().collect();
    let mut happened = Vec::new();
    let mut told = HashSet::new();
    for id in changed {
        let Some((root, family)) = root_of.get(&id).and_then(|root| families.get_key_value(root))
        else {
            continue;
        };
        let before = family.iter().any(|member| had.contains(member));
        let keeps = |id: &Uuid| on.contains(id) || (had.contains(id) && !off.contains(id));
        let after = family.iter().any(keeps);
        if before == after || on.contains(&id) != after || !told.insert(*root) {
            continue;
        }
        let tags = vec![tag.name.clone()];
        happened.push((id, if after { Change::Tag { tags } } else { Change::Untag { tags } }));
    }
    Ok(happened)
}

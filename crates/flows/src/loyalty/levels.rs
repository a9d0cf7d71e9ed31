//! Levels as pages see them: where a customer stands in every scheme, how it came to that, and changes by hand.

use kernel::{Currency, Cursor, CustomerId, LevelSchemeId, Limit, Page, Person, Timestamp};
use loyalty::levels::LevelsError;
use loyalty::levels::hand::{self, HandDeed};
use loyalty::levels::membership::{self, Change};
use loyalty::levels::rules::{Level, Measure, Rules};
use loyalty::levels::scheme::{self, Scheme};
use loyalty::levels::what_if::{self, WhatIf};
use platform::{Ctx, ListError, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Family, MemberError, family};
use crate::fields;
use crate::people::People;

/// Changes by hand that are shown of one customer and scheme.
const DEEDS: usize = 50;

/// Where a customer stands in a scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerLevel {
    /// The scheme.
    pub scheme: LevelSchemeId,
    /// Its name.
    pub name: String,
    /// Of its amounts.
    pub currency: Currency,
    /// What is measured.
    pub measure: Measure,
    /// Over so many days; null: of all time.
    pub window_days: Option<u32>,
    /// The names of its levels, from the lowest to the highest; their ranks are 1, 2, 3 …
    pub ranks: Vec<String>,
    /// The rank of the customer; 0 is no level.
    pub rank: usize,
    /// What that level gives.
    pub level: Option<Level>,
    /// Since when.
    pub since: Timestamp,
    /// Until when it is valid at least; in the past while the grace runs.
    pub valid_until: Option<Timestamp>,
    /// Whether it was pinned by hand.
    pub pinned: bool,
    /// The rank that is earned now.
    pub earned: usize,
    /// Whether a person can set it to what is earned.
    pub releasable: bool,
    /// Minor units or orders that count now; null where amounts are hidden.
    pub measured: Option<i64>,
    /// The next level; null at the highest.
    pub next: Option<Level>,
    /// So much is missing to it, in minor units or orders; null where amounts are hidden.
    pub to_next: Option<i64>,
    /// What was done by hand, the newest first; the newest 50.
    pub deeds: Vec<LevelDeedView>,
}

/// Something done by hand to a level, with the name of who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelDeedView {
    /// What was done.
    #[serde(flatten)]
    pub deed: HandDeed,
    /// Who did it.
    pub actor_person: Option<Person>,
}

/// Where `customer` stands in every scheme, by the names of the schemes.
///
/// # Errors
/// `NoCustomer`.
pub async fn of_customer(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
) -> Result<Vec<CustomerLevel>, MemberError> {
    let family = family(tx, cx, customer).await?;
    let mut all = Vec::new();
    for scheme in scheme::all(tx, cx.scope).await? {
        all.push(standing(tx, cx, &scheme, &family).await?);
    }
    Ok(all)
}

async fn standing(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    family: &Family,
) -> Result<CustomerLevel, MemberError> {
    let stands = membership::of(tx, cx, scheme, family.root).await?;
    let (_, rules) = scheme.at(cx.now());
    let (is_hidden, measured) = match rules.measure {
        Measure::Amount => (cx.access.fields().hide(fields::AMOUNTS), stands.amount_minor),
        Measure::Orders => (false, stands.orders),
    };
    let by_hand = rules.downgrade == loyalty::levels::rules::Downgrade::Hand;
    Ok(CustomerLevel {
        scheme: scheme.id,
        name: scheme.name.clone(),
        currency: scheme.currency,
        measure: rules.measure,
        window_days: rules.window_days,
        ranks: rules.levels.iter().map(|level| level.name.clone()).collect(),
        rank: stands.rank,
        level: rules.level(stands.rank).cloned(),
        since: stands.since,
        valid_until: stands.valid_until,
        pinned: stands.pinned,
        earned: stands.earned,
        releasable: stands.pinned || (by_hand && stands.earned < stands.rank),
        measured: (!is_hidden).then_some(measured),
        next: rules.levels.get(stands.rank.max(stands.earned)).cloned(),
        to_next: stands.to_next.filter(|_| !is_hidden),
        deeds: deeds(tx, cx, scheme, family).await?,
    })
}

async fn deeds(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: &Scheme,
    family: &Family,
) -> Result<Vec<LevelDeedView>, MemberError> {
    let keys = cx.keys();
    let mut found = Vec::new();
    for member in &family.members {
        found.extend(hand::deeds(tx, cx.scope, &keys, scheme, *member).await?);
    }
    found.sort_by_key(|deed| std::cmp::Reverse(deed.at));
    found.truncate(DEEDS);
    let people = People::look_up(tx, cx, &keys, found.iter().map(|deed| deed.actor)).await?;
    let hides_reasons = cx.access.fields().hide(fields::NOTES);
    let views = found.into_iter().map(|mut deed| {
        // Whoever wrote it may have written what notes tell.
        deed.reason = deed.reason.filter(|_| !hides_reasons);
        LevelDeedView { actor_person: people.get(deed.actor), deed }
    });
    Ok(views.collect())
}

/// A change of a level, with names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelChangeView {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// The name that the rank before had in the version that held then; null for rank 0.
    pub from_name: Option<String>,
    /// The name of the rank after.
    pub to_name: Option<String>,
    /// Who did it; null for the program itself.
    pub actor_person: Option<Person>,
}

async fn scheme_of(tx: &mut Tx, cx: &Ctx, id: LevelSchemeId) -> Result<Scheme, MemberError> {
    Ok(scheme::get(tx, cx.scope, id).await?.ok_or(LevelsError::NoScheme)?)
}

/// How `customer` came to the level that they have, the newest change first.
///
/// # Errors
/// `NoCustomer`, `NoScheme`, `Cursor`.
pub async fn history(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    scheme: LevelSchemeId,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<LevelChangeView>, MemberError> {
    let before: Option<i64> = after.map(Cursor::decode).transpose().map_err(ListError::from)?;
    let family = family(tx, cx, customer).await?;
    let scheme = scheme_of(tx, cx, scheme).await?;
    let changes = membership::history(tx, cx.scope, &scheme, family.root, before, limit).await?;
    // A page that is full may be the last one: the next is empty then.
    let next = (changes.len() == limit.get()).then(|| changes.last()).flatten();
    let next = next.filter(|change| change.revision > 1);
    let next = next.map(|change| Cursor::encode(&change.revision));
    let people =
        People::look_up(tx, cx, &cx.keys(), changes.iter().map(|change| change.actor)).await?;
    let name = |version: i64, rank: usize| {
        let held = scheme.versions.iter().find(|held| held.version == version)?;
        held.rules.level(rank).map(|level| level.name.clone())
    };
    let items = changes.into_iter().map(|change| LevelChangeView {
        from_name: name(change.version, change.from),
        to_name: name(change.version, change.to),
        actor_person: people.get(change.actor),
        change,
    });
    Ok(Page { items: items.collect(), next })
}

/// A level to be pinned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinBody {
    /// The rank; 0 is no level.
    pub rank: usize,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Why a level is released.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Pins the level of `customer` by hand, or, without a rank, releases it; tells where they stand then.
///
/// # Errors
/// `NoCustomer`, `NoScheme`; as [`hand::pin`] and [`hand::release`].
pub async fn set_by_hand(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    scheme: LevelSchemeId,
    rank: Option<usize>,
    reason: &str,
) -> Result<CustomerLevel, MemberError> {
    let family = family(tx, cx, customer).await?;
    let scheme = scheme_of(tx, cx, scheme).await?;
    match rank {
        Some(rank) => hand::pin(tx, cx, &scheme, family.root, rank, reason).await?,
        None => hand::release(tx, cx, &scheme, family.root, reason).await?,
    }
    standing(tx, cx, &scheme, &family).await
}

/// How many customers have a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelCount {
    /// The rank; 0 is no level.
    pub rank: usize,
    /// Its name; null for rank 0.
    pub name: Option<String>,
    /// So many customers have it.
    pub customers: i64,
}

/// How many customers have each level of a scheme; of none, those who bought or had a level once.
///
/// # Errors
/// `NoScheme`.
pub async fn counts(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: LevelSchemeId,
) -> Result<Vec<LevelCount>, MemberError> {
    let scheme = scheme_of(tx, cx, scheme).await?;
    let found = membership::counts(tx, cx.scope, &scheme).await?;
    let levels = scheme.rules.levels.len();
    // An older version may have had more levels.
    let most = found.keys().copied().max().unwrap_or(0).max(levels);
    let counted = (0..=most).map(|rank| LevelCount {
        rank,
        name: scheme.rules.levels.get(rank.wrapping_sub(1)).map(|level| level.name.clone()),
        customers: found.get(&rank).copied().unwrap_or(0),
    });
    Ok(counted.collect())
}

/// How many would move if level `rank` of a scheme began at `bound`.
///
/// # Errors
/// `NoScheme`; as [`what_if::what_if`].
pub async fn what_if(
    tx: &mut Tx,
    cx: &Ctx,
    scheme: LevelSchemeId,
    rank: usize,
    bound: i64,
) -> Result<WhatIf, MemberError> {
    let scheme = scheme_of(tx, cx, scheme).await?;
    Ok(what_if::what_if(tx, cx, &scheme, rank, bound).await?)
}

/// What a scheme may begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelDefaults {
    /// The four usual levels by what was paid in a year.
    #[schema(value_type = loyalty::levels::rules::Rules)]
    pub by_amount: Rules,
    /// The same by orders.
    #[schema(value_type = loyalty::levels::rules::Rules)]
    pub by_orders: Rules,
    /// The least that members may pay where a shop is on a platform that has a floor, in basis points.
    pub floor_bps: i64,
}

/// What a scheme of all shops may begin with.
///
/// # Errors
/// As the database says.
pub async fn defaults(tx: &mut Tx, cx: &Ctx) -> Result<LevelDefaults, MemberError> {
    Ok(LevelDefaults {
        by_amount: Rules::by_amount(),
        by_orders: Rules::by_orders(),
        floor_bps: crate::settle_levels::floor_bps(tx, cx, &[]).await?,
    })
}

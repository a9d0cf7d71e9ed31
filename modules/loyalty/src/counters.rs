//! How often something was used, and that it is never used more often than its limits allow.
//!
//! A limit is one row, raised by one statement that does nothing if the limit would be passed. Nothing is checked
//! before it is written, so it does not matter who looks at the same time. Rows are always taken in the order of
//! [`CounterKind`], then of owner and key, so that two transactions never wait for each other in a circle.

use std::collections::BTreeMap;

use kernel::ShopId;
use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Holder;

/// What a counter counts; in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CounterKind {
    /// Claims of a definition.
    ClaimTotal,
    /// Claims on a day.
    ClaimDay,
    /// Claims of a customer.
    ClaimPerson,
    /// Uses of a definition or promotion.
    UseTotal,
    /// Minor units given.
    Budget,
    /// Uses in a shop.
    UseShop,
    /// Uses on a day.
    UseDay,
    /// Uses of a customer.
    UsePerson,
    /// Uses of a customer on a day.
    UsePersonDay,
}

const KINDS: [(CounterKind, &str); 9] = [
    (CounterKind::ClaimTotal, "claim_total"),
    (CounterKind::ClaimDay, "claim_day"),
    (CounterKind::ClaimPerson, "claim_person"),
    (CounterKind::UseTotal, "use_total"),
    (CounterKind::Budget, "budget"),
    (CounterKind::UseShop, "use_shop"),
    (CounterKind::UseDay, "use_day"),
    (CounterKind::UsePerson, "use_person"),
    (CounterKind::UsePersonDay, "use_person_day"),
];

impl CounterKind {
    /// The name, as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {limit} ({}) is reached", kind.name())]
pub struct Full {
    /// Which of the limits.
    pub kind: CounterKind,
    /// Of which definition or promotion.
    pub owner: Uuid,
    /// The limit.
    pub limit: i64,
}

/// Why a counter was not raised.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error(transparent)]
    Full(#[from] Full),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How often something may be used. Absent: without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = UseLimits)]
pub struct Limits {
    /// By everybody.
    pub total: Option<u32>,
    /// In each shop.
    pub per_shop: Option<u32>,
    /// On each day.
    pub per_day: Option<u32>,
    /// By each person, with all that were merged into them.
    pub per_person: Option<u32>,
    /// By each person on each day.
    pub per_person_per_day: Option<u32>,
}

impl Limits {
    /// Which limits there are; what was live may change how high they are, not which there are, since what was
    /// not counted cannot be limited.
    #[must_use]
    pub fn shape(&self) -> [bool; 5] {
        [self.total, self.per_shop, self.per_day, self.per_person, self.per_person_per_day]
            .map(|limit| limit.is_some())
    }
}

/// Where and for whom something is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub shop: ShopId,
    /// Days since 1970 in the zone of the shop.
    pub day: i64,
    pub holder: &'a Holder,
}

/// One counter to be raised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Take {
    pub kind: CounterKind,
    pub owner: Uuid,
    pub key: String,
    pub amount: i64,
    pub limit: i64,
    /// The keys of all whose uses count together, sorted; empty if `key` stands alone.
    pub family: Vec<String>,
}

impl Take {
    pub(crate) fn new(kind: CounterKind, owner: Uuid, key: String, limit: Option<u32>) -> Self {
        let limit = limit.map_or(i64::MAX, i64::from);
        Self { kind, owner, key, amount: 1, limit, family: Vec::new() }
    }

    /// One of a customer, which counts together with its family.
    pub(crate) fn of_person(
        kind: CounterKind,
        owner: Uuid,
        (customer, suffix): (Uuid, &str),
        holder: &Holder,
        limit: u32,
    ) -> Self {
        let key = |id: &Uuid| format!("{}{suffix}", id.simple());
        let mut take = Self::new(kind, owner, key(&customer), Some(limit));
        if holder.members().len() > 1 {
            take.family = holder.members().iter().map(key).collect();
            take.family.sort_unstable();
        }
        take
    }

    /// What one use by `customer`, of the holder, takes; `always` counts the total also without a limit.
    pub(crate) fn of_use(
        owner: Uuid,
        limits: &Limits,
        occasion: Occasion<'_>,
        customer: Uuid,
        always: bool,
    ) -> Vec<Self> {
        use CounterKind as Kind;
        let mut takes = Vec::new();
        if always || limits.total.is_some() {
            takes.push(Self::new(Kind::UseTotal, owner, String::new(), limits.total));
        }
        if limits.per_shop.is_some() {
            let shop = kernel::TypedId::uuid(occasion.shop).simple().to_string();
            takes.push(Self::new(Kind::UseShop, owner, shop, limits.per_shop));
        }
        if limits.per_day.is_some() {
            takes.push(Self::new(Kind::UseDay, owner, occasion.day.to_string(), limits.per_day));
        }
        if let Some(limit) = limits.per_person {
            let person = (customer, "");
            takes.push(Self::of_person(Kind::UsePerson, owner, person, occasion.holder, limit));
        }
        if let Some(limit) = limits.per_person_per_day {
            let suffix = format!("/{}", occasion.day);
            let person = (customer, suffix.as_str());
            takes.push(Self::of_person(Kind::UsePersonDay, owner, person, occasion.holder, limit));
        }
        takes
    }

    /// `minor` of a budget.
    pub(crate) fn of_budget(owner: Uuid, minor: i64, budget_minor: i64) -> Self {
        let take = Self::new(CounterKind::Budget, owner, String::new(), None);
        Self { amount: minor, limit: budget_minor, ..take }
    }
}

/// Raises all counters, in their order. If one is full, what was raised must be rolled back.
pub(crate) async fn take(tx: &mut Tx, scope: Scope, takes: &mut [Take]) -> Result<(), TakeError> {
    takes.sort_unstable();
    for take in takes.iter() {
        let full = || Full { kind: take.kind, owner: take.owner, limit: take.limit };
        if take.amount > take.limit {
            return Err(full().into());
        }
        if !take.family.is_empty() {
            let used = lock_family(tx, scope, take).await?;
            if used.saturating_add(take.amount) > take.limit {
                return Err(full().into());
            }
        }
        let raised = tx
            .execute(
                "INSERT INTO loyalty_counters (org_id, owner_id, kind, key, used, bound)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (org_id, owner_id, kind, key) DO UPDATE
                    SET used = loyalty_counters.used + excluded.used, bound = excluded.bound
                  WHERE loyalty_counters.used <= excluded.bound - excluded.used",
                args![
                    scope.org_arg(),
                    take.owner,
                    take.kind.name(),
                    take.key.as_str(),
                    take.amount,
                    take.limit
                ],
            )
            .await?;
        if raised == 0 {
            return Err(full().into());
        }
    }
    Ok(())
}

/// Locks the rows of a family in the order of their keys; gives their sum.
async fn lock_family(tx: &mut Tx, scope: Scope, take: &Take) -> Result<i64, DbError> {
    for key in &take.family {
        tx.execute(
            "INSERT INTO loyalty_counters (org_id, owner_id, kind, key, used, bound)
             VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (org_id, owner_id, kind, key) DO NOTHING",
            args![scope.org_arg(), take.owner, take.kind.name(), key, take.limit],
        )
        .await?;
    }
    let (list, values) = in_list(4, take.family.iter().map(Arg::from).collect());
    let lock = if tx.is_postgres() { " FOR UPDATE" } else { "" };
    let mut arguments = args![scope.org_arg(), take.owner, take.kind.name()];
    arguments.extend(values);
    let sql = AssertSqlSafe(format!(
        "SELECT used FROM loyalty_counters WHERE org_id = $1 AND owner_id = $2 AND kind = $3
            AND key IN ({list}) ORDER BY key{lock}"
    ));
    let rows: Vec<(i64,)> = tx.fetch_all(sql, arguments).await?;
    Ok(rows.iter().fold(0_i64, |sum, (used,)| sum.saturating_add(*used)))
}

/// Lowers a counter by what was taken.
pub(crate) async fn give_back(
    tx: &mut Tx,
    scope: Scope,
    (kind, owner, key): (&str, Uuid, &str),
    amount: i64,
) -> Result<(), DbError> {
    let lowered = tx
        .execute(
            "UPDATE loyalty_counters SET used = used - $5
              WHERE org_id = $1 AND owner_id = $2 AND kind = $3 AND key = $4 AND used >= $5",
            args![scope.org_arg(), owner, kind, key, amount],
        )
        .await?;
    if lowered == 1 { Ok(()) } else { Err(broken("a counter would fall below zero")) }
}

pub(crate) fn broken(what: &str) -> DbError {
    DbError::Refused(format!("the books of coupons would break: {what}; nothing was written"))
}

/// How often something was used already, as a quote wants to know it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CounterUsed)]
pub struct Used {
    /// By everybody, if that is counted.
    pub total: i64,
    /// Minor units given of the budget.
    pub spent_minor: i64,
    /// In the shop.
    pub shop: i64,
    /// On the day.
    pub day: i64,
    /// By the holder.
    pub person: i64,
    /// By the holder on the day.
    pub person_day: i64,
}

/// How often each of `owners` (definitions, promotions; at most 500) was used in `shop`, on `day` (days since 1970
/// in its zone) and by `holder`.
///
/// # Errors
/// As the database says.
pub async fn used(
    tx: &mut Tx,
    scope: Scope,
    owners: &[Uuid],
    (shop, day, holder): (ShopId, i64, &Holder),
) -> Result<BTreeMap<Uuid, Used>, DbError> {
    let shop = kernel::TypedId::uuid(shop).simple().to_string();
    let persons: Vec<String> = holder.members().iter().map(|id| id.simple().to_string()).collect();
    let person_days: Vec<String> = persons.iter().map(|person| format!("{person}/{day}")).collect();
    let day = day.to_string();
    let mut keys = vec![String::new(), shop.clone(), day.clone()];
    keys.extend(persons.iter().chain(&person_days).cloned());
    let mut found: BTreeMap<Uuid, Used> = BTreeMap::new();
    for owners in owners.chunks(100) {
        let mut arguments = args![scope.org_arg()];
        let (owner_list, values) = in_list(2, owners.iter().map(|id| Arg::from(*id)).collect());
        arguments.extend(values);
        let (key_list, values) = in_list(arguments.len() + 1, keys.iter().map(Arg::from).collect());
        arguments.extend(values);
        let sql = AssertSqlSafe(format!(
            "SELECT owner_id, kind, key, used FROM loyalty_counters
              WHERE org_id = $1 AND owner_id IN ({owner_list}) AND key IN ({key_list}) AND kind IN
                    ('use_total', 'budget', 'use_shop', 'use_day', 'use_person', 'use_person_day')"
        ));
        let rows: Vec<(Uuid, String, String, i64)> = tx.fetch_all(sql, arguments).await?;
        for (owner, kind, key, used) in rows {
            let sums = found.entry(owner).or_default();
            match CounterKind::parse(&kind) {
                Some(CounterKind::UseTotal) => sums.total = used,
                Some(CounterKind::Budget) => sums.spent_minor = used,
                Some(CounterKind::UseShop) if key == shop => sums.shop = used,
                Some(CounterKind::UseDay) if key == day => sums.day = used,
                Some(CounterKind::UsePerson) if persons.contains(&key) => sums.person += used,
                Some(CounterKind::UsePersonDay) if person_days.contains(&key) => {
                    sums.person_day += used;
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// How often something was used and claimed by everybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CounterTotals)]
pub struct Totals {
    /// Uses that orders hold or have.
    pub uses: i64,
    /// Claims, by button or code.
    pub claims: i64,
    /// Minor units given of the budget.
    pub spent_minor: i64,
}

/// How often each of `owners` (at most 500) was used and claimed by everybody; none that never was.
///
/// # Errors
/// As the database says.
pub async fn totals(
    tx: &mut Tx,
    scope: Scope,
    owners: &[Uuid],
) -> Result<BTreeMap<Uuid, Totals>, DbError> {
    let mut found: BTreeMap<Uuid, Totals> = BTreeMap::new();
    for owners in owners.chunks(100) {
        let (list, values) = in_list(2, owners.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = AssertSqlSafe(format!(
            "SELECT owner_id, kind, used FROM loyalty_counters
              WHERE org_id = $1 AND owner_id IN ({list}) AND key = ''
                AND kind IN ('use_total', 'claim_total', 'budget')"
        ));
        let rows: Vec<(Uuid, String, i64)> = tx.fetch_all(sql, arguments).await?;
        for (owner, kind, used) in rows {
            let totals = found.entry(owner).or_default();
            match CounterKind::parse(&kind) {
                Some(CounterKind::UseTotal) => totals.uses = used,
                Some(CounterKind::ClaimTotal) => totals.claims = used,
                Some(CounterKind::Budget) => totals.spent_minor = used,
                _ => {}
            }
        }
    }
    Ok(found)
}

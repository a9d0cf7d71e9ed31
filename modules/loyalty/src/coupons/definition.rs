//! Definitions of coupons, and their versions.

use kernel::{CouponDefinitionId, FieldErrors, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::db::args::in_list;
use platform::retention::DAY_MILLIS;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{CouponError, code};
use crate::counters::{Limits, Used};
use crate::rules::{
    self, Beside, KEY_MAX_BYTES, LEVELS_MAX, OfferState, RefundRule, check_budget, checked_name,
    json, unreadable,
};

/// Definitions of one organisation.
pub const DEFINITIONS_MAX: i64 = 10_000;
/// Days for which a coupon may be valid from its claim.
pub const DAYS_MAX: u16 = 3_660;
/// What a coupon may give: kinds of `pricing`.
pub const BENEFITS: [&str; 5] = ["amount_off", "percent_off", "tiered", "free_shipping", "gift"];

/// What a definition says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponRules {
    /// What it gives (`kind`), for what and whom, on which days and hours: the fields of [`pricing::Promotion`] but
    /// for those that stand beside (id, name, coupon, period, limits, budget).
    pub terms: Value,
    /// How often its coupons may be used.
    #[serde(default)]
    pub uses: Limits,
    /// How many may be claimed.
    #[serde(default)]
    pub claims: ClaimLimits,
    /// When a coupon may be used.
    pub validity: Validity,
    /// Whether customers may take one for themselves.
    #[serde(default)]
    pub is_claimable: bool,
    /// When coupons may be claimed; and a code that everybody may know, used.
    #[serde(default)]
    pub window: Window,
    /// Levels whose customers may claim; none named: all.
    #[serde(default)]
    pub levels: Vec<String>,
    /// What all its coupons together may take off, in minor units. A use that would pass it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_minor: Option<i64>,
    /// What happens when the order is refunded.
    pub refund: RefundRule,
    /// A code that everybody may know and use without a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// How many coupons may be claimed, by button or by code. What is given to an audience does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimLimits {
    /// By everybody.
    pub total: Option<u32>,
    /// On each day.
    pub per_day: Option<u32>,
    /// By each person, with all that were merged into them.
    pub per_person: Option<u32>,
}

/// When a coupon may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// Between two moments.
    Fixed {
        /// The first.
        from: Option<Timestamp>,
        /// The first moment after it.
        until: Option<Timestamp>,
    },
    /// For so many times 24 hours from its claim.
    Days {
        /// How many.
        days: u16,
    },
}

impl Validity {
    /// From when until when a coupon is valid that was claimed at `claimed`.
    #[must_use]
    pub fn of_claim(self, claimed: Timestamp) -> (Timestamp, Option<Timestamp>) {
        match self {
            Self::Fixed { from, until } => (from.unwrap_or(claimed), until),
            Self::Days { days } => {
                (claimed, Some(claimed.plus_millis(i64::from(days) * DAY_MILLIS)))
            }
        }
    }
}

/// A time; open where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ClaimWindow)]
pub struct Window {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether `now` is within.
    #[must_use]
    pub fn has(self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

impl CouponRules {
    fn beside<'a>(&self, id: String, name: &'a str, budget_left_minor: Option<i64>) -> Beside<'a> {
        // Each coupon has a time of its own, which the reservation looks at.
        let period = pricing::Period::default();
        Beside { id, name, is_coupon: true, period, uses: self.uses, budget_left_minor }
    }

    fn check(&self, errors: &mut FieldErrors) {
        let beside = self.beside("new".to_owned(), "", self.budget_minor);
        rules::check_terms(&self.terms, &beside, errors);
        let kind = self.terms.pointer("/kind/type").and_then(Value::as_str);
        if kind.is_some_and(|kind| !BENEFITS.contains(&kind)) {
            errors.push("terms.kind.type", format!("must be one of {}", BENEFITS.join(", ")));
        }
        check_budget(self.budget_minor, errors);
        let pairs = match self.validity {
            Validity::Fixed { from, until } => [("validity", from, until), ("window", None, None)],
            Validity::Days { days } => {
                if !(1..=DAYS_MAX).contains(&days) {
                    errors.push("validity.days", format!("must be 1 to {DAYS_MAX}"));
                }
                [("validity", None, None), ("window", self.window.from, self.window.until)]
            }
        };
        for (field, from, until) in pairs {
            if from.zip(until).is_some_and(|(from, until)| until <= from) {
                errors.push(format!("{field}.until"), "must be after its beginning");
            }
        }
        let is_long = |level: &String| level.is_empty() || level.len() > KEY_MAX_BYTES;
        if self.levels.len() > LEVELS_MAX || self.levels.iter().any(is_long) {
            errors.push(
                "levels",
                format!("at most {LEVELS_MAX}, each of at most {KEY_MAX_BYTES} bytes"),
            );
        }
        let is_bad = |entered: &String| {
            code::normalise(entered).is_none_or(|code| !(4..=32).contains(&code.len()))
        };
        if self.code.as_ref().is_some_and(is_bad) {
            errors.push("code", "must be 4 to 32 letters and digits of English");
        }
    }

    fn frozen(&self, next: &Self) -> Option<&'static str> {
        let claims = |rules: &Self| {
            [rules.claims.total, rules.claims.per_day, rules.claims.per_person]
                .map(|limit| limit.is_some())
        };
        if self.uses.shape() != next.uses.shape() {
            return Some("limits of uses");
        }
        if claims(self) != claims(next) {
            return Some("limits of claims");
        }
        (self.budget_minor.is_some() != next.budget_minor.is_some()).then_some("a budget")
    }
}

/// A definition of coupons.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = CouponDefinition)]
pub struct Definition {
    /// Its id.
    pub id: CouponDefinitionId,
    /// Its name, of which there is one in an organisation.
    pub name: String,
    /// Where it is in its life.
    pub state: OfferState,
    /// Its newest version.
    pub version: i64,
    /// What that says.
    pub rules: CouponRules,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Definition {
    /// The coupon as pricing takes it, whose id is that of the definition; `used` as [`crate::counters::used`] gives
    /// it. Limits of shops and days are not pricing's: the reservation holds them.
    ///
    /// # Errors
    /// `Refused` if the stored terms are not sound for this program.
    pub fn promotion(&self, used: &Used) -> Result<pricing::Promotion, DbError> {
        let left = self.rules.budget_minor.map(|budget| (budget - used.spent_minor).max(0));
        let beside = self.rules.beside(self.id.to_string(), &self.name, left);
        rules::promotion(&self.rules.terms, &beside).map_err(unreadable)
    }
}

/// A definition to be made.
#[derive(Debug, Clone, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCouponDefinition)]
pub struct NewDefinition {
    /// Its name.
    pub name: String,
    /// What it says.
    pub rules: CouponRules,
}

fn checked(new: &NewDefinition) -> Result<String, CouponError> {
    let mut errors = FieldErrors::default();
    let name = checked_name(&new.name, &mut errors);
    new.rules.check(&mut errors);
    Ok(errors.finish(|| Some(name))?)
}

fn digest_of(cx: &Ctx, rules: &CouponRules) -> Option<Vec<u8>> {
    let code = rules.code.as_deref().and_then(code::normalise)?;
    Some(code::digest(&cx.keys(), &code))
}

fn taken(error: DbError, name: &str) -> CouponError {
    match error {
        DbError::Duplicate { constraint } if constraint.contains("code") => CouponError::CodeTaken,
        DbError::Duplicate { .. } => CouponError::NameTaken(name.to_owned()),
        error => error.into(),
    }
}

/// Makes a definition, as a draft.
///
/// # Errors
/// `Fields`, `NameTaken`, `CodeTaken`, `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewDefinition,
) -> Result<CouponDefinitionId, CouponError> {
    let name = checked(new)?;
    let id: CouponDefinitionId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_coupon_definitions
                 (org_id, id, name, state, version, rules, code_digest, created_by, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, 'draft', 1, $4, $5, $6, $7
              WHERE (SELECT COUNT(*) FROM loyalty_coupon_definitions WHERE org_id = $1) < $8",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                name.as_str(),
                json(&new.rules)?,
                digest_of(cx, &new.rules),
                cx.scope.user_id(),
                cx.now(),
                DEFINITIONS_MAX
            ],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if made != 1 {
        return Err(CouponError::TooMany(DEFINITIONS_MAX));
    }
    add_version(tx, cx, id, 1, &new.rules).await?;
    let entry = Entry::new("loyalty.coupon.create").on("coupon", id).with("name", &name);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

async fn add_version(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponDefinitionId,
    version: i64,
    rules: &CouponRules,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO loyalty_coupon_versions (org_id, definition_id, version, rules, from_at, actor)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![cx.scope.org_arg(), id.uuid(), version, json(rules)?, cx.now(), cx.scope.user_id()],
    )
    .await
    .map(drop)
}

/// Gives a definition a new version, if `version` is still its newest. It holds at once, also for coupons that
/// somebody has; only their time of validity stays. Limits may be raised and lowered; which there are stays as it
/// was, once it was live.
///
/// # Errors
/// `Fields`, `NoDefinition`, `Changed`, `NameTaken`, `CodeTaken`, `Frozen`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponDefinitionId,
    version: i64,
    new: &NewDefinition,
) -> Result<(), CouponError> {
    let name = checked(new)?;
    let old = get(tx, cx.scope, id).await?.ok_or(CouponError::NoDefinition)?;
    if let Some(what) = old.rules.frozen(&new.rules).filter(|_| old.state != OfferState::Draft) {
        return Err(CouponError::Frozen(what));
    }
    let changed = tx
        .execute(
            "UPDATE loyalty_coupon_definitions
                SET name = $3, rules = $4, code_digest = $5, version = version + 1
              WHERE org_id = $1 AND id = $2 AND version = $6 AND state = $7",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                name.as_str(),
                json(&new.rules)?,
                digest_of(cx, &new.rules),
                version,
                old.state.name()
            ],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if changed != 1 {
        return Err(CouponError::Changed(old.version));
    }
    add_version(tx, cx, id, version + 1, &new.rules).await?;
    let entry = Entry::new("loyalty.coupon.change")
        .on("coupon", id)
        .change("name", &old.name, &name)
        .change("version", version, version + 1);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Moves a definition through its life. What is stopped gives nothing more; who has a coupon may still use it. What
/// has ended cannot be used either.
///
/// # Errors
/// `NoDefinition`, `WrongState`.
pub async fn set_state(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponDefinitionId,
    next: OfferState,
) -> Result<(), CouponError> {
    let old = get(tx, cx.scope, id).await?.ok_or(CouponError::NoDefinition)?;
    if old.state == next {
        return Ok(());
    }
    let changed = match old.state.may_become(next) {
        false => 0,
        true => {
            tx.execute(
                "UPDATE loyalty_coupon_definitions SET state = $3
                  WHERE org_id = $1 AND id = $2 AND state = $4",
                args![cx.scope.org_arg(), id.uuid(), next.name(), old.state.name()],
            )
            .await?
        }
    };
    if changed != 1 {
        return Err(CouponError::WrongState(old.state.name()));
    }
    let entry =
        Entry::new("loyalty.coupon.state").on("coupon", id).change("state", old.state, next);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    state: String,
    version: i64,
    rules: String,
    created_at: i64,
}

impl Row {
    fn read(self) -> Result<Definition, DbError> {
        Ok(Definition {
            id: CouponDefinitionId::from_uuid(self.id),
            name: self.name,
            state: OfferState::parse(&self.state)?,
            version: self.version,
            rules: serde_json::from_str(&self.rules).map_err(unreadable)?,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

const COLUMNS: &str = "SELECT id, name, state, version, rules, created_at
    FROM loyalty_coupon_definitions WHERE org_id = $1";

async fn one(tx: &mut Tx, tail: &str, arguments: Vec<Arg>) -> Result<Option<Definition>, DbError> {
    let sql = AssertSqlSafe(format!("{COLUMNS} AND {tail}"));
    tx.fetch_optional::<Row>(sql, arguments).await?.map(Row::read).transpose()
}

/// The definition of an id.
///
/// # Errors
/// As the database says.
pub async fn get(
    tx: &mut Tx,
    scope: Scope,
    id: CouponDefinitionId,
) -> Result<Option<Definition>, DbError> {
    one(tx, "id = $2", args![scope.org_arg(), id.uuid()]).await
}

/// The definition whose public code has this digest.
pub(super) async fn of_code(
    tx: &mut Tx,
    scope: Scope,
    digest: &[u8],
) -> Result<Option<Definition>, DbError> {
    one(tx, "code_digest = $2", args![scope.org_arg(), digest]).await
}

/// The definitions of `ids`, at most 512.
pub(super) async fn of_ids(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<Definition>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (list, values) = in_list(2, ids.iter().take(512).map(|id| Arg::from(*id)).collect());
    let mut arguments = args![scope.org_arg()];
    arguments.extend(values);
    let sql = AssertSqlSafe(format!("{COLUMNS} AND id IN ({list})"));
    tx.fetch_all::<Row>(sql, arguments).await?.into_iter().map(Row::read).collect()
}

/// A page of definitions, the newest first: up to `limit` behind `after`.
///
/// # Errors
/// As the database says.
pub async fn page(
    tx: &mut Tx,
    scope: Scope,
    after: Option<CouponDefinitionId>,
    limit: u32,
) -> Result<Vec<Definition>, DbError> {
    let mut arguments = args![scope.org_arg(), limit.min(200)];
    let behind = after.map_or("", |_| "AND id < $3");
    arguments.extend(after.map(|id| Arg::from(id.uuid())));
    let sql = AssertSqlSafe(format!("{COLUMNS} {behind} ORDER BY id DESC LIMIT $2"));
    tx.fetch_all::<Row>(sql, arguments).await?.into_iter().map(Row::read).collect()
}

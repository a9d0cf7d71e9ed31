//! Promotions and their versions.

use kernel::{FieldErrors, PromotionId, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{PromotionError, stamp};
use crate::counters::{Limits, Used};
use crate::rules::{self, Beside, OfferState, check_budget, checked_name, json, unreadable};
use crate::versions::{self, VersionOf};

/// Promotions of one organisation.
pub const PROMOTIONS_MAX: i64 = 20_000;
/// Promotions that may be live at once; what one quote may look at.
pub const LIVE_MAX: i64 = 300;

/// What a promotion says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionRules {
    /// What it gives, for what and whom: the fields of [`pricing::Promotion`] but for those that stand beside (id, name,
    /// coupon, period, limits, budget).
    pub terms: Value,
    /// From when on it can be used.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// Until when.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// How often it may be used.
    #[serde(default)]
    pub uses: Limits,
    /// What it may take off in all, in minor units. A use that would pass it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_minor: Option<i64>,
    /// Whether its use counts on when the order is refunded as a whole.
    #[serde(default)]
    pub keeps_uses: bool,
}

impl PromotionRules {
    fn beside<'a>(&self, id: String, name: &'a str, budget_left_minor: Option<i64>) -> Beside<'a> {
        let period = pricing::Period { starts_at: self.starts_at, ends_at: self.ends_at };
        Beside { id, name, is_coupon: false, period, uses: self.uses, budget_left_minor }
    }

    fn check(&self, errors: &mut FieldErrors) {
        let beside = self.beside("new".to_owned(), "", self.budget_minor);
        rules::check_terms(&self.terms, &beside, errors);
        check_budget(self.budget_minor, errors);
        if self.starts_at.zip(self.ends_at).is_some_and(|(starts, ends)| ends <= starts) {
            errors.push("ends_at", "must be after its beginning");
        }
    }

    /// What pricing takes of rules that are not kept: nothing of their budget is used.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn drafted(&self, id: String, name: &str) -> Result<pricing::Promotion, FieldErrors> {
        let mut errors = FieldErrors::default();
        self.check(&mut errors);
        errors.finish(|| Some(()))?;
        rules::promotion(&self.terms, &self.beside(id, name, self.budget_minor))
    }

    /// Whether it can be used at `now`.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.starts_at.is_none_or(|starts| starts <= now)
            && self.ends_at.is_none_or(|ends| now < ends)
    }
}

/// A promotion as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = StoredPromotion)]
pub struct Promotion {
    /// Its id.
    pub id: PromotionId,
    /// Its name, of which there is one in an organisation.
    pub name: String,
    /// Where it is in its life.
    pub state: OfferState,
    /// Its newest version.
    pub version: i64,
    /// What that says.
    pub rules: PromotionRules,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Promotion {
    /// The promotion as pricing takes it; `used` as [`crate::counters::used`] gives it. Limits of shops and days are
    /// not pricing's: the reservation holds them.
    ///
    /// # Errors
    /// `Refused` if the stored terms are not sound for this program.
    pub fn promotion(&self, used: &Used) -> Result<pricing::Promotion, DbError> {
        let left = self.rules.budget_minor.map(|budget| (budget - used.spent_minor).max(0));
        let beside = self.rules.beside(self.id.to_string(), &self.name, left);
        rules::promotion(&self.rules.terms, &beside).map_err(unreadable)
    }
}

/// A promotion to be made.
#[derive(Debug, Clone, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPromotion {
    /// Its name.
    pub name: String,
    /// What it says.
    pub rules: PromotionRules,
}

fn checked(new: &NewPromotion) -> Result<String, PromotionError> {
    let mut errors = FieldErrors::default();
    let name = checked_name(&new.name, &mut errors);
    new.rules.check(&mut errors);
    Ok(errors.finish(|| Some(name))?)
}

fn taken(error: DbError, name: &str) -> PromotionError {
    match error {
        DbError::Duplicate { .. } => PromotionError::NameTaken(name.to_owned()),
        error => error.into(),
    }
}

/// Makes a promotion, as a draft.
///
/// # Errors
/// `Fields`, `NameTaken`, `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewPromotion,
) -> Result<PromotionId, PromotionError> {
    let name = checked(new)?;
    let id: PromotionId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_promotions
                 (org_id, id, name, state, version, rules, created_by, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, 'draft', 1, $4, $5, $6
              WHERE (SELECT COUNT(*) FROM loyalty_promotions WHERE org_id = $1) < $7",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                name.as_str(),
                json(&new.rules)?,
                cx.scope.user_id(),
                cx.now(),
                PROMOTIONS_MAX
            ],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if made != 1 {
        return Err(PromotionError::TooMany(PROMOTIONS_MAX));
    }
    VersionOf::Promotion.add(tx, cx, id.uuid(), 1, cx.now(), &new.rules).await?;
    crate::jobs::look_soon(tx, cx).await?;
    let entry = Entry::new("loyalty.promotion.create").on("promotion", id).with("name", &name);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

/// Gives a promotion a new version, if `version` is still its newest; it holds at once. Which limits there are stays
/// as it was, once it was live.
///
/// # Errors
/// `Fields`, `NoPromotion`, `Changed`, `NameTaken`, `Frozen`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: PromotionId,
    version: i64,
    new: &NewPromotion,
) -> Result<(), PromotionError> {
    let name = checked(new)?;
    versions::room(version)?;
    let old = get(tx, cx.scope, id).await?.ok_or(PromotionError::NoPromotion)?;
    if old.state == OfferState::Ended {
        return Err(PromotionError::WrongState(old.state.name()));
    }
    if old.state != OfferState::Draft {
        if old.rules.uses.shape() != new.rules.uses.shape() {
            return Err(PromotionError::Frozen("limits of uses"));
        }
        if old.rules.budget_minor.is_some() != new.rules.budget_minor.is_some() {
            return Err(PromotionError::Frozen("a budget"));
        }
    }
    let changed = tx
        .execute(
            "UPDATE loyalty_promotions SET name = $3, rules = $4, version = version + 1
              WHERE org_id = $1 AND id = $2 AND version = $5 AND state = $6",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                name.as_str(),
                json(&new.rules)?,
                version,
                old.state.name()
            ],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if changed != 1 {
        return Err(PromotionError::Changed(old.version));
    }
    VersionOf::Promotion.add(tx, cx, id.uuid(), version + 1, cx.now(), &new.rules).await?;
    stamp::turn(tx, cx.scope).await?;
    let entry = Entry::new("loyalty.promotion.change")
        .on("promotion", id)
        .change("name", &old.name, &name)
        .change("version", version, version + 1);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Moves a promotion through its life.
///
/// # Errors
/// `NoPromotion`, `WrongState`, `TooMany` live at once.
pub async fn set_state(
    tx: &mut Tx,
    cx: &Ctx,
    id: PromotionId,
    next: OfferState,
) -> Result<(), PromotionError> {
    let old = get(tx, cx.scope, id).await?.ok_or(PromotionError::NoPromotion)?;
    if old.state == next {
        return Ok(());
    }
    if !old.state.may_become(next) {
        return Err(PromotionError::WrongState(old.state.name()));
    }
    let changed = tx
        .execute(
            "UPDATE loyalty_promotions SET state = $3
              WHERE org_id = $1 AND id = $2 AND state = $4 AND ($3 <> 'live' OR
                    (SELECT COUNT(*) FROM loyalty_promotions WHERE org_id = $1 AND state = 'live') < $5)",
            args![cx.scope.org_arg(), id.uuid(), next.name(), old.state.name(), LIVE_MAX],
        )
        .await?;
    if changed != 1 {
        return Err(PromotionError::TooMany(LIVE_MAX));
    }
    stamp::turn(tx, cx.scope).await?;
    let entry =
        Entry::new("loyalty.promotion.state").on("promotion", id).change("state", old.state, next);
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
    fn read(self) -> Result<Promotion, DbError> {
        Ok(Promotion {
            id: PromotionId::from_uuid(self.id),
            name: self.name,
            state: OfferState::parse(&self.state)?,
            version: self.version,
            rules: serde_json::from_str(&self.rules).map_err(unreadable)?,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

const COLUMNS: &str = "SELECT id, name, state, version, rules, created_at
    FROM loyalty_promotions WHERE org_id = $1";

/// The promotion of an id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: PromotionId) -> Result<Option<Promotion>, DbError> {
    let sql = AssertSqlSafe(format!("{COLUMNS} AND id = $2"));
    let row: Option<Row> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    row.map(Row::read).transpose()
}

/// All that are live, by id; also those that begin later.
///
/// # Errors
/// As the database says.
pub async fn live(tx: &mut Tx, scope: Scope) -> Result<Vec<Promotion>, DbError> {
    let sql = AssertSqlSafe(format!("{COLUMNS} AND state = 'live' ORDER BY id LIMIT $2"));
    let rows: Vec<Row> = tx.fetch_all(sql, args![scope.org_arg(), LIVE_MAX]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// A page of promotions, the newest first: up to `limit` behind `after`, in `state` if one is given.
///
/// # Errors
/// As the database says.
pub async fn page(
    tx: &mut Tx,
    scope: Scope,
    state: Option<OfferState>,
    (after, limit): (Option<PromotionId>, u32),
) -> Result<Vec<Promotion>, DbError> {
    let mut arguments = args![scope.org_arg(), limit.min(501)];
    let mut sql = COLUMNS.to_owned();
    if let Some(state) = state {
        arguments.push(state.name().into());
        sql.push_str(&format!(" AND state = ${}", arguments.len()));
    }
    if let Some(after) = after {
        arguments.push(Arg::from(after.uuid()));
        sql.push_str(&format!(" AND id < ${}", arguments.len()));
    }
    let sql = AssertSqlSafe(format!("{sql} ORDER BY id DESC LIMIT $2"));
    tx.fetch_all::<Row>(sql, arguments).await?.into_iter().map(Row::read).collect()
}

/// Ends the live promotions whose time is over, so that they make room; gives how many.
///
/// # Errors
/// As the database says.
pub async fn end_due(tx: &mut Tx, cx: &Ctx) -> Result<u64, DbError> {
    let over = live(tx, cx.scope).await?;
    let mut ended = 0;
    let is_over = |found: &Promotion| found.rules.ends_at.is_some_and(|ends| ends <= cx.now());
    for promotion in over.iter().filter(|found| is_over(found)) {
        ended += tx
            .execute(
                "UPDATE loyalty_promotions SET state = 'ended'
                  WHERE org_id = $1 AND id = $2 AND state = 'live' AND version = $3",
                args![cx.scope.org_arg(), promotion.id.uuid(), promotion.version],
            )
            .await?;
    }
    if ended > 0 {
        stamp::turn(tx, cx.scope).await?;
    }
    Ok(ended)
}

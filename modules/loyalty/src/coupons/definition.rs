//! Definitions of coupons, and their versions.

use kernel::{CouponDefinitionId, FieldErrors, Timestamp, TypedId as _, UserId};
use platform::audit::{self, Entry};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{CouponError, CouponRules, code};
use crate::counters::Used;
use crate::rules::{self, OfferState, checked_name, json, unreadable};
use crate::versions::{self, VersionOf};

/// Definitions of one organisation.
pub const DEFINITIONS_MAX: i64 = 10_000;

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
    VersionOf::Coupon.add(tx, cx, id.uuid(), 1, cx.now(), &new.rules).await?;
    crate::jobs::look_soon(tx, cx).await?;
    let entry = Entry::new("loyalty.coupon.create").on("coupon", id).with("name", &name);
    audit::record(tx, cx, entry).await?;
    Ok(id)
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
    versions::room(version)?;
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
    VersionOf::Coupon.add(tx, cx, id.uuid(), version + 1, cx.now(), &new.rules).await?;
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

/// A page of definitions, of `state` if it is said, the newest first: up to `limit` behind `after`.
///
/// # Errors
/// As the database says.
pub async fn page(
    tx: &mut Tx,
    scope: Scope,
    state: Option<OfferState>,
    (after, limit): (Option<CouponDefinitionId>, u32),
) -> Result<Vec<Definition>, DbError> {
    let mut arguments = args![scope.org_arg(), limit.min(201)];
    let mut conditions = String::new();
    if let Some(state) = state {
        arguments.push(state.name().into());
        conditions.push_str(&format!(" AND state = ${}", arguments.len()));
    }
    if let Some(after) = after {
        arguments.push(after.uuid().into());
        conditions.push_str(&format!(" AND id < ${}", arguments.len()));
    }
    let sql = AssertSqlSafe(format!("{COLUMNS}{conditions} ORDER BY id DESC LIMIT $2"));
    tx.fetch_all::<Row>(sql, arguments).await?.into_iter().map(Row::read).collect()
}

/// What a definition said from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = CouponDefinitionVersion)]
pub struct DefinitionVersion {
    /// 1, 2, 3 …
    pub version: i64,
    /// What it said.
    pub rules: CouponRules,
    /// From when on.
    pub from: Timestamp,
    /// Who wrote it; null for the program itself.
    pub actor: Option<UserId>,
}

/// The newest 100 versions of a definition, the newest first.
///
/// # Errors
/// As the database says.
pub async fn versions(
    tx: &mut Tx,
    scope: Scope,
    id: CouponDefinitionId,
) -> Result<Vec<DefinitionVersion>, DbError> {
    let rows: Vec<(i64, String, i64, Option<Uuid>)> = tx
        .fetch_all(
            "SELECT version, rules, from_at, actor FROM loyalty_coupon_versions
              WHERE org_id = $1 AND definition_id = $2 ORDER BY version DESC LIMIT 100",
            args![scope.org_arg(), id.uuid()],
        )
        .await?;
    rows.into_iter()
        .map(|(version, rules, from, actor)| {
            Ok(DefinitionVersion {
                version,
                rules: serde_json::from_str(&rules).map_err(unreadable)?,
                from: Timestamp::from_millis(from),
                actor: actor.map(UserId::from_uuid),
            })
        })
        .collect()
}

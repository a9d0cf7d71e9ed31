//! Schemes of levels, and their versions.

use kernel::{Currency, FieldErrors, LevelSchemeId, ShopId, Timestamp, TypedId as _, Zone};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::rules::Rules;
use super::{LevelsError, jobs};
use crate::rules::json;
use crate::versions::{self, VersionOf, Which};

/// Schemes of one organisation.
pub const SCHEMES_MAX: i64 = 20;
/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Shops that one scheme names.
pub const SHOPS_MAX: usize = 500;

/// What a scheme says, from when on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LevelSchemeVersion)]
pub struct Version {
    /// 1, 2, 3 …
    pub version: i64,
    /// From this moment on, until the next version.
    pub from: Timestamp,
    /// What it says.
    pub rules: Rules,
}

/// A scheme of levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LevelScheme)]
pub struct Scheme {
    /// Its id.
    pub id: LevelSchemeId,
    /// Its name, of which there is one in an organisation.
    pub name: String,
    /// Of the amounts it looks at; orders in another currency do not count.
    pub currency: Currency,
    /// The shops whose orders count; none named: all.
    pub shops: Vec<ShopId>,
    /// In which days are told.
    #[schema(value_type = i32)]
    pub zone: Zone,
    /// When it was made: nobody has a level before. Orders paid before count, if they are in the window.
    pub since: Timestamp,
    /// The newest version.
    pub version: i64,
    /// What it says.
    pub rules: Rules,
    /// All versions, the oldest first; in lists the newest alone.
    pub versions: Vec<Version>,
}

impl Scheme {
    /// What held at `at`: its version and rules.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> (i64, &Rules) {
        let found = self.versions.iter().rev().find(|version| version.from <= at);
        let found = found.or(self.versions.first());
        found.map_or((self.version, &self.rules), |version| (version.version, &version.rules))
    }

    /// Whether orders of `shop` in `currency` count.
    #[must_use]
    pub fn covers(&self, shop: ShopId, currency: Currency) -> bool {
        self.currency == currency && (self.shops.is_empty() || self.shops.contains(&shop))
    }
}

/// A scheme to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewScheme {
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// Its shops.
    pub shops: Vec<ShopId>,
    /// Its zone.
    pub zone: Zone,
    /// What it says.
    pub rules: Rules,
}

fn checked(name: &str, rules: &Rules, floor_bps: i64, errors: &mut FieldErrors) -> String {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
        errors.push("name", format!("must be 1 to {NAME_MAX} characters on one line"));
    }
    if let Err(wrong) = rules.check(floor_bps) {
        for error in wrong.into_vec() {
            errors.push(format!("rules.{}", error.field), error.message);
        }
    }
    name.to_owned()
}

fn unreadable(error: impl std::fmt::Display) -> DbError {
    DbError::Refused(format!("a scheme of levels is unreadable: {error}"))
}

fn taken(error: DbError, name: &str) -> LevelsError {
    match error {
        DbError::Duplicate { .. } => LevelsError::NameTaken(name.to_owned()),
        error => error.into(),
    }
}

/// Makes a scheme, which begins now. `floor_bps`: see [`Rules::check`].
///
/// # Errors
/// `Fields`, `NameTaken`, `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewScheme,
    floor_bps: i64,
) -> Result<LevelSchemeId, LevelsError> {
    let mut errors = FieldErrors::default();
    let name = checked(&new.name, &new.rules, floor_bps, &mut errors);
    if new.shops.len() > SHOPS_MAX {
        errors.push("shops", format!("at most {SHOPS_MAX}"));
    }
    errors.finish(|| Some(()))?;
    let id: LevelSchemeId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_schemes
                 (org_id, id, name, currency, shops, zone_seconds, since, version, created_by, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, $6, $7, 1, $8, $7
              WHERE (SELECT COUNT(*) FROM loyalty_schemes WHERE org_id = $1) < $9",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                name.as_str(),
                new.currency.code(),
                json(&new.shops)?,
                new.zone.offset_seconds(),
                cx.now(),
                cx.scope.user_id(),
                SCHEMES_MAX
            ],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if made != 1 {
        return Err(LevelsError::TooMany(SCHEMES_MAX));
    }
    VersionOf::Scheme.add(tx, cx, id.uuid(), 1, cx.now(), &new.rules).await?;
    jobs::look_soon(tx, cx).await?;
    let entry = Entry::new("loyalty.scheme.create").on("scheme", id).with("name", &name);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

/// Gives a scheme a new version from now on, if `version` is still its newest. The job then looks at all its members.
///
/// # Errors
/// `Fields`, `NoScheme`, `Changed`, `NameTaken`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: LevelSchemeId,
    version: i64,
    name: &str,
    rules: &Rules,
    floor_bps: i64,
) -> Result<(), LevelsError> {
    let mut errors = FieldErrors::default();
    let name = checked(name, rules, floor_bps, &mut errors);
    errors.finish(|| Some(()))?;
    versions::room(version)?;
    let old = get(tx, cx.scope, id).await?.ok_or(LevelsError::NoScheme)?;
    let changed = tx
        .execute(
            "UPDATE loyalty_schemes SET name = $3, version = version + 1
              WHERE org_id = $1 AND id = $2 AND version = $4",
            args![cx.scope.org_arg(), id.uuid(), name.as_str(), version],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if changed != 1 {
        return Err(LevelsError::Changed(old.version));
    }
    // Two edits of one moment: the later one begins behind the earlier, so that each version held for a while.
    let last = old.versions.last().map_or(old.since, |last| last.from.plus_millis(1));
    VersionOf::Scheme.add(tx, cx, id.uuid(), version + 1, cx.now().max(last), rules).await?;
    let entry = Entry::new("loyalty.scheme.change")
        .on("scheme", id)
        .change("name", &old.name, &name)
        .change("version", version, version + 1);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    currency: String,
    shops: String,
    zone_seconds: i64,
    since: i64,
    version: i64,
}

/// All schemes, by name.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<Scheme>, DbError> {
    read(tx, scope, None, Which::All).await
}

/// All schemes, by name, each with its newest version alone: what a list shows.
///
/// # Errors
/// As the database says.
pub async fn newest(tx: &mut Tx, scope: Scope) -> Result<Vec<Scheme>, DbError> {
    read(tx, scope, None, Which::Newest).await
}

/// The scheme of an id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: LevelSchemeId) -> Result<Option<Scheme>, DbError> {
    Ok(read(tx, scope, Some(id), Which::All).await?.pop())
}

async fn read(
    tx: &mut Tx,
    scope: Scope,
    only: Option<LevelSchemeId>,
    which: Which,
) -> Result<Vec<Scheme>, DbError> {
    let (of_row, of_version) =
        if only.is_some() { ("AND id = $2", "AND scheme_id = $2") } else { ("", "") };
    let newest = match which {
        Which::All => "",
        Which::Newest => {
            "AND version = (SELECT of.version FROM loyalty_schemes of
                             WHERE of.org_id = v.org_id AND of.id = v.scheme_id)"
        }
    };
    let mut arguments = args![scope.org_arg()];
    arguments.extend(only.map(|id| id.uuid().into()));
    let rows: Vec<Row> = tx
        .fetch_all(
            AssertSqlSafe(format!(
                "SELECT id, name, currency, shops, zone_seconds, since, version
                   FROM loyalty_schemes WHERE org_id = $1 {of_row} ORDER BY name, id"
            )),
            arguments.clone(),
        )
        .await?;
    let versions: Vec<(Uuid, i64, i64, String)> = tx
        .fetch_all(
            AssertSqlSafe(format!(
                "SELECT scheme_id, version, from_at, rules FROM loyalty_scheme_versions v
                  WHERE org_id = $1 {of_version} {newest} ORDER BY scheme_id, version"
            )),
            arguments,
        )
        .await?;
    rows.into_iter().map(|row| scheme(row, &versions)).collect()
}

fn scheme(row: Row, versions: &[(Uuid, i64, i64, String)]) -> Result<Scheme, DbError> {
    let versions: Vec<Version> = versions
        .iter()
        .filter(|(id, ..)| *id == row.id)
        .map(|(_, version, from, rules)| {
            let rules = serde_json::from_str(rules).map_err(unreadable)?;
            Ok(Version { version: *version, from: Timestamp::from_millis(*from), rules })
        })
        .collect::<Result<_, DbError>>()?;
    let newest = versions.last().ok_or_else(|| unreadable("it has no version"))?;
    let zone = i32::try_from(row.zone_seconds).ok().and_then(Zone::from_offset_seconds);
    Ok(Scheme {
        id: LevelSchemeId::from_uuid(row.id),
        currency: row.currency.parse().map_err(unreadable)?,
        shops: serde_json::from_str(&row.shops).map_err(unreadable)?,
        zone: zone.ok_or_else(|| unreadable("its zone"))?,
        since: Timestamp::from_millis(row.since),
        version: row.version,
        rules: newest.rules.clone(),
        name: row.name,
        versions,
    })
}

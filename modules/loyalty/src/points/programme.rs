//! Programmes of points, and their versions.

use kernel::{Currency, FieldErrors, ProgrammeId, ShopId, Timestamp, TypedId as _, Zone};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::PointsError;
use super::rules::Rules;
use crate::rules::{checked_name, json};
use crate::versions::{self, VersionOf, Which};

/// Programmes of one organisation.
pub const PROGRAMMES_MAX: i64 = 50;
/// Shops that one programme names.
pub const SHOPS_MAX: usize = 500;

/// What a programme says, from when on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsProgrammeVersion)]
pub struct Version {
    /// 1, 2, 3 …
    pub version: i64,
    /// Orders paid from this moment on are judged by it, until the next version.
    pub from: Timestamp,
    /// What it says.
    pub rules: Rules,
}

/// A programme of points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsProgramme)]
pub struct Programme {
    /// Its id.
    pub id: ProgrammeId,
    /// Its name, of which there is one in an organisation.
    pub name: String,
    /// Of the amounts it looks at; orders in another currency earn nothing.
    pub currency: Currency,
    /// The shops whose orders earn; none named: all.
    pub shops: Vec<ShopId>,
    /// In which days are told.
    #[schema(value_type = i32)]
    pub zone: Zone,
    /// Orders paid before earn nothing.
    pub since: Timestamp,
    /// The newest version.
    pub version: i64,
    /// What it says.
    pub rules: Rules,
    /// All versions, the oldest first; in lists the newest alone.
    pub versions: Vec<Version>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Programme {
    /// What held at `at`: the version by which an order that was paid then is judged.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> (i64, &Rules) {
        let found = self.versions.iter().rev().find(|version| version.from <= at);
        let found = found.or(self.versions.first());
        found.map_or((self.version, &self.rules), |version| (version.version, &version.rules))
    }

    /// Whether orders of `shop` in `currency` earn.
    #[must_use]
    pub fn covers(&self, shop: ShopId, currency: Currency) -> bool {
        self.currency == currency && (self.shops.is_empty() || self.shops.contains(&shop))
    }
}

/// A programme to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProgramme {
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// Its shops.
    pub shops: Vec<ShopId>,
    /// Its zone.
    pub zone: Zone,
    /// Orders paid before earn nothing.
    pub since: Timestamp,
    /// What it says.
    pub rules: Rules,
}

fn unreadable(error: impl std::fmt::Display) -> DbError {
    DbError::Refused(format!("a programme of points is unreadable: {error}"))
}

fn checked(name: &str, rules: &Rules, errors: &mut FieldErrors) -> String {
    let name = checked_name(name, errors);
    if let Err(wrong) = rules.check() {
        for error in wrong.into_vec() {
            errors.push(format!("rules.{}", error.field), error.message);
        }
    }
    name
}

/// Makes a programme.
///
/// # Errors
/// `Fields`, `NameTaken`, `TooMany`.
pub async fn create(tx: &mut Tx, cx: &Ctx, new: &NewProgramme) -> Result<ProgrammeId, PointsError> {
    let mut errors = FieldErrors::default();
    let name = checked(&new.name, &new.rules, &mut errors);
    if new.shops.len() > SHOPS_MAX {
        errors.push("shops", format!("at most {SHOPS_MAX}"));
    }
    errors.finish(|| Some(()))?;
    let id: ProgrammeId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_programmes
                 (org_id, id, name, currency, shops, zone_seconds, since, version, created_by, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, $6, $7, 1, $8, $9
              WHERE (SELECT COUNT(*) FROM loyalty_programmes WHERE org_id = $1) < $10",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                name.as_str(),
                new.currency.code(),
                json(&new.shops)?,
                new.zone.offset_seconds(),
                new.since,
                cx.scope.user_id(),
                cx.now(),
                PROGRAMMES_MAX
            ],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if made != 1 {
        return Err(PointsError::TooMany(PROGRAMMES_MAX));
    }
    // Orders that were paid before it was made are judged by the first version, too.
    VersionOf::Programme.add(tx, cx, id.uuid(), 1, new.since.min(cx.now()), &new.rules).await?;
    super::jobs::look_soon(tx, cx).await?;
    let entry = Entry::new("loyalty.programme.create").on("programme", id).with("name", &name);
    audit::record(tx, cx, entry).await?;
    Ok(id)
}

fn taken(error: DbError, name: &str) -> PointsError {
    match error {
        DbError::Duplicate { .. } => PointsError::NameTaken(name.to_owned()),
        error => error.into(),
    }
}

/// Gives a programme a new version, if `version` is still its newest. Orders paid before now are judged as before.
///
/// # Errors
/// `Fields`, `NoProgramme`, `Changed`, `NameTaken`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: ProgrammeId,
    version: i64,
    name: &str,
    rules: &Rules,
) -> Result<(), PointsError> {
    let mut errors = FieldErrors::default();
    let name = checked(name, rules, &mut errors);
    errors.finish(|| Some(()))?;
    versions::room(version)?;
    let old = get(tx, cx.scope, id).await?.ok_or(PointsError::NoProgramme)?;
    let changed = tx
        .execute(
            "UPDATE loyalty_programmes SET name = $3, version = version + 1
              WHERE org_id = $1 AND id = $2 AND version = $4",
            args![cx.scope.org_arg(), id.uuid(), name.as_str(), version],
        )
        .await
        .map_err(|error| taken(error, &name))?;
    if changed != 1 {
        return Err(PointsError::Changed(old.version));
    }
    VersionOf::Programme.add(tx, cx, id.uuid(), version + 1, cx.now(), rules).await?;
    let entry = Entry::new("loyalty.programme.change")
        .on("programme", id)
        .change("name", &old.name, &name)
        .change("version", version, version + 1)
        .change("approve_above", old.rules.approve_above, rules.approve_above);
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
    created_at: i64,
}

/// All programmes, by name.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<Programme>, DbError> {
    read(tx, scope, None, Which::All).await
}

/// All programmes, by name, each with its newest version alone: what a list shows.
///
/// # Errors
/// As the database says.
pub async fn newest(tx: &mut Tx, scope: Scope) -> Result<Vec<Programme>, DbError> {
    read(tx, scope, None, Which::Newest).await
}

/// The programme of an id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: ProgrammeId) -> Result<Option<Programme>, DbError> {
    Ok(read(tx, scope, Some(id), Which::All).await?.pop())
}

async fn read(
    tx: &mut Tx,
    scope: Scope,
    only: Option<ProgrammeId>,
    which: Which,
) -> Result<Vec<Programme>, DbError> {
    let (of_row, of_version) =
        if only.is_some() { ("AND id = $2", "AND programme_id = $2") } else { ("", "") };
    let newest = match which {
        Which::All => "",
        Which::Newest => {
            "AND version = (SELECT of.version FROM loyalty_programmes of
                             WHERE of.org_id = v.org_id AND of.id = v.programme_id)"
        }
    };
    let mut arguments = args![scope.org_arg()];
    arguments.extend(only.map(|id| id.uuid().into()));
    let rows: Vec<Row> = tx
        .fetch_all(
            AssertSqlSafe(format!(
                "SELECT id, name, currency, shops, zone_seconds, since, version, created_at
                   FROM loyalty_programmes WHERE org_id = $1 {of_row} ORDER BY name, id"
            )),
            arguments.clone(),
        )
        .await?;
    let versions: Vec<(Uuid, i64, i64, String)> = tx
        .fetch_all(
            AssertSqlSafe(format!(
                "SELECT programme_id, version, from_at, rules FROM loyalty_programme_versions v
                  WHERE org_id = $1 {of_version} {newest} ORDER BY programme_id, version"
            )),
            arguments,
        )
        .await?;
    rows.into_iter().map(|row| programme(row, &versions)).collect()
}

fn programme(row: Row, versions: &[(Uuid, i64, i64, String)]) -> Result<Programme, DbError> {
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
    Ok(Programme {
        id: ProgrammeId::from_uuid(row.id),
        currency: row.currency.parse().map_err(unreadable)?,
        shops: serde_json::from_str(&row.shops).map_err(unreadable)?,
        zone: zone.ok_or_else(|| unreadable("its zone"))?,
        since: Timestamp::from_millis(row.since),
        version: row.version,
        rules: newest.rules.clone(),
        created_at: Timestamp::from_millis(row.created_at),
        name: row.name,
        versions,
    })
}

//! Territories: parts of the market by region, looked after by those whose role reaches so far.

use kernel::TerritoryId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx};
use serde::Serialize;

use crate::model::PersonName;
use crate::store::people::lock_org;
use crate::store::reach as store;

/// Territories of one organisation.
const TERRITORIES_MAX: usize = 500;
/// Regions of one territory.
const REGIONS_MAX: usize = 200;
/// Longest name of a region, in characters.
const REGION_MAX_CHARS: usize = 60;

/// A part of the market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Territory {
    /// Which.
    pub id: TerritoryId,
    /// What it is called.
    pub name: String,
    /// Provinces, each as customers have it.
    pub regions: Vec<String>,
}

/// The regions of a territory: 1 to 200 names of provinces, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions(Vec<String>);

impl Regions {
    /// Reads them as typed.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(regions: &[String]) -> Result<Self, String> {
        let mut regions: Vec<String> =
            regions.iter().map(|region| region.trim().to_owned()).collect();
        regions.sort_unstable();
        regions.dedup();
        if regions.is_empty() || regions.len() > REGIONS_MAX {
            return Err(format!("must be 1 to {REGIONS_MAX} provinces"));
        }
        let fits = |region: &String| {
            (1..=REGION_MAX_CHARS).contains(&region.chars().count())
                && !region.contains(char::is_control)
        };
        match regions.iter().find(|region| !fits(region)) {
            Some(wrong) => Err(format!("`{}` is no name of a province", wrong.escape_debug())),
            None => Ok(Self(regions)),
        }
    }
}

/// Why a territory cannot be made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum TerritoryError {
    /// There is none.
    #[error("there is no such territory")]
    NotFound,
    /// Somebody has it.
    #[error("people have this territory; give them another first")]
    InUse,
    /// There are too many.
    #[error("an organisation has at most {TERRITORIES_MAX} territories")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// All territories by name.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<Territory>, DbError> {
    store::territories(tx, scope).await
}

/// Makes a territory.
///
/// # Errors
/// `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    name: &PersonName,
    regions: Regions,
) -> Result<Territory, TerritoryError> {
    lock_org(tx, cx.scope).await?;
    if list(tx, cx.scope).await?.len() >= TERRITORIES_MAX {
        return Err(TerritoryError::TooMany);
    }
    let territory =
        Territory { id: cx.fresh(), name: name.as_str().to_owned(), regions: regions.0 };
    store::put_territory(tx, cx, &territory).await?;
    let entry = Entry::new("identity.territory.create")
        .on("territory", territory.id)
        .with("name", &territory.name)
        .with("regions", &territory.regions);
    audit::record(tx, cx, entry).await?;
    Ok(territory)
}

/// Names a territory and says what is in it. It holds from the next request on of everybody who has it.
///
/// # Errors
/// `NotFound`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: TerritoryId,
    name: &PersonName,
    regions: Regions,
) -> Result<Territory, TerritoryError> {
    lock_org(tx, cx.scope).await?;
    let known = list(tx, cx.scope).await?;
    let before = known.iter().find(|known| known.id == id).ok_or(TerritoryError::NotFound)?;
    let territory = Territory { id, name: name.as_str().to_owned(), regions: regions.0 };
    store::put_territory(tx, cx, &territory).await?;
    let entry = Entry::new("identity.territory.change")
        .on("territory", id)
        .change("name", &before.name, &territory.name)
        .change("regions", &before.regions, &territory.regions);
    audit::record(tx, cx, entry).await?;
    Ok(territory)
}

/// Deletes a territory that nobody has.
///
/// # Errors
/// `NotFound`, `InUse`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, id: TerritoryId) -> Result<(), TerritoryError> {
    lock_org(tx, cx.scope).await?;
    let known = list(tx, cx.scope).await?;
    let before = known.iter().find(|known| known.id == id).ok_or(TerritoryError::NotFound)?;
    if !store::delete_territory(tx, cx.scope, id).await? {
        return Err(TerritoryError::InUse);
    }
    let entry = Entry::new("identity.territory.delete")
        .on("territory", id)
        .without("name", &before.name)
        .without("regions", &before.regions);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_trimmed_sorted_and_told_once() {
        let of = |regions: &[&str]| {
            Regions::new(&regions.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&[" b", "a", "b"]), Ok(Regions(vec!["a".to_owned(), "b".to_owned()])));
        assert!(of(&[]).is_err() && of(&["a", " "]).is_err() && of(&["a\u{7}"]).is_err());
        assert!(of(&["x".repeat(61).as_str()]).is_err());
    }
}

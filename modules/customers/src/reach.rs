//! The one place where views of customers are cut: by owner and province of the root, which stand for the
//! whole family.

use std::collections::{HashMap, HashSet};

use kernel::{Reach, UserId};
use platform::db::Fragment;
use platform::{Args, Ctx, DbError, Tx};
use uuid::Uuid;

use crate::{roots, store};

/// Of `ids`, those that whoever asks may see. Such that are not there are among them only for whoever
/// sees everything.
///
/// # Errors
/// As the database says.
pub async fn within(tx: &mut Tx, cx: &Ctx, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbError> {
    let reach = cx.access.reach();
    if reach.is_all() {
        return Ok(ids.iter().copied().collect());
    }
    let root_of = roots::roots(tx, cx.scope, ids).await?;
    let tops = roots::distinct(&root_of.values().copied().collect::<Vec<_>>());
    let places: HashMap<Uuid, Place> = places(tx, cx, &tops).await?;
    Ok(root_of
        .into_iter()
        .filter(|(_, root)| places.get(root).is_some_and(|place| place.is_in(reach)))
        .map(|(id, _)| id)
        .collect())
}

/// Where a customer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub owner: Option<UserId>,
    /// Its province.
    pub province: Option<String>,
}

impl Place {
    /// Whether it is in `reach`.
    #[must_use]
    pub fn is_in(&self, reach: &Reach) -> bool {
        let province = self.province.as_deref().filter(|province| !province.is_empty());
        reach.holds(self.owner, province)
    }
}

/// Where each of some roots stands, whoever asks.
///
/// # Errors
/// As the database says.
pub async fn places(
    tx: &mut Tx,
    cx: &Ctx,
    roots: &[Uuid],
) -> Result<HashMap<Uuid, Place>, DbError> {
    Ok(store::owners::places(tx, cx.scope, roots).await?.into_iter().collect())
}

/// The condition that `column`, a customer, is one whom whoever asks may see; `None` if that is everyone.
/// The statement's first argument must be the organisation.
#[must_use]
pub fn condition(cx: &Ctx, column: &str) -> Option<Fragment> {
    let reach = cx.access.reach();
    if reach.is_all() {
        return None;
    }
    let mut args = Args::new();
    let mut parts = String::new();
    for part in reach.parts() {
        let mut any = Vec::new();
        let owners = part.owners().iter().map(|owner| (*owner).into());
        let regions = part.regions().iter().map(|region| region.into());
        for (what, values) in [("owner", owners.collect::<Args>()), ("province", regions.collect())]
        {
            if !values.is_empty() {
                any.push(format!("{what} IN ({})", vec![Fragment::PLACE; values.len()].join(",")));
                args.extend(values);
            }
        }
        let any = if any.is_empty() { "1 = 0".to_owned() } else { any.join(" OR ") };
        parts.push_str(&format!(" AND ({any})"));
    }
    let sql = format!(
        "{column} IN (
           WITH RECURSIVE seen (id) AS (
             SELECT id FROM customers_customers WHERE org_id = $1 AND merged_into IS NULL{parts}
             UNION ALL
             SELECT c.id FROM customers_customers c JOIN seen ON c.merged_into = seen.id
              WHERE c.org_id = $1)
           SELECT id FROM seen)"
    );
    Some(Fragment { sql, args })
}

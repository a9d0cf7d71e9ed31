//! Families: a merge moves nothing, so readers gather what belongs together.
//!
//! `merged_into` points to the direct keeper. The *root* of a customer is found by following it; the
//! *family* of a root are all customers that lead to it, itself included.

use std::collections::{HashMap, HashSet};

use platform::{DbError, Scope, Tx};
use uuid::Uuid;

use crate::store;

/// Customers of one family at most; a merge beyond is refused.
pub const FAMILY_MAX: usize = 100;

/// The root of each customer; one that was not merged, or is not there, is its own.
///
/// # Errors
/// As the database says.
pub async fn roots(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>, DbError> {
    let distinct = distinct(ids);
    let mut roots: HashMap<Uuid, Uuid> = distinct.iter().map(|id| (*id, *id)).collect();
    roots.extend(store::family::roots_of_merged(tx, scope, &distinct).await?);
    Ok(roots)
}

/// The root of one customer.
///
/// # Errors
/// As the database says.
pub async fn root(tx: &mut Tx, scope: Scope, id: Uuid) -> Result<Uuid, DbError> {
    Ok(roots(tx, scope, &[id]).await?.remove(&id).unwrap_or(id))
}

/// The family of `root`: itself first, then the others by id.
///
/// For a customer that is merged itself: the part of the family that leads to it.
///
/// # Errors
/// As the database says.
pub async fn family(tx: &mut Tx, scope: Scope, root: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(families(tx, scope, &[root]).await?.remove(&root).unwrap_or_default())
}

/// The family of each of `roots`; see [`family`].
///
/// # Errors
/// As the database says.
pub async fn families(
    tx: &mut Tx,
    scope: Scope,
    roots: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Uuid>>, DbError> {
    let distinct = distinct(roots);
    let mut families: HashMap<Uuid, Vec<Uuid>> =
        distinct.iter().map(|root| (*root, vec![*root])).collect();
    for (root, member) in store::family::descendants(tx, scope, &distinct).await? {
        families.entry(root).or_default().push(member);
    }
    Ok(families)
}

/// Every merged customer with its root. Memory grows with the number of merges.
///
/// # Errors
/// As the database says.
pub async fn all_merged(tx: &mut Tx, scope: Scope) -> Result<HashMap<Uuid, Uuid>, DbError> {
    let links: HashMap<Uuid, Uuid> = store::family::links(tx, scope).await?.into_iter().collect();
    let root_of = |id: Uuid| {
        let mut place = id;
        // A damaged table must not hang the program.
        for _ in 0..FAMILY_MAX {
            match links.get(&place) {
                Some(next) => place = *next,
                None => break,
            }
        }
        place
    };
    Ok(links.keys().map(|id| (*id, root_of(*id))).collect())
}

/// Root and name of each customer, the name being the root's; for lists of orders. Customers that are
/// not there are left out.
///
/// # Errors
/// As the database says.
pub async fn name_of(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, (Uuid, String)>, DbError> {
    let roots = roots(tx, scope, ids).await?;
    let distinct = distinct(&roots.values().copied().collect::<Vec<_>>());
    let names: HashMap<Uuid, String> =
        store::family::names(tx, scope, &distinct).await?.into_iter().collect();
    Ok(roots
        .into_iter()
        .filter_map(|(id, root)| Some((id, (root, names.get(&root)?.clone()))))
        .collect())
}

/// Each id once, ascending: neighbours in an index are read together.
pub(crate) fn distinct(ids: &[Uuid]) -> Vec<Uuid> {
    let mut distinct: Vec<Uuid> = ids.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    distinct.sort_unstable();
    distinct
}

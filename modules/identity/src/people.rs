//! Who a user is, for those who know only the id.

use std::collections::HashMap;

use kernel::{Person, UserId};
use platform::access::Permissions;
use platform::crypto::OrgKeys;
use platform::{DbError, Scope, Tx};

use crate::store;

/// Names of some users; those who are not there are left out.
///
/// # Errors
/// As the database says.
pub async fn names_of(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<HashMap<UserId, Person>, DbError> {
    let mut ids: Vec<UserId> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let people = store::people(tx, scope, keys, &ids).await?;
    Ok(people.into_iter().map(|(id, name, email)| (id, Person { name, email })).collect())
}

/// What the role of a user allows; nothing for whoever is deactivated or gone.
///
/// # Errors
/// As the database says.
pub async fn rights_of(tx: &mut Tx, scope: Scope, user: UserId) -> Result<Permissions, DbError> {
    store::people::rights(tx, scope, user).await
}

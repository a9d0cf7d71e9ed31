//! Finds a user by address.

use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};

use crate::model::{Email, User};
use crate::store;

/// The user who signs in with `email`.
///
/// # Errors
/// As the database says.
pub async fn find_user(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    email: &Email,
) -> Result<Option<User>, DbError> {
    let found = store::user_by_email(tx, cx.scope, keys, email).await?;
    Ok(found.map(|(user, _)| user))
}
